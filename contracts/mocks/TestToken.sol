// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title TestToken
/// @notice A token for development chains: anyone may mint.
contract TestToken is ERC20, ERC20Permit {
    constructor() ERC20("Touchstone Test Token", "TTT") ERC20Permit("Touchstone Test Token") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
