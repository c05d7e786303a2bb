"""Priors: what is believed of one parameter before the data, and its map to a standard normal coordinate.

A prior is cut at the range that it is given and at the one that its parameter allows. The cut goes through
the distribution function, so that the distribution between the bounds keeps its shape and no value is met
with a probability of its own, as values at the bounds would be if draws were clipped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

from cbhi.kernels.records import F8
from cbhi.params import Confidence
from cbhi.scenarios.changes import SERIES_RANGE, explain_unknown, known_parameters
from cbhi.words import listed, number_text, suggest

__all__ = ["FAMILIES", "Family", "Prior", "check_priors"]

Family = Literal["normal", "lognormal", "beta", "uniform"]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "lognormal": ("median", "log_sd"),
    "beta": ("a", "b"),
    "uniform": (),
}
"""What a prior of each family must say, beside its range."""

LEAST_MASS = 0.01
"""Least part of a prior that must lie in the allowed range; less is a mistake of units, not a belief."""


@dataclass(frozen=True)
class Prior:
    """What is believed of one parameter before the data.

    Attributes
    ----------
    key
        Full key of the parameter.
    family
        ``"normal"`` (``mean``, ``sd``), ``"lognormal"`` (``median``, ``log_sd``), ``"beta"`` (``a``, ``b``,
        stretched over ``low`` to ``high``) or ``"uniform"`` from ``low`` to ``high``.
    numbers
        The numbers of the family, in the parameter's unit where they have one.
    low, high
        Bounds; those that the parameter allows if not given.
    source
        Where the belief comes from.
    confidence
        One of ``cbhi.params.Confidence``.

    Raises
    ------
    ValueError
        With everything that is wrong with the prior, in one message.
    """

    key: str
    family: str
    numbers: Mapping[str, float]
    source: str
    confidence: str
    low: float | None = None
    high: float | None = None
    _bounds: tuple[float, float] = field(init=False, repr=False, compare=False, default=(0.0, 0.0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", dict(self.numbers))
        problems = _problems(self)
        if problems:
            raise ValueError("\n".join(problems))
        object.__setattr__(self, "_bounds", _range(self))
        if self.mass < LEAST_MASS:
            low, high = self.bounds
            raise ValueError(
                f"prior of {self.key}: {self.in_words()} has {self.mass:.2g} of its mass in"
                f" {number_text(low)} to {number_text(high)} [{self.unit}]; look at its unit and its range"
            )

    def __hash__(self) -> int:
        return hash((self.key, self.family, tuple(sorted(self.numbers.items())), self.low, self.high))

    @classmethod
    def normal(cls, key: str, mean: float, sd: float, **about: Any) -> Prior:
        """Return a normal prior; ``about`` holds source, confidence and bounds, as for ``Prior``."""
        return cls(key=key, family="normal", numbers={"mean": mean, "sd": sd}, **about)

    @classmethod
    def lognormal(cls, key: str, median: float, log_sd: float, **about: Any) -> Prior:
        """Return a prior whose logarithm is normal; ``about`` as for ``normal``."""
        return cls(key=key, family="lognormal", numbers={"median": median, "log_sd": log_sd}, **about)

    @classmethod
    def beta(cls, key: str, a: float, b: float, **about: Any) -> Prior:
        """Return a beta prior stretched over its range; ``about`` as for ``normal``."""
        return cls(key=key, family="beta", numbers={"a": a, "b": b}, **about)

    @classmethod
    def uniform(cls, key: str, low: float, high: float, **about: Any) -> Prior:
        """Return a prior that is level from ``low`` to ``high``; ``about`` holds source and confidence."""
        return cls(key=key, family="uniform", numbers={}, low=low, high=high, **about)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value."""
        return self._bounds

    @property
    def unit(self) -> str:
        """Unit of the parameter."""
        return known_parameters()[self.key].unit

    @property
    def title(self) -> str:
        """What the parameter is."""
        return known_parameters()[self.key].title

    @property
    def centre(self) -> float:
        """Value at the standardised coordinate 0: the median."""
        return float(self.to_value(np.zeros(1))[0])

    @property
    def mass(self) -> float:
        """Part of the uncut distribution that lies within the bounds."""
        return self._below(self.bounds[1]) - self._below(self.bounds[0])

    def in_words(self) -> str:
        """Return the distribution as a person writes it, such as ``normal(mean 2, sd 1)``."""
        numbers = ", ".join(f"{name} {number_text(value)}" for name, value in self.numbers.items())
        low, high = self.bounds
        within = f"{number_text(low)} to {number_text(high)}"
        return f"{self.family}({numbers}) within {within}" if numbers else f"{self.family}({within})"

    def to_value(self, z: F8) -> F8:
        """Return values of the parameter at standardised coordinates, any shape.

        Both tails keep their accuracy: what is beyond the median is reckoned from the upper end.

        Parameters
        ----------
        z
            Coordinates in which the prior is standard normal.

        Returns
        -------
        numpy.ndarray
            In the parameter's unit, same shape; not a number where ``z`` is not.
        """
        from scipy.special import ndtr

        z = np.asarray(z, dtype=np.float64)
        low, high = self.bounds
        below = self._below(low) + ndtr(z) * self.mass
        above = self._above(high) + ndtr(-z) * self.mass
        values = np.where(z > 0.0, self._with_above(above), self._with_below(below))
        # no more than the last digit of the inverse functions
        return np.clip(values, low, high)

    def to_z(self, values: F8) -> F8:
        """Return the standardised coordinates of values, any shape.

        Parameters
        ----------
        values
            In the parameter's unit; within the bounds.

        Returns
        -------
        numpy.ndarray
            Same shape; infinite at a bound.

        Raises
        ------
        ValueError
            For a value outside the bounds.
        """
        from scipy.special import ndtri

        values = np.asarray(values, dtype=np.float64)
        low, high = self.bounds
        outside = values[(values < low) | (values > high)]
        if outside.size:
            raise ValueError(
                f"{self.key} = {number_text(float(outside.flat[0]))} is outside {number_text(low)} to"
                f" {number_text(high)} [{self.unit}], the range of its prior"
            )
        below = (_each(self._below, values) - self._below(low)) / self.mass
        above = (_each(self._above, values) - self._above(high)) / self.mass
        return np.asarray(
            np.where(below < 0.5, ndtri(np.clip(below, 0.0, 1.0)), -ndtri(np.clip(above, 0.0, 1.0))),
            dtype=np.float64,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the prior as plain values, for a record or JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    # the uncut distribution: its function, the rest of it, and their inverses

    def _score(self, value: float) -> float:
        """Return how many standard deviations a value lies from the middle, of the two normal families."""
        if self.family == "normal":
            return (value - self.numbers["mean"]) / self.numbers["sd"]
        if value <= 0.0:
            return -math.inf
        return math.log(value / self.numbers["median"]) / self.numbers["log_sd"]

    def _unit_share(self, value: float) -> float:
        low, high = self._bounds
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def _below(self, value: float) -> float:
        from scipy.special import betainc, ndtr

        if self.family in ("normal", "lognormal"):
            return float(ndtr(self._score(value)))
        share = self._unit_share(value)
        return float(betainc(self.numbers["a"], self.numbers["b"], share)) if self.numbers else share

    def _above(self, value: float) -> float:
        from scipy.special import betaincc, ndtr

        if self.family in ("normal", "lognormal"):
            return float(ndtr(-self._score(value)))
        share = self._unit_share(value)
        return float(betaincc(self.numbers["a"], self.numbers["b"], share)) if self.numbers else 1.0 - share

    def _with_below(self, probability: F8) -> F8:
        from scipy.special import betaincinv, ndtri

        if self.family in ("normal", "lognormal"):
            return self._from_score(ndtri(probability))
        share = betaincinv(self.numbers["a"], self.numbers["b"], probability) if self.numbers else probability
        return self._from_share(share)

    def _with_above(self, probability: F8) -> F8:
        from scipy.special import betainccinv, ndtri

        if self.family in ("normal", "lognormal"):
            return self._from_score(-ndtri(probability))
        rest = 1.0 - probability
        share = betainccinv(self.numbers["a"], self.numbers["b"], probability) if self.numbers else rest
        return self._from_share(share)

    def _from_score(self, score: F8) -> F8:
        if self.family == "normal":
            return np.asarray(self.numbers["mean"] + self.numbers["sd"] * score, dtype=np.float64)
        return np.asarray(self.numbers["median"] * np.exp(self.numbers["log_sd"] * score), dtype=np.float64)

    def _from_share(self, share: F8) -> F8:
        low, high = self.bounds
        return np.asarray(low + share * (high - low), dtype=np.float64)


def _each(function: Any, values: F8) -> F8:
    """Return a function of each value, same shape."""
    flat = [function(float(value)) for value in values.ravel()]
    return np.asarray(flat, dtype=np.float64).reshape(values.shape)


def check_priors(priors: tuple[Prior, ...]) -> None:
    """Refuse two priors of one parameter.

    Raises
    ------
    ValueError
        With every key that occurs twice.
    """
    keys = [prior.key for prior in priors]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"two priors of {listed(twice)}; a parameter is either explored or carried, once")


