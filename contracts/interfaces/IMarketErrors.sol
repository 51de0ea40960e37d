// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title What the market refuses, with the values it refused
/// @dev Times are Unix seconds. `job` numbers start at 1.
interface IMarketErrors {
    // ---------------------------------------------------------------- posting

    /// @notice The intervals are not all of 2 steps or more: choose another length. The last one would have `lastSteps`.
    error BadIntervals(uint64 steps, uint32 intervalSteps, uint256 lastSteps);
    /// @notice The audit rate is in millionths, above 0 and at most 1,000,000.
    error BadAuditRate(uint32 auditRate);
    /// @notice The deadline is zero.
    error BadDeadline(uint32 deadline);
    /// @notice Budget per interval rounds to zero.
    error BudgetTooSmall(uint96 budget, uint256 intervals);
    /// @notice A root is zero.
    error ZeroRoot();
    /// @notice The market was built with parameters that cannot work; `which` names one.
    error BadParameter(string which, uint256 value);

    // ---------------------------------------------------------------- phases and callers

    /// @notice No such job.
    error UnknownJob(uint256 job);
    /// @notice The job is in another state than this call needs. See `Status`.
    error WrongStatus(uint256 job, uint8 status);
    /// @notice Bidding, revealing or committing ended at `deadline`.
    error TooLate(uint256 deadline, uint256 time);
    /// @notice The call becomes possible at `opensAt`.
    error TooEarly(uint256 opensAt, uint256 time);
    /// @notice Only the job's submitter may call this.
    error NotSubmitter(address caller, address submitter);
    /// @notice Only the job's solver may call this.
    error NotSolver(address caller, address solver);
    /// @notice Only the court may call this.
    error NotCourt(address caller);

    // ---------------------------------------------------------------- bids

    /// @notice The bidder already has a bid in this round.
    error AlreadyBid(uint256 job, uint8 round, address bidder);
    /// @notice A bid's commitment is not zero.
    error ZeroCommitment();
    /// @notice The round has all the bids it can take.
    error TooManyBids(uint256 job, uint256 limit);
    /// @notice The revealed values are not the ones committed to, or there is no unrevealed bid of the caller.
    error WrongReveal(bytes32 committed, bytes32 revealed);
    /// @notice The price is above the round's budget.
    error PriceAboveBudget(uint96 price, uint96 budget);
    /// @notice The promised duration is zero or longer than the job's deadline.
    error BadDuration(uint32 duration, uint32 deadline);
    /// @notice The bidder's balance does not cover the stake (or the deposit) of this job.
    error StakeNotCovered(address bidder, uint256 balance, uint256 needed);
    /// @notice There is no deposit of the caller to reclaim from this round.
    error NothingToReclaim(uint256 job, uint8 round, address bidder);

    // ---------------------------------------------------------------- checkpoints and audits

    /// @notice A batch has 1 to 16 checkpoints, as many roots as seals, and not more than are missing.
    error BadBatch(uint256 roots, uint256 seals, uint256 missing);
    /// @notice The interval is not committed, already final, or void.
    error WrongInterval(uint256 interval, uint256 firstOpen, uint256 end);
    /// @notice The checkpoint handed in is not the one committed for this interval.
    error WrongCheckpoint(uint256 job, uint256 interval);
    /// @notice The specification handed in is not the one the job was posted with.
    error WrongSpec(uint256 job);
    /// @notice The randomness of this block must be recorded in the beacon first.
    error SeedMissing(uint256 beaconBlock);
    /// @notice The seed has not lapsed; record it in the beacon.
    error SeedNotLapsed(uint256 beaconBlock);
    /// @notice The interval was not drawn for an audit.
    error NotDrawn(uint256 job, uint256 interval);
    /// @notice The caller is not the verifier drawn for this interval.
    error NotDrawnVerifier(address caller, address verifier);
    /// @notice The interval has been attested.
    error AlreadyAttested(uint256 job, uint256 interval);
    /// @notice The verifier was summoned; its answer is due at `answerBy`.
    error AlreadySummoned(uint256 job, uint256 interval, uint256 answerBy);
    /// @notice The drawn verifier cannot get the state before the interval: the submitter confirms that it is to be had, or the job stalls.
    error StateWithheld(uint256 job, uint256 interval);
    /// @notice Nobody reported the state before this interval as unavailable.
    error NotWithheld(uint256 job, uint256 interval);
    /// @notice No verifier has been summoned for this interval.
    error NotSummoned(uint256 job, uint256 interval);
    /// @notice SHA-256(job ‖ interval ‖ stateRoot) is not the seal.
    error WrongSeal(bytes32 seal, bytes32 computed);
    /// @notice The interval was drawn and nobody has attested it yet.
    error NotAttested(uint256 job, uint256 interval);
    /// @notice Disputes about this interval (or, for a job's deadline, about the job) are running.
    error DisputesOpen(uint256 job, uint256 interval, uint256 disputes);
    /// @notice The interval can become final: call `finalise`.
    error NotStalled(uint256 job, uint256 interval);
}
