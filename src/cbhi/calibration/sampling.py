"""Draws from the posterior by the first method whose own diagnostics accept them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cbhi.calibration.core import CalibrationNotConverged, Draws, ModeSearch, Problem
from cbhi.calibration.importance import importance_sampling
from cbhi.calibration.streams import generator
from cbhi.calibration.tempered import choose_systematically, tempered_sampling
from cbhi.kernels.records import F8

__all__ = ["resample", "sample"]


def sample(
    problem: Problem,
    search: ModeSearch,
    *,
    min_ess: float = 400.0,
    max_khat: float = 0.7,
    max_sims: int = 6000,
    max_tempered_sims: int = 30_000,
) -> Draws:
    """Draw from the posterior: importance sampling, then tempered sequential Monte Carlo.

    Parameters
    ----------
    problem
        Whose posterior is wanted.
    search
        Its modes; the normal approximations there are where importance sampling starts.
    min_ess
        Effective size that is wanted.
    max_khat
        Largest Pareto k of importance weights that is accepted.
    max_sims
        Most simulations of importance sampling.
    max_tempered_sims
        Most simulations of tempered sequential Monte Carlo, in addition; 0 leaves it out.

    Returns
    -------
    Draws
        That meet the diagnostics. Its table and its number of simulations count all that was tried.

    Raises
    ------
    CalibrationNotConverged
        When no method met its diagnostics, with the table of all batches.
    ValueError
        When a limit makes no sense.
    """
    _check(problem, search, min_ess, max_khat, max_sims)
    draws = importance_sampling(problem, search, min_ess=min_ess, max_khat=max_khat, max_sims=max_sims)
    if draws.effective_size >= min_ess and draws.pareto_k <= max_khat:
        return draws
    table, n_simulations = draws.table, draws.n_simulations
    if max_tempered_sims > 0:
        draws = tempered_sampling(problem, min_ess=min_ess, max_sims=max_tempered_sims)
        table, n_simulations = table + draws.table, n_simulations + draws.n_simulations
        if draws.effective_size >= min_ess:
            return replace(draws, table=table, n_simulations=n_simulations)
    raise CalibrationNotConverged(
        f"no method reached an effective size of {min_ess:g} with Pareto k <= {max_khat:g} in {n_simulations}"
        f" simulations:\n{_as_text(table)}\nAllow more simulations, or look at the targets that the model"
        " cannot meet: very small errors make a posterior that is hard to draw from",
        table,
    )


def _check(problem: Problem, search: ModeSearch, min_ess: float, max_khat: float, max_sims: int) -> None:
    if not search.modes:
        raise ValueError("search has no modes; search_modes(problem) finds them")
    if search.modes[0].point.shape != (problem.n_parameters,):
        raise ValueError(
            f"search is of another problem: its modes have {search.modes[0].point.size} parameters,"
            f" the problem has {problem.n_parameters}"
        )
    if not min_ess > 0.0:
        raise ValueError(f"min_ess must be above 0, got {min_ess}")
    if not 0.0 < max_khat <= 1.0:
        raise ValueError(
            f"max_khat must be above 0 and at most 1, where means no longer exist; got {max_khat}"
        )
    if max_sims < 1:
        raise ValueError(f"max_sims must be at least 1, got {max_sims}")


def _as_text(table: Sequence[dict[str, Any]]) -> str:
    """Return the last batch of each method as lines."""
    last = {row["method"]: row for row in table}
    return "\n".join(
        f"  {method}: {row['batch']} batches, {row['draws']} draws, effective size"
        f" {row['effective_size']:.0f}, Pareto k {row['pareto_k']:.2f}"
        for method, row in last.items()
    )


def resample(draws: Draws, n: int, seed: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Choose equally weighted draws for an ensemble.

    Parameters
    ----------
    draws
        Weighted draws.
    n
        How many to choose.
    seed
        Decides which.

    Returns
    -------
    numpy.ndarray
        Indices into the draws, shape (n,), in random order, so that the first few are a fair choice too. A
        draw of weight w appears ``n w`` times, rounded up or down: never twice where its weight is at most
        1 / n.

    Raises
    ------
    ValueError
        When n is below 1.

    Notes
    -----
    Systematic sampling along the direction in which the posterior is widest, so that every part of it has its
    share.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    order = np.argsort(_along_widest(draws), kind="stable")
    rng = generator(seed, "resample")
    chosen = order[choose_systematically(draws.weights[order], n, float(rng.random()))]
    return np.asarray(rng.permutation(chosen))


def _along_widest(draws: Draws) -> F8:
    """Return where each draw is along the first principal axis, shape (draws,)."""
    away = draws.points - draws.weights @ draws.points
    covariance = (away.T * draws.weights) @ away
    return np.asarray(away @ np.linalg.eigh(covariance)[1][:, -1], dtype=np.float64)
