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

constexpr float kTwoOverPi = 0x1.45f306p-1f;
constexpr float kHalfPi[] = {0x1.921fb6p+0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
constexpr float kSin[] = {0x1.6da8ecp-19f, -0x1.a01366p-13f, 0x1.11110ep-7f, -0x1.555556p-3f};
constexpr float kCos[] = {-0x1.251636p-22f, 0x1.a01598p-16f, -0x1.6c16c0p-10f, 0x1.555556p-5f};
constexpr uint64_t kTwoOverPi192[] = {0xdb6295993c439041u, 0xfc2757d1f534ddc0u, 0xa2f9836e4e441529u, 0};  // low word first
constexpr uint64_t kHalfPi62 = 0x6487ed5110b4611au;

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

// The multiple of π/2 nearest to an angle (or almost), and what is left.
struct Quadrant {
    VecI number;
    VecF rest;
};

// One finite number of at least 2^17, by as many bits of 2/π as matter.
TS_INLINE void large_quadrant(uint32_t x, int32_t& number, float& rest) {
    const uint32_t m = (x & 0x7fffffu) | 0x800000u;
    const int shift = 256 - (int)(x >> 23 & 0xff);  // 106 − E: 2 … 112
    const int word = shift / 64, bit = shift % 64;
    const uint64_t low = kTwoOverPi192[word], middle = kTwoOverPi192[word + 1], high = word == 0 ? kTwoOverPi192[2] : 0;
    const uint64_t window = low >> bit | (bit == 0 ? 0 : middle << (64 - bit));
    const uint64_t above = (middle >> bit | (bit == 0 ? 0 : high << (64 - bit))) & 0xffffffu;
    const unsigned __int128 product = (unsigned __int128)window * m + ((unsigned __int128)(above * m) << 64);
    const uint64_t turns = (uint64_t)(product >> 24);
    const uint64_t quarter = ((turns >> 61) + 1) >> 1;
    const int64_t left = (int64_t)(turns - (quarter << 62));
    rest = (float)(int64_t)((__int128)left * kHalfPi62 >> 62) * 0x1p-62f;
    number = (int32_t)quarter;
    if (x >> 31) number = -number, rest = -rest;
}

TS_INLINE Quadrant quadrant(VecF x) {
    const VecF t = fma(x, splat(kTwoOverPi), splat(12582912.0f));
    const VecF n = t - 12582912.0f;
    Quadrant result{(VecI)((VecU)t - 0x4b400000u), x};
    for (float part : kHalfPi) result.rest = fma(n, splat(-part), result.rest);
    const VecI large = ((VecI)magnitude(x) >= 0x48000000) & ((VecI)magnitude(x) < 0x7f800000);
    int32_t lanes[kLanes];
    memcpy(lanes, &large, sizeof lanes);
    int32_t any = 0;
    for (int i = 0; i < kLanes; i++) any |= lanes[i];
    if (!any) return result;
    for (int i = 0; i < kLanes; i++) {
        if (!lanes[i]) continue;
        int32_t number;
        float rest;
        large_quadrant(((VecU)x)[i], number, rest);
        result.number[i] = number;
        result.rest[i] = rest;
    }
    return result;
}

// sin(rest + (number + shift)·π/2)
TS_INLINE VecF sine_of(const Quadrant& angle, int32_t shift) {
    const VecI number = (VecI)((VecU)angle.number + (uint32_t)shift);
    const VecF r = angle.rest;
    const VecF z = r * r;
    VecF s = horner(kSin, z) * z;
    s = fma(s, r, r);
    VecF c = fma(horner(kCos, z), z, splat(-0.5f));
    c = fma(c, z, splat(1.0f));
    const VecF result = pick((number & 1) != 0, c, s);
    return (VecF)((VecU)result ^ ((VecU)number & 2u) << 30);
}

TS_INLINE VecF sine(VecF x) { return sine_of(quadrant(x), 0); }
TS_INLINE VecF cosine(VecF x) { return sine_of(quadrant(x), 1); }

}  // namespace touchstone::TOUCHSTONE_ISA
