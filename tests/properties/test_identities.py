"""The books balance and nobody is lost, in random scenarios and in extreme ones; and the checks can fail."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from eventful_cases import PARTNERS
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick, scenarios

from cbhi import Results, Scenario, checks, simulate
from cbhi.checks import CheckError, check_all
from cbhi.kernels import codes as c
from cbhi.months import parse_month
from cbhi.packing import pack_calendar, pack_rules
from cbhi.params import parameter_table

SWITCHES = tuple(key for key in parameter_table() if key.startswith("switches."))
SUBSIDISED = {"subsidy.offered": True, "subsidy.slots_share": 0.4}


def base(**changes: Any) -> Scenario:
    """A scenario of defaults in which all schemes are open and people care to join."""
    values = {
        "switches.rollout": False,
        "enrolment.attention_per_month": 0.8,
        "enrolment.intercept": 1.0,
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    return Scenario(name="test", start=parse_month("2005-01"), end=parse_month("2007-12"), values=values)


def run(changes: dict[str, Any] | None = None, households: int = 60, replicates: int = 2) -> Results:
    """Run the base with changes and check everything."""
    results = simulate(base().replace(changes or {}), households=households, replicates=replicates, seed=7)
    check_all(results)
    return results


def tally(results: Results, *kinds: int) -> Any:
    """Tallies of some kinds together, shape (replicates, months)."""
    return results.arrays.tallies[..., list(kinds)].sum(axis=(2, 3))


def flow(results: Results, *kinds: int) -> Any:
    return results.arrays.flows[..., list(kinds)].sum(axis=(2, 3))


VISITS = (c.VISITS_INSURED, c.VISITS_UNINSURED, c.VISITS_FORMAL)
CLAIMS = (c.CLAIMS_OUTPATIENT, c.CLAIMS_OUTPATIENT_POOL, c.CLAIMS_HOSPITAL)
SUBSIDIES = (c.SUBSIDY_STATE, c.SUBSIDY_DONOR, c.SUBSIDY_NGO, c.SUBSIDY_POOL)


class TestRandomScenarios:
    @given(
        scenario=scenarios(),
        # one section, or several in one district or more
        households=st.integers(1, 80) | st.integers(500, 1000),
        seed=st.integers(0, 2**63 - 1),
    )
    @quick
    def test_every_identity_holds(self, scenario: Scenario, households: int, seed: int) -> None:
        check_all(simulate(scenario, households=households, replicates=2, seed=seed))

    @given(scenario=scenarios(), households=st.integers(1, 80))
    @quick
    def test_nothing_is_sold_out_of_season(self, scenario: Scenario, households: int) -> None:
        results = simulate(scenario, households=households)
        closed = pack_calendar(scenario, pack_rules(scenario)).is_open == 0
        for sums in (flow(results, c.CONTRIBUTION, *SUBSIDIES), tally(results, c.ENROLMENTS, c.DECISIONS)):
            assert not sums[:, closed].any()

    @given(scenario=scenarios(), households=st.integers(1, 80))
    @quick
    def test_a_rationed_centre_serves_exactly_its_capacity(self, scenario: Scenario, households: int) -> None:
        # so few households live in one section, so demand and capacity meet within it
        changes = {"switches.rationing": True, "switches.demography": True, "demography.deaths": 5.0}
        results = simulate(scenario.replace(changes), households=households, replicates=2)
        over = tally(results, c.CONTACTS_WANTED) - tally(results, c.CAPACITY)
        np.testing.assert_array_equal(tally(results, c.FORGONE_CAPACITY), np.maximum(0, over))


class TestExtremes:
    def test_free_cover(self) -> None:
        free = {"scheme.premium_rwf": {"poorest": 0, "middle": 0, "rich": 0}, "enrolment.hassle_rwf": 0.0}
        results = run(free)
        assert tally(results, c.ENROLMENTS).sum() > 0
        assert flow(results, c.CONTRIBUTION, c.POOL_SHARE, c.ADMINISTRATION).sum() == 0
        assert flow(results, *CLAIMS).sum() == 0
        assert results.arrays.stocks[:, -1, :, c.STOCK_PAYABLES_SECTION].sum() > 0

    def test_everybody_subsidised_in_full(self) -> None:
        changes = {
            "subsidy.offered": True,
            "subsidy.slots_share": 1.0,
            "subsidy.premium_share": 1.0,
            "subsidy.registration_per_month": 1.0,
            "switches.formal_sector": False,
            "switches.demography": False,
        }
        results = run(changes)
        assert flow(results, c.CONTRIBUTION).sum() == 0
        assert flow(results, *SUBSIDIES).sum() > 0
        np.testing.assert_array_equal(tally(results, c.SLOTS), tally(results, c.PERSONS))
        np.testing.assert_array_equal(tally(results, c.PAID), tally(results, c.PERSONS))

    def test_no_clinicians_no_care(self) -> None:
        results = run({"provider.clinicians": {"2005-07": 0.0}})
        assert tally(results, c.CONTACTS_WANTED).sum() > 0
        assert tally(results, *VISITS, c.CAPACITY).sum() == 0
        assert flow(results, *CLAIMS, c.SALARIES).sum() == 0

    def test_everybody_severely_ill_all_the_time(self) -> None:
        changes = {
            "care.need_per_person_year": 60.0,
            "care.severe_share": 1.0,
            "care.admission_if_severe": 1.0,
        }
        results = run({**changes, "switches.rationing": False})
        np.testing.assert_array_equal(tally(results, c.ADMISSIONS), tally(results, *VISITS))
        assert tally(results, c.EPISODES).sum() > 12 * tally(results, c.PERSONS)[:, 0].sum()
        run(changes)

    def test_nobody_ill(self) -> None:
        results = run({"care.need_per_person_year": 0.0, "enrolment.intercept": 5.0})
        assert tally(results, c.EPISODES, *VISITS).sum() == 0
        assert tally(results, c.ENROLMENTS).sum() > 0
        assert flow(results, *CLAIMS).sum() == 0

    def test_one_household(self) -> None:
        results = run(households=1, replicates=20)
        assert results.households == 1
        assert (results.arrays.opening_people[..., 1] == 1).all()

    def test_one_person(self) -> None:
        run({"population.household_size": 1.0, "demography.deaths": 5.0}, households=1, replicates=20)

    def test_one_district(self) -> None:
        changes = {"population.districts": 1, "rollout.pilot_districts": 1}
        assert run(changes, households=750).arrays.flows.shape[2] == 1

    def test_several_sections_and_districts(self) -> None:
        assert run(households=1000, replicates=1).arrays.flows.shape[2] > 1

    def test_persons_enrol_alone(self) -> None:
        results = run({"scheme.enrolment_unit": "person", **SUBSIDISED})
        covered = tally(results, c.HOUSEHOLD_MONTHS_INSURED)
        assert tally(results, c.INSURED).sum() > covered.sum() > 0

    @pytest.mark.parametrize("rule", ["carry", "suspend", "bail_out", "merge"])
    @pytest.mark.parametrize("pool_pays", [False, True])
    def test_starved_funds(self, rule: str, pool_pays: bool) -> None:
        # administration eats every premium
        changes = {
            "fund.administration_share": 1.0,
            "fund.deficit_rule": rule,
            "fund.arrears_limit_months": 1.0,
            "fund.pool_pays_outpatient": pool_pays,
        }
        results = run(changes)
        assert flow(results, c.POOL_SHARE).sum() == 0
        rescued = flow(results, c.BAIL_OUT_SECTION, c.BAIL_OUT_POOL).sum()
        assert (rescued > 0) == (rule == "bail_out")
        assert flow(results, *CLAIMS).sum() == rescued
        if rule == "suspend" and not pool_pays:
            covered = tally(results, c.HOUSEHOLD_MONTHS_INSURED)
            assert ((covered > 0) & (tally(results, c.INSURED) == 0)).any()

    def test_national_pool_that_pays_for_everything(self) -> None:
        changes = {
            "fund.national_pool": True,
            "fund.pool_pays_outpatient": True,
            "fund.pool_share": 1.0,
            "formal.levy_share": 0.05,
            "formal.share": {"2004-07": 0.1},
            "fund.pool_grant_rwf": 1000.0,
        }
        results = run(changes, households=1000, replicates=1)
        assert flow(results, c.CLAIMS_OUTPATIENT_POOL).sum() > 0
        assert flow(results, c.LEVY).sum() > 0
        assert results.arrays.stocks[..., 1:, c.POOLS].sum() == 0
        assert results.arrays.stocks[..., c.STOCK_PAYABLES_SECTION].sum() == 0

    def test_pools_become_one_and_part_again(self) -> None:
        scenario = (
            base()
            .add_event("2006-01", {"fund.national_pool": True, "fund.pool_pays_outpatient": True})
            .add_event("2007-01", {"fund.national_pool": False, "fund.pool_pays_outpatient": False})
        )
        results = simulate(scenario, households=1000, seed=7)
        check_all(results)
        pools = results.arrays.stocks[0, :, :, c.POOLS]
        assert (pools[12, 1:] > 0).any()
        assert (pools[24, 1:] == 0).all()
        assert (pools[36, 1:] > 0).any()

    def test_the_dead_do_not_queue(self) -> None:
        # households that dissolved once kept their contacts and took places from the living
        changes = {"care.need_per_person_year": 30.0, "demography.deaths": 5.0}
        results = run(changes, replicates=20)
        assert tally(results, c.HOUSEHOLDS_DISSOLVED).sum() > 10
        over = tally(results, c.CONTACTS_WANTED) - tally(results, c.CAPACITY)
        assert (over > 0).sum() > 100
        np.testing.assert_array_equal(tally(results, c.FORGONE_CAPACITY), np.maximum(0, over))

    def test_no_demography(self) -> None:
        results = run({"switches.demography": False})
        assert len(np.unique(tally(results, c.PERSONS)[0])) == 1

    def test_all_switches_off(self) -> None:
        run(dict.fromkeys(SWITCHES, False))

    @pytest.mark.parametrize("switch", SWITCHES)
    def test_one_switch_off(self, switch: str) -> None:
        run({switch: False, "mandate.compulsory": True, **SUBSIDISED}, households=30, replicates=1)

    def test_everything_free_of_money(self) -> None:
        prices = {
            "scheme.premium_rwf": {"poorest": 0, "middle": 0, "rich": 0},
            "care.user_fee_outpatient_rwf": 0.0,
            "care.user_fee_admission_share": 0.0,
            "care.cost_outpatient_rwf": 0.0,
            "care.cost_admission_rwf": 0.0,
        }
        results = run(prices)
        assert tally(results, *VISITS).sum() > 0
        assert tally(results, c.BILLED_HEALTH_CENTRE, c.BILLED_HOSPITAL).sum() == 0

    def test_no_scheme_ever_opens(self) -> None:
        changes = {
            "switches.rollout": True,
            "rollout.pilot_sections": 0,
            "rollout.schemes": {"2009-01": 0.0, "2010-01": 403.0},
            "mandate.compulsory": True,
            **SUBSIDISED,
        }
        results = run(changes)
        assert tally(results, c.PERSONS_OPEN, c.PAID, c.SLOTS, c.PENALTIES).sum() == 0


@functools.cache
def rich_run() -> Results:
    """A run in which every kind of flow, stock and count occurs."""
    scenario = (
        base()
        .replace(
            {
                **SUBSIDISED,
                "subsidy.state_share": 0.4,
                "subsidy.donor_share": 0.4,
                "mandate.compulsory": True,
                "mandate.initial_capacity": 1.0,
                "mandate.enforcement_max": 1.0,
                "formal.levy_share": 0.05,
                "formal.share": {"2004-07": 0.2},
                "fund.pool_grant_rwf": 50.0,
                "fund.pool_share": 0.02,
                "fund.administration_share": 0.95,
                "fund.deficit_rule": "bail_out",
                "fund.arrears_limit_months": 0.5,
                "care.need_per_person_year": 12.0,
                "care.severe_share": 0.4,
                "demography.deaths": 5.0,
                "demography.births": 2.0,
                "demography.marriages": 4.0,
                "population.household_size": 2.0,
                "income.debt_cap_months": 3.0,
                "income.mean_consumption_rwf": 100_000.0,
                "income.gini": {"2004-07": 0.6},
                "enrolment.price_slope": 2.0,
                "enrolment.attention_per_month": 0.3,
                "scheme.premium_rwf": {"poorest": 1000, "middle": 4000, "rich": 7000},
                "scheme.calendar": "fixed",
                "switches.rollout": True,
                "rollout.pilot_month": "2005-04",
                "rollout.schemes": {"2004-01": 54.0, "2005-12": 54.0, "2006-06": 403.0},
                **PARTNERS,
            }
        )
        .add_event("2005-09", {"switches.pooling": False, "fund.deficit_rule": "carry"})
        .add_event("2006-01", {"subsidy.slots_share": 0.1, "switches.pooling": True})
        .add_event("2006-02", {"fund.deficit_rule": "bail_out"})
        .add_event("2006-03", {"provider.payment": "capitation", "scheme.enrolment_unit": "group"})
        .add_event("2006-09", {"switches.cash_gate": False, "provider.payment": "case"})
        .add_event("2006-10", {"fund.deficit_rule": "suspend"})
        .add_event("2007-01", {"fund.deficit_rule": "merge", "groups.required": True})
        .add_event("2007-03", {"switches.cash_gate": True, "provider.payment": "fee"})
        .add_event("2007-08", {"fund.pool_pays_outpatient": True, "fund.national_pool": True})
    )
    return simulate(scenario, households=2000, replicates=1, seed=3)


FAILING: list[tuple[str, Callable[..., None], tuple[str, ...]]] = [
    ("flow matrix", checks.check_flow_matrix, ("flows", "stocks")),
    ("fund balances", checks.check_fund_balances, ("flows", "stocks", "tallies")),
    ("debt", checks.check_debt, ("flows", "stocks", "tallies")),
    ("lenders", checks.check_lenders, ("flows", "stocks", "tallies")),
    ("people", checks.check_people, ("tallies", "opening_people")),
    ("care", checks.check_care, ("flows", "tallies")),
    ("membership", checks.check_membership, ("tallies", "opening_people")),
    ("subsidies", checks.check_subsidies, ("flows", "tallies")),
    ("nonnegative", checks.check_nonnegative, ("flows", "stocks", "tallies", "strata", "opening_people")),
    ("gauges", checks.check_gauges, ("gauges", "tallies", "opening_people")),
]
CHECKS = {name: (check, needs) for name, check, needs in FAILING}
HUGE = 10**12

# check, array, column, amount added to the last month: each must be noticed by the check named
ONE_MORE = [
    *(("flow matrix", "flows", kind, 1) for kind in range(c.N_FLOWS)),
    *(("flow matrix", "stocks", sector, 1) for sector in range(c.N_SECTORS)),
    *(
        ("fund balances", "flows", kind, 1)
        for kind in (
            c.CLAIMS_OUTPATIENT, c.CLAIMS_OUTPATIENT_POOL, c.CLAIMS_HOSPITAL, c.CLAIMS_HOSPITAL_SECTION,
        )
    ),
    ("fund balances", "flows", c.BAIL_OUT_SECTION, HUGE),
    ("fund balances", "flows", c.BAIL_OUT_POOL, HUGE),
    *(
        ("fund balances", "stocks", kind, 1)
        for kind in (
            c.STOCK_PAYABLES_SECTION, c.STOCK_PAYABLES_POOL, c.STOCK_PAYABLES_SECTION_HOSPITAL,
            c.STOCK_OWED_BETWEEN_SECTIONS,
            c.STOCK_POOL_OWES_CENTRES,
        )
    ),
    *(
        ("fund balances", "tallies", kind, 1)
        for kind in (
            c.CLAIMS_APPROVED_SECTION, c.CLAIMS_APPROVED_POOL, c.PAYABLES_MOVED_TO_POOL,
            c.CLAIMS_APPROVED_SECTION_HOSPITAL, c.PAYABLES_HOSPITAL_MOVED, c.PORTABLE_CLAIMS,
            c.PORTABLE_SETTLED,
        )
    ),
    *(
        ("lenders", "flows", kind, 1)
        for kind in (
            c.LOAN, c.LOAN_REPAYMENT, c.LOAN_INTEREST, c.LENDER_EQUITY, c.LENDER_BORROWING,
            c.LENDER_REPAYMENT, c.LENDER_INTEREST, c.LENDER_OPERATING_COST, c.DEPOSIT_INTEREST,
            c.GROUP_DEPOSIT, c.GROUP_WITHDRAWAL,
        )
    ),
    *(
        ("lenders", "stocks", kind, 1)
        for kind in (
            c.LENDERS, c.STOCK_LOANS, c.STOCK_LOAN_INTEREST, c.STOCK_GROUP_DEPOSITS, c.STOCK_LENDER_BORROWING,
        )
    ),
    *(
        ("lenders", "tallies", kind, 1)
        for kind in (c.LOAN_WRITTEN_OFF, c.LOAN_INTEREST_CHARGED, c.LOAN_INTEREST_WRITTEN_OFF)
    ),
    *(
        ("lenders", "tallies", kind, HUGE)
        for kind in (
            c.LOAN_DEFAULTS, c.LOAN_DEFAULTS_STRATEGIC, c.LOAN_DEFAULTS_INSURED, c.LOAN_MONTHS_INSURED,
            c.LOAN_MONTHS_LATE,
        )
    ),
    ("debt", "stocks", c.STOCK_DEBT, 1),
    ("debt", "flows", c.INFORMAL_LOAN, 1),
    ("debt", "flows", c.INFORMAL_REPAYMENT, 1),
    ("debt", "tallies", c.DEBT_WRITTEN_OFF, 1),
    *(
        ("people", "tallies", kind, 1)
        for kind in (
            c.PERSONS, c.HOUSEHOLDS_ALIVE, c.BIRTHS, c.DEATHS, c.HOUSEHOLDS_FORMED, c.HOUSEHOLDS_DISSOLVED,
        )
    ),
    *(
        ("people", "tallies", kind, HUGE)
        for kind in (c.PERSONS_OPEN, c.PERSONS_FORMAL, c.POOR, c.CHRONIC, c.WOMEN)
    ),
    ("people", "opening_people", 0, 1),
    ("people", "opening_people", 1, 1),
    *(
        ("care", "tallies", kind, 1)
        for kind in (
            c.CONTACTS_WANTED, c.EPISODES, *VISITS, c.FORGONE_UNSOUGHT, c.FORGONE_CAPACITY, c.FORGONE_REFUSED,
            c.FORGONE_CASH, c.BILLED_HEALTH_CENTRE, c.BILLED_HOSPITAL, c.CLAIMS_APPROVED_SECTION,
            c.CLAIMS_APPROVED_POOL, c.CLAIMS_REJECTED_SECTION, c.CLAIMS_APPROVED_SECTION_HOSPITAL,
        )
    ),
    *(
        ("care", "tallies", kind, HUGE)
        for kind in (c.ADMISSIONS, c.VISITS_ELSEWHERE, c.FRAUD_FOUND_RWF, c.VISITS_BORROWED_CARD)
    ),
    *(
        ("care", "flows", kind, 1)
        for kind in (
            c.COPAYMENT_HEALTH_CENTRE, c.COPAYMENT_HOSPITAL, c.FEE_HEALTH_CENTRE, c.FEE_HOSPITAL,
            c.FORMAL_CLAIMS_HEALTH_CENTRE, c.FORMAL_CLAIMS_HOSPITAL,
        )
    ),
    *(
        ("membership", "tallies", kind, HUGE)
        for kind in (
            c.INSURED, c.PAID, c.PERSONS_FORMAL, c.RECENT_MEMBERS, c.SLOTS, c.SUBSIDISED_PAID, c.POOR_PAID,
            c.POOR_SLOTS, c.WOMEN_INSURED, c.ENROLMENTS, c.PREMIUMS_BORROWED, c.RISK_PREMIUM_CAPPED,
            c.HOUSEHOLD_MONTHS_INSURED, c.LOANS, c.GROUP_VOTES_PASSED, c.BOTTOM40, c.BOTTOM40_SLOTS,
            c.POOR_BY_CASH, c.POOR_BY_LOAN, c.POOR_BY_GROUP, c.POOR_BY_SUBSIDY,
        )
    ),
    *(
        ("membership", "tallies", kind, 1)
        for kind in (
            c.RENEWALS_DUE, c.RENEWALS, c.LAPSE_UNAFFORDABLE, c.LAPSE_UNWILLING, c.LAPSE_INATTENTIVE,
            c.LAPSE_SUBSIDY_LOST, c.PERSONS_BY_CASH, c.PERSONS_BY_LOAN, c.PERSONS_BY_GROUP,
            c.PERSONS_BY_SUBSIDY, c.PERSONS_ENROLLED,
        )
    ),
    ("membership", "tallies", c.HOUSEHOLD_MONTHS_SOLD, -HUGE),
    *(("subsidies", "flows", kind, HUGE) for kind in SUBSIDIES),
    ("subsidies", "tallies", c.SLOTS, HUGE),
    ("subsidies", "tallies", c.SUBSIDY_BUDGET, -HUGE),
    *(("nonnegative", "flows", kind, -HUGE) for kind in range(c.N_FLOWS)),
    *(("nonnegative", "tallies", kind, -HUGE) for kind in range(c.N_TALLIES)),
    *(("nonnegative", "strata", kind, -HUGE) for kind in range(c.N_STRATUM_TALLIES)),
    *(("nonnegative", "opening_people", kind, -HUGE) for kind in range(2)),
    *(
        ("nonnegative", "stocks", kind, -HUGE)
        for kind in (
            c.HOUSEHOLDS, c.SECTION_FUNDS, c.POOLS, c.HEALTH_CENTRES, c.HOSPITALS, c.STOCK_DEBT,
            c.LENDERS, c.GROUPS, c.NATIONAL_POOL, *range(c.STOCK_PAYABLES_SECTION, c.N_STOCKS),
        )
    ),
    *(("gauges", "gauges", kind, float("nan")) for kind in range(c.N_GAUGES)),
    *(("gauges", "gauges", kind, -1e9) for kind in range(c.N_GAUGES)),
    *(
        ("gauges", "gauges", kind, 1e9)
        for kind in (
            c.GAUGE_TRUST, c.GAUGE_QUALITY, c.GAUGE_STOCK, c.GAUGE_EXPECTED_ENROLLED, c.GAUGE_ADMIN_CAPACITY,
            c.GAUGE_EFFORT, c.GAUGE_BLAME,
        )
    ),
]  # fmt: skip


class TestBrokenArrays:
    def test_the_run_to_be_broken_is_sound_and_rich(self) -> None:
        results = rich_run()
        check_all(results)
        empty = [c.FLOWS[kind][0] for kind in range(c.N_FLOWS) if flow(results, kind).sum() == 0]
        assert not empty
        rare = {"births_without_room", "marriages_without_room"}
        unseen = {c.TALLIES[kind] for kind in range(c.N_TALLIES) if tally(results, kind).sum() == 0}
        assert unseen <= rare

    @pytest.mark.parametrize(("name", "array", "column", "amount"), ONE_MORE)
    def test_one_wrong_number_is_noticed(self, name: str, array: str, column: int, amount: float) -> None:
        check, needs = CHECKS[name]
        arrays = {key: getattr(rich_run().arrays, key) for key in needs}
        check(*arrays.values())
        broken = arrays[array].copy()
        broken[(0, *([-1] * (broken.ndim - 2)), column)] += amount
        with pytest.raises(CheckError, match=r"replicate 0, month \d+.*: expected .*, found "):
            check(*{**arrays, array: broken}.values())

    @pytest.mark.parametrize("kind", range(c.N_STRATUM_TALLIES))
    def test_strata_that_do_not_add_up(self, kind: int) -> None:
        results = rich_run()
        broken = results.arrays.strata.copy()
        # one too many where the country's count is at hand; parts of a stratum have their whole as limit
        parts = (
            c.S_VISITS_WOMEN, c.S_ADMISSIONS_INSURED, c.S_ADMISSIONS_FORMAL, c.S_ADMISSIONS_WOMEN,
            c.S_OUT_OF_POCKET_INSURED, c.S_OUT_OF_POCKET_FORMAL, c.S_CLAIMS_FORMAL,
        )  # fmt: skip
        broken[0, 1, 2, kind] += HUGE if kind in parts else 1
        with pytest.raises(CheckError, match="strata"):
            checks.check_strata(results.arrays.flows, results.arrays.tallies, broken, results.periods)

    def test_district_pools_before_they_become_one(self) -> None:
        # the country's sum hides a franc that moved between two districts' pools
        arrays = rich_run().arrays
        stocks = arrays.stocks.copy()
        stocks[0, 5, 0, c.POOLS] += 1
        stocks[0, 5, 1, c.POOLS] -= 1
        checks.check_flow_matrix(arrays.flows, stocks)
        apart = np.zeros(arrays.flows.shape[1], dtype=bool)
        with pytest.raises(CheckError, match=r"money of pools .*by district"):
            checks.check_flow_matrix(arrays.flows, stocks, apart)
        stocks = arrays.stocks.copy()
        stocks[0, 5, 0, c.STOCK_PAYABLES_POOL] += 1
        stocks[0, 5, 1, c.STOCK_PAYABLES_POOL] -= 1
        checks.check_fund_balances(arrays.flows, stocks, arrays.tallies)
        with pytest.raises(CheckError, match=r"payables of pools .*by district"):
            checks.check_fund_balances(arrays.flows, stocks, arrays.tallies, apart)

    def test_more_served_than_there_is_capacity(self) -> None:
        arrays = rich_run().arrays
        tallies = arrays.tallies.copy()
        on = np.ones(tallies.shape[1], dtype=bool)
        checks.check_care(arrays.flows, tallies, on)
        with pytest.raises(CheckError, match="rationing off"):
            checks.check_care(arrays.flows, tallies, ~on)
        tallies[..., c.CAPACITY] = 0
        with pytest.raises(CheckError, match="visits at home <= capacity"):
            checks.check_care(arrays.flows, tallies, on)

    @pytest.mark.parametrize(
        ("array", "column", "changes"),
        [
            ("tallies", c.INSURED, {}),
            ("tallies", c.PAID, {}),
            ("tallies", c.SLOTS, {}),
            ("tallies", c.PERSONS_OPEN, {}),
            ("flows", c.CONTRIBUTION, {}),
            ("flows", c.SUBSIDY_STATE, {}),
            ("tallies", c.PENALTIES, {"mandate.compulsory": False}),
            ("flows", c.PENALTY, {"mandate.compulsory": False}),
            ("tallies", c.PENALTIES, {"switches.mandate": False}),
            ("tallies", c.GATE_REFUSALS, {"switches.service_gate": False}),
            ("tallies", c.SLOTS, {"subsidy.offered": False}),
            ("tallies", c.SUBSIDY_BUDGET, {"switches.subsidies": False}),
            ("flows", c.SUBSIDY_DONOR, {"subsidy.offered": False}),
            ("flows", c.BAIL_OUT_SECTION, {"fund.deficit_rule": "carry"}),
            ("flows", c.BAIL_OUT_POOL, {"fund.deficit_rule": "suspend"}),
            ("flows", c.POOL_SHARE, {"switches.pooling": False}),
            ("flows", c.LEVY, {"formal.levy_share": 0.0}),
            ("flows", c.POOL_GRANT, {"fund.pool_grant_rwf": 0.0}),
            ("flows", c.CLAIMS_OUTPATIENT_POOL, {"fund.pool_pays_outpatient": False}),
            ("tallies", c.PAYABLES_MOVED_TO_POOL, {"fund.pool_pays_outpatient": False}),
            ("flows", c.CLAIMS_OUTPATIENT, {"fund.pool_pays_outpatient": True}),
            ("tallies", c.BIRTHS, {"switches.demography": False}),
        ],
    )
    def test_what_the_rules_do_not_allow_yet(self, array: str, column: int, changes: dict[str, Any]) -> None:
        closed = {"switches.rollout": True, "rollout.pilot_sections": 0, "rollout.schemes": {"2009-01": 0.0}}
        scenario = base().replace(changes or closed)
        results = simulate(scenario, households=20)
        checks.check_timing(results)
        broken = getattr(results.arrays, array).copy()
        broken[0, 3, 0, column] += 1
        object.__setattr__(results, "arrays", results.arrays._replace(**{array: broken}))
        with pytest.raises(CheckError, match=r"month 3, district 0: expected 0, found "):
            checks.check_timing(results)

    def test_the_message_counts_the_places(self) -> None:
        arrays = rich_run().arrays
        stocks = arrays.stocks.copy()
        stocks[0, 4, 0, c.STOCK_DEBT] += 17
        right = int(arrays.stocks[0, 4, 0, c.STOCK_DEBT])
        with pytest.raises(CheckError) as caught:
            checks.check_debt(arrays.flows, stocks, arrays.tallies)
        assert str(caught.value) == (
            "debt = before + borrowed - repaid - written off: replicate 0, month 3, district 0: "
            f"expected {right}, found {right + 17} (and 1 other place)"
        )
        assert isinstance(caught.value, AssertionError)
