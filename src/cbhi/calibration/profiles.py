"""Profile likelihoods: how much worse everything fits when one parameter is held away from its best value.

Every parameter is held at a few values and all others are fitted again by Gauss-Newton steps that start from
the derivative at the mode and correct it as they go (Broyden). All points of all parameters go into one batch
a step, so that ten parameters at four values and two steps cost 120 simulations.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from cbhi.calibration.core import Mode, Problem
from cbhi.calibration.identifiability import fisher_information
from cbhi.kernels.records import F8, I8

__all__ = ["OFFSETS", "Profile", "Profiles", "profile"]

OFFSETS = (-1.5, -0.75, 0.75, 1.5)
_LEFT = 0.05
"""Nats that a further step may still promise without the profile being called rough."""


@dataclass(frozen=True)
class Profile:
    """One parameter held at several values, all others fitted again.

    Attributes
    ----------
    name
        The parameter.
    mode
        Its standardised value at the mode.
    values
        Standardised values at which it was held, ascending, (points,).
    rise
        Loss above that at the mode, nats, (points,); infinite where simulations failed.
    expected
        The same if the model were linear, (points,).
    points
        All standardised parameters at the best refit, (points, parameters).
    left
        What one more step promises, nats, (points,); large where the refit had not settled.
    """

    name: str
    mode: float
    values: F8
    rise: F8
    expected: F8
    points: F8
    left: F8

    @property
    def sd_below(self) -> float:
        """Standard deviation that the rise below the mode speaks of, in prior standard deviations."""
        return self._sd(self.values < self.mode, 0)

    @property
    def sd_above(self) -> float:
        """Standard deviation that the rise above the mode speaks of, in prior standard deviations."""
        return self._sd(self.values > self.mode, -1)

    def _sd(self, side: NDArray[np.bool_], outermost: int) -> float:
        """Return distance over root of twice the rise at the outermost point of a side."""
        places = np.flatnonzero(side)
        if not places.size:
            return float("nan")
        place = places[outermost]
        rise = max(float(self.rise[place]), 0.0)
        distance = abs(float(self.values[place]) - self.mode)
        return distance / float(np.sqrt(2.0 * rise)) if rise > 0.0 else float("inf")

    @property
    def is_settled(self) -> bool:
        """Whether no refit promised to fall much further."""
        known = np.isfinite(self.rise)
        return bool(known.all() and np.all(self.left <= _LEFT + 0.1 * np.maximum(self.rise, 0.0)))

    @property
    def better_mode(self) -> float:
        """Nats by which a refit lies below the mode; 0 where none does."""
        return float(max(0.0, -np.min(self.rise)))

    def interval(self, share: float = 0.9) -> tuple[float, float]:
        """Return the standardised values between which the signed root of twice the rise stays in the band.

        Between points the root is interpolated, beyond them it goes on along the last piece.

        Parameters
        ----------
        share
            Of the posterior, were it normal.
        """
        from scipy.special import ndtri

        reach = float(ndtri(0.5 * (1.0 + share)))
        return self._crossing(-reach), self._crossing(reach)

    def _crossing(self, wanted: float) -> float:
        """Return where the signed root of twice the rise takes a value."""
        side = self.values < self.mode if wanted < 0.0 else self.values > self.mode
        usable = side & np.isfinite(self.rise)
        values = np.concatenate([[self.mode], self.values[usable]])
        roots = np.concatenate([[0.0], np.sqrt(2.0 * np.maximum(self.rise[usable], 0.0))])
        order = np.argsort(np.abs(values - self.mode))
        # a profile that falls again on its way out has no root that could be inverted: the outermost counts
        values, roots = values[order], np.maximum.accumulate(roots[order])
        beyond = np.flatnonzero(roots >= abs(wanted))
        last = int(beyond[0]) if beyond.size else len(roots) - 1
        if last == 0 or roots[last] <= roots[last - 1]:
            return float(np.copysign(np.inf, wanted))
        slope = (values[last] - values[last - 1]) / (roots[last] - roots[last - 1])
        return float(values[last] + slope * (abs(wanted) - roots[last]))


@dataclass(frozen=True)
class Profiles:
    """The profiles of several parameters.

    Attributes
    ----------
    profiles
        One a parameter.
    n_simulations
        Points that were simulated.
    """

    profiles: tuple[Profile, ...]
    n_simulations: int

    def __getitem__(self, name: str) -> Profile:
        """Return the profile of a parameter."""
        for one in self.profiles:
            if one.name == name:
                return one
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a profile of a parameter."""
        return any(one.name == name for one in self.profiles)


