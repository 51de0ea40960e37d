// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IFinality} from "../interfaces/IFinality.sol";
import {Draw} from "./Draw.sol";
import {Pricing} from "./Pricing.sol";
import {Settlement} from "./Settlement.sol";

/// @title Finality, pay, and the end of an assignment
/// @dev docs/specification/market.md, section 7.
abstract contract Finality is IFinality, Settlement, Draw {
    /* CALLS */

    /// @inheritdoc IFinality
    function finalise(uint256 job, Checkpoint[] calldata checkpoints) external {
        JobData storage data = _live(job);
        uint32 first = data.finalised;
        uint256 count = checkpoints.length;
        require(count > 0 && first + count <= data.committed, WrongInterval(first + count, first, data.committed));
        uint256 attested = _checkFinal(job, data, checkpoints);
        if (attested > 0) data.openAudits -= uint32(attested);
        uint32 finalised = first + uint32(count);
        uint256 paid = _vest(data, finalised);
        if (finalised == data.intervals) paid += Pricing.retainer(data.payment) - data.secondScore;
        address solver = data.solver;
        data.finalised = finalised;
        data.escrow -= uint96(paid);
        emit Finalised(job, data.round, solver, first, uint32(count), paid);
        if (finalised == data.intervals) {
            _settle(job, data, paid);
            return;
        }
        if (paid > 0) _vault.credit(solver, paid);
        if (data.status == Status.Ending && finalised == data.committed) _conclude(job, data);
    }

    /// @inheritdoc IFinality
    function expire(uint256 job) external {
        JobData storage data = _inStatus(job, Status.Running);
        require(data.disputes == 0, DisputesOpen(job, data.finalised, data.disputes));
        uint256 expiresAt = _dueAt(data) + _slack(data);
        // With every interval committed nothing is due any more.
        require(data.committed < data.intervals, NotStalled(job, data.finalised));
        require(block.timestamp > expiresAt, TooEarly(expiresAt + 1, block.timestamp));
        _endAssignment(job, data, data.committed, EndReason.Late);
    }

    /// @inheritdoc IFinality
    function abandon(uint256 job, Checkpoint calldata checkpoint) external {
        JobData storage data = _live(job);
        uint32 interval = data.finalised;
        require(!_checkOpen(job, data, interval, checkpoint), NotStalled(job, interval));
        require(data.disputes == 0, DisputesOpen(job, interval, data.disputes));
        // The stake stays until the windows of all committed intervals have closed.
        uint256 opensAt = Math.max(uint256(checkpoint.committedAt) + _stallPeriod + data.extension, uint256(data.lastCommitAt) + _window);
        require(block.timestamp >= opensAt, TooEarly(opensAt, block.timestamp));
        require(_stalled(job, data, interval, checkpoint), NotStalled(job, interval));
        // An assignment that has ended already keeps its reason: a conviction stands, whatever stalls below it.
        EndReason reason = data.status == Status.Ending ? data.endReason : EndReason.Stalled;
        if (reason == EndReason.Convicted) {
            _audits[job][data.round][interval].verifier = _audits[job][data.round][data.committed].verifier;
        }
        _endAssignment(job, data, interval, reason);
    }

    /* INTERNALS */

    /// @dev Refuses unless each of the next intervals can become final. Forgets the checkpoints that nothing can refer to any more.
    /// @return attested how many of them were attested
    function _checkFinal(uint256 job, JobData storage data, Checkpoint[] calldata checkpoints) private returns (uint256 attested) {
        uint256 interval = data.finalised;
        uint8 round = data.round;
        uint256 seedBlock;
        bytes32 randomness;
        for (uint256 i = 0; i < checkpoints.length; ++i) {
            Checkpoint calldata checkpoint = checkpoints[i];
            bool isAttested = _checkCheckpoint(job, interval, checkpoint);
            uint256 closesAt = uint256(checkpoint.committedAt) + _window;
            require(block.timestamp >= closesAt, TooEarly(closesAt, block.timestamp));
            uint16 disputes = _audits[job][round][interval].disputes;
            require(disputes == 0, DisputesOpen(job, interval, disputes));
            if (isAttested) {
                ++attested;
            } else {
                if (checkpoint.beaconBlock != seedBlock) {
                    seedBlock = checkpoint.beaconBlock;
                    randomness = _randomness(seedBlock);
                }
                (bool drawn, address verifier) = _draw(job, data, interval, checkpoint, randomness);
                require(!drawn || verifier == address(0), NotAttested(job, interval));
            }
            // The one before was kept as the start of this interval.
            if (interval > 0) delete _checkpoints[job][interval - 1];
            ++interval;
        }
    }

    /// @dev The pay that becomes due when the intervals up to `finalised` are final.
    function _vest(JobData storage data, uint256 finalised) private view returns (uint256) {
        uint256 first = data.first;
        uint256 count = data.intervals - first;
        uint256 payment = data.payment - Pricing.retainer(data.payment);
        return Pricing.vested(payment, finalised - first, count) - Pricing.vested(payment, data.finalised - first, count);
    }

    /// @dev All intervals are final: the stake and the last pay go to the solver, the rest of the escrow to the submitter.
    function _settle(uint256 job, JobData storage data, uint256 paid) private {
        address solver = data.solver;
        uint256 stake = data.stake;
        emit StakeSettled(job, data.round, solver, address(0), 0, 0, 0, stake);
        _endJob(job, data, Status.Settled, 0);
        _vault.credit(solver, paid + stake);
    }

    function _stalled(uint256 job, JobData storage data, uint256 interval, Checkpoint calldata checkpoint) private view returns (bool) {
        bytes32 randomness = _beacon.randomness(checkpoint.beaconBlock);
        // A seed that can still be recorded is somebody's task, not a reason to end the job; one that lapsed is.
        if (randomness == 0) return _beacon.lapsed(checkpoint.beaconBlock);
        (bool drawn, address verifier) = _draw(job, data, interval, checkpoint, randomness);
        return drawn && verifier != address(0);
    }
}
