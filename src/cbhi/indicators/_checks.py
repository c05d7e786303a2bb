"""Checks of input shared by the indicators.

Every check raises ``ValueError`` with a message that begins with the name of the argument.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Total: TypeAlias = ArrayLike | None
Ratio: TypeAlias = float | FloatArray

ABSENT = float("nan")
"""An indicator that cannot be computed; never zero."""

GUARD = 1e-12
"""Relative width inside which two numbers count as equal, so that rounding cannot break a tie."""


def exceeds(value: ArrayLike, limit: ArrayLike) -> BoolArray:
    """Return where ``value`` is strictly above ``limit``, treating rounding noise as a tie."""
    left, right = np.asarray(value, dtype=np.float64), np.asarray(limit, dtype=np.float64)
    margin = GUARD * np.maximum(np.abs(left), np.abs(right))
    return np.asarray(left - right > margin, dtype=np.bool_)


def _to_float(name: str, values: object) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numeric: {error}") from None


def check_values(
    name: str,
    values: ArrayLike,
    *,
    length: int | None = None,
    lower: float | None = None,
    positive: bool = False,
    ndim: int = 1,
) -> FloatArray:
    """Return a finite, non-empty float array of ``ndim`` dimensions."""
    array = _to_float(name, values)
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got {array.ndim}")
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    if length is not None and array.shape[0] != length:
        raise ValueError(f"{name} has {array.shape[0]} rows where {length} are expected")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise ValueError(f"{name} has {bad} missing or infinite value(s); drop or impute them first")
    if positive and np.any(array <= 0):
        raise ValueError(f"{name} must be positive, smallest value is {array.min():g}")
    if lower is not None and np.any(array < lower):
        raise ValueError(f"{name} must be at least {lower:g}, smallest value is {array.min():g}")
    return array


def check_mask(name: str, values: ArrayLike, length: int | None = None) -> BoolArray:
    """Return a boolean array from booleans or from zeros and ones."""
    array = check_values(name, values, length=length)
    if not np.all((array == 0) | (array == 1)):
        raise ValueError(f"{name} must hold only true and false (or 1 and 0)")
    return np.asarray(array == 1, dtype=np.bool_)


def check_weights(weights: ArrayLike | None, length: int) -> FloatArray:
    """Return one weight a row; ones when ``weights`` is None."""
    if weights is None:
        return np.ones(length)
    array = check_values("weights", weights, length=length, lower=0.0)
    if not array.sum() > 0:
        raise ValueError("weights are all zero")
    return array


def check_number(
    name: str,
    value: float,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> float:
    """Return one finite number inside its bounds."""
    array = _to_float(name, value)
    if array.ndim != 0:
        raise ValueError(f"{name} must be one number")
    number = float(array)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    if above is not None and not number > above:
        raise ValueError(f"{name} must be above {above:g}, got {number:g}")
    if at_least is not None and not number >= at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {number:g}")
    if below is not None and not number < below:
        raise ValueError(f"{name} must be below {below:g}, got {number:g}")
    return number


def check_count(name: str, value: int, *, at_least: int) -> int:
    """Return a whole number of at least ``at_least``."""
    number = check_number(name, value, at_least=at_least)
    if number != int(number):
        raise ValueError(f"{name} must be a whole number, got {number:g}")
    return int(number)


def check_per_row(name: str, value: ArrayLike, length: int, *, lower: float | None = None) -> FloatArray:
    """Return one finite number a row, from a single number or from one a row."""
    array = _to_float(name, value)
    if array.ndim == 0:
        array = np.full(length, float(array))
    return check_values(name, array, length=length, lower=lower)


def check_columns(name: str, values: ArrayLike, length: int) -> FloatArray:
    """Return a finite (length, k) array from one or several columns."""
    array = _to_float(name, values)
    return check_values(name, array[:, None] if array.ndim == 1 else array, length=length, ndim=2)


def check_total(name: str, value: Total, *, allow_negative: bool = False) -> FloatArray:
    """Return totals as floats, with NaN where the figure was not recorded."""
    if value is None:
        return np.asarray(ABSENT)
    array = _to_float(name, value)
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    if np.any(np.isinf(array)):
        raise ValueError(f"{name} has an infinite value")
    if not allow_negative and np.any(array < 0):
        raise ValueError(f"{name} must not be negative, smallest value is {np.nanmin(array):g}")
    return array


def as_ratio(array: FloatArray) -> Ratio:
    """Return a float for a single number and the array otherwise."""
    return float(array) if array.ndim == 0 else array


def divide(numerator: FloatArray, denominator: FloatArray, names: tuple[str, str]) -> Ratio:
    """Divide, giving NaN where the denominator is zero or either side is absent."""
    check_shapes(names, numerator, denominator)
    top, bottom = np.broadcast_arrays(numerator, denominator)
    quotient = np.full(top.shape, ABSENT)
    np.divide(top, bottom, out=quotient, where=bottom != 0)
    return as_ratio(quotient)


def check_shapes(names: tuple[str, ...], *arrays: FloatArray) -> None:
    """Refuse totals that cannot be lined up period by period."""
    shapes = {array.shape for array in arrays if array.ndim > 0}
    if len(shapes) > 1:
        raise ValueError(f"{', '.join(names)} have different shapes: {sorted(shapes)}")


def total_ratio(
    names: tuple[str, str],
    numerator: Total,
    denominator: Total,
    *,
    allow_negative: bool = False,
    part_of_whole: bool = False,
) -> Ratio:
    """Check two totals and divide them."""
    top = check_total(names[0], numerator, allow_negative=allow_negative)
    bottom = check_total(names[1], denominator)
    check_shapes(names, top, bottom)
    if part_of_whole and np.any(exceeds(top, bottom)):
        raise ValueError(f"{names[0]} exceeds {names[1]}, of which it is a part")
    return divide(top, bottom, names)


def mean(values: FloatArray | BoolArray, weights: FloatArray) -> float:
    """Return the weighted mean of one value a row."""
    return float(np.dot(values, weights) / weights.sum())
