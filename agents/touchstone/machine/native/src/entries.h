#pragma once

#include "kernels.h"

// Each instruction set's files fill their part of its table.
namespace touchstone::TOUCHSTONE_ISA {

void enter_map(Kernels& table);
void enter_reduce(Kernels& table);
void enter_gemm(Kernels& table);
void enter_windows(Kernels& table);
void enter_transpose(Kernels& table);
void enter_sha256(Kernels& table);

}  // namespace touchstone::TOUCHSTONE_ISA
