// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Chain} from "./Chain.sol";
import {Float32} from "./Float32.sol";

/// @title One element of a dot product
/// @notice docs/specification/machine.md, section 3.2: blocks of 256 terms, each a chain of fma from +0; the first block's result is the
/// total, then each further block's is added.
library Dot {
    uint256 internal constant BLOCK = 256;
    /// @notice Most terms of one element.
    uint256 internal constant MAX_TERMS = 8192;

    /// @param a calldata position of the first word of A's row
    /// @param b calldata position of the first word of B's row
    /// @param terms number of words of each, at least 1
    function element(uint256 a, uint256 b, uint256 terms) internal pure returns (uint256 total) {
        total = Chain.run(0, a, b, terms < BLOCK ? terms : BLOCK);
        for (uint256 done = BLOCK; done < terms; done += BLOCK) {
            uint256 rest = terms - done;
            uint256 partial_ = Chain.run(0, a + 4 * done, b + 4 * done, rest < BLOCK ? rest : BLOCK);
            total = Float32.add(total, partial_);
        }
    }
}
