// SHA-256 (FIPS 180-4) and the Merkle trees of the specification, section 4.
#pragma once

#include <cstddef>
#include <cstdint>

#include "threads.h"

namespace touchstone {

constexpr int64_t kChunkBytes = 1024;
constexpr int64_t kHashBytes = 32;

int64_t chunk_count(int64_t bytes);

// 32 bytes per chunk of `data`; the last chunk is padded with zero bytes.
void hash_leaves(const uint8_t* data, int64_t bytes, uint8_t* leaves, ThreadPool& pool);

// The root of the tree over the chunks of `data`.
void tensor_root(const uint8_t* data, int64_t bytes, uint8_t root[kHashBytes], ThreadPool& pool);

}  // namespace touchstone
