// Where tensors lie: new slots in place of old ones where nothing reads the old one any more, everything else in an arena whose parts are
// used again as soon as their tensor has been read for the last time.
#include <algorithm>
#include <map>

#include "plan.h"

namespace touchstone {
namespace {

constexpr int64_t kLine = 16;  // words of a cache line

int64_t lines(int64_t words) { return (words + kLine - 1) / kLine * kLine; }

// Best fit over a sorted list of gaps.
class Arena {
public:
    int64_t take(int64_t words) {
        words = lines(words);
        auto best = gaps_.end();
        for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
            if (gap->second >= words && (best == gaps_.end() || gap->second < best->second)) best = gap;
        }
        if (best == gaps_.end()) return extend(words);
        const auto [at, size] = *best;
        gaps_.erase(best);
        if (size > words) gaps_[at + words] = size - words;
        return at;
    }

    void give_back(int64_t at, int64_t words) {
        auto gap = gaps_.emplace(at, lines(words)).first;
        const auto after = std::next(gap);
        if (after != gaps_.end() && gap->first + gap->second == after->first) {
            gap->second += after->second;
            gaps_.erase(after);
        }
        if (gap == gaps_.begin()) return;
        const auto before = std::prev(gap);
        if (before->first + before->second != gap->first) return;
        before->second += gap->second;
        gaps_.erase(gap);
    }

    int64_t words() const { return end_; }

private:
    // A gap that reaches the end of the arena is made longer rather than left behind.
    int64_t extend(int64_t words) {
        int64_t at = end_;
        if (!gaps_.empty()) {
            const auto last = std::prev(gaps_.end());
            if (last->first + last->second == end_) {
                at = last->first;
                gaps_.erase(last);
            }
        }
        end_ = at + words;
        return at;
    }

    std::map<int64_t, int64_t> gaps_;  // offset to size
    int64_t end_ = 0;
};

// Whether every read of `value` in the group is element by element, so that the group may overwrite it block by block.
bool read_elementwise(const Group& group, Value value) {
    for (const MapStep& step : group.steps) {
        for (const Read& read : step.reads) {
            const bool reads = read.from != Read::From::step && read.from != Read::From::immediate && read.value == value;
            if (reads && (read.from != Read::From::tensor || read.offset != 0)) return false;
        }
    }
    return true;
}

class Placer {
public:
    Placer(const Program& program, Plan& plan) : program_(program), plan_(plan), made_(program.value_count(), -1), last_(program.value_count(), -1) {}

    void run(bool in_place) {
        plan_.storage.assign(program_.value_count(), {});
        for (size_t j = 0; j < program_.slots.size(); j++) plan_.storage[j] = {Storage::Space::slot, static_cast<int64_t>(j)};
        for (size_t c = 0; c < program_.constants.size(); c++) {
            plan_.storage[program_.first_constant() + c] = {Storage::Space::constant, static_cast<int64_t>(c)};
        }
        place_fixed();
        find_lifetimes();
        std::vector<bool> done(program_.slots.size(), false);
        if (in_place) done = place_slots();
        copy_slots(done);
        place_arena(in_place);
        for (Instruction& instruction : plan_.instructions) {
            if (auto* group = std::get_if<Group>(&instruction.work)) place_temporaries(*group);
        }
    }

private:
    Storage& storage(Value value) { return plan_.storage[value]; }
    bool placed(Value value) { return storage(value).space != Storage::Space::none; }
    int64_t words(Value value) const { return program_.type_of(value).size(); }

    void place_fixed() {
        for (const Instruction& instruction : plan_.setup) {
            for (Value value : instruction.writes) {
                storage(value) = {Storage::Space::fixed, plan_.fixed_words};
                plan_.fixed_words += lines(words(value));
            }
        }
    }

    void find_lifetimes() {
        const int end = static_cast<int>(plan_.instructions.size());
        for (int at = 0; at < end; at++) {
            for (Value value : plan_.instructions[at].writes) made_[value] = at;
            for (Value value : plan_.instructions[at].reads) last_[value] = at;
        }
        for (const Slot& slot : program_.slots) last_[slot.next] = end;
    }

    // The new value of a slot may overwrite the old one when all other readers of the old one come first.
    bool can_overwrite(int slot) const {
        const Value next = program_.slots[slot].next;
        if (made_[next] < 0 || last_[slot] > made_[next]) return false;
        if (last_[slot] < made_[next]) return true;
        const auto* group = std::get_if<Group>(&plan_.instructions[made_[next]].work);
        return group != nullptr && read_elementwise(*group, slot);
    }

