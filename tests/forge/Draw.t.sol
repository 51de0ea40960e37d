// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {RandaoBeacon} from "../../contracts/market/RandaoBeacon.sol";
import {WeightTree} from "../../contracts/market/WeightTree.sol";
import {vm} from "./Vm.sol";

/// @title The weighted draw against a list, and the life of a beacon's block
contract DrawTest {
    using WeightTree for WeightTree.Tree;

    WeightTree.Tree private _tree;
    uint256[] private _weights;

    function testFuzz_aDrawFindsTheEntryOfThePointAtAnyPastBlock(uint64[24] calldata changes, uint256 point) external {
        uint256 start = 1000;
        uint256[][] memory history = new uint256[][](changes.length);
        for (uint256 i = 0; i < changes.length; ++i) {
            vm.roll(start + i);
            _change(changes[i]);
            history[i] = _weights;
        }
        vm.roll(start + changes.length);
        for (uint256 i = 0; i < changes.length; ++i) {
            uint256 total = _sum(history[i]);
            assert(_tree.totalAt(start + i) == total);
            assert(_tree.entryAt(start + i, point) == (total == 0 ? 0 : _entryInList(history[i], point % total)));
        }
        assert(_tree.entryAt(start - 1, point) == 0);
    }

    function test_aBlockLapsesOneBlockAfterTheChainForgetsItsHash() external {
        RandaoBeacon beacon = new RandaoBeacon();
        vm.roll(100_000);
        assert(!beacon.lapsed(100_001));
        assert(!beacon.lapsed(100_000 - 8191));
        assert(beacon.lapsed(100_000 - 8192));
    }

    /// @dev A third of the changes adds an entry; the others give an entry a new weight, which may be zero.
    function _change(uint64 change) private {
        uint256 weight = change % 5 == 0 ? 0 : (change >> 8) % 1000;
        if (_weights.length == 0 || change % 3 == 0) {
            _weights.push(weight);
            assert(_tree.append(weight) == _weights.length);
            return;
        }
        uint256 index = (change >> 32) % _weights.length;
        _tree.update(index + 1, _weights[index], weight);
        _weights[index] = weight;
    }

    function _entryInList(uint256[] memory weights, uint256 point) private pure returns (uint256) {
        for (uint256 i = 0; i < weights.length; ++i) {
            if (point < weights[i]) return i + 1;
            point -= weights[i];
        }
        revert("the point is beyond the total");
    }

    function _sum(uint256[] memory weights) private pure returns (uint256 total) {
        for (uint256 i = 0; i < weights.length; ++i) total += weights[i];
    }
}
