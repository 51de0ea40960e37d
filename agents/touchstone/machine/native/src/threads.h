// A pool of threads that run one loop together, and the floating-point mode they run it in.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace touchstone {

// Round to nearest even, subnormals kept, exceptions masked, while it lives. Others in the process may have switched on flush-to-zero.
class FloatMode {
public:
    FloatMode();
    ~FloatMode();
    FloatMode(const FloatMode&) = delete;
    FloatMode& operator=(const FloatMode&) = delete;

private:
    uint64_t saved_;
};

class ThreadPool {
public:
    // 0 means one thread per processor this process may use. The threads start with the first loop that needs them.
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const { return size_; }

    // Cuts 0..count−1 into at most one contiguous range per thread, each a multiple of `grain` long (but the last), calls
    // body(begin, end, thread) for each and returns when all are done. The ranges depend only on the arguments; which thread takes which
    // does not matter to a body, except that `thread` < size() tells those apart that run at the same time.
    template <class Body>
    void parallel(int64_t count, int64_t grain, const Body& body) {
        const int64_t grains = (count + grain - 1) / grain;
        if (size_ == 1 || grains <= 1) {
            if (count > 0) body(int64_t{0}, count, 0);
            return;
        }
        const int64_t share = (grains + size_ - 1) / size_ * grain;
        const auto range = [&](int index, int thread) {
            const int64_t begin = index * share, end = begin + share < count ? begin + share : count;
            body(begin, end, thread);
        };
        using Range = decltype(range);
        const auto call = [](const void* context, int index, int thread) { (*static_cast<const Range*>(context))(index, thread); };
        run(call, &range, static_cast<int>((count + share - 1) / share));
    }

private:
    using Task = void (*)(const void* context, int index, int thread);

    void run(Task task, const void* context, int ranges);
    void take_ranges(int thread);
    void start();
    void abandon();
    void work(int thread);

    int size_;
    int64_t owner_ = 0;  // the process that started the threads; a fork does not inherit them
    std::vector<std::thread> threads_;
    std::atomic<uint32_t> round_{0};
    // Round (32 bits), number of ranges (16) and the next one to take (16), changed together: a thread that wakes late can only take a range
    // of the loop that is running, and the loop does not end before that range does.
    std::atomic<uint64_t> claim_{0};
    std::atomic<int> finished_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<Task> task_{nullptr};
    std::atomic<const void*> context_{nullptr};
};

}  // namespace touchstone
