// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable, ICourt} from "./ICourt.sol";
import {IBeacon} from "./IBeacon.sol";
import {IMarketErrors} from "./IMarketErrors.sol";
import {IStakeVault} from "./IStakeVault.sol";

/// @title A market where strangers buy and sell training jobs
/// @notice Rules, formulas and the order of calls: docs/specification/market.md. Amounts are base units of the vault's token, times are
/// seconds, rates and shares are millionths. Everything a party needs follows from the events and the views; big data is in events only
/// and is handed back by the caller, who is checked against a stored hash.
interface IJobMarket is IArbitrable, IMarketErrors {
    // ---------------------------------------------------------------- types

    /// @notice `Open`: an auction round is running. `Running`: a solver is assigned. `Ending`: the assignment has ended while some of its
    /// intervals still have to become final. `Settled`: all intervals are final. `Cancelled`: by the submitter, before an assignment.
    /// `Expired`: it ended early and the rest of the escrow went back.
    enum Status {
        None,
        Open,
        Running,
        Ending,
        Settled,
        Cancelled,
        Expired
    }

    /// @notice Why an assignment ended early. `Convicted`: a verdict. `Late`: a checkpoint was not committed in time. `Stalled`: an audit
    /// was not answered by anybody for too long.
    enum EndReason {
        None,
        Convicted,
        Late,
        Stalled
    }

    /// @notice What the submitter asks for. Fixed at posting, stored as a hash, emitted in `JobPosted`.
    /// @param programRoot root of the program's records
    /// @param constantsRoot root of its constants, zero if it has none
    /// @param initialRoot root of the state before the first step
    /// @param steps steps of the whole job
    /// @param intervalSteps steps between checkpoints, at least 2; the last interval is shorter if it must be, and also has at least 2
    /// @param deadline longest duration a bid may promise, seconds
    /// @param auditRate chance that an interval is audited, millionths, up to 1,000,000
    /// @param budget most the submitter pays for the computation
    /// @param valueOfTime v: what one second of delay costs the submitter
    /// @param harm H: what a false result would cost the submitter beyond the price
    struct JobSpec {
        bytes32 programRoot;
        bytes32 constantsRoot;
        bytes32 initialRoot;
        uint64 steps;
        uint32 intervalSteps;
        uint32 deadline;
        uint32 auditRate;
        uint96 budget;
        uint96 valueOfTime;
        uint96 harm;
    }

    /// @notice What a job costs and asks for, before it is posted.
    /// @param intervals n
    /// @param stake S, locked from the solver
    /// @param deposit locked with each sealed bid (5% of the budget)
    /// @param auditFee paid for each clean check
    /// @param auditReserve set aside for audit fees; what is not used goes back
    /// @param postingBond goes to the bidders if the submitter cancels after bids came in; otherwise it goes back
    /// @param escrow budget + auditReserve + postingBond: what `post` charges
    /// @param challengeBond what a challenger puts up
    struct Quote {
        uint32 intervals;
        uint96 stake;
        uint96 deposit;
        uint96 auditFee;
        uint96 auditReserve;
        uint96 postingBond;
        uint96 escrow;
        uint96 challengeBond;
    }

    /// @notice A committed checkpoint: the state after an interval. Stored as a hash, emitted in `CheckpointsCommitted`.
    /// @param root S(end), state root at the end of the interval
    /// @param seal K = SHA-256(job ‖ interval ‖ S(end−1))
    /// @param committedAt when it was committed
    /// @param beaconBlock the block whose randomness draws the interval's audit
    /// @param forced true when the first seed lapsed: the interval is then drawn for certain
    struct Checkpoint {
        bytes32 root;
        bytes32 seal;
        uint40 committedAt;
        uint40 beaconBlock;
        bool forced;
    }

    /// @notice A job as it stands. Intervals are numbered from 0 for the whole job; a round starts at interval `first`.
    /// @param solver the solver; while `Open`, the leading bidder (zero if none)
    /// @param escrow tokens of the submitter still held, audit reserve and posting bond included
    /// @param auditReserve what is left for audit fees
    /// @param roundBudget most that is paid for the intervals from `first` on
    /// @param stake S, locked from the solver in this round
    /// @param payment price of all intervals from `first` on (while `Open`: the leader's own price)
    /// @param duration seconds the solver (while `Open`: the leader) promised
    /// @param secondScore the second-lowest score so far, the reserve if there is none
    /// @param dueAt when the next batch must be committed; 0 unless running with intervals missing, and while a dispute stops the clock
    /// @param committed intervals committed: the next one to commit
    /// @param finalised intervals that are final: the next one to become final
    /// @param end the interval before which the job goes on: all of them, or the lowest convicted (missing, stalled) one
    /// @param disputes disputes running about intervals below `end`
    /// @param endReason why the assignment ended
    struct Job {
        Status status;
        uint8 round;
        address submitter;
        address solver;
        uint96 escrow;
        uint96 auditReserve;
        uint96 roundBudget;
        uint96 stake;
        uint96 payment;
        uint32 duration;
        uint128 secondScore;
        uint40 bidsUntil;
        uint40 revealsUntil;
        uint16 bids;
        uint16 reveals;
        uint40 assignedAt;
        uint40 dueAt;
        uint32 intervals;
        uint32 first;
        uint32 committed;
        uint32 finalised;
        uint32 end;
        uint16 disputes;
        EndReason endReason;
    }

