// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "../machine/Codes.sol";
import {Operands} from "../machine/Operands.sol";
import {Records} from "../machine/Records.sol";
import {Reduction} from "../machine/Reduction.sol";
import {Scatter} from "../machine/Scatter.sol";
import {Words} from "../machine/Words.sol";
import {RefereeFamily} from "./RefereeFamily.sol";

/// @title Referee of reduce and scatter_add: the operators that add up many words
/// @notice docs/specification/machine.md, sections 3.3 and 3.5.
contract RefereeReduce is RefereeFamily {
    function _element(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) internal view override returns (uint256) {
        uint256 operator = Records.word(record, OPERATOR);
        if (operator == Codes.REDUCE) return _reduce(context, element, record, reads);
        if (operator == Codes.SCATTER_ADD) return _scatterAdd(context, element, record, reads);
        revert OperatorNotJudged(operator);
    }

    /// @dev Reads one row, or one block of a row.
    function _reduce(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) private view returns (uint256) {
        _requireWord(record, OPERAND_COUNT, 1);
        _requireReads(reads, 1);
        uint256 fn = Records.word(record, FUNCTION);
        Operands.Operand memory x = Operands.read(record, Operands.FIRST);
        _requireWord(record, DTYPE, fn == Codes.REDUCE_ARGMAX ? Records.I32 : x.tensor.dtype);
        (uint256 first, uint256 terms) = _terms(record, x, fn, element);
        uint256[] memory row = Words.loadMany(_readRange(context, reads, 0, x, first, terms), terms);
        return x.tensor.dtype == Records.F32 ? _reduceFloat(fn, row) : _reduceInteger(fn, row);
    }

    /// @dev Reads the word of base, the index, and the sources of the element's column.
    function _scatterAdd(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) private view returns (uint256) {
        _requireWord(record, FUNCTION, 0);
        _requireWord(record, OPERAND_COUNT, 3);
        _requireReads(reads, 3);
        Operands.Operand memory base = Operands.read(record, Operands.FIRST);
        Operands.Operand memory index = Operands.read(record, base.access);
        Operands.Operand memory sources = Operands.read(record, index.access);
        _requireScatterShape(record, base, index, sources);
        uint256 width = Operands.dim(record, base, 1);
        uint256 count = index.tensor.elements;
        return
            Scatter.element(
                _readWord(context, reads, 0, base, element),
                element / width,
                _readRange(context, reads, 1, index, 0, count),
                _readRange(context, reads, 2, sources, (element % width) * count, count),
                count,
                base.tensor.dtype == Records.F32
            );
    }

    /// @dev The output is as the base, [R, W]; the index is [N], the sources [W, N].
    function _requireScatterShape(
        bytes calldata record,
        Operands.Operand memory base,
        Operands.Operand memory index,
        Operands.Operand memory sources
    ) private pure {
        _require(base.rank == 2, Operands.FIRST + 3);
        _require(index.rank == 1 && index.tensor.dtype == Records.I32, base.access + 2);
        _require(index.tensor.elements <= Scatter.MAX_SOURCES, index.dims);
        _require(sources.rank == 2, index.access + 3);
        _requireWord(record, sources.dims, Operands.dim(record, base, 1));
        _requireWord(record, sources.dims + 1, index.tensor.elements);
        _requireWord(record, index.access + 2, base.tensor.dtype);
        _requireWord(record, DTYPE, base.tensor.dtype);
        _requireWord(record, RANK, 2);
        _requireWord(record, DIMS, Operands.dim(record, base, 0));
        _requireWord(record, DIMS + 1, Operands.dim(record, base, 1));
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
