// The general move of the specification, section 3.4.
#include <algorithm>

#include "execute.h"
#include "window.h"

namespace touchstone {
namespace {

// One axis of one source along a row of the output: coordinate (base + slope·x) / divisor, to lie in 0 … dim−1.
struct AxisOnRow {
    int64_t base, slope, divisor, dim, stride;
};

// The word's offset along one axis, or −1 when it is out of range there.
int64_t offset_on(const AxisOnRow& axis, int64_t x) {
    const int64_t q = axis.base + axis.slope * x;
    if (q < 0 || q % axis.divisor != 0) return -1;
    const int64_t coordinate = q / axis.divisor;
    return coordinate < axis.dim ? coordinate * axis.stride : -1;
}

// One source along the rows of the output (its last axis).
class SourceOnRows {
public:
    SourceOnRows(const Operand& operand, const Word* words, int outer_axes) : operand_(operand), words_(words), outer_axes_(outer_axes) {
        int64_t stride = 1;
        for (int j = operand.type.rank; j-- > 0;) {
            dims_[j] = operand.type.dims[j];
            strides_[j] = stride;
            stride *= dims_[j];
            slope_[j] = operand.axes[j].coefficients[outer_axes];
            divides_ |= operand.axes[j].divisor != 1;
        }
    }

    // Puts the words of columns begin … end−1 that are in range where they belong.
    void put(const Dims& row, int64_t begin, int64_t end, Word* to) const {
        Dims at{};
        for (int j = 0; j < operand_.type.rank; j++) {
            const Axis& axis = operand_.axes[j];
            at[j] = axis.offset;
            for (int k = 0; k < outer_axes_; k++) at[j] += axis.coefficients[k] * row[k];
        }
        if (divides_) return put_divided(at, begin, end, to);
        for (int j = 0; j < operand_.type.rank; j++) at[j] += begin * slope_[j];
        const Run run = run_inside(operand_.type.rank, at, slope_, dims_, strides_, end - begin);
        if (run.last > run.first) copy_run(words_ + run.offset + run.first * run.step, run.step, run.last - run.first, to + run.first);
    }

private:
    void put_divided(const Dims& at, int64_t begin, int64_t end, Word* to) const {
        AxisOnRow changing[kMaxRank];
        int count = 0;
        int64_t fixed = 0;
        for (int j = 0; j < operand_.type.rank; j++) {
            const AxisOnRow axis{at[j], slope_[j], operand_.axes[j].divisor, dims_[j], strides_[j]};
            if (axis.slope != 0) {
                changing[count++] = axis;
                continue;
            }
            const int64_t offset = offset_on(axis, 0);
            if (offset < 0) return;
            fixed += offset;
        }
        for (int64_t x = begin; x < end; x++) {
            int64_t offset = fixed;
            bool inside = true;
            for (int j = 0; j < count && inside; j++) {
                const int64_t along = offset_on(changing[j], x);
                inside = along >= 0;
                offset += along;
            }
            if (inside) to[x - begin] = words_[offset];
        }
    }

    const Operand& operand_;
    const Word* words_;
    const int outer_axes_;
    Dims dims_{}, strides_{}, slope_{};
    bool divides_ = false;
};

}  // namespace

void move_elements(const Node& node, const std::vector<const Word*>& sources, int64_t begin, int64_t end, Word* out) {
    // A row is the output's last axis; a rank-0 output is a row of one.
    const int outer_axes = node.type.rank == 0 ? 0 : node.type.rank - 1;
    const int64_t width = node.type.rank == 0 ? 1 : node.type.dims[outer_axes];
    std::vector<SourceOnRows> readers;
    for (size_t s = 0; s < sources.size(); s++) readers.emplace_back(node.operands[s], sources[s], outer_axes);
    Dims row{};
    int64_t rest = begin / width;
    for (int axis = outer_axes; axis-- > 0;) {
        row[axis] = rest % node.type.dims[axis];
        rest /= node.type.dims[axis];
    }
    for (int64_t at = begin; at < end;) {
        const int64_t first = at % width, last = std::min(width, first + end - at);
        // The first source in range wins: it is put in place last.
        fill_run(node.attributes[0], last - first, out + at);
        for (size_t s = readers.size(); s-- > 0;) readers[s].put(row, first, last, out + at);
        at += last - first;
        for (int axis = outer_axes; axis-- > 0;) {
            if (++row[axis] < node.type.dims[axis]) break;
            row[axis] = 0;
        }
    }
}

}  // namespace touchstone
