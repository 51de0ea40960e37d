// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "./Float32.sol";
import {Words} from "./Words.sol";

/// @title One block of a dot product, one fma after another
/// @notice acc = fma(a[k], b[k], acc) for ascending k, from the given acc (docs/specification/machine.md, section 3.2).
library PortableChain {
    /// @param acc where the chain starts
    /// @param a calldata position of the first word of a
    /// @param b calldata position of the first word of b
    /// @param terms number of words of each
    function run(uint256 acc, uint256 a, uint256 b, uint256 terms) internal pure returns (uint256) {
        unchecked {
            uint256 whole = terms & ~uint256(7);
            for (uint256 end = a + 4 * whole; a != end; a += 32) {
                acc = _lanes(acc, a, b, 8);
                b += 32;
            }
            return _lanes(acc, a, b, terms - whole);
        }
    }

    /// @dev The terms of the first `count` of eight words from a and b on.
    function _lanes(uint256 acc, uint256 a, uint256 b, uint256 count) private pure returns (uint256) {
        unchecked {
            uint256 left = Words.eight(a);
            uint256 right = Words.eight(b);
            for (uint256 shift = 256; count != 0; --count) {
                shift -= 32;
                acc = Float32.fma((left >> shift) & 0xffffffff, (right >> shift) & 0xffffffff, acc);
            }
            return acc;
        }
    }
}
