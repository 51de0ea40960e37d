// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {MarketStorage} from "./MarketStorage.sol";
import {Pricing} from "./Pricing.sol";

/// @title How rounds begin, and how assignments and jobs end
/// @dev docs/specification/market.md, section 7.
abstract contract Settlement is MarketStorage {
    using SafeCast for uint256;

    /* ROUNDS */

    /// @dev Opens the next auction round, for the intervals that are not final.
    function _openRound(uint256 job, JobData storage data) internal {
        uint32 first = data.finalised;
        uint40 bidsUntil = uint40(block.timestamp + _bidPeriod);
        data.round += 1;
        data.status = Status.Open;
        data.endReason = EndReason.None;
        if (first != 0 || data.round > 1) _clearAssignment(data, first);
        uint96 budget = _roundBudget(data);
        // The reserve: the score of a bid at the whole budget and the whole deadline.
        data.secondScore = Pricing.score(budget, data.valueOfTime, data.deadline).toUint96();
        data.duration = 0;
        data.bidsUntil = bidsUntil;
        data.bids = 0;
        data.reveals = 0;
        data.disputes = 0;
        emit RoundOpened(job, data.round, first, budget, data.stake, uint96(_deposit(data)), bidsUntil, uint40(_revealsUntil(data)));
    }

    function _clearAssignment(JobData storage data, uint32 first) private {
        data.solver = address(0);
        data.payment = 0;
        data.assignedAt = 0;
        data.lastCommitAt = 0;
        data.pausedAt = 0;
        data.extension = 0;
        data.first = first;
        data.committed = first;
    }

    /* ENDS */

    /// @dev Ends the assignment before interval `end`. What is committed before it can still become final; the rest is void.
    function _endAssignment(uint256 job, JobData storage data, uint32 end, EndReason reason) internal {
        data.status = Status.Ending;
        data.endReason = reason;
        data.committed = end;
        emit AssignmentEnded(job, data.round, data.solver, end, reason);
        if (data.finalised == end) _conclude(job, data);
    }

    /// @dev All intervals of an ended assignment are final: settles the stake, once, and goes on with the job.
    function _conclude(uint256 job, JobData storage data) internal {
        EndReason reason = data.endReason;
        if (reason == EndReason.Convicted) {
            _splitStake(job, data);
        } else {
            if (reason == EndReason.Stalled) _payRetainer(job, data);
            _returnStake(job, data, reason == EndReason.Late ? _deposit(data) : 0);
        }
        data.openAudits = 0;
        if (reason == EndReason.Stalled || data.round >= MAX_ROUNDS) {
            _endJob(job, data, Status.Expired, 0);
        } else {
            _openRound(job, data);
        }
    }

    /// @dev After a conviction: β to the challenger; to the submitter the declared harm and the fees of audits that became void, capped; the
    /// rest to the treasury. The fees go back to the audit reserve.
    function _splitStake(uint256 job, JobData storage data) private {
        uint256 stake = data.stake;
        address challenger = _audits[job][data.round][data.committed].verifier;
        address submitter = data.submitter;
        uint256 lostFees = uint256(data.openAudits) * _auditFee(data);
        uint256 toChallenger = Pricing.share(stake, _challengerShare);
        uint256 toSubmitter = Math.min(Pricing.share(stake, _submitterShare), uint256(data.harm) + lostFees);
        uint256 toTreasury = stake - toChallenger - toSubmitter;
        uint256 restored = Math.min(lostFees, toSubmitter);
        data.auditReserve += uint96(restored);
        data.escrow += uint96(restored);
        emit StakeSettled(job, data.round, data.solver, challenger, toChallenger, toSubmitter, toTreasury, 0);
        _vault.credit(challenger, toChallenger);
        _vault.credit(_treasury, toTreasury);
        if (toSubmitter > restored) _vault.credit(submitter, toSubmitter - restored);
    }

    /// @dev An audit stalled, for which the solver is not to blame: it gets the retainer's part for what is final.
    function _payRetainer(uint256 job, JobData storage data) private {
        uint256 done = data.finalised - data.first;
        uint256 paid = Pricing.vested(Pricing.retainer(data.payment), done, data.intervals - data.first);
        if (paid == 0) return;
        data.escrow -= uint96(paid);
        emit RetainerPaid(job, data.round, data.solver, paid);
        _vault.credit(data.solver, paid);
    }

    /// @dev No fault was proved: the stake goes back, less a late solver's penalty.
    function _returnStake(uint256 job, JobData storage data, uint256 penalty) private {
        address solver = data.solver;
        uint256 stake = data.stake;
        uint256 toSubmitter = Math.min(penalty, stake);
        emit StakeSettled(job, data.round, solver, address(0), 0, toSubmitter, 0, stake - toSubmitter);
        if (stake > toSubmitter) _vault.credit(solver, stake - toSubmitter);
        if (toSubmitter > 0) _vault.credit(data.submitter, toSubmitter);
    }

    /// @dev Ends a job for good and gives the submitter what is left of its escrow, but `held`.
    function _endJob(uint256 job, JobData storage data, Status status, uint256 held) internal {
        address submitter = data.submitter;
        uint256 refund = data.escrow - held;
        data.escrow = uint96(held);
        data.auditReserve = 0;
        data.status = status;
        emit JobEnded(job, status, data.finalised, refund);
        _vault.credit(submitter, refund);
    }
}
