"""Synthetic sets and forecasts of a small calibration with the engine itself."""

from __future__ import annotations

import json
import math
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cbhi import scenario
from cbhi.calibration.calibration import Calibration
from cbhi.calibration.forecasting import Forecast, forecast, split_at
from cbhi.calibration.identifiability import FlatDirections
from cbhi.calibration.posterior import Posterior
from cbhi.calibration.priors import Prior
from cbhi.calibration.scoring import crps_of_draws, crps_of_normal
from cbhi.calibration.synthetic import (
    PolicyEffect,
    SyntheticSets,
    simulation_based_calibration,
    without_noise,
)
from cbhi.calibration.targets import SharedError, Target
from cbhi.simulators import Simulator

ABOUT = {"source": "a test", "confidence": "assumption"}
YEARS = (2001, 2002, 2003, 2004)
QUALITY = PolicyEffect("nobody minds quality", {"care.seek_quality": 0.0}, "visits_per_person_year", "2003")


@pytest.fixture(scope="module")
def small() -> Calibration:
    return Calibration(
        scenario("rwanda-rules").replace({}, end="2004-12"),
        [
            Prior.normal("enrolment.intercept", -1.0, 1.0, **ABOUT),
            Prior.normal("care.seek_intercept", 0.0, 1.0, **ABOUT),
        ],
        [
            *(
                Target(f"visits:{year}", "visits_per_person_year", str(year), 0.3, 0.05, "visits")
                for year in YEARS
            ),
            Target("members:2004", "coverage_end_share", "2004", 0.2, 0.05, "coverage"),
        ],
        carried=[Prior.normal("care.seek_price", 2.0, 0.6, **ABOUT)],
        households=250,
        replicates=1,
    )


@pytest.fixture(scope="module")
def sets(small: Calibration) -> SyntheticSets:
    return SyntheticSets(small, (QUALITY,), min_ess=100.0, members=8, truth_replicates=4)


def test_figures_are_the_mean_at_the_truth_with_the_errors_believed(sets: SyntheticSets) -> None:
    made = [sets.make(number, 1) for number in range(8)]
    again = sets.make(3, 1)
    assert made[3] is not None
    assert again is not None
    np.testing.assert_array_equal(made[3].observed, again.observed)
    # same truths, a thousandth of the errors: what differs is the errors
    exact = SyntheticSets(
        sets.calibration.with_errors(1e-3), (QUALITY,), truth_replicates=sets.truth_replicates
    )
    errors = []
    for number, one in enumerate(made):
        other = exact.make(number, 1)
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.explored, other.explored)
        errors.append(one.observed - other.observed)
    targets = sets.calibration.targets
    sd = np.array([math.hypot(target.sd, target.discrepancy_sd) for target in targets])
    scaled = np.array(errors) / sd
    # mean of 40 squares of standard normals
    assert 0.5 < np.mean(scaled**2) < 1.8
    assert np.unique(np.array([one.fit_seed for one in made if one is not None])).size == 8


def test_a_study_can_be_sent_to_another_process(sets: SyntheticSets) -> None:
    sent = pickle.loads(pickle.dumps(sets))
    assert sent.identity() == sets.identity()
    assert json.loads(json.dumps(sent.identity())) == sent.identity()
    ours, theirs = sets.make(0, 1), sent.make(0, 1)
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.observed, theirs.observed)


def test_a_set_says_where_the_truth_lies(sets: SyntheticSets) -> None:
    outcome = sets.run(0, 1)
    assert outcome.converged
    assert outcome.effective_size >= 100
    names = {"enrolment.intercept", "care.seek_intercept", "care.seek_price", QUALITY.name}
    assert set(outcome.position) == set(outcome.truth) == set(outcome.median) == names
    assert all(0.0 <= place <= 1.0 for place in outcome.position.values())
    # visits inform the wish to seek care: its median lies nearer to the truth than the prior reaches
    assert abs(outcome.median["care.seek_intercept"] - outcome.truth["care.seek_intercept"]) < 1.0
    # care that is less than perfect keeps people away, so that there are fewer visits than without
    assert outcome.truth[QUALITY.name] < 0.0


