// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {IMarketTypes} from "./IMarketTypes.sol";

/// @title Posting jobs and bidding for them
/// @dev Rules: docs/specification/market.md, sections 3 and 4.
interface IAuction is IMarketTypes {
    /* POSTING */

    /// @notice What a job would cost and ask for.
    function quote(JobSpec calldata spec) external view returns (Quote memory);

    /// @notice Posts a job, charges the escrow (`quote(spec).escrow`) from the caller, and opens its first auction round.
    /// @dev Charges take the caller's balance in the vault first, then its tokens approved to the vault.
    /// @param package CID of the job's package
    /// @param mirrors addresses of stores that have it
    function post(JobSpec calldata spec, string calldata package, string[] calldata mirrors) external returns (uint256 job);

    /// @notice `post` with an EIP-2612 permit that lets the vault take the escrow.
    function postWithPermit(
        JobSpec calldata spec,
        string calldata package,
        string[] calldata mirrors,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 job);

    /// @notice Submitter: withdraws an open job before bidding ends. If bids came in, the posting bond is theirs.
    function cancel(uint256 job) external;

    /* BIDS */

    /// @notice The commitment of a bid: keccak256(abi.encode(chainid, market, job, round, bidder, price, duration, salt)).
    function commitmentOf(
        uint256 job,
        uint8 round,
        address bidder,
        uint96 price,
        uint32 duration,
        bytes32 salt
    ) external view returns (bytes32);

    /// @notice Enters a sealed bid. Charges the deposit; the caller must have the stake too (balance, or tokens approved to the vault).
    function bid(uint256 job, bytes32 commitment) external;

    /// @notice Opens the caller's bid. The deposit comes back; if the bid leads, the stake is locked and the former leader's comes back.
    /// A bid that is not revealed forfeits its deposit.
    function reveal(uint256 job, uint96 price, uint32 duration, bytes32 salt) external;

    /// @notice Ends the auction: when revealing is over, or earlier once every bid is revealed. Anyone may call it. With no revealed bid
    /// the round is opened again, once; after that the job expires.
    function assign(uint256 job) external;

    /// @notice Takes back the deposit of a bid in a cancelled round, with a share of the posting bond.
    function reclaim(uint256 job, uint8 round) external;
}
