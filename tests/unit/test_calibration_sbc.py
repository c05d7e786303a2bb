"""Simulation-based calibration of problems whose posterior is known."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cbhi.calibration.sbc import SetOutcome, outcomes_of_sets
from cbhi.calibration.sbc_table import Study
from cbhi.calibration.scoring import position_among

SLOPES = np.random.default_rng(7).normal(size=(6, 3))
ERRORS = np.linspace(0.3, 1.2, 6)


@dataclass(frozen=True)
class Linear:
    """Figures linear in three parameters, with the exact posterior of errors that are believed."""

    believed: float = 1.0
    """Believed over true standard errors; 1 is right."""
    wait: float = 0.0
    parameters: tuple[str, ...] = ("a", "b", "c")
    effects: tuple[str, ...] = ("a - c",)

    def identity(self) -> dict[str, Any]:
        return {"slopes": SLOPES.tolist(), "believed": self.believed}

    def run(self, number: int, seed: int) -> SetOutcome:
        time.sleep(self.wait)
        rng = np.random.default_rng([seed, number])
        truth = rng.normal(size=3)
        figures = SLOPES @ truth + ERRORS * rng.normal(size=6)
        precision = np.eye(3) + (SLOPES.T / (self.believed * ERRORS) ** 2) @ SLOPES
        covariance = np.linalg.inv(precision)
        mean = covariance @ (SLOPES.T / (self.believed * ERRORS) ** 2) @ figures
        draws = rng.multivariate_normal(mean, covariance, size=4_000)
        quantities = np.column_stack([draws, draws[:, 0] - draws[:, 2]])
        true = np.append(truth, truth[0] - truth[2])
        names = (*self.parameters, *self.effects)
        return SetOutcome(
            number,
            dict(zip(names, true.tolist(), strict=True)),
            dict(zip(names, np.median(quantities, axis=0).tolist(), strict=True)),
            dict(zip(names, position_among(quantities, true).tolist(), strict=True)),
            method="exact",
            effective_size=4_000.0,
            n_simulations=1,
        )


def study(subject: Linear, n: int, **more: Any) -> Study:
    return Study(subject.parameters, subject.effects, outcomes_of_sets(subject, n, **more))


def test_the_exact_posterior_is_calibrated() -> None:
    found = study(Linear(), 400)
    covered, error = found.pooled()
    assert abs(covered - 0.9) < 4 * error < 0.05
    assert found.passed
    frame = found.to_frame()
    assert frame["quantity"].tolist() == ["a", "b", "c", "a - c"]
    assert (frame["ks_p"] > 1e-3).all()
    assert (frame["chi_square_p"] > 1e-3).all()
    assert frame["covered_50"].between(0.4, 0.6).all()
    assert "mean what they say" in str(found.summary())


@pytest.mark.parametrize(("believed", "word"), [(0.5, "too narrow"), (2.0, "too wide")])
def test_wrong_errors_are_noticed(believed: float, word: str) -> None:
    found = study(Linear(believed=believed), 200)
    assert not found.passed
    assert word in found.verdict()
    assert "NO, " + word in str(found.summary())
    assert found.to_frame()["ks_p"].min() < 0.01


def test_a_set_is_the_same_whatever_their_number_and_the_workers() -> None:
    few = outcomes_of_sets(Linear(), 3, seed=5)
    with ThreadPoolExecutor(4) as pool:
        many = outcomes_of_sets(Linear(), 9, seed=5, map_over=pool.map)
    assert many[:3] == few
    assert [outcome.number for outcome in many] == list(range(9))
    assert outcomes_of_sets(Linear(), 3, seed=6) != few


def test_intervals_of_one_set_count_as_one_cluster() -> None:
    # both quantities are one and the same, so the second adds nothing to what is known
    def outcome(number: int) -> SetOutcome:
        place = (number * 0.37) % 1.0
        return SetOutcome(number, {"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}, {"a": place, "b": place})

    outcomes = tuple(outcome(i) for i in range(80))
    _, one = Study(("a",), (), outcomes).pooled()
    _, both = Study(("a", "b"), (), outcomes).pooled()
    assert both == pytest.approx(one)


def test_sets_without_a_posterior_are_counted_and_left_out() -> None:
    outcomes = list(outcomes_of_sets(Linear(), 100))
    outcomes[3] = replace(outcomes[3], position={}, median={}, problem="Pareto k 1.2")
    found = Study(("a", "b", "c"), ("a - c",), tuple(outcomes))
    assert len(found.converged) == 99
    assert found.to_frame()["n_sets"].tolist() == [99] * 4
    assert "1 sets (1.0 %) without" in " ".join(found.summary().notes)
    assert len(found.sets_frame()) == 400
    for i in range(10, 13):
        outcomes[i] = replace(outcomes[i], position={}, median={}, problem="Pareto k 1.2")
    found = Study(("a", "b", "c"), ("a - c",), tuple(outcomes))
    assert not found.passed
    assert "4 of 100 sets have no accepted posterior" in found.verdict()


def test_a_study_without_any_posterior_says_so() -> None:
    found = Study(("a",), (), (SetOutcome(0, {"a": 1.0}, problem="no"),))
    assert not found.passed
    assert math.isnan(found.pooled()[0])
    assert "no set has a posterior" in str(found.summary())


def test_what_is_finished_is_read_again(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []
    first = outcomes_of_sets(Linear(), 3, folder=tmp_path)
    again = outcomes_of_sets(Linear(), 5, folder=tmp_path, progress=lambda done, n: asked.append((done, n)))
    assert again[:3] == first
    assert asked == [(3, 5), (4, 5), (5, 5)]
    assert again == outcomes_of_sets(Linear(), 5)


def test_a_set_keeps_the_time_that_it_took(tmp_path: Path) -> None:
    clock = time.monotonic
    took = [one.seconds for one in outcomes_of_sets(Linear(wait=0.05), 2, folder=tmp_path, clock=clock)]
    assert all(0.05 <= seconds < 60.0 for seconds in took)
    # reading it again takes no such time, and is not what is told
    again = study(Linear(wait=0.05), 2, folder=tmp_path)
    assert [one.seconds for one in again.outcomes] == took
    assert again.sets_frame().groupby("set")["seconds"].first().tolist() == took


def test_a_set_of_unknown_time_is_read(tmp_path: Path) -> None:
    (first,) = outcomes_of_sets(Linear(), 1, folder=tmp_path)
    path = tmp_path / "set-0000.json"
    content = json.loads(path.read_text())
    del content["seconds"], content["sha256"]
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**content, "sha256": seal}))
    (again,) = outcomes_of_sets(Linear(), 1, folder=tmp_path)
    assert again == first
    assert math.isnan(again.seconds)


def test_a_finished_set_is_kept_while_one_before_it_still_runs(tmp_path: Path) -> None:
    def last_first(function: Callable[[int], SetOutcome], numbers: Iterable[int]) -> Iterator[SetOutcome]:
        answers = {number: function(number) for number in reversed(list(numbers))}
        assert len(list(tmp_path.glob("set-*.json"))) == len(answers)
        yield from (answers[number] for number in sorted(answers))

    found = outcomes_of_sets(Linear(), 3, folder=tmp_path, map_over=last_first)
    assert [outcome.number for outcome in found] == [0, 1, 2]


def _cut(path: Path) -> None:
    path.write_text(path.read_text()[:-40])


def _change(path: Path) -> None:
    content = json.loads(path.read_text())
    content["position"]["a"] = 0.5
    path.write_text(json.dumps(content))


def _list(path: Path) -> None:
    path.write_text("[1, 2]")


@pytest.mark.parametrize("damage", [_cut, _change, _list])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    outcomes_of_sets(Linear(), 2, folder=tmp_path)
    damage(tmp_path / "set-0001.json")
    with pytest.raises(ValueError, match=r"set-0001\.json' is damaged"):
        outcomes_of_sets(Linear(), 2, folder=tmp_path)


def test_a_file_of_another_study_is_refused(tmp_path: Path) -> None:
    outcomes_of_sets(Linear(), 1, folder=tmp_path)
    with pytest.raises(ValueError, match=r"another study: believed is 1\.0, not 0\.5"):
        outcomes_of_sets(Linear(believed=0.5), 1, folder=tmp_path)
    with pytest.raises(ValueError, match="another study: seed is 1, not 2"):
        outcomes_of_sets(Linear(), 1, folder=tmp_path, seed=2)
    (tmp_path / "set-0000.json").rename(tmp_path / "set-0001.json")
    with pytest.raises(ValueError, match="holds set 0, not 1"):
        outcomes_of_sets(Linear(), 2, folder=tmp_path)


def test_no_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        outcomes_of_sets(Linear(), 0)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a signal of other systems")
def test_a_killed_study_goes_on_to_the_same_table(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    program = (
        "from pathlib import Path; from test_calibration_sbc import Linear; "
        "from cbhi.calibration.sbc import outcomes_of_sets; "
        f"outcomes_of_sets(Linear(wait=0.05), 60, folder=Path({str(folder)!r}))"
    )
    import cbhi

    places = [str(Path(__file__).parent), str(Path(cbhi.__file__).parents[1])]
    running = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    )
    until = time.monotonic() + 60.0
    while not (folder / "set-0003.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    n_kept = len(list(folder.glob("set-*.json")))
    assert 3 < n_kept < 60
    resumed = study(Linear(), 60, folder=folder)
    assert str(resumed.summary()) == str(study(Linear(), 60).summary())


def test_effects_are_tested_by_the_places_that_they_can_have(tmp_path: Path) -> None:
    # as kept files hold them: sums of sixtieths, each of the 61 places four times
    places = [float(position_among(np.arange(60.0), rank - 0.5)) for rank in range(61)] * 4

    @dataclass(frozen=True)
    class Kept:
        parameters: tuple[str, ...] = ()
        effects: tuple[str, ...] = ("effect",)

        def identity(self) -> dict[str, Any]:
            return {}

        def run(self, number: int, seed: int) -> SetOutcome:
            return SetOutcome(number, {"effect": 0.0}, {"effect": 0.0}, {"effect": places[number]})

    outcomes_of_sets(Kept(), len(places), folder=tmp_path)
    outcomes = outcomes_of_sets(Kept(), len(places), folder=tmp_path)
    row = Study((), ("effect",), outcomes, members=60).to_frame().iloc[0]
    assert row["chi_square_p"] > 0.999
    assert row["ks_p"] > 0.999
    assert row["covered_90"] == pytest.approx(55 / 61)
    assert row["covered_50"] == pytest.approx(31 / 61)
