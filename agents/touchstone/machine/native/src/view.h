// Strided views: how a tensor that exists is read as another that need not.
#pragma once

#include <optional>
#include <vector>

#include "program.h"

namespace touchstone {

// Element (i0, i1, …) is the word of `value` at offset + Σ strides·i.
struct View {
    Value value;
    int64_t offset;
    std::vector<int64_t> dims;
    std::vector<int64_t> strides;

    int64_t size() const;
    // No offset and row-major: the tensor itself.
    bool is_whole(int64_t words) const;
    // One word everywhere.
    bool is_uniform() const;
};

// Row-major strides of a shape.
std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& dims);

// The same elements in the same order, with axes of length 1 dropped and neighbouring axes merged where possible.
View collapsed(const View& view);

// The same elements in the same order under another shape, when strides can express it.
std::optional<View> reshaped(const View& view, const std::vector<int64_t>& dims);

// What an operand of a map reads.
View view_of_operand(const Operand& operand, const Type& out);

// The tensor itself, under the operand's shape.
View whole_view(const Operand& operand);

// A move that only permutes, slices or expands one source, as a view of that source.
std::optional<View> view_of_move(const Node& node);

// `access` reads a tensor whose elements are those of `moved`, in order: the same read, straight from what `moved` views. Only reads of all
// elements in order, possibly repeated along further axes, can be expressed.
std::optional<View> read_through(const View& access, const View& moved);

}  // namespace touchstone
