#include "threads.h"

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace touchstone {
namespace {

// A waiting thread spins this often, some tens of microseconds, before it sleeps: loops follow one another closely within a step.
constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

int processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    const unsigned count = std::thread::hardware_concurrency();
    return count == 0 ? 1 : static_cast<int>(count);
}

}  // namespace

#if defined(__x86_64__)

FloatMode::FloatMode() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
FloatMode::~FloatMode() { _mm_setcsr(static_cast<unsigned>(saved_)); }

#elif defined(__aarch64__)

FloatMode::FloatMode() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(uint64_t{0}));
}
FloatMode::~FloatMode() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

#else

FloatMode::FloatMode() : saved_(0) {}
FloatMode::~FloatMode() = default;

#endif

ThreadPool::ThreadPool(int threads) : size_(threads > 0 ? threads : processors()) {}

ThreadPool::~ThreadPool() {
    if (threads_.empty()) return;
    if (owner_ != getpid()) {
        abandon();
        return;
    }
    stopping_.store(true);
    round_.fetch_add(1);
    round_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

// Forgets threads that belong to the process this one was forked from; they cannot be joined here.
void ThreadPool::abandon() {
    new std::vector<std::thread>(std::move(threads_));
    threads_.clear();
    round_.store(0);
    claim_.store(0);
}

void ThreadPool::start() {
    owner_ = getpid();
    for (int thread = 1; thread < size_; thread++) threads_.emplace_back([this, thread] { work(thread); });
}

// The calling thread takes ranges like the others. When these are slow to wake up, because the processors are busy elsewhere, it does their
// share instead of waiting for them.
void ThreadPool::run(Task task, const void* context, int ranges) {
    if (owner_ != getpid()) {
        if (!threads_.empty()) abandon();
        start();
    }
    task_.store(task, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    finished_.store(0, std::memory_order_relaxed);
    const uint32_t round = round_.load(std::memory_order_relaxed) + 1;
    claim_.store(uint64_t{round} << 32 | uint64_t(ranges) << 16, std::memory_order_release);
    round_.store(round, std::memory_order_release);
    round_.notify_all();
    take_ranges(0);
    for (int spins = 0; finished_.load(std::memory_order_acquire) < ranges; spins++) {
        pause();
        if (spins >= kSpins) std::this_thread::yield();
    }
}

void ThreadPool::take_ranges(int thread) {
    for (uint64_t claim = claim_.load(std::memory_order_acquire);;) {
        const uint64_t ranges = claim >> 16 & 0xffff, next = claim & 0xffff;
        if (next >= ranges) return;
        const Task task = task_.load(std::memory_order_relaxed);
        const void* context = context_.load(std::memory_order_relaxed);
        if (!claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
        task(context, static_cast<int>(next), thread);
        finished_.fetch_add(1, std::memory_order_release);
        claim = claim_.load(std::memory_order_acquire);
    }
}

void ThreadPool::work(int thread) {
    const FloatMode mode;
    for (uint32_t seen = 0;;) {
        for (int spins = 0; round_.load(std::memory_order_acquire) == seen; spins++) {
            pause();
            if (spins >= kSpins) round_.wait(seen, std::memory_order_acquire);
        }
        seen = round_.load(std::memory_order_acquire);
        if (stopping_.load()) return;
        take_ranges(thread);
    }
}

}  // namespace touchstone
