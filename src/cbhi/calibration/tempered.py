"""Tempered sequential Monte Carlo: particles led from the prior to the posterior in small steps.

Costs about ten times as much as importance sampling and needs no proposal that resembles the posterior.
Particles that share an ancestor know the same, and so do a particle and its former place: how much all of
them together tell is taken from how far whole families of them scatter.

References
----------
Del Moral, Doucet and Jasra (2006), Sequential Monte Carlo samplers, Journal of the Royal Statistical
Society B 68(3). Temperatures by effective size: Jasra, Stephens, Doucet and Tsagaris (2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbhi.calibration.core import Draws, Problem
from cbhi.calibration.pareto import effective_size, normalise
from cbhi.calibration.streams import generator, quasi_normal
from cbhi.kernels.records import F8

__all__ = ["choose_systematically", "effective_size_of_families", "tempered_sampling"]

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
LEAST_MOVES = 2
"""Least moves at the last temperature: the effective size is told from where particles are after them."""
PATIENCE = 5
"""Moves at the last temperature in which the effective size must grow by a tenth for more to be made."""
LEAST_PARTICLES = 250
"""Particles of a swarm, unless a number is given: fewer lean to where they are, which the mean shows.

Of a linear problem of four parameters, swarms of 150 are off by 0.06 standard deviations, of 250 by 0.026, of
500 by 0.005, whatever their number.
"""
LEAST_FAMILIES = 8.0
"""Families of particles from which the variance of a mean is told."""


@dataclass(frozen=True)
class _Normal:
    """The normal distribution with the mean and the covariance of weighted particles."""

    centre: F8
    root: F8

    def standardise(self, points: F8) -> F8:
        """Return points in units in which the distribution is standard normal, shape (n, parameters)."""
        from scipy.linalg import solve_triangular

        return np.asarray(solve_triangular(self.root, (points - self.centre).T, lower=True).T)

    def log_density(self, points: F8) -> F8:
        """Return the logarithm of the density but for a constant, shape (n,)."""
        return np.asarray(-0.5 * np.sum(self.standardise(points) ** 2, axis=1))


@dataclass
class _Swarm:
    """Particles, what was simulated at each, and from which particle of each stage each comes."""

    problem: Problem
    points: F8
    simulated: F8
    scale: float
    n_simulations: int
    ancestors: np.ndarray[Any, np.dtype[np.intp]]

    def take(self, index: np.ndarray[Any, np.dtype[np.intp]]) -> None:
        """Keep the particles of an index, some of them several times."""
        self.points, self.simulated = self.points[index], self.simulated[index]
        self.ancestors = np.vstack([self.ancestors[:, index], index])

    def move(self, step: str, temperature: float, normal: _Normal) -> float:
        """Move each particle by one Metropolis step; return the share that moved.

        Proposals leave a normal distribution as it is (Cotter, Roberts, Stuart and White 2013, Statistical
        Science 28(3)), so that only what is not normal is rejected: particles of a normal posterior are drawn
        anew, those of another take steps as short as they must be.
        """
        rng = generator(self.problem.seed, step)
        n, d = self.points.shape
        fresh = rng.standard_normal((n, d)) @ normal.root.T
        away = np.sqrt(1.0 - self.scale**2) * (self.points - normal.centre)
        proposed = normal.centre + away + self.scale * fresh
        simulated = np.asarray(self.problem.evaluate(step, proposed), dtype=np.float64)
        self.n_simulations += n
        gain = self._log_density(proposed, simulated, temperature) - normal.log_density(proposed)
        gain -= self._log_density(self.points, self.simulated, temperature) - normal.log_density(self.points)
        accepted = np.log(rng.random(n)) < gain
        self.points = np.where(accepted[:, None], proposed, self.points)
        self.simulated = np.where(accepted[:, None], simulated, self.simulated)
        share = float(accepted.mean())
        self.scale = min(1.0, self.scale * float(np.exp(share - ACCEPTANCE)))
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

    Where one swarm of particles is not worth ``min_ess`` draws, another one follows that knows nothing of
    it, as long as there are simulations left for a swarm that costs as much as the one before.

    Parameters
    ----------
    problem
        Whose posterior is wanted.
    min_ess
        Effective size that is wanted: by default a swarm has a quarter more particles than this, and at least
        ``LEAST_PARTICLES``.
    max_sims
        Most simulations; particles that have not arrived by then have an effective size of nought.
    n_particles
        Number of particles of a swarm.

    Returns
    -------
    Draws
        Equally weighted. The effective size is that of their mean: copies, shared ancestors and places that
        moves have not forgotten yet count against it (``effective_size_of_families``).

    Notes
    -----
    For the default size, linear problems of 4, 8 and 12 parameters take 3,500, 5,000 and 7,500 simulations.
    """
    n = max(LEAST_PARTICLES, int(np.ceil(1.25 * min_ess))) if n_particles is None else n_particles
    swarms: list[_Swarm] = []
    sizes: list[float] = []
    table: list[dict[str, Any]] = []
    spent = 0
    while not swarms or (
        0.0 < _together(sizes) < min_ess and spent + swarms[-1].n_simulations <= max_sims and sizes[-1] > 0.0
    ):
        name = "tempered" if not swarms else f"tempered {len(swarms) + 1}"
        swarm, rows = _lead(problem, name, n, min_ess, max_sims - spent)
        spent += swarm.n_simulations
        swarms.append(swarm)
        sizes.append(float(rows[-1]["effective_size"]) if rows else 0.0)
        table += [{**row, "batch": len(table) + row["batch"]} for row in rows]
        if sizes[-1] > 0.0:
            table[-1] |= {"draws": n * len(swarms), "effective_size": _together(sizes)}
    used = [swarm for swarm, size in zip(swarms, sizes, strict=True) if size > 0.0] or swarms[:1]
    total = n * len(used)
    return Draws(
        points=np.concatenate([swarm.points for swarm in used]),
        log_weights=np.full(total, -np.log(total)),
        simulated=np.concatenate([swarm.simulated for swarm in used]),
        method="tempered",
        effective_size=_together(sizes),
        pareto_k=np.nan,
        n_simulations=spent,
        table=tuple(table),
    )


