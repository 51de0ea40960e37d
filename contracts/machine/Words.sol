// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Tensor words in calldata
/// @notice Tensor words are little-endian 32-bit words (docs/specification/machine.md, section 1). Here a word is a uint256 below 2^32.
library Words {
    uint256 private constant ODD_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ODD_HALVES = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    /// @notice The word at calldata position `position`.
    function load(uint256 position) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(224, calldataload(position))
        }
        value = reversed(value);
    }

    /// @notice Eight words, first in the highest bits, each with its bytes in the opposite order.
    function reversed(uint256 eight) internal pure returns (uint256) {
        eight = ((eight >> 8) & ODD_BYTES) | ((eight & ODD_BYTES) << 8);
        return ((eight >> 16) & ODD_HALVES) | ((eight & ODD_HALVES) << 16);
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
