// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {ICourt} from "../interfaces/ICourt.sol";
import {Merkle} from "../machine/Merkle.sol";

/// @title What the court remembers of a posting: Keccak trees, opened one leaf at a time
/// @notice docs/specification/court.md, section 5. Trees are padded on the right with zero words; their depth follows from the dispute's
/// state, so an inner node never passes for a leaf.
library Commitments {
    /// @notice Lines (32 bytes) of a chunk, as a power of two.
    uint256 internal constant CHUNK_LEVELS = 5;

    /// @notice Commitment to a dissection: leaf j is keccak256(points[j] ‖ points[j + 1]).
    /// @param points the agreed start and the roots posted, at least two
    /// @param levels depth of the tree of points.length − 1 parts
    function ofPoints(bytes32[] memory points, uint256 levels) internal pure returns (bytes32) {
        uint256 row;
        assembly ("memory-safe") {
            row := mload(64) // beyond the free pointer: scratch, not kept
            let point := add(points, 32)
            let parts := sub(mload(points), 1)
            let target := row
            for {
                let end := add(row, shl(5, parts))
            } lt(target, end) {
                target := add(target, 32)
            } {
                mstore(target, keccak256(point, 64))
                point := add(point, 32)
            }
            calldatacopy(target, calldatasize(), sub(shl(5, shl(levels, 1)), shl(5, parts))) // zero words up to a power of two
        }
        return _fold(row, levels);
    }

    /// @notice Commitment to a chunk: leaf i is its 32-byte line i.
    /// @dev The caller has checked that the chunk has 1,024 bytes.
    function ofChunk(bytes calldata chunk) internal pure returns (bytes32) {
        uint256 row;
        assembly ("memory-safe") {
            row := mload(64) // beyond the free pointer: scratch, not kept
            calldatacopy(row, chunk.offset, 1024)
        }
        return _fold(row, CHUNK_LEVELS);
    }

    /// @notice Root of the tree of `levels` levels that has the part's leaf at its index.
    function climbPart(ICourt.Part calldata part, uint256 levels) internal pure returns (bytes32) {
        return climb(_pair(part.start, part.end), part.index, part.path, levels);
    }

    /// @notice Root of the tree of `levels` levels that has `leaf` at `index`, with `path` as its siblings, bottom up.
    /// @dev The caller has checked that the index fits the tree.
    function climb(bytes32 leaf, uint256 index, bytes32[] calldata path, uint256 levels) internal pure returns (bytes32 root) {
        if (path.length != levels) revert Merkle.PathLengthWrong(path.length, levels);
        root = leaf;
        for (uint256 level = 0; level < levels; ++level) {
            root = (index >> level) & 1 == 0 ? _pair(root, path[level]) : _pair(path[level], root);
        }
    }

    function _pair(bytes32 left, bytes32 right) private pure returns (bytes32 parent) {
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(32, right)
            parent := keccak256(0, 64)
        }
    }

    /// @dev Root of the 2^levels words at memory position `row`, folded in place.
    function _fold(uint256 row, uint256 levels) private pure returns (bytes32 root) {
        assembly ("memory-safe") {
            for {} levels {
                levels := sub(levels, 1)
            } {
                let source := row
                let target := row
                for {
                    let end := add(row, shl(5, shl(levels, 1)))
                } lt(source, end) {
                    source := add(source, 64)
                } {
                    mstore(target, keccak256(source, 64))
                    target := add(target, 32)
                }
            }
            root := mload(row)
        }
    }
}
