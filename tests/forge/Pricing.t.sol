// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.31;

import {Pricing} from "../../contracts/market/Pricing.sol";

/// @title Properties of the market's formulas (docs/specification/market.md, section 3)
contract PricingTest {
    uint256 private constant MOST = 10 ** 27;

    function testFuzz_theWinnerIsPaidBetweenItsPriceAndTheBudget(
        uint96 budgetSeed,
        uint96 priceSeed,
        uint96 value,
        uint32 duration,
        uint96 lead
    ) external pure {
        uint256 budget = budgetSeed % MOST;
        uint256 price = priceSeed % (budget + 1);
        uint256 second = Pricing.score(price, value, duration) + lead;
        uint256 paid = Pricing.payment(price, budget, second, value, duration);
        assert(paid >= price && paid <= budget);
        assert(paid == budget || paid == price + lead);
    }

    function testFuzz_payInPartsAddsUpToThePaymentAndNeverRunsAhead(uint96 payment, uint32 countSeed, uint32 doneSeed) external pure {
        uint256 count = 1 + (countSeed % 1_000_000);
        uint256 done = doneSeed % (count + 1);
        uint256 vested = Pricing.vested(payment, done, count);
        assert(Pricing.vested(payment, 0, count) == 0);
        assert(Pricing.vested(payment, count, count) == payment);
        assert(vested * count <= uint256(payment) * done);
        if (done < count) assert(Pricing.vested(payment, done + 1, count) >= vested);
    }

    /// @dev Whoever wins the rounds, what they are paid together stays within the budget.
    function testFuzz_theBudgetsOfSuccessiveRoundsNeverExceedTheBudget(
        uint96 budgetSeed,
        uint32 countSeed,
        uint32[4] calldata done
    ) external pure {
        uint256 budget = budgetSeed % MOST;
        uint256 count = 1 + (countSeed % 100_000);
        uint256 first;
        uint256 paid;
        for (uint256 i = 0; i < done.length; ++i) {
            uint256 left = count - first;
            uint256 roundBudget = Pricing.roundBudget(budget, left, count);
            assert(paid + roundBudget <= budget);
            uint256 finalised = done[i] % (left + 1);
            paid += Pricing.vested(roundBudget, finalised, left);
            first += finalised;
            if (first == count) break;
        }
        assert(paid <= budget);
    }

    /// @dev A caught cheater must lose more than it hoped to gain: q·(1 − β)·S ≥ 2·(1 − q)·(budget / n + H).
    function testFuzz_theStakeMakesOneFalseIntervalUnprofitable(
        uint96 budgetSeed,
        uint32 countSeed,
        uint96 harmSeed,
        uint32 rateSeed
    ) external pure {
        uint256 budget = budgetSeed % MOST;
        uint256 count = 1 + (countSeed % 10_000);
        uint256 harm = harmSeed % 10 ** 24;
        uint256 rate = 10_000 + (rateSeed % 990_001);
        uint256 stake = Pricing.stake(budget % 10 ** 24, count, harm, rate, 600_000, 100_000, 300_000);
        uint256 caught = rate * 600_000 * 900_000;
        uint256 gain = (budget % 10 ** 24) / count + harm;
        assert(caught * 700_000 * stake >= 2 * (10 ** 18 - caught) * 10 ** 6 * gain);
    }

    function testFuzz_theReserveCoversEveryAuditAtFullRateAndNeverMoreThanThereAre(uint32 count, uint32 rateSeed) external pure {
        uint256 rate = 1 + (rateSeed % 1_000_000);
        uint256 audits = Pricing.reservedAudits(count, rate);
        assert(audits <= count);
        assert(audits * 1_000_000 >= uint256(count) * rate);
        assert(Pricing.reservedAudits(count, 1_000_000) == count);
    }
}
