// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Prefixes} from "../court/Prefixes.sol";
import {Merkle} from "../machine/Merkle.sol";
import {Records} from "../machine/Records.sol";

/// @title Trees and records, for tests
contract CommitmentHarness {
    function depth(uint256 leaves) external pure returns (uint256) {
        return Merkle.depth(leaves);
    }

    function zero(uint256 level) external view returns (bytes32) {
        return Merkle.zero(level);
    }

    function leaf(bytes calldata chunk) external view returns (bytes32) {
        return Merkle.leaf(chunk);
    }

    function climb(bytes32 hash, uint256 index, bytes32[] calldata path, uint256 levels) external view returns (bytes32) {
        return Merkle.climb(hash, index, path, levels);
    }

    function insert(
        bytes32 hash,
        uint256 index,
        bytes32[] calldata path,
        uint256 levels
    ) external view returns (bytes32 before, bytes32 afterwards) {
        return Prefixes.insert(hash, index, path, levels);
    }

    function range(bytes calldata data, uint256 first, bytes32[] calldata siblings, uint256 levels) external view returns (bytes32) {
        return Merkle.range(data, first, siblings, levels);
    }

    function header(bytes32 programRoot, bytes calldata record, bytes32[] calldata path) external view returns (Records.Header memory) {
        return Records.proveHeader(programRoot, record, path);
    }

    /// @notice What the court reads from a slot's record.
    function slot(
        bytes32 programRoot,
        Records.Header memory header_,
        uint256 index,
        bytes calldata record,
        bytes32[] calldata path
    ) external view returns (Records.Tensor memory tensor, uint256 nextKind, uint256 nextIndex) {
        Records.proveSlot(programRoot, header_, index, record, path);
        (nextKind, nextIndex) = Records.slotNext(record, header_);
        tensor = Records.slotTensor(record);
    }

    /// @notice What the court reads from a node's record.
    function node(
        bytes32 programRoot,
        Records.Header memory header_,
        uint256 index,
        bytes calldata record,
        bytes32[] calldata path
    ) external view returns (Records.Tensor memory) {
        Records.proveNode(programRoot, header_, index, record, path);
        return Records.nodeOutput(record);
    }
}