def _together(sizes: Sequence[float]) -> float:
    """Return the effective size of the mean over swarms that arrived, all of the same weight."""
    arrived = [size for size in sizes if size > 0.0]
    return len(arrived) ** 2 / sum(1.0 / size for size in arrived) if arrived else 0.0


def _lead(
    problem: Problem, name: str, n: int, min_ess: float, max_sims: int
) -> tuple[_Swarm, list[dict[str, Any]]]:
    """Lead one swarm from the prior to the posterior; return it and a row a temperature."""
    points = quasi_normal(problem.seed, f"{name}/prior", n, problem.n_parameters)
    simulated = np.asarray(problem.evaluate(f"{name}/prior", points), dtype=np.float64)
    swarm = _Swarm(problem, points, simulated, 1.0, n, np.empty((0, n), dtype=np.intp))
    temperature, stage = 0.0, 0
    table: list[dict[str, Any]] = []
    while temperature < 1.0 and np.isfinite(problem.misfit(swarm.simulated)).any():
        stage += 1
        before = temperature
        temperature = _next_temperature(problem.misfit(swarm.simulated), before)
        step = f"{name}/{stage}"
        normal = _reweigh(swarm, temperature - before, step)
        moves, acceptance = _mix(swarm, step, temperature, normal, min_ess, max_sims)
        table.append(_row(swarm, stage, temperature, moves, acceptance))
        if moves == 0:
            break
    return swarm, table


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


def _reweigh(swarm: _Swarm, step: float, name: str) -> _Normal:
    """Resample particles by their weights; return the normal distribution that is like them."""
    weights = np.exp(normalise(-step * swarm.problem.misfit(swarm.simulated)))
    centre = weights @ swarm.points
    away = swarm.points - centre
    covariance = (away.T * weights) @ away + 1e-6 * np.eye(away.shape[1])
    offset = float(generator(swarm.problem.seed, f"{name}/resample").random())
    swarm.take(choose_systematically(weights, len(weights), offset))
    return _Normal(centre, np.asarray(np.linalg.cholesky(covariance)))


