"""A calibration: what is fitted to what, and the way from there to a fit."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.calibration.core import Problem
from cbhi.calibration.errors import Errors, ErrorsNotMeasured
from cbhi.calibration.evaluating import Evaluator, Progress
from cbhi.calibration.executors import MAX_CHUNK, Executor, Workers
from cbhi.calibration.journal import Journal
from cbhi.calibration.priors import Prior, check_priors
from cbhi.calibration.simulating import Plan
from cbhi.calibration.targets import (
    DISCREPANCY,
    SharedError,
    Target,
    check_targets,
    scaled_errors,
)
from cbhi.engine import engine_hash
from cbhi.kernels.records import F8
from cbhi.months import format_month
from cbhi.packing import pack_scenario, reporting_periods
from cbhi.scenarios import Scenario, ScenarioError, scenario_names
from cbhi.simulation import MAX_SEED, load_scenario, whole_number
from cbhi.words import listed, suggest

if TYPE_CHECKING:
    from cbhi.calibration.fit import Fit

__all__ = ["Calibration"]

PILOT_REPLICATES = 32
"""Replicates from which the simulator's noise is estimated."""

FIRST_PILOT_REPLICATE = 100_000
"""Pilot replicates have draws of their own, which no point shares."""

CARRIED_STEP = 0.5
"""Half the distance between the two simulations that tell how a carried parameter moves the targets."""


