// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Highest set bit, without the CLZ opcode
library PortableBits {
    /// @dev ⌊log2⌋ of the nibbles 0 … 15, two bits for each.
    uint256 private constant NIBBLES = 0xffffaa50;

    /// @notice Position of the highest set bit of a number that is not zero: ⌊log2 x⌋.
    function highest(uint256 x) internal pure returns (uint256 position) {
        for (uint256 half = 128; half >= 4; half >>= 1) {
            if (x >> half == 0) continue;
            x >>= half;
            position += half;
        }
        position += (NIBBLES >> (2 * x)) & 3;
    }
}
