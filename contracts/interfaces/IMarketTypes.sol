// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

/// @title What the market speaks about
/// @notice Amounts are base units of the vault's token, times are Unix seconds, periods seconds, rates and shares millionths. Intervals are
/// numbered from 0 for the whole job, jobs and rounds from 1.
interface IMarketTypes {
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
    /// @param secondScore while `Open`, the second-lowest score so far, the reserve if there is none; when all is committed, what lateness costs
    /// @param expiresAt when anyone may end the assignment because the batch is late; 0 like `dueAt`
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
        uint96 secondScore;
        uint40 bidsUntil;
        uint40 revealsUntil;
        uint16 bids;
        uint16 reveals;
        uint40 assignedAt;
        uint40 dueAt;
        uint40 expiresAt;
        uint32 intervals;
        uint32 first;
        uint32 committed;
        uint32 finalised;
        uint32 end;
        uint16 disputes;
        EndReason endReason;
    }

    /// @notice An interval's audit.
    /// @param verifier who was summoned last, zero if nobody; of a disputed interval that was attested, who attested it; of a convicted one, who
    /// convicted it
    /// @param answerBy when the summoned verifier's answer is due, zero if nobody is summoned now
    /// @param attempt how many verifiers did not answer or challenged wrongly
    /// @param disputes disputes running about this interval
    /// @param attested whether the drawn verifier attested; no longer told when the interval before the last final one is
    /// @param withheld whether the drawn verifier could not get the state before the interval, and the submitter has not said since that it has it
    struct Audit {
        address verifier;
        uint40 answerBy;
        uint8 attempt;
        uint16 disputes;
        bool attested;
        bool withheld;
    }

    /// @notice What the market remembers of a dispute it opened. The court keeps it, packed, as the dispute's context.
    /// @param drawn whether the challenger was the drawn verifier, at the audit's attempt number `attempt`
    struct Dispute {
        uint64 job;
        uint32 interval;
        uint8 round;
        uint8 attempt;
        bool drawn;
        bool isSeal;
        uint96 bond;
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
}
