"""How results vary over replicates: the spread itself, its parts, and the Monte Carlo error of their mean.

They answer different questions. ``quantiles`` says how far one run can lie from another; it does not
shrink with more replicates. ``mean_ci`` says how well the mean over replicates is known; it does.
``variance_shares`` says how much of the spread comes from parameters that differ between replicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels.records import F8, I8
from cbhi.variables import VARIABLES, By

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.results import Results

__all__ = [
    "MeanInterval",
    "VarianceShares",
    "describe_spread",
    "mean_ci_frame",
    "mean_ci_over_replicates",
    "quantile_column",
    "quantiles_frame",
    "quantiles_over_replicates",
    "share_in_words",
    "uncertainty_frame",
    "variance_shares",
]


class MeanInterval(NamedTuple):
    """Mean over replicates with its Monte Carlo error; each without the axis of the replicates."""

    mean: F8
    standard_error: F8
    low: F8
    high: F8
    n: F8  # replicates that have a value


def _share(value: float, what: str) -> float:
    """Return a probability, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise ValueError(f"{what} must be a number from 0 to 1, got {value!r}")
    if not 0.0 <= value <= 1.0:
        hint = f"; {value:g} % is written {value / 100:g}" if 1.0 < value <= 100.0 else ""
        raise ValueError(f"{what} = {value:g} is outside 0 to 1 [share]{hint}")
    return float(value)


def _open_share(value: float, what: str) -> float:
    """Return a probability that is neither 0 nor 1, or say what is wrong with it."""
    found = _share(value, what)
    if found in (0.0, 1.0):
        raise ValueError(f"{what} = {found:g} must be above 0 and below 1; example: 0.95")
    return found


def _probabilities(probabilities: Sequence[float]) -> list[float]:
    given = [probabilities] if np.isscalar(probabilities) else list(probabilities)
    if not given:
        raise ValueError("probabilities is empty; example: (0.05, 0.5, 0.95)")
    found = [_share(p, "a probability") for p in given]  # type: ignore[arg-type]
    if len(set(found)) < len(found):
        raise ValueError(f"a probability is given twice: {', '.join(f'{p:g}' for p in found)}")
    return found


def quantiles_over_replicates(values: F8, probabilities: Sequence[float] = (0.05, 0.5, 0.95)) -> F8:
    """Return quantiles over the first axis: the spread of the replicates, not an error of their mean.

    Parameters
    ----------
    values
        Any shape with replicates first, in any unit. Replicates without a value (not a number) are left out
        one by one.
    probabilities
        From 0 to 1, each once; linear interpolation between the ordered replicates.

    Returns
    -------
    numpy.ndarray
        Shape (probabilities, *the rest of the shape*); not a number where no replicate has a value.

    Raises
    ------
    ValueError
        For a probability outside 0 to 1 or given twice.
    """
    wanted = _probabilities(probabilities)
    flat = np.asarray(values, dtype=float).reshape(len(values), -1)
    found = np.full((len(wanted), flat.shape[1]), np.nan)
    for place, column in enumerate(flat.T):
        known = column[~np.isnan(column)]
        if known.size:
            found[:, place] = np.quantile(known, wanted)
    return found.reshape((len(wanted), *np.shape(values)[1:]))


class VarianceShares(NamedTuple):
    """Parts of the variance over replicates; each without the axis of the replicates."""

    parameters: F8  # variance between parameter sets, of the values that chance would leave on average
    chance: F8  # variance between replicates of one set
    share: F8  # parameters' part of the sum
    low: F8
    high: F8
    sets: F8  # that have a value
    n: F8  # replicates that have a value


