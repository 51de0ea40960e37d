// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "./Float32.sol";
import {Integer32} from "./Integer32.sol";
import {Words} from "./Words.sol";

/// @title One element of scatter_add
/// @notice docs/specification/machine.md, section 3.5: the word of base, then plus every source whose index names the element's row, in
/// ascending order.
library Scatter {
    /// @notice Most sources of one node.
    uint256 internal constant MAX_SOURCES = 4096;

    // A word is eight lanes of 32 bits, the first index in the highest.
    uint256 private constant LANE_ONE = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant LANE_SIGN = 0x8000000080000000800000008000000080000000800000008000000080000000;

    /// @param total the word of base, given back as it is when no index names `row`
    /// @param row row of the element; no index that is out of range equals it
    /// @param indices calldata position of the first index
    /// @param sources calldata position of the first source of the element's column
    /// @param count number of indices and of sources
    function element(
        uint256 total,
        uint256 row,
        uint256 indices,
        uint256 sources,
        uint256 count,
        bool isFloat
    ) internal pure returns (uint256) {
        unchecked {
            uint256 rows = row * LANE_ONE;
            uint256 end = indices + 4 * count;
            for (; indices < end; indices += 32) {
                uint256 difference = Words.eight(indices) ^ rows;
                // Nothing is borrowed into a sign bit unless some lane is zero.
                if ((difference - LANE_ONE) & ~difference & LANE_SIGN != 0) {
                    uint256 rest = (end - indices) / 4;
                    total = _addLanes(total, difference, Words.eight(sources), rest < 8 ? rest : 8, isFloat);
                }
                sources += 32;
            }
            return total;
        }
    }

    /// @dev Adds those of the first `count` of eight words whose lane of `difference` is zero.
    function _addLanes(uint256 total, uint256 difference, uint256 words, uint256 count, bool isFloat) private pure returns (uint256) {
        unchecked {
            for (uint256 shift = 256; count != 0; --count) {
                shift -= 32;
                if ((difference >> shift) & 0xffffffff != 0) continue;
                uint256 word = (words >> shift) & 0xffffffff;
                total = isFloat ? Float32.add(total, word) : Integer32.add(total, word);
            }
            return total;
        }
    }
}
