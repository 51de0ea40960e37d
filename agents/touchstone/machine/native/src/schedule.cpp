// The order of a step's instructions, and which map nodes are computed together.
#include <algorithm>
#include <unordered_map>

#include "plan.h"

namespace touchstone {
namespace {

constexpr size_t kMaxSteps = 96;           // of a group
constexpr int64_t kMaxFixed = 1 << 24;     // words of a tensor that is made once and kept
constexpr int64_t kFewestRowsOfBox = 6;    // below, lanes that hold rows of A would mostly be empty
constexpr int kBefore = -1;                // position of what exists before the step begins

std::vector<int64_t> without_last(const std::vector<int64_t>& v, size_t count) { return {v.begin(), v.end() - static_cast<int64_t>(count)}; }

class Scheduler {
public:
    Scheduler(const Program& program, bool fuse)
        : program_(program), fuse_(fuse), live_(program.value_count(), true), folded_(program.nodes.size()),
          position_(program.value_count(), kBefore) {
        if (!fuse) return;
        live_ = live_values(program);
        folded_ = fold_moves(program, live_);
    }

    Plan run() {
        for (Value value = program_.first_node(); value < program_.value_count(); value++) {
            if (live_[value] && !folded(value).any()) schedule(value);
        }
        mark_needed();
        return std::move(plan_);
    }

private:
    const Folded& folded(Value value) const { return folded_[value - program_.first_node()]; }

    void schedule(Value value) {
        const Node& node = program_.node(value);
        switch (node.op) {
            case Op::map: return schedule_map(value, node);
            case Op::dot: return append(value, dot(value, node));
            case Op::reduce: return append(value, reduce(value, node));
            case Op::gather: return append(value, gather(value, node));
            case Op::scatter_add: return append(value, scatter(value, node));
            case Op::move: return schedule_move(value, node);
            case Op::source: return schedule_source(value, node);
        }
    }

    void append(Value value, decltype(Instruction::work) work) {
        position_[value] = static_cast<int>(plan_.instructions.size());
        plan_.instructions.push_back({std::move(work), {}, {value}});
    }

    // ---- views ----

    // The operand as the view its reader asked for, straight from the tensor that exists.
    View resolve(const View& wanted) const {
        if (!program_.is_node(wanted.value) || !folded(wanted.value).view) return wanted;
        return *read_through(wanted, *folded(wanted.value).view);
    }

    View resolve_whole(const Operand& operand) const {
        const View whole = whole_view(operand);
        if (!program_.is_node(operand.value) || !folded(operand.value).view) return whole;
        return *reshaped(*folded(operand.value).view, whole.dims);
    }

    // ---- operators with an instruction of their own ----

    Matrix matrix(const Operand& operand, const Type& out) const {
        const View view = resolve_whole(operand);
        const size_t rank = view.dims.size();
        Matrix matrix{view.value, view.offset, {}, view.strides[rank - 2], view.strides[rank - 1]};
        for (size_t axis = 0; axis + 2 < rank; axis++) {
            const bool repeated = view.dims[axis] == 1 && out.dims[axis] > 1;
            matrix.batch.push_back(repeated ? 0 : view.strides[axis]);
        }
        if (program_.is_node(operand.value) && folded(operand.value).window) read_windows(matrix, operand);
        return matrix;
    }

    // Windows count their matrices: the strides of the batch axes of the whole operand, in units of a matrix.
    void read_windows(Matrix& matrix, const Operand& operand) const {
        const int64_t words = operand.type.dims[operand.type.rank - 2] * operand.type.dims[operand.type.rank - 1];
        matrix.window = window_of_operand(program_.node(operand.value), operand);
        matrix.value = matrix.window->source();
        for (int64_t& stride : matrix.batch) stride /= words;
    }

    Dot dot(Value value, const Node& node) const {
        const Type& a = node.operands[0].type;
        Dot dot{};
        dot.out = value;
        dot.batch.assign(node.type.dims.begin(), node.type.dims.begin() + a.rank - 2);
        dot.m = a.dims[a.rank - 2];
        dot.n = node.operands[1].type.dims[a.rank - 2];
        dot.k = a.dims[a.rank - 1];
        dot.split = node.attributes[0] == 0 ? dot.k : node.attributes[0];
        dot.a = matrix(node.operands[0], node.type);
        dot.b = matrix(node.operands[1], node.type);
        if (dot.b.window && dot.m >= kFewestRowsOfBox) dot.box = Box::of(*dot.b.window, std::min(dot.k, dot.split));
        return dot;
    }

