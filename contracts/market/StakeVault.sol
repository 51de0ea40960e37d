// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {WeightTree} from "./WeightTree.sol";

/// @title StakeVault
/// @notice Holds every token of the market. See IStakeVault and docs/specification/market.md, section 2.
contract StakeVault is IStakeVault {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using WeightTree for WeightTree.Tree;

    /* TYPES */

    /// @dev One slot. `entry` is the verifier's number in the tree, zero if it never staked.
    struct Verifier {
        uint96 stake;
        uint96 leaving;
        uint40 releasableAt;
        uint24 entry;
    }

    /* IMMUTABLES */

    /// @inheritdoc IStakeVault
    IERC20 public immutable token;

    /// @inheritdoc IStakeVault
    uint256 public immutable minimumStake;

    /// @inheritdoc IStakeVault
    uint256 public immutable unstakeDelay;

    address private immutable _deployer;

    /* STORAGE */

    /// @inheritdoc IStakeVault
    address public market;

    /// @inheritdoc IStakeVault
    mapping(address account => uint256 balance) public balanceOf;

    mapping(address account => Verifier verifier) private _verifiers;
    mapping(uint256 entry => address verifier) private _entries;
    WeightTree.Tree private _weights;

    /* CONSTRUCTION */

    modifier onlyMarket() {
        require(msg.sender == market, NotMarket(msg.sender));
        _;
    }

    constructor(IERC20 token_, uint256 minimumStake_, uint256 unstakeDelay_) {
        require(minimumStake_ > 0, ZeroAmount());
        token = token_;
        minimumStake = minimumStake_;
        unstakeDelay = unstakeDelay_;
        _deployer = msg.sender;
    }

    /// @inheritdoc IStakeVault
    function connect(address market_) external {
        require(msg.sender == _deployer && market == address(0) && market_ != address(0), CannotConnect(msg.sender, market));
        market = market_;
        emit Connected(market_);
    }

    /* BALANCES */

    /// @inheritdoc IStakeVault
    function deposit(uint256 amount) public {
        require(amount > 0, ZeroAmount());
        balanceOf[msg.sender] += amount;
        emit Deposited(msg.sender, amount);
        _pull(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        // Somebody may have sent the permit already; then the allowance is there and the deposit goes on.
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        deposit(amount);
    }

    /// @inheritdoc IStakeVault
    function withdraw(uint256 amount) external returns (uint256 sent) {
        uint256 balance = balanceOf[msg.sender];
        sent = amount == type(uint256).max ? balance : amount;
        require(sent > 0, ZeroAmount());
        require(sent <= balance, InsufficientBalance(msg.sender, balance, sent));
        balanceOf[msg.sender] = balance - sent;
        emit Withdrawn(msg.sender, sent);
        token.safeTransfer(msg.sender, sent);
    }

    /// @inheritdoc IStakeVault
    function available(address account) external view returns (uint256) {
        return balanceOf[account] + Math.min(token.balanceOf(account), token.allowance(account, address(this)));
    }

    /* VERIFIERS' STAKES */

    /// @inheritdoc IStakeVault
    function stake(uint256 amount) external {
        require(amount > 0, ZeroAmount());
        Verifier storage verifier = _verifiers[msg.sender];
        uint256 before = verifier.stake;
        uint256 current = before + amount;
        require(current >= minimumStake, StakeTooSmall(current, minimumStake));
        verifier.stake = current.toUint96();
        _reweigh(msg.sender, before, current);
        _take(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function unstake(uint256 amount) external {
        require(amount > 0, ZeroAmount());
        Verifier storage verifier = _verifiers[msg.sender];
        uint256 before = verifier.stake;
        require(amount <= before, InsufficientStake(msg.sender, before, amount));
        uint256 releasableAt = block.timestamp + unstakeDelay;
        verifier.stake = uint96(before - amount);
        verifier.leaving += uint96(amount);
        verifier.releasableAt = releasableAt.toUint40();
        emit Unstaked(msg.sender, amount, releasableAt);
        _reweigh(msg.sender, before, before - amount);
    }

    /// @inheritdoc IStakeVault
    function release() external returns (uint256 released) {
        Verifier storage verifier = _verifiers[msg.sender];
        released = verifier.leaving;
        require(released > 0, ZeroAmount());
        require(block.timestamp >= verifier.releasableAt, NotReleasable(verifier.releasableAt, block.timestamp));
        verifier.leaving = 0;
        balanceOf[msg.sender] += released;
        emit Released(msg.sender, released);
    }

    /// @inheritdoc IStakeVault
    function stakeOf(address verifier) external view returns (uint256) {
        return _verifiers[verifier].stake;
    }

    /// @inheritdoc IStakeVault
    function leavingOf(address verifier) external view returns (uint256 amount, uint256 releasableAt) {
        return (_verifiers[verifier].leaving, _verifiers[verifier].releasableAt);
    }

    /// @inheritdoc IStakeVault
    function weightOf(address verifier) external view returns (uint256) {
        return _weight(_verifiers[verifier].stake);
    }

    /// @inheritdoc IStakeVault
    function totalWeight(uint256 blockNumber) external view returns (uint256) {
        return _weights.totalAt(blockNumber);
    }

    /// @inheritdoc IStakeVault
    function draw(uint256 blockNumber, uint256 random) external view returns (address) {
        return _entries[_weights.entryAt(blockNumber, random)];
    }

    /* MARKET ONLY */

    /// @inheritdoc IStakeVault
    function charge(address account, uint256 amount) external onlyMarket {
        _take(account, amount);
    }

    /// @inheritdoc IStakeVault
    function credit(address account, uint256 amount) external onlyMarket {
        balanceOf[account] += amount;
    }

    /// @inheritdoc IStakeVault
    function penalise(address account, uint256 amount) external onlyMarket returns (uint256 taken) {
        Verifier storage verifier = _verifiers[account];
        uint256 before = verifier.stake;
        uint256 fromStake = Math.min(amount, before);
        uint256 fromLeaving = Math.min(amount - fromStake, verifier.leaving);
        taken = fromStake + fromLeaving;
        verifier.stake = uint96(before - fromStake);
        verifier.leaving -= uint96(fromLeaving);
        emit Penalised(account, taken);
        if (fromStake > 0) _reweigh(account, before, before - fromStake);
    }

    /* INTERNALS */

    /// @dev Takes `amount` from the account's balance and what is missing from its tokens.
    function _take(address account, uint256 amount) private {
        uint256 balance = balanceOf[account];
        uint256 fromBalance = Math.min(balance, amount);
        if (fromBalance > 0) balanceOf[account] = balance - fromBalance;
        if (fromBalance < amount) _pull(account, amount - fromBalance);
    }

    function _pull(address from, uint256 amount) private {
        uint256 held = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - held;
        require(received == amount, ShortTransfer(amount, received));
    }

    function _weight(uint256 amount) private view returns (uint256) {
        return amount < minimumStake ? 0 : amount;
    }

    /// @dev Brings the tree up to date after a stake changed; the first stake makes an entry.
    function _reweigh(address account, uint256 before, uint256 current) private {
        uint256 weight = _weight(current);
        emit StakeChanged(account, current, weight);
        uint256 entry = _verifiers[account].entry;
        if (entry != 0) {
            _weights.update(entry, _weight(before), weight);
            return;
        }
        entry = _weights.append(weight);
        _verifiers[account].entry = entry.toUint24();
        _entries[entry] = account;
    }
}
