"""The survey: whom it stands for, when it asks, and that its sums are those that the run has counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import NOW, household, rule, section

import cbhi
from cbhi.kernels import codes, notes
from cbhi.months import parse_month
from cbhi.replicates import make_watch
from cbhi.results import Results
from cbhi.survey import COLUMNS, survey_frame

OUT_OF_POCKET = [
    codes.COPAYMENT_HEALTH_CENTRE,
    codes.COPAYMENT_HOSPITAL,
    codes.FEE_HEALTH_CENTRE,
    codes.FEE_HOSPITAL,
]
VISITS = [codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]


@pytest.fixture(scope="module")
def results() -> Results:
    """A third of the households are interviewed, so that each stands for three."""
    return cbhi.simulate("rwanda-rules", households=900, replicates=3, seed=4, survey=300)


@pytest.fixture(scope="module")
def survey(results: Results) -> pd.DataFrame:
    return survey_frame(results)


def whole_year(results: Results) -> list[int]:
    return [place for place, (_, begin, end) in enumerate(results.periods) if end - begin == 12]


def test_interviews_stand_for_the_country(results: Results, survey: pd.DataFrame) -> None:
    assert tuple(survey.columns) == COLUMNS
    assert survey["weight"].unique() == pytest.approx([3 * results.weight], rel=0.01)
    people = (survey["weight"] * survey["persons"]).groupby(survey["period"]).sum() / results.n_replicates
    told = survey["weight"].groupby(survey["period"]).sum() / results.n_replicates
    persons, households = (results.values(name).mean(axis=0)[:, 0] for name in ("persons", "households"))
    # 300 households of 5 in 3 replicates: 3 % of luck
    for place in whole_year(results):
        label = results.periods[place][0]
        assert people[label] == pytest.approx(persons[place], rel=0.09)
        assert told[label] == pytest.approx(households[place], rel=0.09)
    # in half a year half of the households have an anniversary
    for label in ("1999", "2011"):
        assert told[label] == pytest.approx(0.5 * households[results.period_labels().index(label)], rel=0.12)


def test_every_interview_lies_in_its_year_and_in_the_month_of_the_household(
    results: Results, survey: pd.DataFrame
) -> None:
    spans = {label: (begin, end) for label, begin, end in results.periods}
    month = np.array([parse_month(text) for text in survey["month"]])
    place = month - results.scenario.start
    begins, ends = np.array([spans[label] for label in survey["period"]]).T
    assert (begins <= place).all()
    assert (place < ends).all()
    # the first month of a year is there, and belongs to it
    assert (place == begins).any()
    assert ((survey["section"] - 1 + survey["household"] - month) % 12 == 0).all()
    assert survey.groupby(["replicate", "section", "household", "period"]).size().max() == 1


def test_months_since_the_last_interview(results: Results, survey: pd.DataFrame) -> None:
    ordered = survey.sort_values(["replicate", "section", "household", "month"])
    first = ~ordered.duplicated(["replicate", "section", "household"])
    assert (ordered.loc[~first, "months"] == 12).all()
    assert ordered.loc[first, "months"].between(1, 12).all()
    started = ordered[ordered["period"] == "1999"]
    since = np.array([int(text[5:]) - 6 for text in started["month"]])
    # since the start, but for the few families founded in between
    assert (started["months"] <= since).all()
    assert (started["months"] == since).mean() > 0.97


def told_of(results: Results, monthly: Any) -> Any:
    """What interviews of whole years should tell, (R,): a twelfth of households a month, of twelve months."""
    spans = [results.periods[place] for place in whole_year(results) if results.periods[place][1] >= 12]
    return sum(
        monthly[:, t - 11 : t + 1].sum(axis=1) / 12.0 for _, begin, end in spans for t in range(begin, end)
    )


def monthly(results: Results, array: str, kinds: list[int]) -> Any:
    return getattr(results.arrays, array)[..., kinds].sum(axis=(2, 3)) * results.weight


@pytest.mark.parametrize(
    ("column", "array", "kinds"),
    [
        ("contribution_rwf", "flows", [codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION]),
        ("out_of_pocket_rwf", "flows", OUT_OF_POCKET),
        ("visits", "tallies", VISITS),
    ],
)
def test_sums_agree_with_the_country_within_sampling_error(
    results: Results, survey: pd.DataFrame, column: str, array: str, kinds: list[int]
) -> None:
    years = [results.periods[p][0] for p in whole_year(results) if results.periods[p][1] >= 12]
    rows = survey[survey["period"].isin(years)]
    truth = told_of(results, monthly(results, array, kinds))
    chance = results.survey / results.households
    totals = rows.groupby(["replicate", "section", "household"])[column].sum() * rows["weight"].iloc[0]
    told = totals.groupby("replicate").sum().to_numpy()
    # households are drawn one by one: the variance of a sum of weighted amounts
    error = np.sqrt((1.0 - chance) * (totals**2).groupby("replicate").sum().to_numpy())
    assert (error < 0.1 * truth).all()
    assert (np.abs(told - truth) < 4.0 * error).all()
    assert abs((told - truth).sum()) < 3.0 * np.sqrt((error**2).sum())


def test_all_households_tell_what_the_country_has_counted() -> None:
    everybody = cbhi.simulate("rwanda-rules", households=600, replicates=2, seed=3, survey=600)
    rows = survey_frame(everybody)
    assert rows["weight"].unique() == pytest.approx([everybody.weight], rel=0.01)
    years = [everybody.periods[p][0] for p in whole_year(everybody) if everybody.periods[p][1] >= 12]
    rows = rows[rows["period"].isin(years)]
    for column, array, kinds in (
        ("contribution_rwf", "flows", [codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION]),
        ("out_of_pocket_rwf", "flows", OUT_OF_POCKET),
        ("visits", "tallies", VISITS),
    ):
        truth = told_of(everybody, monthly(everybody, array, kinds)).sum()
        assert (rows[column] * rows["weight"]).sum() == pytest.approx(truth, rel=0.02), column


def test_what_others_paid_is_each_sponsor_and_the_pool() -> None:
    watch = make_watch(1, 12)
    watch.asked[0] = NOW
    hh, mm = household(watched=1)
    paid = {
        codes.SUBSIDY_STATE: 1_000, codes.SUBSIDY_DONOR: 200, codes.SUBSIDY_POOL: 30, codes.SUBSIDY_NGO: 4,
        codes.CONTRIBUTION: 70_000,
    }  # fmt: skip
    for kind, francs in paid.items():
        watch.flows[0, kind] = francs
    notes.interview(watch, hh, mm, section(), True, NOW + 12, rule())
    assert watch.interviews[0].sponsored_rwf == 1_234
    assert watch.interviews[0].contribution_rwf == 70_000
