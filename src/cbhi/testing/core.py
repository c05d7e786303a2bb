"""What a property is: a sentence about runs, and a check that says where it does not hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cbhi.checks import CheckError
from cbhi.months import format_month
from cbhi.scenarios import Scenario
from cbhi.simulation import MAX_SEED, load_scenario, whole_number
from cbhi.testing.examples import Case

__all__ = ["KINDS", "Kind", "Outcome", "Property", "PropertyFailed"]

Kind = Literal["always", "equal draws", "in expectation"]
KINDS: tuple[Kind, ...] = ("always", "equal draws", "in expectation")


@dataclass(frozen=True)
class Outcome:
    """What a check that did not fail has seen.

    Attributes
    ----------
    exercised
        Whether the example had anything to say: a property of loans says nothing where nobody borrows.
    figure, standard_error
        For properties in expectation: the difference, positive where the property holds, and its standard
        error over replicates; None for others.
    unit
        Unit of the figure.
    """

    exercised: bool = True
    figure: float | None = None
    standard_error: float | None = None
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Say "ok", "not met" (nothing to check), or "undecided" (within two standard errors of 0)."""
        if not self.exercised:
            return "not met"
        if self.figure is None or self.standard_error is None:
            return "ok"
        return "ok" if self.figure > 2.0 * self.standard_error else "undecided"


class PropertyFailed(AssertionError):
    """A property that does not hold.

    Attributes
    ----------
    name
        Of the property.
    reason
        Where, and both numbers.
    case
        The example, or None.
    """

    def __init__(self, name: str, reason: str, case: Case | None = None) -> None:
        self.name = name
        self.reason = reason
        self.case = case
        text = f"property '{name}' does not hold: {reason}"
        if case is not None:
            call = f"PROPERTIES['{name}'].check(SCENARIO, households={case.households}, seed={case.seed})"
            text += f"\nreplay with cbhi.testing.{call}; {case!r}"
        super().__init__(text)


class Broken(AssertionError):
    """Raised by a check, before the name of the property is known; any ``AssertionError`` will do."""


Check = Callable[[Case], Outcome]


@dataclass(frozen=True)
class Property:
    """A sentence about runs that can be checked on any scenario.

    Attributes
    ----------
    name
        Short, as in ``PROPERTIES``.
    statement
        What holds, in one sentence.
    kind
        ``"always"``: in every run. ``"equal draws"``: between two runs on the same draws, with the
        surroundings frozen. ``"in expectation"``: for the mean over replicates.
    needs
        What an example must have for the property to say anything, or an empty text.
    run
        Checks one case: raises an ``AssertionError`` that says where it does not hold, or returns an outcome.
    """

    name: str
    statement: str
    kind: Kind
    needs: str
    run: Check

    def check(
        self,
        scenario: Scenario | str | Path,
        *,
        households: int = 100,
        seed: int = 1,
        thorough: bool = True,
    ) -> Outcome:
        """Check the property on one scenario.

        Parameters
        ----------
        scenario
            A scenario, or the name or file of one.
        households
            Households simulated at the start, from 1 to 100,000.
        seed
            Whole number from 0 to 2**63 - 1.
        thorough
            Also do what costs seconds, such as writing a whole folder of results.

        Returns
        -------
        Outcome
            What was seen.

        Raises
        ------
        PropertyFailed
            When it does not hold: which property, where, both numbers, and how to replay it.
        ValueError
            When an argument is out of range, or the scenario has problems.
        """
        case = Case(
            load_scenario(scenario).at_point(),
            whole_number("households", households, 1, 100_000),
            whole_number("seed", seed, 0, MAX_SEED),
            thorough,
        )
        return self.check_case(case)

    def check_case(self, case: Case) -> Outcome:
        """Check the property on a case, whose runs other properties have made already.

        Parameters
        ----------
        case
            The example.

        Returns
        -------
        Outcome
            What was seen.

        Raises
        ------
        PropertyFailed
            When it does not hold.
        """
        try:
            return self.run(case)
        except CheckError as error:
            raise PropertyFailed(self.name, _with_months(str(error), case), case) from None
        except PropertyFailed:
            raise
        except AssertionError as error:
            raise PropertyFailed(self.name, str(error) or "an assertion failed", case) from error


def _with_months(text: str, case: Case) -> str:
    """Return the message of a check with the months that it counts from 0 written out."""
    if text.startswith("strata"):
        return text
    return re.sub(
        r"\bmonth (\d+)\b", lambda found: f"month {format_month(case.scenario.start + int(found[1]))}", text
    )
