// The plain C interface that Python loads (agents/touchstone/machine/native/library.py has the same signatures).
#include <chrono>
#include <cstring>
#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <string>

#include "execute.h"
#include "sha256.h"

#define TS_EXPORT extern "C" __attribute__((visibility("default")))

namespace touchstone {
namespace {

thread_local std::string last_error;

constexpr int64_t kCopyGrain = 1 << 18;  // bytes worth a thread

class Machine {
public:
    Machine(const uint8_t* program, size_t length, const void* const* constants, int threads)
        : program_(read_program(program, length)), pool_(threads), kernels_(kernels()) {
        for (const Slot& slot : program_.slots) {
            slots_.emplace_back(slot.type.size());
            slot_pointers_.push_back(slots_.back().data());
        }
        for (size_t i = 0; i < program_.constants.size(); i++) constants_.push_back(static_cast<const Word*>(constants[i]));
        const FloatMode mode;
        run_ = make(plan_run(program_));
    }

    void load(const void* const* slots) {
        for (size_t j = 0; j < slots_.size(); j++) std::memcpy(slot_pointers_[j], slots[j], bytes(j));
    }

    void state(void* const* slots) {
        for (size_t j = 0; j < slots_.size(); j++) {
            const auto* from = reinterpret_cast<const uint8_t*>(slot_pointers_[j]);
            auto* to = static_cast<uint8_t*>(slots[j]);
            pool_.parallel(static_cast<int64_t>(bytes(j)), kCopyGrain,
                           [&](int64_t begin, int64_t end, int) { std::memcpy(to + begin, from + begin, end - begin); });
        }
    }

    // Tensor roots of the slots, 32 bytes each.
    void roots(uint8_t* roots) {
        std::vector<Bytes> slots;
        for (size_t j = 0; j < slots_.size(); j++) slots.push_back({reinterpret_cast<const uint8_t*>(slot_pointers_[j]), static_cast<int64_t>(bytes(j))});
        tensor_roots(slots, roots, pool_);
    }

    // SHA-256 of each block of `data`.
    void blocks(const Bytes& data, int64_t block_bytes, uint8_t* hashes) { hash_blocks(data, block_bytes, hashes, pool_); }

    // Up to `steps` steps, fewer when `seconds` have passed: the caller can then look for signals.
    int64_t run(int64_t steps, double seconds) {
        const FloatMode mode;
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        int64_t done = 0;
        while (done < steps) {
            for (size_t i = 0; i < run_->plan().instructions.size(); i++) run_->instruction(i);
            run_->finish_step();
            done++;
            if (std::chrono::steady_clock::now() > end) break;
        }
        return done;
    }

