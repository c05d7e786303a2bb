"""Indicators of people that a run counts whole: how well slots are aimed, and who uses what by quintile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cbhi import indicators
from cbhi.kernels import codes
from cbhi.run_indicators.books import SPONSORS, Books
from cbhi.run_indicators.readings import F8, Reading
from cbhi.runs import Run

TARGETING = "targeting"
BY_QUINTILE_MEANS = "equity by quintile"

# cells: poor with a slot, poor without, others with, others without
_SELECTED = (1, 0, 1, 0)
_POOR = (1, 1, 0, 0)
_NO_SLOT = "nobody holds a slot"
_TRULY = "everybody counted, at the close; poor: the truly poorest category"


def people_readings(run: Run) -> list[Reading]:
    """Return targeting of slots and concentration of cover and use from whole counts."""
    return [*_targeting(run), *_concentration(run)]


def _cells(books: Books, with_slot: int, group: int) -> F8:
    """Return people in the four cells of a group and everybody else, (R, P, 4)."""
    inside, slots_inside = books.at_close(group), books.at_close(with_slot)
    slots, everybody = books.at_close(codes.SLOTS), books.at_close(codes.PERSONS)
    outside = slots - slots_inside
    return np.stack(
        [slots_inside, inside - slots_inside, outside, everybody - inside - outside], axis=2
    ).clip(min=0.0)  # rounding of the weight only: a part never exceeds its whole


def _by_cell(cells: F8, rule: Callable[[F8], float]) -> F8:
    """Return an indicator of each replicate and year; not a number where nobody holds a slot."""
    found = np.full(cells.shape[:2], np.nan)
    for i, j in np.ndindex(found.shape):
        if cells[i, j, 0] + cells[i, j, 2] > 0:
            found[i, j] = rule(cells[i, j])
    return found


def _targeting(run: Run) -> list[Reading]:
    books = Books(run)
    cells = _cells(books, codes.POOR_SLOTS, codes.POOR)
    fifths = _cells(books, codes.BOTTOM40_SLOTS, codes.BOTTOM40)
    cost = books.flow(*SPONSORS, codes.SUBSIDY_POOL)
    correct = np.full(cost.shape, np.nan)
    for i, j in np.ndindex(cost.shape):
        if cells[i, j, 0] > 0:
            correct[i, j] = indicators.cost_per_correctly_covered(
                float(cost[i, j]), _SELECTED, _POOR, cells[i, j]
            )
    rows = [
        (name, unit, _by_cell(cells, lambda w, rule=rule: rule(_SELECTED, _POOR, w)), _TRULY)  # type: ignore[misc]
        for name, unit, rule in (
            ("coverage_of_poor", "share", indicators.coverage_of_poor),
            ("coverage_of_non_poor", "share", indicators.coverage_of_non_poor),
            ("exclusion_error", "share", indicators.exclusion_error),
            ("inclusion_error", "share", indicators.inclusion_error),
            ("targeting_differential", "-1 to 1", indicators.targeting_differential),
        )
    ]
    rows += [
        (
            "coady_grosh_hoddinott",
            "ratio",
            _by_cell(fifths, lambda w: indicators.coady_grosh_hoddinott(_SELECTED, (0, 0, 1, 1), w)),
            "slots of the poorest two quintiles, everybody counted, at the close",
        ),
        (
            "cost_per_correctly_covered",
            "RWF a person",
            correct,
            "subsidies of the year over the truly poorest with a slot at its close",
        ),
    ]
    return [Reading(TARGETING, *row, why=_NO_SLOT) for row in rows]


def _concentration(run: Run) -> list[Reading]:
    """Return concentration indices from the means of quintiles, which see nothing within a quintile."""
    strata = run.arrays.strata
    shape = (*strata.shape[:2], codes.QUINTILES, codes.CATEGORIES, strata.shape[3])
    counted = strata.reshape(shape).sum(axis=3).astype(float)
    persons = counted[..., codes.S_PERSONS]
    rows = []
    for name, kind in (
        ("coverage", codes.S_PAID),
        ("visits", codes.S_VISITS),
        ("out_of_pocket", codes.S_OUT_OF_POCKET),
        ("contributions", codes.S_CONTRIBUTIONS),
    ):
        found = np.full(persons.shape[:2], np.nan)
        for i, j in np.ndindex(found.shape):
            size = persons[i, j]
            held = size > 0
            if held.any():
                means = counted[i, j, held, kind] / size[held]
                found[i, j] = indicators.grouped_concentration_index(size[held], means).value
        rows.append(
            Reading(
                BY_QUINTILE_MEANS, f"grouped_concentration_{name}", "-1 to 1", found,
                "from the means of five quintiles of consumption, everybody counted", "nobody had any",
            )
        )  # fmt: skip
    return rows
