// A program, read from its canonical bytes (specification, section 2.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace touchstone {

constexpr int kMaxRank = 8;
using Dims = std::array<int64_t, kMaxRank>;

enum class DType { f32 = 1, i32 = 2 };

enum class Op { map = 1, dot = 2, reduce = 3, move = 4, gather = 5, scatter_add = 6, source = 7 };

constexpr int kMapAdd = 1, kMapIntegerAdd = 32;
constexpr int kSumFunction = 1;
constexpr int kSourceConstant = 1, kSourceIota = 2, kSourcePhilox = 3;

struct Type {
    DType dtype;
    int rank;
    Dims dims;

    int64_t size() const;
};

struct Axis {
    int64_t offset, divisor;
    Dims coefficients;
};

// A tensor is named by one number: slots first, then constants, then nodes.
using Value = int;

struct Operand {
    Value value;
    Type type;
    int64_t offset;          // map: flat index = offset + Σ strides·i
    Dims strides;
    std::vector<Axis> axes;  // move: one per axis of the source
};

struct Node {
    Op op;
    int function;
    Type type;
    std::array<uint32_t, 3> attributes;
    std::vector<Operand> operands;
};

struct Slot {
    Type type;
    Value next;
};

struct Program {
    std::vector<Slot> slots;
    std::vector<Type> constants;
    std::vector<Node> nodes;

    int first_constant() const { return static_cast<int>(slots.size()); }
    int first_node() const { return first_constant() + static_cast<int>(constants.size()); }
    int value_count() const { return first_node() + static_cast<int>(nodes.size()); }
    bool is_slot(Value value) const { return value < first_constant(); }
    bool is_node(Value value) const { return value >= first_node(); }
    const Node& node(Value value) const { return nodes[value - first_node()]; }
    const Type& type_of(Value value) const;
};

// Reads and checks what running safely depends on: counts, references, sizes, bounds of every access. Throws std::invalid_argument.
Program read_program(const uint8_t* bytes, size_t length);

}  // namespace touchstone
