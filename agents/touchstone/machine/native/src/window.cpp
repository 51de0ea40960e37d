#include "window.h"

#include <algorithm>
#include <cstring>

namespace touchstone {
namespace {

int64_t floor_divide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Positions x with 0 <= at + slope·x < dim, for a slope other than 0, as first … last−1.
void positions_inside(int64_t at, int64_t slope, int64_t dim, int64_t& first, int64_t& last) {
    int64_t low, high;
    if (slope == 1) {
        low = -at, high = dim - at;
    } else if (slope > 0) {
        low = -floor_divide(at, slope), high = -floor_divide(at - dim, slope);
    } else {
        low = floor_divide(at - dim, -slope) + 1, high = floor_divide(at, -slope) + 1;
    }
    first = std::max(first, low), last = std::min(last, high);
}

}  // namespace

void copy_run(const Word* from, int64_t step, int64_t count, Word* to) {
    if (step == 1) {
        if (count >= 64) {
            std::memcpy(to, from, count * sizeof(Word));
        } else {
            for (int64_t i = 0; i < count; i++) to[i] = from[i];
        }
    } else if (step == 0) {
        fill_run(*from, count, to);
    } else {
        for (int64_t i = 0; i < count; i++) to[i] = from[i * step];
    }
}

void fill_run(Word word, int64_t count, Word* to) {
    for (int64_t i = 0; i < count; i++) to[i] = word;
}

Run run_inside(int rank, const Dims& at, const Dims& slope, const Dims& dims, const Dims& strides, int64_t count) {
    Run run{0, count, 0, 0};
    for (int j = 0; j < rank; j++) {
        // A coordinate far outside may overflow here; the offset is then not used.
        run.offset = static_cast<int64_t>(static_cast<uint64_t>(run.offset) + static_cast<uint64_t>(at[j]) * static_cast<uint64_t>(strides[j]));
        run.step += slope[j] * strides[j];
        if (slope[j] != 0) {
            positions_inside(at[j], slope[j], dims[j], run.first, run.last);
        } else if (at[j] < 0 || at[j] >= dims[j]) {
            run.last = 0;
        }
    }
    if (run.first >= run.last) run.first = run.last = 0;
    return run;
}

int64_t Window::Axes::size() const {
    int64_t size = 1;
    for (int64_t dim : dims) size *= dim;
    return size;
}

// Distance in the source between neighbours along the last axis; 0 when there is none.
int64_t Window::Axes::last_step(const Dims& strides, int rank) const {
    int64_t step = 0;
    for (int j = 0; j < rank && !steps.empty(); j++) step += steps.back()[j] * strides[j];
    return step;
}

std::optional<Window> Window::of(const Node& move, const std::vector<int64_t>& batch, int64_t rows, int64_t terms) {
    if (move.operands.size() != 1 || move.type.rank == 0) return std::nullopt;
    const Operand& source = move.operands[0];
    Window window;
    window.source_ = source.value;
    window.rank_ = source.type.rank;
    window.fill_ = move.attributes[0];
    int64_t stride = 1;
    for (int j = source.type.rank; j-- > 0;) {
        if (source.axes[j].divisor != 1) return std::nullopt;
        window.offset_[j] = source.axes[j].offset;
        window.dims_[j] = source.type.dims[j];
        window.strides_[j] = stride;
        stride *= source.type.dims[j];
    }
    int64_t batches = 1;
    for (int64_t dim : batch) batches *= dim;
    // From the last axis back: first the terms, then the rows, the rest is batch.
    Axes* const parts[] = {&window.terms_, &window.rows_, &window.batch_};
    const int64_t sizes[] = {terms, rows, batches};
    int part = 0;
    for (int axis = move.type.rank; axis-- > 0;) {
        while (part < 2 && parts[part]->size() == sizes[part]) part++;
        Axes& axes = *parts[part];
        Dims step{};
        for (int j = 0; j < source.type.rank; j++) step[j] = source.axes[j].coefficients[axis];
        axes.dims.insert(axes.dims.begin(), move.type.dims[axis]);
        axes.steps.insert(axes.steps.begin(), step);
        if (sizes[part] % axes.size() != 0) return std::nullopt;
    }
    for (part = 0; part < 3; part++) {
        if (parts[part]->size() != sizes[part]) return std::nullopt;
    }
    const auto near = [&](const Axes& axes) { return !axes.dims.empty() && std::abs(axes.last_step(window.strides_, window.rank_)) == 1; };
    const int64_t row_run = near(window.rows_) ? window.rows_.dims.back() : 1, term_run = near(window.terms_) ? window.terms_.dims.back() : 1;
    window.rows_innermost_ = row_run > term_run;
    return window;
}

void Window::fill(const Word* source, int64_t batch, int64_t row, int64_t rows, int64_t term, int64_t terms, Word* to, int64_t stride) const {
    const Walk start(batch_, batch_.dims.size(), rank_, offset_, batch);
    if (rows_innermost_) {
        fill_runs(source, start.at(), terms_, term, terms, rows_, row, rows, to, stride);
    } else {
        fill_runs(source, start.at(), rows_, row, rows, terms_, term, terms, to, stride);
    }
}

void Window::fill_runs(const Word* source, const Dims& start, const Axes& outer, int64_t outer_begin, int64_t outer_count, const Axes& inner,
                       int64_t inner_begin, int64_t inner_count, Word* to, int64_t stride) const {
    const size_t lines = inner.dims.empty() ? 0 : inner.dims.size() - 1;
    const int64_t length = inner.dims.empty() ? 1 : inner.dims.back();
    const Dims slope = inner.steps.empty() ? Dims{} : inner.steps.back();
    Walk across(outer, outer.dims.size(), rank_, start, outer_begin);
    for (int64_t o = 0; o < outer_count; o++, across.advance(), to += stride) {
        Walk line(inner, lines, rank_, across.at(), inner_begin / length);
        int64_t begin = inner_begin % length;
        for (int64_t done = 0; done < inner_count; line.advance(), begin = 0) {
            const int64_t count = std::min(length - begin, inner_count - done);
            Dims at = line.at();
            for (int j = 0; begin > 0 && j < rank_; j++) at[j] += begin * slope[j];
            const Run run = run_inside(rank_, at, slope, dims_, strides_, count);
            fill_run(fill_, run.first, to + done);
            if (run.last > run.first) copy_run(source + run.offset + run.first * run.step, run.step, run.last - run.first, to + done + run.first);
            fill_run(fill_, count - run.last, to + done + run.last);
            done += count;
        }
    }
}

}  // namespace touchstone
