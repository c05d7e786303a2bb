"""Synthetic data sets of a calibration: truth from the prior, figures made from it, the whole procedure.

The figures of a set are the mean of many simulations at its true parameters, with seeds of its own that no
fit sees, plus errors of the published figures and of the model as the calibration believes them. Every set is
fitted with a seed of its own too: the noise of that seed is one of the errors that the intervals are to hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi.calibration.core import CalibrationNotConverged
from cbhi.calibration.ensemble import carried_given_targets
from cbhi.calibration.errors import Errors, ErrorsNotMeasured
from cbhi.calibration.evaluating import TooManyFailures
from cbhi.calibration.executors import Executor, Workers
from cbhi.calibration.identifiability import FlatDirections
from cbhi.calibration.sbc import SetOutcome, outcomes_of_sets
from cbhi.calibration.sbc_table import Study
from cbhi.calibration.scoring import position_among
from cbhi.calibration.streams import generator
from cbhi.calibration.targets import read_targets
from cbhi.kernels.records import F8
from cbhi.packing import pack_scenario, reporting_periods
from cbhi.simulators import Simulator
from cbhi.variables import VARIABLES
from cbhi.words import suggest

if TYPE_CHECKING:
    from cbhi.calibration.calibration import Calibration
    from cbhi.calibration.posterior import Posterior

__all__ = [
    "EFFECTS",
    "DataSet",
    "PolicyEffect",
    "SyntheticSets",
    "simulation_based_calibration",
    "without_noise",
]

TRUTH_REPLICATES = 24
"""Simulations whose mean is the truth behind the figures, and behind the effect of a policy."""

MEMBERS = 60
"""Equally weighted members of the posterior from which the interval of an effect comes."""

LEAST_WHOLE = 1.0 / 3.0
"""Share of members all of whose simulations worked, below which nothing is said of an effect."""

_FEW_MEMBERS = "the simulations of more than two thirds of the posterior's members failed"

_PAIR = 2


@dataclass(frozen=True)
class PolicyEffect:
    """What taking something out of the scenario does to a variable.

    Attributes
    ----------
    name
        What tables call it.
    changes
        Keys to values of the scenario without it.
    variable
        Whose difference is the effect: with less without.
    period
        Reporting year; the last one that the targets need if empty.
    """

    name: str
    changes: Mapping[str, Any]
    variable: str = "coverage_end_share"
    period: str = ""


EFFECTS = (
    PolicyEffect("removing the subsidy", {"subsidy.offered": False}),
    PolicyEffect("removing loans", {"loans.offered": False}),
)
"""Effects that a study looks at unless told otherwise."""


class DataSet(NamedTuple):
    """A truth and what is made from it.

    Attributes
    ----------
    observed
        Figures with errors, shape (targets,).
    explored, carried
        Standardised true parameters.
    effects
        Of the policies in each simulation at the truth, shape (simulations, policies).
    fit_seed, effect_seed
        Seeds for the fit, and for simulations of members of the posterior.
    """

    observed: F8
    explored: F8
    carried: F8
    effects: F8
    fit_seed: int
    effect_seed: int


@dataclass(frozen=True)
class SyntheticSets:
    """A calibration as the subject of a study (``cbhi.calibration.sbc.Subject``).

    Attributes
    ----------
    calibration
        Whose priors, errors, sizes and procedure are studied; its published values and its seed are not used.
    policies
        Effects to look at.
    min_ess, max_khat, max_sims
        As for ``Fit.posterior``.
    members
        Members of the posterior for the effects.
    truth_replicates
        Simulations whose mean is the truth.
    """

    calibration: Calibration
    policies: tuple[PolicyEffect, ...] = EFFECTS
    min_ess: float = 400.0
    max_khat: float = 0.7
    max_sims: int = 6000
    members: int = MEMBERS
    truth_replicates: int = TRUTH_REPLICATES
    parameters: tuple[str, ...] = field(init=False)
    carried: tuple[str, ...] = field(init=False)
    effects: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Name what is studied."""
        object.__setattr__(self, "parameters", tuple(prior.key for prior in self.calibration.priors))
        object.__setattr__(self, "carried", tuple(prior.key for prior in self.calibration.carried))
        object.__setattr__(self, "effects", tuple(policy.name for policy in self.policies))

    def identity(self) -> dict[str, Any]:
        """Return everything that an outcome depends on but its number and the study's seed."""
        return {
            **self.calibration.identity(),
            "policies": [[p.name, dict(p.changes), p.variable, p.period] for p in self.policies],
            "min_ess": self.min_ess,
            "max_khat": self.max_khat,
            "max_sims": self.max_sims,
            "members": self.members,
            "truth_replicates": self.truth_replicates,
        }

    def make(self, number: int, seed: int) -> DataSet | None:
        """Return the truth of one set and the figures made from it; None where its simulations failed."""
        random = generator(seed, f"synthetic set {number}")
        cal = self.calibration
        z, c = random.standard_normal(len(cal.priors)), random.standard_normal(len(cal.carried))
        truth_seed, fit_seed, effect_seed = (int(s) for s in random.integers(2**62, size=3))
        values = np.tile(self._values(z, c), (self.truth_replicates, 1))
        figures, effects = _World(cal, self.policies).run_many(values, truth_seed, 1)
        worked = np.isfinite(figures).all(axis=1) & np.isfinite(effects[:, 0]).all(axis=1)
        if np.count_nonzero(worked) < _PAIR:
            return None
        mean = figures[worked].mean(axis=0)
        known = Errors.of(cal.with_observed(mean).targets, cal.shared_errors)
        error = random.multivariate_normal(
            np.zeros(mean.size), known.published + known.discrepancy, method="cholesky"
        )
        return DataSet(mean + error, z, c, effects[worked, 0], fit_seed, effect_seed)

    def run(self, number: int, seed: int) -> SetOutcome:
        """Make the figures of one set, fit them, and say where the truth lies in the posterior."""
        made = self.make(number, seed)
        if made is None:
            return SetOutcome(number, {}, problem="the simulations at the true parameters failed")
        own = self._values(made.explored, made.carried).tolist()
        truth = dict(zip((*self.parameters, *self.carried), own, strict=True))
        truth |= dict(zip(self.effects, made.effects.mean(axis=0).tolist(), strict=True))
        try:
            posterior = self._fit(made.observed, made.fit_seed)
        except (CalibrationNotConverged, ErrorsNotMeasured, TooManyFailures) as error:
            return SetOutcome(number, truth, problem=f"{type(error).__name__}: {str(error).splitlines()[0]}")
        position, median = self._places(posterior, made.explored, made.carried)
        effects = self._effects_of(posterior, made)
        if effects is None:
            return SetOutcome(number, truth, problem=f"policies: {_FEW_MEMBERS}")
        for name, draws in effects.items():
            position[name] = float(position_among(draws, truth[name]))
            median[name] = float(np.median(draws))
        n_points = posterior.n_simulations * self.calibration.replicates
        return SetOutcome(
            number,
            truth,
            median,
            position,
            method=posterior.draws.method,
            effective_size=posterior.effective_size,
            pareto_k=posterior.pareto_k,
            n_simulations=int(posterior.fit.settings["simulations"]) + n_points,
        )

    def _effects_of(self, posterior: Posterior, made: DataSet) -> dict[str, F8] | None:
        """Return the effect of each policy over members of the posterior; None where too many failed."""
        if not self.policies:
            return {}
        values = posterior.members(self.members, seed=made.effect_seed).to_numpy()
        _, seen = _World(self.calibration, self.policies).run_many(values, made.effect_seed, _PAIR)
        whole = np.count_nonzero(np.isfinite(seen).all(axis=(1, 2)))
        if whole < max(_PAIR, LEAST_WHOLE * self.members):
            return None
        errors = made.effects.var(axis=0, ddof=1) / len(made.effects)
        return {name: without_noise(seen[..., i], float(errors[i])) for i, name in enumerate(self.effects)}

    def _values(self, z: F8, c: F8) -> F8:
        """Return parameters in their own units, explored ones first, shape (parameters,)."""
        priors = (*self.calibration.priors, *self.calibration.carried)
        pairs = zip(priors, np.concatenate([z, c]), strict=True)
        return np.array([float(prior.to_value(np.array([value]))[0]) for prior, value in pairs])

    def _fit(self, observed: F8, seed: int) -> Posterior:
        fitted = self.calibration.with_observed(observed).replace(seed=seed)
        with warnings.catch_warnings():
            # flat directions are no news here: the intervals must hold the truth in spite of them
            warnings.simplefilter("ignore", FlatDirections)
            fit = fitted.fit("serial")
        return fit.posterior(min_ess=self.min_ess, max_khat=self.max_khat, max_sims=self.max_sims)

    def _places(self, posterior: Posterior, z: F8, c: F8) -> tuple[dict[str, float], dict[str, float]]:
        """Return where true parameters lie in the posterior, and posterior medians."""
        places = position_among(posterior.draws.points, z, posterior.weights)
        position = dict(zip(self.parameters, places.tolist(), strict=True))
        median = posterior.quantiles(0.5)[0.5].to_dict()
        if self.carried:
            position |= dict(zip(self.carried, _carried_places(posterior, c).tolist(), strict=True))
            members = posterior.members(1000)[list(self.carried)]
            median |= members.median().to_dict()
        return position, {str(name): float(value) for name, value in median.items()}