def test_a_study_is_kept_and_told(small: Calibration, tmp_path: Path) -> None:
    how = {"policies": (), "min_ess": 50.0, "executor": "serial", "checkpoint": tmp_path}
    study = simulation_based_calibration(small, 1, targets_sd_factor=2.0, **how)
    again = simulation_based_calibration(small, 1, targets_sd_factor=2.0, **how)
    assert str(again.summary()) == str(study.summary())
    assert "2 of what was published" in str(study.summary())
    assert "carried along" in str(study.summary())
    assert study.members == again.members == 60
    with pytest.raises(ValueError, match="another study: targets is"):
        simulation_based_calibration(small, 1, **how)
    with pytest.raises(ValueError, match="targets_sd_factor = 0 must be above 0"):
        simulation_based_calibration(small, 1, targets_sd_factor=0.0)


def failing_at(monkeypatch: pytest.MonkeyPatch, fails: Callable[[dict[str, Any], int, int], bool]) -> None:
    """Let some simulations come to no number, by their changes, their replicate and their seed."""
    real = Simulator.run

    def run(self: Simulator, changes: dict[str, Any], **how: Any) -> Any:
        if fails(changes, how["replicate"], how["seed"]):
            raise FloatingPointError("no number")
        return real(self, changes, **how)

    monkeypatch.setattr(Simulator, "run", run)


def test_a_set_whose_errors_cannot_be_measured_has_no_posterior(
    small: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = SyntheticSets(small.replace(max_failures=0.9), (), truth_replicates=4)
    # on both sides of the centre of the carried parameter, half a standard deviation away
    sides = small.carried[0].to_value(np.array([0.5, -0.5]))
    failing_at(monkeypatch, lambda changes, *_: bool(np.isclose(sides, changes["care.seek_price"]).any()))
    outcome = sets.run(0, 1)
    assert not outcome.converged
    assert "both sides of the carried care.seek_price" in outcome.problem
    assert set(outcome.truth) == {"enrolment.intercept", "care.seek_intercept", "care.seek_price"}


def test_any_failure_of_a_simulation_is_one_that_is_left_out(
    sets: SyntheticSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    # one of four simulations at the truth, with the policy alone
    failing_at(monkeypatch, lambda changes, replicate, _: "care.seek_quality" in changes and replicate == 1)
    made = sets.make(0, 1)
    assert made is not None
    assert made.effects.shape == (3, 1)
    assert np.isfinite(made.effects).all()
    assert np.isfinite(made.observed).all()


@pytest.mark.parametrize(("n_whole", "converged"), [(0, False), (2, False), (3, True)])
def test_a_set_of_few_members_that_worked_has_a_problem(
    sets: SyntheticSets, monkeypatch: pytest.MonkeyPatch, n_whole: int, converged: bool
) -> None:
    done = sets.make(0, 1)
    assert done is not None
    # with the policy, and of the members alone, which have a seed of their own: two simulations of each of 8
    failing_at(
        monkeypatch,
        lambda changes, replicate, seed: (
            seed == done.effect_seed and "care.seek_quality" in changes and replicate >= 2 * n_whole
        ),
    )
    outcome = sets.run(0, 1)
    assert outcome.converged is converged
    if converged:
        assert 0.0 <= outcome.position[QUALITY.name] <= 1.0
    else:
        assert "of the posterior's members failed" in outcome.problem
        assert outcome.position == {}


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (PolicyEffect("a", {"care.seek_quality": 0.0}, period="1990"), "policy 'a': '1990' is no reporting"),
        (PolicyEffect("a", {"care.seek_quality": 0.0}, "visits"), "policy 'a': unknown variable 'visits'"),
        (PolicyEffect("a", {"care.seek_qualities": 0.0}), "care.seek_qualities"),
    ],
)
def test_a_policy_that_makes_no_sense_is_no_failed_simulation(
    small: Calibration, policy: PolicyEffect, words: str
) -> None:
    with pytest.raises((ValueError, LookupError), match=re.escape(words)):
        SyntheticSets(small, (policy,)).make(0, 1)


