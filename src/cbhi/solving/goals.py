"""Goals that a parameter is solved for: a variable, a direction, a number, and how surely."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cbhi.kernels.records import F8
from cbhi.variables import VARIABLES
from cbhi.words import suggest

__all__ = ["BALANCE", "Goal", "parse_goal"]

BALANCE = "scheme_surplus_rwf >= 0"
"""What the word ``balance`` stands for: income covers the claims approved, paid or not."""
_EXAMPLES = "'balance', 'coverage_end_share>=0.9' or 'catastrophic_share<=0.02'"
_SHAPE = re.compile(r"^\s*(\w+)\s*(>=|<=|=>|=<|==|=|>|<)\s*(\S.*?)\s*$")


@dataclass(frozen=True)
class Goal:
    """A variable that is to be at least, or at most, a number.

    Attributes
    ----------
    variable
        A name from ``cbhi.VARIABLES``.
    sense
        ``">="`` or ``"<="``.
    target
        In the unit of the variable, at national scale.
    """

    variable: str
    sense: Literal[">=", "<="]
    target: float

    def __str__(self) -> str:
        """Return the goal as it is written."""
        return f"{self.variable} {self.sense} {self.target:.12g}"

    def share_met(self, values: F8) -> float:
        """Return the share of replicates that meet the goal; one without a value does not."""
        met = values >= self.target if self.sense == ">=" else values <= self.target
        return float(np.mean(met))

    def attained(self, values: F8, probability: float) -> float:
        """Return the value that at least this share of the replicates attain or surpass.

        It meets the goal exactly when ``share_met`` is at least the probability. A replicate without a
        value counts as the worst.
        """
        needed = max(1, math.ceil(probability * values.size - 1e-9))
        sign = 1.0 if self.sense == ">=" else -1.0
        ordered = np.sort(np.where(np.isnan(values), -np.inf, sign * values))[::-1]
        return sign * float(ordered[needed - 1])

    def margin(self, attained: float) -> float:
        """Return how far a value is on the right side of the target; negative on the wrong one."""
        return attained - self.target if self.sense == ">=" else self.target - attained


def parse_goal(text: str) -> Goal:
    """Return the goal that is written as ``"NAME>=NUMBER"``, ``"NAME<=NUMBER"`` or ``"balance"``.

    Raises
    ------
    ValueError
        For an unknown variable (with the nearest name), another sign, or no number.
    """
    found = _SHAPE.match(BALANCE if str(text).strip() == "balance" else str(text))
    if found is None:
        raise ValueError(f"goal '{text}' is not written as a variable, >= or <=, and a number: {_EXAMPLES}")
    name, sense, number = found.groups()
    if name not in VARIABLES:
        raise ValueError(f"goal '{text}': unknown variable '{name}'{suggest(name, VARIABLES)}")
    if sense not in (">=", "<="):
        raise ValueError(f"goal '{text}': write >= or <= instead of {sense}; example: {_EXAMPLES}")
    unit = VARIABLES[name].unit
    try:
        target = float(number)
    except ValueError:
        hint = ""
        if re.fullmatch(r"[\d.]+\s*%", number):
            hint = f"; {number} is written {float(number.rstrip('% ')) / 100:g}"
        elif re.fullmatch(r"[\d,' ]+", number):
            hint = f"; written {re.sub('[^0-9]', '', number)} without separators"
        raise ValueError(f"goal '{text}': '{number}' is no number [{unit}]{hint}") from None
    if not math.isfinite(target):
        raise ValueError(f"goal '{text}': the number must be finite [{unit}]")
    if unit in ("share", "0 to 1") and name != "targeting_differential_share" and not 0.0 <= target <= 1.0:
        hint = f"; {target:g} % is written {target / 100:g}" if 1.0 < target <= 100.0 else ""
        raise ValueError(f"goal '{text}': {name} lies from 0 to 1 [{unit}]{hint}")
    return Goal(name, ">=" if sense == ">=" else "<=", target)
