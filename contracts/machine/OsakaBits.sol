// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Highest set bit, by the CLZ opcode (EIP-7939, Osaka)
library OsakaBits {
    /// @notice Position of the highest set bit of a number that is not zero: ⌊log2 x⌋.
    function highest(uint256 x) internal pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := sub(255, clz(x))
        }
    }
}
