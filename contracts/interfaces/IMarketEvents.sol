// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "./IMarketTypes.sol";

/// @title What the market tells
/// @notice Together with the views, everything a party needs. Big data stands in events only; a caller hands it back, and it is checked
/// against a stored hash.
interface IMarketEvents is IMarketTypes {
    /// @notice A job was posted. `package` (a CID) and `mirrors` (addresses of stores) say where its bytes are.
    event JobPosted(
        uint256 indexed job,
        address indexed submitter,
        JobSpec spec,
        uint32 intervals,
        uint256 escrow,
        string package,
        string[] mirrors
    );
    /// @notice An auction round for the intervals from `first` on. A bid's commitment binds the round.
    event RoundOpened(
        uint256 indexed job,
        uint8 indexed round,
        uint32 first,
        uint96 roundBudget,
        uint96 stake,
        uint96 deposit,
        uint40 bidsUntil,
        uint40 revealsUntil
    );
    event BidCommitted(uint256 indexed job, uint8 indexed round, address indexed bidder, bytes32 commitment);
    event BidRevealed(
        uint256 indexed job,
        uint8 indexed round,
        address indexed bidder,
        uint96 price,
        uint32 duration,
        uint256 score,
        bool leads
    );
    /// @notice The auction ended. `forfeits` are the deposits of unrevealed bids, credited to the solver.
    event Assigned(
        uint256 indexed job,
        uint8 indexed round,
        address indexed solver,
        uint32 first,
        uint96 payment,
        uint32 duration,
        uint96 stake,
        uint256 forfeits,
        uint40 dueAt
    );
    /// @notice Checkpoints of the intervals first, first + 1, …; `forced` is false for all.
    event CheckpointsCommitted(
        uint256 indexed job,
        uint8 indexed round,
        address indexed solver,
        uint32 first,
        bytes32[] roots,
        bytes32[] seals,
        uint40 committedAt,
        uint40 beaconBlock
    );
    /// @notice The checkpoint's seed lapsed: this is the checkpoint from now on, with a fresh beacon block, and drawn for certain.
    event CheckpointRenewed(uint256 indexed job, uint32 indexed interval, Checkpoint checkpoint);
    event VerifierSummoned(uint256 indexed job, uint32 indexed interval, address indexed verifier, uint8 attempt, uint40 answerBy);
    /// @notice The summoned verifier did not answer; another is drawn.
    event VerifierDismissed(uint256 indexed job, uint32 indexed interval, address indexed verifier, uint8 attempt, uint256 penalty);
    /// @notice The drawn verifier could not get the state before the interval.
    event StateUnavailable(uint256 indexed job, uint32 indexed interval, address indexed verifier, uint8 attempt);
    /// @notice The submitter said that the state before the interval is to be had; another verifier is drawn.
    event AvailabilityConfirmed(uint256 indexed job, uint32 indexed interval, address indexed verifier, uint8 attempt);
    /// @notice The drawn verifier showed S(end−1).
    event Attested(uint256 indexed job, uint32 indexed interval, address indexed verifier, bytes32 stateRoot, uint256 fee);
    /// @notice A dispute was opened in the court.
    event Challenged(
        uint256 indexed job,
        uint32 indexed interval,
        address indexed challenger,
        uint256 dispute,
        uint8 round,
        bool isSeal,
        bool drawn,
        uint256 bond
    );
    /// @notice A verifier had attested what was proven wrong and loses a fixed stake.
    event AttesterPenalised(uint256 indexed job, uint32 indexed interval, address indexed verifier, uint256 penalty);
    /// @notice The challenger lost its bond.
    event ChallengeFailed(
        uint256 indexed job,
        uint32 indexed interval,
        address indexed challenger,
        uint256 dispute,
        uint256 toSolver,
        uint256 toTreasury
    );
    /// @notice The challenge won. Intervals from `interval` on are void. The bond went back.
    event Convicted(
        uint256 indexed job,
        uint32 indexed interval,
        address indexed challenger,
        uint256 dispute,
        address solver,
        bool byProof
    );
    /// @notice The verdict no longer matters, because the interval became void; the bond went back.
    event ChallengeMoot(uint256 indexed job, uint32 indexed interval, address indexed challenger, uint256 dispute);
    /// @notice Intervals first … first + count − 1 are final and `paid` was credited to the solver; with the job's last
    /// interval the retainer, less what lateness cost, is in it.
    event Finalised(uint256 indexed job, uint8 indexed round, address indexed solver, uint32 first, uint32 count, uint256 paid);
    /// @notice An audit stalled: the solver got the part of the retainer for its final intervals.
    event RetainerPaid(uint256 indexed job, uint8 indexed round, address indexed solver, uint256 paid);
    /// @notice The assignment ended early; the job goes on (or ends) before interval `end` once all before it are final.
    event AssignmentEnded(uint256 indexed job, uint8 indexed round, address indexed solver, uint32 end, EndReason reason);
    /// @notice What became of the solver's stake. After a conviction the first three are its shares; otherwise all goes back but a
    /// late solver's penalty, which goes to the submitter.
    event StakeSettled(
        uint256 indexed job,
        uint8 indexed round,
        address indexed solver,
        address challenger,
        uint256 toChallenger,
        uint256 toSubmitter,
        uint256 toTreasury,
        uint256 toSolver
    );
    /// @notice The job is over: `Settled`, `Cancelled` or `Expired`. `refund` was credited to the submitter.
    event JobEnded(uint256 indexed job, Status indexed status, uint32 finalised, uint256 refund);
    /// @notice A bidder of a cancelled round took its deposit and its share of the posting bond back.
    event DepositReclaimed(uint256 indexed job, uint8 indexed round, address indexed bidder, uint256 amount);
    /// @notice Where the store of this account can be reached (an http address).
    event EndpointAnnounced(address indexed account, string endpoint);
}
