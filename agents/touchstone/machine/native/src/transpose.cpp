#include "transpose.h"

#include "entries.h"

namespace touchstone::TOUCHSTONE_ISA {
namespace {

// Square blocks, so that the lines of both sides stay in the first-level cache while they are in use.
constexpr int64_t kBlock = 64;

void transpose(const Word* from, int64_t from_stride, int64_t rows, int64_t columns, Word* to, int64_t to_stride) {
    for (int64_t r = 0; r < rows; r += kBlock) {
        for (int64_t c = 0; c < columns; c += kBlock) {
            transpose_block(from + r * from_stride + c, from_stride, smaller(kBlock, rows - r), smaller(kBlock, columns - c),
                            to + c * to_stride + r, to_stride);
        }
    }
}

}  // namespace

void enter_transpose(Kernels& table) { table.transpose = transpose; }

}  // namespace touchstone::TOUCHSTONE_ISA
