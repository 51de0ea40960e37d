// Transposing in registers: for packing and for materialised transposes.
#pragma once

#include "isa.h"

namespace touchstone::TOUCHSTONE_ISA {

#if defined(__AVX512F__)

constexpr int kTransposeSide = 16;

// Rows become columns, in three rounds of exchanging halves of ever larger parts.
TS_INLINE void transpose_registers(VecU rows[16]) {
    __m512i r[16], t[16];
    for (int i = 0; i < 16; i++) r[i] = (__m512i)rows[i];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
    for (int i = 0; i < 16; i++) rows[i] = (VecU)r[i];
}

#elif defined(__AVX2__)

constexpr int kTransposeSide = 8;

TS_INLINE void transpose_registers(VecU rows[8]) {
    __m256i t[8], u[8];
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_epi32((__m256i)rows[2 * i], (__m256i)rows[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_epi32((__m256i)rows[2 * i], (__m256i)rows[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        rows[i] = (VecU)_mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        rows[i + 4] = (VecU)_mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}

#else

constexpr int kTransposeSide = 4;

TS_INLINE void transpose_registers(VecU rows[4]) {
#if defined(__SSE2__)
    const __m128i r0 = (__m128i)rows[0], r1 = (__m128i)rows[1], r2 = (__m128i)rows[2], r3 = (__m128i)rows[3];
    const __m128i low01 = _mm_unpacklo_epi32(r0, r1), high01 = _mm_unpackhi_epi32(r0, r1);
    const __m128i low23 = _mm_unpacklo_epi32(r2, r3), high23 = _mm_unpackhi_epi32(r2, r3);
    rows[0] = (VecU)_mm_unpacklo_epi64(low01, low23), rows[1] = (VecU)_mm_unpackhi_epi64(low01, low23);
    rows[2] = (VecU)_mm_unpacklo_epi64(high01, high23), rows[3] = (VecU)_mm_unpackhi_epi64(high01, high23);
#else
    for (int r = 0; r < 4; r++) {
        for (int c = 0; c < r; c++) {
            const uint32_t word = rows[r][c];
            rows[r][c] = rows[c][r], rows[c][r] = word;
        }
    }
#endif
}

#endif

static_assert(kTransposeSide == kLanes);

// to[c·to_stride + r] = from[r·from_stride + c] for a square tile.
TS_INLINE void transpose_tile(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
    VecU rows[kTransposeSide];
    for (int r = 0; r < kTransposeSide; r++) rows[r] = load(from + r * from_stride);
    transpose_registers(rows);
    for (int c = 0; c < kTransposeSide; c++) store(to + c * to_stride, rows[c]);
}

// to[c·to_stride + r] = from[r·from_stride + c] for every r < rows, c < columns.
TS_INLINE void transpose_block(const uint32_t* from, int64_t from_stride, int64_t rows, int64_t columns, uint32_t* to, int64_t to_stride) {
    int64_t r = 0;
    for (; r + kTransposeSide <= rows; r += kTransposeSide) {
        int64_t c = 0;
        for (; c + kTransposeSide <= columns; c += kTransposeSide) {
            transpose_tile(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
        }
        for (; c < columns; c++) {
            for (int64_t i = r; i < r + kTransposeSide; i++) to[c * to_stride + i] = from[i * from_stride + c];
        }
    }
    for (; r < rows; r++) {
        for (int64_t c = 0; c < columns; c++) to[c * to_stride + r] = from[r * from_stride + c];
    }
}

}  // namespace touchstone::TOUCHSTONE_ISA
