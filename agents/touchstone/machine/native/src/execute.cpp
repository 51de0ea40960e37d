#include "execute.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "odometer.h"

namespace touchstone {
namespace {

constexpr int64_t kLargePage = int64_t{2} << 20;
constexpr int64_t kGroupGrain = 1 << 17;       // element operations worth a thread
constexpr int64_t kRowGrain = 1 << 15;         // words of a reduction or a copy worth a thread
constexpr int64_t kScatterColumns = 256;       // columns of a scatter that are added together
constexpr int64_t kScatterTile = 64;           // sources that are turned together when they do not lie in rows
constexpr int64_t kSmallProduct = 1 << 20;     // multiplications below which one thread multiplies

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t product(const std::vector<int64_t>& dims) {
    int64_t size = 1;
    for (int64_t dim : dims) size *= dim;
    return size;
}

}  // namespace

// ---- memory ----

Words::Words(int64_t count) {
    if (count == 0) return;
    const int64_t bytes = count * static_cast<int64_t>(sizeof(Word));
    const int64_t alignment = bytes >= kLargePage ? kLargePage : 64;
    const int64_t size = divide_up(bytes, alignment) * alignment;
    void* memory = std::aligned_alloc(alignment, size);
    if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (bytes >= kLargePage) madvise(memory, size, MADV_HUGEPAGE);
#endif
    std::memset(memory, 0, size);
    data_.reset(static_cast<Word*>(memory));
}

void Words::Free::operator()(Word* words) const { std::free(words); }

Word* Scratch::get(int64_t words) {
    if (words > size_) {
        words_ = Words(words);
        size_ = words;
    }
    return words_.data();
}

// ---- binding a plan to memory ----

Executor::Executor(const Program& program, Plan plan, const std::vector<Word*>& slots, const std::vector<const Word*>& constants, ThreadPool& pool,
                   const Kernels& kernels)
    : plan_(std::move(plan)),
      pool_(pool),
      kernels_(kernels),
      arena_(plan_.arena_words),
      fixed_(plan_.fixed_words),
      staging_(plan_.staging_words),
      pointers_(program.value_count(), nullptr),
      scratch_(pool.size()) {
    for (size_t value = 0; value < pointers_.size(); value++) {
        const Storage& storage = plan_.storage[value];
        switch (storage.space) {
            case Storage::Space::none: break;
            case Storage::Space::slot: pointers_[value] = slots[storage.at]; break;
            // Never written: only slots, fixed and arena tensors are outputs.
            case Storage::Space::constant: pointers_[value] = const_cast<Word*>(constants[storage.at]); break;
            case Storage::Space::fixed: pointers_[value] = fixed_.data() + storage.at; break;
            case Storage::Space::arena: pointers_[value] = arena_.data() + storage.at; break;
        }
    }
    for (const SlotCopy& copy : plan_.slot_copies) {
        const int64_t words = program.slots[copy.slot].type.size();
        copies_.push_back({pointers_[copy.from], slots[copy.slot], words, program.is_slot(copy.from)});
    }
    for (const Instruction& instruction : plan_.instructions) {
        const auto* group = std::get_if<Group>(&instruction.work);
        groups_.push_back(group == nullptr ? LinkedGroup{} : link(*group));
    }
    // All of it now: running out of memory inside a thread could not be reported.
    for (Scratch& scratch : scratch_) scratch.get(scratch_words());
    for (const Instruction& instruction : plan_.setup) carry_out(std::get<Source>(instruction.work));
}

// The most working memory that any instruction asks for in one thread.
int64_t Executor::scratch_words() const {
    int64_t most = 0;
    for (const LinkedGroup& group : groups_) most = std::max(most, group.temporaries * group.block);
    for (const Instruction& instruction : plan_.instructions) {
        if (std::holds_alternative<Scatter>(instruction.work)) most = std::max(most, kScatterTile * kScatterColumns);
        const auto* dot = std::get_if<Dot>(&instruction.work);
        if (dot == nullptr) continue;
        GemmTask whole{};
        whole.m = dot->m, whole.n = dot->n, whole.k = dot->split;
        whole.a = factor(dot->a, *dot, 0, 0, 0), whole.b = factor(dot->b, *dot, 0, 0, 0);
        if (dot->box) most = std::max(most, box_scratch_words(*dot));
        const int64_t beside = dot->split < dot->k ? dot->m * dot->n : 0;
        most = std::max(most, kernels_.gemm_scratch(whole) + beside);
    }
    return most;
}

void Executor::instruction(size_t index) {
    const Instruction& instruction = plan_.instructions[index];
    if (std::holds_alternative<Group>(instruction.work)) return carry_out(groups_[index]);
    std::visit(
        [this](const auto& work) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(work)>, Group>) carry_out(work);
        },
        instruction.work);
}

