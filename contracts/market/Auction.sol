// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAuction} from "../interfaces/IAuction.sol";
import {Pricing} from "./Pricing.sol";
import {Settlement} from "./Settlement.sol";

/// @title Posting and the sealed auction
/// @dev docs/specification/market.md, sections 3 and 4.
abstract contract Auction is IAuction, Settlement {
    using SafeCast for uint256;

    /* POSTING */

    /// @inheritdoc IAuction
    function quote(JobSpec calldata spec) public view returns (Quote memory result) {
        require(spec.programRoot != 0 && spec.initialRoot != 0, ZeroRoot());
        require(spec.auditRate > 0 && spec.auditRate <= Pricing.ONE, BadAuditRate(spec.auditRate));
        require(spec.deadline > 0, BadDeadline(spec.deadline));
        result.intervals = Pricing.intervals(spec);
        require(spec.budget >= result.intervals, BudgetTooSmall(spec.budget, result.intervals));
        result.stake = Pricing.stake(
            spec.budget,
            result.intervals,
            spec.harm,
            spec.auditRate,
            _honestShare,
            _proposerShare,
            _challengerShare
        );
        result.deposit = Pricing.share(spec.budget, Pricing.DEPOSIT_SHARE).toUint96();
        result.postingBond = result.deposit;
        result.auditFee = Pricing.auditFee(spec.budget, result.intervals, _auditFactor);
        result.auditReserve = (Pricing.reservedAudits(result.intervals, spec.auditRate) * result.auditFee).toUint96();
        result.escrow = (uint256(spec.budget) + result.auditReserve + result.postingBond).toUint96();
        result.challengeBond = Pricing.challengeBond(_disputeGas, result.auditFee, spec.valueOfTime, _clock);
    }

    /// @inheritdoc IAuction
    function post(JobSpec calldata spec, string calldata package, string[] calldata mirrors) public returns (uint256 job) {
        Quote memory terms = quote(spec);
        job = ++_jobCount;
        JobData storage data = _jobs[job];
        data.specHash = keccak256(abi.encode(spec));
        data.submitter = msg.sender;
        data.escrow = terms.escrow;
        data.stake = terms.stake;
        data.auditReserve = terms.auditReserve;
        data.intervals = terms.intervals;
        data.auditRate = spec.auditRate;
        data.budget = spec.budget;
        data.valueOfTime = spec.valueOfTime;
        data.deadline = spec.deadline;
        if (spec.harm > 0) data.harm = spec.harm;
        emit JobPosted(job, msg.sender, spec, terms.intervals, terms.escrow, package, mirrors);
        _openRound(job, data);
        _vault.charge(msg.sender, terms.escrow);
    }

    /// @inheritdoc IAuction
    function postWithPermit(
        JobSpec calldata spec,
        string calldata package,
        string[] calldata mirrors,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 job) {
        address token = address(_vault.token());
        // Somebody may have sent the permit already; then the allowance is there and posting goes on.
        try IERC20Permit(token).permit(msg.sender, address(_vault), quote(spec).escrow, deadline, v, r, s) {} catch {}
        return post(spec, package, mirrors);
    }

    /// @inheritdoc IAuction
    function cancel(uint256 job) external {
        JobData storage data = _inStatus(job, Status.Open);
        require(msg.sender == data.submitter, NotSubmitter(msg.sender, data.submitter));
        require(block.timestamp < data.bidsUntil, TooLate(data.bidsUntil, block.timestamp));
        // What the bidders may reclaim stays in escrow.
        uint256 held = _bondShare(data) * data.bids;
        _endJob(job, data, Status.Cancelled, held);
    }

    /// @inheritdoc IAuction
    function reclaim(uint256 job, uint8 round) external {
        JobData storage data = _inStatus(job, Status.Cancelled);
        require(round == data.round && _bids[job][round][msg.sender] != 0, NothingToReclaim(job, round, msg.sender));
        uint256 bondShare = _bondShare(data);
        uint256 amount = _deposit(data) + bondShare;
        delete _bids[job][round][msg.sender];
        data.escrow -= uint96(bondShare);
        emit DepositReclaimed(job, round, msg.sender, amount);
        _vault.credit(msg.sender, amount);
    }

    /* BIDS */

    /// @inheritdoc IAuction
    function commitmentOf(
        uint256 job,
        uint8 round,
        address bidder,
        uint96 price,
        uint32 duration,
        bytes32 salt
    ) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), job, round, bidder, price, duration, salt));
    }

    /// @inheritdoc IAuction
    function bid(uint256 job, bytes32 commitment) external {
        JobData storage data = _inStatus(job, Status.Open);
        require(block.timestamp < data.bidsUntil, TooLate(data.bidsUntil, block.timestamp));
        require(commitment != 0, ZeroCommitment());
        uint8 round = data.round;
        require(_bids[job][round][msg.sender] == 0, AlreadyBid(job, round, msg.sender));
        require(data.bids < type(uint16).max, TooManyBids(job, type(uint16).max));
        uint256 deposit = _deposit(data);
        _checkCover(Math.max(data.stake, deposit));
        _bids[job][round][msg.sender] = commitment;
        data.bids += 1;
        emit BidCommitted(job, round, msg.sender, commitment);
        _vault.charge(msg.sender, deposit);
    }

    /// @inheritdoc IAuction
    function reveal(uint256 job, uint96 price, uint32 duration, bytes32 salt) external {
        JobData storage data = _inStatus(job, Status.Open);
        uint256 until = _revealsUntil(data);
        require(block.timestamp >= data.bidsUntil, TooEarly(data.bidsUntil, block.timestamp));
        require(block.timestamp < until, TooLate(until, block.timestamp));
        uint8 round = data.round;
        bytes32 revealed = commitmentOf(job, round, msg.sender, price, duration, salt);
        require(_bids[job][round][msg.sender] == revealed, WrongReveal(_bids[job][round][msg.sender], revealed));
        uint96 budget = _roundBudget(data);
        require(price <= budget, PriceAboveBudget(price, budget));
        require(duration > 0 && duration <= data.deadline, BadDuration(duration, data.deadline));
        delete _bids[job][round][msg.sender];
        data.reveals += 1;
        _place(job, data, price, duration);
    }

    /// @inheritdoc IAuction
    function assign(uint256 job) external {
        JobData storage data = _inStatus(job, Status.Open);
        require(block.timestamp >= data.bidsUntil, TooEarly(data.bidsUntil, block.timestamp));
        uint256 until = _revealsUntil(data);
        require(block.timestamp >= until || data.reveals == data.bids, TooEarly(until, block.timestamp));
        uint256 forfeits = (data.bids - data.reveals) * _deposit(data);
        address solver = data.solver;
        if (solver == address(0)) {
            _reopenIdle(job, data, forfeits);
            return;
        }
        uint96 payment = Pricing.payment(data.payment, _roundBudget(data), data.secondScore, data.valueOfTime, data.duration);
        data.payment = payment;
        data.secondScore = 0;
        data.status = Status.Running;
        data.idleRounds = 0;
        data.assignedAt = uint40(block.timestamp);
        emit Assigned(job, data.round, solver, data.first, payment, data.duration, data.stake, forfeits, uint40(_dueAt(data)));
        if (forfeits > 0) _vault.credit(solver, forfeits);
    }

    /* INTERNALS */

    /// @dev Nobody revealed: the deposits go to the submitter, and the round is opened again or the job expires.
    function _reopenIdle(uint256 job, JobData storage data, uint256 forfeits) private {
        address submitter = data.submitter;
        data.idleRounds += 1;
        if (data.idleRounds >= MAX_IDLE_ROUNDS || data.round >= MAX_ROUNDS) {
            _endJob(job, data, Status.Expired, 0);
        } else {
            _openRound(job, data);
        }
        if (forfeits > 0) _vault.credit(submitter, forfeits);
    }

    /// @dev Enters a revealed bid: lowest score leads, the earlier reveal on a tie. Exactly the leader's stake is locked.
    function _place(uint256 job, JobData storage data, uint96 price, uint32 duration) private {
        uint256 stake = data.stake;
        uint256 deposit = _deposit(data);
        if (stake > deposit) _checkCover(stake - deposit);
        address former = data.solver;
        uint256 score = Pricing.score(price, data.valueOfTime, duration);
        uint256 leading = former == address(0) ? type(uint256).max : Pricing.score(data.payment, data.valueOfTime, data.duration);
        bool leads = score < leading;
        emit BidRevealed(job, data.round, msg.sender, price, duration, score, leads);
        if (!leads) {
            if (score < data.secondScore) data.secondScore = uint96(score);
            _vault.credit(msg.sender, deposit);
            return;
        }
        // The reserve is above every score, so it stays the second score only as long as there is one bid.
        if (former != address(0)) data.secondScore = uint96(leading);
        data.solver = msg.sender;
        data.payment = price;
        data.duration = duration;
        if (stake > deposit) _vault.charge(msg.sender, stake - deposit);
        if (stake < deposit) _vault.credit(msg.sender, deposit - stake);
        if (former != address(0)) _vault.credit(former, stake);
    }

    function _bondShare(JobData storage data) private view returns (uint256) {
        if (data.bids == 0) return 0;
        return Pricing.share(data.budget, Pricing.DEPOSIT_SHARE) / data.bids;
    }

    function _checkCover(uint256 needed) private view {
        if (_vault.balanceOf(msg.sender) >= needed) return;
        uint256 covered = _vault.available(msg.sender);
        require(covered >= needed, StakeNotCovered(msg.sender, covered, needed));
    }
}
