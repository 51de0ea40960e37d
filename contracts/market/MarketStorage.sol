// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IBeacon} from "../interfaces/IBeacon.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {IMarketErrors} from "../interfaces/IMarketErrors.sol";
import {IMarketEvents} from "../interfaces/IMarketEvents.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {Pricing} from "./Pricing.sol";

/// @title What the parts of the market share: parameters, storage, and the questions asked of it
/// @dev The market has one address and one storage. Its code is two contracts, because one may have 24,576 bytes at most: JobMarket holds the
/// storage and the funds' rights, and runs the code of Proceedings (finality, audits and disputes) on it. Both inherit this one, and it alone declares storage.
abstract contract MarketStorage is IMarketEvents, IMarketErrors {
    /* TYPES */

    /// @dev A job, packed by what is used together. While `Open`, `solver`, `payment` and `duration` are the leading bid's. `committed` is, once
    /// the assignment has ended, where its intervals end.
    struct JobData {
        bytes32 specHash;
        // the submitter's money, and what audits change
        uint96 escrow;
        uint96 auditReserve;
        uint32 auditRate;
        uint32 openAudits;
        //
        address submitter;
        uint96 stake;
        // the auction
        uint96 budget;
        uint96 valueOfTime;
        uint32 deadline;
        uint16 bids;
        uint16 reveals;
        // the assignment
        address solver;
        uint32 intervals;
        uint32 duration;
        uint32 first;
        // all that changes while a job runs
        uint40 assignedAt;
        uint40 lastCommitAt;
        uint40 pausedAt;
        uint32 extension;
        uint32 committed;
        uint32 finalised;
        uint16 disputes;
        Status status;
        uint8 round;
        EndReason endReason;
        // prices
        uint96 payment;
        uint96 secondScore; // from the last commitment on: what its lateness costs
        uint40 bidsUntil;
        uint8 idleRounds;
        uint96 harm;
    }

    /* CONSTANTS */

    /// @notice Most auction rounds of one job.
    uint8 public constant MAX_ROUNDS = 8;

    /// @notice Rounds in a row without a bid after which a job expires.
    uint8 public constant MAX_IDLE_ROUNDS = 2;

    /// @notice Most checkpoints in one commitment.
    uint256 public constant BATCH = 16;

    /// @notice The winner's share of a losing challenger's bond, millionths; the rest goes to the treasury.
    uint256 public constant BOND_TO_WINNER = 800_000;

    /// @dev Draws tried before an interval counts as having no verifier.
    uint256 internal constant DRAW_TRIES = 8;

    /// @dev The bit of a stored checkpoint that tells that it is attested. A slot of its own would cost each attestation 20,000 gas.
    bytes32 internal constant ATTESTED = bytes32(uint256(1));

    /* IMMUTABLES */

    ICourt internal immutable _court;
    IStakeVault internal immutable _vault;
    IBeacon internal immutable _beacon;

    /// @notice Hash of everything the market was built with; equal in all its parts.
    bytes32 public immutable configuration;

    address internal immutable _treasury;
    uint32 internal immutable _bidPeriod;
    uint32 internal immutable _revealPeriod;
    uint32 internal immutable _grace;
    uint32 internal immutable _window;
    uint32 internal immutable _answerPeriod;
    uint32 internal immutable _stallPeriod;
    uint32 internal immutable _clock;
    uint32 internal immutable _increment;
    uint32 internal immutable _beaconDelay;
    uint32 internal immutable _honestShare;
    uint32 internal immutable _proposerShare;
    uint32 internal immutable _challengerShare;
    uint32 internal immutable _submitterShare;
    uint32 internal immutable _auditFactor;
    uint96 internal immutable _disputeGas;

    /* STORAGE */

    uint256 internal _jobCount;

    mapping(uint256 job => JobData) internal _jobs;
    /// @dev What `_stored` makes of the checkpoints.
    mapping(uint256 job => mapping(uint256 interval => bytes32 stored)) internal _checkpoints;
    mapping(uint256 job => mapping(uint256 round => mapping(uint256 interval => Audit))) internal _audits;
    mapping(uint256 job => mapping(uint256 round => mapping(address bidder => bytes32 commitment))) internal _bids;

    /* CONSTRUCTION */

    constructor(ICourt court_, IStakeVault vault_, IBeacon beacon_, Parameters memory parameters_) {
        _checkParameters(parameters_);
        configuration = keccak256(abi.encode(court_, vault_, beacon_, parameters_));
        _court = court_;
        _vault = vault_;
        _beacon = beacon_;
        _treasury = parameters_.treasury;
        _bidPeriod = parameters_.bidPeriod;
        _revealPeriod = parameters_.revealPeriod;
        _grace = parameters_.grace;
        _window = parameters_.window;
        _answerPeriod = parameters_.answerPeriod;
        _stallPeriod = parameters_.stallPeriod;
        _clock = parameters_.clock;
        _increment = parameters_.increment;
        _beaconDelay = parameters_.beaconDelay;
        _honestShare = parameters_.honestShare;
        _proposerShare = parameters_.proposerShare;
        _challengerShare = parameters_.challengerShare;
        _submitterShare = parameters_.submitterShare;
        _auditFactor = parameters_.auditFactor;
        _disputeGas = parameters_.disputeGas;
    }

    function _checkParameters(Parameters memory p) private pure {
        require(p.treasury != address(0), BadParameter("treasury", 0));
        require(p.bidPeriod > 0, BadParameter("bidPeriod", 0));
        require(p.revealPeriod > 0, BadParameter("revealPeriod", 0));
        require(p.window > 0, BadParameter("window", 0));
        require(p.answerPeriod > 0, BadParameter("answerPeriod", 0));
        // An audit that nobody answers must have had time to be answered.
        require(p.stallPeriod >= uint256(p.window) + p.answerPeriod, BadParameter("stallPeriod", p.stallPeriod));
        require(p.clock > 0, BadParameter("clock", 0));
        // The weights that count are those of the commitment's block, and nobody may know the randomness by then. A block's prevRandao is known
        // one block before it.
        require(p.beaconDelay >= 2, BadParameter("beaconDelay", p.beaconDelay));
        // The stake formula needs 0 < q < 1 for every audit rate, and a challenger's share below 1.
        require(p.honestShare > 0 && p.honestShare < Pricing.ONE, BadParameter("honestShare", p.honestShare));
        require(p.proposerShare < Pricing.ONE, BadParameter("proposerShare", p.proposerShare));
        // Convicting oneself must lose money: some of the stake goes to neither the challenger nor the submitter.
        uint256 taken = uint256(p.challengerShare) + p.submitterShare;
        require(p.challengerShare > 0 && taken < Pricing.ONE, BadParameter("challengerShare", taken));
        require(p.auditFactor > 0, BadParameter("auditFactor", 0));
    }

    /* QUESTIONS */

    function _existing(uint256 job) internal view returns (JobData storage data) {
        data = _jobs[job];
        require(data.status != Status.None, UnknownJob(job));
    }

    function _inStatus(uint256 job, Status status) internal view returns (JobData storage data) {
        data = _existing(job);
        require(data.status == status, WrongStatus(job, uint8(data.status)));
    }

    /// @dev A job whose intervals can become final or be challenged.
    function _live(uint256 job) internal view returns (JobData storage data) {
        data = _existing(job);
        require(data.status == Status.Running || data.status == Status.Ending, WrongStatus(job, uint8(data.status)));
    }

    /// @dev Refuses an interval that is not committed, final or void, and a checkpoint that is not this interval's.
    /// @return attested whether the drawn verifier attested it
    function _checkOpen(
        uint256 job,
        JobData storage data,
        uint256 interval,
        Checkpoint calldata checkpoint
    ) internal view returns (bool attested) {
        require(interval >= data.finalised && interval < data.committed, WrongInterval(interval, data.finalised, data.committed));
        return _checkCheckpoint(job, interval, checkpoint);
    }

    function _checkCheckpoint(uint256 job, uint256 interval, Checkpoint calldata checkpoint) internal view returns (bool attested) {
        bytes32 stored = _checkpoints[job][interval];
        require((stored ^ keccak256(abi.encode(checkpoint))) & ~ATTESTED == 0, WrongCheckpoint(job, interval));
        return stored & ATTESTED != 0;
    }

    /// @dev What is kept of a checkpoint that is not attested: its hash, the last bit cleared.
    function _stored(Checkpoint memory checkpoint) internal pure returns (bytes32) {
        return keccak256(abi.encode(checkpoint)) & ~ATTESTED;
    }

    function _roundBudget(JobData storage data) internal view returns (uint96) {
        return Pricing.roundBudget(data.budget, data.intervals - data.first, data.intervals);
    }

    /// @dev What a sealed bid of this round deposits.
    function _deposit(JobData storage data) internal view returns (uint256) {
        return Pricing.share(_roundBudget(data), Pricing.DEPOSIT_SHARE);
    }

    function _auditFee(JobData storage data) internal view returns (uint256) {
        return Pricing.auditFee(data.budget, data.intervals, _auditFactor);
    }

    /// @dev When the next batch must be committed: with its share of the promised duration, a full batch ahead.
    function _dueAt(JobData storage data) internal view returns (uint256) {
        uint256 count = data.intervals - data.first;
        uint256 ahead = data.committed - data.first + BATCH;
        if (ahead > count) ahead = count;
        return uint256(data.assignedAt) + _grace + data.extension + (uint256(data.duration) * ahead + count - 1) / count;
    }

    /// @dev How long after that anyone may end the assignment.
    function _slack(JobData storage data) internal view returns (uint256) {
        return Pricing.slack(data.valueOfTime, Pricing.retainer(data.payment), data.duration);
    }

    /// @dev When revealing ends.
    function _revealsUntil(JobData storage data) internal view returns (uint256) {
        return uint256(data.bidsUntil) + _revealPeriod;
    }
}
