// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Float32} from "./Float32.sol";
import {Integer32} from "./Integer32.sol";

/// @title Reductions of a row of words
/// @notice docs/specification/machine.md, section 3.3. A row is an array of 1 … 8,192 words below 2^32.
/// @dev Indices are bounded by the row's length, so counting is unchecked.
library Reduction {
    /// @notice Most words one element reads.
    uint256 internal constant MAX_TERMS = 8192;

    uint256 private constant BLOCK = 4096;
    uint256 private constant LANES = 32;

    /// @notice Sum of f32 words: by 32 lanes up to 4,096 words, beyond that the sum of such sums.
    function sumFloat(uint256[] memory row) internal pure returns (uint256) {
        uint256 count = row.length;
        if (count <= BLOCK) return _sumBlock(row, 0, count);
        // At most MAX_TERMS words, so fewer blocks than lanes: each lane gets one block's sum, or none. Adding it to the lane's +0 would
        // change nothing: a sum that starts from +0 is never −0.
        uint256[LANES] memory lanes;
        for (uint256 first = 0; first < count; first += BLOCK) {
            uint256 end = first + BLOCK < count ? first + BLOCK : count;
            lanes[first / BLOCK] = _sumBlock(row, first, end);
        }
        return _fold(lanes);
    }

    /// @notice Sum of i32 words; wrapping addition gives the same in any order.
    function sumInteger(uint256[] memory row) internal pure returns (uint256 total) {
        unchecked {
            for (uint256 i = 0; i < row.length; ++i) total = Integer32.add(total, row[i]);
        }
    }

    /// @notice Fold of max over f32 words: NaN as soon as there is one.
    function maxFloat(uint256[] memory row) internal pure returns (uint256) {
        (uint256 index, bool isNaN) = _greatestFloat(row, 0);
        return isNaN ? Float32.NAN : row[index];
    }

    /// @notice Fold of min over f32 words: NaN as soon as there is one.
    function minFloat(uint256[] memory row) internal pure returns (uint256) {
        // The opposite numbers are in the opposite order, −0 and +0 included.
        (uint256 index, bool isNaN) = _greatestFloat(row, Float32.SIGN);
        return isNaN ? Float32.NAN : row[index];
    }

    /// @notice Lowest index of the greatest f32 word; of the first NaN if there is one.
    function argmaxFloat(uint256[] memory row) internal pure returns (uint256 index) {
        (index, ) = _greatestFloat(row, 0);
    }

    /// @notice Greatest i32 word.
    function maxInteger(uint256[] memory row) internal pure returns (uint256) {
        return row[argmaxInteger(row)];
    }

    /// @notice Least i32 word.
    function minInteger(uint256[] memory row) internal pure returns (uint256 least) {
        unchecked {
            least = row[0];
            for (uint256 i = 1; i < row.length; ++i) {
                if (Integer32.lt(row[i], least)) least = row[i];
            }
        }
    }

    /// @notice Lowest index of the greatest i32 word.
    function argmaxInteger(uint256[] memory row) internal pure returns (uint256 index) {
        unchecked {
            uint256 best = row[0];
            for (uint256 i = 1; i < row.length; ++i) {
                if (!Integer32.lt(best, row[i])) continue;
                best = row[i];
                index = i;
            }
        }
    }

    /// @dev Lowest index of the word that is greatest after its bits in `flip` have been flipped, or of the first NaN.
    function _greatestFloat(uint256[] memory row, uint256 flip) private pure returns (uint256 index, bool isNaN) {
        unchecked {
            uint256 best;
            for (uint256 i = 0; i < row.length; ++i) {
                uint256 word = row[i];
                if (Float32.isNaN(word)) return (i, true);
                uint256 rank = Float32.rank(word ^ flip);
                if (rank <= best) continue; // the rank of no number is 0
                best = rank;
                index = i;
            }
        }
    }

    /// @dev Lane j starts at +0 and adds words j, j + 32, … of those from `first` on, in ascending order.
    function _sumBlock(uint256[] memory row, uint256 first, uint256 end) private pure returns (uint256) {
        uint256[LANES] memory lanes;
        unchecked {
            for (uint256 i = first; i < end; ++i) {
                uint256 lane = (i - first) % LANES;
                lanes[lane] = Float32.add(lanes[lane], row[i]);
            }
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
