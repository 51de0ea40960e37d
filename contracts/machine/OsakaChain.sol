// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "./Float32.sol";
import {PortableChain} from "./PortableChain.sol";

/// @title One block of a dot product, eight terms at a time
/// @notice The same bits as PortableChain, for about a fifth of the gas on ordinary numbers. Needs the CLZ opcode (EIP-7939).
/// @dev The accumulator is kept as a signed 256-bit integer M worth M · 2^(127 − 300), the *frame*, and after every addition it is
/// rounded in place to 24 significant bits, ties to even. A product of normal numbers with biased exponents e1, e2 is the product of
/// their 24-bit significands times 2^(e − 300), e = e1 + e2; it enters the frame by a left shift of e − 127.
///
/// A word of eight terms takes this path when in all its lanes both numbers are normal, or one is zero and the other finite, and
/// 151 ≤ e ≤ 317. Then the shift is 24 … 190, so that
///   - every addend is a multiple of 2^24 frame units = 2^-149: no result needs subnormal rounding, for which the frame has no rule;
///   - |M| grows to at most 2^(190 + 48) · 2^8 in a block of 256 terms: no overflow of the word, nor of binary32 (below 2^75);
///   - −0 cannot arise: a zero M only comes from exact cancellation or adding zeros to +0.
/// Any other word, and the last terms modulo 8, go through PortableChain, with the accumulator converted out of the frame and back.
library OsakaChain {
    // A word is eight lanes of 32 bits, the first term in the highest. Constants that repeat a number in every lane:
    uint256 private constant LANE_ONE = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant LANE_SIGN = 0x8000000080000000800000008000000080000000800000008000000080000000;
    uint256 private constant LANE_MAGNITUDE = 0x7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff;
    uint256 private constant LANE_EXPONENT = 0x7f8000007f8000007f8000007f8000007f8000007f8000007f8000007f800000;
    uint256 private constant LANE_HIDDEN = 0x0080000000800000008000000080000000800000008000000080000000800000;
    uint256 private constant LANE_FRACTION = 0x007fffff007fffff007fffff007fffff007fffff007fffff007fffff007fffff;
    uint256 private constant LANE_FLOAT_ONE = 0x3f8000003f8000003f8000003f8000003f8000003f8000003f8000003f800000;
    uint256 private constant LANE_ABOVE_LEAST = 0x0000016900000169000001690000016900000169000001690000016900000169; // 512 − 151
    uint256 private constant LANE_ABOVE_MOST = 0x000000c2000000c2000000c2000000c2000000c2000000c2000000c2000000c2; // 512 − 318
    uint256 private constant LANE_FRAME = 0x0000007f0000007f0000007f0000007f0000007f0000007f0000007f0000007f; // 127
    uint256 private constant ODD_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ODD_HALVES = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    /// @dev ULP >> clz(m) is the worth of the last of 24 significant bits of m.
    uint256 private constant ULP = 1 << 232;

    /// @dev Exponent of frame units on the scale of Float32._round: 2^(127 − 300) = 2^(−23 − 150).
    int256 private constant FRAME_EXPONENT = -23;
    /// @dev Largest exponent field that may enter the frame: |acc| < 2^64, far from overflowing it.
    uint256 private constant MOST_ENTERING = 190;

    /// @param acc where the chain starts
    /// @param a calldata position of the first word of a
    /// @param b calldata position of the first word of b
    /// @param terms number of words of each, at most 256
    function run(uint256 acc, uint256 a, uint256 b, uint256 terms) internal pure returns (uint256) {
        unchecked {
            uint256 end = a + 4 * (terms & ~uint256(7));
            while (a != end) {
                if (_mayEnter(acc)) {
                    uint256 reached;
                    uint256 frame;
                    (frame, reached) = _runInFrame(_enter(acc), a, b, end);
                    acc = _leave(frame);
                    b += reached - a;
                    a = reached;
                    if (a == end) break;
                }
                acc = PortableChain.run(acc, a, b, 8);
                a += 32;
                b += 32;
            }
            return terms & 7 == 0 ? acc : PortableChain.run(acc, a, b, terms & 7);
        }
    }

    function _mayEnter(uint256 acc) private pure returns (bool) {
        return (acc >> 23) & 0xff <= MOST_ENTERING && acc != Float32.SIGN; // −0 has no place in the frame
    }

    function _enter(uint256 acc) private pure returns (uint256 frame) {
        unchecked {
            uint256 exponent = (acc >> 23) & 0xff;
            frame = acc & Float32.FRACTION;
            if (exponent == 0) exponent = 1;
            else frame |= Float32.HIDDEN;
            frame <<= exponent + 23;
            if (acc & Float32.SIGN != 0) frame = 0 - frame;
        }
    }

    function _leave(uint256 frame) private pure returns (uint256) {
        unchecked {
            if (frame == 0) return 0;
            if (frame >> 255 != 0) return Float32._round(Float32.SIGN, 0 - frame, FRAME_EXPONENT);
            return Float32._round(0, frame, FRAME_EXPONENT);
        }
    }

    /// @dev Runs whole words until `end` or the first word that does not qualify.
    /// @return frame the accumulator
    /// @return reached calldata position in a of the first word not consumed
    function _runInFrame(uint256 start, uint256 a, uint256 b, uint256 end) private pure returns (uint256 frame, uint256 reached) {
        assembly ("memory-safe") {
            let m := start
            let toB := sub(b, a)
            for {} sub(a, end) {
                a := add(a, 32)
            } {
                // Two words of little-endian lanes, bytes reversed in each lane.
                let wa := calldataload(a)
                let wb := calldataload(add(a, toB))
                wa := or(and(shr(8, wa), ODD_BYTES), shl(8, and(wa, ODD_BYTES)))
                wb := or(and(shr(8, wb), ODD_BYTES), shl(8, and(wb, ODD_BYTES)))
                wa := or(and(shr(16, wa), ODD_HALVES), shl(16, and(wa, ODD_HALVES)))
                wb := or(and(shr(16, wb), ODD_HALVES), shl(16, and(wb, ODD_HALVES)))

                // Bit 31 of a lane says: both exponents are neither 0 nor 255, and their sum e is in 151 … 317.
                let zeros := 0
                let ea := and(wa, LANE_EXPONENT)
                let eb := and(wb, LANE_EXPONENT)
                let e := shr(23, add(ea, eb))
                if xor(
                    and(
                        and(and(add(ea, LANE_EXPONENT), add(eb, LANE_EXPONENT)), not(or(add(ea, LANE_HIDDEN), add(eb, LANE_HIDDEN)))),
                        and(shl(22, and(add(e, LANE_ABOVE_LEAST), not(add(e, LANE_ABOVE_MOST)))), LANE_SIGN)
                    ),
                    LANE_SIGN
                ) {
                    // Lanes where all is finite and one factor is zero may still go: as 1 · 1 with the significand masked to 0.
                    if and(or(add(ea, LANE_HIDDEN), add(eb, LANE_HIDDEN)), LANE_SIGN) {
                        break
                    }
                    zeros := and(
                        shr(31, not(and(add(and(wa, LANE_MAGNITUDE), LANE_MAGNITUDE), add(and(wb, LANE_MAGNITUDE), LANE_MAGNITUDE)))),
                        LANE_ONE
                    )
                    zeros := sub(shl(32, zeros), zeros)
                    wa := xor(wa, and(xor(wa, LANE_FLOAT_ONE), zeros))
                    wb := xor(wb, and(xor(wb, LANE_FLOAT_ONE), zeros))
                    ea := and(wa, LANE_EXPONENT)
                    eb := and(wb, LANE_EXPONENT)
                    e := shr(23, add(ea, eb))
                    if xor(
                        and(
                            and(add(ea, LANE_EXPONENT), add(eb, LANE_EXPONENT)),
                            and(shl(22, and(add(e, LANE_ABOVE_LEAST), not(add(e, LANE_ABOVE_MOST)))), LANE_SIGN)
                        ),
                        LANE_SIGN
                    ) {
                        break
                    }
                }

                // Signs of the products go into a's significands, as two's complement within the lanes.
                let negative := and(shr(31, xor(wa, wb)), LANE_ONE)
                let sa := add(xor(and(or(and(wa, LANE_FRACTION), LANE_HIDDEN), not(zeros)), sub(shl(32, negative), negative)), negative)
                let sb := or(and(wb, LANE_FRACTION), LANE_HIDDEN)
                let shift := sub(e, LANE_FRAME)

                // Per lane: add the product, then round half to even in place: + ulp/2, less one if the last kept bit is even; cut.
                let ulp
                m := add(m, shl(byte(3, shift), mul(sar(224, sa), shr(224, sb))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(7, shift), mul(signextend(3, shr(192, sa)), and(shr(192, sb), 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(11, shift), mul(signextend(3, shr(160, sa)), and(shr(160, sb), 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(15, shift), mul(signextend(3, shr(128, sa)), and(shr(128, sb), 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(19, shift), mul(signextend(3, shr(96, sa)), and(shr(96, sb), 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(23, shift), mul(signextend(3, shr(64, sa)), and(shr(64, sb), 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(27, shift), mul(signextend(3, shr(32, sa)), and(shr(32, sb), 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
                m := add(m, shl(byte(31, shift), mul(signextend(3, sa), and(sb, 0xffffff))))
                ulp := shr(clz(xor(m, sar(255, m))), ULP)
                m := and(add(m, sub(shr(1, ulp), iszero(and(m, ulp)))), sub(0, ulp))
            }
            frame := m
            reached := a
        }
    }
}
