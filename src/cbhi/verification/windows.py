"""Membership years of any length, each on sale in its first month alone: the yearly steps of textbooks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.months import parse_month
from cbhi.populations import Population
from cbhi.scenarios import Event, Scenario
from cbhi.verification.bare import bare_scenario, tally

if TYPE_CHECKING:
    from cbhi.results import Results

__all__ = ["enrolled", "singles", "windowed_scenario"]

FIRST_MONTH = parse_month("2004-01")


def _starting_months(length: int, n_windows: int) -> dict[int, dict[str, Any]]:
    """Return the changes of the first month of membership years, by month of the run, for their length.

    Two months into a membership year the rules name the month in which the next one starts; so they do after
    the last window, since a buyer reckons with the length of the year to come.
    """
    if length == 12:
        return {}
    return {k * length + 2: {"scheme.year_start_month": (k + 1) * length % 12 + 1} for k in range(n_windows)}


def windowed_scenario(
    changes: Mapping[str, Any],
    n_windows: int,
    *,
    length: int = 12,
    at_window: Mapping[int, Mapping[str, Any]] | None = None,
    months_after: int = 0,
    name: str = "windows",
) -> Scenario:
    """Return a bare world in which cover is sold in windows of one month, one window a membership year.

    Cover is for the rest of the membership year, so that whoever is to stay insured pays in every window. The
    engine counts as neighbours with recent cover those who had it within twelve months: with years of twelve
    months that includes whoever left in the latest window, with years of thirteen months it does not.

    Parameters
    ----------
    changes
        Keys to values on top of the bare world.
    n_windows
        Membership years, from 1; the run ends with the month of the last window.
    length
        Months in a membership year, from 2 to 13.
    at_window
        Further changes, by the window from which they hold, from 0.
    months_after
        Months added after the last window.
    name
        Name of the scenario.

    Returns
    -------
    Scenario
        Starting in January 2004, the month of the first window.

    Raises
    ------
    ValueError
        When ``length`` is not from 2 to 13.
    """
    if not 2 <= length <= 13:
        raise ValueError(f"membership years last 2 to 13 months here, got length = {length}")
    dated = _starting_months(length, n_windows)
    first: dict[str, Any] = {}
    for window, more in (at_window or {}).items():
        if window == 0:
            first.update(more)
        else:
            dated.setdefault(window * length, {}).update(more)
    last = FIRST_MONTH + (n_windows - 1) * length + months_after
    plain = bare_scenario(
        {
            "scheme.calendar": "fixed",
            "scheme.open_months_before": 0,
            "scheme.open_months_after": 1,
            "care.need_per_person_year": 0.0,
            "enrolment.price_slope": 0.0,
            **changes,
            **first,
        },
        name=name,
    )
    events = tuple(Event(FIRST_MONTH + t, change) for t, change in sorted(dated.items()))
    return dataclasses.replace(plain, start=FIRST_MONTH, end=last, events=events)


def singles(n_sections: int, per_section: int, **columns: Any) -> Population:
    """Return one-person households, as many in every section.

    Parameters
    ----------
    n_sections, per_section
        How many sections, and households in each.
    columns
        Further columns of the table of households: one value a household of a section, the same in all.

    Returns
    -------
    Population
        Sections 1 to ``n_sections``.
    """
    table: dict[str, Any] = {
        "section": np.repeat(np.arange(1, n_sections + 1), per_section),
        "persons": np.ones(n_sections * per_section, dtype=np.int64),
    }
    for column, values in columns.items():
        table[column] = np.tile(np.asarray(values), n_sections)
    return Population(table)


def enrolled(results: Results, length: int = 12) -> NDArray[np.float64]:
    """Return the share of people enrolled after each window.

    Parameters
    ----------
    results
        Of a scenario of ``windowed_scenario``.
    length
        Months in a membership year.

    Returns
    -------
    numpy.ndarray
        Shape (independent units, windows); a unit is one district of one replicate.
    """
    paid = tally(results, codes.PAID)[:, ::length].astype(np.float64)
    persons = tally(results, codes.PERSONS)[:, ::length]
    return np.asarray(np.moveaxis(paid / persons, 1, 2).reshape(-1, paid.shape[1]))
