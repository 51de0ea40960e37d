// One vocabulary of vectors for every instruction set.
//
// The files that include this one are compiled once per level (see build.py), each time into a namespace of its own, named by
// TOUCHSTONE_ISA. They must not call inline functions of the standard library: the linker keeps one copy of such a function for the whole
// library, and it might keep the one compiled for AVX-512.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
// GCC 12's own headers initialise "undefined" vectors with themselves and then warn about it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef TOUCHSTONE_ISA
#error "compile with -DTOUCHSTONE_ISA=base, avx2 or avx512"
#endif

#define TS_INLINE static inline __attribute__((always_inline))

namespace touchstone::TOUCHSTONE_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float VecF __attribute__((vector_size(kLanes * 4)));
typedef int32_t VecI __attribute__((vector_size(kLanes * 4)));
typedef uint32_t VecU __attribute__((vector_size(kLanes * 4)));

constexpr uint32_t kCanonicalNaN = 0x7fc00000u;

TS_INLINE VecU load(const uint32_t* from) {
    VecU v;
    memcpy(&v, from, sizeof v);
    return v;
}

TS_INLINE VecF load(const float* from) {
    VecF v;
    memcpy(&v, from, sizeof v);
    return v;
}

TS_INLINE void store(uint32_t* to, VecU v) { memcpy(to, &v, sizeof v); }
TS_INLINE void store(float* to, VecF v) { memcpy(to, &v, sizeof v); }

// Subtracting +0 changes no value, not even −0, so these compile to a plain broadcast.
TS_INLINE VecF splat(float x) { return x - (VecF){}; }
TS_INLINE VecI splat(int32_t x) { return x - (VecI){}; }
TS_INLINE VecU splat(uint32_t x) { return x - (VecU){}; }

// The first `count` words of `from`, then zeros.
TS_INLINE VecU load_part(const uint32_t* from, int64_t count) {
    uint32_t words[kLanes] = {};
    memcpy(words, from, count * 4);
    return load(words);
}

TS_INLINE void store_part(uint32_t* to, VecU v, int64_t count) {
    uint32_t words[kLanes];
    store(words, v);
    memcpy(to, words, count * 4);
}

TS_INLINE VecU pick(VecI mask, VecU yes, VecU no) { return ((VecU)mask & yes) | (~(VecU)mask & no); }
TS_INLINE VecF pick(VecI mask, VecF yes, VecF no) { return (VecF)pick(mask, (VecU)yes, (VecU)no); }

// NaN is recognised by its bits: a compiler may drop `x == x ? x : NaN`, because it leaves NaN payloads unspecified.
TS_INLINE VecF canonical(VecF x) {
#if defined(__AVX512F__)
    const __mmask16 nan = _mm512_cmpgt_epu32_mask(_mm512_and_si512((__m512i)x, _mm512_set1_epi32(0x7fffffff)), _mm512_set1_epi32(0x7f800000));
    return (VecF)_mm512_mask_mov_epi32((__m512i)x, nan, _mm512_set1_epi32((int)kCanonicalNaN));
#else
    const VecI nan = ((VecI)x & 0x7fffffff) > 0x7f800000;
    return (VecF)pick(nan, splat(kCanonicalNaN), (VecU)x);
#endif
}

// a·b + c, rounded once.
TS_INLINE VecF fma(VecF a, VecF b, VecF c) {
#if defined(__AVX512F__)
    return (VecF)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (VecF)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    return (VecF)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    // No instruction for it. The product of two floats is exact in double; the sum is rounded to odd (Boldo and Melquiond, "Emulation of a
    // FMA and correctly rounded sums", 2008), with the error from Knuth's two-sum, so that the final rounding to float is the only one.
    typedef double VecD __attribute__((vector_size(kLanes * 8)));
    typedef int64_t VecL __attribute__((vector_size(kLanes * 8)));
    const VecD product = __builtin_convertvector(a, VecD) * __builtin_convertvector(b, VecD);
    const VecD addend = __builtin_convertvector(c, VecD);
    const VecD sum = product + addend;
    const VecD part = sum - product;
    const VecD error = (product - (sum - part)) + (addend - part);
    const VecL even = ((VecL)sum & 1) == 0;
    const VecL away = ((error > 0) & (sum > 0)) | ((error < 0) & (sum < 0));
    const VecL toward = ((error > 0) & (sum < 0)) | ((error < 0) & (sum > 0));
    const VecL odd = (VecL)sum + ((even & toward) - (even & away));  // masks are −1
    return __builtin_convertvector((VecD)odd, VecF);
#endif
}

TS_INLINE VecF square_root(VecF x) {
#if defined(__AVX512F__)
    return (VecF)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (VecF)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
    return (VecF)_mm_sqrt_ps((__m128)x);
#elif defined(__aarch64__)
    return (VecF)vsqrtq_f32((float32x4_t)x);
#else
    for (int i = 0; i < kLanes; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

TS_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

}  // namespace touchstone::TOUCHSTONE_ISA
