// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {StakeVault} from "../../contracts/market/StakeVault.sol";
import {vm} from "./Vm.sol";

/// @dev A token that tells both sides of a transfer, before it moves anything, like ERC-777 does the sender.
contract TokenWithCallbacks is ERC20 {
    mapping(address account => bool wants) private _told;

    constructor() ERC20("Token with callbacks", "CALL") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function tell() external {
        _told[msg.sender] = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_told[from]) Reenterer(from).onTransfer();
        super._update(from, to, amount);
        if (_told[to]) Reenterer(to).onTransfer();
    }
}

/// @dev An account that uses the vault, and does so once more from within a transfer.
contract Reenterer {
    StakeVault private immutable _vault;
    bytes private _next;
    bool public reentered;

    constructor(StakeVault vault, TokenWithCallbacks token) {
        _vault = vault;
        token.approve(address(vault), type(uint256).max);
        token.tell();
    }

    /// @notice Makes the first call, and `next` from within its transfer.
    function run(bytes calldata first, bytes calldata next) external returns (bool done) {
        _next = next;
        reentered = false;
        (done, ) = address(_vault).call(first);
        delete _next;
    }

    function onTransfer() external {
        bytes memory next = _next;
        if (next.length == 0) return;
        delete _next;
        (reentered, ) = address(_vault).call(next);
    }
}

/// @title A token's callbacks cannot be used to take what others own
contract ReentrancyTest {
    uint256 private constant OTHERS = 1_000_000;
    uint256 private constant OWN = 1_000;

    TokenWithCallbacks private _token;
    StakeVault private _vault;
    Reenterer private _thief;

    function setUp() external {
        _token = new TokenWithCallbacks();
        _vault = new StakeVault(_token, 10, 100);
        _thief = new Reenterer(_vault, _token);
        address other = address(0xbeef);
        _token.mint(other, OTHERS);
        vm.prank(other);
        _token.approve(address(_vault), OTHERS);
        vm.prank(other);
        _vault.deposit(OTHERS);
        _token.mint(address(_thief), 4 * OWN);
    }

    function test_aDepositCannotBeWithdrawnBeforeItArrives() external {
        _try(_deposit(OWN), _withdraw(OWN));
    }

    function test_oneTransferCannotBeCreditedTwice() external {
        _try(_deposit(OWN), _deposit(OWN));
    }

    function test_aWithdrawalCannotBeRepeatedFromWithin() external {
        _try(_deposit(OWN), "");
        _try(_withdraw(OWN), _withdraw(OWN));
    }

    function test_whatIsBeingWithdrawnCannotBeStaked() external {
        _try(_deposit(OWN), "");
        _try(_withdraw(OWN), abi.encodeCall(StakeVault.stake, (OWN)));
    }

    function test_aStakeCannotBeTakenBackBeforeItArrives() external {
        _try(abi.encodeCall(StakeVault.stake, (OWN)), abi.encodeCall(StakeVault.unstake, (OWN)));
        _try(abi.encodeCall(StakeVault.stake, (OWN)), _withdraw(1));
    }

    /// @dev Any two calls, one within the other.
    function testFuzz_noCallWithinAnotherGainsAnything(uint256 first, uint256 second, uint16 amount) external {
        _try(_deposit(OWN), "");
        _try(_any(first, 1 + (amount % OWN)), _any(second, 1 + (amount % OWN)));
    }

    function _any(uint256 kind, uint256 amount) private pure returns (bytes memory) {
        if (kind % 4 == 0) return _deposit(amount);
        if (kind % 4 == 1) return _withdraw(amount);
        if (kind % 4 == 2) return abi.encodeCall(StakeVault.stake, (amount));
        return abi.encodeCall(StakeVault.unstake, (amount));
    }

    /// @dev Makes a call with another one within, and sees that the thief has what it had and the vault what it owes.
    function _try(bytes memory first, bytes memory next) private {
        uint256 before = _wealth();
        _thief.run(first, next);
        assert(_wealth() == before);
        assert(_token.balanceOf(address(_vault)) == OTHERS + _owed());
    }

    function _owed() private view returns (uint256) {
        (uint256 leaving, ) = _vault.leavingOf(address(_thief));
        return _vault.balanceOf(address(_thief)) + _vault.stakeOf(address(_thief)) + leaving;
    }

    function _wealth() private view returns (uint256) {
        return _token.balanceOf(address(_thief)) + _owed();
    }

    function _deposit(uint256 amount) private pure returns (bytes memory) {
        return abi.encodeCall(StakeVault.deposit, (amount));
    }

    function _withdraw(uint256 amount) private pure returns (bytes memory) {
        return abi.encodeCall(StakeVault.withdraw, (amount));
    }
}
