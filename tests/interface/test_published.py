"""The published figures beside the model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import cbhi
from cbhi import datasets
from cbhi.kernels import codes
from cbhi.published import (
    NOT_READ,
    READINGS,
    closed_years,
    published_as_table,
    published_table,
    yearly_as_table,
)
from cbhi.results import Results
from cbhi.variables import VARIABLES


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate("rwanda-rules", households=500, replicates=2, seed=3)


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return published_table(results)


def outcomes() -> pd.DataFrame:
    return pd.concat([datasets.fit_rows("rwanda"), datasets.check_rows("rwanda")], ignore_index=True)


def test_each_published_outcome_is_read_or_says_why_not() -> None:
    known = set(outcomes()["variable"])
    assert set(READINGS) | set(NOT_READ) == known
    assert not set(READINGS) & set(NOT_READ)


def test_readings_name_variables_and_units_that_exist() -> None:
    published_unit = outcomes().groupby("variable")["unit"].first()
    start = {"share": "%", "RWF": "billion RWF", "persons": "persons", "ratio": "x"}
    for name, reading in READINGS.items():
        words = reading.model.split()
        assert all(word in VARIABLES for word in words[::2])
        assert published_unit[name].startswith(start.get(reading.unit, "visits/person/yr"))
        if len(words) == 1:
            assert VARIABLES[words[0]].unit.removeprefix("visits ") == reading.unit.removeprefix("visits ")


def test_every_fitted_figure_is_there_once(table: pd.DataFrame) -> None:
    fitted = table[table["use"] == "fit"]
    assert sorted(fitted["key"]) == sorted(datasets.fit_rows("rwanda")["key"])
    assert table["key"].is_unique


def test_columns(table: pd.DataFrame) -> None:
    assert list(table) == [
        "key", "period", "variable", "use", "confidence", "published", "sd", "model_median", "model_p05",
        "model_p95", "deviation_in_sd", "within_2_sd", "unit", "source",
    ]  # fmt: skip


def test_published_figures_are_in_the_unit_of_the_model(table: pd.DataFrame) -> None:
    rows = table.set_index("key")
    assert rows.loc["cbhi_coverage_pop:2003:1", "published"] == pytest.approx(0.07)
    assert rows.loc["cbhi_coverage_pop:2003:1", "sd"] == pytest.approx(0.02)
    assert rows.loc["cbhi_member_contributions:2012:1", "published"] == pytest.approx(17.58e9)
    assert rows.loc["outpatient_visits_pc:2012:1", "published"] == pytest.approx(1.07)


def test_the_model_is_read_in_the_right_year(results: Results, table: pd.DataFrame) -> None:
    frame = results.to_frame(every="year")
    for _, row in table[table["variable"].isin(VARIABLES)].iterrows():
        values = frame[(frame["variable"] == row["variable"]) & (frame["period"] == row["period"])]["value"]
        if values.isna().all():
            assert np.isnan(row["model_median"])
            continue
        assert row["model_median"] == pytest.approx(values.median())
        assert row["model_p05"] == pytest.approx(values.quantile(0.05))
        assert row["model_p95"] == pytest.approx(values.quantile(0.95))
    accounts = table.set_index("key").loc["cbhi_total_expenditure:2012:1"]
    year = frame[frame["period"] == "2012"].groupby(["variable", "replicate"])["value"].first()
    assert accounts["model_median"] == pytest.approx(
        (year["claims_paid_rwf"] + year["administration_rwf"]).median()
    )


def test_verdicts_follow_from_the_deviation(table: pd.DataFrame) -> None:
    scored = table[table["sd"].notna() & table["model_median"].notna()]
    deviation = (scored["model_median"] - scored["published"]) / scored["sd"]
    assert np.allclose(deviation, scored["deviation_in_sd"])
    assert (scored["within_2_sd"].astype(bool) == (deviation.abs() <= 2)).all()
    assert table.loc[table["sd"].isna(), "within_2_sd"].isna().all()
    assert table["within_2_sd"].isna().any()
    assert table["within_2_sd"].dtype == "boolean"


def _with_flow(results: Results, year: str, billions: float) -> Results:
    """Return results whose only contributions are these, in one year."""
    flows = results.arrays.flows.copy()
    flows[..., [codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION]] = 0
    begin = next(begin for label, begin, _ in results.periods if label == year)
    flows[:, begin, 0, codes.CONTRIBUTION] = round(billions * 1e9 / results.weight)
    return dataclasses.replace(results, arrays=results.arrays._replace(flows=flows))


@pytest.mark.parametrize(("billions", "within"), [(17.58, True), (24.5, True), (24.7, False), (10.4, False)])
def test_two_standard_errors_are_the_border(results: Results, billions: float, within: bool) -> None:
    changed = _with_flow(results, "2012", billions)
    row = published_table(changed).set_index("key").loc["cbhi_member_contributions:2012:1"]
    assert bool(row["within_2_sd"]) is within
    line = next(row for row in published_as_table(changed).rows if "members' premiums" in row[0])
    assert line[6] == ("yes" if within else "NO")


def test_the_table_shows_every_figure_and_counts_the_misses(results: Results, table: pd.DataFrame) -> None:
    shown = published_as_table(results)
    assert max(len(line) for line in shown.as_text().splitlines()) <= 100
    groups = [row[0] for row in shown.rows if not any(row[1:])]
    assert groups[:3] == ["Mutuelle coverage", "Any insurance", "Visits to a health facility"]
    assert len(set(groups)) == len(groups)
    rows = [row for row in shown.rows if any(row[1:])]
    assert [row[1] for row in rows] == list(table["period"])
    assert [row[7] == "not fitted" for row in rows] == list(table["use"] == "check")
    assert [row[2].endswith("*") for row in rows] == list(table["confidence"] == "recalled")
    fitted = table[table["use"] == "fit"]
    hits = int(fitted["within_2_sd"].fillna(False).sum())
    assert 0 < hits < len(fitted)
    end = shown.notes[-1]
    assert f"{hits} of {len(fitted)} fitted figures within two standard errors; misses:" in end
    assert end.split("misses:")[1].count("model") == len(fitted) - hits
    assert sum(row[6] == "NO" and row[7] == "" for row in rows) == len(fitted) - hits


def test_cells_are_the_figures_in_easy_units(results: Results, table: pd.DataFrame) -> None:
    rows = [row for row in published_as_table(results).rows if any(row[1:])]
    factors = {"%": 100.0, "bn RWF": 1e-9, "1,000s": 1e-3}
    for row, (_, figure) in zip(rows, table.iterrows(), strict=True):
        factor = factors.get(row[0].partition(", ")[2].rpartition(", ")[2] or row[0].rpartition(", ")[2], 1.0)
        low, _, high = row[5].partition(" to ")
        for cell, name in (
            (row[2].rstrip("* "), "published"),
            (row[3], "sd"),
            (row[4], "model_median"),
            (low, "model_p05"),
            (high or "-", "model_p95"),
        ):
            if np.isnan(figure[name]):
                assert cell == "-"
            else:
                assert float(cell.replace(",", "")) == pytest.approx(factor * figure[name], abs=0.051)


def test_a_figure_without_a_model_value_is_a_miss(results: Results) -> None:
    nobody = results.arrays.tallies.copy()
    nobody[..., [codes.PERSONS, codes.PERSON_MONTHS]] = 0
    empty = dataclasses.replace(results, arrays=results.arrays._replace(tallies=nobody))
    table = published_table(empty)
    visits = table[table["key"] == "outpatient_visits_pc:2007:1"].iloc[0]
    assert np.isnan(visits["model_median"])
    assert visits["within_2_sd"] is pd.NA
    assert "visits per person 2007 (0.70, model -)" in published_as_table(empty).notes[-1]


def test_one_run_says_that_its_band_is_one_run(results: Results) -> None:
    one = cbhi.simulate("rwanda-rules", households=100, seed=3)
    assert published_as_table(one).notes[0].startswith("One run, so no band")
    assert yearly_as_table(one).notes[0].startswith("One run, so no band")
    assert "one run" not in published_as_table(results).as_text().lower()
    table = published_table(one)
    known = table[table["model_median"].notna()]
    assert (known["model_p05"] == known["model_p95"]).all()


def test_a_year_cut_short_is_not_compared() -> None:
    base = cbhi.scenario("rwanda-rules")
    cut = cbhi.simulate(base.replace({}, end="2012-05"), households=50)
    assert cut.periods[-1][0] == "2012 (11 months)"
    assert "2012" not in set(published_table(cut)["period"])
    # the year of 2011 closes in June; what follows says that it is cut short
    late = cbhi.simulate(base.replace({}, end="2011-12"), households=50)
    assert [label for label, _, _ in late.periods][-2:] == ["2011", "2011 (6 months)"]
    places = closed_years(late)
    assert late.periods[places[2011][0]][2] < base.replace({}, end="2011-12").n_months


def test_of_two_years_with_one_label_the_first_counts() -> None:
    moved = cbhi.scenario("rwanda-rules").add_event("2011-07", {"scheme.year_start_month": 1})
    results = cbhi.simulate(moved.replace({}, end="2012-12"), households=50)
    labels = [label for label, _, _ in results.periods]
    assert labels[-3:] == ["2011", "2011", "2012"]
    # a plain 2011 in the sources means June
    assert closed_years(results)[2011] == (len(labels) - 3, 6)


def test_money_is_compared_over_whole_years_only() -> None:
    base = cbhi.scenario("rwanda-rules").replace({}, start="2012-01")
    half = cbhi.simulate(base, households=50)
    table = published_table(half)
    assert set(table["period"]) == {"2012"}
    assert not (table["unit"] == "RWF").any()
    assert (table["unit"] == "share").any()


def test_without_a_country_there_is_nothing_published(results: Results) -> None:
    nowhere = dataclasses.replace(results, scenario=dataclasses.replace(results.scenario, country=""))
    with pytest.raises(ValueError, match="has no country"):
        published_table(nowhere)
    with pytest.raises(ValueError, match="has no country"):
        published_as_table(nowhere)
    rows = yearly_as_table(nowhere).rows
    # medians, and their band below
    years = [row[0] for row in rows[::2]]
    assert years == nowhere.period_labels()
    assert {row[0] for row in rows[1::2]} == {""}
    shares = 100 * nowhere.values("coverage_end_share")[:, years.index("2008"), 0]
    place = 2 * years.index("2008")
    low, high = np.quantile(shares, (0.05, 0.95))
    assert rows[place][1] == f"{np.median(shares):.1f}"
    assert rows[place + 1][1] == f"{low:.1f} to {high:.1f}"


@pytest.mark.parametrize(
    ("francs", "shown"), [(0, "premiums, RWF"), (5e3, "premiums, 1,000 RWF"), (5e6, "premiums, m RWF")]
)
def test_small_schemes_are_shown_in_small_money(results: Results, francs: float, shown: str) -> None:
    (heads,) = yearly_as_table(_with_flow(results, "2007", francs / 1e9)).heads
    assert shown in heads


def test_income_and_net_income_are_compared(results: Results) -> None:
    table = published_table(results).set_index("key")
    income, net = (
        table.loc[[key for key in table.index if key.startswith(name)]]
        for name in ("cbhi_total_income", "cbhi_net_income")
    )
    assert list(income["published"]) == [27.97e9]
    assert list(net["published"]) == [7.78e9]
    place = [label for label, _, _ in results.periods].index("2012")
    spent = sum(results.values(name)[:, place, 0] for name in ("claims_paid_rwf", "administration_rwf"))
    left = results.values("scheme_income_rwf")[:, place, 0] - spent
    assert results.values("scheme_net_income_rwf")[:, place, 0] == pytest.approx(left)
