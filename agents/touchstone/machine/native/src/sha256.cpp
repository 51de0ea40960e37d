#include "sha256.h"

#include <algorithm>
#include <cstring>

#include "kernels.h"
#include "sha256_constants.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace touchstone {
namespace {

uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

uint32_t big_endian(const uint8_t* p) { return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]}; }

void put_big_endian(uint8_t* p, uint32_t word) {
    for (int i = 0; i < 4; i++) p[i] = static_cast<uint8_t>(word >> (24 - 8 * i));
}

// ---- one 64-byte block into the running state of each of `count` messages (1 or 2) ----

using Compress = void (*)(uint32_t (*states)[8], const uint8_t* const* blocks, int count);

void compress_portable_one(uint32_t state[8], const uint8_t* block) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++) w[i] = big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        const uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
        const uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        const uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        const uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kShaRound[i] + w[i];
        const uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        const uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const uint32_t working[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] += working[i];
}

void compress_portable(uint32_t (*states)[8], const uint8_t* const* blocks, int count) {
    for (int m = 0; m < count; m++) compress_portable_one(states[m], blocks[m]);
}

#if defined(__x86_64__)

// The processor's SHA instructions. Two messages side by side: each round waits for the one before, another message fills the wait.
template <int count>
__attribute__((target("sha,sse4.1,ssse3"), always_inline)) inline void compress_sha_ni_of(uint32_t (*states)[8], const uint8_t* const* blocks) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abef[count], cdgh[count], abef0[count], cdgh0[count], w[count][4];
    for (int m = 0; m < count; m++) {
        // The instructions want the state as (a b e f) and (c d g h).
        const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i*)states[m]), 0xb1);
        const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i*)(states[m] + 4)), 0x1b);
        abef0[m] = abef[m] = _mm_alignr_epi8(cdab, efgh, 8);
        cdgh0[m] = cdgh[m] = _mm_blend_epi16(efgh, cdab, 0xf0);
        for (int i = 0; i < 4; i++) w[m][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(blocks[m] + 16 * i)), swap);
    }
#pragma GCC unroll 16
    for (int quad = 0; quad < 16; quad++) {
        const __m128i constants = _mm_load_si128((const __m128i*)(kShaRound + 4 * quad));
        for (int m = 0; m < count; m++) {
            __m128i* words = w[m];
            const __m128i now = words[quad & 3];
            const __m128i added = _mm_add_epi32(now, constants);
            cdgh[m] = _mm_sha256rnds2_epu32(cdgh[m], abef[m], added);
            abef[m] = _mm_sha256rnds2_epu32(abef[m], cdgh[m], _mm_shuffle_epi32(added, 0x0e));
            if (quad < 12) {
                // The four words that are used four quads from now.
                const __m128i next = words[(quad + 1) & 3], after = words[(quad + 2) & 3], last = words[(quad + 3) & 3];
                const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(now, next), _mm_alignr_epi8(last, after, 4));
                words[quad & 3] = _mm_sha256msg2_epu32(sum, last);
            }
        }
    }
    for (int m = 0; m < count; m++) {
        const __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef[m], abef0[m]), 0x1b);
        const __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh[m], cdgh0[m]), 0xb1);
        _mm_storeu_si128((__m128i*)states[m], _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128((__m128i*)(states[m] + 4), _mm_alignr_epi8(dchg, feba, 8));
    }
}

__attribute__((target("sha,sse4.1,ssse3"))) void compress_sha_ni(uint32_t (*states)[8], const uint8_t* const* blocks, int count) {
    if (count == 2) {
        compress_sha_ni_of<2>(states, blocks);
    } else {
        compress_sha_ni_of<1>(states, blocks);
    }
}

bool has_sha_ni() {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 29))) return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 19)) && (c & (1u << 9));
}

#endif

// What one instruction set hashes with. Its lowest level does without any special instructions.
struct Hasher {
    Compress compress = compress_portable;
    HashLanes lanes = nullptr;
    int lane_count = 0;
};

Hasher choose() {
    const Kernels& level = kernels();
    Hasher hasher;
    hasher.lanes = level.hash_lanes, hasher.lane_count = level.hash_lane_count;
#if defined(__x86_64__)
    static const bool instructions = has_sha_ni();
    if (instructions && std::strcmp(level.name, "base") != 0) hasher.compress = compress_sha_ni;
#endif
    return hasher;
}

// Hashes one or two messages of the same length, a multiple of 64 bytes.
void hash_messages(Compress compress, const uint8_t* const* messages, int count, int64_t bytes, uint8_t* const* hashes) {
    uint32_t states[2][8];
    for (int m = 0; m < count; m++) std::memcpy(states[m], kShaInitial, sizeof kShaInitial);
    const uint8_t* blocks[2];
    for (int64_t at = 0; at < bytes; at += 64) {
        for (int m = 0; m < count; m++) blocks[m] = messages[m] + at;
        compress(states, blocks, count);
    }
    uint8_t padding[64] = {0x80};
    put_big_endian(padding + 60, static_cast<uint32_t>(bytes * 8));
    for (int m = 0; m < count; m++) blocks[m] = padding;
    compress(states, blocks, count);
    for (int m = 0; m < count; m++) {
        for (int i = 0; i < 8; i++) put_big_endian(hashes[m] + 4 * i, states[m][i]);
    }
}

