// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "../machine/Codes.sol";
import {Operands} from "../machine/Operands.sol";
import {Records} from "../machine/Records.sol";
import {Reduction} from "../machine/Reduction.sol";
import {Words} from "../machine/Words.sol";
import {RefereeFamily} from "./RefereeFamily.sol";

/// @title Referee of reduce
/// @notice docs/specification/machine.md, section 3.3. Reads one row, or one block of a row.
contract RefereeReduce is RefereeFamily {
    function _element(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) internal view override returns (uint256) {
        uint256 operator = Records.word(record, OPERATOR);
        if (operator != Codes.REDUCE) revert OperatorNotJudged(operator);
        _requireWord(record, OPERAND_COUNT, 1);
        _requireReads(reads, 1);
        uint256 fn = Records.word(record, FUNCTION);
        Operands.Operand memory x = Operands.read(record, Operands.FIRST);
        _requireWord(record, DTYPE, fn == Codes.REDUCE_ARGMAX ? Records.I32 : x.tensor.dtype);
        (uint256 first, uint256 terms) = _terms(record, x, fn, element);
        uint256[] memory row = Words.loadMany(_readRange(context, reads, 0, x, first, terms), terms);
        return x.tensor.dtype == Records.F32 ? _reduceFloat(fn, row) : _reduceInteger(fn, row);
    }

    /// @dev First word of the operand that the element reads, and how many.
    function _terms(
        bytes calldata record,
        Operands.Operand memory x,
        uint256 fn,
        uint256 element
    ) private pure returns (uint256 first, uint256 terms) {
        _require(x.rank >= 1, Operands.FIRST);
        uint256 rowAxes = x.rank - 1;
        for (uint256 axis = 0; axis < rowAxes; ++axis) _requireWord(record, DIMS + axis, Operands.dim(record, x, axis));
        uint256 n = Operands.dim(record, x, rowAxes);
        uint256 block_ = Records.word(record, ATTRIBUTE_0);
        if (block_ == 0) {
            _requireWord(record, RANK, rowAxes);
            _require(n <= Reduction.MAX_TERMS, x.dims + rowAxes);
            return (element * n, n);
        }
        _require(block_ <= Reduction.MAX_TERMS && fn != Codes.REDUCE_ARGMAX, ATTRIBUTE_0);
        uint256 blocks = (n + block_ - 1) / block_;
        _requireWord(record, RANK, x.rank);
        _requireWord(record, DIMS + rowAxes, blocks);
        uint256 done = (element % blocks) * block_;
        terms = n - done < block_ ? n - done : block_;
        first = (element / blocks) * n + done;
    }

    function _reduceFloat(uint256 fn, uint256[] memory row) private pure returns (uint256) {
        if (fn == Codes.REDUCE_SUM) return Reduction.sumFloat(row);
        if (fn == Codes.REDUCE_MAX) return Reduction.maxFloat(row);
        if (fn == Codes.REDUCE_MIN) return Reduction.minFloat(row);
        if (fn == Codes.REDUCE_ARGMAX) return Reduction.argmaxFloat(row);
        revert NodeMalformed(FUNCTION);
    }

    function _reduceInteger(uint256 fn, uint256[] memory row) private pure returns (uint256) {
        if (fn == Codes.REDUCE_SUM) return Reduction.sumInteger(row);
        if (fn == Codes.REDUCE_MAX) return Reduction.maxInteger(row);
        if (fn == Codes.REDUCE_MIN) return Reduction.minInteger(row);
        if (fn == Codes.REDUCE_ARGMAX) return Reduction.argmaxInteger(row);
        revert NodeMalformed(FUNCTION);
    }
}
