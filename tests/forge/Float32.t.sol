// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "../../contracts/machine/Float32.sol";
import {Words} from "../../contracts/machine/Words.sol";

/// @title Laws of binary32 arithmetic that need no reference
/// @dev Equality with the reference machine, bit by bit, is tests/contracts/machine/test_arithmetic.py.
contract Float32Test {
    function testFuzz_additionAndMultiplicationCommute(uint32 a, uint32 b) external pure {
        assert(Float32.add(a, b) == Float32.add(b, a));
        assert(Float32.mul(a, b) == Float32.mul(b, a));
        assert(Float32.fma(a, b, a) == Float32.fma(b, a, a));
    }

    function testFuzz_fmaWithOneIsAdditionAndWithZeroMultiplication(uint32 a, uint32 b) external pure {
        assert(Float32.fma(a, Float32.ONE, b) == Float32.add(a, b));
        uint256 zero = (uint256(a) ^ b) & Float32.SIGN; // a zero of the product's sign changes nothing
        assert(Float32.fma(a, b, zero) == Float32.mul(a, b));
    }

    function testFuzz_signsAreSymmetric(uint32 a, uint32 b) external pure {
        assert(Float32.mul(Float32.neg(a), b) == Float32.neg(Float32.mul(a, b)));
        assert(Float32.div(Float32.neg(a), b) == Float32.neg(Float32.div(a, b)));
        assert(Float32.sub(a, b) == Float32.add(a, Float32.isNaN(b) ? Float32.NAN : Float32.neg(b)));
    }

    function testFuzz_everyComputedNaNIsTheCanonicalOne(uint32 a, uint32 b, uint32 c) external pure {
        _assertCanonical(Float32.add(a, b));
        _assertCanonical(Float32.mul(a, b));
        _assertCanonical(Float32.fma(a, b, c));
        _assertCanonical(Float32.div(a, b));
        _assertCanonical(Float32.sqrt(a));
        _assertCanonical(Float32.max(a, b));
        _assertCanonical(Float32.min(a, b));
        _assertCanonical(Float32.neg(a));
        _assertCanonical(Float32.abs(a));
    }

    function testFuzz_orderIsTotalOnNumbers(uint32 a, uint32 b) external pure {
        if (Float32.isNaN(a) || Float32.isNaN(b)) {
            assert(!Float32.lt(a, b) && !Float32.le(a, b) && !Float32.eq(a, b));
            return;
        }
        uint256 holds = (Float32.lt(a, b) ? 1 : 0) + (Float32.eq(a, b) ? 1 : 0) + (Float32.lt(b, a) ? 1 : 0);
        assert(holds == 1);
        assert(Float32.le(a, b) == !Float32.lt(b, a));
        assert(Float32.max(a, b) == (Float32.min(a, b) == a ? b : a));
    }

    function testFuzz_quotientsAndRootsAreTheNearest(uint32 a, uint32 b) external pure {
        uint256 root = Float32.sqrt(a & Float32.MAGNITUDE);
        if (root != 0 && root < Float32.INFINITY) {
            // √a lies within half a step of the root: both neighbours squared enclose a.
            assert(Float32.le(Float32.mul(root - 1, root - 1), a & Float32.MAGNITUDE));
            assert(Float32.le(a & Float32.MAGNITUDE, Float32.mul(root + 1, root + 1)));
        }
        uint256 quotient = Float32.div(a, b);
        if (_isNormal(a) && _isNormal(b) && _isNormal(quotient)) {
            // The remainder a − quotient · b is at most half a step of the quotient, times b.
            uint256 left = Float32.abs(Float32.fma(quotient, b ^ uint256(Float32.SIGN), a));
            uint256 step = Float32.abs(Float32.sub(quotient + 1, quotient));
            if (_isNormal(left) && _isNormal(step)) assert(Float32.le(left, Float32.abs(Float32.mul(step, b))));
        }
    }

    function testFuzz_integersOf24BitsAreExact(int32 number) external pure {
        int256 small = int256(number) >> 7;
        assert(Float32.toInt(Float32.fromInt(small)) == small);
    }

    function testFuzz_truncationIsTowardZeroAndSaturates(uint32 a) external pure {
        int256 number = Float32.toInt(a);
        assert(number >= type(int32).min && number <= type(int32).max);
        if (Float32.isNaN(a)) assert(number == 0);
        else if (number != type(int32).max && number != type(int32).min) {
            uint256 back = Float32.fromInt(number);
            assert(Float32.le(Float32.abs(back), Float32.abs(a)));
            assert(Float32.lt(Float32.abs(Float32.sub(a, back)), Float32.ONE));
        }
    }

    function testFuzz_wordsAreReadByteReversed(uint32 word) external view {
        uint32 reversed = ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >> 8) & 0xff00) | (word >> 24);
        assert(this.load(abi.encodePacked(reversed)) == word);
    }

    function load(bytes calldata data) external pure returns (uint256) {
        uint256 position;
        assembly ("memory-safe") {
            position := data.offset
        }
        return Words.load(position);
    }

    function _assertCanonical(uint256 word) private pure {
        assert(word < 2 ** 32);
        assert(!Float32.isNaN(word) || word == Float32.NAN);
    }

    function _isNormal(uint256 word) private pure returns (bool) {
        uint256 exponent = (word >> 23) & 0xff;
        return exponent > 30 && exponent < 225;
    }
}
