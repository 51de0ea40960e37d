// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Tensor words in calldata
/// @notice Tensor words are little-endian 32-bit words (docs/specification/machine.md, section 1). Here a word is a uint256 below 2^32.
library Words {
    uint256 private constant ODD_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ODD_HALVES = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    /// @notice The word at calldata position `position`.
    function load(uint256 position) internal pure returns (uint256) {
        return eight(position) >> 224;
    }

    /// @notice Eight words from calldata position `position` on, the first in the highest bits; zero bytes beyond the calldata's end.
    function eight(uint256 position) internal pure returns (uint256 words) {
        assembly ("memory-safe") {
            words := calldataload(position)
        }
        words = ((words >> 8) & ODD_BYTES) | ((words & ODD_BYTES) << 8);
        words = ((words >> 16) & ODD_HALVES) | ((words & ODD_HALVES) << 16);
    }

    /// @notice `count` words from calldata position `position` on.
    function loadMany(uint256 position, uint256 count) internal pure returns (uint256[] memory words) {
        // Room for whole groups of eight: the last may be written beyond `count`.
        words = new uint256[]((count + 7) & ~uint256(7));
        for (uint256 first = 0; first < count; first += 8) {
            uint256 group = eight(position + 4 * first);
            assembly ("memory-safe") {
                let target := add(add(words, 32), shl(5, first))
                mstore(target, shr(224, group))
                mstore(add(target, 32), and(shr(192, group), 0xffffffff))
                mstore(add(target, 64), and(shr(160, group), 0xffffffff))
                mstore(add(target, 96), and(shr(128, group), 0xffffffff))
                mstore(add(target, 128), and(shr(96, group), 0xffffffff))
                mstore(add(target, 160), and(shr(64, group), 0xffffffff))
                mstore(add(target, 192), and(shr(32, group), 0xffffffff))
                mstore(add(target, 224), and(group, 0xffffffff))
            }
        }
        assembly ("memory-safe") {
            mstore(words, count)
        }
    }

    /// @notice A word as the signed number it is in i32.
    function signed(uint256 word) internal pure returns (int256) {
        return int256(int32(uint32(word)));
    }

    /// @notice The word of a signed number, modulo 2^32.
    function unsigned(int256 number) internal pure returns (uint256) {
        return uint256(uint32(uint256(number)));
    }
}