    // Up to `steps` steps, noting for each instruction the least time it took. One more entry stands for the copies that end a step.
    void profile(int64_t steps, double* seconds) {
        const FloatMode mode;
        const size_t count = run_->plan().instructions.size();
        for (size_t i = 0; i <= count; i++) seconds[i] = std::numeric_limits<double>::infinity();
        for (int64_t step = 0; step < steps; step++) {
            for (size_t i = 0; i <= count; i++) {
                const auto start = std::chrono::steady_clock::now();
                if (i < count) run_->instruction(i); else run_->finish_step();
                seconds[i] = std::min(seconds[i], std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
            }
        }
    }

    int64_t instruction_count() const { return static_cast<int64_t>(run_->plan().instructions.size()); }

    // The nodes that an instruction computes, at most `most` of them; returns how many there are.
    int64_t instruction_nodes(int64_t index, int64_t* nodes, int64_t most) const {
        const std::vector<Value> values = computed_by(run_->plan().instructions[index]);
        for (size_t i = 0; i < values.size() && static_cast<int64_t>(i) < most; i++) nodes[i] = values[i] - program_.first_node();
        return static_cast<int64_t>(values.size());
    }

    // One step, node by node. Its memory is only needed now and then, and is given back.
    void trace(void (*sink)(int64_t node, const void* words)) {
        const FloatMode mode;
        const std::unique_ptr<Executor> nodes = make(plan_trace(program_));
        for (size_t i = 0; i < program_.nodes.size(); i++) {
            nodes->instruction(i);
            sink(static_cast<int64_t>(i), nodes->at(program_.first_node() + static_cast<Value>(i)));
        }
        nodes->finish_step();
    }

    int64_t memory() const {
        int64_t words = run_->plan().arena_words + run_->plan().fixed_words + run_->plan().staging_words;
        for (const Slot& slot : program_.slots) words += slot.type.size();
        return words * static_cast<int64_t>(sizeof(Word));
    }

private:
    size_t bytes(size_t slot) const { return program_.slots[slot].type.size() * sizeof(Word); }

    std::unique_ptr<Executor> make(Plan plan) {
        return std::make_unique<Executor>(program_, std::move(plan), slot_pointers_, constants_, pool_, kernels_);
    }

    const Program program_;
    ThreadPool pool_;
    const Kernels& kernels_;
    std::vector<Words> slots_;
    std::vector<Word*> slot_pointers_;
    std::vector<const Word*> constants_;
    std::unique_ptr<Executor> run_;
};

// Carries out `body`; an exception becomes a message and `failed`.
template <class Body, class Result>
Result guarded(Result failed, const Body& body) {
    try {
        return body();
    } catch (const std::exception& error) {
        last_error = error.what();
    } catch (...) {
        last_error = "unknown failure";
    }
    return failed;
}

// Hashing shares one pool; whoever comes second waits.
template <class Body>
int with_hash_pool(int threads, const Body& body) {
    static std::mutex busy;
    static std::unique_ptr<ThreadPool> pool;
    return guarded(-1, [&] {
        const std::lock_guard<std::mutex> lock(busy);
        ThreadPool wanted(threads);
        if (pool == nullptr || pool->size() != wanted.size()) pool = std::make_unique<ThreadPool>(threads);
        body(*pool);
        return 0;
    });
}

}  // namespace
}  // namespace touchstone

using touchstone::Machine;

TS_EXPORT const char* ts_error() { return touchstone::last_error.c_str(); }

TS_EXPORT const char* ts_isa() { return touchstone::kernels().name; }

TS_EXPORT const char* ts_isa_level(int index) {
    const touchstone::Kernels* const* levels = touchstone::available_kernels();
    for (int i = 0; i < index; i++) {
        if (levels[i] == nullptr) return nullptr;
    }
    return levels[index] == nullptr ? nullptr : levels[index]->name;
}

TS_EXPORT void* ts_machine_create(const uint8_t* program, size_t length, const void* const* constants, int threads) {
    return touchstone::guarded(static_cast<void*>(nullptr), [&]() -> void* { return new Machine(program, length, constants, threads); });
}

TS_EXPORT void ts_machine_destroy(void* machine) { delete static_cast<Machine*>(machine); }

TS_EXPORT void ts_machine_load(void* machine, const void* const* slots) { static_cast<Machine*>(machine)->load(slots); }

TS_EXPORT void ts_machine_state(void* machine, void* const* slots) { static_cast<Machine*>(machine)->state(slots); }

TS_EXPORT int ts_machine_slot_roots(void* machine, uint8_t* roots) {
    return touchstone::guarded(-1, [&] {
        static_cast<Machine*>(machine)->roots(roots);
        return 0;
    });
}

TS_EXPORT int ts_machine_hash_blocks(void* machine, const uint8_t* data, int64_t bytes, int64_t block_bytes, uint8_t* hashes) {
    return touchstone::guarded(-1, [&] {
        static_cast<Machine*>(machine)->blocks({data, bytes}, block_bytes, hashes);
        return 0;
    });
}

TS_EXPORT int64_t ts_machine_run(void* machine, int64_t steps, double seconds) {
    return touchstone::guarded(int64_t{-1}, [&] { return static_cast<Machine*>(machine)->run(steps, seconds); });
}

TS_EXPORT int64_t ts_machine_instructions(void* machine) { return static_cast<Machine*>(machine)->instruction_count(); }

TS_EXPORT int64_t ts_machine_instruction_nodes(void* machine, int64_t index, int64_t* nodes, int64_t most) {
    return static_cast<Machine*>(machine)->instruction_nodes(index, nodes, most);
}

TS_EXPORT int ts_machine_profile(void* machine, int64_t steps, double* seconds) {
    return touchstone::guarded(-1, [&] {
        static_cast<Machine*>(machine)->profile(steps, seconds);
        return 0;
    });
}

TS_EXPORT int ts_machine_trace(void* machine, void (*sink)(int64_t, const void*)) {
    return touchstone::guarded(-1, [&] {
        static_cast<Machine*>(machine)->trace(sink);
        return 0;
    });
}

TS_EXPORT int64_t ts_machine_memory(void* machine) { return static_cast<Machine*>(machine)->memory(); }

TS_EXPORT int ts_hash_leaves(const uint8_t* data, int64_t bytes, uint8_t* leaves, int threads) {
    return touchstone::with_hash_pool(threads, [&](touchstone::ThreadPool& pool) { touchstone::hash_leaves({data, bytes}, leaves, pool); });
}

TS_EXPORT int ts_hash_blocks(const uint8_t* data, int64_t bytes, int64_t block_bytes, uint8_t* hashes, int threads) {
    return touchstone::with_hash_pool(threads, [&](touchstone::ThreadPool& pool) { touchstone::hash_blocks({data, bytes}, block_bytes, hashes, pool); });
}

TS_EXPORT int ts_tensor_root(const uint8_t* data, int64_t bytes, uint8_t* root, int threads) {
    return touchstone::with_hash_pool(threads, [&](touchstone::ThreadPool& pool) { touchstone::tensor_roots({{data, bytes}}, root, pool); });
}
