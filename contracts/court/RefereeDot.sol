// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "../machine/Codes.sol";
import {Dot} from "../machine/Dot.sol";
import {Operands} from "../machine/Operands.sol";
import {Records} from "../machine/Records.sol";
import {RefereeFamily} from "./RefereeFamily.sol";

/// @title Referee of dot
/// @notice docs/specification/machine.md, section 3.2. Reads the words of one row of A, then those of one row of B.
contract RefereeDot is RefereeFamily {
    function _element(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) internal view override returns (uint256) {
        uint256 operator = Records.word(record, OPERATOR);
        if (operator != Codes.DOT) revert OperatorNotJudged(operator);
        _requireWord(record, FUNCTION, 0);
        _requireWord(record, DTYPE, Records.F32);
        _requireWord(record, OPERAND_COUNT, 2);
        _requireReads(reads, 2);

        Operands.Operand memory a = Operands.read(record, Operands.FIRST);
        Operands.Operand memory b = Operands.read(record, a.access);
        _require(a.tensor.dtype == Records.F32 && b.tensor.dtype == Records.F32, Operands.FIRST);
        _require(a.rank >= 2 && a.rank == b.rank, Operands.FIRST);

        uint256[] memory coordinates = _coordinates(record, element);
        (uint256 first, uint256 terms, uint256 k) = _terms(record, a, b, coordinates);
        uint256 rowA = _row(record, a, coordinates, a.rank - 2);
        uint256 rowB = _row(record, b, coordinates, a.rank - 1);
        return
            Dot.element(
                _readRange(context, reads, 0, a, rowA * k + first, terms),
                _readRange(context, reads, 1, b, rowB * k + first, terms),
                terms
            );
    }

    /// @dev Which of a row's words the element reads.
    /// @return first the first of them
    /// @return terms how many
    /// @return k length of a row
    function _terms(
        bytes calldata record,
        Operands.Operand memory a,
        Operands.Operand memory b,
        uint256[] memory coordinates
    ) private pure returns (uint256 first, uint256 terms, uint256 k) {
        uint256 rank = a.rank;
        k = Operands.dim(record, a, rank - 1);
        _require(Operands.dim(record, b, rank - 1) == k, b.dims + rank - 1);
        uint256 split = Records.word(record, ATTRIBUTE_0);
        if (split == 0) {
            _requireWord(record, RANK, rank);
            _require(k <= Dot.MAX_TERMS, a.dims + rank - 1);
            return (0, k, k);
        }
        _require(split <= Dot.MAX_TERMS, ATTRIBUTE_0);
        _requireWord(record, RANK, rank + 1);
        _requireWord(record, DIMS + rank, (k + split - 1) / split);
        first = split * coordinates[rank];
        terms = k - first < split ? k - first : split;
    }

    /// @dev Row of an operand that the element reads: its batch coordinates, 0 along dimensions of 1, then that of output axis `rowAxis`.
    function _row(
        bytes calldata record,
        Operands.Operand memory operand,
        uint256[] memory coordinates,
        uint256 rowAxis
    ) private pure returns (uint256 row) {
        uint256 batchAxes = operand.rank - 2;
        for (uint256 axis = 0; axis < batchAxes; ++axis) {
            uint256 size = Operands.dim(record, operand, axis);
            if (size == 1) continue;
            _requireWord(record, DIMS + axis, size);
            row = row * size + coordinates[axis];
        }
        uint256 rows = Operands.dim(record, operand, batchAxes);
        _requireWord(record, DIMS + rowAxis, rows);
        return row * rows + coordinates[rowAxis];
    }
}