def profile(
    problem: Problem,
    mode: Mode,
    names: Sequence[str] | None = None,
    *,
    offsets: Sequence[float] = OFFSETS,
    unit: str = "posterior",
    steps: int = 2,
) -> Profiles:
    """Hold parameters away from the mode and fit all others again.

    Parameters
    ----------
    problem
        Targets, errors and simulator.
    mode
        Where to start from; its derivative is used.
    names
        Parameters; all of them if not given.
    offsets
        Distances from the mode at which a parameter is held; none is 0.
    unit
        ``"posterior"``: distances in standard deviations of the Laplace approximation, so that a linear model
        rises by half their squares; ``"prior"``: in prior standard deviations.
    steps
        Gauss-Newton steps after the first refit, which follows the ridge of the linear model.

    Returns
    -------
    Profiles
        One profile a parameter.

    Raises
    ------
    ValueError
        When a name is no parameter of the problem, an offset is 0 or not a number, or the unit is another.
    """
    held, distances = _asked(problem, names, offsets)
    if unit not in ("posterior", "prior"):
        raise ValueError(f"unit is 'posterior' or 'prior', got {unit!r}")
    information = fisher_information(mode.jacobian, problem.covariance) + np.eye(problem.n_parameters)
    posterior = linalg.inv(information)
    which = np.repeat(held, len(distances))
    by = np.tile(distances, len(held)) * (np.sqrt(np.diag(posterior))[which] if unit == "posterior" else 1.0)
    # along the ridge of the linear model: all others at their best given the one that is held
    points = mode.point + posterior[:, which].T * (by / np.diag(posterior)[which])[:, None]
    found = _refit(problem, mode, which, points, steps, _label(problem.names, held, distances, unit))
    best, loss, left = found
    expected = 0.5 * by**2 / np.diag(posterior)[which]
    rise = loss - mode.loss
    profiles = []
    for number, parameter in enumerate(held):
        mine = slice(number * len(distances), (number + 1) * len(distances))
        profiles.append(
            Profile(
                name=problem.names[parameter],
                mode=float(mode.point[parameter]),
                values=best[mine, parameter],
                rise=rise[mine],
                expected=expected[mine],
                points=best[mine],
                left=left[mine],
            )
        )
    return Profiles(tuple(profiles), n_simulations=len(points) * (steps + 1))


def _asked(problem: Problem, names: Sequence[str] | None, offsets: Sequence[float]) -> tuple[list[int], F8]:
    """Return the places of the parameters that are asked for and the distances, ascending."""
    from cbhi.words import suggest

    wanted = list(problem.names if names is None else names)
    for name in wanted:
        if name not in problem.names:
            raise ValueError(f"'{name}' is no free parameter{suggest(name, problem.names)}")
    distances = np.unique(np.asarray(offsets, dtype=np.float64))
    if not distances.size or not np.isfinite(distances).all() or (distances == 0.0).any():
        raise ValueError(f"offsets are distances other than 0, got {list(offsets)}")
    return [problem.names.index(name) for name in wanted], distances


def _label(names: Sequence[str], held: Sequence[int], distances: F8, unit: str) -> str:
    """Return a name for the batches that no other choice of parameters and distances has."""
    text = repr(([names[i] for i in held], distances.tolist(), unit))
    return f"profile {zlib.crc32(text.encode()):08x}"


def _refit(problem: Problem, mode: Mode, which: I8, points: F8, steps: int, label: str) -> tuple[F8, F8, F8]:
    """Return the best point, its loss and what one more step promises, of each point; one batch a step."""
    n, d = points.shape
    free = np.ones((n, d))
    free[np.arange(n), which] = 0.0
    slopes = np.broadcast_to(problem.whiten(mode.jacobian.T).T, (n, len(problem.targets), d)).copy()
    at_mode = np.broadcast_to(problem.residuals(mode.simulated), (n, len(problem.targets)))
    best, best_loss, best_residuals = points.copy(), np.full(n, np.inf), at_mode.copy()
    origin, origin_residuals = np.broadcast_to(mode.point, (n, d)).copy(), at_mode.copy()
    trial, left = points, np.full(n, np.inf)
    for step in range(steps + 1):
        simulated = problem.evaluate(f"{label} {step}", trial)
        residuals, loss = problem.residuals(simulated), problem.loss(trial, simulated)
        usable = np.isfinite(loss)
        _correct(slopes, trial - origin, np.where(usable[:, None], residuals - origin_residuals, 0.0), usable)
        better = loss < best_loss
        best[better], best_loss[better] = trial[better], loss[better]
        best_residuals[better] = residuals[better]
        move, left = _gauss_newton(slopes, best_residuals, best, free)
        # where the last step made it worse, half of the next one is tried
        trial = best + np.where(better, 1.0, 0.5)[:, None] * move
        known = np.isfinite(best_loss)[:, None]
        # where nothing but failures is known, all others go half way back to the mode
        trial = np.where(known, trial, mode.point + np.where(free > 0.0, 0.5, 1.0) * (trial - mode.point))
        origin = np.where(known, best, mode.point)
        origin_residuals = np.where(known, best_residuals, at_mode)
        best = np.where(known, best, trial)
    return best, best_loss, np.where(np.isfinite(best_loss), left, np.inf)


def _correct(slopes: F8, moves: F8, changes: F8, usable: NDArray[np.bool_]) -> None:
    """Make derivatives agree with the last change, and alter nothing else (Broyden's first update)."""
    squared = np.sum(moves**2, axis=1)
    usable = usable & (squared > 1e-12)
    misses = changes - np.einsum("ntd,nd->nt", slopes, moves)
    scaled = moves / np.where(usable, squared, 1.0)[:, None]
    slopes += np.where(usable[:, None, None], misses[:, :, None] * scaled[:, None, :], 0.0)


def _gauss_newton(slopes: F8, residuals: F8, points: F8, free: F8) -> tuple[F8, F8]:
    """Return the step to the best of the linear model along free parameters, and the nats it promises."""
    masked = slopes * free[:, None, :]
    gradient = np.einsum("ntd,nt->nd", masked, residuals) + points * free
    matrix = np.einsum("ntd,nte->nde", masked, masked) + np.eye(points.shape[1])
    move = -np.linalg.solve(matrix, gradient[..., None])[..., 0] * free
    return move, -0.5 * np.sum(gradient * move, axis=1)
