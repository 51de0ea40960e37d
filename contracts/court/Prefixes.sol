// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Merkle} from "../machine/Merkle.sol";

/// @title Putting the next leaf into a prefix: a tree of which only the leaves before it are filled
/// @notice docs/specification/court.md, section 3. Everything to the right of the next leaf is empty, so only the siblings to its left are
/// given: one for each bit of its index that is 1, bottom up.
/// @dev INVARIANT: the same siblings give the root before and the root afterwards.
library Prefixes {
    /// @notice The roots before and after `leaf` takes the empty place `index` of a tree of `levels` levels.
    function insert(
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata siblings,
        uint256 levels
    ) internal view returns (bytes32 before, bytes32 afterwards) {
        uint256 used;
        (before, afterwards, used) = _insert(leaf, index, siblings, levels);
        if (siblings.length != used) revert Merkle.PathLengthWrong(siblings.length, used);
    }

    /// @notice The same for node `node` of a trace, whose nodes are the left half and have `levels` levels: the slots' half is empty.
    function insertNode(
        bytes32 leaf,
        uint256 node,
        bytes32[] calldata siblings,
        uint256 levels,
        uint256 slotLevels
    ) internal view returns (bytes32 before, bytes32 afterwards) {
        (before, afterwards) = insert(leaf, node, siblings, levels);
        bytes32 slots = Merkle.zero(slotLevels);
        before = Merkle.pair(before, slots);
        afterwards = Merkle.pair(afterwards, slots);
    }

    /// @notice The same for slot `slot` of a trace, whose slots are the right half and have `levels` levels: the last sibling is the nodes' root.
    function insertSlot(
        bytes32 leaf,
        uint256 slot,
        bytes32[] calldata siblings,
        uint256 levels
    ) internal view returns (bytes32 before, bytes32 afterwards) {
        uint256 used;
        (before, afterwards, used) = _insert(leaf, slot, siblings, levels);
        if (siblings.length != used + 1) revert Merkle.PathLengthWrong(siblings.length, used + 1);
        before = Merkle.pair(siblings[used], before);
        afterwards = Merkle.pair(siblings[used], afterwards);
    }

    /// @dev Climbs with the siblings there are; the callers refuse another number than `used`. `before` starts as Z0, which is zero.
    function _insert(
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata siblings,
        uint256 levels
    ) private view returns (bytes32 before, bytes32 afterwards, uint256 used) {
        if (index >> levels != 0) revert Merkle.IndexOutOfTree(index, levels);
        bool ok = true;
        afterwards = leaf;
        assembly ("memory-safe") {
            let scratch := mload(64)
            let empty := 0
            for {} levels {
                levels := sub(levels, 1)
            } {
                let side := shl(5, and(index, 1)) // 0: the climbing hashes are left inputs, 32: right ones
                let sibling := empty
                if side {
                    sibling := mul(calldataload(add(siblings.offset, shl(5, used))), lt(used, siblings.length))
                    used := add(used, 1)
                }
                mstore(add(scratch, side), before)
                mstore(add(scratch, xor(side, 32)), sibling)
                ok := and(ok, staticcall(gas(), 2, scratch, 64, 0, 32))
                before := mload(0)
                mstore(add(scratch, side), afterwards)
                ok := and(ok, staticcall(gas(), 2, scratch, 64, 0, 32))
                afterwards := mload(0)
                mstore(scratch, empty)
                mstore(add(scratch, 32), empty)
                ok := and(ok, staticcall(gas(), 2, scratch, 64, 0, 32))
                empty := mload(0)
                index := shr(1, index)
            }
        }
        if (!ok) revert Merkle.HashFailed();
    }
}