// Message i of `size` bytes, a multiple of 64, begins at data + i·size; its hash goes to hashes + 32·i.
void hash_row(const Hasher& hasher, const uint8_t* data, int64_t size, int64_t begin, int64_t end, uint8_t* hashes) {
    const int lanes = hasher.lane_count;
    for (; lanes > 0 && end - begin >= lanes; begin += lanes) hasher.lanes(data + begin * size, size, hashes + begin * kHashBytes);
    for (int64_t i = begin; i < end; i += 2) {
        const int count = end - i >= 2 ? 2 : 1;
        const uint8_t* messages[2] = {data + i * size, data + (i + 1) * size};
        uint8_t* out[2] = {hashes + i * kHashBytes, hashes + (i + 1) * kHashBytes};
        hash_messages(hasher.compress, messages, count, size, out);
    }
}

// Leaves of the chunks begin … end−1 of a tensor, the last one padded with zeros.
void hash_chunks(const Hasher& hasher, const Bytes& tensor, int64_t begin, int64_t end, uint8_t* leaves) {
    const int64_t whole = std::min(end, tensor.size / kChunkBytes);
    hash_row(hasher, tensor.data + begin * kChunkBytes, kChunkBytes, 0, whole - begin, leaves);
    if (whole == end) return;
    uint8_t last[kChunkBytes] = {};
    std::memcpy(last, tensor.data + whole * kChunkBytes, tensor.size % kChunkBytes);
    hash_row(hasher, last, kChunkBytes, 0, 1, leaves + (whole - begin) * kHashBytes);
}

// ---- trees ----

constexpr int kGroupLevels = 6;  // a thread hashes whole subtrees of 64 chunks: nothing to wait for, everything in its cache
constexpr int64_t kGroupChunks = int64_t{1} << kGroupLevels;
constexpr int kMaxLevels = 32;

int depth_of(int64_t leaves) {
    int depth = 0;
    while ((int64_t{1} << depth) < leaves) depth++;
    return depth;
}

struct ZeroSubtrees {
    uint8_t of_level[kMaxLevels][kHashBytes] = {};

    ZeroSubtrees() {
        for (int level = 1; level < kMaxLevels; level++) {
            uint8_t pair[2 * kHashBytes];
            std::memcpy(pair, of_level[level - 1], kHashBytes);
            std::memcpy(pair + kHashBytes, of_level[level - 1], kHashBytes);
            hash_row(Hasher{}, pair, sizeof pair, 0, 1, of_level[level]);
        }
    }
};

// Folds `count` neighbouring nodes of level `from` up to level `to`, padded on the right with zero subtrees. `nodes` has room for one more.
void fold_levels(const Hasher& hasher, std::vector<uint8_t>& nodes, int64_t count, int from, int to) {
    static const ZeroSubtrees zero;
    std::vector<uint8_t> above(nodes.size());
    for (int level = from; level < to; level++) {
        std::memcpy(nodes.data() + count * kHashBytes, zero.of_level[level], kHashBytes);
        count = (count + 1) / 2;
        hash_row(hasher, nodes.data(), 2 * kHashBytes, 0, count, above.data());
        nodes.swap(above);
    }
}

// One subtree of a tensor.
struct Subtree {
    const Bytes* tensor;
    int64_t begin, end;  // chunks
    int levels;
    uint8_t* root;
};

}  // namespace

int64_t chunk_count(int64_t bytes) { return (bytes + kChunkBytes - 1) / kChunkBytes; }

void hash_leaves(const Bytes& tensor, uint8_t* leaves, ThreadPool& pool) {
    const Hasher hasher = choose();
    pool.parallel(chunk_count(tensor.size), kGroupChunks,
                  [&](int64_t begin, int64_t end, int) { hash_chunks(hasher, tensor, begin, end, leaves + begin * kHashBytes); });
}

void hash_blocks(const Bytes& data, int64_t block_bytes, uint8_t* hashes, ThreadPool& pool) {
    const Hasher hasher = choose();
    pool.parallel(data.size / block_bytes, std::max(2, hasher.lane_count),
                  [&](int64_t begin, int64_t end, int) { hash_row(hasher, data.data, block_bytes, begin, end, hashes); });
}

void tensor_roots(const std::vector<Bytes>& tensors, uint8_t* roots, ThreadPool& pool) {
    const Hasher hasher = choose();
    std::vector<std::vector<uint8_t>> tops(tensors.size());  // roots of the subtrees of each tensor, with room for one more
    std::vector<Subtree> subtrees;
    for (size_t t = 0; t < tensors.size(); t++) {
        const int64_t chunks = chunk_count(tensors[t].size);
        const int levels = std::min(kGroupLevels, depth_of(chunks));
        tops[t].resize(((chunks + kGroupChunks - 1) / kGroupChunks + 1) * kHashBytes);
        for (int64_t at = 0; at < chunks; at += kGroupChunks) {
            subtrees.push_back({&tensors[t], at, std::min(chunks, at + kGroupChunks), levels, tops[t].data() + at / kGroupChunks * kHashBytes});
        }
    }
    pool.parallel(static_cast<int64_t>(subtrees.size()), 2, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; i++) {
            const Subtree& subtree = subtrees[i];
            std::vector<uint8_t> nodes((kGroupChunks + 1) * kHashBytes);
            hash_chunks(hasher, *subtree.tensor, subtree.begin, subtree.end, nodes.data());
            fold_levels(hasher, nodes, subtree.end - subtree.begin, 0, subtree.levels);
            std::memcpy(subtree.root, nodes.data(), kHashBytes);
        }
    });
    for (size_t t = 0; t < tensors.size(); t++) {
        const int64_t chunks = chunk_count(tensors[t].size), count = (chunks + kGroupChunks - 1) / kGroupChunks;
        fold_levels(hasher, tops[t], count, kGroupLevels, depth_of(chunks));
        std::memcpy(roots + t * kHashBytes, tops[t].data(), kHashBytes);
    }
}

}  // namespace touchstone