// An old slot that another slot takes over may itself have a new value by the time it is copied: such slots are set aside first.
void Executor::finish_step() {
    Word* staged = staging_.data();
    for (const WordCopy& copy : copies_) {
        if (!copy.from_slot) continue;
        std::memcpy(staged, copy.from, copy.words * sizeof(Word));
        staged += copy.words;
    }
    staged = staging_.data();
    for (const WordCopy& copy : copies_) {
        const Word* from = copy.from;
        if (copy.from_slot) {
            from = staged;
            staged += copy.words;
        }
        pool_.parallel(copy.words, kRowGrain,
                       [&](int64_t begin, int64_t end, int) { std::memcpy(copy.to + begin, from + begin, (end - begin) * sizeof(Word)); });
    }
}

// ---- groups ----

Executor::LinkedGroup Executor::link(const Group& group) {
    LinkedGroup linked;
    linked.n = group.n;
    // Blocks are as long as the first-level cache allows.
    const int64_t blocks = group.temporaries + 4;
    linked.block = std::clamp<int64_t>((32 << 10) / 4 / blocks / 64 * 64, 256, 1024);
    linked.temporaries = group.temporaries;
    for (size_t i = 0; i < group.steps.size(); i++) {
        const MapStep& step = group.steps[i];
        LinkedStep out{};
        int mask = 0;
        for (size_t r = 0; r < step.reads.size(); r++) {
            out.reads[r] = link(group, step.reads[r]);
            const bool one_word = step.reads[r].from == Read::From::immediate || step.reads[r].from == Read::From::scalar;
            if (one_word) mask |= 1 << r;
        }
        out.kernel = kernels_.map[step.function][mask];
        out.result.temporary = step.temporary;
        if (step.needed_outside) {
            (step.stored_late ? out.late : out.result.words) = pointers_[step.node];
        }
        for (const Expansion& expansion : group.expansions) {
            if (expansion.before_step == static_cast<int>(i)) {
                out.expansions.push_back({&expansion.view, pointers_[expansion.view.value], expansion.temporary});
            }
        }
        linked.steps.push_back(std::move(out));
    }
    return linked;
}

Executor::Block Executor::link(const Group& group, const Read& read) {
    switch (read.from) {
        // The word lies in the plan, which does not move any more.
        case Read::From::immediate: return {const_cast<Word*>(&read.word), -1, false};
        case Read::From::scalar: return {pointers_[read.value] + read.offset, -1, false};
        case Read::From::tensor: return {pointers_[read.value] + read.offset, -1, true};
        case Read::From::expansion: return {nullptr, group.expansions[read.index].temporary, false};
        case Read::From::step: break;
    }
    const MapStep& step = group.steps[read.index];
    if (step.temporary >= 0) return {nullptr, step.temporary, false};
    return {pointers_[step.node], -1, true};
}

void Executor::carry_out(const LinkedGroup& group) {
    const int64_t grain = std::max(group.block, kGroupGrain / static_cast<int64_t>(group.steps.size()) / 64 * 64);
    pool_.parallel(group.n, grain, [&](int64_t begin, int64_t end, int thread) { run_group(group, begin, end, thread); });
}

