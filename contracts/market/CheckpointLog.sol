// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {ICheckpoints} from "../interfaces/ICheckpoints.sol";
import {MarketStorage} from "./MarketStorage.sol";
import {Pricing} from "./Pricing.sol";

/// @title Committing checkpoints
/// @dev docs/specification/market.md, section 5.
abstract contract CheckpointLog is ICheckpoints, MarketStorage {
    /// @inheritdoc ICheckpoints
    function commitCheckpoints(uint256 job, bytes32[] calldata roots, bytes32[] calldata seals) external {
        JobData storage data = _inStatus(job, Status.Running);
        require(msg.sender == data.solver, NotSolver(msg.sender, data.solver));
        uint32 first = data.committed;
        uint256 missing = data.intervals - first;
        uint256 count = roots.length;
        require(count == seals.length && count > 0 && count <= BATCH && count <= missing, BadBatch(count, seals.length, missing));
        uint256 late = _lateness(data);
        if (late > 0 && count == missing) {
            data.secondScore = uint96(Pricing.penalty(late, data.valueOfTime, Pricing.retainer(data.payment)));
        }
        Checkpoint memory checkpoint;
        checkpoint.committedAt = uint40(block.timestamp);
        checkpoint.beaconBlock = uint40(block.number + _beaconDelay);
        for (uint256 i = 0; i < count; ++i) {
            require(roots[i] != 0, ZeroRoot());
            checkpoint.root = roots[i];
            checkpoint.seal = seals[i];
            _checkpoints[job][first + i] = _stored(checkpoint);
        }
        data.committed = first + uint32(count);
        data.lastCommitAt = uint40(block.timestamp);
        emit CheckpointsCommitted(job, data.round, msg.sender, first, roots, seals, checkpoint.committedAt, checkpoint.beaconBlock);
    }

    /// @dev Seconds by which a batch that comes now is late. Nothing is due while a dispute runs.
    function _lateness(JobData storage data) private view returns (uint256) {
        if (data.disputes > 0) return 0;
        uint256 dueAt = _dueAt(data);
        if (block.timestamp <= dueAt) return 0;
        uint256 expiresAt = dueAt + _slack(data);
        require(block.timestamp <= expiresAt, TooLate(expiresAt, block.timestamp));
        return block.timestamp - dueAt;
    }
}
