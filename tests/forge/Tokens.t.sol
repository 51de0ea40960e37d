// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IStakeVault} from "../../contracts/interfaces/IStakeVault.sol";
import {StakeVault} from "../../contracts/market/StakeVault.sol";
import {TokenWithFee} from "../../contracts/mocks/TokenWithFee.sol";

/// @dev The books of a token; how it answers is up to those that inherit it.
abstract contract Books {
    mapping(address account => uint256 balance) public balanceOf;
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;

    function mint(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function _move(address from, address to, uint256 amount) internal {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @dev Transfers and returns nothing, like the older tokens that ERC-20 was written after.
contract TokenWithoutReturn is Books {
    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }
}

/// @dev Says false where others revert, and moves nothing.
contract TokenThatSaysFalse is Books {
    bool public isClosed;

    function close() external {
        isClosed = true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        if (isClosed) return false;
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        if (isClosed) return false;
        _move(from, to, amount);
        return true;
    }
}

/// @title The vault with tokens that are not quite ERC-20: it works with those that can be worked with, and credits nothing that did not come
contract TokensTest {
    uint256 private constant OWN = 1_000;
    uint256 private constant MINIMUM = 10;

    function test_aTokenThatReturnsNothingIsDepositedStakedAndWithdrawn() external {
        TokenWithoutReturn token = new TokenWithoutReturn();
        StakeVault vault = _vault(address(token));
        token.mint(address(this), OWN);
        token.approve(address(vault), OWN);
        vault.deposit(400);
        vault.stake(500);
        assert(token.balanceOf(address(vault)) == 500 && vault.balanceOf(address(this)) == 0 && vault.stakeOf(address(this)) == 500);
        vault.deposit(200);
        vault.withdraw(type(uint256).max);
        assert(token.balanceOf(address(this)) == OWN - 500 && vault.balanceOf(address(this)) == 0);
    }

    function test_aTokenThatReturnsFalseIsNotCredited() external {
        TokenThatSaysFalse token = new TokenThatSaysFalse();
        StakeVault vault = _vault(address(token));
        token.mint(address(this), OWN);
        vault.deposit(300);
        token.close();
        bytes memory failed = abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token));
        _refuses(vault, abi.encodeCall(StakeVault.deposit, (1)), failed);
        _refuses(vault, abi.encodeCall(StakeVault.stake, (301)), failed);
        _refuses(vault, abi.encodeCall(StakeVault.withdraw, (1)), failed);
        assert(vault.balanceOf(address(this)) == 300 && vault.stakeOf(address(this)) == 0);
    }

    function test_aFeeOnTheWayInIsRefusedForDepositsAndStakes() external {
        TokenWithFee token = new TokenWithFee();
        StakeVault vault = _vault(address(token));
        token.mint(address(this), OWN);
        token.approve(address(vault), OWN);
        _refuses(vault, abi.encodeCall(StakeVault.deposit, (500)), abi.encodeWithSelector(IStakeVault.ShortTransfer.selector, 500, 495));
        _refuses(vault, abi.encodeCall(StakeVault.stake, (200)), abi.encodeWithSelector(IStakeVault.ShortTransfer.selector, 200, 198));
        assert(token.balanceOf(address(this)) == OWN && token.balanceOf(address(vault)) == 0);
    }

    function _vault(address token) private returns (StakeVault) {
        return new StakeVault(IERC20(token), MINIMUM, 1);
    }

    function _refuses(StakeVault vault, bytes memory call, bytes memory expected) private {
        (bool done, bytes memory answer) = address(vault).call(call);
        assert(!done && keccak256(answer) == keccak256(expected));
    }
}
