// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Weights with history, and a draw among them in O(log n)
/// @notice A Fenwick tree (Fenwick 1994) whose nodes remember their past values by block number. Entries are numbered from 1 and never removed;
/// an entry that leaves has weight 0. Node i holds the sum of the weights of entries i − lowbit(i) + 1 … i.
library WeightTree {
    using Checkpoints for Checkpoints.Trace208;

    /// @param summary history of (sum of all weights) · 2^32 + (number of entries)
    /// @param nodes history of each node's sum, by node number
    struct Tree {
        Checkpoints.Trace208 summary;
        mapping(uint256 node => Checkpoints.Trace208 history) nodes;
    }

    uint256 private constant COUNT_BITS = 32;

    /// @notice Adds an entry.
    /// @return entry its number
    function append(Tree storage tree, uint256 weight) internal returns (uint256 entry) {
        (uint256 total, uint256 count) = _summary(tree.summary.latest());
        entry = count + 1;
        uint256 sum = weight;
        uint256 firstCovered = entry - _lowbit(entry);
        for (uint256 child = entry - 1; child > firstCovered; child -= _lowbit(child)) {
            sum += tree.nodes[child].latest();
        }
        tree.nodes[entry].push(uint48(block.number), uint208(sum));
        _pushSummary(tree, total + weight, entry);
    }

    /// @notice Changes the weight of an entry from `before`, which must be its present weight, to `current`.
    function update(Tree storage tree, uint256 entry, uint256 before, uint256 current) internal {
        (uint256 total, uint256 count) = _summary(tree.summary.latest());
        for (uint256 node = entry; node <= count; node += _lowbit(node)) {
            uint256 sum = tree.nodes[node].latest();
            tree.nodes[node].push(uint48(block.number), uint208(sum - before + current));
        }
        _pushSummary(tree, total - before + current, count);
    }

    /// @notice Sum of all weights at the end of a block.
    function totalAt(Tree storage tree, uint256 blockNumber) internal view returns (uint256 total) {
        (total, ) = _summary(tree.summary.upperLookupRecent(uint48(blockNumber)));
    }

    /// @notice The entry in which the point `random mod total` lies, by the weights at the end of a block; zero if there is no weight.
    function entryAt(Tree storage tree, uint256 blockNumber, uint256 random) internal view returns (uint256 entry) {
        // The number of entries comes from the same block: later nodes did not exist then, and would read as zero.
        (uint256 total, uint256 count) = _summary(tree.summary.upperLookupRecent(uint48(blockNumber)));
        if (total == 0) return 0;
        uint256 point = random % total;
        for (uint256 step = _highestPower(count); step > 0; step >>= 1) {
            uint256 next = entry + step;
            if (next > count) continue;
            uint256 sum = tree.nodes[next].upperLookupRecent(uint48(blockNumber));
            if (sum > point) continue;
            point -= sum;
            entry = next;
        }
        return entry + 1;
    }

    function _pushSummary(Tree storage tree, uint256 total, uint256 count) private {
        tree.summary.push(uint48(block.number), uint208((total << COUNT_BITS) | count));
    }

    function _summary(uint256 packed) private pure returns (uint256 total, uint256 count) {
        return (packed >> COUNT_BITS, packed & ((1 << COUNT_BITS) - 1));
    }

    function _lowbit(uint256 number) private pure returns (uint256) {
        return number & (~number + 1);
    }

    /// @dev The greatest power of two that is at most `number`, zero for zero.
    function _highestPower(uint256 number) private pure returns (uint256 power) {
        if (number == 0) return 0;
        power = 1;
        while (power << 1 <= number) power <<= 1;
    }
}
