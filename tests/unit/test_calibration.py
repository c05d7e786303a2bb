"""The calibration as a whole: what it is made of, its fit, and that neither workers nor a stop change it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration_cases import ABOUT, small_calibration, small_scenario

import cbhi
from cbhi.calibration import Calibration, Prior, SharedError
from cbhi.calibration.calibration import FIRST_PILOT_REPLICATE
from cbhi.calibration.core import Mode, ModeSearch, Problem
from cbhi.calibration.errors import ErrorsNotMeasured
from cbhi.calibration.evaluating import Evaluator
from cbhi.calibration.polishing import polish_mode, rank_modes
from cbhi.scenarios import ParameterSets
from cbhi.simulators import Simulator


class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"priors": []}, "there are no priors"),
            ({"targets": []}, "there are no targets"),
            ({"max_failures": 1.0}, "max_failures = 1 must be from 0 to below 1"),
            ({"households": 0}, "households"),
            ({"seed": -1}, "seed"),
            ({"discrepancy": {"coverag": 0.1}}, "did you mean 'coverage'"),
            ({"discrepancy": -0.1}, "must be a number from 0 up"),
            ({"shared_errors": [SharedError(("members", "visits"), 0.1)]}, "there is no target 'visits'"),
            (
                {"carried": [Prior.normal("enrolment.intercept", 0, 1, **ABOUT)]},
                r"two priors of enrolment\.intercept",
            ),
        ],
    )
    def test_what_is_wrong_is_said(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            small_calibration(**changes)

    def test_everything_at_once(self) -> None:
        with pytest.raises(ValueError, match=r"(?s)no priors.*no complete reporting year '2001'"):
            small_calibration(priors=[], scenario=small_scenario().replace(end="2000-12"))

    def test_a_parameter_with_dates_is_refused(self) -> None:
        prior = Prior.uniform("mandate.mobilisation_effort", 0.0, 1.0, **ABOUT)
        with pytest.raises(ValueError, match=r"events of the scenario set mandate\.mobilisation_effort \(20"):
            small_calibration(priors=[prior])

    def test_discrepancy_for_coverage_alone_by_kind_or_by_name(self) -> None:
        def of(**changes: Any) -> list[float]:
            return [target.discrepancy_sd for target in small_calibration(**changes).targets]

        assert of() == [0.03, 0.05, 0.05]
        assert of(discrepancy=0.02) == [0.02, 0.05, 0.05]
        assert of(discrepancy={"visits": 0.01, "visits 2001": 0.02}) == [0.03, 0.01, 0.02]

    def test_sets_that_the_scenario_carries_are_not_used(self) -> None:
        sets = ParameterSets(("care.seek_quality",), np.array([[1.0], [2.0]]))
        assert small_calibration(scenario=small_scenario().with_sets(sets)).scenario.sets is None


class TestCopies:
    def test_other_figures(self) -> None:
        calibration = small_calibration().with_observed(np.array([0.3, 0.5, 0.6]))
        assert calibration.observed.tolist() == [0.3, 0.5, 0.6]
        assert [t.sd for t in calibration.targets] == [t.sd for t in small_calibration().targets]
        assert calibration.plan().fingerprint == small_calibration().plan().fingerprint

    def test_other_errors(self) -> None:
        shared = [SharedError(("visits 2000", "visits 2001"), 0.03)]
        calibration = small_calibration(shared_errors=shared).with_errors(1 / 3)
        assert calibration.targets[0].sd == pytest.approx(0.05 / 3)
        assert calibration.targets[0].discrepancy_sd == pytest.approx(0.01)
        assert calibration.shared_errors[0].sd == pytest.approx(0.01)

    def test_other_arguments(self) -> None:
        assert small_calibration().replace(households=99).households == 99
        with pytest.raises(ValueError, match="did you mean 'households'"):
            small_calibration().replace(household=99)

    def test_survives_pickling_with_its_identity(self) -> None:
        again = pickle.loads(pickle.dumps(small_calibration()))
        assert again.identity() == small_calibration().identity()

    def test_what_a_scenario_file_calls_its_base(self, tmp_path: Path) -> None:
        given: dict[str, Any] = dict(priors=small_calibration().priors, targets=small_calibration().targets)
        assert Calibration("rwanda-rules", **given).base == "rwanda-rules"
        (tmp_path / "mine.toml").write_text('base = "rwanda-rules"\n')
        path = tmp_path / "mine.toml"
        assert Calibration(path, **given).base == str(path)
        assert small_calibration().base == ""


class TestErrors:
    def test_noise_and_carried_parameters_are_measured(self) -> None:
        calibration = small_calibration()
        evaluator = calibration.evaluator("serial")
        errors, slopes = calibration.errors_at(evaluator, np.zeros(2), "here")
        pilot = evaluator.runs(
            "again", np.zeros((1, 2)), first_replicate=FIRST_PILOT_REPLICATE, replicates=32
        )[0]
        np.testing.assert_allclose(errors.noise, np.cov(pilot, rowvar=False) / 2)
        up, down = evaluator.runs("carried", np.zeros((2, 2)), np.array([[0.5], [-0.5]])).mean(axis=1)
        np.testing.assert_allclose(slopes[:, 0], up - down)
        np.testing.assert_allclose(errors.carried, slopes @ slopes.T)
        # a dearer visit is a visit less
        assert (slopes[1:, 0] < 0.0).all()
        np.testing.assert_allclose(np.diag(errors.published), [0.05**2] * 3)

    def test_a_failure_on_one_side_leaves_the_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calibration = small_calibration(max_failures=0.9)
        up, centre, down = calibration.carried[0].to_value(np.array([0.5, 0.0, -0.5])).tolist()

        def slopes_without(*failing: float) -> tuple[np.ndarray, Evaluator]:
            evaluator = calibration.evaluator("serial")
            real = Simulator.run

            def run(self: Simulator, changes: dict[str, float], **how: Any) -> Any:
                price = changes["care.seek_price"]
                pilot = how["replicate"] >= FIRST_PILOT_REPLICATE
                if not pilot and any(abs(price - value) < 1e-9 for value in failing):
                    raise RuntimeError("out of memory")
                return real(self, changes, **how)

            with monkeypatch.context() as patch:
                patch.setattr(Simulator, "run", run)
                return calibration.errors_at(evaluator, np.zeros(2), "here")[1], evaluator

        whole, evaluator = slopes_without()
        assert len(evaluator.failures) == 0
        at = evaluator.runs("sides", np.zeros((3, 2)), np.array([[0.5], [0.0], [-0.5]])).mean(axis=1)
        np.testing.assert_allclose(slopes_without(down)[0][:, 0], (at[0] - at[1]) / 0.5)
        np.testing.assert_allclose(slopes_without(up)[0][:, 0], (at[1] - at[2]) / 0.5)
        # where the point itself fails too, the mean of the pilot stands for it
        pilot = evaluator.runs(
            "pilot", np.zeros((1, 2)), first_replicate=FIRST_PILOT_REPLICATE, replicates=32
        )[0]
        found = slopes_without(up, centre)[0][:, 0]
        np.testing.assert_allclose(found, (pilot.mean(axis=0) - at[2]) / 0.5)
        assert whole.shape == (3, 1)
        with pytest.raises(ErrorsNotMeasured, match=r"failed on both sides of the carried care\.seek_price"):
            slopes_without(up, down)


def linear(jacobian: np.ndarray, covariance: np.ndarray) -> Problem:
    """A linear simulator, whose posterior is known."""
    n, d = jacobian.shape
    return Problem(
        names=tuple(f"p{i}" for i in range(d)),
        targets=tuple(f"t{i}" for i in range(n)),
        observed=np.linspace(-1.0, 2.0, n),
        covariance=covariance,
        evaluate=lambda step, points: points @ jacobian.T,
    )


def test_polishing_finds_the_mode_of_a_linear_problem() -> None:
    random = np.random.default_rng(2)
    jacobian = random.standard_normal((6, 3))
    problem = linear(jacobian, np.diag([0.1, 0.2, 0.3, 0.1, 0.2, 0.3]))
    weighed = np.linalg.solve(problem.covariance, jacobian)
    expected = np.linalg.solve(np.eye(3) + jacobian.T @ weighed, weighed.T @ problem.observed)
    start = np.array([1.0, -1.0, 0.5])
    mode = polish_mode(problem, Mode(start, start @ jacobian.T, np.inf, np.zeros((6, 3))))
    np.testing.assert_allclose(mode.point, expected, atol=1e-9)
    np.testing.assert_allclose(mode.jacobian, jacobian, atol=1e-9)
    assert mode.loss == pytest.approx(float(problem.loss(expected, expected @ jacobian.T)))


def test_modes_are_ranked_by_the_covariance_that_holds() -> None:
    problem = linear(np.eye(2), 0.01 * np.eye(2))
    points = [np.array([0.0, 1.0]), np.array([-0.5, 1.0]), np.array([9.0, 9.0])]
    search = ModeSearch(tuple(Mode(p, p, 0.0, np.eye(2)) for p in points), 3, np.zeros(3))
    best = Mode(points[0], points[0], float(problem.loss(points[0], points[0])), np.eye(2))
    ranked = rank_modes(problem, search, best, within=50.0).modes
    assert [mode.point.tolist() for mode in ranked] == [[-0.5, 1.0], [0.0, 1.0]]


def outcome(fit: Any) -> bytes:
    """Everything that a fit and its posterior come to, as bytes."""
    posterior = fit.posterior(min_ess=30, max_sims=600)
    parts = (fit.mode.point, fit.jacobian, fit.problem.covariance, posterior.draws.points,
             posterior.draws.log_weights, posterior.members(20).to_numpy())  # fmt: skip
    fit.problem.evaluate.close()
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


@pytest.mark.slow
class TestFit:
    def test_comes_near_the_targets_and_is_the_same_on_threads(self, tmp_path: Path) -> None:
        calibration = small_calibration(replicates=1)
        told = []
        fit = calibration.fit("serial", progress=told.append, checkpoint=tmp_path)
        start = fit.problem.misfit(fit.problem.evaluate("start", np.zeros((1, 2))))[0]
        assert fit.problem.misfit(fit.mode.simulated) < min(start, 3.0)
        assert fit.settings["simulations"] <= fit.problem.evaluate.n_simulations
        assert [p.simulations for p in told] == sorted(p.simulations for p in told)
        assert told[-1].done == told[-1].total
        assert outcome(fit) == outcome(calibration.fit("threads", workers=3, chunk=7))
        # and when it is answered by its own checkpoint, which a fit keeps from others until it is closed
        with calibration.fit("serial", checkpoint=tmp_path) as again:
            assert again.problem.evaluate.n_answered == again.problem.evaluate.n_simulations
            with pytest.raises(ValueError, match=r"let it go with fit\.close\(\)"):
                calibration.fit("serial", checkpoint=tmp_path)
        third = calibration.fit("serial", checkpoint=tmp_path)
        del third
        calibration.fit("serial", checkpoint=tmp_path).close()

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
    def test_a_process_killed_in_search_and_in_posterior_ends_the_same(self, tmp_path: Path) -> None:
        expected, _ = run_fit(tmp_path / "whole").communicate()
        steps = len(list((tmp_path / "whole" / "answers").iterdir()))
        for enough in (4, steps):  # the last batch is one of the posterior
            killed = run_fit(tmp_path / "killed")
            answers = tmp_path / "killed" / "answers"
            while killed.poll() is None and (
                not answers.is_dir() or sum(1 for _ in answers.iterdir()) < enough
            ):
                time.sleep(0.002)
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
            assert killed.returncode == -signal.SIGKILL
        resumed, _ = run_fit(tmp_path / "killed").communicate()
        assert resumed == expected
        assert len(expected.strip()) == 64


FITTED = """
import hashlib, sys, warnings
from test_calibration import outcome
from calibration_cases import small_calibration

warnings.simplefilter("ignore")
fit = small_calibration(replicates=1).fit("threads", workers=2, checkpoint=sys.argv[1])
print(hashlib.sha256(outcome(fit)).hexdigest())
"""


def run_fit(folder: Path) -> subprocess.Popen[str]:
    """A process that fits and draws from the posterior."""
    paths = [str(Path(cbhi.__file__).parents[1]), str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen(
        [sys.executable, "-c", FITTED, str(folder)], env=environment, stdout=subprocess.PIPE, text=True
    )