void Executor::run_group(const LinkedGroup& group, int64_t begin, int64_t end, int thread) {
    Word* temporaries = scratch_[thread].get(group.temporaries * group.block);
    for (int64_t at = begin; at < end; at += group.block) {
        const int64_t count = std::min(group.block, end - at);
        const auto words = [&](const Block& block) {
            if (block.temporary >= 0) return temporaries + block.temporary * group.block;
            return block.words + (block.advances ? at : 0);
        };
        for (const LinkedStep& step : group.steps) {
            for (const LinkedExpansion& expansion : step.expansions) {
                expand(*expansion.view, expansion.from, at, at + count, temporaries + expansion.temporary * group.block);
            }
            step.kernel(count, words(step.result), words(step.reads[0]), words(step.reads[1]), words(step.reads[2]));
        }
        for (const LinkedStep& step : group.steps) {
            if (step.late != nullptr) std::memcpy(step.late + at, words(step.result), count * sizeof(Word));
        }
    }
}

// ---- dot ----

namespace {

// How many parts the rows and the columns of one product are cut into: `threads` in all, with the least to pack twice.
struct Grid {
    int64_t rows, columns;
};

Grid grid_for(const Dot& dot, int64_t threads, const Kernels& kernels) {
    const int64_t most_rows = divide_up(dot.m, kernels.gemm_tile_rows), most_columns = divide_up(dot.n, kernels.gemm_tile_columns);
    Grid best{1, 1};
    int64_t best_cost = INT64_MAX;
    for (int64_t rows = 1; rows <= threads; rows++) {
        if (threads % rows != 0 || rows > most_rows || threads / rows > most_columns) continue;
        const int64_t cost = threads / rows * dot.m + rows * dot.n;
        if (cost < best_cost) best = {rows, threads / rows}, best_cost = cost;
    }
    return best;
}

void make_part(const GemmFill& fill, int64_t row, int64_t rows, int64_t term, int64_t terms, float* to, int64_t stride) {
    static_cast<const Window*>(fill.window)->fill(fill.source, fill.batch, row, rows, term, terms, reinterpret_cast<Word*>(to), stride);
}

// Part `index` of `parts` of 0 … size−1, in whole tiles.
void part_of(int64_t size, int64_t parts, int64_t index, int64_t tile, int64_t& begin, int64_t& count) {
    const int64_t share = divide_up(divide_up(size, tile), parts) * tile;
    begin = std::min(size, index * share);
    count = std::min(share, size - begin);
}

}  // namespace

void Executor::carry_out(const Dot& dot) {
    const int64_t problems = product(dot.batch) * divide_up(dot.k, dot.split);
    if (problems * dot.m * dot.n * std::min(dot.k, dot.split) < kSmallProduct) {
        for (int64_t problem = 0; problem < problems; problem++) run_dot(dot, problem, 0, dot.m, 0, dot.n, 0);
        return;
    }
    Grid grid{1, 1};
    if (problems < 4 * pool_.size()) grid = grid_for(dot, pool_.size(), kernels_);
    if (dot.box && dot.box->use() == Box::Use::shifted) grid = {grid.rows * grid.columns, 1};  // rows of b are not cut
    const int64_t parts = grid.rows * grid.columns;
    pool_.parallel(problems * parts, 1, [&](int64_t begin, int64_t end, int thread) {
        for (int64_t item = begin; item < end; item++) {
            int64_t row, rows, column, columns;
            part_of(dot.m, grid.rows, item % parts / grid.columns, kernels_.gemm_tile_rows, row, rows);
            part_of(dot.n, grid.columns, item % grid.columns, kernels_.gemm_tile_columns, column, columns);
            if (rows > 0 && columns > 0) run_dot(dot, item / parts, row, rows, column, columns, thread);
        }
    });
}

