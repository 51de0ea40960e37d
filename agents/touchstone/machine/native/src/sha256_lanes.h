// SHA-256 of sixteen messages at a time, one in each lane of the processor's 512-bit vectors.
#pragma once

#include <cstdint>

namespace touchstone {

constexpr int kShaLanes = 16;

// Whether this processor and operating system can run hash_lanes.
bool has_sha_lanes();

// Hashes the sixteen messages data, data + bytes, data + 2·bytes, …; `bytes` is a multiple of 64. Their hashes stand one after another.
void hash_lanes(const uint8_t* data, int64_t bytes, uint8_t* hashes);

}  // namespace touchstone