@dataclass(frozen=True, init=False)
class Calibration:
    """Parameters with priors, published figures with errors, and the scenario that joins them.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one. Its own values of the parameters below are not used.
    priors
        Of the parameters that are explored: 9 to 12 is a good number.
    targets
        What they are fitted to; ``fit_targets`` reads a country's.
    discrepancy
        Standard deviation of what the model misses, by kind or name of target, in place of the targets' own;
        a single number is that of all coverage targets.
    carried
        Priors of parameters that are not explored: their doubt enters the errors to first order, and members
        of the ensemble get values that the figures allow.
    shared_errors
        Errors that several figures have in common.
    seed
        Of everything that is drawn.
    households, replicates
        Size of every simulation, and how many of them make one point.
    max_failures
        Share of simulations that may fail, beside one.
    name
        What the report calls it.
    base
        What a scenario file calls the scenario, so that one can be written that carries the fitted sets; the
        name or file, where ``scenario`` is one, if not given.

    Raises
    ------
    ValueError
        With everything that is wrong, in one message.
    """

    scenario: Scenario
    priors: tuple[Prior, ...]
    targets: tuple[Target, ...]
    carried: tuple[Prior, ...]
    shared_errors: tuple[SharedError, ...]
    seed: int
    households: int
    replicates: int
    max_failures: float
    name: str
    base: str

    def __init__(
        self,
        scenario: Scenario | str | Path,
        priors: Iterable[Prior],
        targets: Iterable[Target],
        *,
        discrepancy: Mapping[str, float] | float | None = None,
        carried: Iterable[Prior] = (),
        shared_errors: Iterable[SharedError] = (),
        seed: int = 1,
        households: int = 4_000,
        replicates: int = 2,
        max_failures: float = 0.01,
        name: str = "",
        base: str = "",
    ) -> None:
        # sets of parameters that it carries are not used: they are what is looked for
        chosen = load_scenario(scenario).at_point()
        own = "" if isinstance(scenario, Scenario) else str(scenario)
        values: dict[str, Any] = {
            "scenario": chosen,
            "priors": tuple(priors),
            "targets": with_discrepancy(tuple(targets), discrepancy),
            "carried": tuple(carried),
            "shared_errors": tuple(shared_errors),
            "seed": whole_number("seed", seed, 0, MAX_SEED),
            "households": whole_number("households", households, 1, 10_000_000),
            "replicates": whole_number("replicates", replicates, 1, FIRST_PILOT_REPLICATE),
            "max_failures": max_failures,
            "name": name or chosen.name,
            "base": base or (str(Path(own).resolve()) if own.endswith(".toml") else own),
        }
        for attribute, value in values.items():
            object.__setattr__(self, attribute, value)
        self._check()

    def _check(self) -> None:
        problems = []
        if not self.priors:
            problems.append("there are no priors; a calibration needs at least one parameter to explore")
        if not 0.0 <= self.max_failures < 1.0:
            problems.append(f"max_failures = {self.max_failures:g} must be from 0 to below 1 [share]")
        for check in (
            lambda: check_priors((*self.priors, *self.carried)),
            lambda: check_targets(self.targets, self.scenario),
            lambda: [error.direction(self.targets) for error in self.shared_errors],
            lambda: self._check_events(),
        ):
            try:
                check()
            except ScenarioError:
                raise
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))

    def _check_events(self) -> None:
        """Refuse parameters that events set: a fitted value would take the place of all their dates."""
        dated = {key: format_month(event.month) for event in self.scenario.events for key in event.changes}
        found = [prior.key for prior in (*self.priors, *self.carried) if prior.key in dated]
        if found:
            months = listed(f"{key} ({dated[key]})" for key in found)
            raise ValueError(f"events of the scenario set {months}; a parameter with dates cannot be fitted")

    @classmethod
    def read(cls, name: str | Path, **changes: Any) -> Calibration:
        """Return a shipped calibration by name, or one from a TOML file.

        Parameters
        ----------
        name
            Such as ``"rwanda"``, or the path of a ``.toml`` file.
        **changes
            ``seed``, ``households``, ``replicates`` or ``until`` (last reporting year that is fitted), in
            place of the file's.

        Raises
        ------
        CalibrationFileError
            With every problem of the file at once, each at its line.
        """
        from cbhi.calibration.settings import read_calibration

        return read_calibration(name, **changes)

    # copies ------------------------------------------------------------------------------------------------

    def replace(self, **changes: Any) -> Calibration:
        """Return a copy with other arguments.

        Parameters
        ----------
        **changes
            Named as for ``Calibration``.

        Returns
        -------
        Calibration
            With everything else as it is here; another ``scenario`` is its own base if none is given.

        Raises
        ------
        ValueError
            For an argument that ``Calibration`` does not have, or refuses.
        """
        names = ["scenario", "priors", "targets", "carried", "shared_errors", "seed", "households",
                 "replicates", "max_failures", "name", "base"]  # fmt: skip
        unknown = [word for word in changes if word not in (*names, "discrepancy")]
        if unknown:
            raise ValueError(f"a calibration has no '{unknown[0]}'{suggest(unknown[0], names)}")
        if "scenario" in changes:
            names.remove("base")
        return Calibration(**{**{word: getattr(self, word) for word in names}, **changes})

    def with_observed(self, values: F8) -> Calibration:
        """Return a copy whose targets have other values, such as synthetic ones.

        Parameters
        ----------
        values
            In the unit of each target, shape (targets,).

        Returns
        -------
        Calibration
            With the same errors, so that the same simulations serve.

        Raises
        ------
        ValueError
            When there are not as many values as targets.
        """
        pairs = zip(self.targets, np.asarray(values, dtype=float).tolist(), strict=True)
        return self.replace(targets=tuple(replace(target, value=value) for target, value in pairs))

    def with_errors(self, factor: float) -> Calibration:
        """Return a copy in which all errors of figures and model are multiplied by a factor.

        Parameters
        ----------
        factor
            Above 0; one third, say, to see whether parameters are found again where figures are sharp.

        Returns
        -------
        Calibration
            The errors of the figures themselves, those they share and the discrepancy are scaled; noise of
            the simulator and what carried parameters add are not.

        Raises
        ------
        ValueError
            For a factor that is not above 0.
        """
        targets = scaled_errors(self.targets, factor)
        shared = tuple(replace(error, sd=error.sd * factor) for error in self.shared_errors)
        return self.replace(targets=targets, shared_errors=shared)

    # what the parts below need ---------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[str, ...]:
        """Parameters that every simulation sets: those explored, then those carried."""
        return tuple(prior.key for prior in (*self.priors, *self.carried))

    @property
    def observed(self) -> F8:
        """Published values, shape (targets,)."""
        return np.array([target.value for target in self.targets])

    def centre(self) -> Scenario:
        """Return the scenario with every parameter at the median of its prior."""
        values = {prior.key: prior.centre for prior in (*self.priors, *self.carried)}
        return self.scenario.replace(values, name=self.scenario.name)

    def plan(self) -> Plan:
        """Return what all simulations have in common; they end with the last year that a target needs."""
        shortest = _shortest(self.scenario, self.targets)
        return Plan(
            scenario=shortest,
            keys=self.keys,
            targets=self.targets,
            places=check_targets(self.targets, shortest),
            households=self.households,
            origin=_origin(self.scenario, self.base, shortest),
        )

    def identity(self) -> dict[str, Any]:
        """Return what decides everything that is simulated and drawn, as plain values."""
        return {
            "cbhi": importlib.metadata.version("cbhi"),
            "engine": engine_hash(),
            "scenario": self.scenario.fingerprint(),
            "start": format_month(self.scenario.start),
            "end": format_month(self.scenario.end),
            "households": self.households,
            "replicates": self.replicates,
            "seed": self.seed,
            "explored": {prior.key: prior.as_dict() for prior in self.priors},
            "carried": {prior.key: prior.as_dict() for prior in self.carried},
            "targets": {target.name: target.as_dict() for target in self.targets},
            "shared_errors": [error.as_dict() for error in self.shared_errors],
        }

    def evaluator(
        self,
        executor: str | Executor | None = None,
        *,
        workers: int | None = None,
        progress: Callable[[Progress], Any] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = True,
        chunk: int | None = None,
    ) -> Evaluator:
        """Return the simulator that the algorithms ask; close it after use.

        Parameters
        ----------
        executor
            ``"threads"`` (the default), ``"serial"``, ``"processes"``, ``"joblib"``, ``"dask"``, or any
            object with ``map``.
        workers
            How many simulations run at once, 1 to 256; all processors if not given.
        progress
            Called with a ``Progress`` after every chunk of simulations.
        checkpoint
            Folder in which everything simulated is kept.
        resume
            Whether a folder that holds answers of this calibration is gone on with, or refused.
        chunk
            Simulations that a worker is sent at once, from 1 up; by the size of the batch if not given.

        Returns
        -------
        Evaluator
            Answers a named batch of points with simulated targets, shape (points, targets).

        Raises
        ------
        ValueError
            When the checkpoint belongs to another calibration, or an argument is out of range.
        """
        if chunk is not None:
            chunk = whole_number("chunk", chunk, 1, MAX_CHUNK)
        hands = Workers(executor, workers)
        journal = None
        if checkpoint is not None:
            journal = Journal(checkpoint, self.identity(), resume=resume)
        return Evaluator(
            plan=self.plan(),
            explored=self.priors,
            carried=self.carried,
            seed=self.seed,
            replicates=self.replicates,
            workers=hands,
            journal=journal,
            progress=progress,
            max_failures=self.max_failures,
            chunk=chunk,
        )

    # the fit ------------------------------------------------------------------------------------------------

    def fit(
        self,
        executor: str | Executor | None = None,
        *,
        workers: int | None = None,
        progress: Callable[[Progress], Any] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = True,
        chunk: int | None = None,
    ) -> Fit:
        """Find the modes and everything that the posterior needs to know of the best.

        Parameters
        ----------
        executor
            ``"threads"`` (the default), ``"serial"``, ``"processes"``, ``"joblib"``, ``"dask"``, or any
            object with ``map``. The result is the same on all of them.
        workers
            How many simulations run at once, 1 to 256; all processors if not given.
        progress
            Called with a ``Progress`` after every chunk of simulations.
        checkpoint
            Folder in which everything simulated is kept. A calibration that was stopped, in the search for
            modes or in the posterior, goes on from there when it is called again, to the same result.
        resume
            Whether a folder that holds answers of this calibration is gone on with, or refused.
        chunk
            Simulations that a worker is sent at once, from 1 up; by the size of the batch if not given.

        Returns
        -------
        Fit
            ``fit.posterior()`` draws from the posterior with the same workers and checkpoint, which
            ``fit.close()``, or the end of ``with calibration.fit(...) as fit:``, lets go.

        Raises
        ------
        ValueError
            When the checkpoint belongs to another calibration, or an argument is out of range.
        TooManyFailures
            When more simulations failed than are tolerated.
        """
        evaluator = self.evaluator(
            executor, workers=workers, progress=progress, checkpoint=checkpoint, resume=resume, chunk=chunk
        )
        try:
            return self.fit_with(evaluator)
        except BaseException:
            evaluator.close()
            raise

    def fit_with(self, evaluator: Evaluator) -> Fit:
        """Fit with a simulator that is there already; see ``fit``.

        Parameters
        ----------
        evaluator
            Of this calibration, or of one that differs in published values and errors only.

        Returns
        -------
        Fit
            The modes and what the posterior needs to know of the best; the evaluator stays open.

        Raises
        ------
        ValueError
            When too many pilot simulations failed to estimate the noise.
        TooManyFailures
            When more simulations failed than are tolerated.
        """
        from cbhi.calibration.fit import Fit
        from cbhi.calibration.mode import search_modes
        from cbhi.calibration.polishing import polish_mode, rank_modes

        centre = np.zeros(len(self.priors))
        errors, _ = self.errors_at(evaluator, centre, "at the centre")
        problem = Problem(
            names=tuple(prior.key for prior in self.priors),
            targets=tuple(target.name for target in self.targets),
            observed=self.observed,
            covariance=errors.total,
            evaluate=evaluator,
            seed=self.seed,
        )
        search = search_modes(problem)
        # what is measured at the best mode may make another the best; each is looked at once
        for turn in range(len(search.modes)):
            where = "at the mode" if turn == 0 else f"at mode {turn + 1}"
            errors, slopes = self.errors_at(evaluator, search.modes[0].point, where)
            problem = problem.with_covariance(errors.total)
            best = polish_mode(problem, search.modes[0], name=where)
            search = rank_modes(problem, search, best)
            if search.modes[0] is best:
                break
        fit = Fit(
            problem=problem,
            search=search,
            mode=search.modes[0],
            priors=self.priors,
            targets=self.targets,
            parts=errors.parts(),
            carried=self.carried,
            carried_jacobian=slopes,
            scenario=self.scenario,
            settings=self._settings(evaluator, errors),
        )
        fit.warn_of_flat_directions()
        return fit

    def errors_at(self, evaluator: Evaluator, point: F8, where: str) -> tuple[Errors, F8]:
        """Return the errors with noise and carried parameters measured at a point, and the slopes of these.

        Parameters
        ----------
        evaluator
            The simulator.
        point
            Standardised explored parameters, shape (explored,).
        where
            Begins the names of the two batches.

        Returns
        -------
        Errors
            All parts of the covariance.
        numpy.ndarray
            Change of each target for one prior standard deviation of each carried parameter, by central
            differences, shape (targets, carried). Where a simulation on one side failed, by the difference
            of the other side from the point itself.

        Raises
        ------
        ErrorsNotMeasured
            When too many pilot simulations failed to estimate anything, or those of a carried parameter on
            both sides; a ``ValueError``.
        """
        pilot = evaluator.runs(
            f"{where}/noise", point[None], first_replicate=FIRST_PILOT_REPLICATE, replicates=PILOT_REPLICATES
        )[0]
        pilot = pilot[np.isfinite(pilot).all(axis=1)]
        if len(pilot) < PILOT_REPLICATES // 2:
            raise ErrorsNotMeasured(
                f"{where}: {PILOT_REPLICATES - len(pilot)} of {PILOT_REPLICATES} pilot simulations failed:"
                f" {evaluator.failures[0].error}"
            )
        noise = np.atleast_2d(np.cov(pilot, rowvar=False)) / self.replicates
        slopes = self._carried_slopes(evaluator, point, where, pilot.mean(axis=0))
        known = Errors.of(self.targets, self.shared_errors)
        return replace(known, noise=noise, carried=slopes @ slopes.T), slopes

    def _carried_slopes(self, evaluator: Evaluator, point: F8, where: str, pilot_mean: F8) -> F8:
        """Return the change of each target for one standard deviation of each carried parameter."""
        n = len(self.carried)
        if n == 0:
            return np.zeros((len(self.targets), 0))
        moves = CARRIED_STEP * np.eye(n)
        both = np.concatenate([moves, -moves])
        simulated = evaluator.runs(f"{where}/carried", np.tile(point, (2 * n, 1)), both).mean(axis=1)
        up, down = simulated[:n], simulated[n:]
        slopes = (up - down) / (2.0 * CARRIED_STEP)
        lost = ~np.isfinite(slopes).all(axis=1)
        if lost.any():
            # in most calibrations known already: the search has been at this point with the same draws
            middle = evaluator(f"{where}/carried/centre", point[None])[0]
            middle = middle if np.isfinite(middle).all() else pilot_mean
            up_worked = np.isfinite(up).all(axis=1)
            one_sided = np.where(up_worked[:, None], up - middle, middle - down) / CARRIED_STEP
            slopes[lost] = one_sided[lost]
        failed = [
            prior.key for prior, row in zip(self.carried, slopes, strict=True) if not np.isfinite(row).all()
        ]
        if failed:
            raise ErrorsNotMeasured(
                f"{where}: simulations failed on both sides of the carried {listed(failed)}; narrow the prior"
            )
        return np.asarray(slopes.T, dtype=np.float64)

    def _settings(self, evaluator: Evaluator, errors: Errors) -> dict[str, Any]:
        names = [target.name for target in self.targets]
        limited = [name for name, yes in zip(names, errors.noise_limited(), strict=True) if yes]
        return {
            "calibration": self.name,
            "scenario": self.scenario.name,
            "scenario_fingerprint": self.scenario.fingerprint(),
            "households": self.households,
            "replicates": self.replicates,
            "seed": self.seed,
            "pilot_replicates": PILOT_REPLICATES,
            "simulations": evaluator.n_simulations,
            "failures": len(evaluator.failures),
            "noise_limited_targets": limited,
            "cbhi": importlib.metadata.version("cbhi"),
            "engine": engine_hash(),
            "numpy": np.__version__,
        }


