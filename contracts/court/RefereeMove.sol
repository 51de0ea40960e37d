// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "../machine/Codes.sol";
import {Operands} from "../machine/Operands.sol";
import {Philox} from "../machine/Philox.sol";
import {Records} from "../machine/Records.sol";
import {RefereeFamily} from "./RefereeFamily.sol";

/// @title Referee of move, gather and source: the operators that do not calculate
/// @notice docs/specification/machine.md, sections 3.4 to 3.6.
contract RefereeMove is RefereeFamily {
    uint256 private constant MAX_SOURCES = 15;

    function _element(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) internal view override returns (uint256) {
        uint256 operator = Records.word(record, OPERATOR);
        if (operator == Codes.MOVE) return _move(context, element, record, reads);
        if (operator == Codes.GATHER) return _gather(context, element, record, reads);
        if (operator == Codes.SOURCE) return _source(context, element, record, reads);
        revert OperatorNotJudged(operator);
    }

    /// @dev The word of the first source in range; reads nothing if there is none.
    function _move(Context calldata context, uint256 element, bytes calldata record, Read[] calldata reads) private view returns (uint256) {
        _requireWord(record, FUNCTION, 0);
        uint256 sources = Records.word(record, OPERAND_COUNT);
        _require(sources >= 1 && sources <= MAX_SOURCES, OPERAND_COUNT);
        uint256[] memory coordinates = _coordinates(record, element);
        uint256 cursor = Operands.FIRST;
        for (uint256 number = 0; number < sources; ++number) {
            Operands.Operand memory source = Operands.read(record, cursor);
            _requireWord(record, DTYPE, source.tensor.dtype);
            (bool inside, uint256 index) = Operands.moveIndex(record, source, coordinates);
            if (inside) {
                _requireReads(reads, 1);
                return _readWord(context, reads, 0, source, index);
            }
            cursor = source.access + source.rank * (2 + coordinates.length);
        }
        _requireReads(reads, 0);
        return Records.word(record, ATTRIBUTE_0);
    }

    /// @dev Reads the index, then the word it selects; only the index if that is out of range.
    function _gather(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) private view returns (uint256) {
        _requireWord(record, FUNCTION, 0);
        _requireWord(record, OPERAND_COUNT, 2);
        Operands.Operand memory x = Operands.read(record, Operands.FIRST);
        Operands.Operand memory indices = Operands.read(record, x.access);
        _requireWord(record, DTYPE, x.tensor.dtype);
        _require(x.rank == 2, Operands.FIRST + 3);
        _require(indices.tensor.dtype == Records.I32, x.access + 2);
        uint256 width = Operands.dim(record, x, 1);
        _requireGatherShape(record, indices, width);

        if (reads.length == 0) revert ReadsWrong(0, 1);
        uint256 row = _readWord(context, reads, 0, indices, element / width);
        if (row >= Operands.dim(record, x, 0)) {
            // As unsigned words, negative indices are beyond every dimension.
            _requireReads(reads, 1);
            return 0;
        }
        _requireReads(reads, 2);
        return _readWord(context, reads, 1, x, row * width + (element % width));
    }

    /// @dev The output has the shape of the indices followed by the width.
    function _requireGatherShape(bytes calldata record, Operands.Operand memory indices, uint256 width) private pure {
        _requireWord(record, RANK, indices.rank + 1);
        for (uint256 axis = 0; axis < indices.rank; ++axis) {
            _requireWord(record, DIMS + axis, Operands.dim(record, indices, axis));
        }
        _requireWord(record, DIMS + indices.rank, width);
    }

    function _source(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) private view returns (uint256) {
        uint256 fn = Records.word(record, FUNCTION);
        if (fn == Codes.PHILOX) return _philox(context, element, record, reads);
        _requireWord(record, OPERAND_COUNT, 0);
        _requireReads(reads, 0);
        if (fn == Codes.CONSTANT) return Records.word(record, ATTRIBUTE_0);
        _require(fn == Codes.IOTA, FUNCTION);
        _requireWord(record, DTYPE, Records.I32);
        return element;
    }

    /// @dev Word element mod 4 of the block with counter (element div 4, site, step, 0).
    function _philox(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) private view returns (uint256) {
        _requireWord(record, OPERAND_COUNT, 1);
        _requireWord(record, DTYPE, Records.I32);
        Operands.Operand memory counter = Operands.read(record, Operands.FIRST);
        _require(counter.kind == Records.KIND_SLOT && counter.index == 0, Operands.FIRST);
        _require(counter.tensor.dtype == Records.I32 && counter.tensor.elements == 1, Operands.FIRST + 2);
        _requireReads(reads, 1);
        uint256 step = _readWord(context, reads, 0, counter, 0);
        uint256 site = Records.word(record, ATTRIBUTE_2);
        uint256[4] memory words = Philox.block4(
            [element / 4, site, step, 0],
            Records.word(record, ATTRIBUTE_0),
            Records.word(record, ATTRIBUTE_1)
        );
        return words[element % 4];
    }
}
