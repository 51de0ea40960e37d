// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {DisputeContext} from "./DisputeContext.sol";
import {Draw} from "./Draw.sol";
import {Pricing} from "./Pricing.sol";
import {Settlement} from "./Settlement.sol";

/// @title Challenges and verdicts
/// @dev docs/specification/market.md, section 8.
abstract contract Disputes is IDisputes, Settlement, Draw {
    /* CALLS */

    /// @inheritdoc IDisputes
    function challenge(
        uint256 job,
        uint32 interval,
        bool isSeal,
        JobSpec calldata spec,
        Checkpoint calldata start,
        Checkpoint calldata end,
        bytes32[] calldata roots
    ) external returns (uint256 dispute) {
        JobData storage data = _live(job);
        require(keccak256(abi.encode(spec)) == data.specHash, WrongSpec(job));
        bool attested = _checkOpen(job, data, interval, end);
        if (interval > 0) _checkCheckpoint(job, interval - 1, start);
        Dispute memory record = _enter(job, data, interval, end, attested);
        record.isSeal = isSeal;
        record.bond = Pricing.challengeBond(_disputeGas, _auditFee(data), data.valueOfTime, _clock);
        // The court is fixed at construction and calls nobody when it opens a dispute.
        dispute = _court.open(
            ICourt.Claim({
                programRoot: spec.programRoot,
                constantsRoot: spec.constantsRoot,
                startRoot: interval == 0 ? spec.initialRoot : start.root,
                target: isSeal ? end.seal : end.root,
                job: job,
                interval: interval,
                steps: Pricing.stepsOf(spec, data.intervals, interval),
                isSeal: isSeal,
                solver: data.solver,
                challenger: msg.sender,
                clock: _clock,
                increment: _increment,
                context: DisputeContext.pack(record)
            }),
            roots
        );
        emit Challenged(job, interval, msg.sender, dispute, record.round, isSeal, record.drawn, record.bond);
        _vault.charge(msg.sender, record.bond);
    }

    /// @inheritdoc IArbitrable
    function onVerdict(uint256 dispute, bytes32 context, address challenger, bool challengerWins, bool byProof) external {
        // The court gives each verdict once, with the context this market gave.
        require(msg.sender == address(_court), NotCourt(msg.sender));
        Dispute memory record = DisputeContext.unpack(context);
        JobData storage data = _jobs[record.job];
        bool sameRound = record.round == data.round && (data.status == Status.Running || data.status == Status.Ending);
        if (sameRound) _countDown(data, record);
        if (!sameRound || record.interval >= data.committed) {
            emit ChallengeMoot(record.job, record.interval, challenger, dispute);
            _vault.credit(challenger, record.bond);
        } else if (challengerWins) {
            _convict(dispute, data, record, challenger, byProof);
        } else {
            _fail(dispute, data, record, challenger);
        }
    }

    /* INTERNALS */

    /// @dev Enters a dispute into its interval's audit and the job's counts. Outside the window only the drawn verifier may challenge.
    function _enter(
        uint256 job,
        JobData storage data,
        uint32 interval,
        Checkpoint calldata end,
        bool attested
    ) private returns (Dispute memory record) {
        Audit storage audit = _audits[job][data.round][interval];
        address verifier = _drawnVerifier(job, data, interval, end);
        bool drawn = !attested && verifier == msg.sender;
        uint256 closesAt = uint256(end.committedAt) + _window;
        require(drawn || block.timestamp < closesAt, TooLate(closesAt, block.timestamp));
        record.job = uint64(job);
        record.interval = interval;
        record.round = data.round;
        record.drawn = drawn;
        record.attempt = audit.attempt;
        audit.disputes += 1;
        if (drawn) audit.verifier = msg.sender;
        // The verdict comes without the checkpoint, so without a way to draw again.
        if (attested) _recordAttester(audit, verifier);
        if (data.disputes == 0) data.pausedAt = uint40(block.timestamp);
        data.disputes += 1;
    }

    /// @dev The interval's verifier, zero if it is not drawn. While the seed is unknown nobody is.
    function _drawnVerifier(
        uint256 job,
        JobData storage data,
        uint32 interval,
        Checkpoint calldata end
    ) private view returns (address verifier) {
        bytes32 randomness = _beacon.randomness(end.beaconBlock);
        if (randomness == 0) return address(0);
        (, verifier) = _draw(job, data, interval, end, randomness);
    }

    /// @dev A dispute is over; with the last one the job's deadlines run on.
    function _countDown(JobData storage data, Dispute memory record) private {
        _audits[record.job][record.round][record.interval].disputes -= 1;
        data.disputes -= 1;
        if (data.disputes > 0) return;
        data.extension += uint32(block.timestamp - data.pausedAt);
        data.pausedAt = 0;
    }

    /// @dev The lowest convicted interval counts, and the first challenger that convicted it.
    function _convict(uint256 dispute, JobData storage data, Dispute memory record, address challenger, bool byProof) private {
        Audit storage audit = _audits[record.job][record.round][record.interval];
        // A clock proves nothing: the solver may have stopped playing to harm who attested it.
        if (byProof && audit.attested) _penaliseAttester(record, audit.verifier);
        // An interval that is void has no auditor any more: its place is for who convicted it.
        audit.verifier = challenger;
        emit Convicted(record.job, record.interval, challenger, dispute, data.solver, byProof);
        _vault.credit(challenger, record.bond);
        _endAssignment(record.job, data, record.interval, EndReason.Convicted);
    }

    /// @dev Whoever attests without having run the interval risks the least stake a verifier has. It goes to the treasury, so that nobody gains
    /// by convicting himself.
    function _penaliseAttester(Dispute memory record, address attester) private {
        uint256 penalty = _vault.penalise(attester, _vault.minimumStake());
        emit AttesterPenalised(record.job, record.interval, attester, penalty);
        if (penalty > 0) _vault.credit(_treasury, penalty);
    }

    /// @dev The claim stood. The solver gets most of the bond. A drawn verifier that challenged wrongly is replaced; another one's clock
    /// starts again.
    function _fail(uint256 dispute, JobData storage data, Dispute memory record, address challenger) private {
        Audit storage audit = _audits[record.job][record.round][record.interval];
        if (record.drawn && audit.attempt == record.attempt) {
            audit.attempt += 1;
            audit.answerBy = 0;
            audit.withheld = false;
        } else if (audit.answerBy != 0 && !audit.attested) {
            audit.answerBy = uint40(block.timestamp + _answerPeriod);
            emit VerifierSummoned(record.job, record.interval, audit.verifier, audit.attempt, audit.answerBy);
        }
        uint256 toSolver = Pricing.share(record.bond, BOND_TO_WINNER);
        uint256 toTreasury = record.bond - toSolver;
        emit ChallengeFailed(record.job, record.interval, challenger, dispute, toSolver, toTreasury);
        _vault.credit(data.solver, toSolver);
        _vault.credit(_treasury, toTreasury);
    }
}
