// A program with its data: state, constants, and the memory of a step.
#pragma once

#include <memory>
#include <vector>

#include "kernels.h"
#include "plan.h"
#include "program.h"
#include "threads.h"

namespace touchstone {

// Zeroed words, aligned for vectors and, when large, backed by large pages where the system offers them.
class Words {
public:
    Words() = default;
    explicit Words(int64_t count);
    Word* data() const { return data_.get(); }

private:
    struct Free {
        void operator()(Word* words) const;
    };
    std::unique_ptr<Word, Free> data_;
};

// Working memory of one thread; grows to the most that is asked for.
class Scratch {
public:
    Word* get(int64_t words);

private:
    Words words_;
    int64_t size_ = 0;
};

// A plan bound to memory. Carries out single instructions; how they follow one another is the machine's business.
class Executor {
public:
    Executor(const Program& program, Plan plan, const std::vector<Word*>& slots, const std::vector<const Word*>& constants, ThreadPool& pool,
             const Kernels& kernels);

    const Plan& plan() const { return plan_; }
    const Word* at(Value value) const { return pointers_[value]; }

    void instruction(size_t index);
    // Makes the slots hold their next values, after all instructions.
    void finish_step();

private:
    // The words of one block of a group: a temporary of the thread, or a place in a tensor that may move along with the block.
    struct Block {
        Word* words = nullptr;
        int temporary = -1;
        bool advances = true;
    };

    struct LinkedExpansion {
        const View* view;
        const Word* from;
        int temporary;
    };

    struct LinkedStep {
        MapKernel kernel;
        Block result, reads[3];
        Word* late = nullptr;  // where the result is copied at the end of the block
        std::vector<LinkedExpansion> expansions;
    };

    struct LinkedGroup {
        int64_t n = 0, block = 0, temporaries = 0;
        std::vector<LinkedStep> steps;
    };

    struct WordCopy {
        const Word* from;
        Word* to;
        int64_t words;
        bool from_slot;
    };

    int64_t scratch_words() const;
    LinkedGroup link(const Group& group);
    Block link(const Group& group, const Read& read);

    void carry_out(const LinkedGroup& group);
    void carry_out(const Dot& dot);
    void carry_out(const Reduce& reduce);
    void carry_out(const Gather& gather);
    void carry_out(const Scatter& scatter);
    void carry_out(const Move& move);
    void carry_out(const Copy& copy);
    void carry_out(const Source& source);

    void scatter_columns(const Scatter& scatter, int64_t begin, int64_t end, int thread);
    void run_group(const LinkedGroup& group, int64_t begin, int64_t end, int thread);
    GemmFactor factor(const Matrix& matrix, const Dot& dot, int64_t batch, int64_t row, int64_t term) const;
    void run_box(const Dot& dot, int64_t problem, int64_t row, int64_t rows, int64_t column, int64_t columns, int thread);
    int64_t box_scratch_words(const Dot& dot) const;
    void run_dot(const Dot& dot, int64_t problem, int64_t row, int64_t rows, int64_t column, int64_t columns, int thread);

    Plan plan_;
    ThreadPool& pool_;
    const Kernels& kernels_;
    Words arena_, fixed_, staging_;
    std::vector<Word*> pointers_;      // per value
    std::vector<Scratch> scratch_;     // per thread
    std::vector<LinkedGroup> groups_;  // per instruction; empty for those that are none
    std::vector<WordCopy> copies_;
};

// ---- operators without arithmetic (copy.cpp, move.cpp, source.cpp) ----

// Words begin … end−1, in order, of a collapsed view of `from`.
void expand(const View& flat, const Word* from, int64_t begin, int64_t end, Word* to);

// A whole view into a contiguous tensor.
void copy_view(const View& view, const Word* from, Word* to, ThreadPool& pool, const Kernels& kernels);

// Elements begin … end−1 of a move; `sources` has one pointer per operand.
void move_elements(const Node& node, const std::vector<const Word*>& sources, int64_t begin, int64_t end, Word* out);

// Elements begin … end−1 of iota, a constant, or philox at `step`.
void source_elements(const Node& node, Word step, int64_t begin, int64_t end, Word* out);

}  // namespace touchstone
