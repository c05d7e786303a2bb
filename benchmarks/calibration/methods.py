"""Ways to look for a mode, all from the same knowledge: a standard normal prior around its centre.

Each takes a problem and a budget and returns the loss (nats) of every point it simulated, in that order. The
centre of the prior is the first point of each.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtri

from cbhi.calibration.core import Problem
from cbhi.calibration.mode import search_modes

WORST = 1e6
"""Loss told to a rival where a simulation failed."""


@dataclass(frozen=True)
class Trace:
    """What one search did.

    Attributes
    ----------
    losses
        Of each simulated point, nats, in order.
    best
        The best point.
    own_seconds
        Time spent outside the simulator.
    batches
        Calls of the simulator: parallel workers share a batch.
    """

    losses: np.ndarray
    best: np.ndarray
    own_seconds: float
    batches: int


class Counted:
    """A simulator that keeps all losses and the time it took."""

    def __init__(self, name: str, problem: Problem) -> None:
        self.name = name
        self.plain = problem
        self.points: list[np.ndarray] = []
        self.losses: list[float] = []
        self.seconds = 0.0
        self.batches = 0
        self.problem = replace(problem, evaluate=self.evaluate)

    def evaluate(self, step: str, points: np.ndarray) -> np.ndarray:
        """Simulate a batch and keep what came of it."""
        began = time.perf_counter()
        # a step's name belongs to one batch, and several methods ask one simulator
        simulated = self.plain.evaluate(f"{self.name} {self.batches}: {step}", points)
        self.seconds += time.perf_counter() - began
        self.points += list(points)
        self.losses += [float(x) for x in self.plain.loss(points, simulated)]
        self.batches += 1
        return simulated

    def loss(self, point: np.ndarray) -> float:
        """Return the loss of one point, a large number where the simulation failed."""
        z = np.asarray(point, dtype=float)[None]
        self.evaluate(f"rival/{len(self.losses)}", z)
        return self.losses[-1] if np.isfinite(self.losses[-1]) else WORST

    def trace(self, began: float) -> Trace:
        """Return all of it."""
        losses = np.array(self.losses)
        own = time.perf_counter() - began - self.seconds
        return Trace(losses, np.array(self.points[int(np.argmin(losses))]), own, self.batches)


def cbhi_modes(problem: Problem, budget: int) -> Trace:
    """``cbhi.calibration.mode.search_modes`` as calibrations call it; it ends by itself."""
    counted = Counted("cbhi", problem)
    began = time.perf_counter()
    search_modes(counted.problem)
    return counted.trace(began)


def scipy_least_squares(problem: Problem, budget: int, start: np.ndarray | None = None) -> Trace:
    """One ``scipy.optimize.least_squares`` with steps of 0.2 prior standard deviations."""
    first = np.zeros(problem.n_parameters) if start is None else start
    counted = Counted(f"least squares from {np.round(first, 12).tolist()}", problem)
    d = problem.n_parameters
    began = time.perf_counter()

    def residuals(z: np.ndarray) -> np.ndarray:
        simulated = counted.problem.evaluate("least_squares", z[None])[0]
        found = np.append(problem.residuals(simulated), z)
        return found if np.isfinite(found).all() else np.full(found.size, 1e3)

    def jacobian(z: np.ndarray) -> np.ndarray:
        around = z + 0.2 * np.where(z > 0, -1.0, 1.0)[:, None] * np.eye(d)
        simulated = counted.problem.evaluate("least_squares", np.vstack([z, around]))
        whitened = problem.residuals(simulated)
        slopes = (whitened[1:] - whitened[0]) / (0.2 * np.where(z > 0, -1.0, 1.0)[:, None])
        return np.vstack([np.nan_to_num(slopes).T, np.eye(d)])

    least_squares(residuals, first, jacobian, max_nfev=max(2, budget // (d + 2)), xtol=1e-3, ftol=1e-4)
    return counted.trace(began)


def optuna_tpe(problem: Problem, budget: int) -> Trace:
    """Tree-structured Parzen estimators over the prior's own distribution function; multivariate."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    counted = Counted("TPE", problem)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the multivariate option is experimental
        sampler = optuna.samplers.TPESampler(seed=problem.seed % 2**32, multivariate=True)
    study = optuna.create_study(sampler=sampler)
    # uniform in the prior's probability: random starts are draws from the prior, as all others know it
    study.enqueue_trial(dict.fromkeys(problem.names, 0.5))

    def objective(trial: optuna.Trial) -> float:
        share = [trial.suggest_float(name, 1e-6, 1 - 1e-6) for name in problem.names]
        return counted.loss(ndtri(np.array(share)))

    study.optimize(objective, n_trials=budget)
    return counted.trace(began)


def cma_es(problem: Problem, budget: int) -> Trace:
    """Covariance matrix adaptation from the prior's centre, restarted with larger populations (IPOP)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has no matplotlib to draw with
        import cma

    counted = Counted("CMA-ES", problem)
    began = time.perf_counter()
    counted.loss(np.zeros(problem.n_parameters))
    size, turn = None, 0
    while len(counted.losses) < budget:
        rng = np.random.default_rng([problem.seed, turn])
        start = np.zeros(problem.n_parameters) if turn == 0 else rng.normal(size=problem.n_parameters)
        options = {"seed": (problem.seed + 1000 * turn) % 2**31 + 1, "verbose": -9}
        if size is not None:
            options["popsize"] = size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of its own options
            strategy = cma.CMAEvolutionStrategy(start, 0.7, options)
            while not strategy.stop() and len(counted.losses) < budget:
                asked = np.array(strategy.ask())
                room = budget - len(counted.losses)
                if room < len(asked):
                    counted.evaluate("cma", asked[:room])
                    break
                simulated = counted.evaluate("cma", asked)
                losses = problem.loss(asked, simulated)
                strategy.tell(list(asked), [float(x) if np.isfinite(x) else WORST for x in losses])
        size, turn = 2 * strategy.popsize, turn + 1
    return counted.trace(began)


METHODS: dict[str, Callable[[Problem, int], Trace]] = {
    "cbhi": cbhi_modes,
    "scipy least_squares": scipy_least_squares,
    "CMA-ES": cma_es,
    "Optuna TPE": optuna_tpe,
}
"""What is compared, by the name that tables print."""


def versions() -> dict[str, str]:
    """Return the versions of what is compared."""
    return {name: version(name) for name in ("numpy", "scipy", "optuna", "cma")}
