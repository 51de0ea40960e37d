// The general move of the specification, section 3.4.
#include "execute.h"

namespace touchstone {
namespace {

// One axis of one source along a row of the output: coordinate (base + slope·x) / divisor, to lie in 0 … dim−1.
struct AxisOnRow {
    int64_t base, slope, divisor, dim, stride;
};

// One source along a row: the axes that change along it, and the offset of those that do not.
struct SourceOnRow {
    const Word* words;
    bool possible;
    int64_t offset;
    int changing;
    AxisOnRow axes[kMaxRank];
};

// The word's offset along one axis, or −1 when it is out of range there.
int64_t offset_on(const AxisOnRow& axis, int64_t x) {
    const int64_t q = axis.base + axis.slope * x;
    if (q < 0 || q % axis.divisor != 0) return -1;
    const int64_t coordinate = q / axis.divisor;
    return coordinate < axis.dim ? coordinate * axis.stride : -1;
}

SourceOnRow on_row(const Operand& operand, const Word* words, const Dims& row, int outer_axes) {
    SourceOnRow source{words, true, 0, 0, {}};
    int64_t stride = 1;
    for (int j = operand.type.rank; j-- > 0;) {
        const Axis& read = operand.axes[j];
        AxisOnRow axis{read.offset, read.coefficients[outer_axes], read.divisor, operand.type.dims[j], stride};
        for (int k = 0; k < outer_axes; k++) axis.base += read.coefficients[k] * row[k];
        stride *= operand.type.dims[j];
        if (axis.slope != 0) {
            source.axes[source.changing++] = axis;
            continue;
        }
        const int64_t offset = offset_on(axis, 0);
        if (offset < 0) source.possible = false;
        source.offset += offset;
    }
    return source;
}

// The source's word at column x, or nullptr when it is out of range there.
const Word* word_at(const SourceOnRow& source, int64_t x) {
    if (!source.possible) return nullptr;
    int64_t offset = source.offset;
    for (int j = 0; j < source.changing; j++) {
        const int64_t along = offset_on(source.axes[j], x);
        if (along < 0) return nullptr;
        offset += along;
    }
    return source.words + offset;
}

}  // namespace

void move_elements(const Node& node, const std::vector<const Word*>& sources, int64_t begin, int64_t end, Word* out) {
    // A row is the output's last axis; a rank-0 output is a row of one.
    const int outer_axes = node.type.rank == 0 ? 0 : node.type.rank - 1;
    const int64_t width = node.type.rank == 0 ? 1 : node.type.dims[outer_axes];
    const Word fill = node.attributes[0];
    std::vector<SourceOnRow> rows(sources.size());
    for (int64_t at = begin; at < end;) {
        Dims row{};
        int64_t rest = at / width;
        for (int axis = outer_axes; axis-- > 0;) {
            row[axis] = rest % node.type.dims[axis];
            rest /= node.type.dims[axis];
        }
        for (size_t s = 0; s < sources.size(); s++) rows[s] = on_row(node.operands[s], sources[s], row, outer_axes);
        const int64_t row_end = (at / width + 1) * width;
        for (; at < end && at < row_end; at++) {
            const Word* found = nullptr;
            for (size_t s = 0; s < rows.size() && found == nullptr; s++) found = word_at(rows[s], at % width);
            out[at] = found == nullptr ? fill : *found;
        }
    }
}

}  // namespace touchstone
