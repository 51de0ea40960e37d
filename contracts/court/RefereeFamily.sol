// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IReferee} from "../interfaces/IReferee.sol";
import {Merkle} from "../machine/Merkle.sol";
import {Operands} from "../machine/Operands.sol";
import {Records} from "../machine/Records.sol";
import {Words} from "../machine/Words.sol";

/// @title What the referees of all operator families share: the proofs
/// @notice docs/specification/machine.md, sections 2.1 and 4. A family only says which words an element reads and what it computes.
/// @dev Tensor data stays in calldata; families get calldata positions of proven words.
abstract contract RefereeFamily is IReferee {
    /// @dev Words of a node's record.
    uint256 internal constant OPERATOR = 1;
    uint256 internal constant FUNCTION = 2;
    uint256 internal constant DTYPE = 3;
    uint256 internal constant RANK = 4;
    uint256 internal constant DIMS = 5;
    uint256 internal constant OPERAND_COUNT = 13;
    uint256 internal constant ATTRIBUTE_0 = 14;
    uint256 internal constant ATTRIBUTE_1 = 15;
    uint256 internal constant ATTRIBUTE_2 = 16;

    /// @inheritdoc IReferee
    function recompute(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        bytes32[] calldata recordPath,
        Read[] calldata reads
    ) external view returns (uint256 word) {
        Records.Header memory header = Records.Header(context.slots, context.constants, context.nodes);
        Records.proveNode(context.programRoot, header, context.node, record, recordPath);
        uint256 elements = Records.nodeOutput(record).elements;
        if (element >= elements) revert ElementBeyondOutput(element, elements);
        return _element(context, element, record, reads);
    }

    /// @dev The word of `element`, from a node record that belongs to the program.
    function _element(
        Context calldata context,
        uint256 element,
        bytes calldata record,
        Read[] calldata reads
    ) internal view virtual returns (uint256 word);

    /* THE NODE */

    /// @dev Coordinates of a row-major index in the node's output.
    function _coordinates(bytes calldata record, uint256 element) internal pure returns (uint256[] memory coordinates) {
        uint256 rank = Records.word(record, RANK);
        coordinates = new uint256[](rank);
        for (uint256 axis = rank; axis != 0; --axis) {
            uint256 size = Records.word(record, DIMS + axis - 1);
            coordinates[axis - 1] = element % size;
            element /= size;
        }
    }

    /// @dev Refuses a node unless `rule` holds; `word` is where its record breaks it.
    function _require(bool rule, uint256 word) internal pure {
        if (!rule) revert NodeMalformed(word);
    }

    function _requireWord(bytes calldata record, uint256 word, uint256 expected) internal pure {
        _require(Records.word(record, word) == expected, word);
    }

    /* THE OPERANDS' WORDS */

    function _requireReads(Read[] calldata reads, uint256 expected) internal pure {
        if (reads.length != expected) revert ReadsWrong(reads.length, expected);
    }

    /// @dev The one word at `index` of an operand, proven by read number `number`.
    function _readWord(
        Context calldata context,
        Read[] calldata reads,
        uint256 number,
        Operands.Operand memory operand,
        uint256 index
    ) internal view returns (uint256) {
        return Words.load(_readRange(context, reads, number, operand, index, 1));
    }

    /// @dev Calldata position of the `count` words from `first` on of an operand, proven by read number `number`.
    function _readRange(
        Context calldata context,
        Read[] calldata reads,
        uint256 number,
        Operands.Operand memory operand,
        uint256 first,
        uint256 count
    ) internal view returns (uint256 position) {
        Read calldata read = reads[number];
        if (_climb(context, operand, read) != _agreed(context, operand.kind)) revert OperandNotAgreed(number, read.tensorRoot);
        uint256 firstChunk = first / Merkle.CHUNK_WORDS;
        uint256 chunks = (first + count - 1) / Merkle.CHUNK_WORDS + 1 - firstChunk;
        if (read.data.length != chunks * Merkle.CHUNK_BYTES) {
            revert DataLengthWrong(number, read.data.length, chunks * Merkle.CHUNK_BYTES);
        }
        bytes32 root = Merkle.range(read.data, firstChunk, read.siblings, operand.tensor.depth);
        if (root != read.tensorRoot) revert ChunksNotInTensor(number, read.tensorRoot);
        bytes calldata data = read.data;
        assembly ("memory-safe") {
            position := data.offset
        }
        position += 4 * (first % Merkle.CHUNK_WORDS);
    }

    /// @dev Root that a read's path leads to, with its tensor root at the operand's place.
    function _climb(Context calldata context, Operands.Operand memory operand, Read calldata read) private view returns (bytes32) {
        uint256 levels;
        if (operand.kind == Records.KIND_SLOT) {
            if (operand.index >= context.slots) revert Records.NoSuchRecord(operand.index, context.slots);
            levels = Merkle.depth(context.slots);
        } else if (operand.kind == Records.KIND_CONSTANT) {
            if (operand.index >= context.constants) revert Records.NoSuchRecord(operand.index, context.constants);
            levels = Merkle.depth(context.constants);
        } else {
            if (operand.index >= context.node) revert LaterNode(operand.index, context.node);
            levels = Merkle.depth(context.nodes) + 1; // the nodes are the left half of the trace
        }
        return Merkle.climb(read.tensorRoot, operand.index, read.path, levels);
    }

    function _agreed(Context calldata context, uint256 kind) private pure returns (bytes32) {
        if (kind == Records.KIND_SLOT) return context.stateRoot;
        if (kind == Records.KIND_CONSTANT) return context.constantsRoot;
        return context.prefixRoot;
    }
}
