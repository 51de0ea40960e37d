// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Prefixes} from "../../contracts/court/Prefixes.sol";
import {Merkle} from "../../contracts/machine/Merkle.sol";

/// @title Trees against a plain construction of them
contract MerkleTest {
    uint256 private constant LEVELS = 5;

    function testFuzz_everyPathLeadsToTheRoot(uint256 seed, uint8 leaf) external view {
        (bytes32[][] memory tree, ) = _tree(seed);
        uint256 index = leaf % (1 << LEVELS);
        bytes32[] memory path = new bytes32[](LEVELS);
        for (uint256 level = 0; level < LEVELS; ++level) path[level] = tree[level][(index >> level) ^ 1];
        assert(this.climb(tree[0][index], index, path, LEVELS) == tree[LEVELS][0]);
    }

    function testFuzz_anInsertionClimbsWithNothingButEmptySubtreesToTheRight(uint256 seed, uint8 leaf) external view {
        (bytes32[][] memory tree, ) = _tree(seed);
        uint256 index = leaf % (1 << LEVELS);
        bytes32[] memory path = new bytes32[](LEVELS);
        bytes32[] memory filled = new bytes32[](LEVELS);
        uint256 count;
        for (uint256 level = 0; level < LEVELS; ++level) {
            bool isRight = (index >> level) & 1 == 1;
            path[level] = isRight ? tree[level][(index >> level) - 1] : Merkle.zero(level);
            if (isRight) filled[count++] = path[level];
        }
        bytes32[] memory siblings = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) siblings[i] = filled[i];
        (bytes32 before, bytes32 afterwards) = this.insert(tree[0][index], index, siblings, LEVELS);
        assert(before == this.climb(bytes32(0), index, path, LEVELS));
        assert(afterwards == this.climb(tree[0][index], index, path, LEVELS));
    }

    function testFuzz_everyRangeLeadsToTheRoot(uint256 seed, uint8 from, uint8 length) external view {
        (bytes32[][] memory tree, bytes[] memory chunks) = _tree(seed);
        uint256 first = from % (1 << LEVELS);
        uint256 count = 1 + (length % ((1 << LEVELS) - first));
        bytes memory data;
        for (uint256 i = 0; i < count; ++i) data = bytes.concat(data, chunks[first + i]);
        assert(this.range(data, first, _rangeProof(tree, first, count), LEVELS) == tree[LEVELS][0]);
    }

    function climb(bytes32 hash, uint256 index, bytes32[] calldata path, uint256 levels) external view returns (bytes32) {
        return Merkle.climb(hash, index, path, levels);
    }

    function insert(bytes32 hash, uint256 index, bytes32[] calldata path, uint256 levels) external view returns (bytes32, bytes32) {
        return Prefixes.insert(hash, index, path, levels);
    }

    function range(bytes calldata data, uint256 first, bytes32[] calldata siblings, uint256 levels) external view returns (bytes32) {
        return Merkle.range(data, first, siblings, levels);
    }

    function _tree(uint256 seed) private pure returns (bytes32[][] memory tree, bytes[] memory chunks) {
        tree = new bytes32[][](LEVELS + 1);
        chunks = new bytes[](1 << LEVELS);
        tree[0] = new bytes32[](1 << LEVELS);
        for (uint256 i = 0; i < chunks.length; ++i) {
            chunks[i] = new bytes(1024);
            bytes32 random = keccak256(abi.encode(seed, i));
            for (uint256 k = 0; k < 32; ++k) chunks[i][32 * k] = random[k];
            tree[0][i] = sha256(chunks[i]);
        }
        for (uint256 level = 0; level < LEVELS; ++level) {
            bytes32[] memory below = tree[level];
            tree[level + 1] = new bytes32[](below.length / 2);
            for (uint256 i = 0; i < below.length / 2; ++i) tree[level + 1][i] = sha256(abi.encode(below[2 * i], below[2 * i + 1]));
        }
    }

    function _rangeProof(bytes32[][] memory tree, uint256 first, uint256 count) private pure returns (bytes32[] memory proof) {
        uint256 last = first + count - 1;
        bytes32[] memory found = new bytes32[](2 * LEVELS);
        uint256 used;
        for (uint256 level = 0; level < LEVELS; ++level) {
            if (first % 2 == 1) found[used++] = tree[level][first - 1];
            if (last % 2 == 0) found[used++] = tree[level][last + 1];
            (first, last) = (first / 2, last / 2);
        }
        proof = new bytes32[](used);
        for (uint256 i = 0; i < used; ++i) proof[i] = found[i];
    }
}
