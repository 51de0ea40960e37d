#include "sha256_lanes.h"

#include "sha256_constants.h"

#if defined(__x86_64__)
// GCC 12's own headers initialise "undefined" vectors with themselves and then warn about it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace touchstone {

#if defined(__x86_64__)

#define TS_AVX512 __attribute__((target("avx512f,avx512bw")))

namespace {

using Lanes = __m512i;

TS_AVX512 inline __attribute__((always_inline)) Lanes add(Lanes a, Lanes b) { return _mm512_add_epi32(a, b); }
TS_AVX512 inline __attribute__((always_inline)) Lanes xor3(Lanes a, Lanes b, Lanes c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }

// Rows become columns: afterwards rows[k] holds word k of every lane.
TS_AVX512 inline __attribute__((always_inline)) void transpose(Lanes rows[16]) {
    Lanes t[16];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        rows[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        rows[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        rows[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        rows[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        rows[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        rows[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        rows[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

TS_AVX512 inline __attribute__((always_inline)) Lanes swap_bytes(Lanes words) {
    const Lanes order = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
    return _mm512_shuffle_epi8(words, order);
}

// The next word of the schedule replaces the one of sixteen rounds ago.
TS_AVX512 inline __attribute__((always_inline)) Lanes scheduled(const Lanes w[16], int round) {
    const Lanes w15 = w[(round + 1) & 15], w2 = w[(round + 14) & 15];
    const Lanes s0 = xor3(_mm512_ror_epi32(w15, 7), _mm512_ror_epi32(w15, 18), _mm512_srli_epi32(w15, 3));
    const Lanes s1 = xor3(_mm512_ror_epi32(w2, 17), _mm512_ror_epi32(w2, 19), _mm512_srli_epi32(w2, 10));
    return add(add(w[round & 15], s0), add(w[(round + 9) & 15], s1));
}

TS_AVX512 void compress(Lanes state[8], Lanes w[16]) {
    Lanes a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
#pragma GCC unroll 64
    for (int round = 0; round < 64; round++) {
        if (round >= 16) w[round & 15] = scheduled(w, round);
        const Lanes s1 = xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
        const Lanes choice = _mm512_ternarylogic_epi32(e, f, g, 0xca);
        const Lanes constant = _mm512_set1_epi32(static_cast<int>(kShaRound[round]));
        const Lanes t1 = add(add(add(h, s1), add(choice, constant)), w[round & 15]);
        const Lanes s0 = xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
        const Lanes t2 = add(s0, _mm512_ternarylogic_epi32(a, b, c, 0xe8));
        h = g, g = f, f = e, e = add(d, t1), d = c, c = b, b = a, a = add(t1, t2);
    }
    const Lanes working[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] = add(state[i], working[i]);
}

}  // namespace

bool has_sha_lanes() {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return false;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0xe6) != 0xe6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    return (b & (1u << 16)) && (b & (1u << 30));  // F, BW
}

TS_AVX512 void hash_lanes(const uint8_t* data, int64_t bytes, uint8_t* hashes) {
    Lanes state[8], w[16];
    for (int i = 0; i < 8; i++) state[i] = _mm512_set1_epi32(static_cast<int>(kShaInitial[i]));
    for (int64_t at = 0; at < bytes; at += 64) {
        for (int lane = 0; lane < kShaLanes; lane++) w[lane] = swap_bytes(_mm512_loadu_si512(data + lane * bytes + at));
        transpose(w);
        compress(state, w);
    }
    // The padding block: a one bit, zeros, and the length in bits.
    for (int i = 0; i < 16; i++) w[i] = _mm512_setzero_si512();
    w[0] = _mm512_set1_epi32(static_cast<int>(0x80000000u));
    w[14] = _mm512_set1_epi32(static_cast<int>((bytes * 8) >> 32));
    w[15] = _mm512_set1_epi32(static_cast<int>(bytes * 8));
    compress(state, w);
    Lanes rows[16];
    for (int i = 0; i < 8; i++) rows[i] = swap_bytes(state[i]);
    for (int i = 8; i < 16; i++) rows[i] = _mm512_setzero_si512();
    transpose(rows);
    for (int lane = 0; lane < kShaLanes; lane++) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(hashes + 32 * lane), _mm512_castsi512_si256(rows[lane]));
    }
}

#else

bool has_sha_lanes() { return false; }

void hash_lanes(const uint8_t*, int64_t, uint8_t*) {}

#endif

}  // namespace touchstone
