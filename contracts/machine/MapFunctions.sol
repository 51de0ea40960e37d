// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "./Codes.sol";
import {Float32} from "./Float32.sol";
import {Integer32} from "./Integer32.sol";
import {Records} from "./Records.sol";
import {Transcendental} from "./Transcendental.sol";
import {Words} from "./Words.sol";

/// @title The functions of map
/// @notice docs/specification/machine.md, section 3.1: what operands each takes, and the word it gives.
library MapFunctions {
    /// @notice The program names a function that map does not have.
    error NoSuchMapFunction(uint256 fn);

    /// @notice How many operands a function takes.
    function arity(uint256 fn) internal pure returns (uint256) {
        if (fn == Codes.FMA || fn == Codes.SELECT) return 3;
        if (fn >= Codes.NEG && fn <= Codes.SQRT) return 1;
        if (fn >= Codes.EXP && fn <= Codes.COS) return 1;
        if (fn == Codes.I2F || fn == Codes.F2I) return 1;
        if (_isFloatBinary(fn) || _isComparison(fn) || _isInteger(fn)) return 2;
        revert NoSuchMapFunction(fn);
    }

    /// @notice Dtype of a function's result; select takes the one its output declares.
    function resultDtype(uint256 fn, uint256 declared) internal pure returns (uint256) {
        if (fn == Codes.SELECT) return declared;
        return _isComparison(fn) || _isInteger(fn) || fn == Codes.F2I ? Records.I32 : Records.F32;
    }

    /// @notice Dtype of a function's operand number `position`.
    function operandDtype(uint256 fn, uint256 position, uint256 declared) internal pure returns (uint256) {
        if (fn == Codes.SELECT) return position == 0 ? Records.I32 : declared;
        return _isInteger(fn) || fn == Codes.I2F ? Records.I32 : Records.F32;
    }

    /// @notice The function's word; operands beyond its arity are ignored.
    function evaluate(uint256 fn, uint256 a, uint256 b, uint256 c) internal pure returns (uint256) {
        if (fn < Codes.LT) return _arithmetic(fn, a, b, c);
        if (fn < Codes.EXP) return _toWord(_comparison(fn, a, b));
        if (fn < Codes.IADD) return _transcendental(fn, a);
        if (fn < Codes.SELECT) return _integer(fn, a, b);
        if (fn == Codes.SELECT) return a != 0 ? b : c;
        if (fn == Codes.I2F) return Float32.fromInt(Words.signed(a));
        if (fn == Codes.F2I) return Words.unsigned(Float32.toInt(a));
        revert NoSuchMapFunction(fn);
    }

    function _arithmetic(uint256 fn, uint256 a, uint256 b, uint256 c) private pure returns (uint256) {
        if (fn == Codes.ADD) return Float32.add(a, b);
        if (fn == Codes.SUB) return Float32.sub(a, b);
        if (fn == Codes.MUL) return Float32.mul(a, b);
        if (fn == Codes.DIV) return Float32.div(a, b);
        if (fn == Codes.FMA) return Float32.fma(a, b, c);
        if (fn == Codes.NEG) return Float32.neg(a);
        if (fn == Codes.ABS) return Float32.abs(a);
        if (fn == Codes.SQRT) return Float32.sqrt(a);
        if (fn == Codes.MAX) return Float32.max(a, b);
        if (fn == Codes.MIN) return Float32.min(a, b);
        revert NoSuchMapFunction(fn);
    }

    function _comparison(uint256 fn, uint256 a, uint256 b) private pure returns (bool) {
        if (fn == Codes.LT) return Float32.lt(a, b);
        if (fn == Codes.LE) return Float32.le(a, b);
        if (fn == Codes.EQ) return Float32.eq(a, b);
        revert NoSuchMapFunction(fn);
    }

    function _transcendental(uint256 fn, uint256 a) private pure returns (uint256) {
        if (fn == Codes.EXP) return Transcendental.exp(a);
        if (fn == Codes.LOG) return Transcendental.log(a);
        if (fn == Codes.TANH) return Transcendental.tanh(a);
        if (fn == Codes.ERF) return Transcendental.erf(a);
        if (fn == Codes.SIN) return Transcendental.sin(a);
        if (fn == Codes.COS) return Transcendental.cos(a);
        revert NoSuchMapFunction(fn);
    }

    function _integer(uint256 fn, uint256 a, uint256 b) private pure returns (uint256) {
        if (fn == Codes.IADD) return Integer32.add(a, b);
        if (fn == Codes.ISUB) return Integer32.sub(a, b);
        if (fn == Codes.IMUL) return Integer32.mul(a, b);
        if (fn == Codes.IDIV) return Integer32.div(a, b);
        if (fn == Codes.IMOD) return Integer32.mod(a, b);
        if (fn == Codes.IAND) return a & b;
        if (fn == Codes.IOR) return a | b;
        if (fn == Codes.IXOR) return a ^ b;
        if (fn == Codes.ISHL) return Integer32.shl(a, b);
        if (fn == Codes.ISHR) return Integer32.shr(a, b);
        if (fn == Codes.ILT) return _toWord(Integer32.lt(a, b));
        if (fn == Codes.ILE) return _toWord(Integer32.le(a, b));
        if (fn == Codes.IEQ) return _toWord(a == b);
        revert NoSuchMapFunction(fn);
    }

    function _isFloatBinary(uint256 fn) private pure returns (bool) {
        return (fn >= Codes.ADD && fn <= Codes.DIV) || fn == Codes.MAX || fn == Codes.MIN;
    }

    function _isComparison(uint256 fn) private pure returns (bool) {
        return fn >= Codes.LT && fn <= Codes.EQ;
    }

    function _isInteger(uint256 fn) private pure returns (bool) {
        return fn >= Codes.IADD && fn <= Codes.IEQ;
    }

    function _toWord(bool value) private pure returns (uint256) {
        return value ? 1 : 0;
    }
}
