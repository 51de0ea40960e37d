// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "../../contracts/interfaces/IMarketTypes.sol";
import {DisputeContext} from "../../contracts/market/DisputeContext.sol";
import {JobMarket} from "../../contracts/market/JobMarket.sol";
import {StakeVault} from "../../contracts/market/StakeVault.sol";
import {ScriptedCourt} from "../../contracts/mocks/ScriptedCourt.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @title What holds in the market after any sequence of calls
contract MarketInvariantTest is IMarketTypes {
    MarketHandler private _handler;
    JobMarket private _market;
    StakeVault private _vault;

    function setUp() external {
        _handler = new MarketHandler();
        _market = _handler.market();
        _vault = _handler.vault();
    }

    /// @dev Forge calls the functions of these contracts only.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// forge-config: default.invariant.runs = 12
    /// forge-config: default.invariant.depth = 300
    /// forge-config: default.invariant.fail-on-revert = true
    /// @dev Tokens in = tokens out + tokens held: every token of the vault belongs to an account, or is owed to a job or a dispute. So each
    /// locked stake, deposit and bond is there exactly until it is released, and is released once.
    function invariant_everyTokenOfTheVaultIsAccountedFor() external view {
        uint256 held = _owedToJobsAndDisputes();
        for (uint256 i = 0; i < _handler.PARTIES(); ++i) {
            address party = _handler.party(i);
            (uint256 leaving, ) = _vault.leavingOf(party);
            held += _vault.balanceOf(party) + _vault.stakeOf(party) + leaving;
        }
        assert(_handler.token().balanceOf(address(_vault)) == held);
    }

    function _owedToJobsAndDisputes() private view returns (uint256 owed) {
        for (uint256 job = 1; job <= _market.jobs(); ++job) owed += _owed(job);
        ScriptedCourt court = _handler.court();
        for (uint256 i = 1; i <= court.disputes(); ++i) {
            if (court.isRunning(i)) owed += DisputeContext.unpack(court.claimOf(i).context).bond;
        }
    }

    /// forge-config: default.invariant.runs = 12
    /// forge-config: default.invariant.depth = 300
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_solversAreNeverPaidMoreThanTheBudget() external view {
        for (uint256 job = 1; job <= _market.jobs(); ++job) {
            Job memory state = _market.jobOf(job);
            // What the round may still cost is there: escrow less what is for audits and the posting bond.
            if (state.status != Status.Running && state.status != Status.Ending) continue;
            uint256 count = state.intervals - state.first;
            uint256 vested = ((state.payment - state.payment / 5) * (state.finalised - state.first)) / count;
            assert(state.payment - vested <= state.escrow - state.auditReserve);
            assert(state.payment <= state.roundBudget);
        }
    }

    /// forge-config: default.invariant.runs = 12
    /// forge-config: default.invariant.depth = 300
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_countsStayInOrder() external view {
        for (uint256 job = 1; job <= _market.jobs(); ++job) {
            Job memory state = _market.jobOf(job);
            assert(state.first <= state.finalised && state.finalised <= state.committed);
            assert(state.committed <= state.end && state.end <= state.intervals);
            assert(state.round <= _market.MAX_ROUNDS());
        }
    }

    /// @dev The random calls are worth something: in long runs each kind is accepted, and jobs settle.
    function test_theHandlerReachesEverything() external {
        MarketHandler[3] memory handlers = [_handler, new MarketHandler(), new MarketHandler()];
        for (uint256 i = 0; i < 3000; ++i) handlers[i / 1000].step(i);
        string[24] memory names = [
            "pass",
            "stake",
            "unstake",
            "release",
            "withdraw",
            "post",
            "cancel",
            "reclaim",
            "bid",
            "reveal",
            "assign",
            "commit",
            "finalise",
            "attest",
            "summon",
            "dismiss",
            "renew",
            "reportUnavailable",
            "confirmAvailable",
            "challenge",
            "verdict",
            "expire",
            "abandon",
            "settled"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            uint256 calls;
            for (uint256 k = 0; k < handlers.length; ++k) calls += handlers[k].done(names[i]);
            require(calls > 0, names[i]);
        }
    }

    function _owed(uint256 job) private view returns (uint256 owed) {
        Job memory state = _market.jobOf(job);
        owed = state.escrow;
        bool live = state.status == Status.Open || state.status == Status.Running || state.status == Status.Ending;
        if (live && state.solver != address(0)) owed += state.stake;
        if (state.status != Status.Open && state.status != Status.Cancelled) return owed;
        uint256 deposit = uint256(state.roundBudget) / 20;
        for (uint256 i = 0; i < _handler.PARTIES(); ++i) {
            if (_market.bidOf(job, state.round, _handler.party(i)) != 0) owed += deposit;
        }
    }
}
