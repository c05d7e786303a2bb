"""Tempered sequential Monte Carlo: particles led from the prior to the posterior in small steps.

Costs about ten times as much as importance sampling and needs no proposal that resembles the posterior.

References
----------
Del Moral, Doucet and Jasra (2006), Sequential Monte Carlo samplers, Journal of the Royal Statistical
Society B 68(3). Temperatures by effective size: Jasra, Stephens, Doucet and Tsagaris (2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cbhi.calibration.core import Draws, Problem
from cbhi.calibration.pareto import effective_size, normalise
from cbhi.calibration.streams import generator, quasi_normal
from cbhi.kernels.records import F8

__all__ = ["choose_systematically", "tempered_sampling"]

KEEP = 0.6
"""Effective size over particles after each change of temperature."""
ACCEPTANCE = 0.25
"""Share of accepted moves that the length of moves is steered to."""
MIXED = 0.5
"""Correlation with the places before the moves below which moves at the last temperature end."""
MIXED_ON_THE_WAY = 0.8
"""The same at the temperatures before."""
MOST_MOVES = 25
"""Most moves at one temperature."""


@dataclass
class _Swarm:
    """Particles and what was simulated at each."""

    problem: Problem
    points: F8
    simulated: F8
    scale: float
    n_simulations: int

    def take(self, index: np.ndarray[Any, Any]) -> None:
        """Keep the particles of an index, some of them several times."""
        self.points, self.simulated = self.points[index], self.simulated[index]

    def move(self, step: str, temperature: float, root: F8) -> float:
        """Move each particle by one Metropolis step; return the share that moved."""
        rng = generator(self.problem.seed, step)
        n, d = self.points.shape
        proposed = self.points + self.scale / np.sqrt(d) * rng.standard_normal((n, d)) @ root.T
        simulated = np.asarray(self.problem.evaluate(step, proposed), dtype=np.float64)
        self.n_simulations += n
        gain = self._log_density(self.points, self.simulated, temperature)
        gain = self._log_density(proposed, simulated, temperature) - gain
        accepted = np.log(rng.random(n)) < gain
        self.points = np.where(accepted[:, None], proposed, self.points)
        self.simulated = np.where(accepted[:, None], simulated, self.simulated)
        share = float(accepted.mean())
        self.scale *= float(np.exp(share - ACCEPTANCE))
        return share

    def _log_density(self, points: F8, simulated: F8, temperature: float) -> F8:
        return np.asarray(-temperature * self.problem.misfit(simulated) - 0.5 * np.sum(points**2, axis=1))


def choose_systematically(weights: F8, n: int, offset: float) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return n indices in which index i appears ``n w_i`` times, rounded up or down.

    Parameters
    ----------
    weights
        That add up to one, shape (m,).
    n
        How many to choose.
    offset
        Uniform from 0 to 1.
    """
    ladder = (offset + np.arange(n)) / n
    chosen = np.searchsorted(np.cumsum(weights), ladder, side="right")
    return np.minimum(chosen, len(weights) - 1)


