// Matrix products with sliding windows that are read where they lie: convolutions without a copy of the windows.
//
// All windows of an image lie in its box (box.h): element (window, tap) is at the window's place plus the tap's shift. So the innermost loop
// reads them through a table of shifts ("indirect convolution", Dukhan 2019), and the order of every sum stays that of section 3.2.
#include "entries.h"
#include "packing.h"
#include "tile.h"

namespace touchstone::TOUCHSTONE_ISA {
namespace {

// How the two factors of a tile are found for term k: `rows` words to repeat, and `vectors` vectors.
struct PackedAndShifted {
    const float *a, *b;
    const int32_t* shift;

    TS_INLINE VecF vector(const PackedAndShifted& from, int64_t k, int v) { return load(from.b + from.shift[k] + v * kLanes); }
    TS_INLINE VecF repeated(const PackedAndShifted& from, int64_t k, int i) { return splat(from.a[k * kTileRows + i]); }
};

struct ScatteredAndPacked {
    const float *a, *b;  // `a` is packed, `b` the box
    const int32_t *row, *shift;

    TS_INLINE VecF vector(const ScatteredAndPacked& from, int64_t k, int v) { return load(from.a + k * kTileColumns + v * kLanes); }
    TS_INLINE VecF repeated(const ScatteredAndPacked& from, int64_t k, int i) { return splat(from.b[from.shift[k] + from.row[i]]); }
};

template <class Factors, int rows, int vectors>
void tile(const Factors& from, int64_t depth, float* c, int64_t c_row, bool first, bool last) {
    VecF sum[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) sum[i][v] = VecF{};
    }
    for (int64_t k = 0; k < depth; k++) {
        VecF column[vectors];
        for (int v = 0; v < vectors; v++) column[v] = Factors::vector(from, k, v);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            const VecF element = Factors::repeated(from, k, i);
            for (int v = 0; v < vectors; v++) sum[i][v] = fma(element, column[v], sum[i][v]);
        }
    }
    store_tile(sum, c, c_row, first, last);
}

template <class Factors>
using Tile = void (*)(const Factors&, int64_t, float*, int64_t, bool, bool);

template <class Factors>
struct Tiles {
    Tile<Factors> of[kTileRows + 1][kTileVectors + 1];
};

template <class Factors, int rows = kTileRows>
constexpr void list_tiles(Tiles<Factors>& tiles) {
    tiles.of[rows][1] = tile<Factors, rows, 1>;
    tiles.of[rows][2] = tile<Factors, rows, 2>;
    if constexpr (rows > 1) list_tiles<Factors, rows - 1>(tiles);
}

template <class Factors>
constexpr Tiles<Factors> make_tiles() {
    Tiles<Factors> tiles{};
    list_tiles<Factors>(tiles);
    return tiles;
}

constexpr Tiles<PackedAndShifted> kShifted = make_tiles<PackedAndShifted>();
constexpr Tiles<ScatteredAndPacked> kScattered = make_tiles<ScatteredAndPacked>();

int64_t vectors_for(int64_t columns) { return columns <= kLanes ? 1 : kTileVectors; }

void gemm_shifted(const ShiftedTask& task, float* scratch) {
    float* packed = scratch;
    float* filled = packed + round_up(task.m, kTileRows) * kDepth + kPackSurplus;
    for (int64_t k0 = 0; k0 < task.k; k0 += kDepth) {
        const int64_t depth = smaller(kDepth, task.k - k0);
        const bool first = k0 == 0, last = k0 + depth == task.k;
        const Part a = part_of(task.a, 0, task.m, k0, depth, filled);
        pack<kTileRows>(a.words, a.row_step, a.term_step, task.m, depth, packed);
        for (int64_t j = 0; j < task.n; j += kTileColumns) {
            const int64_t vectors = vectors_for(task.n - j);
            for (int64_t i = 0; i < task.m; i += kTileRows) {
                const PackedAndShifted from{packed + i * depth, task.b + j, task.shift + k0};
                kShifted.of[smaller(kTileRows, task.m - i)][vectors](from, depth, task.c + i * task.c_row + j, task.c_row, first, last);
            }
        }
    }
}

void gemm_scattered(const ScatteredTask& task, float* scratch) {
    float* packed = scratch;
    float* filled = packed + round_up(task.m, kTileColumns) * kDepth;
    for (int64_t k0 = 0; k0 < task.k; k0 += kDepth) {
        const int64_t depth = smaller(kDepth, task.k - k0);
        const bool first = k0 == 0, last = k0 + depth == task.k;
        const Part a = part_of(task.a, 0, task.m, k0, depth, filled);
        pack<kTileColumns>(a.words, a.row_step, a.term_step, task.m, depth, packed);
        for (int64_t j = 0; j < task.n; j += kTileRows) {
            for (int64_t i = 0; i < task.m; i += kTileColumns) {
                const ScatteredAndPacked from{packed + i * depth, task.b, task.row + j, task.shift + k0};
                const Tile<ScatteredAndPacked> run = kScattered.of[smaller(kTileRows, task.n - j)][vectors_for(task.m - i)];
                run(from, depth, task.c + j * task.c_row + i, task.c_row, first, last);
            }
        }
    }
}

int64_t box_scratch(const GemmFactor& a, int64_t m) {
    return round_up(round_up(m, kTileRows), kTileColumns) * kDepth + round_up(m, kTileRows) * kDepth + kPackSurplus + filled_words(a, m);
}

}  // namespace

void enter_windows(Kernels& table) {
    table.gemm_shifted = gemm_shifted;
    table.gemm_scattered = gemm_scattered;
    table.box_scratch = box_scratch;
}

}  // namespace touchstone::TOUCHSTONE_ISA