def with_discrepancy(
    targets: tuple[Target, ...], discrepancy: Mapping[str, float] | float | None
) -> tuple[Target, ...]:
    """Return targets with discrepancies by kind or name.

    Parameters
    ----------
    targets
        With discrepancies of their own.
    discrepancy
        As for ``Calibration``.

    Raises
    ------
    ValueError
        For a word that is neither a kind nor a target, and for what is no number from 0 up.
    """
    given = {"coverage": discrepancy} if isinstance(discrepancy, (int, float)) else dict(discrepancy or {})
    names = [target.name for target in targets]
    for word, value in given.items():
        if word not in DISCREPANCY and word not in names:
            near = suggest(word, (*DISCREPANCY, *names))
            raise ValueError(
                f"discrepancy of '{word}': no such kind or target{near}; kinds: {listed(DISCREPANCY)}"
            )
        if isinstance(value, bool) or not math.isfinite(value) or value < 0.0:
            raise ValueError(f"discrepancy of '{word}' = {value!r} must be a number from 0 up")
    return tuple(
        replace(target, discrepancy=given.get(target.name, given.get(target.kind, target.discrepancy)))
        for target in targets
    )


def _shortest(scenario: Scenario, targets: tuple[Target, ...]) -> Scenario:
    """Return the scenario up to the last reporting year that a target needs; months before are the same."""
    periods = reporting_periods(scenario, pack_scenario(scenario).calendar)
    end = max(periods[place][2] for place in check_targets(targets, scenario))
    if end == scenario.n_months:
        return scenario
    return scenario.replace(end=format_month(scenario.start + end - 1), name=scenario.name)


def _origin(scenario: Scenario, base: str, shortest: Scenario) -> str:
    """Return a Python expression for a scenario, for a command that repeats a simulation."""
    found = _name_or_file(scenario, base)
    return f"cbhi.scenario({found!r}).at_point().replace(end='{format_month(shortest.end)}')"


def _name_or_file(scenario: Scenario, base: str) -> str:
    """Return what a scenario is read from, or a word in its place where nothing is known that gives it."""
    from cbhi.scenarios import scenario as find

    for name in scenario_names():
        if find(name).at_point().fingerprint() == scenario.fingerprint():
            return name
    # a base may be any text; what it names may have changed since
    with contextlib.suppress(ValueError, OSError):
        if base and find(base).at_point().fingerprint() == scenario.fingerprint():
            return base
    return "YOUR-FILE.toml"
