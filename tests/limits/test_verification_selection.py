"""What the cases of selection are made of: supplied people, closed forms of their own, values by sample."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cbhi.limits import normal_market
from cbhi.verification import certainty, selection, selection_information, selection_normal
from cbhi.verification.selection_posted import (
    PUBLIC,
    SEEKS,
    People,
    Posted,
    ratio,
    spread,
    turns,
    utility_of,
)


class TestSamples:
    def test_mean_of_the_values_is_the_ratio_of_the_sums(self) -> None:
        values = ratio(np.array([1.0, 5.0]), np.array([2.0, 4.0]))
        assert values.mean() == pytest.approx(6.0 / 6.0)
        # 1 + (1 - 2) / 3 and 1 + (5 - 4) / 3
        assert values == pytest.approx([2.0 / 3.0, 4.0 / 3.0])

    def test_a_constant_ratio_has_no_spread(self) -> None:
        assert ratio(np.array([2.0, 8.0, 4.0]), np.array([1.0, 4.0, 2.0])) == pytest.approx([2.0] * 3)

    def test_sections_take_turns(self) -> None:
        assert spread(5, 2).tolist() == [1, 2, 1, 2, 1]

    def test_turns_fill_the_square_within_each_section(self) -> None:
        n, sections = 4_000, 4
        found = turns(n, sections)
        order = np.arange(n) / n
        for s in range(sections):
            mine = found[s::sections]
            early = order[s::sections] < 0.5
            assert mine[early].mean() == pytest.approx(0.5, abs=0.005)
            assert ((mine < 0.3) & early).mean() == pytest.approx(0.15, abs=0.005)
        assert (found >= 0.0).all()
        assert (found < 1.0).all()

    def test_marginal_cost_is_that_of_those_who_leave(self) -> None:
        persons = np.array([10.0, 10.0])
        cheap = Posted(1.0, np.array([6.0, 4.0]), np.array([60.0, 40.0]), persons)
        dear = Posted(2.0, np.array([5.0, 3.0]), np.array([57.0, 35.0]), persons)
        assert cheap.coverage == 0.5
        assert cheap.covered.mean() == pytest.approx(0.5)
        assert cheap.average_cost.mean() == pytest.approx(10.0)
        assert cheap.marginal_cost(dear).mean() == pytest.approx(8.0 / 2.0)


class TestPeople:
    def test_need_is_cost_over_the_cost_of_reference_risk(self) -> None:
        people = People(cost=PUBLIC * SEEKS * np.array([0.5, 2.0]), section=np.array([1, 2]))
        members = people.population().members
        assert members is not None
        assert members["need"] == pytest.approx([0.5, 2.0])
        assert people.n_sections == 2

    def test_tastes_are_in_logits(self) -> None:
        # ten logits for a year's consumption, 1,200 dollars
        assert float(utility_of(np.array(120.0))) == pytest.approx(1.0)
        people = People(cost=np.array([400.0]), section=np.array([1]), taste=np.array([-60.0]))
        assert people.population().households["taste"] == pytest.approx([-0.5])


class TestLinear:
    def test_surplus_of_each_sample(self) -> None:
        claims = np.array([7.0, 10.0])
        posted = Posted(1.0, insured=np.array([2.0, 1.0]), claims=claims, persons=np.array([4.0, 5.0]))
        assert selection._surplus(posted, 3.0) == pytest.approx([1.25, 1.0])

    def test_worth_is_that_of_those_whom_the_engine_insures(self) -> None:
        people, wtp = selection._people(2_000)
        for price in (300.0, 600.0):
            buyers = wtp[wtp >= price].sum() / wtp.size
            # half a person of the section that is divided: two people within two dollars
            found = selection._worth(people, wtp, price, None)
            assert found == pytest.approx(buyers, abs=1.0 / wtp.size)
        # whoever gets cover by a penalty counts, though worth less than the price, even less than nothing
        everybody = selection._worth(people, wtp, 600.0, selection._mandate(1_000.0))
        assert everybody == pytest.approx(wtp.mean())

    def test_worth_follows_the_engine_and_not_the_order_of_the_people(self) -> None:
        people, wtp = selection._people(2_000)
        turned = replace(people, cost=people.cost[::-1], taste=people.taste[::-1])
        buyers = wtp[wtp >= 500.0].sum() / wtp.size
        assert selection._worth(turned, wtp[::-1], 500.0, None) == pytest.approx(buyers, abs=1.0 / wtp.size)


class TestInformation:
    def test_public_risk_leaves_the_mean_cost(self) -> None:
        coverage, cost = selection_information.theory(450.0, 0.0)
        assert coverage == pytest.approx(0.5 + (400.0 * SEEKS - 450.0) / 600.0)
        assert cost == pytest.approx(400.0)

    def test_full_information_by_hand(self) -> None:
        # those of cost c buy with chance (c - 150) / 600 up to 750, and for certain from there to 760
        coverage, cost = selection_information.theory(450.0, 1.0)
        assert coverage == pytest.approx((300.0 + 10.0) / 720.0)
        assert cost == pytest.approx((165_000.0 + 7_550.0) / 310.0)

    def test_knowing_more_steepens_the_cost_curve(self) -> None:
        slopes = [selection_information.cost_slope(psi) for psi in (0.0, 0.25, 0.5, 1.0)]
        assert slopes[0] == pytest.approx(0.0, abs=1e-9)
        assert (np.diff(slopes) > 0.05).all()


class TestNormal:
    @pytest.mark.parametrize("premium", [30.0, 50.0, 100.0])
    def test_cost_above_the_mean_is_the_price_of_the_market(self, premium: float) -> None:
        price = normal_market(400.0, 100.0, premium).price
        assert price is not None
        found = selection_normal.cost_above_mean(price, premium, 100.0, 0.0)
        assert found == pytest.approx(price - 400.0)

    def test_cost_above_the_mean_against_a_sample(self) -> None:
        draws = np.random.Generator(np.random.Philox(1))
        cost, taste = 100.0 * draws.standard_normal(400_000), 60.0 * draws.standard_normal(400_000)
        buyers = cost[cost + taste + 50.0 > 20.0]
        error = buyers.std() / math.sqrt(buyers.size)
        found = selection_normal.cost_above_mean(420.0, 50.0, 100.0, 60.0)
        assert found == pytest.approx(buyers.mean(), abs=4.0 * error)
        assert 0.05 * found > 8.0 * error

    def test_bundles_are_equicorrelated(self) -> None:
        costs = selection_normal.bundled_costs(20_000, 5, 0.2, seed=1)
        assert costs.mean() == pytest.approx(400.0, abs=0.1)
        assert costs.mean(axis=1).std() == pytest.approx(60.0, rel=0.003)
        assert (np.diff(costs.mean(axis=1)) > 0.0).mean() > 0.99
        assert costs.std() == pytest.approx(100.0, rel=0.01)
        assert np.corrcoef(costs[:, 0], costs[:, 3])[0, 1] == pytest.approx(0.2, abs=0.03)

    def test_a_vote_of_one_is_a_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(selection_normal, "VOTERS", 1)
        coverage, above = selection_normal.vote(430.0, 50.0)
        assert coverage == pytest.approx(0.5 * math.erfc(-0.2 / math.sqrt(2.0)))
        assert above == pytest.approx(selection_normal.cost_above_mean(430.0, 50.0, 100.0, 0.0))

    def test_a_vote_against_a_sample(self) -> None:
        costs = selection_normal.bundled_costs(100_000, selection_normal.VOTERS, 0.4, seed=7)
        passes = (costs + 60.0 > 480.0).sum(axis=1) >= 6
        coverage, above = selection_normal.vote(480.0, 60.0)
        assert coverage == pytest.approx(passes.mean(), abs=0.006)
        assert above == pytest.approx(costs[passes].mean() - 400.0, abs=1.0)


class TestCertaintyEquivalent:
    def test_bills_have_the_moments_of_an_exponential(self) -> None:
        bills = certainty._exponential_bills()
        for k in range(8):
            moment = float(bills["size"] ** k @ bills["probability"])
            assert moment == pytest.approx(math.factorial(k), rel=1e-9)

    def test_a_price_out_of_the_window_gives_no_answer(self) -> None:
        # worth 6 and a risk premium of 1.8
        assert certainty.reservation_price(0.1, 7.9, 0.4) == pytest.approx(7.8, abs=1e-4)
        assert math.isnan(certainty.reservation_price(0.1, 9.0, 0.4))