    /// @notice An interval's audit.
    /// @param verifier who was summoned last, zero if nobody
    /// @param answerBy when the summoned verifier's answer is due, zero if nobody is summoned now
    /// @param attempt how many verifiers did not answer or challenged wrongly
    /// @param disputes disputes running about this interval
    /// @param attested whether the drawn verifier attested
    struct Audit {
        address verifier;
        uint40 answerBy;
        uint8 attempt;
        uint16 disputes;
        bool attested;
    }

    /// @notice A dispute this market opened.
    /// @param drawn whether the challenger was the drawn verifier
    struct Dispute {
        address challenger;
        uint96 bond;
        uint64 job;
        uint32 interval;
        uint8 round;
        bool isSeal;
        bool drawn;
        uint96 harm;
    }

    /// @notice What the market was built with; nothing of it can change.
    /// @param treasury receives shares of slashed stakes and lost bonds
    /// @param bidPeriod seconds for sealed bids
    /// @param revealPeriod seconds for reveals
    /// @param grace seconds added to a solver's promised duration
    /// @param window seconds in which anyone may challenge a checkpoint
    /// @param answerPeriod seconds a summoned verifier has
    /// @param stallPeriod seconds after which an unanswered audit ends the job
    /// @param clock seconds each side of a dispute has
    /// @param increment seconds each move adds
    /// @param beaconDelay blocks between a commitment and its beacon block, at least 2
    /// @param honestShare h, honest share of verifiers' stake
    /// @param proposerShare a, share of block proposers an attacker may control
    /// @param challengerShare β, the convicting challenger's share of the stake
    /// @param submitterShare most of the stake that goes to the submitter
    /// @param auditFactor audit fee over an interval's share of the budget (1,300,000 is 1.3)
    /// @param disputeGas what the gas of one side of a dispute is worth, in tokens
    struct Parameters {
        address treasury;
        uint32 bidPeriod;
        uint32 revealPeriod;
        uint32 grace;
        uint32 window;
        uint32 answerPeriod;
        uint32 stallPeriod;
        uint32 clock;
        uint32 increment;
        uint32 beaconDelay;
        uint32 honestShare;
        uint32 proposerShare;
        uint32 challengerShare;
        uint32 submitterShare;
        uint32 auditFactor;
        uint96 disputeGas;
    }

    // ---------------------------------------------------------------- events

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
    /// @notice Intervals first … first + count − 1 are final and `paid` was credited to the solver.
    event Finalised(uint256 indexed job, uint8 indexed round, address indexed solver, uint32 first, uint32 count, uint256 paid);
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

    // ---------------------------------------------------------------- posting

    /// @notice What a job would cost and ask for.
    function quote(JobSpec calldata spec) external view returns (Quote memory);

    /// @notice Posts a job, charges the escrow (`quote(spec).escrow`) from the caller, and opens its first auction round.
    /// @dev Charges take the caller's balance in the vault first, then its tokens approved to the vault.
    /// @param package CID of the job's package
    /// @param mirrors addresses of stores that have it
    function post(JobSpec calldata spec, string calldata package, string[] calldata mirrors) external returns (uint256 job);

    /// @notice `post` with an EIP-2612 permit that lets the vault take the escrow.
    function postWithPermit(
        JobSpec calldata spec,
        string calldata package,
        string[] calldata mirrors,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 job);

    /// @notice Submitter: withdraws an open job before bidding ends. If bids came in, the posting bond is theirs.
    function cancel(uint256 job) external;

    /// @notice Tells where the caller's store is; an event only.
    function announce(string calldata endpoint) external;

    // ---------------------------------------------------------------- auction

    /// @notice The commitment of a bid: keccak256(abi.encode(chainid, market, job, round, bidder, price, duration, salt)).
    function commitmentOf(
        uint256 job,
        uint8 round,
        address bidder,
        uint96 price,
        uint32 duration,
        bytes32 salt
    ) external view returns (bytes32);