def mean_ci_over_replicates(values: F8, level: float = 0.95, clusters: I8 | None = None) -> MeanInterval:
    """Return the mean over the first axis with its Monte Carlo standard error and Student's t interval.

    Parameters
    ----------
    values
        Any shape with replicates first, in any unit. Replicates without a value are left out one by one.
    level
        Coverage of the interval, above 0 and below 1.
    clusters
        Numbers by which replicates that share their parameters are told, shape (replicates,). These are not
        independent, so the error is that of sums over clusters (Liang and Zeger 1986), with the number of
        clusters in the place of that of replicates. If not given, all are independent.

    Returns
    -------
    MeanInterval
        In the unit of the values. With fewer than two values, or values in fewer than two clusters, standard
        error and interval are not a number.

    Raises
    ------
    ValueError
        For a level outside 0 to 1.
    """
    from scipy.special import stdtrit

    level = _open_share(level, "level")
    data = np.asarray(values, dtype=float)
    known = ~np.isnan(data)
    n = known.sum(axis=0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, data, 0.0).sum(axis=0) / n
        apart = np.where(known, data - mean, 0.0)
        m = n
        if clusters is not None:
            apart = _sum_by(clusters, apart)
            m = (_sum_by(clusters, known) > 0).sum(axis=0).astype(float)
        squares = (apart**2).sum(axis=0)
        error = np.where(m > 1, np.sqrt(squares * m / (m - 1.0)) / n, np.nan)
    half = stdtrit(np.maximum(m - 1.0, 1.0), 0.5 + level / 2.0) * error
    return MeanInterval(mean, error, mean - half, mean + half, n)


def _sum_by(clusters: I8, values: NDArray[Any]) -> F8:
    """Return sums of the first axis over each cluster, shape (clusters, ...)."""
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(np.asarray(clusters)[order]) != 0))
    return np.asarray(np.add.reduceat(np.asarray(values, dtype=float)[order], starts, axis=0))


