"""What a search may vary: a number of a scenario, several at once, or a factor on them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbhi.scenarios import Event, ParameterSets, Scenario, ScenarioError
from cbhi.scenarios.changes import flatten
from cbhi.scenarios.changes import known_parameters as _table
from cbhi.words import suggest

__all__ = ["MOST_TIMES", "PREMIUM", "Lever", "make_lever"]

PREMIUM = "scale:scheme.premium_rwf,scheme.household_premium_rwf"
"""What the word ``premium`` stands for."""
MOST_TIMES = 10.0
"""Factors and premiums are searched up to this many times the scenario's own, if nothing else is asked."""
_SCALE = "scale:"


@dataclass(frozen=True)
class Lever:
    """One number that decides the values of one or more parameters.

    Attributes
    ----------
    name
        As the user wrote it.
    keys
        Full keys of the parameters.
    is_factor
        Whether the number multiplies the scenario's own values and those of its events, or replaces them
        for the whole run.
    unit
        Unit of the number.
    low, high
        Allowed range.
    present
        The scenario's own value: 1 for a factor, else the mean of what is in force in the month asked about.
    step
        Distance of neighbouring values: 1 for whole numbers.
    is_integer
        Whether the number is whole.
    """

    name: str
    keys: tuple[str, ...]
    is_factor: bool
    unit: str
    low: float
    high: float
    present: float
    step: float
    is_integer: bool

    @property
    def by_ratio(self) -> bool:
        """Whether values are compared by their ratio: factors, and amounts of money that are not 0."""
        return self.present > 0.0 and self.low >= 0.0 and (self.is_factor or "RWF" in self.unit)

    @property
    def usual_high(self) -> float:
        """Where a search ends unless it is told otherwise: ten times the own value, or what is allowed."""
        return min(self.high, MOST_TIMES * self.present) if self.by_ratio else self.high

    def place(self, value: float) -> float:
        """Return where a value stands on the scale on which this parameter is compared."""
        return math.log(max(value, self.step)) if self.by_ratio else value

    def snap(self, value: float) -> float:
        """Return the nearest value that is a multiple of the step."""
        whole = round(value / self.step)
        return float(whole) if self.step == 1.0 else round(whole * self.step, 12)

    def inside(self, low: float, high: float) -> tuple[float, float]:
        """Return the lowest and the highest multiple of the step from ``low`` to ``high``."""
        first, last = math.ceil(low / self.step - 1e-9), math.floor(high / self.step + 1e-9)
        return self.snap(first * self.step), self.snap(last * self.step)

    def show(self, value: float) -> str:
        """Return a value as text, with thousands apart."""
        if self.is_integer:
            return f"{value:,.0f}"
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return f"{value:,.{min(decimals, 12)}f}"

    def apply(self, scenario: Scenario, value: float) -> Scenario:
        """Return the scenario with this value; its name says so.

        Raises
        ------
        ScenarioError
            When the value breaks a rule that several parameters share.
        """
        name = f"{scenario.name} + {self.name}={self.show(value).replace(',', '')}"
        if not self.is_factor:
            new = int(value) if self.is_integer else float(value)
            return scenario.replace(dict.fromkeys(self.keys, new), name=name)
        values = {
            **scenario.values,
            **{key: self._scaled(key, own, value) for key, own in _own(scenario, self.keys)},
        }
        events = []
        for event in scenario.events:
            changes = flatten(event.changes).values
            changes |= {key: self._scaled(key, changes[key], value) for key in self.keys if key in changes}
            events.append(Event(event.month, changes, event.why))
        source = dict.fromkeys(self.keys, (f"the scenario's own times {value:g}", "assumption"))
        return dataclasses.replace(
            scenario, name=name, values=values, events=tuple(events), sources={**scenario.sources, **source},
            sets=self._scaled_sets(scenario.sets, value),
        )  # fmt: skip

    def _scaled_sets(self, sets: ParameterSets | None, factor: float) -> ParameterSets | None:
        """Return parameter sets with the factor on those of the keys that they decide."""
        mine = [] if sets is None else [key in self.keys for key in sets.keys]
        if sets is None or not any(mine):
            return sets
        try:
            return dataclasses.replace(sets, values=sets.values * np.where(mine, factor, 1.0))
        except ValueError as error:
            raise ScenarioError(f"{self.name} = {self.show(factor)}", str(error).split("\n")) from None

    def _scaled(self, key: str, own: Any, factor: float) -> float:
        scaled = float(own) * factor
        return round(scaled) if isinstance(_table()[key].default, int) else scaled