// An operand of a product from row `row` and term `term` of matrix `batch` on.
GemmFactor Executor::factor(const Matrix& matrix, const Dot& dot, int64_t batch, int64_t row, int64_t term) const {
    const int64_t at = Odometer(dot.batch, matrix.batch, dot.batch.size(), batch).offset();
    const Word* words = pointers_[matrix.value];
    if (matrix.window) return {nullptr, 0, 0, {make_part, &*matrix.window, words, at, row, term, matrix.window->rows_innermost()}};
    words += matrix.offset + at + row * matrix.row + term * matrix.column;
    return {reinterpret_cast<const float*>(words), matrix.row, matrix.column, {}};
}

// Rows row … row+rows−1 and columns column … of one product; problems are numbered by batch, then partial result.
void Executor::run_dot(const Dot& dot, int64_t problem, int64_t row, int64_t rows, int64_t column, int64_t columns, int thread) {
    if (dot.box) return run_box(dot, problem, row, rows, column, columns, thread);
    const int64_t partials = divide_up(dot.k, dot.split), partial = problem % partials, batch = problem / partials;
    GemmTask task{};
    task.m = rows, task.n = columns, task.k = std::min(dot.split, dot.k - partial * dot.split);
    task.a = factor(dot.a, dot, batch, row, partial * dot.split);
    task.b = factor(dot.b, dot, batch, column, partial * dot.split);
    float* out = reinterpret_cast<float*>(pointers_[dot.out]) + ((batch * dot.m + row) * dot.n + column) * partials + partial;
    const int64_t packing = kernels_.gemm_scratch(task);
    if (partials == 1) {
        task.c = out, task.c_row = dot.n;
        return kernels_.gemm(task, reinterpret_cast<float*>(scratch_[thread].get(packing)));
    }
    // Partial results are neighbours in the output: multiply beside it, then spread.
    float* scratch = reinterpret_cast<float*>(scratch_[thread].get(packing + rows * columns));
    task.c = scratch + packing, task.c_row = columns;
    kernels_.gemm(task, scratch);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) out[(i * dot.n + j) * partials] = task.c[i * columns + j];
    }
}

// ---- reduce, gather, move, copy, source ----

void Executor::carry_out(const Reduce& reduce) {
    const Word* from = pointers_[reduce.rows.value] + reduce.rows.offset;
    Word* out = pointers_[reduce.out];
    const std::vector<int64_t>&dims = reduce.rows.dims, &strides = reduce.rows.strides;
    if (reduce.columns) {
        const int64_t columns = dims.back(), matrices = product(dims) / columns;
        const int64_t grain = divide_up(std::max<int64_t>(64, kRowGrain / reduce.n), 64) * 64;
        Odometer outer(dims, strides, dims.size() - 1, 0);
        for (int64_t i = 0; i < matrices; i++, outer.advance()) {
            const float* x = reinterpret_cast<const float*>(from + outer.offset());
            float* sums = reinterpret_cast<float*>(out + i * columns);
            pool_.parallel(columns, grain, [&](int64_t begin, int64_t end, int) {
                kernels_.sum_columns(x + begin, reduce.n, reduce.step, end - begin, sums + begin);
            });
        }
        return;
    }
    const ReduceKernel kernel = kernels_.reduce[static_cast<int>(reduce.dtype)][reduce.function];
    const int64_t parts = divide_up(reduce.n, reduce.block);
    pool_.parallel(product(dims), std::max<int64_t>(1, kRowGrain / reduce.n), [&](int64_t begin, int64_t end, int) {
        Odometer row(dims, strides, dims.size(), begin);
        for (int64_t r = begin; r < end; r++, row.advance()) {
            for (int64_t p = 0; p < parts; p++) {
                const int64_t first = p * reduce.block;
                out[r * parts + p] = kernel(from + row.offset() + first, std::min(reduce.block, reduce.n - first));
            }
        }
    });
}