    /// @notice Enters a sealed bid. Charges the deposit; the caller must have the stake too (balance, or tokens approved to the vault).
    function bid(uint256 job, bytes32 commitment) external;

    /// @notice Opens the caller's bid. The deposit comes back; if the bid leads, the stake is locked and the former leader's comes back.
    /// A bid that is not revealed forfeits its deposit.
    function reveal(uint256 job, uint96 price, uint32 duration, bytes32 salt) external;

    /// @notice Ends the auction: when revealing is over, or earlier once every bid is revealed. Anyone may call it. With no revealed bid
    /// the round is opened again, once; after that the job expires.
    function assign(uint256 job) external;

    /// @notice Takes back the deposit of a bid in a cancelled round, with a share of the posting bond.
    function reclaim(uint256 job, uint8 round) external;

    // ---------------------------------------------------------------- running

    /// @notice Solver: commits the next 1 to 16 checkpoints.
    /// @param roots S(end) of each
    /// @param seals K of each
    function commitCheckpoints(uint256 job, bytes32[] calldata roots, bytes32[] calldata seals) external;

    /// @notice Makes the next intervals final, pays the solver for them, and settles the job with the last one. Anyone may call it.
    /// @param checkpoints the checkpoints of the intervals finalised, finalised + 1, …
    function finalise(uint256 job, Checkpoint[] calldata checkpoints) external;

    /// @notice Ends an assignment whose next batch is overdue. Anyone may call it.
    function expire(uint256 job) external;

    /// @notice Ends a job whose next interval cannot become final because its audit has not been answered for the stall period. Anyone may call it.
    /// @param checkpoint the checkpoint of interval `finalised`
    function abandon(uint256 job, Checkpoint calldata checkpoint) external;

    // ---------------------------------------------------------------- audits

    /// @notice Whether an interval is drawn for an audit and who audits it now (zero: nobody has weight, the interval goes unaudited).
    /// @dev Reverts with SeedMissing until the beacon has the block's randomness.
    function drawOf(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external view returns (bool drawn, address verifier);

    /// @notice Starts the clock of the drawn verifier's answer. Anyone may call it.
    function summon(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice Dismisses a summoned verifier that did not answer in time: it pays one audit fee, and another is drawn. Anyone may call it.
    function dismiss(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice Gives a checkpoint whose seed lapsed a fresh beacon block; it is then drawn for certain. Anyone may call it.
    function renew(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external;

    /// @notice Drawn verifier: confirms the interval by showing S(end−1). Pays the audit fee. No summons is needed.
    function attest(uint256 job, uint32 interval, Checkpoint calldata checkpoint, bytes32 stateRoot) external;

    /// @notice Denies a checkpoint's root or, with `isSeal`, its seal. Charges the bond and opens a dispute in the court. Anyone, inside the
    /// window; the drawn verifier also later, as long as it may answer.
    /// @param spec the job's specification
    /// @param start the checkpoint before the interval; ignored for interval 0
    /// @param end the interval's checkpoint
    /// @param roots the challenger's opening dissection (docs/specification/court.md)
    /// @return dispute its number in the court
    function challenge(
        uint256 job,
        uint32 interval,
        bool isSeal,
        JobSpec calldata spec,
        Checkpoint calldata start,
        Checkpoint calldata end,
        bytes32[] calldata roots
    ) external returns (uint256 dispute);

    // ---------------------------------------------------------------- views

    function jobs() external view returns (uint256);

    /// @notice A job as it stands; reverts with UnknownJob.
    function jobOf(uint256 job) external view returns (Job memory);

    /// @notice keccak256(abi.encode(spec)).
    function specHashOf(uint256 job) external view returns (bytes32);

    /// @notice keccak256(abi.encode(checkpoint)) of an interval that is not final yet, or is the last final one; zero otherwise.
    function checkpointHashOf(uint256 job, uint32 interval) external view returns (bytes32);

    function auditOf(uint256 job, uint32 interval) external view returns (Audit memory);

    /// @notice A dispute of this market; all zero once its verdict was given.
    function disputeOf(uint256 dispute) external view returns (Dispute memory);

    /// @notice The commitment of a bid that is not revealed; zero otherwise.
    function bidOf(uint256 job, uint8 round, address bidder) external view returns (bytes32);

    function parameters() external view returns (Parameters memory);

    function court() external view returns (ICourt);

    function vault() external view returns (IStakeVault);

    function beacon() external view returns (IBeacon);
}
