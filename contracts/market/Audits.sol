// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IAudits} from "../interfaces/IAudits.sol";
import {Draw} from "./Draw.sol";

/// @title The audit draw and its answers but the attestation
/// @dev docs/specification/market.md, section 6.
abstract contract Audits is IAudits, Draw {
    /// @inheritdoc IAudits
    function summon(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external {
        (, Audit storage audit, address verifier) = _openSeat(job, interval, checkpoint);
        require(audit.answerBy == 0, AlreadySummoned(job, interval, audit.answerBy));
        require(!audit.withheld, StateWithheld(job, interval));
        uint40 answerBy = uint40(block.timestamp + _answerPeriod);
        audit.verifier = verifier;
        audit.answerBy = answerBy;
        emit VerifierSummoned(job, interval, verifier, audit.attempt, answerBy);
    }

    /// @inheritdoc IAudits
    function dismiss(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external {
        (JobData storage data, Audit storage audit, address verifier) = _openSeat(job, interval, checkpoint);
        require(audit.answerBy != 0, NotSummoned(job, interval));
        require(block.timestamp >= audit.answerBy, TooEarly(audit.answerBy, block.timestamp));
        uint8 attempt = audit.attempt;
        audit.answerBy = 0;
        audit.attempt = attempt + 1;
        uint256 penalty = _vault.penalise(verifier, _auditFee(data));
        emit VerifierDismissed(job, interval, verifier, attempt, penalty);
        if (penalty > 0) _vault.credit(_treasury, penalty);
    }

    /// @inheritdoc IAudits
    function renew(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external {
        JobData storage data = _live(job);
        _checkOpen(job, data, interval, checkpoint);
        require(_beacon.lapsed(checkpoint.beaconBlock), SeedNotLapsed(checkpoint.beaconBlock));
        Checkpoint memory renewed = checkpoint;
        renewed.beaconBlock = uint40(block.number + _beaconDelay);
        renewed.forced = true;
        _checkpoints[job][interval] = _stored(renewed);
        emit CheckpointRenewed(job, interval, renewed);
    }

    /// @inheritdoc IAudits
    function reportUnavailable(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external {
        (, Audit storage audit, address verifier) = _openSeat(job, interval, checkpoint);
        require(msg.sender == verifier, NotDrawnVerifier(msg.sender, verifier));
        require(!audit.withheld, StateWithheld(job, interval));
        audit.verifier = verifier;
        audit.answerBy = 0;
        audit.withheld = true;
        emit StateUnavailable(job, interval, verifier, audit.attempt);
    }

    /// @inheritdoc IAudits
    function confirmAvailable(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external {
        (JobData storage data, Audit storage audit, address verifier) = _openSeat(job, interval, checkpoint);
        require(msg.sender == data.submitter, NotSubmitter(msg.sender, data.submitter));
        require(audit.withheld, NotWithheld(job, interval));
        uint8 attempt = audit.attempt;
        audit.withheld = false;
        audit.attempt = attempt + 1;
        emit AvailabilityConfirmed(job, interval, verifier, attempt);
    }
}