def _mix(
    swarm: _Swarm, name: str, temperature: float, normal: _Normal, min_ess: float, max_sims: int
) -> tuple[int, float]:
    """Move particles until they have forgotten where they were; return moves and the share accepted."""
    start = swarm.points
    arrived = temperature >= 1.0
    target = MIXED if arrived else MIXED_ON_THE_WAY
    accepted: list[float] = []
    sizes: list[float] = []
    while len(accepted) < MOST_MOVES and swarm.n_simulations + len(start) <= max_sims:
        accepted.append(swarm.move(f"{name}/{len(accepted) + 1}", temperature, normal))
        moved = normal.standardise(swarm.points) - normal.standardise(start)
        # the mean squared difference of two standard normal values with correlation c is 2 (1 - c)
        forgotten = 1.0 - 0.5 * float(np.mean(moved**2)) < target
        if not arrived:
            if forgotten:
                break
            continue
        sizes.append(_effective(swarm))
        enough = sizes[-1] >= min(min_ess, 0.9 * len(start)) and len(sizes) >= LEAST_MOVES
        # more of them would not make up for ancestors in common: another swarm does
        stalled = len(sizes) > PATIENCE and sizes[-1] < 1.1 * sizes[-1 - PATIENCE]
        if forgotten and (enough or stalled):
            break
    return len(accepted), float(np.mean(accepted)) if accepted else 0.0


def _effective(swarm: _Swarm) -> float:
    return effective_size_of_families(swarm.points, swarm.ancestors)[0]


def effective_size_of_families(
    points: F8, ancestors: np.ndarray[Any, np.dtype[np.intp]]
) -> tuple[float, float]:
    """Return how many independent draws would tell the mean as well as particles with ancestors in common.

    Particles of different families are independent, those of one family are not: how far the sums of whole
    families scatter tells the variance of the mean, copies and what moves have not mixed yet included.

    Parameters
    ----------
    points
        Equally weighted particles, shape (n, parameters).
    ancestors
        From which particle of each stage each comes, oldest stage first, shape (stages, n). Families are
        those of the first stage that ``LEAST_FAMILIES`` of them are left of.

    Returns
    -------
    tuple of float
        The effective size: averaged over all directions of the parameters, at most the number of particles.
        The number of families, large ones counted as more than small ones (Kish).

    References
    ----------
    Chan and Lai (2013), A general theory of particle filters in hidden Markov models and some applications,
    Annals of Statistics 41(6); Lee and Whiteley (2018), Variance estimation in the particle
    filter, Biometrika 105(3). Families of a later stage: Olsson and Douc (2019), Bernoulli 25(2).
    """
    n, d = points.shape
    away = points - points.mean(axis=0)
    spread = away.T @ away / n
    for stage in ancestors:
        _, family, counts = np.unique(stage, return_inverse=True, return_counts=True)
        n_families = float(n**2 / np.sum(counts.astype(np.float64) ** 2))
        if n_families >= LEAST_FAMILIES:
            break
    else:
        return 0.0, 0.0
    sums = np.zeros((counts.size, d))
    np.add.at(sums, family, away)
    variance = sums.T @ sums / n**2 / (1.0 - 1.0 / n_families)
    ratio = float(np.trace(np.linalg.lstsq(spread, variance, rcond=None)[0])) / d
    return (min(float(n), 1.0 / ratio) if ratio > 0.0 else 0.0), n_families


def _row(swarm: _Swarm, stage: int, temperature: float, moves: int, acceptance: float) -> dict[str, Any]:
    """Return a line of the table; particles that have not arrived have no effective size."""
    size, families = effective_size_of_families(swarm.points, swarm.ancestors)
    return {
        "method": "tempered",
        "batch": stage,
        "draws": len(swarm.points),
        "effective_size": size if temperature >= 1.0 and moves > 0 else 0.0,
        "pareto_k": np.nan,
        "temperature": temperature,
        "moves": moves,
        "acceptance": acceptance,
        "families": families,
    }
