// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Codes} from "../machine/Codes.sol";
import {Dot} from "../machine/Dot.sol";
import {MapFunctions} from "../machine/MapFunctions.sol";
import {Philox} from "../machine/Philox.sol";
import {PortableBits} from "../machine/PortableBits.sol";
import {PortableChain} from "../machine/PortableChain.sol";
import {Reduction} from "../machine/Reduction.sol";
import {Scatter} from "../machine/Scatter.sol";
import {Words} from "../machine/Words.sol";

/// @title The machine's arithmetic, many elements a call, for tests
/// @notice Words are little-endian, as in tensors.
contract MachineHarness {
    /// @notice One map function on many operand triples.
    /// @param triples operands a, b, c of each element; unused ones are any word
    /// @return results one big-endian word for each triple
    function map(uint256 fn, bytes calldata triples) external pure returns (bytes memory results) {
        uint256 count = triples.length / 12;
        results = new bytes(4 * count);
        uint256 start = _start(triples);
        for (uint256 i = 0; i < count; ++i) {
            uint256 position = start + 12 * i;
            uint256 word = MapFunctions.evaluate(fn, Words.load(position), Words.load(position + 4), Words.load(position + 8));
            assembly ("memory-safe") {
                let target := add(add(results, 32), shl(2, i))
                // Only four bytes of the last 32 may lie inside the array: keep what follows.
                mstore(target, or(shl(224, word), shr(32, shl(32, mload(target)))))
            }
        }
    }

    /// @notice One element of a dot product.
    function dot(bytes calldata a, bytes calldata b) external pure returns (uint256) {
        return Dot.element(_start(a), _start(b), a.length / 4);
    }

    /// @notice Many dot products of eight terms each.
    /// @return results one big-endian word for each
    function dotsOfEight(bytes calldata a, bytes calldata b) external pure returns (bytes memory results) {
        uint256 count = a.length / 32;
        uint256[] memory words = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) words[i] = Dot.element(_start(a) + 32 * i, _start(b) + 32 * i, 8);
        return abi.encodePacked(words);
    }

    /// @notice The same by the definition alone, without the path for eight terms at a time; up to one block of terms.
    function plainChain(bytes calldata a, bytes calldata b) external pure returns (uint256) {
        return PortableChain.run(0, _start(a), _start(b), a.length / 4);
    }

    /// @notice One reduction of a row.
    function reduce(uint256 fn, bool isFloat, bytes calldata row) external pure returns (uint256) {
        uint256[] memory words = Words.loadMany(_start(row), row.length / 4);
        if (fn == Codes.REDUCE_SUM) return isFloat ? Reduction.sumFloat(words) : Reduction.sumInteger(words);
        if (fn == Codes.REDUCE_MAX) return isFloat ? Reduction.maxFloat(words) : Reduction.maxInteger(words);
        if (fn == Codes.REDUCE_MIN) return isFloat ? Reduction.minFloat(words) : Reduction.minInteger(words);
        return isFloat ? Reduction.argmaxFloat(words) : Reduction.argmaxInteger(words);
    }

    /// @notice One element of scatter_add.
    function scatter(
        uint256 base,
        uint256 row,
        bytes calldata indices,
        bytes calldata sources,
        bool isFloat
    ) external pure returns (uint256) {
        return Scatter.element(base, row, _start(indices), _start(sources), indices.length / 4, isFloat);
    }

    /// @notice One block of random bits.
    function philox(uint256[4] memory counter, uint256 key0, uint256 key1) external pure returns (uint256[4] memory) {
        return Philox.block4(counter, key0, key1);
    }

    /// @notice Highest set bit, without CLZ.
    function portableHighest(uint256 x) external pure returns (uint256) {
        return PortableBits.highest(x);
    }

    function _start(bytes calldata data) private pure returns (uint256 start) {
        assembly ("memory-safe") {
            start := data.offset
        }
    }
}
