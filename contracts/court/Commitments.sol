// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {ICourt} from "../interfaces/ICourt.sol";
import {Merkle} from "../machine/Merkle.sol";

/// @title What the court remembers of a posting: Keccak trees, opened one leaf at a time
/// @notice docs/specification/court.md, section 5. Every level of odd length, but the root, gets a zero word at its end. The
/// number of leaves follows from the dispute's state, so an inner node never passes for a leaf.
library Commitments {
    /// @notice Lines (32 bytes) of a chunk, as a power of two.
    uint256 internal constant CHUNK_LEVELS = 5;

    /// @notice The agreed start followed by the roots posted.
    function join(bytes32 start, bytes32[] calldata roots) internal pure returns (bytes32[] memory points) {
        assembly ("memory-safe") {
            points := mload(64)
            mstore(points, add(roots.length, 1))
            mstore(add(points, 32), start)
            let rest := add(points, 64)
            calldatacopy(rest, roots.offset, shl(5, roots.length))
            mstore(64, add(rest, shl(5, roots.length)))
        }
    }

    /// @notice The agreed start followed by the roots posted and the last one, which the mover need not post.
    function join(bytes32 start, bytes32[] calldata roots, bytes32 last) internal pure returns (bytes32[] memory points) {
        points = join(start, roots);
        assembly ("memory-safe") {
            // `points` was the last to be allocated: one more word belongs to it.
            let end := mload(64)
            mstore(end, last)
            mstore(points, add(mload(points), 1))
            mstore(64, add(end, 32))
        }
    }

    /// @notice Commitment to a dissection: leaf j is keccak256(points[j] ‖ points[j + 1]).
    /// @param points the agreed start and the roots posted, at least two
    function ofPoints(bytes32[] memory points) internal pure returns (bytes32) {
        uint256 row;
        uint256 parts = points.length - 1;
        assembly ("memory-safe") {
            row := mload(64) // beyond the free pointer: scratch, not kept
            let target := row
            let point := add(points, 32)
            for {
                let end := add(point, shl(5, parts))
            } lt(point, end) {
                point := add(point, 32)
            } {
                mstore(target, keccak256(point, 64))
                target := add(target, 32)
            }
        }
        return _fold(row, parts);
    }

    /// @notice Commitment to a chunk: leaf i is its 32-byte line i.
    /// @dev The caller has checked that the chunk has 1,024 bytes.
    function ofChunk(bytes calldata chunk) internal pure returns (bytes32) {
        uint256 row;
        assembly ("memory-safe") {
            row := mload(64) // beyond the free pointer: scratch, not kept
            calldatacopy(row, chunk.offset, 1024)
        }
        return _fold(row, 1 << CHUNK_LEVELS);
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

    /// @dev Root of the `count` words at memory position `row`, folded in place. A level of odd length gets a zero word at its end.
    function _fold(uint256 row, uint256 count) private pure returns (bytes32 root) {
        assembly ("memory-safe") {
            let end := add(row, shl(5, count))
            for {} gt(end, add(row, 32)) {} {
                mstore(end, 0)
                let target := row
                for {
                    let source := row
                } lt(source, end) {
                    source := add(source, 64)
                } {
                    mstore(target, keccak256(source, 64))
                    target := add(target, 32)
                }
                end := target
            }
            root := mload(row)
        }
    }
}
