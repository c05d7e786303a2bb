"""Check the arguments of the closed forms: one message form, the name, the domain and the value."""

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray


def fail(name: str, domain: str, value: object, why: str = "") -> ValueError:
    """Build the error for an argument outside its domain."""
    reason = f": {why}" if why else ""
    return ValueError(f"{name} must be {domain}, got {value}{reason}")


def _domain(low: float, high: float, open_low: bool, open_high: bool) -> str:
    if low == -math.inf and high == math.inf:
        return ""
    if high == math.inf:
        return f"{'>' if open_low else '>='} {low:g}"
    return f"in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"


def real(
    name: str,
    value: float,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    why: str = "",
) -> float:
    """Return a finite number inside an interval, or raise."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    number = float(value)
    domain = _domain(low, high, open_low, open_high)
    if not math.isfinite(number):
        raise fail(name, f"a finite number {domain}".strip(), number)
    if number < low or number > high or (open_low and number == low) or (open_high and number == high):
        raise fail(name, domain, number, why)
    return number


def positive(name: str, value: float, why: str = "") -> float:
    """Return a finite number above zero, or raise."""
    return real(name, value, 0.0, open_low=True, why=why)


def nonnegative(name: str, value: float, why: str = "") -> float:
    """Return a finite number at or above zero, or raise."""
    return real(name, value, 0.0, why=why)


def share(name: str, value: float, why: str = "") -> float:
    """Return a number in [0, 1], or raise."""
    return real(name, value, 0.0, 1.0, why=why)


def inner_share(name: str, value: float, why: str = "") -> float:
    """Return a number strictly between 0 and 1, or raise."""
    return real(name, value, 0.0, 1.0, open_low=True, open_high=True, why=why)


def integer(name: str, value: int, low: int, high: int | None = None, why: str = "") -> int:
    """Return a whole number inside a closed range, or raise."""
    domain = f"an integer >= {low}" if high is None else f"an integer in [{low}, {high}]"
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise fail(name, domain, value)
    number = int(value)
    if number < low or (high is not None and number > high):
        raise fail(name, domain, number, why)
    return number


def vector(
    name: str, values: ArrayLike, *, min_size: int = 1, low: float = -math.inf, open_low: bool = False
) -> NDArray[np.float64]:
    """Return a one-dimensional array of finite numbers above a bound, or raise."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of real numbers, got {values!r}") from None
    if array.ndim != 1 or array.size < min_size:
        raise fail(name, f"a 1-d array of at least {min_size} numbers", f"an array of shape {array.shape}")
    bad = ~np.isfinite(array) | (array < low)
    if open_low:
        bad |= array == low
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        domain = _domain(low, math.inf, open_low, False)
        raise fail(f"{name}[{where}]", f"a finite number {domain}".strip(), array[where])
    return array


def probabilities(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return non-negative numbers that sum to one, or raise."""
    array = vector(name, values, low=0.0)
    total = float(array.sum())
    if abs(total - 1.0) > 1e-9:
        raise fail(name, "probabilities that sum to 1", f"a sum of {total}")
    return array


def finite(name: str, domain: str, value: float, result: float) -> float:
    """Return a result that fits in double precision, or blame an argument."""
    if not math.isfinite(result):
        raise fail(name, domain, value, "the result overflows double precision")
    return result
