"""Settling the population of the start: as drawn, or with what a user supplies in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.demography import NEVER_FORMAL
from cbhi.kernels.records import I8, Fixed, Rule, State
from cbhi.kernels.settlement import settle_sections, settle_sections_again
from cbhi.layouts import Layout
from cbhi.populations import Population, match_households

# formal employees of a supplied population stay so whatever the share of the year
_ALWAYS_FORMAL = -1.0
READ_BY_SETTLING = (
    "mean_consumption_rwf", "consumption_sd", "buffer_months", "need_rate", "chronic_factor",
    "seek_intercept", "seek_price", "seek_distance", "seek_severity", "distance_factor",
    "fee_outpatient_rwf", "fee_admission_rwf", "cost_outpatient_rwf", "cost_admission_rwf", "copayment_rwf",
    "coinsurance_share", "outpatient_coinsurance", "formal_coinsurance_share", "admission_if_severe",
    "faith_based_posts", "effort_base", "formal_share",
)  # fmt: skip
"""Rules of the first month on which the population of the start depends; a test counts them."""
_NONE = np.empty(0, dtype=np.int64)


def supplied_associations(layout: Layout) -> I8:
    """Return how many associations a supplied population has in each section, 0 where none is supplied."""
    counts = np.zeros(layout.number.size, dtype=np.int64)
    population = layout.population
    if population is not None and "association" in population.households:
        section = np.repeat(np.arange(layout.number.size), layout.households)
        np.maximum.at(counts, section, population.households["association"][layout.rows])
    return counts


def settle(
    state: State, layout: Layout, now: int, rule: Rule, fixed: Fixed, sections: range | None = None
) -> None:
    """Settle sections, all if None, in the month before the first; a supplied population only as a whole.

    Raises
    ------
    ValueError
        When a supplied population names consumption while the scenario has no inequality.
    """
    population = layout.population
    bounds = np.concatenate([[0], np.cumsum(layout.households)]).astype(np.int64)
    numbers = sizes = _NONE
    if population is not None:
        numbers = population.households["household"][layout.rows]
        supplied = population.sizes
        sizes = _NONE if supplied is None else supplied[layout.rows]
    chosen = range(layout.number.size) if sections is None else sections
    settle_sections(state, chosen.start, chosen.stop, bounds, now, rule, fixed, numbers, sizes)
    if population is not None:
        _furnish(state, layout, population, now, rule, fixed)
        settle_sections_again(state, now, "cash_rwf" in population.households, rule, fixed)


def _furnish(
    state: State, layout: Layout, population: Population, now: int, rule: Rule, fixed: Fixed
) -> None:
    """Put supplied traits in the place of drawn ones."""
    # rows of the state, in the order of the rows of the table
    place = np.empty(population.n_households, dtype=np.int64)
    section = np.repeat(np.arange(layout.number.size), layout.households)
    within = np.arange(section.size) - np.repeat(
        np.cumsum(layout.households) - layout.households, layout.households
    )
    place[layout.rows] = state.sections["first"][section] + within
    table = population.households
    households: Any = state.households
    for name, column in (("distance_km", "distance_km"), ("shared_frailty", "need"), ("taste", "taste"),
                         ("trust_offset", "trust_offset")):  # fmt: skip
        if column in table:
            households[name][place] = table[column]
    if "position" in table:
        households["z"][place] = table["position"]
    if "consumption_rwf" in table:
        households["z"][place] = _positions(table["consumption_rwf"], rule, fixed.coin_rwf)
    if "cash_rwf" in table:
        households["cash"][place] = np.rint(table["cash_rwf"] / float(fixed.coin_rwf)).astype(np.int64)
    if "association" in table:
        households["group"][place] = np.where(
            table["association"] > 0, table["association"] - 1, codes.NO_GROUP
        )
    if "formal" in table:
        households["formal"][place] = table["formal"]
        households["formal_score"][place] = np.where(table["formal"] > 0, _ALWAYS_FORMAL, NEVER_FORMAL)
    if population.members is not None:
        _furnish_members(state, place, table, population.members, now)


def _positions(consumption_rwf: NDArray[np.float64], rule: Rule, coin_rwf: int) -> NDArray[np.float64]:
    """Return the standard normal position at which consumption per adult equivalent is as given."""
    mean, sd = float(rule.mean_consumption_rwf) * coin_rwf, float(rule.consumption_sd)
    if sd <= 0.0:
        if np.allclose(consumption_rwf, mean, rtol=1e-6):
            return np.zeros(consumption_rwf.size)
        raise ValueError(
            f"the population names consumption, but in this scenario everybody has the mean, {mean:,.0f} RWF:"
            " income.gini is 0 at the start; give it a Gini coefficient, or leave 'consumption_rwf' out"
        )
    return np.asarray((np.log(consumption_rwf / mean) + 0.5 * sd * sd) / sd)


def _furnish_members(
    state: State, place: I8, table: Mapping[str, NDArray[Any]], members: Mapping[str, NDArray[Any]], now: int
) -> None:
    """Put supplied traits of members in the place of drawn ones, each in the slot of its turn."""
    rows = match_households(table, members)
    order = np.argsort(rows, kind="stable")
    sorted_rows = rows[order]
    slot = np.empty(rows.size, dtype=np.int64)
    slot[order] = np.arange(rows.size) - np.searchsorted(sorted_rows, sorted_rows)
    at = (place[rows], slot)
    people: Any = state.members
    given: dict[str, NDArray[Any]] = {}
    if "age_years" in members:
        given["born"] = now - np.floor(members["age_years"] * 12.0).astype(np.int64)
    if "female" in members:
        given["sex"] = np.where(members["female"] > 0, codes.FEMALE, codes.MALE)
    for name, column in (("married", "married"), ("chronic", "chronic"), ("frailty", "need")):
        if column in members:
            given[name] = members[column]
    for name, values in given.items():
        # bits cannot be written in place
        column_of_all = people[name].copy()
        column_of_all[at] = values
        people[name] = column_of_all
