#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace touchstone {

// Steps through the index tuples of the first `axes` axes of a shape in row-major order, keeping the offset they stand for.
class Odometer {
public:
    Odometer(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides, size_t axes, int64_t at)
        : dims_(dims), strides_(strides), index_(axes) {
        for (size_t axis = axes; axis-- > 0;) {
            index_[axis] = at % dims[axis];
            at /= dims[axis];
            offset_ += index_[axis] * strides[axis];
        }
    }

    int64_t offset() const { return offset_; }

    void advance() {
        for (size_t axis = index_.size(); axis-- > 0;) {
            offset_ += strides_[axis];
            if (++index_[axis] < dims_[axis]) return;
            offset_ -= dims_[axis] * strides_[axis];
            index_[axis] = 0;
        }
    }

private:
    const std::vector<int64_t>&dims_, &strides_;
    std::vector<int64_t> index_;
    int64_t offset_ = 0;
};

}  // namespace touchstone