    Reduce reduce(Value value, const Node& node) const {
        const View view = resolve_whole(node.operands[0]);
        const int64_t n = view.dims.back(), step = n == 1 ? 1 : view.strides.back();
        Reduce reduce{value, node.operands[0].type.dtype, node.function, {}, n, node.attributes[0] == 0 ? n : node.attributes[0], step, step != 1};
        reduce.rows = {view.value, view.offset, without_last(view.dims, 1), without_last(view.strides, 1)};
        return reduce;
    }

    Gather gather(Value value, const Node& node) const {
        const Operand &table = node.operands[0], &index = node.operands[1];
        return {value, table.value, index.value, table.type.dims[0], table.type.dims[1], index.type.size()};
    }

    Scatter scatter(Value value, const Node& node) const {
        const Type &base = node.operands[0].type, &index = node.operands[1].type;
        const View start = resolve_whole(node.operands[0]), sources = resolve_whole(node.operands[2]);
        return {value, node.operands[1].value, base.dtype, start, sources, base.dims[0], base.dims[1], index.dims[0]};
    }

    void schedule_move(Value value, const Node& node) {
        const std::optional<View> view = view_of_move(node);
        if (view) {
            append(value, Copy{value, *view});
        } else {
            append(value, Move{value, &node});
        }
    }

    // Constants are immediate for maps. What anything else reads, and every iota, is the same in each step: made once.
    void schedule_source(Value value, const Node& node) {
        const bool changes = node.function == kSourcePhilox || node.type.size() > kMaxFixed;
        if (!fuse_ || changes) return append(value, Source{value, &node});
        if (node.function == kSourceConstant && !read_by_others(value)) return;
        plan_.setup.push_back({Source{value, &node}, {}, {value}});
    }

    bool read_by_others(Value value) const {
        if (others_.empty()) find_other_reads();
        return others_[value];
    }

    void find_other_reads() const {
        others_.assign(program_.value_count(), false);
        for (const Slot& slot : program_.slots) others_[slot.next] = true;
        for (const Node& node : program_.nodes) {
            if (node.op == Op::map) continue;
            for (const Operand& operand : node.operands) others_[operand.value] = true;
        }
    }

    // ---- maps ----

    bool is_immediate(Value value) const {
        if (!fuse_ || !program_.is_node(value)) return false;
        const Node& node = program_.node(value);
        return node.op == Op::source && node.function == kSourceConstant && node.type.size() <= kMaxFixed;
    }

    void schedule_map(Value value, const Node& node) {
        std::vector<View> views;
        int latest = kBefore;
        for (const Operand& operand : node.operands) {
            views.push_back(resolve(view_of_operand(operand, node.type)));
            latest = std::max(latest, position_[views.back().value]);
        }
        const int at = fuse_ ? group_for(node.type.size(), views, latest) : new_group(node.type.size());
        position_[value] = at;
        add_step(at, value, node, views);
    }

    // A group the node can join: the one that makes its last operand, when all it reads of that group is elementwise; else the newest of
    // the same size, if it comes after everything the node reads; else a new one.
    int group_for(int64_t n, const std::vector<View>& views, int latest) {
        if (latest != kBefore && joins(n, views, latest)) return latest;
        const auto newest = newest_.find(n);
        if (newest != newest_.end() && newest->second > latest && has_room(newest->second)) return newest->second;
        return new_group(n);
    }

    bool joins(int64_t n, const std::vector<View>& views, int at) const {
        const auto* group = std::get_if<Group>(&plan_.instructions[at].work);
        if (group == nullptr || group->n != n || !has_room(at)) return false;
        return std::all_of(views.begin(), views.end(), [&](const View& view) { return position_[view.value] != at || view.is_whole(n); });
    }

    bool has_room(int at) const { return std::get<Group>(plan_.instructions[at].work).steps.size() < kMaxSteps; }

    int new_group(int64_t n) {
        const int at = static_cast<int>(plan_.instructions.size());
        plan_.instructions.push_back({Group{n, {}, {}, 0}, {}, {}});
        newest_[n] = at;
        return at;
    }

    void add_step(int at, Value value, const Node& node, const std::vector<View>& views) {
        Group& group = std::get<Group>(plan_.instructions[at].work);
        MapStep step{value, node.function, {}, false, -1, false};
        for (const View& view : views) step.reads.push_back(read(group, at, view));
        step_of_[value] = static_cast<int>(group.steps.size());
        group.steps.push_back(std::move(step));
    }

