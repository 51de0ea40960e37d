// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IMarketErrors} from "../interfaces/IMarketErrors.sol";
import {IMarketTypes} from "../interfaces/IMarketTypes.sol";

/// @title The market's arithmetic
/// @notice Formulas: docs/specification/market.md, section 3. Amounts are token base units, shares are millionths. Divisions round in the
/// direction that keeps stakes and reserves sufficient.
library Pricing {
    using Math for uint256;
    using SafeCast for uint256;

    /// @notice 1 in millionths.
    uint256 internal constant ONE = 1_000_000;

    /// @notice Share of the budget that a sealed bid deposits, and that the posting bond is.
    uint256 internal constant DEPOSIT_SHARE = 50_000;

    /// @notice Share of the payment that is kept until the last interval is final, and pays for lateness.
    uint256 internal constant RETAINER_SHARE = 200_000;

    /// @notice What a second of lateness costs the solver, as a multiple of what it costs the submitter.
    uint256 internal constant LATENESS_FACTOR = 4;

    /// @notice Audits that are reserved for beyond twice the expected number.
    uint256 internal constant SPARE_AUDITS = 6;

    /// @dev q is a product of three millionths, so its unit is 1e-18.
    uint256 private constant ONE_CUBED = ONE * ONE * ONE;

    /// @notice n, the number of intervals: all have `intervalSteps` steps but the last, which has what remains. All have at least 2.
    function intervals(IMarketTypes.JobSpec calldata spec) internal pure returns (uint32) {
        if (spec.intervalSteps < 2 || spec.steps < 2) revert IMarketErrors.BadIntervals(spec.steps, spec.intervalSteps, spec.steps);
        uint256 count = uint256(spec.steps).ceilDiv(spec.intervalSteps);
        uint256 last = spec.steps - (count - 1) * spec.intervalSteps;
        if (last < 2 || count > type(uint32).max) revert IMarketErrors.BadIntervals(spec.steps, spec.intervalSteps, last);
        return uint32(count);
    }

    /// @notice Steps of one interval of a job with `count` intervals.
    function stepsOf(IMarketTypes.JobSpec calldata spec, uint256 count, uint256 interval) internal pure returns (uint64) {
        if (interval + 1 < count) return spec.intervalSteps;
        return uint64(spec.steps - (count - 1) * spec.intervalSteps);
    }

    /// @notice S = 2 · (budget / n + H) · (1 − q) / (q · (1 − β)), with q = ρ · h · (1 − a), rounded up.
    function stake(
        uint256 budget,
        uint256 count,
        uint256 harm,
        uint256 auditRate,
        uint256 honestShare,
        uint256 proposerShare,
        uint256 challengerShare
    ) internal pure returns (uint96) {
        uint256 caught = auditRate * honestShare * (ONE - proposerShare);
        uint256 gain = 2 * (budget.ceilDiv(count) + harm);
        uint256 denominator = caught * (ONE - challengerShare);
        return gain.mulDiv((ONE_CUBED - caught) * ONE, denominator, Math.Rounding.Ceil).toUint96();
    }

    /// @notice Paid for a clean check: `factor` × an interval's share of the budget, rounded up.
    function auditFee(uint256 budget, uint256 count, uint256 factor) internal pure returns (uint96) {
        return budget.mulDiv(factor, count * ONE, Math.Rounding.Ceil).toUint96();
    }

    /// @notice Number of audit fees set aside for `count` intervals: twice the expected number and six more, but not more than there are
    /// intervals. The chance that more are drawn is below one in 5,000 (Bennett's bound) for every rate and count.
    function reservedAudits(uint256 count, uint256 auditRate) internal pure returns (uint256) {
        return count.min((2 * count * auditRate).ceilDiv(ONE) + SPARE_AUDITS);
    }

    /// @notice A share of an amount, rounded down.
    function share(uint256 amount, uint256 millionths) internal pure returns (uint256) {
        return amount.mulDiv(millionths, ONE);
    }

    /// @notice The part of the budget that may be spent on `left` of `count` intervals.
    function roundBudget(uint256 budget, uint256 left, uint256 count) internal pure returns (uint96) {
        return uint96(budget.mulDiv(left, count));
    }

    /// @notice s = p + v · d; the lowest wins.
    function score(uint256 price, uint256 valueOfTime, uint256 duration) internal pure returns (uint256) {
        return price + valueOfTime * duration;
    }

    /// @notice max(p₁, min(budget, s₂ − v · d₁)).
    /// @dev s₂ ≥ s₁ = p₁ + v · d₁, so the difference is never below p₁.
    function payment(
        uint256 price,
        uint256 budget,
        uint256 secondScore,
        uint256 valueOfTime,
        uint256 duration
    ) internal pure returns (uint96) {
        uint256 secondPrice = secondScore - valueOfTime * duration;
        return uint96(price.max(budget.min(secondPrice)));
    }

    /// @notice What of `total`, paid in equal parts for `count` intervals, is due for the first `done` of them.
    function vested(uint256 total, uint256 done, uint256 count) internal pure returns (uint256) {
        return total.mulDiv(done, count);
    }

    /// @notice The part of a payment that is kept until the end.
    function retainer(uint256 payment_) internal pure returns (uint256) {
        return share(payment_, RETAINER_SHARE);
    }

    /// @notice 4v for each second that the last batch is late, at most the retainer.
    function penalty(uint256 late, uint256 valueOfTime, uint256 retainer_) internal pure returns (uint256) {
        return retainer_.min(LATENESS_FACTOR * valueOfTime * late);
    }

    /// @notice Seconds a batch may be late before the assignment can be ended: until the retainer is used up, and never longer than the
    /// promised duration. Where time has no value to the submitter, nothing but that bound is left.
    function slack(uint256 valueOfTime, uint256 retainer_, uint256 duration) internal pure returns (uint256) {
        if (valueOfTime == 0) return duration;
        return duration.min(retainer_ / (LATENESS_FACTOR * valueOfTime));
    }

    /// @notice 1.5 × (gas of one side + audit fee + value of time × clock), what a challenger puts up.
    function challengeBond(uint256 gas, uint256 fee, uint256 valueOfTime, uint256 clock) internal pure returns (uint96) {
        return ((3 * (gas + fee + valueOfTime * clock)).ceilDiv(2)).toUint96();
    }
}
