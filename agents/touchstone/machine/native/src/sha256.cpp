#include "sha256.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels.h"
#include "sha256_messages.h"

namespace touchstone {
namespace {

// What one instruction set hashes with. Its lowest level does without any special instructions.
struct Hasher {
    HashMessages messages = hash_messages_portable;
    HashLanes lanes = nullptr;
    int lane_count = 0;
};

// The SHA instructions are faster than lanes, where a processor has both; TOUCHSTONE_SHA=lanes does without them.
Hasher choose() {
    const Kernels& level = kernels();
    const char* wanted = std::getenv("TOUCHSTONE_SHA");
    const HashMessages instructions = hash_messages_with_instructions();
    const bool unused = wanted != nullptr && std::strcmp(wanted, "lanes") == 0;
    if (instructions != nullptr && !unused && std::strcmp(level.name, "base") != 0) return {instructions, nullptr, 0};
    return {hash_messages_portable, level.hash_lanes, level.hash_lane_count};
}

// Message i of `size` bytes, a multiple of 64, begins at data + i·size; its hash goes to hashes + 32·i.
void hash_row(const Hasher& hasher, const uint8_t* data, int64_t size, int64_t begin, int64_t end, uint8_t* hashes) {
    const int lanes = hasher.lane_count;
    for (; lanes > 0 && end - begin >= lanes; begin += lanes) hasher.lanes(data + begin * size, size, hashes + begin * kHashBytes);
    for (int64_t i = begin; i < end; i += kMessages) {
        const int count = static_cast<int>(std::min<int64_t>(kMessages, end - i));
        hasher.messages(data + i * size, size, count, hashes + i * kHashBytes);
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
    const int64_t whole = data.size / block_bytes, blocks = (data.size + block_bytes - 1) / block_bytes;
    pool.parallel(blocks, std::max(kMessages, hasher.lane_count), [&](int64_t begin, int64_t end, int) {
        hash_row(hasher, data.data, block_bytes, begin, std::min(end, whole), hashes);
        if (end > whole) hasher.messages(data.data + whole * block_bytes, data.size % block_bytes, 1, hashes + whole * kHashBytes);
    });
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
