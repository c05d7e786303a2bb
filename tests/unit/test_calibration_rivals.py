"""The comparison of searches: its cheap problem against published numbers, and how it counts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not (BENCHMARKS / "calibration").exists():
    pytest.skip("benchmarks are not part of this install", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))

from calibration import mean_field  # noqa: E402
from calibration.comparing import GAPS, Case, measure, table, verdict  # noqa: E402
from calibration.methods import Counted, Trace, cbhi_modes, scipy_least_squares  # noqa: E402

def test_many_points_are_simulated_as_one_by_one() -> None:
    problem, truth = mean_field.problem(3)
    points = np.random.default_rng(1).normal(size=(5, truth.size))
    one_by_one = [problem.evaluate("one", point[None])[0] for point in points]
    np.testing.assert_allclose(problem.evaluate("all", points), one_by_one, rtol=1e-12)
    np.testing.assert_allclose(
        mean_field.expected_targets(points),
        [mean_field.expected_targets(point[None])[0] for point in points],
        rtol=1e-12,
    )


def test_every_simulation_is_counted_once_and_in_order() -> None:
    problem, truth = mean_field.problem(1)
    counted = Counted("here", problem)
    points = np.vstack([np.zeros(truth.size), truth])
    counted.problem.evaluate("a", points)
    counted.loss(truth)
    assert counted.batches == 2
    expected = problem.loss(points, problem.evaluate("a", points))
    assert counted.losses == pytest.approx([*expected, expected[1]])


def trace(losses: list[float]) -> Trace:
    return Trace(np.array(losses), np.zeros(1), 0.5, len(losses))


def test_simulations_to_a_loss_are_those_until_it_is_first_met() -> None:
    row = measure(Case("cheap model", 0, 6), "cbhi", trace([30.0, np.nan, 9.0, 12.0, 3.0, 2.0]), best=1.5)
    assert [row[f"to_{gap:g}"] for gap in GAPS] == [3, 5, 6]
    assert row["gap"] == 0.5
    never = measure(Case("cheap model", 0, 2), "cbhi", trace([30.0, 9.0]), best=1.5)
    assert [never[f"to_{gap:g}"] for gap in GAPS] == [2, None, None]


def rows(ours: list[int | None], theirs: list[int | None]) -> list[dict[str, Any]]:
    return [
        {
            "problem": "cheap model", "data_set": i, "method": name, "simulations": 2000, "batches": 5,
            "gap": 0.1, "own_seconds": 1.0, "to_10": 1, "to_3": 1, "to_1": count,
        }
        for name, counts in (("cbhi", ours), ("Optuna TPE", theirs))
        for i, count in enumerate(counts)
    ]  # fmt: skip


def test_musts_are_met_in_every_data_set_or_missed() -> None:
    assert [met for met, _ in verdict(rows([90, 150], [1000, 1900]))] == [True, True]
    late = verdict(rows([90, 151], [1000, 1900]))
    assert [met for met, _ in late] == [False, True]
    assert "in 1 of 2 data sets (worst 151)" in late[0][1]
    assert [met for met, _ in verdict(rows([90, None], [1000, None]))] == [False, False]
    assert [met for met, _ in verdict(rows([100, 100], [500, 600]))] == [True, False]


def test_the_table_tells_who_never_got_there() -> None:
    text = table(rows([90, 100, 110], [None, None, 1500]))
    assert "| 100 (90 to 110) | 100 % |" in text
    assert "| never (1,500 to never) | 33 % |" in text


@pytest.mark.parametrize("method", [cbhi_modes, scipy_least_squares])
def test_a_search_beats_the_truth(method: Any) -> None:
    problem, truth = mean_field.problem(0)
    at_truth = problem.loss(truth, problem.evaluate("truth", truth[None])[0])
    found = method(problem, 300)
    assert found.losses.min() < at_truth
    assert found.losses.size <= 300


def test_rivals_keep_to_their_budget_and_start_at_the_centre() -> None:
    problem, truth = mean_field.problem(0)
    methods = importlib.import_module("calibration.methods")
    centre = problem.loss(np.zeros(truth.size), problem.evaluate("centre", np.zeros((1, truth.size)))[0])
    for package, method in (("cma", methods.cma_es), ("optuna", methods.optuna_tpe)):
        if importlib.util.find_spec(package) is None:
            continue
        found = method(problem, 40)
        assert found.losses.size == 40
        assert found.losses[0] == pytest.approx(centre)
