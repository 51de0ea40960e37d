// Matrix products with a fixed order of every sum: the chain of the specification, section 3.2.
//
// The usual blocked algorithm (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): panels of A and B are
// packed so that the innermost loop reads both contiguously, and a tile of C stays in registers. The order costs nothing: each lane of each
// register is one output element, which adds its own products in ascending k. The blocks of 256 terms that the specification asks for are
// the blocks a packed panel has anyway.
#include "entries.h"
#include "packing.h"
#include "tile.h"

namespace touchstone::TOUCHSTONE_ISA {
namespace {

constexpr int64_t kColumns = 2048;                // rows of B packed together: 2 MiB
constexpr int64_t kFilledColumns = 256;           // rows of B that are made, not read, together
constexpr int64_t kUnpackedRows = 4 * kTileRows;  // with fewer rows of A, packing B costs more than it gains

// A block of one tile: C (+)= A·B over `depth` terms. A is packed, kTileRows per term; B has `b_stride` words per term.
template <int rows, int vectors>
void tile(int64_t depth, const float* a, const float* b, int64_t b_stride, float* c, int64_t c_row, bool first, bool last) {
    VecF sum[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) sum[i][v] = VecF{};
    }
    for (int64_t k = 0; k < depth; k++) {
        VecF column[vectors];
        for (int v = 0; v < vectors; v++) column[v] = load(b + v * kLanes);
        b += b_stride;
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            const VecF element = splat(a[i]);
            for (int v = 0; v < vectors; v++) sum[i][v] = fma(element, column[v], sum[i][v]);
        }
        a += kTileRows;
    }
    store_tile(sum, c, c_row, first, last);
}

using Tile = void (*)(int64_t, const float*, const float*, int64_t, float*, int64_t, bool, bool);

struct Tiles {
    Tile of[kTileRows + 1][kTileVectors + 1];
};

template <int rows>
constexpr void list_tiles(Tiles& tiles) {
    tiles.of[rows][1] = tile<rows, 1>;
    tiles.of[rows][2] = tile<rows, 2>;
    if constexpr (rows > 1) list_tiles<rows - 1>(tiles);
}

constexpr Tiles make_tiles() {
    Tiles tiles{};
    list_tiles<kTileRows>(tiles);
    return tiles;
}

constexpr Tiles kTiles = make_tiles();

// A tile at the edge of C: computed beside it in full width, of which `columns` are kept.
void edge_tile(int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, int64_t b_stride, float* c, int64_t c_row, bool first,
               bool last) {
    alignas(64) float beside[kTileRows * kTileColumns];
    if (!first) {
        for (int64_t i = 0; i < rows; i++) memcpy(beside + i * kTileColumns, c + i * c_row, columns * 4);
    }
    const int64_t vectors = columns <= kLanes ? 1 : kTileVectors;
    kTiles.of[rows][vectors](depth, a, b, b_stride, beside, kTileColumns, first, last);
    for (int64_t i = 0; i < rows; i++) memcpy(c + i * c_row, beside + i * kTileColumns, columns * 4);
}

// One panel of B (`columns` of C) against all packed rows of A.
void multiply_panel(const GemmTask& task, int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, int64_t b_stride, float* c,
                    bool first, bool last) {
    for (int64_t i = 0; i < rows; i += kTileRows) {
        const int64_t tile_rows = smaller(kTileRows, rows - i);
        float* to = c + i * task.c_row;
        if (columns == kTileColumns) {
            kTiles.of[tile_rows][kTileVectors](depth, a + i * depth, b, b_stride, to, task.c_row, first, last);
        } else {
            edge_tile(tile_rows, columns, depth, a + i * depth, b, b_stride, to, task.c_row, first, last);
        }
    }
}

// Rows of B handled together: what is made rather than read should stay in the second-level cache until it is packed.
int64_t columns_together(const GemmTask& task) { return smaller(task.n, task.b.fill.make == nullptr ? kColumns : kFilledColumns); }

int64_t packed_a_words(const GemmTask& task) { return round_up(smaller(task.m, kRows), kTileRows) * kDepth + kPackSurplus; }
int64_t packed_b_words(const GemmTask& task) { return round_up(columns_together(task), kTileColumns) * kDepth; }

void gemm(const GemmTask& task, float* scratch) {
    float* packed_a = scratch;
    float* packed_b = packed_a + packed_a_words(task);
    float* filled = packed_b + packed_b_words(task);
    const int64_t together = columns_together(task);
    for (int64_t j0 = 0; j0 < task.n; j0 += together) {
        const int64_t columns = smaller(together, task.n - j0);
        for (int64_t k0 = 0; k0 < task.k; k0 += kDepth) {
            const int64_t depth = smaller(kDepth, task.k - k0);
            const bool first = k0 == 0, last = k0 + depth == task.k;
            const Part b = part_of(task.b, j0, columns, k0, depth, filled);
            const int64_t in_place = b.row_step == 1 && task.m <= kUnpackedRows ? columns / kTileColumns * kTileColumns : 0;
            pack<kTileColumns>(b.words + in_place * b.row_step, b.row_step, b.term_step, columns - in_place, depth, packed_b);
            float* filled_a = filled + filled_words(task.b, together);
            for (int64_t i0 = 0; i0 < task.m; i0 += kRows) {
                const int64_t rows = smaller(kRows, task.m - i0);
                const Part a = part_of(task.a, i0, rows, k0, depth, filled_a);
                pack<kTileRows>(a.words, a.row_step, a.term_step, rows, depth, packed_a);
                for (int64_t j = 0; j < columns; j += kTileColumns) {
                    const bool direct = j < in_place;
                    const float* panel = direct ? b.words + j : packed_b + (j - in_place) * depth;
                    float* c = task.c + i0 * task.c_row + j0 + j;
                    multiply_panel(task, rows, smaller(kTileColumns, columns - j), depth, packed_a, panel, direct ? b.term_step : kTileColumns, c,
                                   first, last);
                }
            }
        }
    }
}

int64_t gemm_scratch(const GemmTask& task) {
    const int64_t filled = filled_words(task.b, columns_together(task)) + filled_words(task.a, smaller(task.m, kRows));
    return packed_a_words(task) + packed_b_words(task) + filled;
}

}  // namespace

void enter_gemm(Kernels& table) {
    table.gemm = gemm;
    table.gemm_scratch = gemm_scratch;
    table.gemm_tile_rows = kTileRows;
    table.gemm_tile_columns = kTileColumns;
}

}  // namespace touchstone::TOUCHSTONE_ISA
