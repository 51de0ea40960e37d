// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title ScriptedBeacon
/// @notice Stands in for the beacon in tests of the market: gives the randomness a test sets, and lapses when a test says so.
contract ScriptedBeacon {
    mapping(uint256 blockNumber => bytes32 value) public randomness;
    mapping(uint256 blockNumber => bool isLapsed) public lapsed;

    function set(uint256 blockNumber, bytes32 value) external {
        randomness[blockNumber] = value;
    }

    function lapse(uint256 blockNumber) external {
        lapsed[blockNumber] = true;
    }
}