def _carried_places(posterior: Posterior, c: F8) -> F8:
    """Return where true carried parameters lie in a mixture of normals, one a draw, shape (carried,)."""
    from scipy.special import ndtr

    fit = posterior.fit
    means, covariance = carried_given_targets(fit.problem, fit.carried_slopes, posterior.draws.simulated)
    usable = np.isfinite(means).all(axis=1) & (posterior.weights > 0)
    weights = posterior.weights[usable] / posterior.weights[usable].sum()
    below: F8 = ndtr((c - means[usable]) / np.sqrt(np.diag(covariance)))
    return np.asarray(weights @ below, dtype=np.float64)


class _World:
    """Simulations with and without the policies, read as figures and as effects."""

    def __init__(self, calibration: Calibration, policies: tuple[PolicyEffect, ...]) -> None:
        self.plan = calibration.plan()
        self.simulator = Simulator(self.plan.scenario, households=calibration.households)
        self.policies = policies
        # what is wrong with a policy is no failed simulation: it is said before any is run
        self.policy_places = [self._checked(policy) for policy in policies]

    def run_many(self, values: F8, seed: int, each: int) -> tuple[F8, F8]:
        """Run rows of parameter values, each so many times with draws of its own.

        Returns
        -------
        numpy.ndarray
            Figures of the first run of each row, shape (rows, targets).
        numpy.ndarray
            Effects, shape (rows, each, policies); with and without a policy share their draws. Not a number
            where a simulation failed.
        """
        figures = np.full((len(values), len(self.plan.targets)), np.nan)
        effects = np.full((len(values), each, len(self.policies)), np.nan)
        for row, own in enumerate(values):
            changes = dict(zip(self.plan.keys, own.tolist(), strict=True))
            for turn in range(each):
                try:
                    found, seen = self._run(changes, seed, row * each + turn)
                except (MemoryError, OSError):  # the machine's, not the simulation's
                    raise
                except Exception:  # whatever it is, other simulations go on, as in simulate_tasks
                    continue
                effects[row, turn] = seen
                if turn == 0:
                    figures[row] = found
        return figures, effects

    def _run(self, changes: dict[str, float], seed: int, replicate: int) -> tuple[F8, list[float]]:
        base = self.simulator.run(changes, seed=seed, replicate=replicate)
        figures = read_targets(base, self.plan.targets, self.plan.places)[0]
        effects = []
        for policy, place in zip(self.policies, self.policy_places, strict=True):
            without = self.simulator.run({**changes, **policy.changes}, seed=seed, replicate=replicate)
            both = [float(results.values(policy.variable)[0, place, 0]) for results in (base, without)]
            effects.append(both[0] - both[1])
        return figures, effects

    def _checked(self, policy: PolicyEffect) -> int:
        """Return the place of a policy's reporting year, or say what is wrong with the policy."""
        scenario = self.plan.scenario
        scenario.replace(dict(policy.changes))
        if policy.variable not in VARIABLES:
            near = suggest(policy.variable, VARIABLES)
            raise ValueError(f"policy '{policy.name}': unknown variable '{policy.variable}'{near}")
        if not policy.period:
            return max(self.plan.places)
        labels = [label for label, _, _ in reporting_periods(scenario, pack_scenario(scenario).calendar)]
        if policy.period not in labels:
            raise LookupError(
                f"policy '{policy.name}': '{policy.period}' is no reporting year of this run; there are:"
                f" {', '.join(labels)}"
            )
        return labels.index(policy.period)


