// How factors of matrix products are brought into the order in which the innermost loops read them.
#pragma once

#include "isa.h"
#include "kernels.h"
#include "transpose.h"

namespace touchstone::TOUCHSTONE_ISA {

#if defined(__AVX512F__)
constexpr int kTileRows = 12;
#elif defined(__AVX2__)
constexpr int kTileRows = 6;
#elif defined(__aarch64__)
constexpr int kTileRows = 8;
#else
constexpr int kTileRows = 2;
#endif
constexpr int kTileVectors = 2;
constexpr int kTileColumns = kTileVectors * kLanes;

constexpr int64_t kDepth = 256;                         // terms of a block, fixed by the specification
constexpr int64_t kRows = 192;                          // rows of A packed together: 192 KiB, in the second-level cache

constexpr int64_t kPackSurplus = 16;                    // words behind packed panels that packing may overwrite

TS_INLINE int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// A panel of fewer rows than a tile of registers has: whole vectors are stored, each over the surplus of the one before. The last surplus,
// kPackSurplus words, falls behind the panel.
template <int width>
inline void pack_narrow(const float* from, int64_t row, int64_t count, int64_t depth, float* to) {
    int64_t k = 0;
    for (; k + kTransposeSide <= depth; k += kTransposeSide) {
        VecU rows[kTransposeSide] = {};
#pragma GCC unroll 16
        for (int r = 0; r < width; r++) rows[r] = r < count ? load((const uint32_t*)from + r * row + k) : VecU{};
        transpose_registers(rows);
#pragma GCC unroll 16
        for (int c = 0; c < kTransposeSide; c++) store((uint32_t*)to + (k + c) * width, rows[c]);
    }
    for (; k < depth; k++) {
        for (int64_t r = 0; r < width; r++) to[k * width + r] = r < count ? from[r * row + k] : 0.0f;
    }
}

// Panels of `width` rows of X, one after another; within a panel the `width` values of a term are neighbours, absent rows are zero. Up to
// kPackSurplus words behind the last panel lose their value.
template <int width>
inline void pack(const float* x, int64_t row, int64_t column, int64_t rows, int64_t depth, float* to) {
    for (int64_t at = 0; at < rows; at += width, to += width * depth) {
        const int64_t count = smaller(width, rows - at);
        const float* from = x + at * row;
        if constexpr (width < kTransposeSide) {
            if (column == 1) {
                pack_narrow<width>(from, row, count, depth, to);
                continue;
            }
        }
        if (count < width) memset(to, 0, width * depth * 4);
        if (column == 1) {
            transpose_block((const uint32_t*)from, row, count, depth, (uint32_t*)to, width);
        } else if (row == 1 && count == width) {
            for (int64_t k = 0; k < depth; k++) memcpy(to + k * width, from + k * column, width * 4);
        } else {
            for (int64_t k = 0; k < depth; k++) {
                for (int64_t i = 0; i < count; i++) to[k * width + i] = from[i * row + k * column];
            }
        }
    }
}

// Part of a factor as it is to be packed: in place, or made in `buffer`.
struct Part {
    const float* words;
    int64_t row_step, term_step;
};

// Words between the lines of a part that is made; not a multiple of 1,024 bytes, which would crowd few sets of the cache.
TS_INLINE int64_t line_of(int64_t words) { return round_up(words, kLanes) + kLanes; }

TS_INLINE Part part_of(const GemmFactor& factor, int64_t row, int64_t rows, int64_t term, int64_t terms, float* buffer) {
    const GemmFill& fill = factor.fill;
    if (fill.make == nullptr) return {factor.words + row * factor.row_step + term * factor.term_step, factor.row_step, factor.term_step};
    const int64_t line = line_of(fill.rows_innermost ? rows : terms);
    fill.make(fill, fill.row + row, rows, fill.term + term, terms, buffer, line);
    return fill.rows_innermost ? Part{buffer, 1, line} : Part{buffer, line, 1};
}

// Words that making a part of at most `rows` rows and kDepth terms takes.
TS_INLINE int64_t filled_words(const GemmFactor& factor, int64_t rows) {
    if (factor.fill.make == nullptr) return 0;
    return factor.fill.rows_innermost ? kDepth * line_of(rows) : rows * line_of(kDepth);
}

}  // namespace touchstone::TOUCHSTONE_ISA