def _own(scenario: Scenario, keys: Sequence[str]) -> list[tuple[str, Any]]:
    """Return key and value at the start."""
    return [(key, scenario.values.get(key, _table()[key].default)) for key in keys]


def _all_values(scenario: Scenario, key: str) -> list[float]:
    """Return the values of a key at the start and after each event that changes it."""
    later = [flatten(event.changes).values for event in scenario.events]
    return [_own(scenario, [key])[0][1], *(changes[key] for changes in later if key in changes)]


def _in_force(scenario: Scenario, key: str, month: int) -> float:
    value = _own(scenario, [key])[0][1]
    for event in scenario.events:
        if event.month <= month:
            value = flatten(event.changes).values.get(key, value)
    return float(value)


def _is_number(default: Any) -> bool:
    return isinstance(default, (int, float)) and not isinstance(default, bool)


def _numeric_keys(name: str, text: str) -> list[str]:
    """Return the full keys behind a comma-separated list of keys and groups of keys."""
    keys: list[str] = []
    for part in (word.strip() for word in text.split(",")):
        inside = [key for key in _table() if key.startswith(f"{part}.")]
        if part in _table():
            keys.append(part)
        elif inside and len({_table()[key].unit for key in inside}) == 1:
            keys += inside
        elif inside:
            numbers = [key for key in inside if _is_number(_table()[key].default)]
            example = f", such as '{numbers[0]}'" if numbers else ""
            raise ValueError(
                f"'{part}' is a group of {len(inside)} parameters in different units; name one{example}"
            )
        else:
            raise ValueError(
                f"unknown parameter '{part}'{suggest(part, [*_table(), 'premium'])}; besides keys there is"
                " 'premium', a factor on all premiums"
            )
    for key in keys:
        info = _table()[key]
        if not _is_number(info.default):
            kind = (
                f"one of {', '.join(info.choices)}" if info.choices else f"{info.unit}, not a single number"
            )
            raise ValueError(f"{key} cannot be solved for: it is {kind}; a number is wanted")
    return list(dict.fromkeys(keys))


def make_lever(parameter: str | Sequence[str], scenario: Scenario, month: int) -> Lever:
    """Return the lever of a name.

    Parameters
    ----------
    parameter
        A key, keys (or groups of them) separated by commas or as a sequence, which then share one value;
        ``"scale:"`` and keys for a factor on their own values; ``"premium"`` for a factor on all premiums.
    scenario
        Whose values are scaled, and whose present value the search starts from.
    month
        In which the present value is read.

    Raises
    ------
    ValueError
        For unknown keys (with the nearest one), keys that are no numbers or of several units, or a factor on
        nothing but zeros.
    """
    name = parameter if isinstance(parameter, str) else ",".join(parameter)
    written = PREMIUM if name.strip() == "premium" else name.strip()
    is_factor = written.startswith(_SCALE)
    keys = _numeric_keys(name, written.removeprefix(_SCALE))
    return _factor(name, keys, scenario) if is_factor else _number(name, keys, scenario, month)


def _factor(name: str, keys: list[str], scenario: Scenario) -> Lever:
    low, high = 0.0, math.inf
    moves = False
    for key in keys:
        info = _table()[key]
        for value in _all_values(scenario, key):
            if value == 0:
                continue
            moves = True
            lowest = -math.inf if info.low is None else info.low
            highest = math.inf if info.high is None else info.high
            ends = (lowest / value, highest / value)
            low, high = max(low, min(ends)), min(high, max(ends))
    if not moves:
        raise ValueError(f"{name}: all these values are 0 in '{scenario.name}', and a factor leaves them so")
    return Lever(
        name,
        tuple(keys),
        True,
        "times the scenario's own",
        low,
        high,
        present=1.0,
        step=0.001,
        is_integer=False,
    )


def _number(name: str, keys: list[str], scenario: Scenario, month: int) -> Lever:
    infos = [_table()[key] for key in keys]
    units = sorted({info.unit for info in infos})
    if len(units) > 1:
        raise ValueError(f"{name}: one value cannot stand for several units: {', '.join(units)}")
    low = max((-math.inf if info.low is None else info.low) for info in infos)
    high = min((math.inf if info.high is None else info.high) for info in infos)
    present = sum(_in_force(scenario, key, month) for key in keys) / len(keys)
    is_integer = any(isinstance(info.default, int) for info in infos)
    if is_integer:
        step = 1.0
    else:
        width = high - low if math.isfinite(high - low) else 1.0
        size = abs(present) or max(min(width, 1.0), width / 1000.0)
        step = 10.0 ** (math.floor(math.log10(size)) - 3)
    return Lever(name, tuple(keys), False, units[0], low, high, present, step, is_integer)
