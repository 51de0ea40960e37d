// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title Philox4x32-10
/// @notice Counter-based random bits: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
library Philox {
    uint256 private constant MASK = 0xffffffff;
    uint256 private constant MULTIPLIER_0 = 0xd2511f53;
    uint256 private constant MULTIPLIER_1 = 0xcd9e8d57;
    uint256 private constant WEYL_0 = 0x9e3779b9;
    uint256 private constant WEYL_1 = 0xbb67ae85;
    uint256 private constant ROUNDS = 10;

    /// @notice The four words of one block.
    /// @param counter four words, below 2^32 each
    /// @param key0 first key word, below 2^32
    /// @param key1 second key word, below 2^32
    function block4(uint256[4] memory counter, uint256 key0, uint256 key1) internal pure returns (uint256[4] memory) {
        for (uint256 round = 0; round < ROUNDS; ++round) {
            uint256 product0 = counter[0] * MULTIPLIER_0;
            uint256 product1 = counter[2] * MULTIPLIER_1;
            counter[0] = (product1 >> 32) ^ counter[1] ^ key0;
            counter[1] = product1 & MASK;
            counter[2] = (product0 >> 32) ^ counter[3] ^ key1;
            counter[3] = product0 & MASK;
            key0 = (key0 + WEYL_0) & MASK;
            key1 = (key1 + WEYL_1) & MASK;
        }
        return counter;
    }
}
