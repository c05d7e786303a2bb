"""Indicators of a run: worked by hand on small books and surveys, identities on a run, and absence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cbhi import Results, Scenario, indicators, simulate
from cbhi.kernels import codes
from cbhi.months import parse_month
from cbhi.run_indicators import INDICATOR_COLUMNS, indicators_frame, indicators_table
from cbhi.run_indicators.books import APPROVED, PREMIUMS, Books
from cbhi.run_indicators.scheme import incurred
from cbhi.run_indicators.solvency import days_of_arrears

FLOW = {name: kind for kind, (name, *_) in enumerate(codes.FLOWS)}
TALLY = {name: kind for kind, name in enumerate(codes.TALLIES)}
STOCK = {name: kind for kind, name in enumerate(codes.STOCKS)}
ROLLING = {"scheme.calendar": "rolling"}
FIXED = {
    "scheme.calendar": "fixed",
    "scheme.year_start_month": 1,
    "scheme.open_months_before": 5,
    "scheme.open_months_after": 6,
}


def by_hand(
    *,
    flows: dict[str, dict[int, int]] | None = None,
    tallies: dict[str, dict[int, int]] | None = None,
    stocks: dict[str, dict[int, int]] | None = None,
    quintiles: Any = None,
    values: dict[str, Any] | None = None,
    months: int = 24,
    replicates: int = 1,
    country: str = "",
) -> Any:
    """A run of one district from January 2004 with the amounts given by month; stocks after the month."""
    start = parse_month("2004-01")
    scenario = Scenario(
        name="by hand", start=start, end=start + months - 1, values=values or ROLLING, country=country
    )
    kept = {
        "flows": np.zeros((replicates, months, 1, codes.N_FLOWS), dtype=np.int64),
        "stocks": np.zeros((replicates, months + 1, 1, codes.N_STOCKS), dtype=np.int64),
        "tallies": np.zeros((replicates, months, 1, codes.N_TALLIES), dtype=np.int64),
    }
    for array, given, numbers, shift in (
        ("flows", flows, FLOW, 0),
        ("tallies", tallies, TALLY, 0),
        ("stocks", stocks, STOCK, 1),
    ):
        for name, amounts in (given or {}).items():
            for month, amount in amounts.items():
                kept[array][:, month + shift, 0, numbers[name]] = amount
    periods = [("2004", 0, 12), ("2005", 12, 24)] if months == 24 else [("2004 (6 months)", 0, months)]
    counted = np.zeros((replicates, len(periods), codes.STRATA, codes.N_STRATUM_TALLIES), dtype=np.int64)
    if quintiles is not None:
        for column, numbers_by_quintile in quintiles.items():
            # all in the middle category
            counted[:, 0, codes.MIDDLE :: codes.CATEGORIES, column] = numbers_by_quintile
    arrays = SimpleNamespace(
        **kept, strata=counted, replicates=np.arange(replicates), districts=np.array([6])
    )
    return SimpleNamespace(arrays=arrays, scenario=scenario, periods=tuple(periods), weight=1.0)


def value(frame: pd.DataFrame, name: str, period: str = "2004", group: str = "all", **where: Any) -> float:
    return float(row(frame, name, period, group, **where)["value"])


def row(frame: pd.DataFrame, name: str, period: str = "2004", group: str = "all", **where: Any) -> Any:
    rows = frame[(frame["indicator"] == name) & (frame["period"] == period) & (frame["group"] == group)]
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    assert len(rows) == 1, (name, len(rows))
    return rows.iloc[0]


def survey(**columns: Any) -> pd.DataFrame:
    """Five households of one person in 2004; the columns given replace what would be dull."""
    n = len(next(iter(columns.values()))) if columns else 5
    dull: dict[str, Any] = {
        "replicate": 0, "period": "2004", "weight": 1.0, "persons": 1, "consumption_rwf": 100.0,
        "category": "middle", "is_formal": False, "is_member": False, "contribution_rwf": 0,
        "sponsored_rwf": 0, "out_of_pocket_rwf": 0, "visits": 0, "episodes": 0, "claims_rwf": 0,
        "expected_episodes": 1.0, "public_expected_episodes": 1.0,
    }  # fmt: skip
    return pd.DataFrame({k: columns.get(k, [v] * n) for k, v in {**dull, **columns}.items()})


@pytest.fixture(scope="module")
def results() -> Results:
    """Two years and a half of a small country with subsidies and audit; two replicates."""
    values = {
        "switches.rollout": False,
        "switches.fraud": True,
        "population.districts": 2,
        "population.sections": 10,
        "rollout.pilot_sections": 0,
        "rollout.pilot_districts": 0,
        "enrolment.intercept": 0.5,
        "subsidy.offered": True,
        "subsidy.slots_share": 0.2,
        "subsidy.donor_share": 0.8,
        "subsidy.cross_subsidy_share": 0.2,
        "fund.deficit_rule": "bail_out",
        "fund.arrears_limit_months": 0.5,
        "fund.quota_share": 0.1,
    }
    s = Scenario(name="small", start=parse_month("2004-01"), end=parse_month("2006-06"), values=values)
    return simulate(s, households=400, replicates=2, seed=5)


@pytest.fixture(scope="module")
def frame(results: Results) -> pd.DataFrame:
    return results.indicators(pd.DataFrame())


# --- the books ------------------------------------------------------------------------------------------


def test_rolling_premiums_are_earned_over_the_twelve_months_after_payment() -> None:
    books = Books(by_hand(flows={"contribution": {0: 1200, 20: 1200}}))
    assert books.earned[0] == pytest.approx([1100.0, 100.0 + 300.0])
    assert books.unearned[0] == pytest.approx([100.0, 900.0])


def test_premiums_of_a_membership_year_are_earned_within_it() -> None:
    # paid in January for January to December 2004, and in September 2004 for 2005
    books = Books(by_hand(flows={"contribution": {0: 1200}, "subsidy_state": {8: 600}}, values=FIXED))
    assert books.earned[0] == pytest.approx([1200.0, 600.0])
    assert books.unearned[0] == pytest.approx([600.0, 0.0])


def test_claims_incurred_are_claims_approved(results: Results) -> None:
    books = Books(results)
    assert books.tally(*APPROVED).min() > 0
    np.testing.assert_allclose(incurred(books), books.tally(*APPROVED), rtol=1e-9)


def test_premiums_are_earned_or_still_to_come(results: Results) -> None:
    books = Books(results)
    paid = np.cumsum(books.flow(*PREMIUMS), axis=1)
    np.testing.assert_allclose(np.cumsum(books.earned, axis=1) + books.unearned, paid)
    assert books.unearned.min() > -1e-6


# --- ratios of the scheme -------------------------------------------------------------------------------


def accounts_by_hand() -> Any:
    """Premiums of 1,100 earned in 2004; 600 paid and 60 more owed; 110 of expenses; 90 lost or reinsured."""
    return by_hand(
        flows={
            "contribution": {0: 1200},
            "claims_outpatient": {3: 400},
            "claims_hospital": {4: 200},
            "administration": {5: 100},
            "audit": {5: 10},
            "embezzlement": {5: 30},
            "reinsurance_premium": {6: 60},
            "pool_grant": {6: 50},
        },
        tallies={
            "claims_approved_section": {2: 460},
            "claims_approved_pool": {2: 200},
            "visits_insured": {2: 33},
            "insured": dict.fromkeys(range(12), 20),
            "paid": {11: 25, 23: 30},
            "persons": {11: 110, 23: 110},
            "persons_formal": {11: 10, 23: 10},
            "household_months_insured": {11: 5},
            "households": {11: 25},
            "renewals": {11: 3},
            "renewals_due": {11: 4},
        },
        stocks={
            "payables_sections": dict.fromkeys(range(3, 24), 60),
            "section_funds": {11: 300},
            "pools": {11: 60},
        },
    )


def test_ratios_of_accounts_by_hand() -> None:
    found = indicators_frame(accounts_by_hand(), pd.DataFrame())
    for name, wanted in {
        "incurred_claims_ratio": 660 / 1100,
        "incurred_expense_ratio": 110 / 1100,
        "combined_ratio": 770 / 1100,
        "net_income_ratio": (1100 + 50 - 660 - 110 - 90) / 1100,
        "renewal_ratio": 0.75,
        "coverage_ratio": 25 / 100,
        "solvency_ratio": 360 / (60 + 100),
        "liquidity_ratio": 6.0,
        "gross_penetration_rate": 0.2,
        "dependents_per_member": 4.0,
        "utilisation_rate": 33 / 20,
        "average_cost_per_case": 20.0,
        "claims_cost_per_beneficiary": 33.0,
        "loss_ratio": 660 / 1200,
        "gross_administration_ratio": 110 / 1200,
        "self_financing_rate": 1200 / 800,
        "equity_to_claims_ratio": 200 / 660,
        "subsidy_dependence": 50 / 1250,
        "months_of_reserve": 360 / (800 / 12),
        "p1_policies": 5,
        "p4_expired_policies": 4,
        "p5_renewals": 3,
        "p6_insurees": 20,
        "p8_newly_collected_contributions": 1200,
        "p9_available_contributions": 1100,
        "p10_claims": 33,
        "p11_amount_remunerated": 660,
        "d1_incurred_claims_ratio": 0.6,
        "d2_renewal_ratio": 0.75,
        "d6_claims_per_insuree": 1.65,
        "d7_average_cost_per_claim": 20.0,
    }.items():
        assert value(found, name) == pytest.approx(wanted), name
    assert value(found, "growth_ratio", "2005") == pytest.approx(0.2)
    assert np.isnan(value(found, "growth_ratio", "2004"))
    assert row(found, "growth_ratio")["status"].startswith("absent: nobody was paid up at the close before")


def test_money_of_the_pools_is_no_income_of_the_scheme() -> None:
    # 1,200 of premiums, half of them paid by the pools: 1,100 earned, of which 550 only came in
    run = by_hand(flows={"contribution": {0: 600}, "subsidy_pool": {0: 600, 14: 90}}, values=FIXED)
    found = indicators_frame(run, pd.DataFrame())
    assert value(found, "p9_available_contributions") == pytest.approx(1200.0)
    assert value(found, "net_income_ratio") == pytest.approx(0.5)


def test_months_of_reserve_of_a_year_cut_short() -> None:
    run = by_hand(flows={"claims_outpatient": {2: 60}}, stocks={"section_funds": {5: 30}}, months=6)
    found = indicators_frame(run, pd.DataFrame())
    # 60 in six months is 10 a month
    assert value(found, "months_of_reserve", "2004 (6 months)") == pytest.approx(3.0)


def test_combined_is_claims_and_expenses(frame: pd.DataFrame) -> None:
    wide = frame[frame["group"] == "all"].pivot_table(
        index=["replicate", "period"], columns="indicator", values="value"
    )
    np.testing.assert_allclose(
        wide["combined_ratio"], wide["incurred_claims_ratio"] + wide["incurred_expense_ratio"]
    )
    np.testing.assert_allclose(wide["d1_incurred_claims_ratio"], wide["incurred_claims_ratio"], rtol=1e-9)
    np.testing.assert_allclose(wide["d2_renewal_ratio"], wide["renewal_ratio"])


def test_rejection_needs_an_audit() -> None:
    books = {"claims_approved_section": {2: 90}, "claims_rejected_section": {2: 10}}
    plain = indicators_frame(by_hand(tallies=books), pd.DataFrame())
    assert row(plain, "claims_rejection_ratio")["status"] == "absent: nothing was audited or reported"
    audited = by_hand(tallies=books, values={**ROLLING, "switches.fraud": True})
    assert value(indicators_frame(audited, pd.DataFrame()), "claims_rejection_ratio") == pytest.approx(0.1)


# --- targeting and quintiles ----------------------------------------------------------------------------


def test_targeting_by_hand() -> None:
    tallies = {
        "persons": {11: 100}, "poor": {11: 20}, "slots_used": {11: 25}, "poor_with_slot": {11: 15},
        "bottom40": {11: 40}, "bottom40_slots": {11: 20},
    }  # fmt: skip
    run = by_hand(tallies=tallies, flows={"subsidy_state": {3: 200}, "subsidy_pool": {3: 100}})
    found = indicators_frame(run, pd.DataFrame())
    for name, wanted in {
        "coverage_of_poor": 0.75,
        "exclusion_error": 0.25,
        "inclusion_error": 0.4,
        "coverage_of_non_poor": 10 / 80,
        "targeting_differential": 0.75 - 0.125,
        "coady_grosh_hoddinott": (20 / 25) / 0.4,
        "cost_per_correctly_covered": 20.0,
    }.items():
        assert value(found, name) == pytest.approx(wanted), name
        assert row(found, name, "2005")["status"] == "absent: nobody holds a slot"


def test_targeting_is_what_the_variables_say(results: Results, frame: pd.DataFrame) -> None:
    for name, variable in (
        ("exclusion_error", "exclusion_error_share"),
        ("inclusion_error", "inclusion_error_share"),
        ("targeting_differential", "targeting_differential_share"),
    ):
        own = frame[frame["indicator"] == name]["value"].to_numpy()
        np.testing.assert_allclose(own, results.values(variable)[:, :, 0].ravel())


def test_concentration_weighs_quintiles_by_their_people() -> None:
    # two visits each of 10 poorest and one each of 30 richest people: means 2 and 1, ranks 0.125 and 0.625
    run = by_hand(quintiles={codes.S_PERSONS: [10, 0, 0, 0, 30], codes.S_VISITS: [20, 0, 0, 0, 30]})
    found = indicators_frame(run, pd.DataFrame())
    wanted = 2 * (20 * 0.125 + 30 * 0.625) / 50 - 1
    assert value(found, "grouped_concentration_visits") == pytest.approx(wanted)


def test_concentration_from_quintile_means() -> None:
    # all visits in the richest fifth: 1 less the mean rank shares, 0.8
    run = by_hand(quintiles={codes.S_PERSONS: [10] * 5, codes.S_VISITS: [0, 0, 0, 0, 7]})
    found = indicators_frame(run, pd.DataFrame())
    assert value(found, "grouped_concentration_visits") == pytest.approx(0.8)
    assert row(found, "grouped_concentration_coverage")["status"] == "absent: nobody had any"


# --- solvency -------------------------------------------------------------------------------------------


def test_arrears_are_payables_over_a_years_approvals() -> None:
    run = by_hand(
        tallies={"claims_approved_section": dict.fromkeys(range(13), 100)},
        stocks={"payables_sections": {0: 100, 5: 301, 20: 50}},
    )
    days = days_of_arrears(run)[0, :, 0]
    assert days[0] == pytest.approx(30.0)
    assert days[5] == pytest.approx(90.3)
    assert days[6] == 0.0
    # five of the last twelve months (9 to 20) had 100
    assert days[20] == pytest.approx(30 * 50 / (400 / 12))


def test_debts_of_a_fund_that_approves_nothing_are_a_year_old() -> None:
    run = by_hand(
        tallies={"claims_approved_section": {0: 100}}, stocks={"payables_sections": {0: 100, 13: 100}}
    )
    assert days_of_arrears(run)[0, [0, 12, 13], 0].tolist() == [30.0, 0.0, 365.0]


def test_arrears_and_ruin_are_counted_over_replicates() -> None:
    run = by_hand(
        tallies={"claims_approved_section": dict.fromkeys(range(24), 100)},
        stocks={"section_funds": dict.fromkeys(range(24), 500)},
        replicates=4,
    )
    owed = run.arrays.stocks[..., STOCK["payables_sections"]]
    owed[0, 6] = 310  # beyond 90 days in one month of 2004
    owed[1, 18] = 600  # beyond, and more than there is, in 2005
    found = indicators_frame(run, pd.DataFrame())
    arrears = {"group": "district 7"}
    assert value(found, "probability_of_arrears_90_days", "2004", **arrears) == 0.25
    assert value(found, "probability_of_arrears_90_days", "2005", **arrears) == 0.25
    assert value(found, "ruin_probability", "2004") == 0.0
    assert value(found, "ruin_probability", "2005") == 0.25
    assert value(found, "ruin_probability", "2005", **arrears) == 0.25
    assert pd.isna(row(found, "ruin_probability", "2005")["replicate"])
    assert value(found, "time_in_arrears_90_days", "2004", replicate=0) == pytest.approx(1 / 12)
    assert value(found, "bail_out_cost", "2005", replicate=1) == 100.0
    assert value(found, "bail_out_cost", "2005", replicate=0) == 0.0
    assert row(found, "value_at_risk_95")["status"].endswith("needs 20 of them; this run has 4")


def test_the_deepest_deficit_is_that_of_its_own_year() -> None:
    run = by_hand(stocks={"payables_sections": {3: 900, 17: 40}, "section_funds": {17: 10}})
    found = indicators_frame(run, pd.DataFrame())
    assert value(found, "bail_out_cost", "2004") == 900.0
    assert value(found, "bail_out_cost", "2005") == 30.0


def test_value_at_risk_with_enough_replicates() -> None:
    run = by_hand(replicates=20)
    run.arrays.flows[:, 3, 0, FLOW["embezzlement"]] = np.arange(20)
    found = indicators_frame(run, pd.DataFrame())
    assert value(found, "value_at_risk_95") == 18.0
    assert value(found, "tail_value_at_risk_95") == 19.0


# --- households -----------------------------------------------------------------------------------------

LADDER = {"consumption_rwf": [10.0, 20.0, 30.0, 40.0, 100.0], "out_of_pocket_rwf": [2, 3, 4, 5, 6]}


def test_protection_by_hand() -> None:
    found = indicators_frame(by_hand(), survey(**LADDER), poverty_line_rwf=18.0)
    for name, wanted in {
        "catastrophic_headcount_10": 0.8,
        "catastrophic_overshoot_10": (0.1 + 0.05 + 4 / 30 - 0.1 + 0.025) / 5,
        "catastrophic_headcount_25": 0.0,
        "poverty_headcount_before": 0.2,
        "poverty_headcount_after": 0.4,
        "poverty_headcount_rise": 0.2,
        "poverty_gap_after": (10 + 1) / 5,
        "gini_consumption": 0.4,
        "kakwani_out_of_pocket": -0.2,
    }.items():
        assert value(found, name) == pytest.approx(wanted), name
    assert value(found, "mean_positive_overshoot_10") == pytest.approx(
        value(found, "catastrophic_overshoot_10") / 0.8
    )
    assert value(found, "catastrophic_concentration_10") < 0
    assert row(found, "mean_positive_overshoot_25")["status"] == "absent: nobody is beyond it"
    assert row(found, "poverty_headcount_rise")["status"] == "ok: poverty line as given"


def test_people_are_weighted_by_size_and_weight() -> None:
    base = survey(**LADDER)
    found = indicators_frame(by_hand(), base.assign(persons=[1, 1, 1, 1, 4]))
    assert value(found, "catastrophic_headcount_10") == pytest.approx(4 / 8)
    found = indicators_frame(by_hand(), base.assign(weight=[3.0, 1, 1, 1, 1]))
    assert value(found, "catastrophic_headcount_10") == pytest.approx(6 / 7)


def test_hardship_of_2025_needs_a_purchasing_power() -> None:
    # one dollar a day is 365 francs a year: the median of 4 dollars gives a line of 1.15 + 2 = 3.15
    rows = survey(
        consumption_rwf=[365.0 * x for x in (2, 3, 4, 5, 10)],
        out_of_pocket_rwf=[365 * x for x in (1, 0, 0.345, 0.735, 1)],
    )
    found = indicators_frame(by_hand(), rows, ppp_rwf=1.0)
    # budgets above the line: none, none, 0.85, 1.85, 6.85; the poorest pays from nothing, the third 40.6 %
    # and the fourth 39.7 %
    assert value(found, "sdg_382_impoverishing") == pytest.approx(0.2)
    assert value(found, "sdg_382_large") == pytest.approx(0.2)
    assert value(found, "sdg_382_total") == pytest.approx(0.4)
    without = indicators_frame(by_hand(), rows)
    assert row(without, "sdg_382_total")["status"].startswith("absent: no factor from RWF")


def test_the_packaged_poverty_line_is_per_adult_equivalent() -> None:
    run = by_hand(country="rwanda")
    rows = survey(consumption_rwf=[64_000.0, 100_000.0, 70_000.0])
    assert "adult equivalent" in row(indicators_frame(run, rows), "poverty_headcount_before")["status"]
    found = indicators_frame(run, rows.assign(adult_equivalents=[1.0, 1.0, 1.0]))
    # 64,000 in 2001 and 90,000 in 2006: about 78,500 in 2004
    assert value(found, "poverty_headcount_before") == pytest.approx(2 / 3)
    assert "between those recalled for 2001 and 2006" in row(found, "poverty_headcount_before")["status"]
    halved = indicators_frame(run, rows.assign(adult_equivalents=[0.5, 1.0, 0.5]))
    assert value(halved, "poverty_headcount_before") == pytest.approx(0.0)
    # payments are set against it in the same unit: 60,000 of 128,000 an equivalent leave 68,000
    paid = rows.assign(adult_equivalents=[0.5, 1.0, 0.5], out_of_pocket_rwf=[30_000, 0, 0])
    assert value(indicators_frame(run, paid), "poverty_headcount_after") == pytest.approx(1 / 3)
    elsewhere = indicators_frame(by_hand(), rows.assign(adult_equivalents=1.0))
    assert "has poverty lines for no year" in row(elsewhere, "poverty_headcount_before")["status"]


def test_equity_by_hand() -> None:
    rows = survey(
        consumption_rwf=[1.0, 2, 3, 4, 5],
        is_member=[False, False, False, False, True],
        visits=[0, 0, 0, 0, 3],
        claims_rwf=[0, 0, 0, 10, 30],
        contribution_rwf=[0, 0, 0, 1, 5],
    )
    found = indicators_frame(by_hand(), rows)
    mean = 0.2
    for name, wanted in {
        "concentration_index_membership": 0.8,
        "generalised_index_membership": 0.8 * mean,
        "erreygers_index_membership": 4 * mean * 0.8,
        "wagstaff_index_membership": 1.0,
        "concentration_index_visits": 0.8,
        "generalised_index_visits": 0.8 * 0.6,
        "concentration_index_any_insurance": 0.8,
    }.items():
        assert value(found, name) == pytest.approx(wanted), name
    shares = [value(found, "benefit_share", group=f"quintile {q}") for q in range(1, 6)]
    assert shares == pytest.approx([0, 0, 0, 0.25, 0.75])
    net = [value(found, "benefit_net_mean", group=f"quintile {q}") for q in range(1, 6)]
    assert net == pytest.approx([0, 0, 0, 9, 25])
    members = [value(found, "membership_share", group=f"quintile {q}") for q in range(1, 6)]
    assert members == pytest.approx([0, 0, 0, 0, 1])
    assert value(found, "kakwani_premiums") > 0
    assert row(found, "kakwani_out_of_pocket")["status"] == "absent: nobody paid any"


def test_kakwani_is_the_formula_on_amounts_a_person() -> None:
    rows = survey(**LADDER, persons=[1, 2, 3, 4, 5])
    found = indicators_frame(by_hand(), rows)
    size = np.array([1, 2, 3, 4, 5])
    paid, living = np.array(LADDER["out_of_pocket_rwf"]) / size, np.array(LADDER["consumption_rwf"]) / size
    assert value(found, "kakwani_out_of_pocket") == pytest.approx(
        indicators.kakwani_index(paid, living, size)
    )


def test_selection_by_hand() -> None:
    rows = survey(
        is_member=[True, True, False, False, False],
        is_formal=[False, False, False, False, True],
        expected_episodes=[3.0, 2.0, 1.0, 0.0, 99.0],
        public_expected_episodes=[1.5, 1.4, 1.6, 1.5, 99.0],
        episodes=[4, 1, 1, 0, 0],
        claims_rwf=[50, 0, 0, 0, 0],
    )
    found = indicators_frame(by_hand(), rows)
    for name, wanted in {
        "risk_gap_insured": 2.5,
        "risk_gap_uninsured": 0.5,
        "risk_gap_difference": 2.0,
        "risk_gap_ratio": 5.0,
        "average_cost_observed": 25.0,  # ten francs an episode
        "average_cost_full_enrolment": 15.0,
        "average_cost_selection_cost": 10.0,
    }.items():
        assert value(found, name) == pytest.approx(wanted), name
    nobody = indicators_frame(by_hand(), rows.assign(is_member=False))
    assert row(nobody, "risk_gap_difference")["status"] == "absent: everybody or nobody is a member"
    assert row(found, "cost_curve_slope")["status"].startswith("absent: prices do not vary by chance")


def test_positive_correlation_finds_selection_and_only_that() -> None:
    n = 400
    sick = np.tile([2.0, 0.0], n // 2)
    known = np.repeat([0.9, 1.1, 1.3, 1.5], n // 4)
    member = sick > 1
    member[::10] = ~member[::10]  # not everybody follows their risk
    member[1::14] = ~member[1::14]
    rows = survey(
        is_member=list(member), episodes=list(sick), public_expected_episodes=list(known),
        consumption_rwf=list(np.arange(1.0, n + 1)),
    )  # fmt: skip
    found = indicators_frame(by_hand(), rows)
    assert value(found, "positive_correlation_residual") > 0.5
    assert value(found, "positive_correlation_p_value") < 1e-6
    swapped = indicators_frame(by_hand(), rows.assign(is_member=~member))
    assert value(swapped, "positive_correlation_residual") < -0.5


def test_leakage_is_money_for_others() -> None:
    rows = survey(category=["poorest", "poorest", "middle"], sponsored_rwf=[30, 30, 20], weight=[1.0, 1, 2])
    assert value(indicators_frame(by_hand(), rows), "leakage") == pytest.approx(0.4)


def test_the_societal_line_is_a_persons_and_the_budget_a_households() -> None:
    # a dollar a day is 365 francs a year; a median of 4 dollars a person gives a line of 3.15 a person
    rows = survey(
        consumption_rwf=[365.0 * x for x in (12, 16, 10)],  # 3, 4 and 5 a person
        out_of_pocket_rwf=[0, 365 * 3.6, 365 * 1.0],
        persons=[4, 4, 2],
    )
    found = indicators_frame(by_hand(), rows, ppp_rwf=1.0)
    # the second family is pushed from 4 to 3.1 a person; the third pays 1 of 10 less 2 * 3.15: 27 %
    assert value(found, "sdg_382_impoverishing") == pytest.approx(0.4)
    assert value(found, "sdg_382_total") == pytest.approx(0.4)
    assert value(found, "sdg_382_large") == pytest.approx(0.0)
    # a fourth more of it, 1.6 of 3.7, is 43 %
    more = rows.assign(out_of_pocket_rwf=[0, 0, 365 * 1.6])
    found = indicators_frame(by_hand(), more, ppp_rwf=1.0)
    assert value(found, "sdg_382_large") == pytest.approx(0.2)
    assert value(found, "sdg_382_impoverishing") == pytest.approx(0.0)


def test_people_are_ranked_by_what_they_have_a_person() -> None:
    # the family with most consumption is the poorest a person; only it is beyond 10 %
    rows = survey(consumption_rwf=[100.0, 60.0, 50.0], persons=[10, 1, 1], out_of_pocket_rwf=[20, 0, 0])
    found = indicators_frame(by_hand(), rows)
    # the mean rank of the ten is 10 / 24
    index = 2 * 10 / 24 - 1
    assert value(found, "catastrophic_concentration_10") == pytest.approx(index)
    assert value(found, "rank_weighted_headcount_10") == pytest.approx(10 / 12 * (1 - index))


def test_formal_people_are_no_uninsured() -> None:
    n = 400
    sick = np.tile([2.0, 0.0], n // 2)
    member = sick > 1
    member[::10] = ~member[::10]
    member[1::14] = ~member[1::14]
    rows = survey(is_member=list(member), episodes=list(sick), consumption_rwf=list(np.arange(1.0, n + 1)))
    # formal people, all of them ill, would drown the correlation if they stood among the uninsured
    formal = rows.head(1).loc[[0] * n].assign(is_member=False, is_formal=True, episodes=9)
    alone = indicators_frame(by_hand(), rows)
    joined = indicators_frame(by_hand(), pd.concat([rows, formal], ignore_index=True))
    for name in ("statistic", "p_value", "residual"):
        wanted = value(alone, f"positive_correlation_{name}")
        assert value(joined, f"positive_correlation_{name}") == pytest.approx(wanted), name
    assert value(joined, "positive_correlation_residual") > 0.5


def test_leakage_counts_francs_and_not_people() -> None:
    # 30 francs for a poor family of eight, 60 for a couple that is not poor
    rows = survey(category=["poorest", "middle"], sponsored_rwf=[30, 60], persons=[8, 2])
    assert value(indicators_frame(by_hand(), rows), "leakage") == pytest.approx(2 / 3)


# --- interviews about fewer than twelve months ----------------------------------------------------------


def test_interviews_about_fewer_months_are_left_out() -> None:
    rows = survey(**LADDER)
    short = rows.assign(months=5, out_of_pocket_rwf=0, is_member=True)
    both = pd.concat([rows.assign(months=12), short], ignore_index=True)
    whole, mixed = indicators_frame(by_hand(), rows), indicators_frame(by_hand(), both)
    pd.testing.assert_series_equal(whole["value"], mixed["value"])
    note = "ok: people; out-of-pocket spending of 12 months over consumption"
    assert row(whole, "catastrophic_headcount_10")["status"] == note
    said = f"{note}; 5 of 10 interviews, those of 12 months"
    assert row(mixed, "catastrophic_headcount_10")["status"] == said


@pytest.mark.parametrize(
    ("months", "reason"),
    [
        ([1, 6, 3, 4, 5], "interviews of 2004 cover 1 to 6 months, not 12"),
        ([1] * 5, "interviews of 2004 cover 1 month, not 12"),
        ([12] + [7] * 5, "only 1 of 6 interviews of 2004 cover 12 months"),
    ],
)
def test_years_with_too_few_whole_interviews_are_absent(months: list[int], reason: str) -> None:
    found = indicators_frame(by_hand(), survey(months=months, is_member=[True] * len(months)))
    for name in ("gini_consumption", "catastrophic_headcount_10", "risk_gap_insured", "leakage"):
        assert row(found, name)["status"] == f"absent: {reason}"
    assert row(found, "catastrophic_capacity_to_pay_40")["status"].startswith("absent: households' food")


def test_three_months_of_twelve_are_enough() -> None:
    found = indicators_frame(by_hand(), survey(months=[12, 12, 12] + [7] * 9, consumption_rwf=[50.0] * 12))
    assert value(found, "gini_consumption") == pytest.approx(0.0)
    assert row(found, "gini_consumption")["status"].endswith("3 of 12 interviews, those of 12 months")


def test_reasons_are_those_of_each_replicate() -> None:
    rows = pd.concat([survey(**LADDER).assign(months=12), survey(**LADDER).assign(months=6, replicate=1)])
    found = indicators_frame(by_hand(replicates=3), rows)
    status = [row(found, "gini_consumption", replicate=i)["status"] for i in range(3)]
    assert status[0].startswith("ok")
    assert status[1:] == [
        "absent: interviews of 2004 cover 6 months, not 12",
        "absent: no household was interviewed",
    ]


def test_a_run_that_starts_in_july() -> None:
    run = simulate("rwanda-rules", households=300, replicates=2, seed=4)
    found = run.indicators()
    early = found[(found["indicator"] == "generalised_index_visits") & (found["period"] == "1999")]
    assert early["status"].unique().tolist() == ["absent: interviews of 1999 cover 1 to 6 months, not 12"]
    told = run.survey_frame()
    for replicate in (0, 1):
        mine = told[(told["replicate"] == replicate) & (told["period"] == "2000")]
        whole = mine[mine["months"] == 12]
        assert 0.4 < len(whole) / len(mine) < 0.7
        status = row(found, "generalised_index_visits", "2000", replicate=replicate)["status"]
        assert status.endswith(f"{len(whole)} of {len(mine)} interviews, those of 12 months")
        size = whole["persons"]
        wanted = indicators.generalised_concentration_index(
            whole["visits"] / size, whole["consumption_rwf"] / whole["adult_equivalents"], size
        )
        assert value(found, "generalised_index_visits", "2000", replicate=replicate) == pytest.approx(wanted)


# --- absence and bad input ------------------------------------------------------------------------------


def test_nothing_absent_is_zero_and_nothing_is_absent_without_a_reason(frame: pd.DataFrame) -> None:
    assert tuple(frame.columns) == INDICATOR_COLUMNS
    absent = frame["value"].isna()
    assert (frame["status"].str.startswith("absent: ") == absent).all()
    assert (frame.loc[absent, "status"].str.len() > len("absent: ") + 5).all()
    assert frame.loc[~absent, "status"].str.startswith("ok").all()
    assert not frame.duplicated(["replicate", "period", "group", "indicator"]).any()
    for name in ("claims_promptness", "d4_promptness_days", "catastrophic_capacity_to_pay_40"):
        assert frame[frame["indicator"] == name]["value"].isna().all()
    assert (row(frame, "gini_consumption", replicate=0)["status"]) == "absent: this run kept no survey"


def test_a_year_cut_short_says_so(frame: pd.DataFrame) -> None:
    cut = frame[frame["period"].str.startswith("2006")]
    assert set(cut["period"]) == {"2006 (6 months)"}
    known = cut[cut["value"].notna()]
    assert known["status"].str.endswith("6 months").all()
    assert not frame[frame["period"] == "2005"]["status"].str.contains("6 months").any()


def test_years_without_interviews_are_absent() -> None:
    found = indicators_frame(by_hand(), survey(**LADDER))
    assert row(found, "gini_consumption", "2005")["status"] == "absent: no household was interviewed"


def test_bad_surveys_and_lines_are_refused() -> None:
    rows = survey(**LADDER)
    with pytest.raises(ValueError, match="the survey has no column visits, claims_rwf; it needs replicate"):
        indicators_frame(by_hand(), rows.drop(columns=["visits", "claims_rwf"]))
    with pytest.raises(ValueError, match="consumption_rwf must be above 0; 1 of 5 rows are not"):
        indicators_frame(by_hand(), rows.assign(consumption_rwf=[0.0, 1, 1, 1, 1]))
    with pytest.raises(ValueError, match="poverty_line_rwf must be a number of RWF above 0, got -5 for 2004"):
        indicators_frame(by_hand(), rows, poverty_line_rwf=-5)
    with pytest.raises(ValueError, match=r"ppp_rwf: '2044' is not a reporting year.*did you mean '2004'"):
        indicators_frame(by_hand(), rows, ppp_rwf={"2044": 250.0})
    for column, cells, message in (
        ("visits", [1, 2, np.nan, 0, 0], r"visits must be 0 or more; 1 of 5 rows are not, the first has nan"),
        ("out_of_pocket_rwf", [1, -2, -3, 0, 0], r"must be 0 or more; 2 of 5 rows are not, the first has -2"),
        ("is_member", [True, False, 2, False, True], r"is_member must be true or false .1 or 0.; 1 of 5"),
        ("months", [12, 12, 13, 12, 12], r"months must be the months told of: whole, from 0 to 12; 1 of 5"),
        ("months", ["12", "x", "12", "12", "12"], r"months must .* the first has 'x'"),
        ("adult_equivalents", [1, 0, 1, 1, 1], r"adult_equivalents must be above 0; 1 of 5 rows are not"),
        ("category", ["poor", "rich", "rich", "rich", "rich"], r"1 of 5 rows are not, the first has 'poor'"),
        (
            "category",
            ["poorest", None, None, "rich", "rich"],
            r"category must be one of poorest, middle, rich; 2 of",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            indicators_frame(by_hand(), rows.assign(**{column: cells}))
    some = indicators_frame(by_hand(), rows, poverty_line_rwf={"2005": 18.0})
    assert "no poverty line was given for the year" in row(some, "poverty_headcount_after")["status"]


def test_only_known_gaps_are_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    formal = indicators_frame(by_hand(), survey(is_formal=[True] * 5))
    assert row(formal, "risk_gap_insured")["status"] == "absent: everybody is in a formal scheme"
    # a probit that is certain has no residual: public expectation tells members from all others
    certain = survey(
        public_expected_episodes=[1.0] * 10 + [5.0] * 10, is_member=[False] * 10 + [True] * 10,
        episodes=[0, 9] * 10,
    )  # fmt: skip
    status = row(indicators_frame(by_hand(), certain), "positive_correlation_statistic")["status"]
    assert status.startswith("absent: is_enrolled is predicted perfectly")

    def broken(*_: Any, **__: Any) -> float:
        raise ValueError("shapes (3,) (4,) not aligned")

    monkeypatch.setattr("cbhi.indicators.risk_gap", broken)
    message = "indicator risk_gap_insured of 2004, replicate 0: shapes .* not aligned"
    with pytest.raises(ValueError, match=message):
        indicators_frame(by_hand(), survey(**LADDER))


def test_the_table_shows_what_is_known_and_lists_what_is_not(results: Results, frame: pd.DataFrame) -> None:
    text = indicators_table(results, "2005", frame).as_text()
    assert text.startswith("Indicators of 2005, small")
    combined = frame[(frame["indicator"] == "combined_ratio") & (frame["period"] == "2005")]["value"].median()
    line = next(line for line in text.splitlines() if line.startswith("  combined_ratio"))
    assert float(line.split()[2]) == pytest.approx(combined, abs=6e-3)
    assert "absent: p3_suspended_policies: schemes are suspended, not policies" in text
    assert "district" not in text
    with pytest.raises(ValueError, match="'2055' is not a reporting year of this run"):
        results.indicators_summary("2055")
