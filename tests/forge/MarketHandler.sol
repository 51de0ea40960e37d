// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IBeacon} from "../../contracts/interfaces/IBeacon.sol";
import {ICourt} from "../../contracts/interfaces/ICourt.sol";
import {IMarketTypes} from "../../contracts/interfaces/IMarketTypes.sol";
import {JobMarket} from "../../contracts/market/JobMarket.sol";
import {Proceedings} from "../../contracts/market/Proceedings.sol";
import {StakeVault} from "../../contracts/market/StakeVault.sol";
import {ScriptedBeacon} from "../../contracts/mocks/ScriptedBeacon.sol";
import {ScriptedCourt} from "../../contracts/mocks/ScriptedCourt.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {vm} from "./Vm.sol";

/// @title Seven parties that call the market in any order
/// @dev `step` tries one thing that may make sense in the state a job is in, chosen by a random number; sometimes it makes none. What the market
/// refuses is skipped; `done` counts what it accepted.
contract MarketHandler is IMarketTypes {
    uint256 public constant PARTIES = 7;
    uint256 private constant LIVE_JOBS = 3;
    uint256 private constant MOST_JOBS = 14;
    uint32 private constant STEPS = 20;
    uint32 private constant INTERVAL = 4;

    TestToken public immutable token = new TestToken();
    ScriptedCourt public immutable court = new ScriptedCourt();
    ScriptedBeacon public immutable beacon = new ScriptedBeacon();
    StakeVault public immutable vault;
    JobMarket public immutable market;

    /// @notice Calls the market accepted, by name.
    mapping(string name => uint256 calls) public done;

    /// @notice What solvers were paid for intervals of a job.
    mapping(uint256 job => uint256 amount) public paid;

    mapping(uint256 job => JobSpec spec) private _specs;
    mapping(uint256 job => mapping(uint256 interval => Checkpoint checkpoint)) private _checkpoints;
    mapping(uint256 job => mapping(address bidder => uint256 terms)) private _terms;

    constructor() {
        vault = new StakeVault(token, 100, 400);
        Parameters memory parameters = Parameters({
            treasury: party(PARTIES - 1),
            bidPeriod: 40,
            revealPeriod: 40,
            grace: 30,
            window: 60,
            answerPeriod: 50,
            stallPeriod: 150,
            clock: 100,
            increment: 1,
            beaconDelay: 2,
            honestShare: 600_000,
            proposerShare: 100_000,
            challengerShare: 300_000,
            submitterShare: 400_000,
            auditFactor: 1_300_000,
            disputeGas: 17
        });
        ICourt asCourt = ICourt(address(court));
        IBeacon asBeacon = IBeacon(address(beacon));
        Proceedings proceedings = new Proceedings(asCourt, vault, asBeacon, parameters);
        market = new JobMarket(token, asCourt, vault, asBeacon, proceedings, parameters);
        vault.connect(address(market));
        for (uint256 i = 0; i < PARTIES; ++i) {
            token.mint(party(i), 10 ** 12);
            vm.prank(party(i));
            token.approve(address(vault), type(uint256).max);
        }
    }

    function party(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + (seed % PARTIES)));
    }

    /// @notice The only call a test makes.
    function step(uint256 random) external {
        uint256 seed = uint256(keccak256(abi.encode(random)));
        uint256 kind = seed % 100;
        seed >>= 8;
        if (kind < 10) return _pass(uint8(seed));
        if (kind < 20) return _useVault(seed >> 8, seed % 4);
        if (kind < 36 && _liveJobs() < LIVE_JOBS) return _post(seed, uint24(seed >> 16), uint16(seed >> 40), uint8(seed >> 56));
        uint256 job = _job(seed);
        if (job == 0) return;
        Status status = market.jobOf(job).status;
        if (status == Status.Open) return _useAuction(seed, (seed >> 32) % 16);
        if (status == Status.Cancelled) return _reclaim(seed, seed >> 32);
        if (kind < 96) return _useJob(seed, (seed >> 32) % 16);
        return _verdict(seed >> 40, seed % 4 == 0);
    }

    function _useVault(uint256 seed, uint256 choice) private {
        if (choice == 0) return _withdraw(seed);
        if (choice == 1) return _unstake(seed, uint16(seed >> 16));
        if (choice == 2) return _release(seed);
        return _stake(seed, uint16(seed >> 16));
    }

    function _useAuction(uint256 seed, uint256 choice) private {
        Job memory state = market.jobOf(_job(seed));
        if (block.timestamp >= state.bidsUntil) {
            if (choice < 4) return _assign(seed);
            return _reveal(seed, seed >> 40);
        }
        if (choice == 0 && seed % 2 == 0) return _cancel(seed);
        return _bid(seed, seed >> 40, uint96(seed >> 48), uint32(seed >> 144));
    }

    function _useJob(uint256 seed, uint256 choice) private {
        uint8 which = uint8(seed >> 40);
        if (choice < 3) return _commit(seed, which);
        if (choice < 5) return _finalise(seed, which);
        if (choice < 8) return _attest(seed, which);
        if (choice < 9) return _challenge(seed, which, seed >> 48, seed % 2 == 0);
        if (choice < 12) return _verdict(seed >> 40, seed % 4 == 0);
        if (choice == 12) return _summon(seed, which);
        if (choice == 13) return seed % 2 == 0 ? _dismiss(seed, which) : _dismissAll(seed);
        if (choice == 15) _reportUnavailable(seed, which);
        if (choice == 15) _confirmAvailable(seed, which);
        if (choice == 14) return _expire(seed);
        _renew(seed, which);
        _abandon(seed);
    }

    /* TIME */

    function _pass(uint8 time) private {
        vm.warp(block.timestamp + 1 + (time % 90));
        vm.roll(block.number + 3);
        done["pass"] += 1;
    }

    /* VAULT */

    function _stake(uint256 who, uint16 amount) private {
        vm.prank(party(who));
        try vault.stake(amount) {
            done["stake"] += 1;
        } catch {}
    }

    function _unstake(uint256 who, uint16 amount) private {
        vm.prank(party(who));
        try vault.unstake(amount) {
            done["unstake"] += 1;
        } catch {}
    }

    function _release(uint256 who) private {
        vm.prank(party(who));
        try vault.release() {
            done["release"] += 1;
        } catch {}
    }

    function _withdraw(uint256 who) private {
        vm.prank(party(who));
        try vault.withdraw(type(uint256).max) {
            done["withdraw"] += 1;
        } catch {}
    }

    /* AUCTION */

    function _post(uint256 who, uint24 budget, uint16 harm, uint8 rate) private {
        if (market.jobs() == MOST_JOBS) return;
        JobSpec memory spec = JobSpec({
            programRoot: bytes32(uint256(1)),
            constantsRoot: bytes32(uint256(2)),
            initialRoot: bytes32(uint256(3)),
            steps: STEPS,
            intervalSteps: INTERVAL,
            deadline: 200,
            auditRate: rate % 2 == 0 ? 1_000_000 : 300_000,
            budget: 1_003 + uint96(budget),
            valueOfTime: 3,
            harm: harm
        });
        vm.prank(party(who));
        uint256 job = market.post(spec, "", new string[](0));
        _specs[job] = spec;
        done["post"] += 1;
    }

    function _cancel(uint256 seed) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        vm.prank(market.jobOf(job).submitter);
        try market.cancel(job) {
            done["cancel"] += 1;
        } catch {}
    }

    function _bid(uint256 seed, uint256 who, uint96 price, uint32 duration) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        Job memory state = market.jobOf(job);
        price = uint96(price % (uint256(state.roundBudget) + 1));
        duration = 1 + (duration % 200);
        bytes32 commitment = market.commitmentOf(job, state.round, party(who), price, duration, bytes32(0));
        vm.prank(party(who));
        try market.bid(job, commitment) {
            _terms[job][party(who)] = (uint256(price) << 32) | duration;
            done["bid"] += 1;
        } catch {}
    }

    function _reveal(uint256 seed, uint256 whoSeed) private {
        uint256 who = whoSeed % PARTIES;
        uint256 job = _job(seed);
        if (job == 0) return;
        uint8 round = market.jobOf(job).round;
        // The first party from `who` on that has a bid to reveal.
        for (uint256 i = 0; i < PARTIES - 1 && market.bidOf(job, round, party(who)) == 0; ++i) ++who;
        uint256 terms = _terms[job][party(who)];
        vm.prank(party(who));
        try market.reveal(job, uint96(terms >> 32), uint32(terms), bytes32(0)) {
            done["reveal"] += 1;
        } catch {}
    }

    function _assign(uint256 seed) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        try market.assign(job) {
            done["assign"] += 1;
        } catch {}
    }

    function _reclaim(uint256 seed, uint256 who) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        uint8 round = market.jobOf(job).round;
        vm.prank(party(who));
        try market.reclaim(job, round) {
            done["reclaim"] += 1;
        } catch {}
    }

    /* RUNNING */

    function _commit(uint256 seed, uint8 countSeed) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        Job memory state = market.jobOf(job);
        uint256 count = 1 + (countSeed % 3);
        bytes32[] memory roots = new bytes32[](count);
        bytes32[] memory seals = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            roots[i] = keccak256(abi.encode(job, state.committed + i, state.round));
            seals[i] = sha256(abi.encode(job, state.committed + i, bytes32(uint256(7))));
        }
        vm.prank(state.solver);
        try market.commitCheckpoints(job, roots, seals) {
            uint40 beaconBlock = uint40(block.number + 2);
            for (uint256 i = 0; i < count; ++i) {
                _checkpoints[job][state.committed + i] = Checkpoint(roots[i], seals[i], uint40(block.timestamp), beaconBlock, false);
            }
            if (seed % 8 != 0) beacon.set(beaconBlock, keccak256(abi.encode(seed)));
            else beacon.lapse(beaconBlock);
            done["commit"] += 1;
        } catch {}
    }

    function _finalise(uint256 seed, uint8 countSeed) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        Job memory state = market.jobOf(job);
        uint256 count = countSeed % 4 == 0 ? 2 : 1;
        Checkpoint[] memory checkpoints = new Checkpoint[](count);
        for (uint256 i = 0; i < count; ++i) checkpoints[i] = _checkpoints[job][state.finalised + i];
        try market.finalise(job, checkpoints) {
            uint256 m = state.intervals - state.first;
            uint256 retainer = state.payment / 5;
            uint256 before = ((state.payment - retainer) * (state.finalised - state.first)) / m;
            paid[job] += ((state.payment - retainer) * (state.finalised - state.first + count)) / m - before;
            if (state.finalised + count == state.intervals) paid[job] += retainer - state.secondScore;
            done["finalise"] += 1;
            if (market.jobOf(job).status == Status.Settled) done["settled"] += 1;
        } catch {}
    }

    function _expire(uint256 seed) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        try market.expire(job) {
            done["expire"] += 1;
        } catch {}
    }

    function _abandon(uint256 seed) private {
        uint256 job = _job(seed);
        if (job == 0) return;
        try market.abandon(job, _checkpoints[job][market.jobOf(job).finalised]) {
            done["abandon"] += 1;
        } catch {}
    }

    /* AUDITS AND DISPUTES */

    function _attest(uint256 seed, uint8 which) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        try market.drawOf(job, interval, checkpoint) returns (bool, address verifier) {
            vm.prank(verifier);
            try market.attest(job, interval, checkpoint, bytes32(uint256(7))) {
                done["attest"] += 1;
            } catch {}
        } catch {}
    }

    function _summon(uint256 seed, uint8 which) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        try market.summon(job, interval, checkpoint) {
            done["summon"] += 1;
        } catch {}
    }

    function _dismiss(uint256 seed, uint8 which) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        try market.dismiss(job, interval, checkpoint) {
            done["dismiss"] += 1;
        } catch {}
    }

    /// @dev Every summoned verifier of a job whose time is over; a single draw would seldom meet one.
    function _dismissAll(uint256 seed) private {
        Job memory state = market.jobOf(_job(seed));
        for (uint256 i = state.finalised; i < state.committed; ++i) _dismiss(seed, uint8(i - state.finalised));
    }

    function _reportUnavailable(uint256 seed, uint8 which) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        try market.drawOf(job, interval, checkpoint) returns (bool, address verifier) {
            vm.prank(verifier);
            try market.reportUnavailable(job, interval, checkpoint) {
                done["reportUnavailable"] += 1;
            } catch {}
        } catch {}
    }

    function _confirmAvailable(uint256 seed, uint8 which) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        vm.prank(market.jobOf(job).submitter);
        try market.confirmAvailable(job, interval, checkpoint) {
            done["confirmAvailable"] += 1;
        } catch {}
    }

    function _renew(uint256 seed, uint8 which) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        try market.renew(job, interval, checkpoint) {
            checkpoint.beaconBlock = uint40(block.number + 2);
            checkpoint.forced = true;
            _checkpoints[job][interval] = checkpoint;
            beacon.set(checkpoint.beaconBlock, keccak256(abi.encode(seed)));
            done["renew"] += 1;
        } catch {}
    }

    function _challenge(uint256 seed, uint8 which, uint256 who, bool isSeal) private {
        (uint256 job, uint32 interval, Checkpoint memory checkpoint) = _interval(seed, which);
        if (job == 0) return;
        Checkpoint memory start;
        if (interval > 0) start = _checkpoints[job][interval - 1];
        vm.prank(party(who));
        try market.challenge(job, interval, isSeal, _specs[job], start, checkpoint, new bytes32[](1)) {
            done["challenge"] += 1;
        } catch {}
    }

    function _verdict(uint256 seed, bool challengerWins) private {
        uint256 disputes = court.disputes();
        for (uint256 i = 0; i < disputes; ++i) {
            uint256 dispute = 1 + ((seed + i) % disputes);
            if (!court.isRunning(dispute)) continue;
            court.pronounce(dispute, challengerWins, seed % 3 > 0);
            done["verdict"] += 1;
            return;
        }
    }

    /* INTERNALS */

    /// @dev One of the jobs that are not over, or now and then one that is; 0 if there is none.
    function _job(uint256 seed) private view returns (uint256 job) {
        uint256 count = market.jobs();
        for (uint256 i = 0; i < count; ++i) {
            job = 1 + (((seed >> 8) + i) % count);
            if (_isLive(job) || seed % 32 == 0) return job;
        }
    }

    function _liveJobs() private view returns (uint256 live) {
        for (uint256 job = 1; job <= market.jobs(); ++job) {
            if (_isLive(job)) ++live;
        }
    }

    function _isLive(uint256 job) private view returns (bool) {
        Status status = market.jobOf(job).status;
        return status == Status.Open || status == Status.Running || status == Status.Ending;
    }

    /// @dev An interval that is committed and not final; job 0 if there is none.
    function _interval(uint256 seed, uint8 which) private view returns (uint256 job, uint32 interval, Checkpoint memory checkpoint) {
        job = _job(seed);
        if (job == 0) return (0, 0, checkpoint);
        Job memory state = market.jobOf(job);
        if (state.committed == state.finalised) return (0, 0, checkpoint);
        interval = state.finalised + (which % (state.committed - state.finalised));
        checkpoint = _checkpoints[job][interval];
    }
}
