"""How results vary over replicates: the spread itself, and the Monte Carlo error of their mean.

The two answer different questions. ``quantiles`` says how far one run can lie from another; it does not
shrink with more replicates. ``mean_ci`` says how well the mean over replicates is known; it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from cbhi.kernels.records import F8
from cbhi.variables import VARIABLES, By

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.results import Results

__all__ = [
    "MeanInterval",
    "mean_ci_frame",
    "mean_ci_over_replicates",
    "quantile_column",
    "quantiles_frame",
    "quantiles_over_replicates",
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


def mean_ci_over_replicates(values: F8, level: float = 0.95) -> MeanInterval:
    """Return the mean over the first axis with its Monte Carlo standard error and Student's t interval.

    Parameters
    ----------
    values
        Any shape with replicates first, in any unit. Replicates without a value are left out one by one.
    level
        Coverage of the interval, above 0 and below 1.

    Returns
    -------
    MeanInterval
        In the unit of the values. With fewer than two values, standard error and interval are not a number.

    Raises
    ------
    ValueError
        For a level outside 0 to 1.
    """
    from scipy.special import stdtrit

    level = _share(level, "level")
    if level in (0.0, 1.0):
        raise ValueError(f"level = {level:g} must be above 0 and below 1; example: 0.95")
    data = np.asarray(values, dtype=float)
    known = ~np.isnan(data)
    n = known.sum(axis=0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, data, 0.0).sum(axis=0) / n
        squares = np.where(known, (data - mean) ** 2, 0.0).sum(axis=0)
        error = np.where(n > 1, np.sqrt(squares / (n - 1.0) / n), np.nan)
    half = stdtrit(np.maximum(n - 1.0, 1.0), 0.5 + level / 2.0) * error
    return MeanInterval(mean, error, mean - half, mean + half, n)


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
    found = mean_ci_over_replicates(results.values(name, every=every, by=by), level)
    columns = {
        "mean": found.mean,
        "standard_error": found.standard_error,
        "ci_low": found.low,
        "ci_high": found.high,
    }
    return _frame(results, name, every, by, found.n, columns)
