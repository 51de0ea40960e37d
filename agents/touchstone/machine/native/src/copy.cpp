#include <cstring>

#include "execute.h"
#include "odometer.h"

namespace touchstone {
namespace {

constexpr int64_t kGrain = 1 << 14;  // words worth a thread

int64_t grain_of(int64_t words_per_item) { return words_per_item >= kGrain ? 1 : kGrain / words_per_item; }

}  // namespace

void expand(const View& flat, const Word* from, int64_t begin, int64_t end, Word* to) {
    from += flat.offset;
    if (flat.dims.empty()) return copy_run(from, 0, end - begin, to);
    const int64_t inner = flat.dims.back(), stride = flat.strides.back();
    Odometer outer(flat.dims, flat.strides, flat.dims.size() - 1, begin / inner);
    int64_t first = begin % inner;
    for (int64_t at = begin; at < end; outer.advance()) {
        const int64_t count = inner - first < end - at ? inner - first : end - at;
        copy_run(from + outer.offset() + first * stride, stride, count, to);
        to += count;
        at += count;
        first = 0;
    }
}

void copy_view(const View& view, const Word* from, Word* to, ThreadPool& pool, const Kernels& kernels) {
    const View flat = collapsed(view);
    const size_t rank = flat.dims.size();
    const bool transposed = rank >= 2 && flat.strides[rank - 2] == 1 && flat.strides[rank - 1] > 1;
    if (!transposed) {
        pool.parallel(view.size(), kGrain, [&](int64_t begin, int64_t end, int) { expand(flat, from, begin, end, to + begin); });
        return;
    }
    // The last two axes are a transposed matrix: rows of the source run along the last axis of the output.
    const int64_t rows = flat.dims[rank - 1], columns = flat.dims[rank - 2], stride = flat.strides[rank - 1];
    const int64_t matrices = view.size() / (rows * columns);
    if (matrices > 1) {
        pool.parallel(matrices, grain_of(rows * columns), [&](int64_t begin, int64_t end, int) {
            Odometer outer(flat.dims, flat.strides, rank - 2, begin);
            for (int64_t i = begin; i < end; i++, outer.advance()) {
                kernels.transpose(from + flat.offset + outer.offset(), stride, rows, columns, to + i * rows * columns, rows);
            }
        });
        return;
    }
    pool.parallel(columns, grain_of(rows), [&](int64_t begin, int64_t end, int) {
        kernels.transpose(from + flat.offset + begin, stride, rows, end - begin, to + begin * rows, rows);
    });
}

}  // namespace touchstone