    std::vector<bool> place_slots() {
        std::vector<bool> done(program_.slots.size(), false);
        for (size_t j = 0; j < program_.slots.size(); j++) {
            const Value next = program_.slots[j].next;
            if (placed(next) || !can_overwrite(static_cast<int>(j))) continue;
            storage(next) = storage(static_cast<Value>(j));
            done[j] = true;
        }
        return done;
    }

    void copy_slots(const std::vector<bool>& done) {
        for (size_t j = 0; j < program_.slots.size(); j++) {
            const Value next = program_.slots[j].next;
            if (done[j] || next == static_cast<Value>(j)) continue;
            plan_.slot_copies.push_back({next, static_cast<int>(j)});
            if (program_.is_slot(next)) plan_.staging_words += words(next);
        }
    }

    void place_arena(bool reuse_inputs) {
        Arena arena;
        for (int at = 0; at < static_cast<int>(plan_.instructions.size()); at++) {
            const Instruction& instruction = plan_.instructions[at];
            std::vector<Value> dying;
            for (Value value : instruction.reads) {
                if (last_[value] == at && storage(value).space == Storage::Space::arena) dying.push_back(value);
            }
            for (Value value : instruction.writes) {
                if (placed(value)) continue;
                if (reuse_inputs && take_over(instruction, value, dying)) continue;
                storage(value) = {Storage::Space::arena, arena.take(words(value))};
            }
            for (Value value : dying) arena.give_back(storage(value).at, words(value));
            // What nothing reads (possible in a trace only) is free again as soon as it has been shown.
            for (Value value : instruction.writes) {
                if (last_[value] < 0 && storage(value).space == Storage::Space::arena) arena.give_back(storage(value).at, words(value));
            }
        }
        plan_.arena_words = arena.words();
    }

    // A group's result takes the place of an input that it reads element by element for the last time.
    bool take_over(const Instruction& instruction, Value value, std::vector<Value>& dying) {
        const auto* group = std::get_if<Group>(&instruction.work);
        if (group == nullptr) return false;
        for (auto input = dying.begin(); input != dying.end(); ++input) {
            if (words(*input) != words(value) || !read_elementwise(*group, *input)) continue;
            storage(value) = storage(*input);
            dying.erase(input);
            return true;
        }
        return false;
    }

    // ---- blocks of a group ----

    void place_temporaries(Group& group) {
        const int count = static_cast<int>(group.steps.size());
        std::vector<int> last_of_step(count, -1), last_of_expansion(group.expansions.size(), -1);
        for (int i = 0; i < count; i++) {
            for (const Read& read : group.steps[i].reads) {
                if (read.from == Read::From::step) last_of_step[read.index] = i;
                if (read.from == Read::From::expansion) last_of_expansion[read.index] = i;
            }
        }
        for (int i = 0; i < count; i++) {
            group.steps[i].stored_late = overwrites_what_is_read_later(group, i);
            if (group.steps[i].stored_late) last_of_step[i] = count;
        }
        std::vector<int> free;
        const auto take = [&] {
            if (free.empty()) return group.temporaries++;
            const int block = free.back();
            free.pop_back();
            return block;
        };
        for (int i = 0; i < count; i++) {
            MapStep& step = group.steps[i];
            for (Expansion& expansion : group.expansions) {
                if (expansion.before_step == i) expansion.temporary = take();
            }
            for (size_t e = 0; e < group.expansions.size(); e++) {
                if (last_of_expansion[e] == i) free.push_back(group.expansions[e].temporary);
            }
            for (int earlier = 0; earlier < i; earlier++) {
                if (last_of_step[earlier] == i && group.steps[earlier].temporary >= 0) free.push_back(group.steps[earlier].temporary);
            }
            if (!step.needed_outside || step.stored_late) step.temporary = take();
        }
    }

    bool overwrites_what_is_read_later(const Group& group, int writer) {
        const MapStep& step = group.steps[writer];
        if (!step.needed_outside) return false;
        for (size_t i = writer + 1; i < group.steps.size(); i++) {
            for (const Read& read : group.steps[i].reads) {
                const bool reads = read.from == Read::From::tensor || read.from == Read::From::scalar || read.from == Read::From::expansion;
                if (reads && storage(read.value) == storage(step.node)) return true;
            }
        }
        return false;
    }

    const Program& program_;
    Plan& plan_;
    std::vector<int> made_;  // instruction that makes each value
    std::vector<int> last_;  // last instruction that reads it
};

}  // namespace

void place(const Program& program, Plan& plan, bool in_place) { Placer(program, plan).run(in_place); }

}  // namespace touchstone
