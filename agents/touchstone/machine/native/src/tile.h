// What the tiles of every product do with their sums.
#pragma once

#include "isa.h"

namespace touchstone::TOUCHSTONE_ISA {

// The sums over one block of terms into C: on top of what is there unless the block is the first, canonical when it is the last.
template <int rows, int vectors>
TS_INLINE void store_tile(const VecF (&sum)[rows][vectors], float* c, int64_t c_row, bool first, bool last) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < vectors; v++) {
            float* to = c + i * c_row + v * kLanes;
            VecF total = sum[i][v];
            if (!first) total = load(to) + total;
            if (last) total = canonical(total);
            store(to, total);
        }
    }
}

}  // namespace touchstone::TOUCHSTONE_ISA
