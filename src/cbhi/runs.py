"""A run as its readers see it, and its reporting years: which are whole, shared, or meant by a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from cbhi.months import format_month

__all__ = [
    "Period",
    "Run",
    "common_years",
    "describe_span",
    "find_year",
    "is_closed",
    "is_whole",
    "last_whole_year",
    "origin_of",
    "scenarios_of",
    "whole_years",
]

Period: TypeAlias = tuple[str, int, int]
"""A reporting year: label, first month index, one past the last."""


class Run(Protocol):
    """Arrays with the scenario behind them; ``cbhi.Results`` is one."""

    @property
    def arrays(self) -> Any: ...
    @property
    def scenario(self) -> Any: ...
    @property
    def periods(self) -> Sequence[Period]: ...
    @property
    def weight(self) -> float: ...


def scenarios_of(run: Run) -> list[Any]:
    """Return the scenario that each replicate was simulated with: they differ where there are parameter sets.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.
    """
    return [run.scenario.of_replicate(int(number)) for number in run.arrays.replicates]


def origin_of(scenario: Any) -> str:
    """Return which parameter sets a scenario carries, or an empty text."""
    return "" if scenario.sets is None else str(scenario.sets.origin)


def is_closed(period: Period) -> bool:
    """Say whether a reporting year closes by itself: no run cuts it short.

    Parameters
    ----------
    period
        A reporting year; one that is cut short says so in its label, as in "2018 (3 months)".
    """
    return period[0].isdigit()


def is_whole(period: Period) -> bool:
    """Say whether a reporting year has all of its twelve months.

    Parameters
    ----------
    period
        A reporting year. The half year between two calendars of membership closes by itself and is not whole.
    """
    return is_closed(period) and period[2] - period[1] == 12


def whole_years(periods: Sequence[Period]) -> list[int]:
    """Return the places of the reporting years that have all of their twelve months.

    Parameters
    ----------
    periods
        Reporting years in order.
    """
    return [place for place, period in enumerate(periods) if is_whole(period)]


def last_whole_year(periods: Sequence[Period]) -> int:
    """Return the place of the last complete reporting year, which is what tables show unless told otherwise.

    Parameters
    ----------
    periods
        Reporting years in order, at least one.

    Returns
    -------
    int
        The last year of twelve months; in a run that has none, the last that closes by itself, or else the
        last.
    """
    closed = [place for place, period in enumerate(periods) if is_closed(period)]
    return (whole_years(periods) or closed or [len(periods) - 1])[-1]


def find_year(periods: Sequence[Period], label: str | None) -> int:
    """Return the place of the reporting year that a label names.

    Parameters
    ----------
    periods
        Reporting years in order, at least one.
    label
        Such as "2010"; the last complete year if None. Of two years with one label the first counts.

    Raises
    ------
    ValueError
        For a label that is no reporting year, with all there are.
    """
    if label is None:
        return last_whole_year(periods)
    labels = [own for own, _, _ in periods]
    if str(label) not in labels:
        raise ValueError(f"'{label}' is not a reporting year of this run; there are: {', '.join(labels)}")
    return labels.index(str(label))


def common_years(spans: Sequence[tuple[int, Sequence[Period]]]) -> list[tuple[str, list[int]]]:
    """Return the reporting years that several runs have, of the same label and the same months.

    Parameters
    ----------
    spans
        First month (as a month number) and reporting years of each run; at least one.

    Returns
    -------
    list of (str, list of int)
        Label, and its place in the years of each run; in the order of the first. Empty if there is none.
    """
    places = [
        {(label, start + begin, start + end): place for place, (label, begin, end) in enumerate(periods)}
        for start, periods in spans
    ]
    return [
        (key[0], [own[key] for own in places]) for key in places[0] if all(key in other for other in places)
    ]


def describe_span(start: int, period: Period) -> str:
    """Return the months of a reporting year, as in "1999-07 to 1999-12".

    Parameters
    ----------
    start
        First month of the run, as a month number.
    period
        One of its reporting years.
    """
    _, begin, end = period
    return f"{format_month(start + begin)} to {format_month(start + end - 1)}"
