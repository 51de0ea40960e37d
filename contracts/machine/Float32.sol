// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Bits} from "./Bits.sol";

/// @title IEEE-754 binary32 on bit patterns
/// @notice Round to nearest, ties to even, with subnormals; every NaN result is 0x7fc00000 (docs/specification/machine.md, sections 1
/// and 3.1; IEEE 754-2019, sections 4.3.1, 5.4 and 5.6).
/// @dev A value is a uint256 below 2^32 holding the pattern: cheaper in the EVM than uint32. A finite number is a significand times
/// 2^(exponent − 150), with the exponent field as exponent (1 for subnormals, whose hidden bit is 0). Sums are formed exactly, or with a
/// sticky bit far below any rounding boundary, and rounded once by `_round`. Nothing overflows 256 bits, so arithmetic is unchecked.
library Float32 {
    uint256 internal constant NAN = 0x7fc00000;
    uint256 internal constant INFINITY = 0x7f800000;
    uint256 internal constant SIGN = 0x80000000;
    uint256 internal constant MAGNITUDE = 0x7fffffff;
    uint256 internal constant FRACTION = 0x7fffff;
    /// @notice The bit in front of the fraction that a normal number does not store.
    uint256 internal constant HIDDEN = 0x800000;
    uint256 internal constant ONE = 0x3f800000;

    /// @dev Beyond this distance the smaller of two addends of up to 48 bits only matters as a sticky bit.
    int256 private constant FAR = 100;

    /* CLASSES AND SIGNS */

    function isNaN(uint256 a) internal pure returns (bool) {
        return a & MAGNITUDE > INFINITY;
    }

    /// @notice The word itself, or 0x7fc00000 for any NaN.
    function canonical(uint256 a) internal pure returns (uint256) {
        return isNaN(a) ? NAN : a;
    }

    function neg(uint256 a) internal pure returns (uint256) {
        return canonical(a ^ SIGN);
    }

    function abs(uint256 a) internal pure returns (uint256) {
        return canonical(a & MAGNITUDE);
    }

    /* ARITHMETIC */

    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            if (a & MAGNITUDE < b & MAGNITUDE) (a, b) = (b, a); // |a| ≥ |b|, and a is the NaN if there is one
            if (a & MAGNITUDE >= INFINITY) {
                if (isNaN(a)) return NAN;
                return a ^ b == SIGN ? NAN : a; // ∞ − ∞; ∞ and anything else
            }
            if (b & MAGNITUDE == 0) {
                return a & MAGNITUDE == 0 ? a & b : a; // −0 only from two of them
            }
            (uint256 exponentA, uint256 x) = _split(a);
            (uint256 exponentB, uint256 y) = _split(b);
            uint256 distance = exponentA - exponentB;
            x <<= 64;
            y = distance > 64 ? 1 : (y << 64) >> distance;
            if ((a ^ b) & SIGN == 0) return _round(a & SIGN, x + y, int256(exponentA) - 64);
            if (x == y) return 0; // exact cancellation gives +0
            return _round(a & SIGN, x - y, int256(exponentA) - 64);
        }
    }

    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return add(a, b ^ SIGN);
    }

    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 sign = (a ^ b) & SIGN;
            if (a & INFINITY == INFINITY || b & INFINITY == INFINITY) {
                if (isNaN(a) || isNaN(b) || a & MAGNITUDE == 0 || b & MAGNITUDE == 0) return NAN; // also 0 · ∞
                return sign | INFINITY;
            }
            (uint256 exponentA, uint256 x) = _split(a);
            (uint256 exponentB, uint256 y) = _split(b);
            uint256 product = x * y;
            if (product == 0) return sign;
            return _round(sign, product << 24, int256(exponentA + exponentB) - 174);
        }
    }

    /// @notice a · b + c, rounded once.
    function fma(uint256 a, uint256 b, uint256 c) internal pure returns (uint256) {
        unchecked {
            if (a & INFINITY == INFINITY || b & INFINITY == INFINITY || c & INFINITY == INFINITY) return _fmaSpecial(a, b, c);
            uint256 signP = (a ^ b) & SIGN;
            uint256 signC = c & SIGN;
            (uint256 exponentA, uint256 p) = _split(a);
            (uint256 exponentB, uint256 y) = _split(b);
            (uint256 exponentC, uint256 z) = _split(c);
            p *= y;
            int256 exponent = int256(exponentA + exponentB) - 150; // the product is p · 2^(exponent − 150)
            if (p == 0) return z == 0 ? signP & signC : c; // −0 only from −0 − 0
            if (z == 0) return _round(signP, p << 24, exponent - 24);
            int256 distance = exponent - int256(exponentC);
            if (distance >= 0) {
                if (distance > FAR) {
                    p <<= 164;
                    z = 1;
                    exponent -= 164;
                } else {
                    p <<= uint256(64 + distance);
                    z <<= 64;
                    exponent = int256(exponentC) - 64;
                }
            } else if (distance < -FAR) {
                p = 1;
                z <<= 164;
                exponent = int256(exponentC) - 164;
            } else {
                p <<= 64;
                z <<= uint256(64 - distance);
                exponent -= 64;
            }
            if (signP == signC) return _round(signP, p + z, exponent);
            if (p > z) return _round(signP, p - z, exponent);
            if (p < z) return _round(signC, z - p, exponent);
            return 0;
        }
    }

    function div(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 sign = (a ^ b) & SIGN;
            if (isNaN(a) || isNaN(b)) return NAN;
            if (a & MAGNITUDE == INFINITY) return b & MAGNITUDE == INFINITY ? NAN : sign | INFINITY;
            if (b & MAGNITUDE == INFINITY) return sign;
            (uint256 exponentA, uint256 x) = _split(a);
            (uint256 exponentB, uint256 y) = _split(b);
            if (y == 0) return x == 0 ? NAN : sign | INFINITY;
            if (x == 0) return sign;
            x <<= 60;
            uint256 quotient = x / y; // at least 2^36: 11 bits or more below the rounding boundary
            if (quotient * y != x) quotient |= 1; // sticky
            return _round(sign, quotient, int256(exponentA) - int256(exponentB) + 90);
        }
    }

    /// @notice Correctly rounded square root; −0 for −0, NaN below zero.
    function sqrt(uint256 a) internal pure returns (uint256) {
        unchecked {
            if (a & MAGNITUDE == 0) return a;
            if (a >= INFINITY) return a == INFINITY ? INFINITY : NAN; // +∞; NaNs and everything negative
            (uint256 exponent, uint256 x) = _split(a);
            uint256 shift = 60 + (exponent & 1); // leaves the even exponent `exponent` − 150 − shift
            x <<= shift;
            // Newton's iteration for ⌊√x⌋, from a power of two above it downwards.
            uint256 root = 1 << ((Bits.highest(x) >> 1) + 1);
            uint256 next = (root + x / root) >> 1;
            while (next < root) {
                root = next;
                next = (root + x / root) >> 1;
            }
            root = (root << 1) | (root * root == x ? 0 : 1); // sticky
            return _round(0, root, 149 + (int256(exponent) - 150 - int256(shift)) / 2);
        }
    }

    /* ORDER */

    /// @notice a < b; false with a NaN.
    function lt(uint256 a, uint256 b) internal pure returns (bool) {
        if (isNaN(a) || isNaN(b)) return false;
        if ((a | b) & MAGNITUDE == 0) return false; // −0 = +0
        return rank(a) < rank(b);
    }

    /// @notice a ≤ b; false with a NaN.
    function le(uint256 a, uint256 b) internal pure returns (bool) {
        return lt(a, b) || eq(a, b);
    }

    /// @notice a = b; −0 = +0, and NaN equals nothing.
    function eq(uint256 a, uint256 b) internal pure returns (bool) {
        if (isNaN(a) || isNaN(b)) return false;
        return a == b || (a | b) & MAGNITUDE == 0;
    }

    /// @notice The greater; NaN if either is NaN; −0 < +0.
    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        if (isNaN(a) || isNaN(b)) return NAN;
        return rank(a) >= rank(b) ? a : b;
    }

    /// @notice The lesser; NaN if either is NaN; −0 < +0.
    function min(uint256 a, uint256 b) internal pure returns (uint256) {
        if (isNaN(a) || isNaN(b)) return NAN;
        return rank(a) <= rank(b) ? a : b;
    }

    /// @notice An unsigned number that orders all words that are not NaN, with −0 < +0.
    function rank(uint256 a) internal pure returns (uint256) {
        return a & SIGN == 0 ? a | SIGN : a ^ 0xffffffff;
    }

    /* CONVERSIONS */

    /// @notice Nearest, ties to even; |number| < 2^128.
    function fromInt(int256 number) internal pure returns (uint256) {
        unchecked {
            if (number == 0) return 0;
            if (number < 0) return _round(SIGN, uint256(-number) << 24, 126);
            return _round(0, uint256(number) << 24, 126);
        }
    }

    /// @notice Toward zero, saturating to i32; 0 for NaN.
    function toInt(uint256 a) internal pure returns (int256) {
        unchecked {
            if (isNaN(a)) return 0;
            uint256 exponent = (a >> 23) & 0xff;
            if (exponent < 127) return 0;
            if (exponent >= 158) return a & SIGN == 0 ? int256(type(int32).max) : int256(type(int32).min);
            uint256 significand = (a & FRACTION) | HIDDEN;
            uint256 magnitude = exponent > 150 ? significand << (exponent - 150) : significand >> (150 - exponent);
            return a & SIGN == 0 ? int256(magnitude) : -int256(magnitude);
        }
    }

    /* PARTS */

    /// @notice (−1)^sign · significand · 2^(exponent − 150), rounded to binary32.
    /// @param sign 0 or SIGN
    /// @param significand at least 2^24, below 2^254
    /// @param exponent above −230
    function _round(uint256 sign, uint256 significand, int256 exponent) internal pure returns (uint256) {
        unchecked {
            int256 excess = int256(Bits.highest(significand)) - 23; // bits to drop, at least one
            exponent += excess;
            if (exponent < 1) {
                excess += 1 - exponent; // subnormal: drop more, so that the exponent field is 0
                exponent = 1;
            }
            uint256 drop = uint256(excess);
            // Half an ulp, less one unless the surviving last bit is odd: ties go to even.
            uint256 kept = (significand + ((1 << (drop - 1)) - 1) + ((significand >> drop) & 1)) >> drop;
            kept += uint256(exponent - 1) << 23; // the hidden bit, or a carry out of the significand, adds one to the exponent field
            return sign | (kept > INFINITY ? INFINITY : kept);
        }
    }

    /// @dev Exponent and significand of a finite number.
    function _split(uint256 a) private pure returns (uint256 exponent, uint256 significand) {
        assembly ("memory-safe") {
            exponent := and(shr(23, a), 0xff)
            let subnormal := iszero(exponent)
            exponent := add(exponent, subnormal)
            significand := or(and(a, FRACTION), shl(23, iszero(subnormal)))
        }
    }

    /// @dev fma where at least one of the three is infinite or NaN.
    function _fmaSpecial(uint256 a, uint256 b, uint256 c) private pure returns (uint256) {
        uint256 product = mul(a, b); // only whether it is infinite or NaN matters
        if (isNaN(product) || isNaN(c)) return NAN;
        if (a & MAGNITUDE != INFINITY && b & MAGNITUDE != INFINITY) return c; // then c is the infinite one
        return c & MAGNITUDE == INFINITY && (product ^ c) & SIGN != 0 ? NAN : product;
    }
}
