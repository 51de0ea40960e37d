// The map functions of the specification, section 3.1, over contiguous blocks.
#include "entries.h"

#include "isa.h"
#include "transcendental.h"

namespace touchstone::TOUCHSTONE_ISA {
namespace {

// ---- f32: the result of every function is canonical ----

#define TS_FLOAT_FUNCTION(Name, arity, expression)                                                         \
    struct Name {                                                                                          \
        static constexpr int kArity = arity;                                                               \
        TS_INLINE VecU apply(VecU ua, VecU ub, VecU uc) {                                                  \
            [[maybe_unused]] const VecF a = (VecF)ua, b = (VecF)ub, c = (VecF)uc;                          \
            return (VecU)canonical(expression);                                                            \
        }                                                                                                  \
    };

// For equal arguments, and-ing or or-ing the bits tells −0 from +0 and leaves every other value alone.
TS_INLINE VecF maximum(VecF a, VecF b) {
    const VecU equal = pick(a == b, (VecU)a & (VecU)b, splat(kCanonicalNaN));
    return (VecF)pick(a > b, (VecU)a, pick(a < b, (VecU)b, equal));
}

TS_INLINE VecF minimum(VecF a, VecF b) {
    const VecU equal = pick(a == b, (VecU)a | (VecU)b, splat(kCanonicalNaN));
    return (VecF)pick(a < b, (VecU)a, pick(a > b, (VecU)b, equal));
}

TS_FLOAT_FUNCTION(Add, 2, a + b)
TS_FLOAT_FUNCTION(Sub, 2, a - b)
TS_FLOAT_FUNCTION(Mul, 2, a* b)
TS_FLOAT_FUNCTION(Div, 2, a / b)
TS_FLOAT_FUNCTION(Fma, 3, fma(a, b, c))
TS_FLOAT_FUNCTION(Neg, 1, (VecF)((VecU)a ^ 0x80000000u))
TS_FLOAT_FUNCTION(Abs, 1, magnitude(a))
TS_FLOAT_FUNCTION(Sqrt, 1, square_root(a))
TS_FLOAT_FUNCTION(Max, 2, maximum(a, b))
TS_FLOAT_FUNCTION(Min, 2, minimum(a, b))
TS_FLOAT_FUNCTION(Exp, 1, exponential(a))
TS_FLOAT_FUNCTION(Log, 1, logarithm(a))
TS_FLOAT_FUNCTION(Tanh, 1, hyperbolic_tangent(a))
TS_FLOAT_FUNCTION(Erf, 1, error_function(a))
TS_FLOAT_FUNCTION(Sin, 1, sine(a))
TS_FLOAT_FUNCTION(Cos, 1, cosine(a))

// ---- words: comparisons, integers, conversions ----

#define TS_WORD_FUNCTION(Name, arity, expression)                                                          \
    struct Name {                                                                                          \
        static constexpr int kArity = arity;                                                               \
        TS_INLINE VecU apply(VecU a, VecU b, VecU c) {                                                     \
            (void)b, (void)c;                                                                              \
            return (VecU)(expression);                                                                     \
        }                                                                                                  \
    };

TS_INLINE int32_t divide(int32_t x, int32_t y) {
    if (y == 0) return 0;
    if (y == -1) return (int32_t)(0u - (uint32_t)x);  // INT_MIN / −1 would trap
    return x / y;
}

TS_INLINE VecU divide_lanes(VecU a, VecU b) {
    VecU out;
    for (int i = 0; i < kLanes; i++) out[i] = (uint32_t)divide((int32_t)a[i], (int32_t)b[i]);
    return out;
}

TS_INLINE VecU modulo_lanes(VecU a, VecU b) {
    const VecU remainder = a - b * divide_lanes(a, b);
    return pick(b == 0, splat(0u), remainder);
}

// Out-of-range lanes are converted as 0 first: converting them would be undefined.
TS_INLINE VecU truncate(VecF x) {
    const VecI low = x < -0x1p31f;
    const VecI high = x >= 0x1p31f;
    const VecI inside = (x >= -0x1p31f) & (x < 0x1p31f);
    const VecU converted = (VecU)__builtin_convertvector(pick(inside, x, splat(0.0f)), VecI);
    return pick(low, splat(0x80000000u), pick(high, splat(0x7fffffffu), converted));
}

TS_WORD_FUNCTION(Lt, 2, ((VecF)a < (VecF)b) & 1)
TS_WORD_FUNCTION(Le, 2, ((VecF)a <= (VecF)b) & 1)
TS_WORD_FUNCTION(Eq, 2, ((VecF)a == (VecF)b) & 1)
TS_WORD_FUNCTION(IAdd, 2, a + b)
TS_WORD_FUNCTION(ISub, 2, a - b)
TS_WORD_FUNCTION(IMul, 2, a* b)
TS_WORD_FUNCTION(IDiv, 2, divide_lanes(a, b))
TS_WORD_FUNCTION(IMod, 2, modulo_lanes(a, b))
TS_WORD_FUNCTION(IAnd, 2, a& b)
TS_WORD_FUNCTION(IOr, 2, a | b)
TS_WORD_FUNCTION(IXor, 2, a ^ b)
TS_WORD_FUNCTION(IShl, 2, a << (b & 31u))
TS_WORD_FUNCTION(IShr, 2, a >> (b & 31u))
TS_WORD_FUNCTION(ILt, 2, ((VecI)a < (VecI)b) & 1)
TS_WORD_FUNCTION(ILe, 2, ((VecI)a <= (VecI)b) & 1)
TS_WORD_FUNCTION(IEq, 2, (a == b) & 1)
TS_WORD_FUNCTION(Select, 3, pick(a == 0, c, b))
TS_WORD_FUNCTION(IntToFloat, 1, __builtin_convertvector((VecI)a, VecF))
TS_WORD_FUNCTION(FloatToInt, 1, truncate((VecF)a))

// ---- loops ----

template <bool scalar>
TS_INLINE VecU operand(const Word* from, int64_t i, VecU repeated) {
    if constexpr (scalar) return repeated;
    return load(from + i);
}

template <bool scalar>
TS_INLINE VecU operand_part(const Word* from, int64_t i, int64_t count, VecU repeated) {
    if constexpr (scalar) return repeated;
    return load_part(from + i, count);
}

template <class Function, int mask>
void map_block(int64_t n, Word* out, const Word* a, const Word* b, const Word* c) {
    constexpr bool two = Function::kArity >= 2, three = Function::kArity >= 3;
    constexpr bool sa = mask & 1, sb = !two || (mask & 2), sc = !three || (mask & 4);
    const VecU ra = sa ? splat(*a) : VecU{};
    const VecU rb = two && sb ? splat(*b) : VecU{};
    const VecU rc = three && sc ? splat(*c) : VecU{};
    int64_t i = 0;
#pragma GCC unroll 2
    for (; i + kLanes <= n; i += kLanes) {
        store(out + i, Function::apply(operand<sa>(a, i, ra), operand<sb>(b, i, rb), operand<sc>(c, i, rc)));
    }
    if (i == n) return;
    const int64_t rest = n - i;
    store_part(out + i, Function::apply(operand_part<sa>(a, i, rest, ra), operand_part<sb>(b, i, rest, rb), operand_part<sc>(c, i, rest, rc)), rest);
}

template <class Function>
void enter(Kernels& table, int code) {
    MapKernel* row = table.map[code];
    row[0] = map_block<Function, 0>;
    row[1] = map_block<Function, 1>;
    if constexpr (Function::kArity >= 2) {
        row[2] = map_block<Function, 2>;
        row[3] = map_block<Function, 3>;
    }
    if constexpr (Function::kArity >= 3) {
        row[4] = map_block<Function, 4>;
        row[5] = map_block<Function, 5>;
        row[6] = map_block<Function, 6>;
        row[7] = map_block<Function, 7>;
    }
}

}  // namespace

void enter_map(Kernels& table) {
    enter<Add>(table, 1);
    enter<Sub>(table, 2);
    enter<Mul>(table, 3);
    enter<Div>(table, 4);
    enter<Fma>(table, 5);
    enter<Neg>(table, 6);
    enter<Abs>(table, 7);
    enter<Sqrt>(table, 8);
    enter<Max>(table, 9);
    enter<Min>(table, 10);
    enter<Lt>(table, 16);
    enter<Le>(table, 17);
    enter<Eq>(table, 18);
    enter<Exp>(table, 24);
    enter<Log>(table, 25);
    enter<Tanh>(table, 26);
    enter<Erf>(table, 27);
    enter<Sin>(table, 28);
    enter<Cos>(table, 29);
    enter<IAdd>(table, 32);
    enter<ISub>(table, 33);
    enter<IMul>(table, 34);
    enter<IDiv>(table, 35);
    enter<IMod>(table, 36);
    enter<IAnd>(table, 37);
    enter<IOr>(table, 38);
    enter<IXor>(table, 39);
    enter<IShl>(table, 40);
    enter<IShr>(table, 41);
    enter<ILt>(table, 42);
    enter<ILe>(table, 43);
    enter<IEq>(table, 44);
    enter<Select>(table, 48);
    enter<IntToFloat>(table, 49);
    enter<FloatToInt>(table, 50);
}

}  // namespace touchstone::TOUCHSTONE_ISA
