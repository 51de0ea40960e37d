// Reading a move without carrying it out: any part of its output, run by run.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "kernels.h"
#include "program.h"

namespace touchstone {

// A move of one source whose axes all have divisor 1, seen as matrices: its output axes are cut into batch, rows and terms. Such a move is
// a view that may also reach outside of its source, as windows with padding do.
class Box;

class Window {
public:
    // The move under the shape [batch…, rows, terms], when that shape only joins neighbouring axes of its output.
    static std::optional<Window> of(const Node& move, const std::vector<int64_t>& batch, int64_t rows, int64_t terms);

    Value source() const { return source_; }

    // Whether neighbouring rows, rather than neighbouring terms, are neighbours in the source.
    bool rows_innermost() const { return rows_innermost_; }

    // Part of one matrix. When rows are innermost, to[t·stride + r], else to[r·stride + t].
    void fill(const Word* source, int64_t batch, int64_t row, int64_t rows, int64_t term, int64_t terms, Word* to, int64_t stride) const;

private:
    friend class Box;

    // Some neighbouring axes of the output: their lengths, and by how much each moves along each axis of the source.
    struct Axes {
        std::vector<int64_t> dims;
        std::vector<Dims> steps;

        int64_t size() const;
        int64_t last_step(const Dims& strides, int rank) const;
    };

    // Coordinates in the source, advanced along some axes.
    class Walk;

    void fill_runs(const Word* source, const Dims& start, const Axes& outer, int64_t outer_begin, int64_t outer_count, const Axes& inner,
                   int64_t inner_begin, int64_t inner_count, Word* to, int64_t stride) const;

    Value source_ = 0;
    int rank_ = 0;  // of the source
    Dims offset_{}, dims_{}, strides_{};
    Word fill_ = 0;
    Axes batch_, rows_, terms_;
    bool rows_innermost_ = false;
};

class Window::Walk {
public:
    Walk(const Axes& axes, size_t used, int rank, const Dims& start, int64_t at) : axes_(axes), used_(used), rank_(rank), at_(start) {
        for (size_t axis = used; axis-- > 0;) {
            index_[axis] = at % axes.dims[axis];
            at /= axes.dims[axis];
            move(axis, index_[axis]);
        }
    }

    const Dims& at() const { return at_; }

    void advance() {
        for (size_t axis = used_; axis-- > 0;) {
            move(axis, 1);
            if (++index_[axis] < axes_.dims[axis]) return;
            move(axis, -axes_.dims[axis]);
            index_[axis] = 0;
        }
    }

private:
    void move(size_t axis, int64_t by) {
        for (int j = 0; j < rank_; j++) at_[j] += by * axes_.steps[axis][j];
    }

    const Axes& axes_;
    const size_t used_;
    const int rank_;
    Dims at_;
    int64_t index_[kMaxRank] = {};
};

// A run of the output along one axis, of which the words first … last−1 come from the source, at offset + step·x.
struct Run {
    int64_t first, last, offset, step;
};

// Which part of `count` words along a line through the source, beginning at coordinates `at` and moving by `slope`, lies inside.
Run run_inside(int rank, const Dims& at, const Dims& slope, const Dims& dims, const Dims& strides, int64_t count);

void copy_run(const Word* from, int64_t step, int64_t count, Word* to);

void fill_run(Word word, int64_t count, Word* to);

}  // namespace touchstone
