#include "sha256.h"

#include <cstring>
#include <vector>

#include "sha256_constants.h"
#include "sha256_lanes.h"

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

Compress choose() {
#if defined(__x86_64__)
    if (has_sha_ni()) return compress_sha_ni;
#endif
    return compress_portable;
}

const Compress compress = choose();

// Hashes one or two messages of the same length, a multiple of 64 bytes.
void hash_messages(const uint8_t* const* messages, int count, int64_t bytes, uint8_t* const* hashes) {
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

// Message i of `size` bytes begins at data + i·size, its hash goes to hashes + 32·i.
void hash_row(const uint8_t* data, int64_t size, int64_t begin, int64_t end, uint8_t* hashes) {
    static const bool lanes = has_sha_lanes();
    for (; lanes && end - begin >= kShaLanes; begin += kShaLanes) hash_lanes(data + begin * size, size, hashes + begin * kHashBytes);
    for (int64_t i = begin; i < end; i += 2) {
        const int count = end - i >= 2 ? 2 : 1;
        const uint8_t* messages[2] = {data + i * size, data + (i + 1) * size};
        uint8_t* out[2] = {hashes + i * kHashBytes, hashes + (i + 1) * kHashBytes};
        hash_messages(messages, count, size, out);
    }
}

}  // namespace

int64_t chunk_count(int64_t bytes) { return (bytes + kChunkBytes - 1) / kChunkBytes; }

void hash_leaves(const uint8_t* data, int64_t bytes, uint8_t* leaves, ThreadPool& pool) {
    const int64_t whole = bytes / kChunkBytes, rest = bytes % kChunkBytes;
    pool.parallel(whole, 64, [&](int64_t begin, int64_t end, int) { hash_row(data, kChunkBytes, begin, end, leaves); });
    if (rest == 0) return;
    uint8_t last[kChunkBytes] = {};
    std::memcpy(last, data + whole * kChunkBytes, rest);
    hash_row(last, kChunkBytes, 0, 1, leaves + whole * kHashBytes);
}

void tensor_root(const uint8_t* data, int64_t bytes, uint8_t root[kHashBytes], ThreadPool& pool) {
    int64_t count = chunk_count(bytes);
    std::vector<uint8_t> level((count + 1) * kHashBytes), above((count / 2 + 2) * kHashBytes);
    hash_leaves(data, bytes, level.data(), pool);
    uint8_t zero[2 * kHashBytes] = {};  // the zero subtree of the level, twice: the message that gives the next one
    while (count > 1) {
        std::memcpy(level.data() + count * kHashBytes, zero, kHashBytes);
        const int64_t parents = (count + 1) / 2;
        pool.parallel(parents, 512, [&](int64_t begin, int64_t end, int) { hash_row(level.data(), 2 * kHashBytes, begin, end, above.data()); });
        level.swap(above);
        level.resize((parents + 1) * kHashBytes);
        above.resize((parents / 2 + 2) * kHashBytes);
        hash_row(zero, 2 * kHashBytes, 0, 1, zero);
        std::memcpy(zero + kHashBytes, zero, kHashBytes);
        count = parents;
    }
    std::memcpy(root, level.data(), kHashBytes);
}

}  // namespace touchstone
