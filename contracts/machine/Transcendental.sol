// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "./Float32.sol";
import {Integer32} from "./Integer32.sol";
import {Words} from "./Words.sol";

/// @title exp, log, tanh, erf, sin and cos as fixed sequences of binary32 operations
/// @notice docs/specification/machine.md, section 3.7, line by line. Constants are bit patterns; their values stand beside them.
library Transcendental {
    using Float32 for uint256;

    uint256 private constant LOG2_E = 0x3fb8aa3b; // 0x1.715476p+0
    uint256 private constant LN2_HI = 0x3f317218; // 0x1.62e43p-1
    uint256 private constant LN2_LO = 0xb102e308; // −0x1.05c61p-29

    // Polynomials, four bytes a coefficient, highest order first.
    bytes private constant EXPQ = hex"3ab688be_3c0905f1_3d2aaa8c_3e2aaa6e_3f000000";
    bytes private constant LOGQ = hex"3d8ec753_bdeb1ade_3def5141_bdfe7a63_3e11e90d_be2aada5_3e4ccead_be7ffffe_3eaaaaaa";
    bytes private constant TANHQ = hex"bbc7c6f2_3cac0247_bd5c92c5_3e08870e_beaaaaa9";
    bytes private constant ERFQ = hex"38ac0dcd_ba5469bf_3baa4faf_bcdc0539_3de716ed_bec093a1_3e0375d4";
    bytes private constant ERFL = hex"35dc873d_b841a011_3a1ca74d_bb9c0fcd_3cd87ec6_bde17561_bf21bf36_bf90ab69_39a701ab";

    bytes private constant SINQ = hex"3636d476_b95009b3_3c088887_be2aaaab";
    bytes private constant COSQ = hex"b4928b1b_37d00acc_bab60b60_3d2aaaab";

    uint256 private constant TWO_OVER_PI = 0x3f22f983; // 0x1.45f306p-1
    // Their sum is π/2.
    uint256 private constant HALF_PI_1 = 0x3fc90fdb; // 0x1.921fb6p+0
    uint256 private constant HALF_PI_2 = 0xb33bbd2e; // −0x1.777a5cp-25
    uint256 private constant HALF_PI_3 = 0xa6f72ced; // −0x1.ee59dap-50
    uint256 private constant LARGE_ANGLE = 0x48000000; // 2^17
    /// @dev ⌊2/π · 2^192⌋ and ⌊π/2 · 2^62⌋.
    uint256 private constant TWO_OVER_PI_192 = 0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041;
    int256 private constant HALF_PI_62 = 0x6487ed5110b4611a;
    uint256 private constant TWO_POW_MINUS_62 = 0x20800000;

    uint256 private constant ONE = 0x3f800000;
    uint256 private constant TWO = 0x40000000;
    uint256 private constant MINUS_HALF = 0xbf000000;
    uint256 private constant MINUS_INFINITY = 0xff800000;
    uint256 private constant SMALLEST_NORMAL = 0x00800000; // 2^−126
    uint256 private constant TWO_POW_23 = 0x4b000000; // 8388608
    uint256 private constant TWENTY_THREE = 0x41b80000;

    uint256 private constant EXP_LEAST = 0xc2d00000; // −104
    uint256 private constant EXP_MOST = 0x42b20000; // 89
    uint256 private constant ROUNDER = 0x4b400000; // 12582912 = 1.5 · 2^23: adding it rounds to an integer
    uint256 private constant SQRT_HALF = 0x3f3504f3;
    uint256 private constant TANH_SMALL = 0x3f200000; // 0.625
    uint256 private constant ERF_SMALL = 0x3f6b851f; // 0.92
    uint256 private constant ERF_MOST = 0x40800000; // 4

    function exp(uint256 x) internal pure returns (uint256) {
        if (x.lt(EXP_LEAST)) x = EXP_LEAST;
        if (EXP_MOST.lt(x)) x = EXP_MOST;
        uint256 t = x.fma(LOG2_E, ROUNDER);
        uint256 n = t.sub(ROUNDER);
        uint256 r = n.fma(LN2_HI.neg(), x);
        r = n.fma(LN2_LO.neg(), r);
        uint256 p = _horner(EXPQ, r);
        p = p.fma(r, ONE);
        p = p.fma(r, ONE);
        // 2^n in two factors, so that results down to subnormals are rounded once, by the last product
        int256 integer = Words.signed(Integer32.sub(t, ROUNDER));
        int256 half = integer >> 1;
        return p.mul(_powerOfTwo(half)).mul(_powerOfTwo(integer - half));
    }

    function log(uint256 x0) internal pure returns (uint256) {
        if (x0.isNaN() || x0.lt(0)) return Float32.NAN;
        if (x0.eq(0)) return MINUS_INFINITY;
        if (x0 == Float32.INFINITY) return x0;
        bool small = x0.lt(SMALLEST_NORMAL);
        uint256 x = small ? x0.mul(TWO_POW_23) : x0;
        uint256 shifted = Integer32.sub(x, SQRT_HALF);
        uint256 e = Float32.fromInt(Words.signed(shifted) >> 23);
        if (small) e = e.sub(TWENTY_THREE);
        uint256 f = ((shifted & Float32.FRACTION) + SQRT_HALF).sub(ONE);
        uint256 z = f.mul(f);
        uint256 p = _horner(LOGQ, f).mul(f).mul(z);
        p = e.fma(LN2_LO, p);
        p = z.fma(MINUS_HALF, p);
        p = f.add(p);
        return e.fma(LN2_HI, p);
    }

    function tanh(uint256 x) internal pure returns (uint256) {
        if (x.isNaN()) return Float32.NAN;
        uint256 a = x.abs();
        if (a.lt(TANH_SMALL)) {
            uint256 z = x.mul(x);
            return _horner(TANHQ, z).mul(z).fma(x, x);
        }
        uint256 large = ONE.sub(TWO.div(exp(a.add(a)).add(ONE)));
        return large | (x & Float32.SIGN);
    }

    function erf(uint256 x) internal pure returns (uint256) {
        if (x.isNaN()) return Float32.NAN;
        uint256 a = x.abs();
        if (a.lt(ERF_SMALL)) return _horner(ERFQ, x.mul(x)).fma(x, x);
        if (ERF_MOST.lt(a)) a = ERF_MOST;
        uint256 large = ONE.sub(exp(_horner(ERFL, a)));
        return large | (x & Float32.SIGN);
    }

    function sin(uint256 x) internal pure returns (uint256) {
        (uint256 quadrant, uint256 rest) = _quadrant(x);
        return _sineOf(quadrant, rest);
    }

    function cos(uint256 x) internal pure returns (uint256) {
        (uint256 quadrant, uint256 rest) = _quadrant(x);
        unchecked {
            return _sineOf(quadrant + 1, rest);
        }
    }

    /// @dev sin(rest + quadrant · π/2); the quadrant counts modulo 4.
    function _sineOf(uint256 quadrant, uint256 rest) private pure returns (uint256 result) {
        uint256 z = rest.mul(rest);
        if (quadrant & 1 == 0) result = _horner(SINQ, z).mul(z).fma(rest, rest);
        else result = _horner(COSQ, z).fma(z, MINUS_HALF).fma(z, ONE);
        if (quadrant & 2 != 0) result ^= Float32.SIGN;
    }

    /// @dev The multiple of π/2 nearest to x (or almost) modulo 4, and what is left; NaN for infinities.
    function _quadrant(uint256 x) private pure returns (uint256 quadrant, uint256 rest) {
        uint256 a = x & Float32.MAGNITUDE;
        if (a >= Float32.INFINITY) return (0, Float32.NAN);
        if (a >= LARGE_ANGLE) return _largeQuadrant(x);
        uint256 t = x.fma(TWO_OVER_PI, ROUNDER);
        uint256 n = t.sub(ROUNDER);
        rest = n.fma(HALF_PI_1.neg(), x);
        rest = n.fma(HALF_PI_2.neg(), rest);
        rest = n.fma(HALF_PI_3.neg(), rest);
        quadrant = Integer32.sub(t, ROUNDER);
    }

    /// @dev The same for a large finite number, from as many bits of 2/π as matter (Payne and Hanek, 1983).
    function _largeQuadrant(uint256 x) private pure returns (uint256 quadrant, uint256 rest) {
        unchecked {
            uint256 window = (TWO_OVER_PI_192 >> (256 - ((x >> 23) & 0xff))) & (2 ** 88 - 1);
            uint256 turns = ((((x & Float32.FRACTION) | Float32.HIDDEN) * window) >> 24) & type(uint64).max;
            quadrant = (turns + 2 ** 61) >> 62;
            rest = Float32.fromInt(((int256(turns) - int256(quadrant << 62)) * HALF_PI_62) >> 62).mul(TWO_POW_MINUS_62);
            if (x & Float32.SIGN != 0) (quadrant, rest) = (0 - quadrant, rest.neg());
        }
    }

    /// @dev p = c[0]; then p = fma(p, x, c[i]) for i = 1 ….
    function _horner(bytes memory coefficients, uint256 x) private pure returns (uint256 p) {
        p = _coefficient(coefficients, 0);
        for (uint256 i = 4; i < coefficients.length; i += 4) {
            p = p.fma(x, _coefficient(coefficients, i));
        }
    }

    function _coefficient(bytes memory coefficients, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := shr(224, mload(add(add(coefficients, 32), offset)))
        }
    }

    /// @dev The float whose bits are (n + 127) << 23, wrapping as i32 does.
    function _powerOfTwo(int256 n) private pure returns (uint256) {
        return Words.unsigned((n + 127) << 23);
    }
}