def _range(prior: Prior) -> tuple[float, float]:
    """Return the bounds: the prior's own, or else the parameter's."""
    info = known_parameters()[prior.key]
    low = info.low if prior.low is None else prior.low
    high = info.high if prior.high is None else prior.high
    return (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))


def _problems(prior: Prior) -> list[str]:
    """Return everything that is wrong with a prior, one line each."""
    start = f"prior of {prior.key}"
    if prior.key not in known_parameters():
        return [f"{start}: {explain_unknown(prior.key)}"]
    info = known_parameters()[prior.key]
    if prior.key in SERIES_RANGE or isinstance(info.default, bool) or not isinstance(info.default, float):
        what = "a series" if prior.key in SERIES_RANGE else "not a real number"
        return [f"{start}: {prior.key} is {what}, so it cannot be fitted; choose a parameter of real numbers"]
    problems = [*_problems_of_family(prior, start), *_problems_of_range(prior, start)]
    if not prior.source.strip():
        problems.append(f"{start}: source is missing; say where the belief comes from, if only 'assumption'")
    if prior.confidence not in get_args(Confidence):
        near = suggest(prior.confidence, get_args(Confidence))
        problems.append(
            f"{start}: confidence must be one of {listed(get_args(Confidence), 'or')}, got"
            f" '{prior.confidence}'{near}"
        )
    return problems


