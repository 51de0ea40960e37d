// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Highest set bit, without the CLZ opcode
library PortableBits {
    /// @dev ⌊log2⌋ of the nibbles 0 … 15, two bits for each.
    uint256 private constant NIBBLES = 0xffffaa50;

    /// @notice Position of the highest set bit of a number that is not zero: ⌊log2 x⌋.
    /// @dev Halves the range six times without a jump, then looks up the nibble that is left.
    function highest(uint256 x) internal pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := shl(7, lt(0xffffffffffffffffffffffffffffffff, x))
            position := or(position, shl(6, lt(0xffffffffffffffff, shr(position, x))))
            position := or(position, shl(5, lt(0xffffffff, shr(position, x))))
            position := or(position, shl(4, lt(0xffff, shr(position, x))))
            position := or(position, shl(3, lt(0xff, shr(position, x))))
            position := or(position, shl(2, lt(0xf, shr(position, x))))
            position := add(position, and(shr(shl(1, shr(position, x)), NIBBLES), 3))
        }
    }
}
