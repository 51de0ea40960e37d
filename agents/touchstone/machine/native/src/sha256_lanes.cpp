// SHA-256 of sixteen messages at a time, one in each lane of 512-bit vectors, for processors that have these but no SHA instructions.
#include "entries.h"
#include "isa.h"
#include "sha256_constants.h"
#include "transpose.h"

namespace touchstone::TOUCHSTONE_ISA {

#if defined(__AVX512F__) && defined(__AVX512BW__)

namespace {

using Lanes = __m512i;

TS_INLINE Lanes add(Lanes a, Lanes b) { return _mm512_add_epi32(a, b); }
TS_INLINE Lanes xor3(Lanes a, Lanes b, Lanes c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }

TS_INLINE Lanes swap_bytes(Lanes words) {
    const Lanes order = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
    return _mm512_shuffle_epi8(words, order);
}

// The next word of the schedule replaces the one of sixteen rounds ago.
TS_INLINE Lanes scheduled(const Lanes w[16], int round) {
    const Lanes w15 = w[(round + 1) & 15], w2 = w[(round + 14) & 15];
    const Lanes s0 = xor3(_mm512_ror_epi32(w15, 7), _mm512_ror_epi32(w15, 18), _mm512_srli_epi32(w15, 3));
    const Lanes s1 = xor3(_mm512_ror_epi32(w2, 17), _mm512_ror_epi32(w2, 19), _mm512_srli_epi32(w2, 10));
    return add(add(w[round & 15], s0), add(w[(round + 9) & 15], s1));
}

void compress(Lanes state[8], Lanes w[16]) {
    Lanes a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
#pragma GCC unroll 64
    for (int round = 0; round < 64; round++) {
        if (round >= 16) w[round & 15] = scheduled(w, round);
        const Lanes s1 = xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
        const Lanes choice = _mm512_ternarylogic_epi32(e, f, g, 0xca);
        const Lanes constant = _mm512_set1_epi32((int)(kShaRound[round]));
        const Lanes t1 = add(add(add(h, s1), add(choice, constant)), w[round & 15]);
        const Lanes s0 = xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
        const Lanes t2 = add(s0, _mm512_ternarylogic_epi32(a, b, c, 0xe8));
        h = g, g = f, f = e, e = add(d, t1), d = c, c = b, b = a, a = add(t1, t2);
    }
    const Lanes working[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] = add(state[i], working[i]);
}

// The sixteen messages data, data + bytes, …; `bytes` is a multiple of 64.
void hash_lanes(const uint8_t* data, int64_t bytes, uint8_t* hashes) {
    static_assert(kTransposeSide == 16);
    alignas(64) uint32_t tile[16][16] = {}, turned[16][16];
    Lanes state[8], w[16];
    for (int i = 0; i < 8; i++) state[i] = _mm512_set1_epi32((int)kShaInitial[i]);
    for (int64_t at = 0; at < bytes; at += 64) {
        transpose_tile((const uint32_t*)(data + at), bytes / 4, turned[0], 16);
        for (int i = 0; i < 16; i++) w[i] = swap_bytes(_mm512_load_si512(turned[i]));
        compress(state, w);
    }
    // The padding block: a one bit, zeros, and the length in bits.
    for (int i = 0; i < 16; i++) w[i] = _mm512_setzero_si512();
    w[0] = _mm512_set1_epi32((int)0x80000000u);
    w[14] = _mm512_set1_epi32((int)((bytes * 8) >> 32));
    w[15] = _mm512_set1_epi32((int)(bytes * 8));
    compress(state, w);
    for (int i = 0; i < 8; i++) _mm512_store_si512(tile[i], swap_bytes(state[i]));
    transpose_tile(tile[0], 16, turned[0], 16);
    for (int lane = 0; lane < 16; lane++) memcpy(hashes + 32 * lane, turned[lane], 32);
}

}  // namespace

void enter_sha256(Kernels& table) { table.hash_lanes = hash_lanes, table.hash_lane_count = 16; }

#else

void enter_sha256(Kernels&) {}

#endif

}  // namespace touchstone::TOUCHSTONE_ISA
