// Reductions of the specification, section 3.3.
#include "entries.h"
#include "isa.h"

namespace touchstone::TOUCHSTONE_ISA {
namespace {

constexpr int kSumLanes = 32;
constexpr int64_t kSumBlock = 4096;
constexpr int64_t kMaxBlocks = 2;  // a reduction has at most 8,192 words
constexpr int kVectors = kSumLanes / kLanes;

TS_INLINE Word word_of(float x) {
    Word w;
    memcpy(&w, &x, 4);
    return w;
}

TS_INLINE Word canonical_word(Word w) { return (w & 0x7fffffffu) > 0x7f800000u ? kCanonicalNaN : w; }

// Up to 4,096 words. A lane is never −0 (+0 + −0 is +0), so adding +0 to the absent lanes of the last vector changes nothing.
float sum_block(const Word* x, int64_t n) {
    VecF lanes[kVectors] = {};
    int64_t i = 0;
    for (; i + kSumLanes <= n; i += kSumLanes) {
        for (int v = 0; v < kVectors; v++) lanes[v] = lanes[v] + (VecF)load(x + i + v * kLanes);
    }
    for (int v = 0; i < n; v++, i += kLanes) {
        const int64_t count = smaller(kLanes, n - i);
        lanes[v] = lanes[v] + (VecF)load_part(x + i, count);
    }
    float lane[kSumLanes];
    for (int v = 0; v < kVectors; v++) store(lane + v * kLanes, lanes[v]);
    for (int h = kSumLanes / 2; h >= 1; h /= 2) {
        for (int j = 0; j < h; j++) lane[j] = lane[j] + lane[j + h];
    }
    return lane[0];
}

Word sum_f32(const Word* x, int64_t n) {
    if (n <= kSumBlock) return canonical_word(word_of(sum_block(x, n)));
    Word blocks[kMaxBlocks] = {};
    int64_t count = 0;
    for (int64_t at = 0; at < n; at += kSumBlock) blocks[count++] = word_of(sum_block(x + at, smaller(kSumBlock, n - at)));
    return canonical_word(word_of(sum_block(blocks, count)));
}

Word sum_i32(const Word* x, int64_t n) {
    Word total = 0;
    for (int64_t i = 0; i < n; i++) total += x[i];
    return total;
}

// Signed integers in the order of max: −0 below +0, NaN above everything.
TS_INLINE int32_t rank_f32(Word w) {
    if ((w & 0x7fffffffu) > 0x7f800000u) return INT32_MAX;
    return (int32_t)(w ^ ((w >> 31) * 0x7fffffffu));
}

TS_INLINE Word from_rank(int32_t rank) {
    if (rank == INT32_MAX) return kCanonicalNaN;
    const Word w = (Word)rank;
    return w ^ ((w >> 31) * 0x7fffffffu);
}

Word max_f32(const Word* x, int64_t n) {
    int32_t best = INT32_MIN;
    for (int64_t i = 0; i < n; i++) {
        const int32_t rank = rank_f32(x[i]);
        best = rank > best ? rank : best;
    }
    return from_rank(best);
}

Word min_f32(const Word* x, int64_t n) {
    int32_t best = INT32_MAX;
    bool nan = false;
    for (int64_t i = 0; i < n; i++) {
        const int32_t rank = rank_f32(x[i]);
        nan |= rank == INT32_MAX;
        best = rank < best ? rank : best;
    }
    return nan ? kCanonicalNaN : from_rank(best);
}

Word max_i32(const Word* x, int64_t n) {
    int32_t best = INT32_MIN;
    for (int64_t i = 0; i < n; i++) best = (int32_t)x[i] > best ? (int32_t)x[i] : best;
    return (Word)best;
}

Word min_i32(const Word* x, int64_t n) {
    int32_t best = INT32_MAX;
    for (int64_t i = 0; i < n; i++) best = (int32_t)x[i] < best ? (int32_t)x[i] : best;
    return (Word)best;
}

template <bool floats>
Word argmax(const Word* x, int64_t n) {
    int64_t at = 0;
    int32_t best = floats ? rank_f32(x[0]) : (int32_t)x[0];
    for (int64_t i = 1; i < n; i++) {
        const int32_t rank = floats ? rank_f32(x[i]) : (int32_t)x[i];
        if (rank > best) best = rank, at = i;
    }
    return (Word)at;
}

// ---- sums down the columns of a matrix ----

constexpr int64_t kStrip = 4;  // vectors of neighbouring columns added together

// The 32 lanes of kStrip·kLanes columns, one lane after another so that the running sums stay in registers, then folded.
void sum_strip(const float* x, int64_t rows, int64_t stride, float* out) {
    constexpr int64_t width = kStrip * kLanes;
    float lane[kSumLanes * width];
    for (int64_t j = 0; j < kSumLanes; j++) {
        VecF sums[kStrip] = {};
        for (int64_t r = j; r < rows; r += kSumLanes) {
            for (int v = 0; v < kStrip; v++) sums[v] = sums[v] + load(x + r * stride + v * kLanes);
        }
        for (int v = 0; v < kStrip; v++) store(lane + j * width + v * kLanes, sums[v]);
    }
    for (int64_t h = kSumLanes / 2; h >= 1; h /= 2) {
        for (int64_t at = 0; at < h * width; at += kLanes) store(lane + at, load(lane + at) + load(lane + at + h * width));
    }
    memcpy(out, lane, width * 4);
}

// A column of its own, copied together: used for the last few columns.
float sum_one_column(const float* x, int64_t rows, int64_t stride) {
    Word column[kSumBlock];
    for (int64_t r = 0; r < rows; r++) column[r] = word_of(x[r * stride]);
    return sum_block(column, rows);
}

void sum_columns_block(const float* x, int64_t rows, int64_t stride, int64_t columns, float* out) {
    constexpr int64_t width = kStrip * kLanes;
    int64_t c = 0;
    for (; c + width <= columns; c += width) sum_strip(x + c, rows, stride, out + c);
    for (; c < columns; c++) out[c] = sum_one_column(x + c, rows, stride);
}

TS_INLINE void canonicalise(float* x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        const Word w = canonical_word(word_of(x[i]));
        memcpy(x + i, &w, 4);
    }
}

void sum_columns(const float* x, int64_t rows, int64_t stride, int64_t columns, float* out) {
    constexpr int64_t kPart = 256;
    for (int64_t c = 0; c < columns; c += kPart) {
        const int64_t width = smaller(kPart, columns - c);
        sum_columns_block(x + c, smaller(rows, kSumBlock), stride, width, out + c);
        if (rows > kSumBlock) {
            // Two blocks: the rule puts their sums into lanes 0 and 1, which the last fold adds.
            float second[kPart];
            sum_columns_block(x + kSumBlock * stride + c, rows - kSumBlock, stride, width, second);
            for (int64_t i = 0; i < width; i++) out[c + i] = out[c + i] + second[i];
        }
        canonicalise(out + c, width);
    }
}

}  // namespace

void enter_reduce(Kernels& table) {
    constexpr int f32 = 1, i32 = 2;
    table.reduce[f32][1] = sum_f32;
    table.reduce[f32][2] = max_f32;
    table.reduce[f32][3] = min_f32;
    table.reduce[f32][4] = argmax<true>;
    table.reduce[i32][1] = sum_i32;
    table.reduce[i32][2] = max_i32;
    table.reduce[i32][3] = min_i32;
    table.reduce[i32][4] = argmax<false>;
    table.sum_columns = sum_columns;
}

}  // namespace touchstone::TOUCHSTONE_ISA
