// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Words} from "./Words.sol";

/// @title Arithmetic on i32 words
/// @notice docs/specification/machine.md, section 3.1, functions 32 to 44: two's complement, wrapping, total.
/// @dev Arguments and results are uint256 below 2^32.
library Integer32 {
    using Words for uint256;

    uint256 private constant MASK = 0xffffffff;

    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        return (a + b) & MASK;
    }

    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        return (a + (MASK + 1) - b) & MASK;
    }

    function mul(uint256 a, uint256 b) internal pure returns (uint256) {
        return (a * b) & MASK;
    }

    /// @notice Quotient toward zero; 0 for a division by zero, −2^31 for −2^31 / −1.
    function div(uint256 a, uint256 b) internal pure returns (uint256) {
        if (b == 0) return 0;
        return Words.unsigned(a.signed() / b.signed());
    }

    /// @notice a − b · div(a, b), with the sign of a; 0 for b = 0.
    function mod(uint256 a, uint256 b) internal pure returns (uint256) {
        if (b == 0) return 0;
        return Words.unsigned(a.signed() % b.signed());
    }

    /// @notice Shift left by the low five bits of b.
    function shl(uint256 a, uint256 b) internal pure returns (uint256) {
        return (a << (b & 31)) & MASK;
    }

    /// @notice Logical shift right by the low five bits of b.
    function shr(uint256 a, uint256 b) internal pure returns (uint256) {
        return a >> (b & 31);
    }

    function lt(uint256 a, uint256 b) internal pure returns (bool) {
        return a.signed() < b.signed();
    }

    function le(uint256 a, uint256 b) internal pure returns (bool) {
        return a.signed() <= b.signed();
    }
}
