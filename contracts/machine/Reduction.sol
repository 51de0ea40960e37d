// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "./Float32.sol";
import {Integer32} from "./Integer32.sol";
import {Words} from "./Words.sol";

/// @title Reductions of a row of words
/// @notice docs/specification/machine.md, section 3.3.
/// @dev Rows are contiguous words in calldata, from position `start`.
library Reduction {
    /// @notice Most words one element reads.
    uint256 internal constant MAX_TERMS = 8192;

    uint256 private constant BLOCK = 4096;
    uint256 private constant LANES = 32;

    /// @notice Sum of f32 words: by 32 lanes up to 4,096 words, beyond that the sum of such sums.
    function sumFloat(uint256 start, uint256 count) internal pure returns (uint256) {
        if (count <= BLOCK) return _sumBlock(start, count);
        // At most MAX_TERMS words, so fewer blocks than lanes: each lane gets one block's sum, or none.
        uint256[LANES] memory lanes;
        for (uint256 done = 0; done < count; done += BLOCK) {
            uint256 rest = count - done;
            lanes[done / BLOCK] = Float32.add(0, _sumBlock(start + 4 * done, rest < BLOCK ? rest : BLOCK));
        }
        return _fold(lanes);
    }

    /// @notice Sum of i32 words; wrapping addition gives the same in any order.
    function sumInteger(uint256 start, uint256 count) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < count; ++i) total = Integer32.add(total, Words.load(start + 4 * i));
    }

    /// @notice Fold of max over f32 words.
    function maxFloat(uint256 start, uint256 count) internal pure returns (uint256 result) {
        result = Float32.canonical(Words.load(start));
        for (uint256 i = 1; i < count; ++i) result = Float32.max(result, Words.load(start + 4 * i));
    }

    /// @notice Fold of min over f32 words.
    function minFloat(uint256 start, uint256 count) internal pure returns (uint256 result) {
        result = Float32.canonical(Words.load(start));
        for (uint256 i = 1; i < count; ++i) result = Float32.min(result, Words.load(start + 4 * i));
    }

    /// @notice Greatest i32 word.
    function maxInteger(uint256 start, uint256 count) internal pure returns (uint256 result) {
        result = Words.load(start);
        for (uint256 i = 1; i < count; ++i) {
            uint256 word = Words.load(start + 4 * i);
            if (Integer32.lt(result, word)) result = word;
        }
    }

    /// @notice Least i32 word.
    function minInteger(uint256 start, uint256 count) internal pure returns (uint256 result) {
        result = Words.load(start);
        for (uint256 i = 1; i < count; ++i) {
            uint256 word = Words.load(start + 4 * i);
            if (Integer32.lt(word, result)) result = word;
        }
    }

    /// @notice Lowest index of the greatest f32 word; of the first NaN if there is one.
    function argmaxFloat(uint256 start, uint256 count) internal pure returns (uint256 index) {
        uint256 best = Words.load(start);
        if (Float32.isNaN(best)) return 0;
        for (uint256 i = 1; i < count; ++i) {
            uint256 word = Words.load(start + 4 * i);
            if (Float32.isNaN(word)) return i;
            if (Float32.rank(word) <= Float32.rank(best)) continue;
            best = word;
            index = i;
        }
    }

    /// @notice Lowest index of the greatest i32 word.
    function argmaxInteger(uint256 start, uint256 count) internal pure returns (uint256 index) {
        uint256 best = Words.load(start);
        for (uint256 i = 1; i < count; ++i) {
            uint256 word = Words.load(start + 4 * i);
            if (!Integer32.lt(best, word)) continue;
            best = word;
            index = i;
        }
    }

    /// @dev Lane j starts at +0 and adds words j, j + 32, … in ascending order.
    function _sumBlock(uint256 start, uint256 count) private pure returns (uint256) {
        uint256[LANES] memory lanes;
        for (uint256 i = 0; i < count; ++i) {
            uint256 lane = i % LANES;
            lanes[lane] = Float32.add(lanes[lane], Words.load(start + 4 * i));
        }
        return _fold(lanes);
    }

    /// @dev For h = 16, 8, 4, 2, 1: lane j becomes lane j + lane (j + h), for j < h.
    function _fold(uint256[LANES] memory lanes) private pure returns (uint256) {
        for (uint256 half = LANES / 2; half != 0; half /= 2) {
            for (uint256 j = 0; j < half; ++j) lanes[j] = Float32.add(lanes[j], lanes[j + half]);
        }
        return lanes[0];
    }
}
