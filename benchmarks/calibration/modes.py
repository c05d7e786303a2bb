"""Count the simulations that the search for modes needs, beside ``scipy.optimize.least_squares`` by itself.

    python benchmarks/calibration/modes.py              # 100 synthetic data sets, about four minutes
    python benchmarks/calibration/modes.py --quick      # ten

Every method sees the same problems, ``mean_field_problem``, in standardised space. The best known loss of a
data set is the smallest that anything found: the search, least squares from the prior's centre, and a long
polish (least squares with differences of 0.1 and then 0.2 prior standard deviations) from the search's mode
and from the four best of 400 prior draws.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mean_field_problem import mean_field_problem
from numpy.typing import NDArray
from scipy.optimize import least_squares

from cbhi.calibration.core import Problem
from cbhi.calibration.mode import search_modes

F8 = NDArray[np.float64]


class _Enough(Exception):
    """The simulations that a method may use are used up."""


class Counted:
    """A problem that keeps the loss of everything that is simulated."""

    def __init__(self, problem: Problem, limit: int) -> None:
        self.problem, self.limit = problem, limit
        self.losses: list[float] = []
        self.best = np.inf
        self.best_point = np.zeros(problem.n_parameters)

    def residuals(self, points: F8) -> F8:
        """Return whitened residuals, shape (n, targets), and count the simulations."""
        if len(self.losses) + len(points) > self.limit:
            raise _Enough
        simulated = self.problem.evaluate("", points)
        for point, loss in zip(points, self.problem.loss(points, simulated), strict=True):
            self.losses.append(float(loss))
            if loss < self.best:
                self.best, self.best_point = float(loss), point
        return self.problem.residuals(simulated)


def plain_least_squares(problem: Problem, start: F8, step: float, limit: int) -> Counted:
    """Run scipy's trust-region least squares with forward differences of one step and nothing else."""
    counted, identity = Counted(problem, limit), np.eye(start.size)

    def residuals(z: F8) -> F8:
        return np.concatenate([counted.residuals(z[None])[0], z])

    def derivatives(z: F8) -> F8:
        values = counted.residuals(np.vstack([z, z + step * identity]))
        return np.vstack([(values[1:] - values[0]).T / step, identity])

    with contextlib.suppress(_Enough):
        least_squares(residuals, start, derivatives, xtol=1e-3, ftol=1e-3)
    return counted


def best_loss(problem: Problem, starts: list[F8]) -> float:
    """Return the smallest loss that a long polish finds."""
    d = problem.n_parameters
    prior = np.random.default_rng(5).standard_normal((400, d))
    losses = problem.loss(prior, problem.evaluate("", prior))
    found = []
    for start in [*starts, *prior[np.argsort(losses)[:4]]]:
        first = plain_least_squares(problem, start, 0.1, 400)
        second = plain_least_squares(problem, first.best_point, 0.2, 400)
        found += [first.best, second.best]
    return min(found)


def simulations_to(losses: F8, target: float) -> int | None:
    """Return after how many simulations a loss was first reached; None if never."""
    reached = np.flatnonzero(np.asarray(losses) <= target)
    return int(reached[0]) + 1 if reached.size else None


def one_set(seed: int, sd_factor: float) -> dict[str, dict[str, float | int | None]]:
    """Return gap to the best known and simulations to within 10, 3 and 1 nats, by method."""
    problem, _ = mean_field_problem(seed, sd_factor=sd_factor)
    search = search_modes(problem)
    plain = plain_least_squares(problem, np.zeros(problem.n_parameters), 0.2, 300)
    losses = {"search_modes": search.history, "least_squares, h = 0.2": np.minimum.accumulate(plain.losses)}
    best = min(best_loss(problem, [search.modes[0].point]), *(values[-1] for values in losses.values()))
    return {
        name: {
            "gap": float(values[-1] - best),
            "simulations": len(values),
            **{f"to {nats}": simulations_to(values, best + nats) for nats in (10, 3, 1)},
        }
        for name, values in losses.items()
    }


def table(rows: list[dict[str, dict[str, float | int | None]]]) -> str:
    """Return the distribution over data sets as lines."""
    columns = (("gap", "gap, nats"), ("simulations", "simulations"), ("to 3", "to +3"), ("to 1", "to +1"))
    lines = [f"{'method':24s}{'figure':14s}{'median':>8s}{'90 %':>8s}{'largest':>9s}{'reached':>9s}"]
    for method in rows[0]:
        for key, name in columns:
            raw = [row[method][key] for row in rows]
            values = np.array([np.inf if value is None else value for value in raw], dtype=float)
            quantiles = np.quantile(values, (0.5, 0.9, 1.0), method="higher")
            figures = "".join(f"{q:8.2f}" if key == "gap" else f"{q:8.0f}" for q in quantiles)
            lines.append(f"{method:24s}{name:14s}{figures} {np.isfinite(values).mean():8.0%}")
    return "\n".join(lines)


def main(read: Callable[[], argparse.Namespace]) -> None:
    """Run the comparison and print its table."""
    options = read()
    seeds = range(10 if options.quick else options.sets)
    rows = [one_set(seed, options.sd_factor) for seed in seeds]
    print(table(rows))
    if options.json is not None:
        options.json.write_text(json.dumps({"sd_factor": options.sd_factor, "sets": rows}, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="ten data sets")
    parser.add_argument("--sets", type=int, default=100, help="data sets")
    parser.add_argument("--sd-factor", type=float, default=1.0, help="factor on the errors of the targets")
    parser.add_argument("--json", type=Path, default=None, help="file for all figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_options))
