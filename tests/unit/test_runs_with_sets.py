"""Runs of scenarios with parameter sets: each replicate with its own set, and what is said of them."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cbhi
from cbhi.accounts import lender_frame, resources_frame
from cbhi.checks import check_all
from cbhi.parts import Parts
from cbhi.psa import psa_frame
from cbhi.published import published_as_table
from cbhi.results import select_replicates
from cbhi.spread import variance_shares
from cbhi.testing.surroundings import freeze_surroundings

SIZE = dict(households=150, seed=3, survey=40)
# parameters of the rules, of what is observed, of a provider's hours and of the lenders' accounts
VALUES = {
    "enrolment.inertia": [0.2, 1.4, 3.0],
    "observation.overcount_share": [0.0, 0.1, 0.25],
    "provider.hours_per_year": [900.0, 1_500.0, 1_800.0],
    "loans.interest_share_per_year": [0.05, 0.2, 0.4],
}
OFFICIAL = "coverage_administrative_share"


def sets(n: int = 3) -> cbhi.ParameterSets:
    return cbhi.ParameterSets(tuple(VALUES), np.array(list(VALUES.values())).T[:n])


@functools.cache
def scenario(n: int = 3) -> cbhi.Scenario:
    rwanda = cbhi.scenario("rwanda").at_point()
    open_everywhere = {"switches.rollout": False}
    return rwanda.replace(open_everywhere, start="2006-01", end="2008-12", name="three sets").with_sets(
        sets(n)
    )


@functools.cache
def whole() -> cbhi.Results:
    return cbhi.simulate(scenario(), replicates=7, **SIZE)


def same_numbers(one: cbhi.Results, other: cbhi.Results) -> bool:
    """Say whether all arrays are equal, whatever the scenarios are called and carry."""
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(one.arrays, other.arrays, strict=True)
    )


def test_replicates_go_through_the_sets_in_pairs() -> None:
    assert whole().param_sets.tolist() == [0, 0, 1, 1, 2, 2, 0]
    assert whole().n_param_sets == 3
    assert cbhi.simulate(scenario().at_point(), replicates=2, **SIZE).n_param_sets == 1


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_pair_is_the_run_of_the_scenario_with_its_values(number: int) -> None:
    alone = scenario().at_point().replace(sets()[number])
    first = 2 * number
    run = cbhi.simulate(alone, replicates=2, first_replicate=first, **SIZE)
    ours = select_replicates(whole(), {first, first + 1})
    assert same_numbers(run, ours)
    for name in (OFFICIAL, "coverage_end_share", "visits_per_person_year"):
        np.testing.assert_array_equal(run.values(name), ours.values(name))


def test_one_set_is_the_scenario_with_its_values() -> None:
    one = cbhi.simulate(scenario(1), replicates=3, **SIZE)
    alone = cbhi.simulate(scenario().at_point().replace(sets()[0]), replicates=3, **SIZE)
    assert same_numbers(one, alone)
    for name in cbhi.VARIABLES:
        np.testing.assert_array_equal(one.values(name), alone.values(name), err_msg=name)
    assert one.clusters is None
    pd.testing.assert_frame_equal(
        one.mean_ci(OFFICIAL).drop(columns="scenario"), alone.mean_ci(OFFICIAL).drop(columns="scenario")
    )


def test_threads_change_nothing() -> None:
    assert cbhi.simulate(scenario(), replicates=7, workers=3, **SIZE) == whole()


def test_replicates_are_added_and_joined() -> None:
    first = cbhi.simulate(scenario(), replicates=3, **SIZE)
    more = cbhi.simulate(scenario(), replicates=7, finished=first, **SIZE)
    rest = cbhi.simulate(scenario(), replicates=4, first_replicate=3, **SIZE)
    assert more == first + rest == whole()
    assert (first + rest).param_sets.tolist() == whole().param_sets.tolist()


def test_other_sets_are_another_run() -> None:
    other = cbhi.simulate(scenario(2), replicates=1, first_replicate=7, **SIZE)
    with pytest.raises(ValueError, match="differ in scenario"):
        whole() + other
    with pytest.raises(ValueError, match="belong to another run: scenario"):
        cbhi.simulate(scenario(), replicates=9, finished=other, **SIZE)


def test_a_simulator_and_a_halted_run_take_the_set_of_the_replicate(tmp_path: Path) -> None:
    wanted = select_replicates(whole(), {3})
    simulator = cbhi.Simulator(scenario(), households=150, survey=40)
    simulator.run(seed=3, replicate=0)
    assert simulator.run(seed=3, replicate=3) == wanted
    halted = cbhi.run_until(scenario(), "2007-03", replicate=3, **SIZE)
    assert cbhi.Halted.load(halted.save(tmp_path / "halted.npz")).finish() == wanted


def test_saved_results_keep_their_sets(tmp_path: Path) -> None:
    whole().save(tmp_path / "run")
    again = cbhi.load(tmp_path / "run")
    assert again == whole()
    assert again.scenario == whole().scenario
    frame = pd.read_csv(tmp_path / "run" / "yearly.csv")
    numbers = frame.drop_duplicates("replicate").set_index("replicate")["param_set"]
    assert numbers.tolist() == [0, 0, 1, 1, 2, 2, 0]
    districts = pd.read_csv(tmp_path / "run" / "districts.csv")
    assert not districts.duplicated(["period", "group", "variable"]).any()


def test_parts_keep_their_sets(tmp_path: Path) -> None:
    parts = Parts(tmp_path, scenario(), 150, 3, 40)
    for number in (0, 5):
        parts.keep(select_replicates(whole(), {number}))
    found, problems = parts.read()
    assert problems == []
    assert found == select_replicates(whole(), {0, 5})


def test_what_reads_parameters_takes_those_of_the_replicate() -> None:
    parts = whole().by_set()
    assert [part.n_replicates for part in parts] == [3, 2, 2]
    assert all(part.scenario.sets is None for part in parts)
    lenders = lender_frame(whole()).set_index(["period", "replicate"])["interest_rate"]
    hours = resources_frame(whole())
    for part, rate in zip(parts, VALUES["loans.interest_share_per_year"], strict=True):
        for replicate in part.arrays.replicates:
            assert set(lenders.xs(replicate, level="replicate")) == {rate}
        own = hours[hours["replicate"].isin(part.arrays.replicates)].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, resources_frame(part))


def test_over_count_is_that_of_the_set() -> None:
    factor = whole().values(OFFICIAL) / whole().values("coverage_end_share")
    grown = {number: factor[whole().param_sets == number, -1, 0] for number in range(3)}
    assert grown[0].max() <= 1.0 + 1e-12 < grown[1].min() <= grown[1].max() < grown[2].min()


def test_every_check_holds_set_by_set() -> None:
    check_all(whole())


def test_the_share_of_the_parameters_is_that_of_the_pairs() -> None:
    found = whole().uncertainty("coverage_end_share")
    values = whole().values("coverage_end_share")[..., 0]
    direct = variance_shares(values, whole().param_sets)
    np.testing.assert_allclose(found["share_parameters"], direct.share)
    assert set(found["n_param_sets"]) == {3}
    with pytest.raises(ValueError, match="carries no parameter sets that differ"):
        whole().by_set()[0].uncertainty("coverage_end_share")


def test_errors_of_means_count_sets() -> None:
    six = select_replicates(whole(), range(6))
    values = six.values("coverage_end_share")[:, -1, 0].reshape(3, 2).mean(axis=1)
    found = six.mean_ci("coverage_end_share").iloc[-1]
    assert found["standard_error"] == pytest.approx(values.std(ddof=1) / np.sqrt(3.0))
    assert found["n_replicates"] == 6


def test_the_words_say_what_the_band_is() -> None:
    said = " ".join(str(whole().summary()).split())
    assert "The band holds doubt about the parameters and chance" in said
    assert "3 of 3 parameter sets" in said
    assert "Parameters' share of the variance in 2008 (90 % interval): members" in said
    assert "few sets" in said
    table = " ".join(str(published_as_table(whole())).split())
    assert "5-95 %: parameters and chance, the spread of 7 runs with 3 parameter sets" in table
    chance = " ".join(str(whole().by_set()[0].summary()).split())
    assert "chance alone" in chance
    pair = " ".join(str(select_replicates(whole(), {0, 1}).summary()).split())
    assert "More replicates (four or more)" in pair


def test_a_picture_says_what_the_band_is() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = whole().plot("coverage_end_share")
    assert any("parameters and chance (3 parameter sets)" in text.get_text() for text in axes.texts)
    pyplot.close("all")


def test_samples_of_strategies_share_their_sets() -> None:
    other = cbhi.simulate(scenario().replace({"care.copayment_rwf": 0}, name="free"), replicates=7, **SIZE)
    assert set(psa_frame(whole(), other)["strategy"]) == {"three sets", "free"}
    point = cbhi.simulate(scenario().at_point().replace({}, name="point"), replicates=7, **SIZE)
    with pytest.raises(ValueError, match="parameter sets must be the same"):
        psa_frame(whole(), point)


def test_a_family_is_followed_at_the_scenario_s_own_values() -> None:
    family = cbhi.household(scenario(), households=150, section=202, number=0)
    own = cbhi.household(scenario().at_point(), households=150, section=202, number=0)
    pd.testing.assert_frame_equal(family.months, own.months)
    assert "none of its 3 parameter sets" in str(family.summary())
    assert "parameter sets" not in str(own.summary())


def test_properties_are_checked_at_the_scenario_s_own_values() -> None:
    assert freeze_surroundings(scenario()) == freeze_surroundings(scenario().at_point())


class _Posterior:
    """What stands for a scenario with sets."""

    def scenario(self) -> cbhi.Scenario:
        return scenario()


def test_a_posterior_stands_where_a_scenario_can() -> None:
    assert cbhi.simulate(_Posterior(), replicates=7, **SIZE) == whole()
    simulator = cbhi.Simulator(_Posterior(), households=150, survey=40)
    assert simulator.run(seed=3, replicate=2) == select_replicates(whole(), {2})
    with pytest.raises(ValueError, match="a scenario, its name or its file is wanted"):
        cbhi.simulate(3)  # type: ignore[arg-type]


# stopping by precision -----------------------------------------------------------------------------------


def test_replicates_are_added_until_the_mean_is_known_well_enough() -> None:
    name = "coverage_end_share"
    full = cbhi.simulate(scenario().at_point(), replicates=12, **SIZE)

    def width(n: int) -> float:
        row = select_replicates(full, range(n)).mean_ci(name).iloc[-1]
        return float(row["ci_high"] - row["ci_low"]) / 2.0

    wanted = 1.0001 * width(9)
    expected = next(n for n in (3, 6, 9, 12) if width(n) <= wanted)
    found = cbhi.simulate(scenario().at_point(), replicates=3, tol=wanted, on=name, **SIZE)
    assert found.n_replicates == expected
    assert found.tolerance is not None
    assert found.tolerance.met
    assert found.tolerance.reached == pytest.approx(width(expected))
    assert "interval of the mean" in str(found.tolerance)
    assert str(found.tolerance)[:20] in str(found.summary())
    assert (found + cbhi.simulate(scenario().at_point(), first_replicate=20, **SIZE)).tolerance is None


def test_replicates_end_where_they_are_told_to() -> None:
    found = cbhi.simulate(scenario(), replicates=4, tol=1e-9, max_replicates=6, period="2007", **SIZE)
    assert found.n_replicates == 6
    assert found.tolerance is not None
    assert not found.tolerance.met
    row = found.mean_ci("coverage_end_share").set_index("period").loc["2007"]
    assert found.tolerance.reached == pytest.approx((row["ci_high"] - row["ci_low"]) / 2.0)
    assert found == select_replicates(whole(), range(6))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (dict(tol=0.0), "tol must be a number above 0"),
        (dict(tol=0.1, replicates=3), "with tol and parameter sets, replicates must be 4 or more"),
        (dict(tol=0.1, on="covrage_share"), "unknown variable 'covrage_share'"),
        (dict(tol=0.1, period="1950"), "1950"),
        (dict(tol=0.1, max_replicates=2), "max_replicates = 2 is outside 4"),
    ],
)
def test_a_precision_that_cannot_be_judged_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cbhi.simulate(scenario(), **{**SIZE, "replicates": 4, **more})  # type: ignore[arg-type]


# comparisons ---------------------------------------------------------------------------------------------


@functools.cache
def compared() -> cbhi.Comparison:
    free = scenario().replace({"enrolment.inertia": 1.0}, name="inertia 1")
    return cbhi.compare(scenario(), free, replicates=6, **SIZE)


def test_a_replicate_has_one_set_in_all_scenarios() -> None:
    frame = compared().to_frame("coverage_end_share")
    assert frame.groupby("replicate")["param_set"].nunique().eq(1).all()
    difference = compared().difference("coverage_end_share")
    for number in range(3):
        base = scenario().at_point().replace(sets()[number], name="base")
        other = base.replace({"enrolment.inertia": 1.0}, name="other")
        alone = [
            cbhi.simulate(one, replicates=2, first_replicate=2 * number, **SIZE) for one in (base, other)
        ]
        wanted = alone[1].values("coverage_end_share") - alone[0].values("coverage_end_share")
        np.testing.assert_array_equal(difference.values[2 * number : 2 * number + 2, 0], wanted)


def test_intervals_of_differences_count_sets() -> None:
    difference = compared().difference("coverage_end_share")
    pairs = difference.values[:, 0, -1, 0].reshape(3, 2).mean(axis=1)
    assert difference.standard_error[0, -1, 0] == pytest.approx(pairs.std(ddof=1) / np.sqrt(3.0))
    shares = difference.uncertainty()
    assert set(shares["n_param_sets"]) == {3}
    assert shares["share_parameters"].dropna().between(0.0, 1.0).all()
    said = " ".join(str(compared().summary()).split())
    assert "All of it holds doubt about the parameters (3 sets, the same in all scenarios)" in said


def test_a_comparison_is_saved_with_its_sets(tmp_path: Path) -> None:
    again = cbhi.load(compared().save(tmp_path / "both"))
    assert isinstance(again, cbhi.Comparison)
    assert again.clusters is not None
    assert again.clusters.tolist() == [0, 0, 1, 1, 2, 2]


def test_scenarios_that_do_not_share_their_sets_are_not_compared() -> None:
    point = scenario().at_point().replace({}, name="point")
    with pytest.raises(ValueError, match="'three sets' carries parameter sets, and 'point' carries none"):
        cbhi.compare(scenario(), point, replicates=2, **SIZE)
    other = dataclasses.replace(scenario(2), name="other")
    with pytest.raises(ValueError, match="'other' carries other parameter sets than 'three sets'"):
        cbhi.compare(scenario(), other, replicates=2, **SIZE)


def test_a_tolerance_of_differences_needs_two_sets() -> None:
    free = scenario().replace({"care.copayment_rwf": 0}, name="free")
    with pytest.raises(ValueError, match="replicates must be 4 or more"):
        cbhi.compare(scenario(), free, replicates=2, tol=0.1, **SIZE)
    found = cbhi.compare(scenario(), free, replicates=4, tol=10.0, **SIZE)
    assert found.tolerance is not None
    assert found.tolerance.replicates == 4


# search --------------------------------------------------------------------------------------------------


def test_a_search_varies_what_sets_decide() -> None:
    found = cbhi.solve(
        scenario(), "scale:observation.overcount_share", goal=f"{OFFICIAL}>=0", low=0.5, high=1.5,
        households=100, replicates=4, max_evaluations=10,
    )  # fmt: skip
    assert "with 2 parameter sets" in str(found.summary())
    low, high = found.evaluations[0], found.evaluations[-1]
    assert low.value == 0.5
    # the first set has no over-count and stays as it is, the second grows with the factor
    assert low.values[:2] == high.values[:2]
    assert all(a < b for a, b in zip(low.values[2:], high.values[2:], strict=True))