def without_noise(seen: F8, truth_variance: float = 0.0) -> F8:
    """Return effects of members without the chance of single runs: same mean, the parameters' spread.

    Each member's effect is the mean of a few runs, so its spread over members holds their chance as well.
    That part is known from runs of one member, and taken off the variance.

    Parameters
    ----------
    seen
        Effect of each run, shape (members, runs of each), at least two runs; members with a failed run are
        left out.
    truth_variance
        Variance of the true value's own simulation, which stays in: the true value is compared with them.

    Returns
    -------
    numpy.ndarray
        Shape (members with all runs,).

    References
    ----------
    Louis (1984), Estimating a population of parameter values using Bayes and empirical Bayes methods, Journal
    of the American Statistical Association 79.
    """
    whole = seen[np.isfinite(seen).all(axis=1)]
    means = whole.mean(axis=1)
    noise = float(whole.var(axis=1, ddof=1).mean()) / whole.shape[1]
    spread = float(means.var(ddof=1))
    kept = np.sqrt(max(0.0, 1.0 - (noise - truth_variance) / spread)) if spread > 0.0 else 1.0
    return np.asarray(means.mean() + kept * (means - means.mean()), dtype=np.float64)


def simulation_based_calibration(
    calibration: Calibration,
    n: int,
    *,
    seed: int = 1,
    targets_sd_factor: float = 1.0,
    executor: str | Executor | None = "processes",
    workers: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    policies: tuple[PolicyEffect, ...] = EFFECTS,
    min_ess: float = 400.0,
    max_khat: float = 0.7,
    max_sims: int = 6000,
    clock: Callable[[], float] | None = None,
) -> Study:
    """Study whether a calibration's intervals hold the truth as often as they say.

    Parameters
    ----------
    calibration
        What is studied. Every set costs as much as a fit with its posterior, so fewer households than for the
        fit to real figures are in order: noise of the simulator is among the errors.
    n
        Synthetic data sets: 50 for a first look, 200 for the record.
    seed
        Of truths, figures and fits; every set has seeds of its own.
    targets_sd_factor
        Factor on all errors of figures and model: 1/3 asks what would be if figures were three times tighter.
    executor, workers
        As for ``Calibration.fit``; whole sets are handed out, each of which works in one thread.
    checkpoint
        Folder with one file a finished set; a study that was stopped goes on from there.
    progress
        Told the sets done, and ``n``.
    policies
        Effects whose intervals are looked at.
    min_ess, max_khat, max_sims
        As for ``Fit.posterior``.
    clock
        Tells seconds, such as ``time.monotonic``, to note how long each set takes.

    Returns
    -------
    Study
        Its ``summary()`` is the table with the verdict.

    Raises
    ------
    ValueError
        When an argument is out of range, or the checkpoint is damaged or of another study.
    """
    if not 0.0 < targets_sd_factor <= 100.0:
        raise ValueError(f"targets_sd_factor = {targets_sd_factor:g} must be above 0 and at most 100")
    studied = calibration if targets_sd_factor == 1.0 else calibration.with_errors(targets_sd_factor)
    subject = SyntheticSets(studied, policies, min_ess, max_khat, max_sims)
    folder = None if checkpoint is None else Path(checkpoint)
    with Workers(executor, workers) as hands:
        outcomes = outcomes_of_sets(
            subject, n, seed=seed, folder=folder, map_over=hands.map, progress=progress, clock=clock
        )
    return Study(
        subject.parameters,
        subject.effects,
        outcomes,
        carried=subject.carried,
        about=_about(studied, targets_sd_factor, seed, subject),
        members=subject.members,
    )


def _about(
    calibration: Calibration, factor: float, seed: int, subject: SyntheticSets
) -> tuple[tuple[str, str], ...]:
    identity = calibration.identity()
    return (
        ("calibration", calibration.name),
        ("simulations of", f"{calibration.households:,} households, {calibration.replicates} a point"),
        ("errors of figures", "as published" if factor == 1.0 else f"{factor:.3g} of what was published"),
        ("truths", f"from the prior, mean of {subject.truth_replicates} simulations"),
        ("seed", str(seed)),
        ("version", f"cbhi {identity['cbhi']}, engine {identity['engine']}"),
    )
