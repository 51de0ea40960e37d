// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IBeacon} from "../interfaces/IBeacon.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {IStakeVault} from "../interfaces/IStakeVault.sol";
import {Audits} from "./Audits.sol";
import {Disputes} from "./Disputes.sol";
import {Finality} from "./Finality.sol";
import {MarketStorage} from "./MarketStorage.sol";

/// @title Proceedings
/// @notice The market's code for finality, audits and disputes. JobMarket runs it by delegatecall on its own storage; called directly it knows no job.
contract Proceedings is Finality, Audits, Disputes {
    constructor(
        ICourt court_,
        IStakeVault vault_,
        IBeacon beacon_,
        Parameters memory parameters_
    ) MarketStorage(court_, vault_, beacon_, parameters_) {}
}
