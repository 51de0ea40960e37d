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
        for (uint256 k = 0; k < terms; ++k) {
            acc = Float32.fma(Words.load(a + 4 * k), Words.load(b + 4 * k), acc);
        }
        return acc;
    }
}
