// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title The cheat codes of forge that these tests use
interface Vm {
    function prank(address sender) external;
    function roll(uint256 blockNumber) external;
    function warp(uint256 time) external;
}

/// @dev Where forge answers them.
Vm constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
