// The fixed sequences of the specification, section 3.7. Callers canonicalise the result.
#pragma once

#include "isa.h"

namespace touchstone::TOUCHSTONE_ISA {

constexpr float kLog2E = 0x1.715476p+0f;
constexpr float kLn2High = 0x1.62e43p-1f;
constexpr float kLn2Low = -0x1.05c61p-29f;
constexpr float kExp[] = {0x1.6d117cp-10f, 0x1.120be2p-7f, 0x1.555518p-5f, 0x1.5554dcp-3f, 0x1p-1f};
constexpr float kLog[] = {0x1.1d8ea6p-4f,  -0x1.d635bcp-4f, 0x1.dea282p-4f,  -0x1.fcf4c6p-4f, 0x1.23d21ap-3f,
                          -0x1.555b4ap-3f, 0x1.999d5ap-3f,  -0x1.fffffcp-3f, 0x1.555554p-2f};
constexpr float kTanh[] = {-0x1.8f8de4p-8f, 0x1.58048ep-6f, -0x1.b9258ap-5f, 0x1.110e1cp-3f, -0x1.555552p-2f};
constexpr float kErfSmall[] = {0x1.581b9ap-14f, -0x1.a8d37ep-11f, 0x1.549f5ep-8f, -0x1.b80a72p-6f,
                               0x1.ce2ddap-4f,  -0x1.812742p-2f,  0x1.06eba8p-3f};
constexpr float kErfLarge[] = {0x1.b90e7ap-20f, -0x1.834022p-15f, 0x1.394e9ap-11f, -0x1.381f9ap-8f, 0x1.b0fd8cp-6f,
                               -0x1.c2eac2p-4f, -0x1.437e6cp-1f,  -0x1.2156d2p+0f, 0x1.4e0356p-12f};

template <int n>
TS_INLINE VecF horner(const float (&coefficients)[n], VecF x) {
    VecF p = splat(coefficients[0]);
    for (int i = 1; i < n; i++) p = fma(p, x, splat(coefficients[i]));
    return p;
}

TS_INLINE VecF magnitude(VecF x) { return (VecF)((VecU)x & 0x7fffffffu); }
TS_INLINE VecF with_sign_of(VecF x, VecF sign) { return (VecF)((VecU)x | ((VecU)sign & 0x80000000u)); }

// 2^n for n in −126..127, built from the exponent bits.
TS_INLINE VecF power_of_two(VecI n) { return (VecF)((VecU)(n + 127) << 23); }

TS_INLINE VecF exponential(VecF x) {
    x = pick(x < -104.0f, splat(-104.0f), x);
    x = pick(x > 89.0f, splat(89.0f), x);
    const VecF t = fma(x, splat(kLog2E), splat(12582912.0f));
    const VecF n = t - 12582912.0f;
    VecF r = fma(n, splat(-kLn2High), x);
    r = fma(n, splat(-kLn2Low), r);
    VecF p = horner(kExp, r);
    p = fma(p, r, splat(1.0f));
    p = fma(p, r, splat(1.0f));
    const VecI whole = (VecI)((VecU)t - 0x4b400000u);
    const VecI half = whole >> 1;
    const VecI rest = (VecI)((VecU)whole - (VecU)half);
    p = p * power_of_two(half);
    return p * power_of_two(rest);
}

TS_INLINE VecF logarithm(VecF x0) {
    const VecI small = x0 < 0x1p-126f;
    const VecF x = pick(small, x0 * 8388608.0f, x0);
    const VecU ix = (VecU)x - 0x3f3504f3u;
    const VecI e = (VecI)ix >> 23;
    const VecF m = (VecF)((ix & 0x7fffffu) + 0x3f3504f3u);
    VecF ef = __builtin_convertvector(e, VecF);
    ef = ef - pick(small, splat(23.0f), splat(0.0f));
    const VecF f = m - 1.0f;
    const VecF z = f * f;
    VecF p = horner(kLog, f);
    p = (p * f) * z;
    p = fma(ef, splat(kLn2Low), p);
    p = fma(z, splat(-0.5f), p);
    p = f + p;
    p = fma(ef, splat(kLn2High), p);
    const VecU infinity = splat(0x7f800000u);
    const VecU nan = splat(kCanonicalNaN);
    VecU result = pick(x0 == 0.0f, infinity | 0x80000000u, (VecU)p);
    result = pick(x0 < 0.0f, nan, result);
    result = pick(x0 == (VecF)infinity, infinity, result);
    return (VecF)pick(x0 == x0, result, nan);
}

TS_INLINE VecF hyperbolic_tangent(VecF x) {
    const VecF a = magnitude(x);
    const VecF z = x * x;
    VecF s = horner(kTanh, z);
    s = s * z;
    s = fma(s, x, x);
    const VecF e = exponential(a + a);
    const VecF large = with_sign_of(1.0f - 2.0f / (e + 1.0f), x);
    return pick(a < 0.625f, s, large);
}

TS_INLINE VecF error_function(VecF x) {
    const VecF a = magnitude(x);
    const VecF z = x * x;
    VecF s = horner(kErfSmall, z);
    s = fma(s, x, x);
    const VecF ac = pick(a > 4.0f, splat(4.0f), a);
    const VecF large = with_sign_of(1.0f - exponential(horner(kErfLarge, ac)), x);
    const VecF result = pick(a < 0.92f, s, large);
    return (VecF)pick(x == x, (VecU)result, splat(kCanonicalNaN));
}

}  // namespace touchstone::TOUCHSTONE_ISA
