// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {IAudits} from "../interfaces/IAudits.sol";
import {IBeacon} from "../interfaces/IBeacon.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IFinality} from "../interfaces/IFinality.sol";
import {IJobMarket} from "../interfaces/IJobMarket.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {Attestation} from "./Attestation.sol";
import {Auction} from "./Auction.sol";
import {CheckpointLog} from "./CheckpointLog.sol";
import {MarketStorage} from "./MarketStorage.sol";
import {Proceedings} from "./Proceedings.sol";

/// @title JobMarket
/// @notice See IJobMarket and docs/specification/market.md. Nobody owns it: no call pauses it, moves its funds or decides a dispute but those
/// described there.
contract JobMarket is IJobMarket, Auction, CheckpointLog, Attestation {
    /* IMMUTABLES */

    /// @notice The code of finality, audits and disputes, run on this contract's storage.
    Proceedings public immutable proceedings;

    /* CONSTRUCTION */

    /// @param token_ the vault's token; must be the same, so that a wrong deployment fails
    /// @param court_ settles disputes
    /// @param vault_ holds the funds; its deployer connects it to this market
    /// @param beacon_ gives the audit draw its randomness
    /// @param proceedings_ code of finality, audits and disputes, built with the same court, vault, beacon and parameters
    /// @param parameters_ periods and shares, fixed for ever
    constructor(
        IERC20 token_,
        ICourt court_,
        IStakeVault vault_,
        IBeacon beacon_,
        Proceedings proceedings_,
        Parameters memory parameters_
    ) MarketStorage(court_, vault_, beacon_, parameters_) {
        require(proceedings_.configuration() == configuration, BadParameter("proceedings", uint160(address(proceedings_))));
        proceedings = proceedings_;
        require(address(vault_.token()) == address(token_), BadParameter("token", uint160(address(token_))));
        // Stake that leaves must outlast every answer its verifier may owe.
        uint256 owed = uint256(parameters_.window) + parameters_.answerPeriod;
        require(vault_.unstakeDelay() > owed, BadParameter("unstakeDelay", vault_.unstakeDelay()));
    }

    /* CALLS */

    /// @inheritdoc IJobMarket
    function announce(string calldata endpoint) external {
        emit EndpointAnnounced(msg.sender, endpoint);
    }

    /// @inheritdoc IFinality
    function finalise(uint256, Checkpoint[] calldata) external {
        _proceed();
    }

    /// @inheritdoc IFinality
    function expire(uint256) external {
        _proceed();
    }

    /// @inheritdoc IFinality
    function abandon(uint256, Checkpoint calldata) external {
        _proceed();
    }

    /// @inheritdoc IAudits
    function summon(uint256, uint32, Checkpoint calldata) external {
        _proceed();
    }

    /// @inheritdoc IAudits
    function dismiss(uint256, uint32, Checkpoint calldata) external {
        _proceed();
    }

    /// @inheritdoc IAudits
    function renew(uint256, uint32, Checkpoint calldata) external {
        _proceed();
    }

    /// @inheritdoc IAudits
    function reportUnavailable(uint256, uint32, Checkpoint calldata) external {
        _proceed();
    }

    /// @inheritdoc IAudits
    function confirmAvailable(uint256, uint32, Checkpoint calldata) external {
        _proceed();
    }

    /// @inheritdoc IDisputes
    function challenge(
        uint256,
        uint32,
        bool,
        JobSpec calldata,
        Checkpoint calldata,
        Checkpoint calldata,
        bytes32[] calldata
    ) external returns (uint256) {
        _proceed();
    }

    /// @inheritdoc IArbitrable
    function onVerdict(uint256, bytes32, address, bool, bool) external {
        _proceed();
    }

    /* VIEWS */

    /// @inheritdoc IJobMarket
    function drawOf(uint256 job, uint32 interval, Checkpoint calldata checkpoint) external view returns (bool drawn, address verifier) {
        JobData storage data = _live(job);
        _checkOpen(job, data, interval, checkpoint);
        return _draw(job, data, interval, checkpoint, _randomness(checkpoint.beaconBlock));
    }

    /// @inheritdoc IJobMarket
    function jobOf(uint256 job) external view returns (Job memory result) {
        JobData storage data = _existing(job);
        result.status = data.status;
        result.round = data.round;
        result.submitter = data.submitter;
        result.solver = data.solver;
        result.escrow = data.escrow;
        result.auditReserve = data.auditReserve;
        result.roundBudget = _roundBudget(data);
        result.stake = data.stake;
        result.payment = data.payment;
        result.duration = data.duration;
        result.secondScore = data.secondScore;
        result.bidsUntil = data.bidsUntil;
        result.revealsUntil = uint40(_revealsUntil(data));
        result.bids = data.bids;
        result.reveals = data.reveals;
        result.assignedAt = data.assignedAt;
        result.intervals = data.intervals;
        result.first = data.first;
        result.committed = data.committed;
        result.finalised = data.finalised;
        result.end = data.status == Status.Ending ? data.committed : data.intervals;
        result.disputes = data.disputes;
        result.endReason = data.endReason;
        bool due = data.status == Status.Running && data.committed < data.intervals && data.disputes == 0;
        if (due) {
            result.dueAt = uint40(_dueAt(data));
            result.expiresAt = uint40(_dueAt(data) + _slack(data));
        }
    }

    /// @inheritdoc IJobMarket
    function jobs() external view returns (uint256) {
        return _jobCount;
    }

    /// @inheritdoc IJobMarket
    function court() external view returns (ICourt) {
        return _court;
    }

    /// @inheritdoc IJobMarket
    function vault() external view returns (IStakeVault) {
        return _vault;
    }

    /// @inheritdoc IJobMarket
    function beacon() external view returns (IBeacon) {
        return _beacon;
    }

    /// @inheritdoc IJobMarket
    function specHashOf(uint256 job) external view returns (bytes32) {
        return _existing(job).specHash;
    }

    /// @inheritdoc IJobMarket
    function checkpointHashOf(uint256 job, uint32 interval) external view returns (bytes32) {
        return interval < _jobs[job].committed ? _checkpoints[job][interval] & ~ATTESTED : bytes32(0);
    }

    /// @inheritdoc IJobMarket
    function auditOf(uint256 job, uint32 interval) external view returns (Audit memory audit) {
        JobData storage data = _jobs[job];
        audit = _audits[job][data.round][interval];
        // Of a void interval, and of one of an earlier round, the bit says nothing.
        bool present = interval >= data.first && interval < data.committed;
        audit.attested = present && _checkpoints[job][interval] & ATTESTED != 0;
    }

    /// @inheritdoc IJobMarket
    function bidOf(uint256 job, uint8 round, address bidder) external view returns (bytes32) {
        return _bids[job][round][bidder];
    }

    /// @inheritdoc IJobMarket
    function parameters() external view returns (Parameters memory) {
        return
            Parameters({
                treasury: _treasury,
                bidPeriod: _bidPeriod,
                revealPeriod: _revealPeriod,
                grace: _grace,
                window: _window,
                answerPeriod: _answerPeriod,
                stallPeriod: _stallPeriod,
                clock: _clock,
                increment: _increment,
                beaconDelay: _beaconDelay,
                honestShare: _honestShare,
                proposerShare: _proposerShare,
                challengerShare: _challengerShare,
                submitterShare: _submitterShare,
                auditFactor: _auditFactor,
                disputeGas: _disputeGas
            });
    }

    /* INTERNALS */

    /// @dev Runs the call as it came with the code of `proceedings`, and ends it with what that returns.
    function _proceed() private {
        address code = address(proceedings);
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, 0, calldatasize())
            let done := delegatecall(gas(), code, data, calldatasize(), 0, 0)
            returndatacopy(data, 0, returndatasize())
            if iszero(done) {
                revert(data, returndatasize())
            }
            return(data, returndatasize())
        }
    }
}
