// The table of inner loops that exists once per instruction set. Everything outside it is ordinary portable C++.
#pragma once

#include <cstdint>

namespace touchstone {

using Word = uint32_t;

// One block of a map: out[i] = f(a[i], b[i], c[i]) for i < n. Operands beyond the function's arity are ignored.
using MapKernel = void (*)(int64_t n, Word* out, const Word* a, const Word* b, const Word* c);

// One row: the reduction of n contiguous words.
using ReduceKernel = Word (*)(const Word* x, int64_t n);

// A matrix of which any part can be made when it is needed, so that the whole never exists.
struct GemmFill {
    // Rows row … and terms term … of the matrix: to[r·stride + t], or to[t·stride + r] when rows are innermost. nullptr: there is none.
    void (*make)(const GemmFill& fill, int64_t row, int64_t rows, int64_t term, int64_t terms, float* to, int64_t stride);
    const void* window;
    const Word* source;
    int64_t batch, row, term;  // where the matrix begins
    bool rows_innermost;
};

// One factor: element (row, term) at words[row·row_step + term·term_step], unless it is filled.
struct GemmFactor {
    const float* words;
    int64_t row_step, term_step;
    GemmFill fill;
};

// C[m, n] = Σ_k A[m, k]·B[n, k] in the order of the specification, section 3.2; steps are in words.
struct GemmTask {
    int64_t m, n, k;
    GemmFactor a, b;
    float* c;
    int64_t c_row;
};

// As GemmTask, with the rows of B side by side in memory: term k of row j is b[shift[k] + j].
struct ShiftedTask {
    int64_t m, n, k;
    GemmFactor a;
    const float* b;  // readable for shifted_slack words beyond the last row's
    const int32_t* shift;
    float* c;  // room for round_up(n, gemm_tile_columns) columns a row
    int64_t c_row;
};

// C[n, m] = Σ_k A[m, k]·B[n, k]: the result transposed, and term k of row j of B is b[row[j] + shift[k]].
struct ScatteredTask {
    int64_t m, n, k;
    GemmFactor a;
    const float* b;
    const int32_t *row, *shift;
    float* c;  // room for round_up(m, gemm_tile_columns) columns a row
    int64_t c_row;
};

// SHA-256 of the messages data, data + bytes, …, one per lane; `bytes` is a multiple of 64. Their hashes stand one after another.
using HashLanes = void (*)(const uint8_t* data, int64_t bytes, uint8_t* hashes);

constexpr int kMapFunctions = 64;
constexpr int kReduceFunctions = 5;

struct Kernels {
    const char* name;

    // [function][mask]: bit j of the mask says that operand j is one word, used for every element.
    MapKernel map[kMapFunctions][8];

    // [dtype][function], codes of the specification; nullptr where a function does not exist.
    ReduceKernel reduce[3][kReduceFunctions];

    // out[c] = f32 sum of x[r·stride + c] over `rows` ≤ 8,192 rows, in the order of a sum over a contiguous row.
    void (*sum_columns)(const float* x, int64_t rows, int64_t stride, int64_t columns, float* out);

    // to[c·to_stride + r] = from[r·from_stride + c].
    void (*transpose)(const Word* from, int64_t from_stride, int64_t rows, int64_t columns, Word* to, int64_t to_stride);

    // `scratch` has room for gemm_scratch(task) words, aligned to 64 bytes.
    void (*gemm)(const GemmTask& task, float* scratch);
    int64_t (*gemm_scratch)(const GemmTask& task);
    int64_t gemm_tile_rows;
    int64_t gemm_tile_columns;

    // Products with windows that lie in a box (box.h); `scratch` has room for box_scratch(a, m) words.
    void (*gemm_shifted)(const ShiftedTask& task, float* scratch);
    void (*gemm_scattered)(const ScatteredTask& task, float* scratch);
    int64_t (*box_scratch)(const GemmFactor& a, int64_t m);

    // nullptr and 0 where hashing in lanes would not be faster than one message at a time.
    HashLanes hash_lanes;
    int hash_lane_count;
};

// The best level this processor has, or a lower one when the environment's TOUCHSTONE_ISA names it.
const Kernels& kernels();

// Every level's table, nullptr-terminated, best first; only what this processor can run.
const Kernels* const* available_kernels();

}  // namespace touchstone