    Read read(Group& group, int at, const View& view) {
        if (is_immediate(view.value)) return {Read::From::immediate, program_.node(view.value).attributes[0], view.value, 0, 0};
        if (position_[view.value] == at) return {Read::From::step, 0, view.value, 0, step_of_.at(view.value)};
        const View flat = collapsed(view);
        if (flat.dims.empty()) return {group.n == 1 ? Read::From::tensor : Read::From::scalar, 0, flat.value, flat.offset, 0};
        if (flat.is_uniform()) return {Read::From::scalar, 0, flat.value, flat.offset, 0};
        if (flat.dims.size() == 1 && flat.strides[0] == 1) return {Read::From::tensor, 0, flat.value, flat.offset, 0};
        return {Read::From::expansion, 0, flat.value, 0, expansion(group, flat)};
    }

    static int expansion(Group& group, const View& flat) {
        for (size_t i = 0; i < group.expansions.size(); i++) {
            const View& view = group.expansions[i].view;
            if (view.value == flat.value && view.offset == flat.offset && view.dims == flat.dims && view.strides == flat.strides) {
                return static_cast<int>(i);
            }
        }
        group.expansions.push_back({flat, -1, static_cast<int>(group.steps.size())});
        return static_cast<int>(group.expansions.size()) - 1;
    }

    // ---- what each instruction reads and leaves behind ----

    void mark_needed() {
        for (Instruction& instruction : plan_.instructions) instruction.reads = reads_of(instruction);
        std::vector<bool> needed(program_.value_count(), !fuse_);
        for (const Slot& slot : program_.slots) needed[slot.next] = true;
        for (const Instruction& instruction : plan_.instructions) {
            for (Value value : instruction.reads) needed[value] = true;
        }
        for (Instruction& instruction : plan_.instructions) {
            auto* group = std::get_if<Group>(&instruction.work);
            if (group == nullptr) continue;
            for (MapStep& step : group->steps) {
                step.needed_outside = needed[step.node];
                if (step.needed_outside) instruction.writes.push_back(step.node);
            }
        }
    }

    static std::vector<Value> reads_of(const Instruction& instruction) {
        std::vector<Value> reads;
        if (const auto* group = std::get_if<Group>(&instruction.work)) {
            for (const MapStep& step : group->steps) {
                for (const Read& read : step.reads) {
                    if (read.from == Read::From::step || read.from == Read::From::immediate) continue;
                    reads.push_back(read.value);
                }
            }
        } else if (const auto* dot = std::get_if<Dot>(&instruction.work)) {
            reads = {dot->a.value, dot->b.value};
        } else if (const auto* reduce = std::get_if<Reduce>(&instruction.work)) {
            reads = {reduce->rows.value};
        } else if (const auto* gather = std::get_if<Gather>(&instruction.work)) {
            reads = {gather->table, gather->index};
        } else if (const auto* scatter = std::get_if<Scatter>(&instruction.work)) {
            reads = {scatter->base.value, scatter->index, scatter->sources.value};
        } else if (const auto* copy = std::get_if<Copy>(&instruction.work)) {
            reads = {copy->view.value};
        } else if (const auto* move = std::get_if<Move>(&instruction.work)) {
            for (const Operand& operand : move->node->operands) reads.push_back(operand.value);
        } else if (const auto* source = std::get_if<Source>(&instruction.work)) {
            for (const Operand& operand : source->node->operands) reads.push_back(operand.value);
        }
        std::sort(reads.begin(), reads.end());
        reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
        return reads;
    }

    const Program& program_;
    const bool fuse_;
    std::vector<bool> live_;
    std::vector<Folded> folded_;
    std::vector<int> position_;                    // instruction that makes each value
    std::unordered_map<int64_t, int> newest_;      // group per number of elements
    std::unordered_map<Value, int> step_of_;
    mutable std::vector<bool> others_;
    Plan plan_;
};

}  // namespace

std::vector<Value> computed_by(const Instruction& instruction) {
    const auto* group = std::get_if<Group>(&instruction.work);
    if (group == nullptr) return instruction.writes;
    std::vector<Value> nodes;
    for (const MapStep& step : group->steps) nodes.push_back(step.node);
    return nodes;
}

Plan plan_run(const Program& program) {
    Plan plan = Scheduler(program, true).run();
    place(program, plan, true);
    return plan;
}

Plan plan_trace(const Program& program) {
    Plan plan = Scheduler(program, false).run();
    place(program, plan, false);
    return plan;
}

}  // namespace touchstone
