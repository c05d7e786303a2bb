"""Supplied populations: what a user's tables become, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import fixed, rule

from cbhi import Population, Results, scenario, simulate
from cbhi.kernels import codes, health
from cbhi.kernels.enrolment import choice_probability
from cbhi.layouts import lay_out
from cbhi.packing import pack_calendar, pack_fixed, pack_rules
from cbhi.populations import bills_cv2
from cbhi.replicates import start_replicate
from cbhi.scenarios import Scenario
from cbhi.verification import bare_scenario

RULES = scenario("rwanda-rules").replace({}, end="2001-12")
BARE = bare_scenario({"income.gini": {"2000-01": 0.4}, "switches.groups": True})


def settled(population: Population, chosen: Scenario = BARE) -> Any:
    """Return the state in the month before the first."""
    layout = lay_out(chosen, None, population)
    rules = pack_rules(chosen)
    calendar = pack_calendar(chosen, rules)
    return start_replicate(chosen, layout, rules, calendar, pack_fixed(chosen, 3, 0, 0.0, population)).state


def equal(one: Results, other: Results) -> bool:
    pairs = zip(one.arrays, other.arrays, strict=True)
    return all(a.shape == b.shape and bool((a == b).all()) for a, b in pairs)


class TestTables:
    def test_what_is_supplied_is_what_lives(self) -> None:
        table = {
            "section": [7, 7, 2],
            "household": [5, 1, 9],
            "persons": [4, 1, 12],
            "consumption_rwf": [600_000.0, 1_200_000.0, 3_000_000.0],
            "distance_km": [1.0, 2.0, 30.0],
            "need": [0.5, 2.0, 1.0],
            "taste": [0.25, -1.5, 0.0],
            "trust_offset": [0.5, -0.5, 0.0],
            "cash_rwf": [100, 0, 7],
            "association": [0, 2, 1],
            "formal": [0, 1, 0],
        }
        state = settled(Population(table))
        hh = state.households
        # by section and number: (2, 9), (7, 1), (7, 5)
        assert hh["ordinal"].tolist() == [9, 1, 5]
        assert state.sections["number"].tolist() == [1, 6]
        assert state.sections["persons"].tolist() == [12, 5]
        assert hh["n_members"].tolist() == [12, 1, 4]
        assert hh["distance_km"].tolist() == [30.0, 2.0, 1.0]
        assert hh["shared_frailty"].tolist() == [1.0, 2.0, 0.5]
        assert hh["taste"].tolist() == [0.0, -1.5, 0.25]
        assert hh["trust_offset"].tolist() == [0.0, -0.5, 0.5]
        assert hh["cash"].tolist() == [7, 0, 100]
        assert hh["group"].tolist() == [0, 1, codes.NO_GROUP]
        assert hh["formal"].tolist() == [0, 1, 0]
        # income is per adult equivalent: monthly income times twelve over equivalents
        adult = settled(
            Population(table | {"persons": [1, 1, 1]}).__class__(
                {k: v for k, v in table.items() if k != "persons"},
                {"section": [7, 7, 2], "household": [5, 1, 9], "age_years": [30, 40, 50]},
            )
        )
        assert (adult.households["income"] * 12).tolist() == [3_000_000, 1_200_000, 600_000]

    def test_needs_of_members_become_rates(self) -> None:
        members = {
            "section": [1, 1, 1],
            "household": [0, 1, 1],
            "age_years": [30.0, 2.0, 70.0],
            "female": [0, 1, 0],
            "married": [1, 0, 0],
            "chronic": [0, 0, 0],
            "need": [2.0, 1.5, 0.5],
        }
        state = settled(Population({"need": [1.0, 3.0]}, members))
        per_year = state.households["rate_other"] / 3.5
        assert per_year.tolist() == pytest.approx([2.0, 3.0 * (1.5 + 0.5)], rel=1e-6)
        mm = state.members
        assert mm["sex"][1, :2].tolist() == [codes.FEMALE, codes.MALE]
        assert mm["married"][0, 0] == 1
        assert (BARE.start - 1 - mm["born"][1, :2]).tolist() == [24, 840]

    def test_associations_count_their_households(self) -> None:
        state = settled(Population({"association": [1, 1, 3, 0]}))
        assert state.groups.households.tolist()[:3] == [2, 0, 1]

    def test_cash_is_the_buffer_where_none_is_supplied(self) -> None:
        chosen = BARE.replace({"income.buffer_months": 2.0})
        state = settled(Population({"persons": [1, 3]}), chosen)
        assert state.households["cash"].tolist() == (2 * state.households["income"]).tolist()

    def test_a_table_of_numbers_only_is_what_would_be_drawn(self) -> None:
        drawn = simulate(RULES, households=120, seed=5)
        section = int(lay_out(RULES, 120).number[0]) + 1
        table = Population({"section": np.full(120, section), "household": np.arange(120)})
        assert equal(drawn, simulate(RULES, population=table, seed=5))

    def test_rows_in_any_order(self) -> None:
        households = {
            "section": np.repeat([9, 250, 13], 40),
            "household": np.tile(np.arange(40), 3),
            "taste": np.linspace(-2, 2, 120),
        }
        rng = np.random.default_rng(1)
        order = rng.permutation(120)
        shuffled = Population({name: values[order] for name, values in households.items()})
        one = simulate(RULES, population=Population(households), seed=2)
        assert equal(one, simulate(RULES, population=shuffled, seed=2))
        assert one.arrays.tallies[0, 0, :, codes.HOUSEHOLDS_ALIVE].sum() == 120

    def test_results_stand_for_the_country(self) -> None:
        table = Population({"persons": [1, 3]})
        run = simulate(RULES, population=table)
        persons = RULES.regimes()[0][1].population.persons
        assert run.weight == pytest.approx(next(iter(persons.values())) / 4)
        assert run.households == 2
        assert run.population == table.fingerprint()

    def test_runs_of_different_populations_are_not_joined(self) -> None:
        one = simulate(RULES, population=Population({"persons": [1, 3]}))
        other = simulate(RULES, population=Population({"persons": [3, 1]}), first_replicate=1)
        with pytest.raises(ValueError, match="differ in population"):
            _ = one + other
        with pytest.raises(ValueError, match="another run: population"):
            simulate(RULES, population=Population({"persons": [3, 1]}), replicates=2, finished=one)

    def test_formal_employees_stay_formal(self) -> None:
        run = simulate(RULES, population=Population({"persons": [2, 2], "formal": [1, 0]}))
        formal = run.arrays.tallies[0, :, :, codes.PERSONS_FORMAL].sum(axis=1)
        assert (formal > 0).all()

    def test_what_is_read_cannot_be_changed(self) -> None:
        table = Population({"taste": [0.0, 1.0]})
        with pytest.raises(ValueError, match="read-only"):
            table.households["taste"][0] = 3.0

    def test_fingerprint_tells_tables_apart(self) -> None:
        one = Population({"taste": [0.0, 1.0]})
        assert one.fingerprint() == Population(pd.DataFrame({"taste": [0.0, 1.0]})).fingerprint()
        assert one.fingerprint() != Population({"taste": [0.0, 1.1]}).fingerprint()
        assert one.fingerprint() != Population({"trust_offset": [0.0, 1.0]}).fingerprint()
        bills = {"size": [0.5, 1.5], "probability": [0.5, 0.5]}
        assert one.fingerprint() != Population({"taste": [0.0, 1.0]}, bills=bills).fingerprint()

    def test_read_from_files(self, tmp_path: Path) -> None:
        (tmp_path / "households.csv").write_text("section,household,taste\n1,0,0.5\n1,1,-0.5\n")
        (tmp_path / "members.csv").write_text("section,household,age_years\n1,0,30\n1,0,5\n1,1,60\n")
        (tmp_path / "bills.csv").write_text("size,probability\n0.5,0.5\n1.5,0.5\n")
        read = Population.read(tmp_path)
        assert repr(read) == "<Population of 2 households, 3 persons>"
        assert read.bills[0].tolist() == [0.5, 1.5]
        sizes = read.sizes
        assert sizes is not None
        assert sizes.tolist() == [2, 1]


class TestRefused:
    @pytest.mark.parametrize(
        ("households", "members", "bills", "message"),
        [
            ({}, None, None, "households: the table is empty"),
            (3, None, None, "a DataFrame or a mapping of column to values is wanted, got int"),
            ([1, 2], None, None, "households: a DataFrame or a mapping of column to values is wanted, got"),
            ({"taste": [0.0]}, pd.Series([1]), None, "members: a DataFrame or a mapping of column"),
            ({"tast": [0.0]}, None, None, "households: unknown column 'tast'; did you mean 'taste'?"),
            (
                {"taste": [0.0, 1.0], "need": [1.0]}, None, None,
                "columns differ in length: 'taste' 2, 'need' 1",
            ),
            ({"taste": ["a"]}, None, None, "column 'taste', row 1, holds what is no number: 'a'; it is"),
            ({"formal": [2]}, None, None, "row 1: 2; it is: whole numbers, covered by a formal-sec"),
            ({"taste": [[0.0]]}, None, None, "column 'taste' has 2 dimensions"),
            ({"need": [1.0, -1.0, -2.0]}, None, None, "row 2 and 1 more rows: -1; it is: need of"),
            ({"need": [np.nan]}, None, None, "column 'need', row 1: nan"),
            ({"persons": [1.5]}, None, None, "row 1: 1.5; it is: whole numbers, members, 1 to 12 persons"),
            ({"section": [1, 1], "household": [4, 4]}, None, None, "number 4 of section 1 stands in 2 rows"),
            (
                {"consumption_rwf": [1e5], "position": [0.0]}, None, None,
                "'consumption_rwf' and 'position' say the same",
            ),
            ({"taste": [0.0]}, {"section": [1]}, None, "members: column 'household' is missing"),
            (
                {"persons": [2]}, {"section": [1], "household": [0]}, None,
                "'persons' is counted from the table of members",
            ),
            (
                {"taste": [0.0]}, {"section": [1], "household": [3]}, None,
                "members, row 1: there is no household 3 in section 1",
            ),
            (
                {"taste": [0.0, 0.0]}, {"section": [1], "household": [0]}, None,
                "household 1 of section 1 has 0 members; 1 to 12 are possible",
            ),
            ({"taste": [0.0]}, None, {"size": [1.0]}, "bills: column 'probability' is missing"),
            (
                {"taste": [0.0]}, None, {"size": [1.0], "probability": [0.5]},
                "probabilities sum to 0.5; they must sum to 1",
            ),
            (
                {"taste": [0.0]}, None, {"size": [1.0, 2.0], "probability": [0.5, 0.5]},
                "the mean size is 1.5; sizes are relative to the mean, so divide them by 1.5",
            ),
        ],
    )  # fmt: skip
    def test_tables(self, households: Any, members: Any, bills: Any, message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            Population(households, members, bills)

    def test_all_problems_at_once(self) -> None:
        with pytest.raises(ValueError, match="unknown column") as raised:
            Population({"tast": [0.0], "need": [-1.0]}, None, {"size": [1.0]})
        assert len(str(raised.value).splitlines()) == 3

    def test_more_sections_than_the_country_has(self) -> None:
        with pytest.raises(ValueError, match=r"section 999; the country of this scenario has 403 sections"):
            simulate(RULES, population=Population({"section": [999]}))

    def test_consumption_without_inequality(self) -> None:
        with pytest.raises(ValueError, match=r"income\.gini is 0 at the start"):
            simulate(bare_scenario(), population=Population({"consumption_rwf": [500_000.0]}))
        same = simulate(bare_scenario(), population=Population({"consumption_rwf": [1_200_000.0]}))
        assert same.households == 1

    def test_a_number_of_households_beside_it(self) -> None:
        with pytest.raises(ValueError, match="households = 5 beside a population"):
            simulate(RULES, households=5, population=Population({"taste": [0.0]}))

    def test_what_is_no_population(self) -> None:
        with pytest.raises(ValueError, match=r"population must be a cbhi\.Population"):
            simulate(RULES, population={"taste": [0.0]})  # type: ignore[arg-type]

    def test_files(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"there is no '.*households\.csv'"):
            Population.read(tmp_path)
        (tmp_path / "households.csv").write_text("")
        with pytest.raises(ValueError, match="is not a comma-separated table"):
            Population.read(tmp_path)
        (tmp_path / "households.csv").write_text("section;persons\n1;2\n")
        with pytest.raises(ValueError, match=r"households\.csv' separates its columns by semicolons"):
            Population.read(tmp_path)
        (tmp_path / "households.csv").write_text("section,persons\n1,2\n1,2,3\n")
        with pytest.raises(ValueError, match=r"Expected 2 fields in line 3, saw 3$"):
            Population.read(tmp_path)


class TestBills:
    SIZES = np.array([0.5, 1.0, 3.0])
    CHANCES = np.array([0.5, 0.375, 0.125])

    def constant(self) -> Any:
        return fixed(bill_sizes=self.SIZES, bill_chances=np.cumsum(self.CHANCES))

    @pytest.mark.parametrize(
        ("u", "size"), [(0.0, 0.5), (0.499, 0.5), (0.5, 1.0), (0.874, 1.0), (0.875, 3.0), (1 - 1e-12, 3.0)]
    )
    def test_the_draw_picks_the_size(self, u: float, size: float) -> None:
        assert health.bill(1_000.0, 0.83, u, self.constant()) == 1_000 * size

    def test_frequencies_and_mean(self) -> None:
        u = (np.arange(8_000) + 0.5) / 8_000
        bills = np.array([health.bill(2_000.0, 0.83, x, self.constant()) for x in u])
        assert [(bills == 2_000 * size).mean() for size in self.SIZES] == self.CHANCES.tolist()
        assert bills.mean() == 2_000.0

    def test_households_reckon_with_their_spread(self) -> None:
        bills = {"size": self.SIZES, "probability": self.CHANCES}
        constant = pack_fixed(RULES, 1, 0, 0.0, Population({"persons": [1]}, bills=bills))
        # E[x^2] = .125 + .375 + 1.125, less the squared mean of 1
        assert constant.cost_cv2 == pytest.approx(0.625)
        assert bills_cv2(2.0 * self.SIZES, self.CHANCES) == pytest.approx(0.625)


class TestTasteOfTheYear:
    @pytest.mark.parametrize(
        ("uniform", "scale", "utility", "probability"),
        [
            (0, 1.0, 0.0, 0.5),
            (0, 1.0, 2.0, 0.880797077977882),
            (0, 2.0, 2.0, 0.731058578630005),
            (1, 1.0, 0.2, 0.7),
            (1, 4.0, 0.2, 0.55),
            (1, 1.0, 0.6, 1.0),
            (1, 1.0, -0.6, 0.0),
            (0, 0.0, 1e-9, 1.0),
            (1, 0.0, 0.0, 0.0),
            (0, 0.0, -1e-9, 0.0),
        ],
    )
    def test_probability(self, uniform: int, scale: float, utility: float, probability: float) -> None:
        r = rule(taste_is_uniform=uniform, taste_scale=scale)
        assert choice_probability(utility, r) == pytest.approx(probability, abs=1e-12)

    def test_one_half_is_the_choice_of_an_indifferent_household_without_a_shift(self) -> None:
        base = bare_scenario({"enrolment.private_information": 0.0, "care.user_fee_outpatient_rwf": 0.0,
                              "scheme.premium_rwf.middle": 0}, end="2004-02")  # fmt: skip
        for changes, share in (
            ({"enrolment.taste_of_year": "uniform", "enrolment.intercept": 0.25}, 0.75),
            ({"enrolment.intercept": 1.0}, 0.731058578630005),
        ):
            run = simulate(base.replace(changes), households=10_000, survey=0)
            paid = run.arrays.tallies[0, 0, :, codes.PAID].sum() / 10_000
            assert paid == pytest.approx(share, abs=4 * (share * (1 - share) / 10_000) ** 0.5)


class TestSmallestCoin:
    """Money times a power of two, counted in coins times that power, is the same run."""

    def test_every_payment_is_a_multiple(self) -> None:
        run = simulate(RULES.replace({"income.smallest_coin_rwf": 50}), households=100)
        assert not (run.arrays.flows % 50).any()
        assert run.arrays.flows.sum() > 0
        out_of_pocket = run.arrays.strata[..., codes.S_OUT_OF_POCKET]
        assert out_of_pocket.sum() > 0
        assert not (out_of_pocket % 50).any()

    def test_results_hardly_move_with_small_coins(self) -> None:
        one = simulate(RULES, households=400, seed=4)
        ten = simulate(RULES.replace({"income.smallest_coin_rwf": 10}), households=400, seed=4)
        income = one.arrays.flows[..., codes.INCOME].sum(), ten.arrays.flows[..., codes.INCOME].sum()
        assert income[1] == pytest.approx(income[0], rel=1e-3)
        claims = codes.CLAIMS_APPROVED_SECTION
        a, b = one.arrays.tallies[..., claims].sum(), ten.arrays.tallies[..., claims].sum()
        assert b == pytest.approx(a, rel=0.1)
