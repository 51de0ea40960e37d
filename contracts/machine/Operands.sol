// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Records} from "./Records.sol";

/// @title Operands of a node, read from its record
/// @notice Layout: docs/specification/machine.md, section 2.1: kind · index · dtype · rank · dims · access words.
library Operands {
    /// @notice The record's words do not make the operand that its operator needs.
    error OperandMalformed(uint256 word);

    /// @notice Word of a node's record at which its first operand starts.
    uint256 internal constant FIRST = 17;

    /// @notice A tensor as one node reads it.
    /// @param kind what it is: Records.KIND_SLOT, KIND_CONSTANT or KIND_NODE
    /// @param index which one
    /// @param tensor dtype and size
    /// @param rank number of dimensions of the view
    /// @param dims word of the record that holds the first dimension
    /// @param access word behind the last dimension: the first access word, or what follows the operand
    struct Operand {
        uint256 kind;
        uint256 index;
        Records.Tensor tensor;
        uint256 rank;
        uint256 dims;
        uint256 access;
    }

    /// @notice The operand that starts at word `start`.
    function read(bytes calldata record, uint256 start) internal pure returns (Operand memory operand) {
        operand.kind = Records.word(record, start);
        if (operand.kind > Records.KIND_NODE) revert OperandMalformed(start);
        operand.index = Records.word(record, start + 1);
        operand.tensor = Records.tensor(record, start + 2);
        operand.rank = Records.word(record, start + 3);
        operand.dims = start + 4;
        operand.access = operand.dims + operand.rank;
    }

    /// @notice Dimension `axis` of an operand's view.
    function dim(bytes calldata record, Operand memory operand, uint256 axis) internal pure returns (uint256) {
        if (axis >= operand.rank) revert OperandMalformed(operand.dims);
        return Records.word(record, operand.dims + axis);
    }

    /// @notice Flat index that a map operand has at `coordinates`: offset + Σ strides · coordinates.
    function stridedIndex(bytes calldata record, Operand memory operand, uint256[] memory coordinates) internal pure returns (uint256) {
        int256 flat = _affine(record, operand.access, operand.access + 1, coordinates);
        if (flat < 0 || uint256(flat) >= operand.tensor.elements) revert OperandMalformed(operand.access);
        return uint256(flat);
    }

    /// @notice Where a move source is read at `coordinates`.
    /// @return inside whether the source is in range there
    /// @return flat its row-major index if it is
    function moveIndex(
        bytes calldata record,
        Operand memory operand,
        uint256[] memory coordinates
    ) internal pure returns (bool inside, uint256 flat) {
        uint256 cursor = operand.access;
        for (uint256 axis = 0; axis < operand.rank; ++axis) {
            int256 position = _affine(record, cursor, cursor + 2, coordinates);
            int256 divisor = Records.signedWord(record, cursor + 1);
            if (divisor < 1) revert OperandMalformed(cursor + 1);
            if (position < 0 || position % divisor != 0) return (false, 0);
            uint256 quotient = uint256(position / divisor);
            uint256 size = dim(record, operand, axis);
            if (quotient >= size) return (false, 0);
            flat = flat * size + quotient;
            cursor += 2 + coordinates.length;
        }
        return (true, flat);
    }

    /// @dev The word at `offset` plus Σ words from `coefficients` on · coordinates.
    function _affine(
        bytes calldata record,
        uint256 offset,
        uint256 coefficients,
        uint256[] memory coordinates
    ) private pure returns (int256 sum) {
        sum = Records.signedWord(record, offset);
        for (uint256 i = 0; i < coordinates.length; ++i) {
            sum += Records.signedWord(record, coefficients + i) * int256(coordinates[i]);
        }
    }
}
