// The finished table of one instruction set.
#include "entries.h"

#define TS_TEXT(x) TS_TEXT_OF(x)
#define TS_TEXT_OF(x) #x

namespace touchstone::TOUCHSTONE_ISA {

const Kernels& table() {
    static const Kernels* const filled = [] {
        static Kernels kernels{};
        kernels.name = TS_TEXT(TOUCHSTONE_ISA);
        enter_map(kernels);
        enter_reduce(kernels);
        enter_gemm(kernels);
        enter_windows(kernels);
        enter_transpose(kernels);
        enter_sha256(kernels);
        return &kernels;
    }();
    return *filled;
}

}  // namespace touchstone::TOUCHSTONE_ISA
