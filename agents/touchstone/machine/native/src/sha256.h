// SHA-256 and the Merkle roots of tensors (specification, section 4).
#pragma once

#include <cstdint>
#include <vector>

#include "threads.h"

namespace touchstone {

constexpr int64_t kChunkBytes = 1024;
constexpr int64_t kHashBytes = 32;

struct Bytes {
    const uint8_t* data;
    int64_t size;
};

int64_t chunk_count(int64_t bytes);

// SHA-256 of each 1,024-byte chunk, the last one padded with zeros; `leaves` has room for one hash per chunk.
void hash_leaves(const Bytes& tensor, uint8_t* leaves, ThreadPool& pool);

// SHA-256 of each block, of which the last may be shorter; `block_bytes` is a multiple of 64.
void hash_blocks(const Bytes& data, int64_t block_bytes, uint8_t* hashes, ThreadPool& pool);

// Roots of the trees over the leaves of each tensor, one after another; every tensor has at least one byte.
void tensor_roots(const std::vector<Bytes>& tensors, uint8_t* roots, ThreadPool& pool);

}  // namespace touchstone
