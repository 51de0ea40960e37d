// Which instruction set to use: what the processor and the operating system offer, or less when TOUCHSTONE_ISA asks for it.
#include <cstdlib>
#include <cstring>

#include "kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace touchstone {

namespace base {
const Kernels& table();
}
#if defined(__x86_64__)
namespace avx2 {
const Kernels& table();
}
namespace avx512 {
const Kernels& table();
}
#endif

namespace {

constexpr int kLevels = 3;

struct Levels {
    const Kernels* best_first[kLevels + 1] = {};
};

#if defined(__x86_64__)

// Read with cpuid itself: compilers' helpers for it are missing or stale in some tool chains.
int processor_level() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const bool fma = c & (1u << 12), saves = c & (1u << 27);
    if (!fma || !saves) return 0;
    unsigned low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    const bool keeps_256 = (low & 0x06) == 0x06, keeps_512 = (low & 0xe6) == 0xe6;
    if (!keeps_256 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const bool avx2 = (b & (1u << 5)) && (b & (1u << 8));  // with BMI2
    const bool avx512 = (b & (1u << 16)) && (b & (1u << 17)) && (b & (1u << 30)) && (b & (1u << 31));  // F, DQ, BW, VL
    if (!avx2) return 0;
    return avx512 && keeps_512 ? 2 : 1;
}

Levels find_levels() {
    // Only asked for the levels that can run: filling a table is itself code compiled for its level.
    constexpr const Kernels& (*kTables[kLevels])() = {base::table, avx2::table, avx512::table};
    Levels levels;
    int at = 0;
    for (int level = processor_level(); level >= 0; level--) levels.best_first[at++] = &kTables[level]();
    return levels;
}

#else

Levels find_levels() {
    Levels levels;
    levels.best_first[0] = &base::table();
    return levels;
}

#endif

}  // namespace

const Kernels* const* available_kernels() {
    static const Levels levels = find_levels();
    return levels.best_first;
}

const Kernels& kernels() {
    const Kernels* const* levels = available_kernels();
    const char* wanted = std::getenv("TOUCHSTONE_ISA");
    for (int i = 0; wanted != nullptr && levels[i] != nullptr; i++) {
        if (std::strcmp(levels[i]->name, wanted) == 0) return *levels[i];
    }
    return *levels[0];
}

}  // namespace touchstone