def test_chance_is_taken_off_the_spread_of_effects() -> None:
    random = np.random.default_rng(3)
    effect = 0.05 + 0.02 * random.normal(size=4_000)
    seen = effect[:, None] + 0.04 * random.normal(size=(4_000, 2))
    found = without_noise(seen)
    assert found.mean() == pytest.approx(seen.mean())
    assert seen.mean(axis=1).std() > 0.033
    assert found.std() == pytest.approx(0.02, rel=0.1)
    with_truth = without_noise(seen, truth_variance=0.01**2)
    assert with_truth.std() == pytest.approx(math.hypot(0.02, 0.01), rel=0.1)
    # nothing but chance leaves no spread; a failed run takes its member away
    assert without_noise(0.1 * random.normal(size=(50, 2)) * [[1, -1]]).shape == (50,)
    seen[0, 1] = np.nan
    assert without_noise(seen).shape == (3_999,)


@pytest.fixture(scope="module")
def predicted(small: Calibration) -> tuple[Posterior, Forecast]:
    earlier, later = split_at(small, 2002, 2004)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FlatDirections)
        posterior = earlier.fit("serial").posterior(min_ess=50.0)
    return posterior, forecast(small, posterior, later, n=60, executor="serial")


def test_a_forecast_fits_the_earlier_figures_only(predicted: tuple[Posterior, Forecast]) -> None:
    posterior, found = predicted
    assert posterior.fit.problem.targets == ("visits:2001", "visits:2002")
    assert [target.name for target in found.later] == ["visits:2003", "visits:2004", "members:2004"]
    assert found.draws.shape == (60, 3)
    # the error of a figure and the discrepancy are in the draws
    assert (found.draws.std(axis=0, ddof=1) > 0.04).all()


def test_scores_are_those_of_the_draws_and_of_the_last_figure(predicted: tuple[Posterior, Forecast]) -> None:
    _, found = predicted
    frame = found.to_frame()
    assert frame["crps"].tolist() == pytest.approx(
        (crps_of_draws(found.draws, found.observed) / 0.05).tolist()
    )
    rival = float(crps_of_normal(0.3, math.hypot(0.05, 0.05), 0.3)) / 0.05
    assert frame["crps_carried_forward"].tolist()[:2] == pytest.approx([rival, rival])
    assert math.isnan(frame["crps_carried_forward"].iloc[2])
    assert found.skill == pytest.approx(1 - frame["crps"].iloc[:2].mean() / rival)
    assert found.coverage == frame["inside_90"].mean()
    text = " ".join(str(found.summary()).split())
    assert "Fitted to figures until 2002 alone" in text
    assert f"{frame['inside_90'].sum()} of 3 later figures" in text


def test_an_error_that_one_side_has_alone_is_its_own(small: Calibration) -> None:
    both = SharedError(("visits:2001", "visits:2002", "visits:2003"), 0.1, relative=True)
    earlier, later = split_at(small.replace(shared_errors=(both,)), 2002, 2003)
    assert earlier.shared_errors[0].targets == ("visits:2001", "visits:2002")
    one, _ = split_at(small.replace(shared_errors=(both,)), 2001, 2003)
    assert one.shared_errors == ()
    assert one.targets[0].sd == pytest.approx(math.hypot(0.05, 0.03))
    assert later[0].sd == 0.05


def test_a_forecast_without_figures_is_refused(small: Calibration) -> None:
    with pytest.raises(ValueError, match="no figure until 1999"):
        split_at(small, 1999, 2003)
    with pytest.raises(ValueError, match="must reach beyond the fit"):
        split_at(small, 2003, 2003)
    with pytest.raises(ValueError, match="no figure from 2005 to 2006"):
        split_at(small, 2004, 2006)
