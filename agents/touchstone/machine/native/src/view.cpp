#include "view.h"

#include <algorithm>

namespace touchstone {
namespace {

std::vector<int64_t> dims_of(const Type& type) { return {type.dims.begin(), type.dims.begin() + type.rank}; }

}  // namespace

int64_t View::size() const {
    int64_t size = 1;
    for (int64_t dim : dims) size *= dim;
    return size;
}

bool View::is_whole(int64_t words) const {
    if (offset != 0 || size() != words) return false;
    const View flat = collapsed(*this);
    return flat.dims.empty() || (flat.dims.size() == 1 && flat.strides[0] == 1);
}

bool View::is_uniform() const {
    const View flat = collapsed(*this);
    return std::all_of(flat.strides.begin(), flat.strides.end(), [](int64_t stride) { return stride == 0; });
}

std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& dims) {
    std::vector<int64_t> strides(dims.size());
    int64_t stride = 1;
    for (size_t axis = dims.size(); axis-- > 0;) {
        strides[axis] = stride;
        stride *= dims[axis];
    }
    return strides;
}

View collapsed(const View& view) {
    View result{view.value, view.offset, {}, {}};
    for (size_t axis = 0; axis < view.dims.size(); axis++) {
        const int64_t dim = view.dims[axis], stride = view.strides[axis];
        if (dim == 1) continue;
        if (!result.dims.empty() && result.strides.back() == stride * dim) {
            result.dims.back() *= dim;
            result.strides.back() = stride;
        } else {
            result.dims.push_back(dim);
            result.strides.push_back(stride);
        }
    }
    return result;
}

std::optional<View> reshaped(const View& view, const std::vector<int64_t>& dims) {
    const View flat = collapsed(view);
    View result{view.value, view.offset, dims, std::vector<int64_t>(dims.size(), 0)};
    size_t axis_left = flat.dims.size();
    int64_t left = 1, stride = 0;  // of the flat axis that is being cut up
    for (size_t axis = dims.size(); axis-- > 0;) {
        if (dims[axis] == 1) continue;
        if (left == 1) {
            if (axis_left == 0) return std::nullopt;
            axis_left--;
            left = flat.dims[axis_left];
            stride = flat.strides[axis_left];
        }
        if (left % dims[axis] != 0) return std::nullopt;
        result.strides[axis] = stride;
        stride *= dims[axis];
        left /= dims[axis];
    }
    return result;
}

View view_of_operand(const Operand& operand, const Type& out) {
    return {operand.value, operand.offset, dims_of(out), {operand.strides.begin(), operand.strides.begin() + out.rank}};
}

View whole_view(const Operand& operand) {
    const std::vector<int64_t> dims = dims_of(operand.type);
    return {operand.value, 0, dims, contiguous_strides(dims)};
}

std::optional<View> view_of_move(const Node& node) {
    if (node.operands.size() != 1) return std::nullopt;
    const Operand& source = node.operands[0];
    const std::vector<int64_t> source_strides = contiguous_strides(dims_of(source.type));
    View view{source.value, 0, dims_of(node.type), std::vector<int64_t>(node.type.rank, 0)};
    for (size_t j = 0; j < source.axes.size(); j++) {
        const Axis& axis = source.axes[j];
        if (axis.divisor != 1) return std::nullopt;
        int64_t low = axis.offset, high = axis.offset;
        for (int k = 0; k < node.type.rank; k++) {
            const int64_t span = axis.coefficients[k] * (node.type.dims[k] - 1);
            (span < 0 ? low : high) += span;
        }
        if (low < 0 || high >= source.type.dims[j]) return std::nullopt;
        view.offset += axis.offset * source_strides[j];
        for (int k = 0; k < node.type.rank; k++) {
            // Along an axis of length 1 any coefficient is in range; it is never used.
            if (node.type.dims[k] > 1) view.strides[k] += axis.coefficients[k] * source_strides[j];
        }
    }
    return view;
}

std::optional<View> read_through(const View& access, const View& moved) {
    View kept{access.value, access.offset, {}, {}};
    for (size_t axis = 0; axis < access.dims.size(); axis++) {
        if (access.dims[axis] == 1 || access.strides[axis] == 0) continue;
        kept.dims.push_back(access.dims[axis]);
        kept.strides.push_back(access.strides[axis]);
    }
    if (!kept.is_whole(moved.size())) return std::nullopt;
    const std::optional<View> through = reshaped(moved, kept.dims);
    if (!through) return std::nullopt;
    View result{moved.value, moved.offset, access.dims, std::vector<int64_t>(access.dims.size(), 0)};
    size_t at = 0;
    for (size_t axis = 0; axis < access.dims.size(); axis++) {
        if (access.dims[axis] != 1 && access.strides[axis] != 0) result.strides[axis] = through->strides[at++];
    }
    return result;
}

}  // namespace touchstone
