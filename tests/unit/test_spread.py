"""Spread over replicates and the error of their mean: hand-worked, and never taken for each other."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

import cbhi
from cbhi.kernels import codes
from cbhi.results import Results
from cbhi.spread import mean_ci_over_replicates, quantile_column, quantiles_over_replicates

NAN = math.nan


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate(
        cbhi.scenario("rwanda-rules").replace({}, end="2004-12"), households=200, replicates=4
    )


def test_quantiles_by_hand() -> None:
    values = np.array([[4.0, 1.0], [1.0, NAN], [3.0, 5.0], [2.0, NAN], [5.0, NAN]])
    found = quantiles_over_replicates(values, (0.0, 0.25, 0.5, 0.9, 1.0))
    assert found[:, 0] == pytest.approx([1.0, 2.0, 3.0, 4.6, 5.0])
    # of the two that have a value
    assert found[:, 1] == pytest.approx([1.0, 2.0, 3.0, 4.6, 5.0])


def test_quantiles_keep_the_shape_and_what_has_no_value() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    values[:, 1, 2] = NAN
    found = quantiles_over_replicates(values, (0.5,))
    assert found.shape == (1, 3, 4)
    expected = values.mean(axis=0)
    np.testing.assert_allclose(found[0], expected)
    assert np.isnan(found[0, 1, 2])


def test_mean_and_its_error_by_hand() -> None:
    # mean 3, variance 2.5, five values: standard error sqrt(2.5 / 5); t at 97.5 % of 4 is 2.7764451
    found = mean_ci_over_replicates(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found.mean == pytest.approx(3.0)
    assert found.standard_error == pytest.approx(math.sqrt(0.5))
    assert found.high - found.mean == pytest.approx(2.7764451 * math.sqrt(0.5), rel=1e-7)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)
    assert found.n == 5
    # t at 95 % of 2 degrees of freedom is 2.9199856
    two_sided = mean_ci_over_replicates(np.array([0.0, 3.0, 6.0]), 0.9)
    assert two_sided.high - 3.0 == pytest.approx(2.9199856 * math.sqrt(3.0), rel=1e-7)


def test_mean_leaves_out_what_has_no_value() -> None:
    values = np.array([[1.0, NAN, NAN], [NAN, NAN, 7.0], [3.0, NAN, NAN]])
    found = mean_ci_over_replicates(values)
    np.testing.assert_array_equal(found.n, [2, 0, 1])
    np.testing.assert_array_equal(found.mean, [2.0, NAN, 7.0])
    # two values that differ by 2: sd sqrt(2), standard error 1; t of one degree of freedom is 12.7062047
    np.testing.assert_allclose(found.standard_error, [1.0, NAN, NAN])
    np.testing.assert_allclose(found.high, [2.0 + 12.7062047, NAN, NAN], rtol=1e-7)
    np.testing.assert_allclose(found.low, [2.0 - 12.7062047, NAN, NAN], rtol=1e-7)


def test_one_replicate_has_no_error() -> None:
    found = mean_ci_over_replicates(np.array([[0.4, 0.6]]))
    np.testing.assert_array_equal(found.mean, [0.4, 0.6])
    for part in (found.standard_error, found.low, found.high):
        assert np.isnan(part).all()


def test_more_replicates_shrink_the_error_and_not_the_spread() -> None:
    few = np.tile([1.0, 2.0, 3.0, 4.0], 4)
    many = np.tile(few, 25)
    assert quantiles_over_replicates(many) == pytest.approx(quantiles_over_replicates(few), abs=0.2)
    ratio = mean_ci_over_replicates(few).standard_error / mean_ci_over_replicates(many).standard_error
    assert ratio == pytest.approx(5.0, rel=0.05)


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    # all samples of 4 of a fair die: an exact count
    samples = np.array(list(itertools.product(range(1, 7), repeat=4)), dtype=float).T
    found = mean_ci_over_replicates(samples, 0.8)
    assert ((found.low <= 3.5) & (found.high >= 3.5)).mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("probability", "name"), [(0.05, "p05"), (0.5, "p50"), (0.975, "p97.5"), (0.001, "p00.1"), (1.0, "p100")]
)
def test_columns_of_quantiles(probability: float, name: str) -> None:
    assert quantile_column(probability) == name


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ((5, 95), "a probability = 5 is outside 0 to 1 .share.; 5 % is written 0.05"),
        ((-0.1,), "a probability = -0.1 is outside 0 to 1 .share."),
        ((NAN,), "a probability = nan is outside 0 to 1"),
        (("0.5",), "a probability must be a number from 0 to 1, got '0.5'"),
        ((True,), "a probability must be a number"),
        ((0.5, 0.5), "a probability is given twice: 0.5, 0.5"),
        ((), r"probabilities is empty; example: \(0.05, 0.5, 0.95\)"),
    ],
)
def test_wrong_probabilities(results: Results, probabilities: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        results.quantiles("trust", probabilities)


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (95, "level = 95 is outside 0 to 1 .share.; 95 % is written 0.95"),
        (1, "level = 1 must be above 0 and below 1; example: 0.95"),
        (0.0, "level = 0 must be above"),
        ("high", "level must be a number from 0 to 1, got 'high'"),
    ],
)
def test_wrong_levels(results: Results, level: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        results.mean_ci("trust", level)


def test_frames_say_which_is_which(results: Results) -> None:
    spread, error = results.quantiles("coverage_share"), results.mean_ci("coverage_share")
    head, tail = ["scenario", "period", "group", "variable"], ["n_replicates", "unit"]
    assert list(spread) == [*head, "p05", "p50", "p95", *tail]
    assert list(error) == [*head, "mean", "standard_error", "ci_low", "ci_high", *tail]


@pytest.mark.parametrize(
    ("every", "by"), [("year", "all"), ("month", "all"), ("year", "district"), ("year", "quintile")]
)
def test_frames_follow_from_the_tidy_frame(results: Results, every: str, by: str) -> None:
    name = "visits_per_person_year"
    tidy = results.to_frame(name, every=every, by=by).groupby(["period", "group"], sort=False)["value"]
    spread = results.quantiles(name, (0.1, 0.9), every=every, by=by).set_index(["period", "group"])
    error = results.mean_ci(name, every=every, by=by).set_index(["period", "group"])
    assert list(spread.index) == list(tidy.groups)
    np.testing.assert_allclose(spread["p10"], tidy.quantile(0.1).loc[spread.index])
    np.testing.assert_allclose(spread["p90"], tidy.quantile(0.9).loc[spread.index])
    np.testing.assert_allclose(error["mean"], tidy.mean().loc[error.index])
    np.testing.assert_allclose(error["standard_error"], tidy.sem().loc[error.index])
    assert (error["n_replicates"] == 4).all()
    assert (spread["unit"] == "visits per person per year").all()


def test_replicates_without_a_value_are_counted(results: Results) -> None:
    tallies = results.arrays.tallies.copy()
    tallies[1:, ..., codes.EPISODES] = 0
    changed = dataclasses.replace(results, arrays=results.arrays._replace(tallies=tallies))
    last = changed.mean_ci("care_sought_share").iloc[-1]
    assert last["n_replicates"] == 1
    assert last["mean"] == results.values("care_sought_share")[0, -1, 0]
    assert np.isnan(last["ci_low"])
    assert changed.quantiles("care_sought_share").iloc[-1]["p95"] == last["mean"]


def test_unknown_names(results: Results) -> None:
    for method in (results.quantiles, results.mean_ci):
        with pytest.raises(ValueError, match="unknown variable 'coverage_shar'; did you mean"):
            method("coverage_shar")


def test_sum_joins_results(results: Results) -> None:
    parts = [
        cbhi.simulate(results.scenario, households=200, replicates=2),
        cbhi.simulate(results.scenario, households=200, replicates=2, first_replicate=2),
    ]
    joined = sum(parts)
    assert isinstance(joined, Results)
    for field, one, two in zip(results.arrays._fields, joined.arrays, results.arrays, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=field)
    with pytest.raises(TypeError):
        1 + results
