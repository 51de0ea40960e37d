#include "box.h"

#include <algorithm>
#include <cstdlib>

namespace touchstone {
namespace {

constexpr int64_t kMaxWords = int64_t{1} << 26;  // offsets in a box are 32-bit, and every thread has one

}  // namespace

std::optional<Box> Box::of(const Window& window, int64_t terms_together) {
    Box box;
    box.window_ = window;
    const Window::Axes &rows = window.rows_, &terms = window.terms_;
    const int rank = window.rank_;
    if (terms.dims.empty() || rows.dims.empty()) return std::nullopt;
    // Terms are multiplied in ranges: only some of the outermost axis is needed at a time.
    const int64_t inner = terms.size() / terms.dims[0];
    const int64_t outer = std::min(terms.dims[0], (terms_together + inner - 2) / inner + 1);
    for (int j = 0; j < rank; j++) {
        box.low_[j] = window.offset_[j], box.dims_[j] = 1;
        const auto reach = [&](int64_t step, int64_t dim) {
            const int64_t span = step * (dim - 1);
            box.low_[j] += std::min<int64_t>(span, 0);
            box.dims_[j] += std::abs(span);
        };
        for (size_t axis = 0; axis < rows.dims.size(); axis++) reach(rows.steps[axis][j], rows.dims[axis]);
        for (size_t axis = 0; axis < terms.dims.size(); axis++) reach(terms.steps[axis][j], axis == 0 ? outer : terms.dims[axis]);
    }
    box.words_ = 1;
    for (int j = rank; j-- > 0;) {
        box.strides_[j] = box.words_;
        if (box.dims_[j] > kMaxWords / box.words_) return std::nullopt;
        box.words_ *= box.dims_[j];
    }
    if (2 * box.words_ > rows.size() * std::min(terms_together, terms.size())) return std::nullopt;

    const auto word_step = [&](const Dims& steps) {
        int64_t step = 0;
        for (int j = 0; j < rank; j++) step += steps[j] * box.strides_[j];
        return step;
    };
    box.row_offsets_.assign(1, 0);
    std::vector<int64_t> dims, steps;  // of the rows, without axes of length 1
    for (size_t axis = 0; axis < rows.dims.size(); axis++) {
        const int64_t step = word_step(rows.steps[axis]);
        std::vector<int32_t> longer;
        for (int32_t offset : box.row_offsets_) {
            for (int64_t i = 0; i < rows.dims[axis]; i++) longer.push_back(static_cast<int32_t>(offset + i * step));
        }
        box.row_offsets_.swap(longer);
        if (rows.dims[axis] > 1) dims.push_back(rows.dims[axis]), steps.push_back(step);
    }
    if (dims.empty() || dims.size() > 2 || steps.back() != 1 || terms_together < terms.size()) return box;
    const int64_t line = dims.back(), lines = dims.size() == 2 ? dims[0] : 1, line_step = dims.size() == 2 ? steps[0] : line;
    if (line_step < line || 3 * line_step > 4 * line) return box;
    box.use_ = Use::shifted, box.line_ = line, box.lines_ = lines, box.line_step_ = line_step;
    return box;
}

void Box::fill(const Word* source, int64_t batch, int64_t begin, int64_t count, Word* to, int32_t* shifts) const {
    const int rank = window_.rank_, last = rank - 1;
    const Window::Axes& terms = window_.terms_;
    const int64_t outer = begin / (terms.size() / terms.dims[0]);
    const Window::Walk origin(window_.batch_, window_.batch_.dims.size(), rank, low_, batch);
    Dims low = origin.at();
    for (int j = 0; j < rank; j++) low[j] += outer * terms.steps[0][j];

    Dims index{};
    const Run whole = run_inside(1, {low[last]}, {1}, {window_.dims_[last]}, {1}, dims_[last]);
    for (int64_t line = words_ / dims_[last]; line > 0; line--, to += dims_[last]) {
        int64_t from = 0;
        bool inside = true;
        for (int j = 0; j < last; j++) {
            const int64_t at = low[j] + index[j];
            inside &= at >= 0 && at < window_.dims_[j];
            from += at * window_.strides_[j];
        }
        if (inside) {
            fill_run(window_.fill_, whole.first, to);
            if (whole.last > whole.first) copy_run(source + from + low[last] + whole.first, 1, whole.last - whole.first, to + whole.first);
            fill_run(window_.fill_, dims_[last] - whole.last, to + whole.last);
        } else {
            fill_run(window_.fill_, dims_[last], to);
        }
        for (int j = last; j-- > 0;) {
            if (++index[j] < dims_[j]) break;
            index[j] = 0;
        }
    }

    Dims start = window_.offset_;
    for (int j = 0; j < rank; j++) start[j] -= low_[j] + outer * terms.steps[0][j];
    Window::Walk term(terms, terms.dims.size(), rank, start, begin);
    for (int64_t i = 0; i < count; i++, term.advance()) {
        int64_t shift = 0;
        for (int j = 0; j < rank; j++) shift += term.at()[j] * strides_[j];
        shifts[i] = static_cast<int32_t>(shift);
    }
}

}  // namespace touchstone