def _problems_of_family(prior: Prior, start: str) -> list[str]:
    if prior.family not in FAMILIES:
        families = listed(FAMILIES, "or")
        return [f"{start}: family must be {families}, got '{prior.family}'{suggest(prior.family, FAMILIES)}"]
    wanted, given = FAMILIES[prior.family], prior.numbers
    problems = [
        f"{start}: a {prior.family} prior needs {listed(wanted)}; {name} is missing"
        for name in wanted
        if name not in given
    ]
    problems += [
        f"{start}: a {prior.family} prior has no '{name}'{suggest(name, wanted)}"
        for name in given
        if name not in wanted
    ]
    for name, value in given.items():
        if not _is_number(value):
            problems.append(f"{start}: {name} must be a number, got {value!r} [{_unit_of(prior, name)}]")
        elif name != "mean" and value <= 0.0:
            text = f"{start}: {name} = {number_text(value)} must be above 0 [{_unit_of(prior, name)}]"
            problems.append(text + ("; leave the parameter out to keep it fixed" if "sd" in name else ""))
    return problems


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _unit_of(prior: Prior, name: str) -> str:
    return known_parameters()[prior.key].unit if name in ("mean", "sd", "median") else "-"


def _problems_of_range(prior: Prior, start: str) -> list[str]:
    info = known_parameters()[prior.key]
    problems = []
    for name, value in (("low", prior.low), ("high", prior.high)):
        if value is None:
            continue
        if not _is_number(value):
            problems.append(f"{start}: {name} must be a number, got {value!r} [{info.unit}]")
        elif (info.low is not None and value < info.low) or (info.high is not None and value > info.high):
            least = "any" if info.low is None else number_text(info.low)
            most = "any" if info.high is None else number_text(info.high)
            problems.append(
                f"{start}: {name} = {number_text(value)} is outside {least} to {most} [{info.unit}], which"
                " the parameter allows"
            )
    if problems:
        return problems
    low, high = _range(prior)
    if not low < high:
        problems.append(
            f"{start}: low = {number_text(low)} is not below high = {number_text(high)} [{info.unit}]"
        )
    elif prior.family in ("beta", "uniform") and not (math.isfinite(low) and math.isfinite(high)):
        problems.append(f"{start}: a {prior.family} prior needs low and high [{info.unit}]")
    return problems
