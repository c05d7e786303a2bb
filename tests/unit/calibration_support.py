"""Problems of calibration with answers in closed form, and stand-ins for priors and targets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cbhi.calibration.core import Draws, Mode, ModeSearch, Problem
from cbhi.calibration.fit import Fit


@dataclass(frozen=True)
class Line:
    """A normal prior of a parameter that no scenario has."""

    key: str
    mean: float = 0.0
    sd: float = 1.0
    source: str = "a test"
    confidence: str = "assumption"

    def to_value(self, z: Any) -> Any:
        return self.mean + self.sd * np.asarray(z, dtype=float)

    def to_z(self, value: Any) -> Any:
        return (np.asarray(value, dtype=float) - self.mean) / self.sd

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Figure:
    """A published figure that no country has."""

    name: str
    period: str
    value: float
    sd: float
    unit: str = "share"
    source: str = "a test"
    confidence: str = "published"


def random_covariance(rng: np.random.Generator, n: int, sd: float = 1.0) -> np.ndarray:
    root = rng.standard_normal((n, n)) / np.sqrt(n)
    return sd**2 * (np.eye(n) + root @ root.T)


class Counter:
    """A simulator that counts what it is asked and remembers the names of the steps."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.steps: list[str] = []
        self.points = 0

    def __call__(self, step: str, points: np.ndarray) -> np.ndarray:
        assert step not in self.steps, f"step {step!r} is asked twice"
        self.steps.append(step)
        self.points += len(points)
        return np.array([self.function(point) for point in points])


def make_fit(
    function: Any,
    jacobian_at: Any,
    point: np.ndarray,
    observed: np.ndarray,
    covariance: np.ndarray,
    *,
    carried_jacobian: np.ndarray | None = None,
    errors: np.ndarray | None = None,
    names: tuple[str, ...] | None = None,
    history: int = 3,
) -> Fit:
    """Return the fit of any function of standardised parameters whose mode is known."""
    n, d = len(observed), len(point)
    names = names or tuple(f"law.slope_{i}" for i in range(d))
    errors = np.sqrt(np.diag(covariance)) if errors is None else errors
    targets = tuple(
        Figure(f"figure_{j}", str(2000 + j), float(observed[j]), float(errors[j])) for j in range(n)
    )
    evaluate = Counter(function)
    problem = Problem(names, tuple(t.name for t in targets), observed, covariance, evaluate, seed=7)
    simulated = function(point)
    mode = Mode(point, simulated, float(problem.loss(point, simulated)), jacobian_at(point))
    carried_slopes = np.zeros((n, 0)) if carried_jacobian is None else carried_jacobian
    carried = carried_slopes @ carried_slopes.T
    parts = {"published errors": covariance - carried, "carried parameters": carried}
    return Fit(
        problem=problem,
        search=ModeSearch((mode,), history, np.full(history, mode.loss)),
        mode=mode,
        priors=tuple(Line(name, mean=float(i), sd=0.5 + i) for i, name in enumerate(names)),
        targets=targets,
        parts=parts,
        carried=tuple(Line(f"law.carried_{i}") for i in range(carried_slopes.shape[1])),
        carried_jacobian=carried_jacobian,
        settings={"households": 300, "failures": 0},
    )


def linear_fit(
    rng: np.random.Generator, n: int = 9, d: int = 4, scale: float = 1.0, n_carried: int = 0, sd: float = 1.0
) -> Fit:
    """Return a linear-Gaussian problem, solved: targets drawn from the prior predictive distribution."""
    slopes = scale * rng.standard_normal((n, d))
    carried = 0.5 * rng.standard_normal((n, n_carried))
    covariance = random_covariance(rng, n, sd) + carried @ carried.T
    level = rng.standard_normal(n)
    truth = rng.standard_normal(d)
    observed = level + slopes @ truth + np.linalg.cholesky(covariance) @ rng.standard_normal(n)
    information = slopes.T @ np.linalg.solve(covariance, slopes) + np.eye(d)
    mode = np.linalg.solve(information, slopes.T @ np.linalg.solve(covariance, observed - level))
    return make_fit(
        lambda z: level + slopes @ z, lambda z: slopes, mode, observed, covariance,
        carried_jacobian=carried if n_carried else None,
    )  # fmt: skip


def exact_draws(fit: Fit, n: int, rng: np.random.Generator) -> Draws:
    """Return independent, equally weighted draws from the posterior of a linear problem."""
    jacobian, problem = fit.jacobian, fit.problem
    information = jacobian.T @ np.linalg.solve(problem.covariance, jacobian) + np.eye(problem.n_parameters)
    root = np.linalg.cholesky(np.linalg.inv(information))
    points = fit.mode.point + rng.standard_normal((n, problem.n_parameters)) @ root.T
    simulated = fit.mode.simulated + (points - fit.mode.point) @ jacobian.T
    return Draws(
        points=points,
        log_weights=np.full(n, -np.log(n)),
        simulated=simulated,
        method="laplace",
        effective_size=float(n),
        pareto_k=-np.inf,
        n_simulations=n,
        table=({"method": "laplace", "batch": 1, "draws": n},),
    )
