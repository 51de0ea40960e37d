// Which nodes a step can leave out, and which moves are read through instead of being carried out.
#include "plan.h"

namespace touchstone {
namespace {

// A map that reads words far apart would touch a cache line per word; beyond this size a transposed copy is cheaper.
constexpr int64_t kScatteredRead = 4096;

bool map_accepts(const Node& node, const Operand& operand, const View& moved) {
    const std::optional<View> through = read_through(view_of_operand(operand, node.type), moved);
    if (!through) return false;
    const View flat = collapsed(*through);
    return flat.dims.empty() || flat.strides.back() == 0 || flat.strides.back() == 1 || flat.size() <= kScatteredRead;
}

bool dot_accepts(const Operand& operand, const View& moved) {
    const View whole = whole_view(operand);
    const std::optional<View> through = reshaped(moved, whole.dims);
    if (!through) return false;
    const size_t rank = whole.dims.size();
    const auto packs_well = [&](size_t axis) { return whole.dims[axis] == 1 || through->strides[axis] == 1; };
    return packs_well(rank - 1) || packs_well(rank - 2);
}

bool reduce_accepts(const Node& node, const Operand& operand, const View& moved) {
    const View whole = whole_view(operand);
    const std::optional<View> through = reshaped(moved, whole.dims);
    if (!through) return false;
    const size_t rank = whole.dims.size();
    if (through->strides[rank - 1] == 1) return true;
    const bool plain_sum = node.function == kSumFunction && operand.type.dtype == DType::f32 && node.attributes[0] == 0;
    return plain_sum && rank >= 2 && through->strides[rank - 2] == 1;
}

// The base when it is one word everywhere, and the sources, by columns or by rows.
bool scatter_accepts(const Node& node, const Operand& operand, const View& moved) {
    const std::optional<View> through = reshaped(moved, whole_view(operand).dims);
    if (!through || &operand == &node.operands[1]) return false;
    if (&operand == &node.operands[0]) return through->is_uniform();
    return through->strides[0] == 1 || through->strides[1] == 1;
}

bool accepts(const Node& node, const Operand& operand, const View& moved) {
    switch (node.op) {
        case Op::map: return map_accepts(node, operand, moved);
        case Op::dot: return dot_accepts(operand, moved);
        case Op::reduce: return reduce_accepts(node, operand, moved);
        case Op::scatter_add: return scatter_accepts(node, operand, moved);
        default: return false;
    }
}

}  // namespace

std::vector<bool> live_values(const Program& program) {
    std::vector<bool> live(program.value_count(), false);
    for (const Slot& slot : program.slots) live[slot.next] = true;
    for (Value value = program.value_count(); value-- > program.first_node();) {
        if (!live[value]) continue;
        for (const Operand& operand : program.node(value).operands) live[operand.value] = true;
    }
    return live;
}

std::optional<Window> window_of_operand(const Node& move, const Operand& operand) {
    const int matrix = operand.type.rank - 2;
    const std::vector<int64_t> batch(operand.type.dims.begin(), operand.type.dims.begin() + matrix);
    return Window::of(move, batch, operand.type.dims[matrix], operand.type.dims[matrix + 1]);
}

std::vector<Folded> fold_moves(const Program& program, const std::vector<bool>& live) {
    std::vector<Folded> folded(program.nodes.size());
    for (size_t i = 0; i < program.nodes.size(); i++) {
        if (program.nodes[i].op == Op::move) folded[i] = {view_of_move(program.nodes[i]), true};
    }
    const auto of = [&](Value value) -> Folded* { return program.is_node(value) ? &folded[value - program.first_node()] : nullptr; };
    for (const Slot& slot : program.slots) {
        if (Folded* moved = of(slot.next)) *moved = {};
    }
    for (size_t i = 0; i < program.nodes.size(); i++) {
        const Node& node = program.nodes[i];
        if (!live[program.first_node() + i]) continue;
        for (const Operand& operand : node.operands) {
            Folded* moved = of(operand.value);
            if (moved == nullptr) continue;
            if (moved->view && !accepts(node, operand, *moved->view)) moved->view.reset();
            if (moved->window) moved->window = node.op == Op::dot && window_of_operand(program.node(operand.value), operand).has_value();
        }
    }
    for (Folded& moved : folded) {
        if (moved.view) moved.window = false;
    }
    // A view of a move that is carried out after all reads the copy; one of a move that is folded would need both at once.
    return folded;
}

}  // namespace touchstone
