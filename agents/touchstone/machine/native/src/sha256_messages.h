// SHA-256 of messages that follow one another in memory: without special instructions, and with the processor's.
#pragma once

#include <cstdint>

namespace touchstone {

// SHA-256 of the messages data, data + bytes, …, `count` ≤ kMessages of them. Their hashes stand one after another.
using HashMessages = void (*)(const uint8_t* data, int64_t bytes, int count, uint8_t* hashes);

constexpr int kMessages = 4;

void hash_messages_portable(const uint8_t* data, int64_t bytes, int count, uint8_t* hashes);

// With the processor's SHA instructions; nullptr where it has none.
HashMessages hash_messages_with_instructions();

}  // namespace touchstone