void Executor::carry_out(const Gather& gather) {
    const Word *table = pointers_[gather.table], *index = pointers_[gather.index];
    Word* out = pointers_[gather.out];
    pool_.parallel(gather.count, std::max<int64_t>(1, kRowGrain / gather.width), [&](int64_t begin, int64_t end, int) {
        for (int64_t r = begin; r < end; r++) {
            const auto row = static_cast<int32_t>(index[r]);
            if (row >= 0 && row < gather.rows) {
                std::memcpy(out + r * gather.width, table + row * gather.width, gather.width * sizeof(Word));
            } else {
                std::memset(out + r * gather.width, 0, gather.width * sizeof(Word));
            }
        }
    });
}

// Threads share the columns, so that each sum is one thread's.
void Executor::carry_out(const Scatter& scatter) {
    const Word* base = pointers_[scatter.base.value] + scatter.base.offset;
    Word* out = pointers_[scatter.out];
    const int64_t words = scatter.rows * scatter.width;
    const bool uniform = scatter.base.is_uniform();
    pool_.parallel(words, kRowGrain, [&](int64_t begin, int64_t end, int) {
        if (uniform) {
            std::fill(out + begin, out + end, *base);
        } else {
            std::memcpy(out + begin, base + begin, (end - begin) * sizeof(Word));
        }
    });
    const int64_t grain = divide_up(std::max<int64_t>(16, kRowGrain / scatter.count), 16) * 16;
    pool_.parallel(scatter.width, grain, [&](int64_t begin, int64_t end, int thread) {
        for (int64_t at = begin; at < end; at += kScatterColumns) scatter_columns(scatter, at, std::min(end, at + kScatterColumns), thread);
    });
}

void Executor::scatter_columns(const Scatter& scatter, int64_t begin, int64_t end, int thread) {
    const int64_t column = scatter.width == 1 ? 1 : scatter.sources.strides[0], source = scatter.sources.strides[1], width = end - begin;
    const MapKernel add = kernels_.map[scatter.dtype == DType::f32 ? kMapAdd : kMapIntegerAdd][0];
    const Word *index = pointers_[scatter.index], *from = pointers_[scatter.sources.value] + scatter.sources.offset + begin * column;
    Word *out = pointers_[scatter.out] + begin, *turned = scratch_[thread].get(kScatterTile * kScatterColumns);
    for (int64_t first = 0; first < scatter.count; first += kScatterTile) {
        const int64_t last = std::min(scatter.count, first + kScatterTile);
        const Word* rows = from + first * source;
        int64_t stride = source;
        if (column != 1) {
            kernels_.transpose(rows, column, width, last - first, turned, width);
            rows = turned, stride = width;
        }
        for (int64_t s = first; s < last; s++, rows += stride) {
            const auto row = static_cast<int32_t>(index[s]);
            if (row < 0 || row >= scatter.rows) continue;
            Word* sum = out + row * scatter.width;
            add(width, sum, sum, rows, rows);
        }
    }
}

void Executor::carry_out(const Move& move) {
    std::vector<const Word*> sources;
    for (const Operand& operand : move.node->operands) sources.push_back(pointers_[operand.value]);
    Word* out = pointers_[move.out];
    pool_.parallel(move.node->type.size(), 4096,
                   [&](int64_t begin, int64_t end, int) { move_elements(*move.node, sources, begin, end, out); });
}

void Executor::carry_out(const Copy& copy) { copy_view(copy.view, pointers_[copy.view.value], pointers_[copy.out], pool_, kernels_); }

void Executor::carry_out(const Source& source) {
    const bool random = source.node->function == kSourcePhilox;
    const Word step = random ? *pointers_[source.node->operands[0].value] : 0;
    Word* out = pointers_[source.out];
    pool_.parallel(source.node->type.size(), 4096, [&](int64_t begin, int64_t end, int) { source_elements(*source.node, step, begin, end, out); });
}

}  // namespace touchstone
