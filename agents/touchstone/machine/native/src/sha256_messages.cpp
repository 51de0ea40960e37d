#include "sha256_messages.h"

#include <cstring>

#include "sha256_constants.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace touchstone {
namespace {

constexpr int kBlockBytes = 64;
constexpr int kHashWords = 8;

uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

uint32_t big_endian(const uint8_t* p) { return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]}; }

void put_big_endian(uint8_t* p, uint32_t word) {
    for (int i = 0; i < 4; i++) p[i] = static_cast<uint8_t>(word >> (24 - 8 * i));
}

constexpr int kEndingBytes = 2 * kBlockBytes;

// Writes the last one or two blocks of a message: what is left of it beyond whole blocks, a one bit, zeros, and the length in bits.
// Returns how many there are.
int write_ending(const uint8_t* message, int64_t bytes, uint8_t to[kEndingBytes]) {
    const int64_t left = bytes % kBlockBytes;
    const int blocks = left + 9 > kBlockBytes ? 2 : 1;
    std::memset(to, 0, kEndingBytes);
    std::memcpy(to, message + bytes - left, left);
    to[left] = 0x80;
    uint8_t* length = to + blocks * kBlockBytes - 8;
    put_big_endian(length, static_cast<uint32_t>(bytes * 8 >> 32));
    put_big_endian(length + 4, static_cast<uint32_t>(bytes * 8));
    return blocks;
}

void compress(uint32_t state[kHashWords], const uint8_t* block) {
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
    const uint32_t working[kHashWords] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < kHashWords; i++) state[i] += working[i];
}

#if defined(__x86_64__)

#define TS_SHA __attribute__((target("sha,sse4.1,ssse3")))

constexpr int64_t kAhead = 4096;  // the next four chunks; the processor does not foresee where a message of 1,024 bytes goes on

// One block of each message. Each round waits for the one before, other messages fill the wait. The instructions want the state as
// (a b e f) and (c d g h).
template <int count>
TS_SHA __attribute__((always_inline)) inline void compress_together(__m128i (&abef)[count], __m128i (&cdgh)[count], const uint8_t* first, int64_t step) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abef0[count], cdgh0[count], w[count][4];
    for (int m = 0; m < count; m++) {
        abef0[m] = abef[m], cdgh0[m] = cdgh[m];
        for (int i = 0; i < 4; i++) w[m][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(first + m * step + 16 * i)), swap);
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
    for (int m = 0; m < count; m++) abef[m] = _mm_add_epi32(abef[m], abef0[m]), cdgh[m] = _mm_add_epi32(cdgh[m], cdgh0[m]);
}

template <int count>
TS_SHA void hash_together(const uint8_t* data, int64_t bytes, uint8_t* hashes) {
    const uint32_t* h = kShaInitial;
    __m128i abef[count], cdgh[count];
    for (int m = 0; m < count; m++) {
        abef[m] = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
        cdgh[m] = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
    }
    for (int64_t at = 0; at + kBlockBytes <= bytes; at += kBlockBytes) {
        for (int m = 0; m < count; m++) _mm_prefetch((const char*)(data + m * bytes + at + kAhead), _MM_HINT_T0);
        compress_together<count>(abef, cdgh, data + at, bytes);
    }
    uint8_t endings[count][kEndingBytes];
    int blocks = 0;
    for (int m = 0; m < count; m++) blocks = write_ending(data + m * bytes, bytes, endings[m]);
    for (int b = 0; b < blocks; b++) compress_together<count>(abef, cdgh, endings[0] + b * kBlockBytes, kEndingBytes);
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    for (int m = 0; m < count; m++) {
        const __m128i feba = _mm_shuffle_epi32(abef[m], 0x1b), dchg = _mm_shuffle_epi32(cdgh[m], 0xb1);
        auto* out = (__m128i*)(hashes + m * kHashWords * 4);
        _mm_storeu_si128(out, _mm_shuffle_epi8(_mm_blend_epi16(feba, dchg, 0xf0), swap));
        _mm_storeu_si128(out + 1, _mm_shuffle_epi8(_mm_alignr_epi8(dchg, feba, 8), swap));
    }
}

void hash_messages_sha(const uint8_t* data, int64_t bytes, int count, uint8_t* hashes) {
    switch (count) {
        case 1: return hash_together<1>(data, bytes, hashes);
        case 2: return hash_together<2>(data, bytes, hashes);
        case 3: return hash_together<3>(data, bytes, hashes);
        default: return hash_together<kMessages>(data, bytes, hashes);
    }
}

bool has_sha_instructions() {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 29))) return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 19)) && (c & (1u << 9));
}

#endif

}  // namespace

void hash_messages_portable(const uint8_t* data, int64_t bytes, int count, uint8_t* hashes) {
    for (int m = 0; m < count; m++, data += bytes) {
        uint32_t state[kHashWords];
        uint8_t ending[kEndingBytes];
        std::memcpy(state, kShaInitial, sizeof state);
        for (int64_t at = 0; at + kBlockBytes <= bytes; at += kBlockBytes) compress(state, data + at);
        const int blocks = write_ending(data, bytes, ending);
        for (int b = 0; b < blocks; b++) compress(state, ending + b * kBlockBytes);
        for (int i = 0; i < kHashWords; i++, hashes += 4) put_big_endian(hashes, state[i]);
    }
}

HashMessages hash_messages_with_instructions() {
#if defined(__x86_64__)
    static const bool has = has_sha_instructions();
    if (has) return hash_messages_sha;
#endif
    return nullptr;
}

}  // namespace touchstone
