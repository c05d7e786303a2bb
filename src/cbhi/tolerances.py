"""How well a mean is to be known: replicates are added until its Monte Carlo interval is narrow enough.

``simulate`` watches the mean of a variable, ``compare`` the mean differences; both stop by the rule here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cbhi.scenarios.parameter_sets import REPLICATES_OF_A_SET
from cbhi.strata import GROUPS, stratified_names
from cbhi.variables import VARIABLES, By
from cbhi.words import suggest

__all__ = ["LEVEL", "Tolerance", "check_tolerance", "check_variable"]

LEVEL = 0.95
"""Coverage of the interval that a tolerance bounds."""


@dataclass(frozen=True)
class Tolerance:
    """How far replicates were added, and whether that was enough.

    Attributes
    ----------
    variable, period
        What was watched.
    wanted
        Largest half-width of the 95 % interval of a mean, in the unit of the variable.
    reached
        Largest half-width at the end.
    replicates
        Number of replicates at the end.
    of
        Whose mean it is: a difference between scenarios, or the variable itself.
    """

    variable: str
    period: str
    wanted: float
    reached: float
    replicates: int
    of: str = "a difference"

    @property
    def met(self) -> bool:
        """Whether everything watched is known as well as was asked for."""
        return self.reached <= self.wanted

    def __str__(self) -> str:
        """Return one sentence on what was asked for and what was reached."""
        unit = VARIABLES[self.variable].unit
        end = (
            f"met after {self.replicates} replicates"
            if self.met
            else f"NOT met: the largest number of replicates, {self.replicates}, came first"
        )
        return (
            f"Tolerance {self.wanted:.6g} [{unit}] on {self.variable} {self.period}: {end}; the widest 95 %"
            f" interval of {self.of} is +/- {self.reached:.3g}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "variable": self.variable,
            "period": self.period,
            "wanted": self.wanted,
            "reached": self.reached,
            "met": self.met,
        }


def check_variable(name: str, by: By = "all") -> None:
    """Refuse a variable that does not exist, or not by these groups."""
    if name not in VARIABLES:
        raise ValueError(f"unknown variable '{name}'{suggest(name, VARIABLES)}; all names: cbhi.VARIABLES")
    if by in GROUPS and name not in stratified_names(by):
        known = ", ".join(stratified_names(by))
        raise ValueError(f"'{name}' is not kept by {by}; there are: {known}")


def check_tolerance(tol: Any, on: str, replicates: int, uncertain: bool) -> None:
    """Refuse a tolerance that cannot be judged.

    Parameters
    ----------
    tol
        Largest half-width that is wanted, in the unit of ``on``.
    on
        Name of a variable.
    replicates
        Size of a batch.
    uncertain
        Whether replicates differ in their parameters.

    Raises
    ------
    ValueError
        For an unknown variable, a tolerance that is no number above 0, and batches that say nothing about
        the error of their mean.
    """
    check_variable(on)
    if isinstance(tol, bool) or not isinstance(tol, (int, float)) or not 0.0 < tol < math.inf:
        unit = VARIABLES[on].unit
        raise ValueError(f"tol must be a number above 0 in the unit of {on} [{unit}], got {tol!r}")
    if replicates < 2:
        raise ValueError("with tol, replicates must be 2 or more: one run says nothing about its error")
    if uncertain and replicates < 2 * REPLICATES_OF_A_SET:
        raise ValueError(
            f"with tol and parameter sets, replicates must be {2 * REPLICATES_OF_A_SET} or more:"
            " replicates of one set say nothing about the parameters"
        )