def tempered_sampling(
    problem: Problem, *, min_ess: float = 400.0, max_sims: int = 30_000, n_particles: int | None = None
) -> Draws:
    """Draw from the posterior with particles that start at the prior.

    Parameters
    ----------
    problem
        Whose posterior is wanted.
    min_ess
        Effective size that is wanted: by default there are a quarter more particles than this.
    max_sims
        Most simulations; particles that have not arrived by then have an effective size of nought.
    n_particles
        Number of particles.

    Returns
    -------
    Draws
        Equally weighted. The effective size counts copies of the same point as one (Kish).
    """
    n = int(np.ceil(1.25 * min_ess)) if n_particles is None else n_particles
    points = quasi_normal(problem.seed, "tempered/prior", n, problem.n_parameters)
    simulated = np.asarray(problem.evaluate("tempered/prior", points), dtype=np.float64)
    swarm = _Swarm(problem, points, simulated, 2.38, n)
    temperature, stage = 0.0, 0
    table: list[dict[str, Any]] = []
    while temperature < 1.0 and np.isfinite(problem.misfit(swarm.simulated)).any():
        stage += 1
        before = temperature
        temperature = _next_temperature(problem.misfit(swarm.simulated), before)
        root = _reweigh(swarm, temperature - before, f"tempered/{stage}")
        moves, acceptance = _mix(swarm, stage, temperature, root, min_ess, max_sims)
        table.append(_row(swarm, stage, temperature, moves, acceptance))
        if moves == 0:
            break
    return Draws(
        points=swarm.points,
        log_weights=np.full(n, -np.log(n)),
        simulated=swarm.simulated,
        method="tempered",
        effective_size=float(table[-1]["effective_size"]) if table else 0.0,
        pareto_k=np.nan,
        n_simulations=swarm.n_simulations,
        table=tuple(table),
    )


def _next_temperature(misfit: F8, temperature: float) -> float:
    """Return the temperature at which weights have the effective size wanted, at most 1."""
    from scipy.optimize import brentq

    alive = misfit[np.isfinite(misfit)]

    def surplus(step: float) -> float:
        return effective_size(-step * alive) - KEEP * alive.size

    left = 1.0 - temperature
    if surplus(left) >= 0.0:
        return 1.0
    return temperature + float(brentq(surplus, 0.0, left, xtol=1e-10))


def _reweigh(swarm: _Swarm, step: float, name: str) -> F8:
    """Resample particles by their weights; return a root of their covariance."""
    weights = np.exp(normalise(-step * swarm.problem.misfit(swarm.simulated)))
    away = swarm.points - weights @ swarm.points
    covariance = (away.T * weights) @ away + 1e-6 * np.eye(away.shape[1])
    offset = float(generator(swarm.problem.seed, f"{name}/resample").random())
    swarm.take(choose_systematically(weights, len(weights), offset))
    return np.asarray(np.linalg.cholesky(covariance))


def _mix(
    swarm: _Swarm, stage: int, temperature: float, root: F8, min_ess: float, max_sims: int
) -> tuple[int, float]:
    """Move particles until they have forgotten where they were; return moves and the share accepted."""
    from scipy.linalg import solve_triangular

    start = swarm.points
    arrived = temperature >= 1.0
    target = MIXED if arrived else MIXED_ON_THE_WAY
    accepted: list[float] = []
    while len(accepted) < MOST_MOVES and swarm.n_simulations + len(start) <= max_sims:
        accepted.append(swarm.move(f"tempered/{stage}/{len(accepted) + 1}", temperature, root))
        moved = solve_triangular(root, (swarm.points - start).T, lower=True)
        # the mean squared difference of two standard normal values with correlation c is 2 (1 - c)
        forgotten = 1.0 - 0.5 * float(np.mean(moved**2)) < target
        if forgotten and (not arrived or _distinct(swarm.points) >= min(min_ess, 0.9 * len(start))):
            break
    return len(accepted), float(np.mean(accepted)) if accepted else 0.0


def _distinct(points: F8) -> float:
    """Return Kish's effective size of equally weighted points of which some are copies."""
    copies = np.unique(points, axis=0, return_counts=True)[1]
    return float(len(points) ** 2 / np.sum(copies**2))


def _row(swarm: _Swarm, stage: int, temperature: float, moves: int, acceptance: float) -> dict[str, Any]:
    """Return a line of the table; particles that have not arrived and mixed have no effective size."""
    arrived = temperature >= 1.0 and 0 < moves < MOST_MOVES
    return {
        "method": "tempered",
        "batch": stage,
        "draws": len(swarm.points),
        "effective_size": _distinct(swarm.points) if arrived else 0.0,
        "pareto_k": np.nan,
        "temperature": temperature,
        "moves": moves,
        "acceptance": acceptance,
    }