def variance_shares(values: F8, clusters: I8, level: float = 0.9) -> VarianceShares:
    """Return how much of the variance over replicates lies between clusters of them, and how much within.

    Analysis of variance with random effects: of the mean squares between and within clusters, the first
    expects ``chance + n0 * parameters``, the second ``chance`` (Searle, Casella and McCulloch 1992, chapter
    3). The interval of the share is that of their ratio (F distribution), exact for normal values and
    clusters of one size. Both depend on how many households are simulated: more of them leave less to chance.

    Parameters
    ----------
    values
        Any shape with replicates first, in any unit. Replicates without a value are left out one by one.
    clusters
        Numbers by which replicates that share their parameters are told, shape (replicates,).
    level
        Coverage of the interval, above 0 and below 1.

    Returns
    -------
    VarianceShares
        Not a number where fewer than two clusters have a value or none has two, and the share also where
        nothing varies. A difference that chance explains leaves no variance to the parameters.

    Raises
    ------
    ValueError
        For a level outside 0 to 1.
    """
    from scipy.special import fdtri

    level = _open_share(level, "level")
    data = np.asarray(values, dtype=float)
    known = ~np.isnan(data)
    own = np.asarray(clusters)
    sizes = _sum_by(own, known)
    n, sets = sizes.sum(axis=0), (sizes > 0).sum(axis=0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        filled = np.where(known, data, 0.0)
        means = np.where(sizes > 0, _sum_by(own, filled) / sizes, 0.0)
        mean = filled.sum(axis=0) / n
        place = np.unique(own, return_inverse=True)[1]
        inside = np.where(known, (data - means[place]) ** 2, 0.0).sum(axis=0)
        between = (sizes * (means - mean) ** 2).sum(axis=0) / (sets - 1.0)
        size = (n - (sizes**2).sum(axis=0) / n) / (sets - 1.0)
        chance = inside / (n - sets)
        judged = (sets > 1) & (n > sets)
        parameters = np.where(judged, np.maximum(0.0, (between - chance) / size), np.nan)
        chance = np.where(judged, chance, np.nan)
        share = parameters / (parameters + chance)
        ratio = between / chance
        ends = [
            np.maximum(0.0, (f - 1.0) / (f - 1.0 + size))
            for f in (
                ratio
                / fdtri(np.maximum(sets - 1.0, 1.0), np.maximum(n - sets, 1.0), 0.5 + tail * level / 2.0)
                for tail in (1.0, -1.0)
            )
        ]
        low, high = (np.where(np.isinf(ratio), 1.0, np.where(np.isnan(share), np.nan, end)) for end in ends)
    return VarianceShares(parameters, chance, share, low, high, sets, n)


def quantile_column(probability: float) -> str:
    """Return the name of a quantile's column: ``p05``, ``p50``, ``p97.5``."""
    whole, dot, rest = f"{100.0 * probability:.10g}".partition(".")
    return f"p{whole.zfill(2)}{dot}{rest}"


def _frame(
    results: Results, name: str, every: Literal["year", "month"], by: By, n: F8, columns: dict[str, F8]
) -> pd.DataFrame:
    """Return one row a period and group; each column has the shape (periods, groups)."""
    import pandas as pd

    labels, groups = results.period_labels(every), results.groups(by)
    frame = pd.DataFrame(
        {
            "scenario": results.scenario.name,
            "period": np.repeat(np.array(labels, dtype=object), len(groups)),
            "group": np.tile(np.array(groups, dtype=object), len(labels)),
            "variable": name,
            **{key: values.ravel() for key, values in columns.items()},
        }
    )
    return frame.assign(n_replicates=n.ravel().astype(int), unit=VARIABLES[name].unit)


def quantiles_frame(
    results: Results,
    name: str,
    probabilities: Sequence[float] = (0.05, 0.5, 0.95),
    *,
    every: Literal["year", "month"] = "year",
    by: By = "all",
) -> pd.DataFrame:
    """Return the spread of a variable over replicates; see ``Results.quantiles``."""
    wanted = _probabilities(probabilities)
    values = results.values(name, every=every, by=by)
    found = quantiles_over_replicates(values, wanted)
    n = (~np.isnan(values)).sum(axis=0)
    return _frame(
        results, name, every, by, n, {quantile_column(p): q for p, q in zip(wanted, found, strict=True)}
    )


def mean_ci_frame(
    results: Results,
    name: str,
    level: float = 0.95,
    *,
    every: Literal["year", "month"] = "year",
    by: By = "all",
) -> pd.DataFrame:
    """Return the mean over replicates and its Monte Carlo error; see ``Results.mean_ci``."""
    found = mean_ci_over_replicates(results.values(name, every=every, by=by), level, results.clusters)
    columns = {
        "mean": found.mean,
        "standard_error": found.standard_error,
        "ci_low": found.low,
        "ci_high": found.high,
    }
    return _frame(results, name, every, by, found.n, columns)


def uncertainty_frame(
    results: Results,
    name: str,
    level: float = 0.9,
    *,
    every: Literal["year", "month"] = "year",
    by: By = "all",
) -> pd.DataFrame:
    """Return the parts of a variable's variance; see ``Results.uncertainty``."""
    if results.clusters is None:
        raise ValueError(
            f"scenario '{results.scenario.name}' carries no parameter sets that differ, so all of its spread"
            " is chance; scenario.with_sets(cbhi.ParameterSets.read(...)) adds some"
        )
    found = variance_shares(results.values(name, every=every, by=by), results.clusters, level)
    columns = {
        "variance_parameters": found.parameters,
        "variance_chance": found.chance,
        "share_parameters": found.share,
        "share_low": found.low,
        "share_high": found.high,
        "n_param_sets": found.sets,
    }
    frame = _frame(results, name, every, by, found.n, columns)
    return frame.assign(n_param_sets=frame["n_param_sets"].astype(int))


def describe_spread(results: Results) -> str:
    """Return in a few words what makes replicates differ."""
    if results.clusters is None:
        return "chance alone"
    return f"parameters and chance ({results.n_param_sets} parameter sets)"


def share_in_words(results: Results, name: str, place: int) -> str:
    """Return the parameters' share of the variance of one variable in one year, with its 90 % interval.

    Parameters
    ----------
    results
        Results with parameter sets.
    name
        A name from ``cbhi.VARIABLES``.
    place
        Place of the reporting year.

    Returns
    -------
    str
        Such as "82 % (61 to 93)"; an empty text where it cannot be told.
    """
    if results.clusters is None:
        return ""
    found = variance_shares(results.values(name)[:, place, 0], results.clusters)
    if not np.isfinite(found.share):
        return ""
    share, low, high = (100.0 * float(part) for part in (found.share, found.low, found.high))
    return f"{share:.0f} % ({low:.0f} to {high:.0f})"
