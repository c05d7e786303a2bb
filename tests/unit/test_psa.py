"""The table for cost-effectiveness analysis."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest

import cbhi
from cbhi.psa import psa_frame
from cbhi.results import Results


@pytest.fixture(scope="module")
def both() -> tuple[Results, Results]:
    base = cbhi.scenario("rwanda-rules").replace({}, end="2007-12", name="base")
    free = base.replace({"care.copayment_rwf": 0}, name="free care")
    return tuple(cbhi.simulate(s, households=200, replicates=3, seed=5) for s in (base, free))  # type: ignore[return-value]


def test_long_form_holds_every_sample_strategy_and_period_once(both: tuple[Results, Results]) -> None:
    frame = psa_frame(*both)
    effects = ["coverage_share", "visits_per_person_year", "catastrophic_share"]
    assert list(frame) == ["sample", "strategy", "grp", "period", "costs", *effects]
    periods = both[0].period_labels()
    assert len(frame) == 3 * 2 * len(periods)
    assert not frame.duplicated(["sample", "strategy", "grp", "period"]).any()
    assert sorted(frame["sample"].unique()) == [1, 2, 3]
    rows = frame.set_index(["sample", "strategy", "period"])
    # something to tell apart: schemes are open, and care costs them more when it is free
    last = frame[frame["period"] == "2007"].groupby("strategy")[["costs", "coverage_share"]].mean()
    assert 0 < last.loc["base", "costs"] < last.loc["free care", "costs"]
    assert (last["coverage_share"] > 0).all()
    for run in both:
        paid = run.values("claims_paid_rwf") + run.values("administration_rwf")
        for i, (p, label) in [(0, (1, periods[1])), (2, (8, periods[8]))]:
            row = rows.loc[(i + 1, run.scenario.name, label)]
            assert row["costs"] == pytest.approx(paid[i, p, 0])
            for name in effects:
                np.testing.assert_equal(row[name], run.values(name)[i, p, 0])


def test_one_period_of_the_long_form_is_what_hesim_reads(both: tuple[Results, Results]) -> None:
    frame = psa_frame(*both, periods=["2007"], by="quintile", effects="coverage_end_share",
                      costs="contributions_rwf")  # fmt: skip
    # as many rows for each sample, strategy and group, all with the same samples
    counts = frame.groupby(["strategy", "grp"])["sample"].apply(list)
    assert len(counts) == 10
    assert all(samples == [1, 2, 3] for samples in counts)
    assert set(frame["period"]) == {"2007"}
    place = both[0].period_labels().index("2007")
    third = frame[(frame["grp"] == "quintile 3") & (frame["strategy"] == "base")]
    np.testing.assert_allclose(
        third["coverage_end_share"], both[0].values("coverage_end_share", by="quintile")[:, place, 2]
    )


def test_wide_form_holds_matrices_of_samples_by_strategies(both: tuple[Results, Results]) -> None:
    wide = psa_frame(*both, form="wide")
    costs = wide["costs"]["2007"]["all"]
    # strategies stand in the order given, also where that is not the order of their names
    assert list(psa_frame(*both[::-1], form="wide")["costs"]["2007"]["all"]) == ["free care", "base"]
    assert list(costs) == ["base", "free care"]
    assert list(costs.index) == [1, 2, 3]
    long = psa_frame(*both, periods=["2007"])
    for name in ("base", "free care"):
        mine = long[long["strategy"] == name]
        np.testing.assert_allclose(costs[name], mine["costs"])
        np.testing.assert_allclose(wide["coverage_share"]["2007"]["all"][name], mine["coverage_share"])
    read = pd.read_csv(io.StringIO(costs.to_csv(index=False)))
    assert list(read) == ["base", "free care"]


def test_of_one_scenario(both: tuple[Results, Results]) -> None:
    pd.testing.assert_frame_equal(both[0].to_psa(), psa_frame(both[0]))
    wide = both[0].to_psa(costs=["subsidies_rwf"], effects=["trust"], periods=["2006"], form="wide")
    assert list(wide.columns) == [("costs", "2006", "all", "base"), ("trust", "2006", "all", "base")]


def test_costs_add_up(both: tuple[Results, Results]) -> None:
    one = (
        both[0].to_psa(costs="claims_paid_rwf")["costs"] + both[0].to_psa(costs="administration_rwf")["costs"]
    )
    np.testing.assert_allclose(both[0].to_psa()["costs"], one)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"costs": "claims_pad_rwf"},
            "costs: unknown variable 'claims_pad_rwf'; did you mean 'claims_paid_rwf'",
        ),
        ({"effects": ["trst"]}, "effects: unknown variable 'trst'; did you mean 'trust'"),
        ({"costs": "trust"}, r"costs must all be in one unit of RWF, got trust \[0 to 1\]"),
        (
            {"costs": ["claims_paid_rwf", "out_of_pocket_rwf_per_person_year"]},
            "costs must all be in one unit of RWF, got claims_paid_rwf .RWF., out_of_pocket",
        ),
        ({"costs": []}, "costs is empty"),
        ({"effects": ["trust", "trust"]}, "effects names a variable twice: trust, trust"),
        ({"periods": ["2010"]}, "'2010' is not a reporting year of every run; there are: 1999, 2000"),
        ({"periods": []}, "periods must name reporting years, each once"),
        ({"form": "tall"}, "form must be 'long' or 'wide', got 'tall'"),
    ],
)
def test_wrong_input(both: tuple[Results, Results], given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        both[0].to_psa(**given)  # type: ignore[arg-type]


def test_strategies_must_be_told_apart_and_hold_the_same_samples(both: tuple[Results, Results]) -> None:
    base, free = both
    with pytest.raises(ValueError, match="two results have the name of one strategy: base, base"):
        psa_frame(base, base)
    other = cbhi.simulate(free.scenario, households=200, replicates=3, seed=6)
    with pytest.raises(ValueError, match="'free care' does not hold the samples of 'base': seed, households"):
        psa_frame(base, other)
    with pytest.raises(ValueError, match="no results given"):
        psa_frame()


def test_years_of_other_months_are_left_out_and_told() -> None:
    base = cbhi.scenario("rwanda-rules")
    early = cbhi.simulate(
        base.replace({}, start="1999-07", end="2002-12", name="early"), households=100, replicates=2
    )
    late = cbhi.simulate(
        base.replace({}, start="2000-04", end="2002-06", name="late"), households=100, replicates=2
    )
    for form in ("long", "wide"):
        frame = psa_frame(early, late, form=form)  # type: ignore[arg-type]
        periods = frame["period"] if form == "long" else frame.columns.get_level_values("period")
        assert set(periods) == {"2001"}
        assert frame.attrs["left_out"] == [
            "1999 is 1999-07 to 1999-12 in 'early', not run in 'late'",
            "2000 is 2000-01 to 2000-12 in 'early', 2000-04 to 2000-12 in 'late'",
            "2002 is 2002-01 to 2002-12 in 'early', not run in 'late'",
            "2002 (6 months) is not run in 'early', 2002-01 to 2002-06 in 'late'",
        ]
    with pytest.raises(
        ValueError,
        match=r"2000 is 2000-01 to 2000-12 in 'early', 2000-04 .* of the same months in every run: 2001",
    ):
        psa_frame(early, late, periods=["2000"])
    assert psa_frame(early).attrs["left_out"] == []
    short = cbhi.simulate(base.replace({}, end="1999-12", name="short"), households=100, replicates=2)
    with pytest.raises(ValueError, match="the results have no reporting year of the same months: 1999 is"):
        psa_frame(short, late)


def test_groups_must_be_those_of_every_result() -> None:
    base = cbhi.scenario("rwanda-rules").replace({}, end="2000-12", name="base")
    fewer = base.replace({"population.districts": 4}, name="fewer")
    runs = [cbhi.simulate(s, households=300, replicates=2) for s in (base, fewer)]
    with pytest.raises(ValueError, match="'fewer' does not have the groups of 'base' by district: district"):
        psa_frame(*runs, by="district")
    frame = psa_frame(*runs, by="category", costs="contributions_rwf", effects="visits_per_person_year")
    assert set(frame["grp"]) == {"poorest", "middle", "rich"}


def test_a_label_that_a_run_has_twice_names_no_year(both: tuple[Results, Results]) -> None:
    base = both[0]
    (label, begin, end), *rest = base.periods
    twice = dataclasses.replace(base, periods=((label, begin, end), (label, *rest[0][1:]), *rest[1:]))
    frame = psa_frame(twice)
    assert list(dict.fromkeys(frame["period"])) == base.period_labels()[2:]
    said = "1999 is 1999-07 to 1999-12 and 2000-01 to 2000-12 in 'base'"
    assert frame.attrs["left_out"] == [said]
    with pytest.raises(ValueError, match=said):
        psa_frame(twice, periods=["1999"])
