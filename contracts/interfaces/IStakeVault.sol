// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Holds every token of the market: free balances, verifiers' stakes and what the market keeps in custody
/// @dev Rules: docs/specification/market.md, section 2. Always: tokens held = sum of balances + sum of stakes + sum of leaving stakes + custody.
/// Custody, what the market holds for jobs and disputes, is what remains: nothing counts it, and the market's events tell every change of it.
/// Only the market moves funds between accounts, and it can send none to an address that did not earn it by the market's rules: nobody else can.
interface IStakeVault {
    /// @notice `account` put `amount` tokens into its balance.
    event Deposited(address indexed account, uint256 amount);
    /// @notice `account` took `amount` tokens out of its balance.
    event Withdrawn(address indexed account, uint256 amount);
    /// @notice The verifier's stake, which is its weight in the draw when it is at least the minimum, is now `stake`.
    event StakeChanged(address indexed verifier, uint256 stake, uint256 weight);
    /// @notice `amount` of stake is leaving and can be released from `releasableAt` (seconds) on.
    event Unstaked(address indexed verifier, uint256 amount, uint256 releasableAt);
    /// @notice `amount` of leaving stake became balance.
    event Released(address indexed verifier, uint256 amount);
    /// @notice The market took `amount` of a verifier's stake into custody.
    event Penalised(address indexed verifier, uint256 amount);

    /// @notice Only the market may call this.
    error NotMarket(address caller);
    /// @notice The vault was given a market, for ever.
    event Connected(address indexed market);

    /// @notice The market was set before, or the caller did not deploy the vault.
    error CannotConnect(address caller, address market);
    /// @notice The account's balance does not cover what it asks for.
    error InsufficientBalance(address account, uint256 balance, uint256 needed);
    /// @notice The verifier's stake does not cover what it asks for.
    error InsufficientStake(address verifier, uint256 stake, uint256 needed);
    /// @notice A stake below the minimum has no weight in the draw; stake at least `minimum`.
    error StakeTooSmall(uint256 stake, uint256 minimum);
    /// @notice Leaving stake is still held until `releasableAt`.
    error NotReleasable(uint256 releasableAt, uint256 time);
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The token delivered less than it was asked to (a fee on transfers); such tokens are not supported.
    error ShortTransfer(uint256 expected, uint256 received);

    /// @notice The token everything is paid in.
    function token() external view returns (IERC20);

    /// @notice The market this vault works for.
    function market() external view returns (address);

    /// @notice Deployer only, once: names the market. Nobody can change it afterwards.
    function connect(address market_) external;

    /// @notice Tokens of `account` that are free: payments it earned, deposits, released stakes. Bids and bonds are charged from here.
    function balanceOf(address account) external view returns (uint256);

    /// @notice What a charge could take from `account` now: its balance and its tokens approved to the vault.
    function available(address account) external view returns (uint256);

    /// @notice The verifier's stake, without what is leaving.
    function stakeOf(address verifier) external view returns (uint256);

    /// @notice Stake that is leaving, and from when (seconds) it can be released.
    function leavingOf(address verifier) external view returns (uint256 amount, uint256 releasableAt);

    /// @notice Least stake that gives a verifier weight in the draw.
    function minimumStake() external view returns (uint256);

    /// @notice Seconds that leaving stake is held.
    function unstakeDelay() external view returns (uint256);

    /// @notice Moves `amount` of the caller's tokens (approved to the vault) into its balance.
    function deposit(uint256 amount) external;

    /// @notice `deposit` with an EIP-2612 permit for the vault instead of an approval.
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Sends `amount` of the caller's balance to the caller; type(uint256).max means all of it.
    /// @return sent tokens sent
    function withdraw(uint256 amount) external returns (uint256 sent);

    /// @notice Makes `amount` verifier's stake: balance first, the rest from the caller's approved tokens.
    function stake(uint256 amount) external;

    /// @notice Starts to take `amount` out of the caller's stake. Its weight falls at once; the clock of stake already leaving starts again.
    function unstake(uint256 amount) external;

    /// @notice Moves leaving stake, once its time has come, into the caller's balance.
    /// @return released tokens moved
    function release() external returns (uint256 released);

    /// @notice Sum of the weights of all verifiers at the end of a past block.
    function totalWeight(uint256 blockNumber) external view returns (uint256);

    /// @notice Weight of a verifier now: its stake, or zero if that is below the minimum.
    function weightOf(address verifier) external view returns (uint256);

    /// @notice A verifier, by the weights at the end of a past block. The chance of each is its share of the total.
    /// @param blockNumber the block whose weights count; below the current block
    /// @param random uniform number
    /// @return verifier zero when there is no weight at all
    function draw(uint256 blockNumber, uint256 random) external view returns (address verifier);

    /// @notice Market only. Takes `amount` from `account` into custody: balance first, the rest from its approved tokens.
    function charge(address account, uint256 amount) external;

    /// @notice Market only. Gives `amount` from custody to the balance of `account`.
    function credit(address account, uint256 amount) external;

    /// @notice Market only. Takes up to `amount` of a verifier's stake (then of its leaving stake) into custody.
    /// @return taken tokens taken, at most `amount`
    function penalise(address verifier, uint256 amount) external returns (uint256 taken);
}
