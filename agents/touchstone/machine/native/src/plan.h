// What to execute for one step, in which order and where everything lies: computed once, from the program alone.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "box.h"
#include "kernels.h"
#include "program.h"
#include "view.h"
#include "window.h"

namespace touchstone {

// ---- elementwise groups: chains of map nodes over the same number of elements, computed block by block in cache ----

// Where a step of a group finds an operand.
struct Read {
    enum class From {
        immediate,  // `word`
        scalar,     // one word of a tensor, at `offset`
        tensor,     // consecutive words of a tensor, from `offset` on
        expansion,  // `index` of the group's expansions
        step,       // `index` of an earlier step of the group
    };
    From from;
    Word word = 0;
    Value value = 0;
    int64_t offset = 0;
    int index = 0;
};

// A view copied into a contiguous block, when it cannot be read directly.
struct Expansion {
    View view;
    int temporary = -1;
    int before_step = 0;  // the first step that reads it
};

struct MapStep {
    Value node;
    int function;
    std::vector<Read> reads;
    bool needed_outside = false;
    int temporary = -1;        // the block that holds the result, or −1 when it is written to its tensor directly
    bool stored_late = false;  // the tensor's storage is still read by later steps of the block: copy at the end
};

struct Group {
    int64_t n;
    std::vector<MapStep> steps;
    std::vector<Expansion> expansions;
    int temporaries = 0;
};

// ---- the other operators ----

struct Matrix {
    Value value;
    int64_t offset;
    std::vector<int64_t> batch;  // strides of the batch axes, 0 where repeated; of a window, in matrices
    int64_t row, column;
    std::optional<Window> window = {};  // the matrix is read through a move that is not carried out
};

struct Dot {
    Value out;
    std::vector<int64_t> batch;  // the output's batch axes
    int64_t m, n, k;
    int64_t split;  // terms of a partial result; k when the output has none
    Matrix a, b;
    std::optional<Box> box = {};  // the windows of b are read in their box
};

struct Reduce {
    Value out;
    DType dtype;
    int function;
    View rows;      // where each row begins
    int64_t n;      // words of a row
    int64_t block;  // words reduced together; n when the whole row is
    int64_t step;   // distance of a row's words
    bool columns;   // sum f32 down the columns of a matrix: the rows of the last axis are neighbours
};

struct Gather {
    Value out, table, index;
    int64_t rows, width, count;
};

struct Scatter {
    Value out, index;
    DType dtype;
    View base;     // [rows, width]: the tensor itself, or one word everywhere
    View sources;  // [width, count]
    int64_t rows, width, count;
};

struct Move {
    Value out;
    const Node* node;
};

struct Copy {
    Value out;
    View view;
};

struct Source {
    Value out;
    const Node* node;
};

struct Instruction {
    std::variant<Group, Dot, Reduce, Gather, Scatter, Move, Copy, Source> work;
    std::vector<Value> reads;   // tensors, without those a group makes and uses itself
    std::vector<Value> writes;  // tensors that must exist afterwards
};

// The nodes an instruction computes.
std::vector<Value> computed_by(const Instruction& instruction);

// ---- storage ----

struct Storage {
    enum class Space { none, slot, constant, fixed, arena };
    Space space = Space::none;
    int64_t at = 0;  // index of the slot or constant, or offset in words

    bool operator==(const Storage&) const = default;
};

struct SlotCopy {
    Value from;
    int slot;
};

struct Plan {
    std::vector<Instruction> setup;         // run once: tensors that never change
    std::vector<Instruction> instructions;  // run every step, in order
    std::vector<SlotCopy> slot_copies;      // after them: the new slots that were not computed in place
    std::vector<Storage> storage;           // per value
    int64_t arena_words = 0;
    int64_t fixed_words = 0;
    int64_t staging_words = 0;  // old slots that are copied to other slots
};

// For run: fused, with views folded and nodes that nothing needs left out.
Plan plan_run(const Program& program);

// For trace: instruction i computes node i alone, exactly as written; its output exists until the next instruction begins, at least.
Plan plan_trace(const Program& program);

// ---- stages of planning ----

// What stands for a move that is not carried out: a view, or that its readers make the parts they need as windows.
struct Folded {
    std::optional<View> view;
    bool window = false;

    bool any() const { return view.has_value() || window; }
};

// Per node, how all its readers can read through it, if it is a move and they can.
std::vector<Folded> fold_moves(const Program& program, const std::vector<bool>& live);

// The operand of a product as windows of what a move reads, when its shape allows it.
std::optional<Window> window_of_operand(const Node& move, const Operand& operand);

// Per value, whether the next state depends on it.
std::vector<bool> live_values(const Program& program);

// Decides where every tensor lies, what is computed in place, and the temporaries of groups.
void place(const Program& program, Plan& plan, bool in_place);

}  // namespace touchstone
