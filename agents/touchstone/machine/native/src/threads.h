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

    // Cuts 0..count−1 into one contiguous range per thread, each a multiple of `grain` long (but the last), and calls
    // body(begin, end, thread) for those that are not empty; returns when all are done. Ranges depend only on the arguments.
    template <class Body>
    void parallel(int64_t count, int64_t grain, const Body& body) {
        const int64_t grains = (count + grain - 1) / grain;
        if (size_ == 1 || grains <= 1) {
            if (count > 0) body(int64_t{0}, count, 0);
            return;
        }
        const int64_t share = (grains + size_ - 1) / size_ * grain;
        const auto range = [&](int thread) {
            const int64_t begin = thread * share, end = begin + share < count ? begin + share : count;
            if (begin < end) body(begin, end, thread);
        };
        using Range = decltype(range);
        run([](const void* context, int thread) { (*static_cast<const Range*>(context))(thread); }, &range);
    }

private:
    using Task = void (*)(const void* context, int thread);

    void run(Task task, const void* context);
    void start();
    void abandon();
    void work(int thread);

    int size_;
    int64_t owner_ = 0;  // the process that started the threads; a fork does not inherit them
    std::vector<std::thread> threads_;
    std::atomic<uint32_t> round_{0};
    std::atomic<int> unfinished_{0};
    std::atomic<bool> stopping_{false};
    Task task_ = nullptr;
    const void* context_ = nullptr;
};

}  // namespace touchstone
