"""Adaptive multiple importance sampling: batches of draws whose proposals learn from the batches before.

An emulator of the simulator decides where to simulate; the simulator alone decides what a draw weighs.

Notes
-----
The first batch comes from t distributions around the modes. For each later one an emulator is fitted to the
best points so far, many candidates are drawn from a mixture of t distributions, and candidate i is simulated
with probability ``min(1, r + c e(x_i) / q(x_i))``, e the emulated posterior density, q the mixture's, r a
small constant and c such that the batch has the size wanted. The expected number of draws a unit of volume
is then known for every batch (candidates x q x that probability), and a draw weighs the posterior density
over the sum of it over all batches: the deterministic mixture of Cornuet, Marin, Mira and Robert (2012),
Adaptive multiple importance sampling, Scandinavian Journal of Statistics 39(4), with proposals thinned in
two phases. Where the emulator is wrong weights are uneven, which the diagnostics see; they are never biased
by it. What no draw comes near they cannot see: a mode that the search missed is missing here as well, but
for the small part of the proposal that is the prior.

On synthetic data sets of ``benchmarks/calibration/mean_field.py`` (twelve parameters, eighteen
targets) an effective size of 400 takes 620 to 860 simulations (median 750 of 20 sets), half of what moments
adapted by weights alone take (1,500), and 950 to 1,490 with errors three times smaller (8 sets).
These sets carried the simulator's noise once more than the covariance counts, as those of today do not; in
50 sets of the engine itself (docs/calibration.md) fits and draws together took 1,002 (median).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cbhi.calibration.core import Draws, ModeSearch, Problem
from cbhi.calibration.emulator import Emulator, fit_emulator
from cbhi.calibration.laplace import laplace_covariance, laplace_weights
from cbhi.calibration.pareto import effective_size, smooth_weights
from cbhi.calibration.proposals import Component, Mixture, cholesky_root
from cbhi.calibration.streams import generator
from cbhi.kernels.records import F8

__all__ = ["importance_sampling", "laplace_mixture"]

FREEDOM = 10.0
"""Degrees of freedom of proposals: of draws for a normal in twelve dimensions t10 wastes 18 %, t5 31 %."""
DEFENSIVE = 0.05
"""Share of the prior in every mixture, which bounds the weights far from all modes."""
N_CANDIDATES = 16384
"""Candidates that are emulated for a batch."""
AT_RANDOM = 0.1
"""Share of a batch that is taken from the candidates whatever the emulator says of them."""
N_EMULATED = 350
"""Most simulated points that an emulator is fitted to."""
REACH = 10.0
"""Nats beyond the usual half a nat a parameter below the mode within which a point is worth emulating."""
N_FIRST = 250
"""Draws of the first batch and most of a later one."""
N_SMALLEST = 100
"""Fewest draws of a batch, so that each keeps workers busy."""


@dataclass(frozen=True)
class _Batch:
    """How the draws of a batch came about: candidates of a mixture, thinned by what an emulator says."""

    mixture: Mixture
    n_candidates: int
    emulator: Emulator | None = None
    log_scale: float = 0.0
    at_random: float = 1.0

    def log_intensity(self, points: F8) -> F8:
        """Return the logarithm of the expected number of draws a unit of volume at points, shape (n,)."""
        log_density = self.mixture.log_density(points)
        log_intensity = np.log(self.n_candidates) + log_density
        if self.emulator is not None:
            log_intensity = log_intensity + np.log(self.kept(points, log_density))
        return np.asarray(log_intensity, dtype=np.float64)

    def kept(self, points: F8, log_density: F8) -> F8:
        """Return the probability that a candidate is simulated, shape (n,)."""
        assert self.emulator is not None
        log_ratio = _log_emulated(self.emulator, points) - log_density + self.log_scale
        return np.asarray(np.minimum(1.0, self.at_random + np.exp(np.minimum(log_ratio, 0.0))))


@dataclass
class _State:
    """All draws so far and what they tell."""

    problem: Problem
    points: F8
    simulated: F8
    batches: list[_Batch] = field(default_factory=list)
    table: list[dict[str, Any]] = field(default_factory=list)
    log_weights: F8 = field(default_factory=lambda: np.empty(0))
    effective_size: float = 0.0
    pareto_k: float = np.inf
    efficiency: float = 1.0
    """Effective size of the last batch by itself over its draws."""

    def simulate(self, step: str, chosen: F8, batch: _Batch) -> None:
        """Simulate a batch and weigh all draws again."""
        from scipy.special import logsumexp

        self.points = np.vstack([self.points, chosen])
        simulated = np.asarray(self.problem.evaluate(step, chosen), dtype=np.float64)
        self.simulated = np.vstack([self.simulated, simulated])
        self.batches.append(batch)
        losses = self.problem.loss(self.points, self.simulated)
        if not np.isfinite(losses).any():
            return
        intensity = np.stack([each.log_intensity(self.points) for each in self.batches], axis=1)
        self.log_weights, self.pareto_k = smooth_weights(-losses - logsumexp(intensity, axis=1))
        self.effective_size = effective_size(self.log_weights)
        last = slice(-len(chosen), None)
        if np.isfinite(losses[last]).any():
            self.efficiency = effective_size(intensity[last, -1] * -1.0 - losses[last]) / len(chosen)
        self.table.append(
            {
                "method": "importance",
                "batch": len(self.batches),
                "draws": len(self.points),
                "effective_size": self.effective_size,
                "pareto_k": self.pareto_k,
            }
        )


def importance_sampling(
    problem: Problem,
    search: ModeSearch,
    *,
    min_ess: float = 400.0,
    max_khat: float = 0.7,
    max_sims: int = 6000,
) -> Draws:
    """Draw until the diagnostics are met or simulations run out.

    Parameters
    ----------
    problem
        Whose posterior is wanted.
    search
        Its modes.
    min_ess
        Effective size that is wanted.
    max_khat
        Largest shape of the tail of the weights that is accepted.
    max_sims
        Most simulations.

    Returns
    -------
    Draws
        All draws with smoothed weights, whether or not the diagnostics are met.
    """
    d = problem.n_parameters
    state = _State(problem, np.empty((0, d)), np.empty((0, len(problem.targets))))
    mixture = laplace_mixture(problem, search)
    emulator: Emulator | None = None
    while len(state.points) < max_sims:
        step = f"importance/{len(state.batches) + 1}"
        n = min(_batch_size(state, min_ess), max_sims - len(state.points))
        emulator = _emulate(state, emulator)
        if emulator is None:
            state.simulate(step, mixture.draw(problem.seed, step, n), _Batch(mixture, n))
        else:
            mixture = _follow(problem.seed, mixture, emulator, step)
            state.simulate(step, *_thin(problem.seed, mixture, emulator, step, n))
        if state.effective_size >= min_ess and state.pareto_k <= max_khat:
            break
    return Draws(
        points=state.points,
        log_weights=state.log_weights,
        simulated=state.simulated,
        method="importance",
        effective_size=state.effective_size,
        pareto_k=state.pareto_k,
        n_simulations=len(state.points),
        table=tuple(state.table),
    )


def laplace_mixture(problem: Problem, search: ModeSearch) -> Mixture:
    """Return t distributions around all modes, and a little of the prior."""
    components = [
        Component(mode.point, cholesky_root(laplace_covariance(problem, mode.jacobian)), FREEDOM)
        for mode in search.modes
    ]
    # the mass under a mode is only roughly known before anything is drawn
    shares = 0.8 * laplace_weights(problem, search.modes) + 0.2 / len(components)
    return _defended(Mixture(tuple(components), shares))


def _defended(mixture: Mixture) -> Mixture:
    """Return the mixture with a little of the prior."""
    d = mixture.components[0].centre.size
    prior = Component(np.zeros(d), np.eye(d), np.inf)
    return Mixture((*mixture.components, prior), np.append((1.0 - DEFENSIVE) * mixture.shares, DEFENSIVE))


def _undefended(mixture: Mixture) -> Mixture:
    """Return the mixture without the prior."""
    shares = mixture.shares[:-1]
    return Mixture(mixture.components[:-1], np.asarray(shares / shares.sum()))


def _log_emulated(emulator: Emulator, points: F8) -> F8:
    """Return the logarithm of the emulated posterior density but for a constant, shape (n,)."""
    return np.asarray(-0.5 * (np.sum(emulator(points) ** 2, axis=1) + np.sum(points**2, axis=1)))


def _batch_size(state: _State, min_ess: float) -> int:
    """Return how many draws should be enough, if they do as well as the last batch."""
    if not state.batches:
        return N_FIRST
    missing = (min_ess - state.effective_size) / max(state.efficiency, 0.1)
    return int(np.clip(np.ceil(missing), N_SMALLEST, N_FIRST))


def _emulate(state: _State, before: Emulator | None) -> Emulator | None:
    """Return an emulator of the whitened residuals; None where too little is known for one."""
    losses = state.problem.loss(state.points, state.simulated)
    if np.isfinite(losses).sum() < 2 * state.problem.n_parameters:
        return None
    order = np.argsort(losses, kind="stable")
    n_within = int(np.sum(losses <= losses[order[0]] + REACH + 0.5 * state.problem.n_parameters))
    useful = order[: max(n_within, N_EMULATED)]
    # the best alone would leave out where most of the posterior is when there are many parameters
    few = useful[np.linspace(0, len(useful) - 1, min(N_EMULATED, len(useful))).astype(int)]
    return fit_emulator(state.points[few], state.problem.residuals(state.simulated[few]), before)


def _follow(seed: int, mixture: Mixture, emulator: Emulator, step: str) -> Mixture:
    """Return the mixture moved to where the emulated posterior is, without a simulation."""
    moved = mixture
    for i in range(3):
        candidates = moved.draw(seed, f"{step}/follow/{i}", N_CANDIDATES // 4)
        log_weights, _ = smooth_weights(_log_emulated(emulator, candidates) - moved.log_density(candidates))
        moved = _defended(_undefended(moved).adapted(candidates, np.exp(log_weights)))
    return moved


def _thin(seed: int, mixture: Mixture, emulator: Emulator, step: str, n: int) -> tuple[F8, _Batch]:
    """Return n candidates chosen with probabilities that follow the emulated posterior, and those."""
    from scipy.optimize import brentq

    candidates = mixture.draw(seed, f"{step}/candidates", N_CANDIDATES)
    log_density = mixture.log_density(candidates)
    log_ratio = _log_emulated(emulator, candidates) - log_density
    at_random = AT_RANDOM * n / N_CANDIDATES

    def surplus(log_scale: float) -> float:
        kept = np.minimum(1.0, at_random + np.exp(np.minimum(log_ratio + log_scale, 0.0)))
        return float(kept.sum()) - n

    log_scale = float(brentq(surplus, -log_ratio.max() - 30.0, -log_ratio.min() + 1.0))
    batch = _Batch(mixture, N_CANDIDATES, emulator, log_scale, at_random)
    kept = batch.kept(candidates, log_density)
    # systematic sampling with unequal probabilities: no candidate twice, for none is kept with more than 1
    ladder = (generator(seed, f"{step}/thin").random() + np.arange(n)) * (kept.sum() / n)
    chosen = np.searchsorted(np.cumsum(kept), ladder, side="right")
    return candidates[np.minimum(chosen, N_CANDIDATES - 1)], batch
