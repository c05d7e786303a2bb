"""Cases of verification: scenarios in which theory knows the answer, and what the engine answers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.words import suggest

__all__ = [
    "STANDARD_ERRORS",
    "WRONG",
    "Case",
    "Row",
    "case",
    "chosen_cases",
    "exact_row",
    "known_cases",
    "mean_row",
    "run_cases",
]

STANDARD_ERRORS = 4.0
"""A simulated value may be this many standard errors from the closed form."""
WRONG = 0.05
"""A closed form that is wrong by this share has to be noticed."""


@dataclass(frozen=True)
class Row:
    """One comparison of a closed form with the engine.

    Attributes
    ----------
    name
        What is compared, in words; unique.
    limit
        Number of the limit in the design, such as "V1".
    closed_form
        Value by theory.
    simulated
        Value that the engine gives.
    standard_error
        Of the simulated value, over independent replicates, districts or households; 0 where it is exact.
    resolution
        Difference allowed beside it because of whole francs, people or months; 0 unless a case says why.
    wrong
        What the closed form would be with one of its constants 5 % off, upwards and downwards; by default 5 %
        of the value itself.
    wrong_by
        Which constant that is, in words; empty where it is the value itself.
    unit
        Unit of the values.
    source
        Function of ``cbhi.limits`` or the formula.
    case
        Name of the case that makes the row.
    """

    name: str
    limit: str
    closed_form: float
    simulated: float
    standard_error: float
    resolution: float = 0.0
    wrong: tuple[float, ...] = ()
    wrong_by: str = ""
    unit: str = "-"
    source: str = ""
    case: str = ""

    def agrees_with(self, value: float) -> bool:
        """Return whether the simulated value is compatible with a value.

        Parameters
        ----------
        value
            What theory may say.
        """
        allowed = STANDARD_ERRORS * self.standard_error + self.resolution
        return bool(abs(self.simulated - value) <= allowed + 1e-9 * abs(value))

    @property
    def agrees(self) -> bool:
        """Whether the engine lands on the closed form."""
        return self.agrees_with(self.closed_form)

    @property
    def notices(self) -> bool:
        """Whether a closed form that is 5 % wrong would be refused."""
        wrong = self.wrong or (self.closed_form * (1.0 + WRONG), self.closed_form * (1.0 - WRONG))
        return not any(self.agrees_with(value) for value in wrong)

    @property
    def ok(self) -> bool:
        """Whether the engine lands on the closed form, and would be seen to miss one that is 5 % wrong."""
        return self.agrees and self.notices and math.isfinite(self.simulated)

    @property
    def test(self) -> str:
        """The test that makes this comparison."""
        return f"tests/limits/test_verification.py::test_case[{self.case}]"


@dataclass(frozen=True)
class Case:
    """A scenario, or some, whose results theory knows: ``run(workers)`` gives the rows."""

    name: str
    limit: str
    title: str
    about: str  # what the case says beyond its title
    run: Callable[[int], list[Row]]


_CASES: dict[str, Case] = {}


def case(name: str, limit: str) -> Callable[[Callable[[int], Iterable[Row]]], Callable[[int], list[Row]]]:
    """Make a function a case; its first line of documentation is the title.

    Parameters
    ----------
    name
        Short name in lower case with hyphens, unique.
    limit
        Number or numbers of the limit, such as "V1" or "V13, V21".
    """

    def register(function: Callable[[int], Iterable[Row]]) -> Callable[[int], list[Row]]:
        def run(workers: int = 1) -> list[Row]:
            return [replace(row, limit=row.limit or limit, case=name) for row in function(workers)]

        if name in _CASES:
            raise ValueError(f"there are two cases '{name}'")
        title, _, about = (inspect.getdoc(function) or name).partition("\n")
        _CASES[name] = Case(name, limit, title, about.strip(), run)
        return run

    return register


def known_cases() -> dict[str, Case]:
    """Return every case by its name, in the order of the limits."""

    def order(one: Case) -> tuple[float, str]:
        digits = "".join(c for c in one.limit.split(",")[0] if c.isdigit())
        return (float(digits) if digits else math.inf, one.name)

    return {one.name: one for one in sorted(_CASES.values(), key=order)}


def run_cases(
    names: Iterable[str] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Run cases of verification.

    Parameters
    ----------
    names
        Which cases or limits; all if not given.
    workers
        Threads that each case may use.
    progress
        Called with (cases done, cases in all).

    Returns
    -------
    list of Row
        In the order of the cases.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest one.
    """
    cases = known_cases()
    wanted = list(cases) if names is None else chosen_cases(names)
    rows: list[Row] = []
    for done, name in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted))
        rows += _run_case(cases[name], workers)
    if progress is not None:
        progress(len(wanted), len(wanted))
    return rows


def chosen_cases(names: Iterable[str]) -> list[str]:
    """Return the names of the cases that are meant.

    Parameters
    ----------
    names
        Names of cases, or limits such as "V13", as a user gives them.

    Returns
    -------
    list of str
        Names of cases, each once.

    Raises
    ------
    ValueError
        One line for each unknown name, with the nearest known one.
    """
    cases = known_cases()
    by_limit: dict[str, list[str]] = {}
    for one in cases.values():
        for limit in one.limit.split(","):
            by_limit.setdefault(limit.strip(), []).append(one.name)
    wanted: dict[str, None] = {}
    unknown = []
    for name in names:
        found = [name] if name in cases else by_limit.get(name.upper(), [])
        if not found:
            unknown.append(f"there is no case '{name}'{suggest(name, [*cases, *by_limit])}")
        wanted.update(dict.fromkeys(found))
    if unknown:
        raise ValueError("\n".join([*unknown, f"cases: {', '.join(cases)}; limits: {', '.join(by_limit)}"]))
    return list(wanted)


def _run_case(one: Case, workers: int) -> list[Row]:
    """Return the rows of a case; one row that fails where it breaks off, so that the others are run."""
    try:
        return one.run(workers)
    except Exception as error:
        name = f"{one.title} (broke off: {type(error).__name__}: {error})"
        return [Row(name, one.limit, math.nan, math.nan, math.nan, case=one.name)]


def mean_row(
    name: str, closed_form: float, values: NDArray[Any], *, unit: str = "-", source: str = "", **others: Any
) -> Row:
    """Return a row whose simulated value is the mean of independent values, with its standard error.

    Parameters
    ----------
    name, closed_form, unit, source
        As in ``Row``.
    values
        Independent values of one distribution, at least two.
    others
        Further fields of ``Row``.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    error = float(values.std(ddof=1) / math.sqrt(values.size))
    return Row(
        name=name,
        limit=others.pop("limit", ""),
        closed_form=float(closed_form),
        simulated=float(values.mean()),
        standard_error=error,
        unit=unit,
        source=source,
        **others,
    )


def exact_row(
    name: str, closed_form: float, simulated: float, *, unit: str = "-", source: str = "", **others: Any
) -> Row:
    """Return a row whose simulated value has no chance in it.

    Parameters
    ----------
    name, closed_form, simulated, unit, source
        As in ``Row``.
    others
        Further fields of ``Row``.
    """
    return Row(
        name=name,
        limit=others.pop("limit", ""),
        closed_form=float(closed_form),
        simulated=float(simulated),
        standard_error=0.0,
        unit=unit,
        source=source,
        **others,
    )
