"""Health accounts: every flow has a place, totals agree three ways, and the law moves codes by month."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cbhi import Event, Results, Scenario, simulate
from cbhi.accounts import accounts_frame
from cbhi.health_accounts import (
    _PLACES,
    ACCOUNTS,
    HEALTH_ACCOUNT_COLUMNS,
    LABELS,
    classification_rows,
    health_accounts,
    health_accounts_table,
)
from cbhi.kernels import codes
from cbhi.months import parse_month

FLOW = {name: kind for kind, (name, *_) in enumerate(codes.FLOWS)}


def by_hand(francs: dict[str, list[int]], *, compulsory_from: str | None = None, weight: float = 1.0) -> Any:
    """A run of four months (two years of two) in one district with the flows given by month."""
    start = parse_month("2004-01")
    events = () if compulsory_from is None else (mandate(compulsory_from),)
    scenario = Scenario(name="by hand", start=start, end=start + 3, values={}, events=events)
    flows = np.zeros((1, 4, 1, codes.N_FLOWS), dtype=np.int64)
    for name, months in francs.items():
        flows[0, :, 0, FLOW[name]] = months
    arrays = SimpleNamespace(flows=flows, replicates=np.array([0]))
    return SimpleNamespace(
        arrays=arrays, scenario=scenario, periods=(("2004", 0, 2), ("2005", 2, 4)), weight=weight
    )


def mandate(month: str) -> Event:
    return Event(month=parse_month(month), changes={"mandate.compulsory": True}, why="law")


def total(frame: pd.DataFrame, **where: str) -> float:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return float(frame["value_rwf"].sum())


@pytest.fixture(scope="module")
def results() -> Results:
    """Two years in which every partner pays and membership becomes compulsory in April 2005."""
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
        "subsidy.state_share": 0.3,
        "subsidy.donor_share": 0.4,
        "groups.savings": True,
        "donors.pool_grant_rwf": 100.0,
        "donors.budget_support_rwf": 50.0,
        "donors.assistance_rwf": 20.0,
        "fund.pool_grant_rwf": 100.0,
        "fund.national_share": 0.05,
        "fund.quota_share": 0.1,
        "fund.deficit_rule": "bail_out",
        "provider.performance_rwf": 100.0,
        "provider.performance_donor_share": 0.5,
        "formal.levy_share": 0.05,
    }
    start, end = parse_month("2004-01"), parse_month("2005-12")
    scenario = Scenario(name="all", start=start, end=end, values=values, events=(mandate("2005-04"),))
    return simulate(scenario, households=400, replicates=2, seed=3)


@pytest.fixture(scope="module")
def frame(results: Results) -> pd.DataFrame:
    return results.health_accounts()


def test_every_flow_has_a_place_and_no_place_is_for_nothing() -> None:
    assert set(_PLACES) == set(FLOW)
    for name, account, hf, fs, hp, hc, fp, why in classification_rows():
        given = [bool(part) for part in (hf, fs, hp, hc, fp)]
        wanted = {
            "expenditure": [True, False, True, True, False],
            "revenue": [True, True, False, False, False],
            "provision": [False, False, True, False, True],
            "outside": [False] * 5,
        }[account]
        assert given == wanted, name
        assert account in ACCOUNTS
        assert why or account in ("expenditure", "revenue")
        for cell in (hf, fs, hp, hc, fp):
            assert all(code in LABELS for code in cell.split(", ") if code), cell


def test_spending_is_the_same_by_scheme_provider_and_function(frame: pd.DataFrame) -> None:
    spending = frame[frame["account"] == "expenditure"]
    assert (spending[["hf", "hp", "hc"]] != "").all(axis=None)
    whole = spending.groupby(["replicate", "period"])["value_rwf"].sum()
    assert (whole > 0).all()
    for code in ("hf", "hp", "hc"):
        parts = spending.groupby(["replicate", "period", code])["value_rwf"].sum()
        pd.testing.assert_series_equal(parts.groupby(["replicate", "period"]).sum(), whole)


def test_providers_are_paid_what_their_accounts_say(results: Results, frame: pd.DataFrame) -> None:
    accounts = accounts_frame(results)
    received = accounts[~accounts["item"].isin(("opening", "closing")) & (accounts["value_rwf"] > 0)]
    hospital = received[received["partner"] == "hospitals"]["value_rwf"].sum()
    centre = received[received["partner"] == "health_centres"]["value_rwf"].sum()
    salaries = accounts[(accounts["item"] == "salaries") & (accounts["partner"] == "government")]
    spending = frame[frame["account"] == "expenditure"]
    assert total(spending, hp="HP.1.1") == pytest.approx(hospital)
    assert total(spending, hp="HP.3.4") == pytest.approx(centre - salaries["value_rwf"].sum())
    assert total(frame, account="provision", fp="FP.1", flow="salaries") == pytest.approx(
        -salaries["value_rwf"].sum()
    )


def test_no_flow_is_spent_twice_and_none_is_lost(results: Results, frame: pd.DataFrame) -> None:
    flows = results.flows_frame().groupby("flow")["value_rwf"].sum()
    for account in ACCOUNTS:
        sums = frame[frame["account"] == account].groupby("flow")["value_rwf"].sum()
        for flow, value in sums.items():
            assert value == pytest.approx(flows[flow]), (account, flow)
    assert set(frame["flow"]) == set(flows.index)


def test_what_schemes_receive_and_do_not_spend_stays_in_their_funds(
    results: Results, frame: pd.DataFrame
) -> None:
    scheme = frame[frame["hf"].isin(("HF.2.1", "HF.1.2"))]
    received, spent = total(scheme, account="revenue"), total(scheme, account="expenditure")
    passing = results.flows_frame().groupby("flow")["value_rwf"].sum()
    kept = received + passing["levy"] + passing["reinsurance_recovery"] - spent
    kept -= passing["reinsurance_premium"] + passing["embezzlement"]
    funds = [codes.SECTION_FUNDS, codes.POOLS, codes.NATIONAL_POOL]
    stocks = results.arrays.stocks[..., funds].sum(axis=(2, 3)) * results.weight
    assert kept == pytest.approx(float((stocks[:, -1] - stocks[:, 0]).sum()))


def test_the_law_moves_codes_from_the_month_it_holds(results: Results, frame: pd.DataFrame) -> None:
    law = parse_month("2005-04") - results.scenario.start
    paid = results.arrays.flows[..., FLOW["contribution"]].sum(axis=2) * results.weight
    own = frame[frame["flow"] == "contribution"]
    assert total(own, fs="FS.5", hf="HF.2.1") == pytest.approx(float(paid[:, :law].sum()))
    assert total(own, fs="FS.4", hf="HF.1.2") == pytest.approx(float(paid[:, law:].sum()))
    assert total(own, period="2004", fs="FS.4") == 0.0
    assert total(own, period="2005", fs="FS.5") > 0.0
    administered = frame[frame["flow"] == "administration"]
    assert set(zip(administered["hf"], administered["hp"], strict=True)) == {
        ("HF.2.1", "HP.7.3"),
        ("HF.1.2", "HP.7.2"),
    }


def test_a_mandate_that_is_switched_off_changes_no_code() -> None:
    run = by_hand({"contribution": [10, 10, 10, 10]}, compulsory_from="2004-02")
    assert total(health_accounts(run), fs="FS.4") == 30.0
    run.scenario = run.scenario.replace({"switches.mandate": False})
    assert total(health_accounts(run), fs="FS.4") == 0.0
    assert total(health_accounts(run), fs="FS.5") == 40.0


def test_small_accounts_by_hand() -> None:
    run = by_hand(
        {
            "fee_health_centre": [100, 0, 0, 0],
            "copayment_hospital": [20, 0, 0, 0],
            "claims_hospital": [80, 0, 0, 0],
            "claims_outpatient": [0, 40, 0, 0],
            "formal_claims_health_centre": [5, 0, 0, 0],
            "salaries": [60, 60, 0, 0],
            "pool_share": [1000, 0, 0, 0],
            "drugs": [70, 0, 0, 0],
            "administration": [0, 7, 0, 0],
        },
        weight=2.0,
    )
    frame = health_accounts(run)
    assert tuple(frame.columns) == HEALTH_ACCOUNT_COLUMNS
    year = frame[(frame["period"] == "2004") & (frame["account"] == "expenditure")]
    sums = year.groupby("hf")["value_rwf"].sum()
    assert sums["HF.3.1"] == 200.0
    assert sums["HF.3.2"] == 40.0
    assert sums["HF.2.1"] == 254.0
    assert sums["HF.1.2.1"] == 10.0
    assert sums["HF.1.1"] == 240.0
    assert float(year["value_rwf"].sum()) == 744.0
    assert total(year, hc="HC.1.1") == 200.0
    assert total(year, hc="HC.7.2") == 14.0
    assert total(frame, account="outside", flow="pool_share") == 2000.0
    assert total(frame, account="provision", flow="drugs", fp="FP.3") == 140.0


def test_government_money_is_foreign_as_far_as_donors_gave_it() -> None:
    francs = {"salaries": [60, 0, 10, 0], "subsidy_state": [0, 40, 0, 0], "budget_support": [25, 0, 30, 0]}
    frame = health_accounts(by_hand(francs))
    revenue = frame[frame["account"] == "revenue"]
    assert total(revenue, period="2004", fs="FS.2", flow="salaries") == pytest.approx(15.0)
    assert total(revenue, period="2004", fs="FS.2", flow="subsidy_state") == pytest.approx(10.0)
    assert total(revenue, period="2004", fs="FS.1") == pytest.approx(75.0)
    # donors gave more than government spent: what it spends is foreign, and no more than that
    assert total(revenue, period="2005", fs="FS.2") == pytest.approx(10.0)
    assert total(revenue, period="2005", fs="FS.1") == pytest.approx(0.0)


def test_a_flow_that_nobody_has_classified_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(_PLACES, "audit")
    with pytest.raises(LookupError, match="'audit' has no place in the health accounts"):
        health_accounts(by_hand({}))


def test_the_table_shows_a_year_and_refuses_another(results: Results) -> None:
    text = str(results.health_accounts_summary("2005"))
    assert "in 2005, all" in text
    assert "HF.1.2 " in text
    assert "HF.2.1 " in text
    assert "medians over 2 replicates" in text
    run = by_hand({"fee_health_centre": [3_000_000, 0, 0, 0], "fee_hospital": [1_000_000, 0, 0, 0]})
    lines = [line.split() for line in str(health_accounts_table(run, "2004")).splitlines()]
    assert [line[-2:] for line in lines if "HP.3.4" in line] == [["3.0", "75.0"]]
    assert [line[-2:] for line in lines if "HF.3.1" in line] == [["4.0", "100.0"]]
    with pytest.raises(ValueError, match="'2055' is not a reporting year of this run; there are: 2004, 2005"):
        results.health_accounts_summary("2055")
