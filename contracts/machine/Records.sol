// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Merkle} from "./Merkle.sol";

/// @title Records of a program, read from calldata
/// @notice Layout: docs/specification/machine.md, section 2.1. A record is 256 big-endian 32-bit words; negative numbers are two's
/// complement.
/// @dev `prove…` functions check a record against the program root and its tag. Reading functions assume that has been done and only
/// refuse words that no valid program has.
library Records {
    /// @notice The record is not the one the program has at this place.
    error RecordNotInProgram(uint256 index);
    /// @notice A word of a record has a value that no valid program of this version has there.
    error RecordMalformed(uint256 word, uint256 value);
    /// @notice A slot, constant or node is named that the program does not have.
    error NoSuchRecord(uint256 index, uint256 count);

    uint256 internal constant VERSION = 2;

    uint256 internal constant TAG_HEADER = 1;
    uint256 internal constant TAG_SLOT = 2;
    uint256 internal constant TAG_CONSTANT = 3;
    uint256 internal constant TAG_NODE = 4;

    uint256 internal constant KIND_SLOT = 0;
    uint256 internal constant KIND_CONSTANT = 1;
    uint256 internal constant KIND_NODE = 2;

    uint256 internal constant F32 = 1;
    uint256 internal constant I32 = 2;

    uint256 internal constant MAX_RANK = 8;
    uint256 internal constant MAX_SLOTS = 65_536;
    uint256 internal constant MAX_CONSTANTS = 65_536;
    uint256 internal constant MAX_NODES = 1_048_576;
    /// @notice Most elements a tensor may have, and the largest dimension.
    uint256 internal constant MAX_ELEMENTS = 2 ** 31 - 1;

    uint256 private constant SLOT_TYPE = 1;
    uint256 private constant SLOT_NEXT = 11;
    uint256 private constant NODE_TYPE = 3;

    /// @notice How many slots (M), constants (C) and nodes (N) a program has.
    struct Header {
        uint256 slots;
        uint256 constants;
        uint256 nodes;
    }

    /// @notice Dtype and size of a tensor.
    /// @param dtype F32 or I32
    /// @param elements number of elements, 1 … 2^31−1
    /// @param chunks number of 1,024-byte chunks
    /// @param depth levels of its tree of chunks
    struct Tensor {
        uint256 dtype;
        uint256 elements;
        uint256 chunks;
        uint256 depth;
    }

    /* PROOFS */

    /// @notice The counts of the program, from its header record.
    /// @param record the header; zeros at its end may be left out
    /// @param path its siblings in the program tree, bottom up
    function proveHeader(bytes32 programRoot, bytes calldata record, bytes32[] calldata path) internal view returns (Header memory header) {
        bytes32 hash = leaf(record);
        _expect(record, 0, TAG_HEADER);
        _expect(record, 1, VERSION);
        header = Header(_within(record, 2, 1, MAX_SLOTS), _within(record, 3, 0, MAX_CONSTANTS), _within(record, 4, 1, MAX_NODES));
        _proveLeaf(programRoot, header, 0, hash, path);
    }

    /// @notice Checks that `record` is slot `slot` of the program.
    function proveSlot(
        bytes32 programRoot,
        Header memory header,
        uint256 slot,
        bytes calldata record,
        bytes32[] calldata path
    ) internal view {
        if (slot >= header.slots) revert NoSuchRecord(slot, header.slots);
        _proveLeaf(programRoot, header, 1 + slot, leaf(record), path);
        _expect(record, 0, TAG_SLOT);
    }

    /// @notice Checks that `record` is node `node` of the program.
    function proveNode(
        bytes32 programRoot,
        Header memory header,
        uint256 node,
        bytes calldata record,
        bytes32[] calldata path
    ) internal view {
        if (node >= header.nodes) revert NoSuchRecord(node, header.nodes);
        _proveLeaf(programRoot, header, 1 + header.slots + header.constants + node, leaf(record), path);
        _expect(record, 0, TAG_NODE);
    }

    /// @notice SHA-256 of a record of 1,024 bytes, of which zeros at the end may be left out.
    function leaf(bytes calldata record) internal view returns (bytes32 hash) {
        uint256 length = record.length;
        if (length > Merkle.CHUNK_BYTES || length % 4 != 0) revert Merkle.ChunkBytesWrong(length, Merkle.CHUNK_BYTES);
        bool ok;
        assembly ("memory-safe") {
            let buffer := mload(64) // beyond the free pointer: scratch, not kept
            calldatacopy(buffer, record.offset, length)
            calldatacopy(add(buffer, length), calldatasize(), sub(1024, length)) // zeros
            ok := staticcall(gas(), 2, buffer, 1024, 0, 32)
            hash := mload(0)
        }
        if (!ok) revert Merkle.HashFailed();
    }

    /* READING */

    /// @notice Word `index` of a record as an unsigned 32-bit number; zero where the zeros at the end were left out.
    /// @dev The caller has had the record hashed, so it has whole words.
    function word(bytes calldata record, uint256 index) internal pure returns (uint256 value) {
        if (index >= Merkle.CHUNK_WORDS) revert RecordMalformed(index, 0);
        assembly ("memory-safe") {
            let place := shl(2, index)
            value := mul(shr(224, calldataload(add(record.offset, place))), lt(place, record.length))
        }
    }

    /// @notice Word `index` of a record as a signed 32-bit number.
    function signedWord(bytes calldata record, uint256 index) internal pure returns (int256) {
        return int256(int32(uint32(word(record, index))));
    }

    /// @notice The tensor a slot record declares.
    function slotTensor(bytes calldata record) internal pure returns (Tensor memory) {
        return tensor(record, SLOT_TYPE);
    }

    /// @notice The slot or node that gives a slot's value after the step.
    /// @return kind KIND_SLOT or KIND_NODE
    /// @return index of the slot or node; below the program's count of them
    function slotNext(bytes calldata record, Header memory header) internal pure returns (uint256 kind, uint256 index) {
        kind = word(record, SLOT_NEXT);
        if (kind != KIND_SLOT && kind != KIND_NODE) revert RecordMalformed(SLOT_NEXT, kind);
        index = _within(record, SLOT_NEXT + 1, 0, (kind == KIND_SLOT ? header.slots : header.nodes) - 1);
    }

    /// @notice The tensor a node record declares as its output.
    function nodeOutput(bytes calldata record) internal pure returns (Tensor memory) {
        return tensor(record, NODE_TYPE);
    }

    /// @notice The tensor whose words dtype · rank · dims start at word `start`.
    function tensor(bytes calldata record, uint256 start) internal pure returns (Tensor memory result) {
        result.dtype = _within(record, start, F32, I32);
        uint256 rank = _within(record, start + 1, 0, MAX_RANK);
        result.elements = 1;
        for (uint256 axis = 0; axis < rank; ++axis) {
            result.elements *= _within(record, start + 2 + axis, 1, MAX_ELEMENTS);
            if (result.elements > MAX_ELEMENTS) revert RecordMalformed(start + 2 + axis, result.elements);
        }
        result.chunks = Merkle.chunks(result.elements);
        result.depth = Merkle.depth(result.chunks);
    }

    function _proveLeaf(bytes32 programRoot, Header memory header, uint256 index, bytes32 hash, bytes32[] calldata path) private view {
        uint256 levels = Merkle.depth(1 + header.slots + header.constants + header.nodes);
        if (Merkle.climb(hash, index, path, levels) != programRoot) revert RecordNotInProgram(index);
    }

    function _expect(bytes calldata record, uint256 index, uint256 value) private pure {
        uint256 found = word(record, index);
        if (found != value) revert RecordMalformed(index, found);
    }

    function _within(bytes calldata record, uint256 index, uint256 least, uint256 most) private pure returns (uint256 value) {
        value = word(record, index);
        if (value < least || value > most) revert RecordMalformed(index, value);
    }
}
