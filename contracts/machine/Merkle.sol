// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Bits} from "./Bits.sol";

/// @title SHA-256 Merkle trees of the machine
/// @notice Paths, insertions and ranges as docs/specification/machine.md, section 4, defines them.
/// @dev A leaf is SHA-256 of exactly 1,024 bytes and an inner node SHA-256 of exactly 64, so one never passes for the other. Every
/// function takes the tree's depth, which callers derive from the program, and refuses a path of any other length.
library Merkle {
    /// @notice A path (or range proof) has the wrong number of siblings.
    error PathLengthWrong(uint256 given, uint256 expected);
    /// @notice A leaf index does not fit a tree of this depth.
    error IndexOutOfTree(uint256 index, uint256 depth);
    /// @notice Bytes that must be whole chunks, or one record, are not.
    error ChunkBytesWrong(uint256 given, uint256 expected);
    /// @notice The SHA-256 precompile failed, which only happens when gas runs out.
    error HashFailed();

    /// @notice Bytes of a chunk: the preimage of a leaf.
    uint256 internal constant CHUNK_BYTES = 1024;
    /// @notice Words (32 bits) of a chunk.
    uint256 internal constant CHUNK_WORDS = 256;
    /// @notice Root of an empty tree of depth 0; zero(i + 1) = SHA-256(zero(i) ‖ zero(i)).
    bytes32 internal constant Z0 = bytes32(0);

    /// @notice Levels of a tree of `leaves` leaves: ⌈log2 leaves⌉, 0 for none or one.
    function depth(uint256 leaves) internal pure returns (uint256 levels) {
        if (leaves > 1) levels = Bits.highest(leaves - 1) + 1;
    }

    /// @notice Chunks of a tensor with `elements` elements, at least 1.
    function chunks(uint256 elements) internal pure returns (uint256) {
        return (elements + CHUNK_WORDS - 1) / CHUNK_WORDS;
    }

    /// @notice Z(level), the root of an empty tree of that depth.
    function zero(uint256 level) internal view returns (bytes32 root) {
        bool ok = true;
        assembly ("memory-safe") {
            for {} level {
                level := sub(level, 1)
            } {
                mstore(0, root)
                mstore(32, root)
                ok := and(ok, staticcall(gas(), 2, 0, 64, 0, 32))
                root := mload(0)
            }
        }
        if (!ok) revert HashFailed();
    }

    /// @notice SHA-256(left ‖ right).
    function pair(bytes32 left, bytes32 right) internal view returns (bytes32 parent) {
        bool ok;
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(32, right)
            ok := staticcall(gas(), 2, 0, 64, 0, 32)
            parent := mload(0)
        }
        if (!ok) revert HashFailed();
    }

    /// @notice SHA-256 of one chunk or record; refuses any length but 1,024.
    function leaf(bytes calldata chunk) internal view returns (bytes32 hash) {
        if (chunk.length != CHUNK_BYTES) revert ChunkBytesWrong(chunk.length, CHUNK_BYTES);
        bool ok;
        assembly ("memory-safe") {
            let buffer := mload(64) // beyond the free pointer: scratch, not kept
            calldatacopy(buffer, chunk.offset, 1024)
            ok := staticcall(gas(), 2, buffer, 1024, 0, 32)
            hash := mload(0)
        }
        if (!ok) revert HashFailed();
    }

    /// @notice Root of the tree of `levels` levels that has `hash` at `index`, with `path` as its siblings, bottom up.
    function climb(bytes32 hash, uint256 index, bytes32[] calldata path, uint256 levels) internal view returns (bytes32 root) {
        _checkPath(index, path.length, levels);
        bool ok = true;
        assembly ("memory-safe") {
            root := hash
            let sibling := path.offset
            for {
                let end := add(sibling, shl(5, levels))
            } lt(sibling, end) {
                sibling := add(sibling, 32)
            } {
                let side := shl(5, and(index, 1)) // 0: the climbing hash is the left input, 32: the right one
                mstore(side, root)
                mstore(xor(side, 32), calldataload(sibling))
                ok := and(ok, staticcall(gas(), 2, 0, 64, 0, 32))
                root := mload(0)
                index := shr(1, index)
            }
        }
        if (!ok) revert HashFailed();
    }

    /// @notice Root of the tree of `levels` levels whose leaves from `first` on are the hashes of the chunks in `data`.
    /// @dev Level by level, `siblings` supplies the left neighbour of the leftmost known hash if its index is odd, then the right
    /// neighbour of the rightmost if its index is even; it must have exactly the words this consumes.
    /// @param data one or more whole chunks
    function range(bytes calldata data, uint256 first, bytes32[] calldata siblings, uint256 levels) internal view returns (bytes32 root) {
        uint256 count = data.length / CHUNK_BYTES;
        if (count == 0 || data.length % CHUNK_BYTES != 0) revert ChunkBytesWrong(data.length, (count + 1) * CHUNK_BYTES);
        uint256 last = first + count - 1;
        if (last >> levels != 0) revert IndexOutOfTree(last, levels);
        uint256 needed = _rangeSiblings(first, last, levels);
        if (siblings.length != needed) revert PathLengthWrong(siblings.length, needed);

        uint256 row = _hashChunks(data, count);
        uint256 sibling;
        assembly ("memory-safe") {
            sibling := siblings.offset
        }
        for (; levels != 0; --levels) {
            sibling = _hashRow(row, first, last, sibling);
            first >>= 1;
            last >>= 1;
        }
        assembly ("memory-safe") {
            root := mload(add(row, 32))
        }
    }

    function _checkPath(uint256 index, uint256 given, uint256 levels) private pure {
        if (given != levels) revert PathLengthWrong(given, levels);
        if (index >> levels != 0) revert IndexOutOfTree(index, levels);
    }

    /// @dev How many siblings a range proof consumes.
    function _rangeSiblings(uint256 first, uint256 last, uint256 levels) private pure returns (uint256 needed) {
        for (; levels != 0; --levels) {
            needed += (first & 1) + (1 - (last & 1));
            first >>= 1;
            last >>= 1;
        }
    }

    /// @dev Hashes of the chunks at words 1 … count of a fresh row, with one free word before and one behind for siblings.
    function _hashChunks(bytes calldata data, uint256 count) private view returns (uint256 row) {
        bool ok = true;
        assembly ("memory-safe") {
            row := mload(64)
            let buffer := add(row, shl(5, add(count, 2)))
            mstore(64, buffer)
            let chunk := data.offset
            let target := add(row, 32)
            for {
                let end := add(target, shl(5, count))
            } lt(target, end) {
                target := add(target, 32)
            } {
                calldatacopy(buffer, chunk, 1024)
                ok := and(ok, staticcall(gas(), 2, buffer, 1024, target, 32))
                chunk := add(chunk, 1024)
            }
        }
        if (!ok) revert HashFailed();
    }

    /// @dev Replaces the hashes of a level, at words 1 … of `row`, by those of the level above. Writing never overtakes reading: pair j is
    /// read from words 2j+1 and 2j+2, or 2j and 2j+1 after a left sibling, and written to word j+1.
    /// @return next calldata position behind the siblings used
    function _hashRow(uint256 row, uint256 first, uint256 last, uint256 sibling) private view returns (uint256 next) {
        bool ok = true;
        assembly ("memory-safe") {
            let source := add(row, 32)
            let end := add(source, shl(5, add(sub(last, first), 1)))
            if and(first, 1) {
                source := row
                mstore(source, calldataload(sibling))
                sibling := add(sibling, 32)
            }
            if iszero(and(last, 1)) {
                mstore(end, calldataload(sibling))
                sibling := add(sibling, 32)
                end := add(end, 32)
            }
            for {
                let target := add(row, 32)
            } lt(source, end) {
                source := add(source, 64)
            } {
                ok := and(ok, staticcall(gas(), 2, source, 64, target, 32))
                target := add(target, 32)
            }
            next := sibling
        }
        if (!ok) revert HashFailed();
    }
}
