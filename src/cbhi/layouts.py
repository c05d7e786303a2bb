"""Which sections of the country are simulated, with how many households, and when their schemes open."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cbhi.kernels import codes
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.records import I8
from cbhi.months import parse_month
from cbhi.packing import interpolate
from cbhi.params import Parameters
from cbhi.populations import Population
from cbhi.scenarios import Scenario

HOUSEHOLDS_PER_SECTION = 250
NEVER = 12 * 9999
# up to here households are founded at the usual pace: members of a household, births and marriages
USUAL = {"size": 5.0, "births": 1.25, "marriages": 0.5}


class Layout(NamedTuple):
    """Which sections of the country are simulated, with how many households each."""

    number: I8
    district: I8  # place in ``district_number``
    district_number: I8
    households: I8
    limit: I8  # households that fit, for those founded later
    weight: float  # real persons per simulated one
    population: Population | None = None  # supplied households, instead of drawn ones
    rows: I8 = np.empty(0, dtype=np.int64)  # their rows in its table, by section and number


def district_of_section(p: Parameters) -> I8:
    """Return each section's district: pilot sections in the pilot districts, the others evenly."""
    pilots = p.rollout.pilot_sections
    pilot_districts = p.rollout.pilot_districts if pilots else 0
    others = p.population.sections - pilots
    other_districts = p.population.districts - pilot_districts
    if pilot_districts == 0 or other_districts == 0 or others == 0:
        return np.arange(p.population.sections) * p.population.districts // p.population.sections
    first = np.arange(pilots) * pilot_districts // pilots
    rest = pilot_districts + np.arange(others) * other_districts // others
    return np.concatenate([first, rest]).astype(np.int64)


def lay_out(scenario_: Scenario, households: int | None, population: Population | None = None) -> Layout:
    """Return the sample: whole sections, spread evenly over the districts, or those of a supplied population.

    ``None`` asks for every household of the country at the start.
    """
    p = scenario_.regimes()[0][1]
    persons = float(interpolate(p.population.persons, np.array([float(scenario_.start)]))[0])
    everybody = max(1, round(persons / p.population.household_size))
    if population is not None:
        return _lay_out_supplied(scenario_, population, persons, everybody)
    total = everybody if households is None else households
    n = max(1, min(p.population.sections, total // HOUSEHOLDS_PER_SECTION))
    number = ((np.arange(n) + 0.5) * p.population.sections / n).astype(np.int64)
    district_number, district = np.unique(district_of_section(p)[number], return_inverse=True)
    per_section = np.full(n, total // n, dtype=np.int64)
    per_section[: total % n] += 1
    return Layout(
        number=number,
        district=district.astype(np.int64),
        district_number=district_number.astype(np.int64),
        households=per_section,
        limit=_room(scenario_, per_section),
        weight=everybody / total,
    )


def _lay_out_supplied(scenario_: Scenario, population: Population, persons: float, everybody: int) -> Layout:
    """Return the sections of a supplied population by number, its households by theirs."""
    p = scenario_.regimes()[0][1]
    column = population.households["section"] - 1
    if int(column.max()) >= p.population.sections:
        raise ValueError(
            f"the population has households in section {int(column.max()) + 1}; the country of this scenario"
            f" has {p.population.sections} sections (population.sections)"
        )
    number, index = np.unique(column, return_inverse=True)
    home = district_of_section(p)
    order = np.lexsort((number, home[number]))
    district_number, district = np.unique(home[number[order]], return_inverse=True)
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    per_section = np.bincount(place[index], minlength=order.size).astype(np.int64)
    people = population.n_persons
    return Layout(
        number=number[order].astype(np.int64),
        district=district.astype(np.int64),
        district_number=district_number.astype(np.int64),
        households=per_section,
        limit=_room(scenario_, per_section),
        weight=everybody / population.n_households if people is None else persons / people,
        population=population,
        rows=np.lexsort((population.households["household"], place[index])).astype(np.int64),
    )


def _room(scenario_: Scenario, households: I8) -> I8:
    """Return how many households each section has room for, those founded later included.

    Two people who marry found a household. Where families, births and marriages are no larger or more
    frequent than in ``USUAL``, these grew by 3.4 % a year at most in runs of 13 and 30 years, and the count
    of a section lay within four standard deviations; else more is reserved. Couples without room stay with
    their families and are counted (``marriages_without_room``). A few steps, not a smooth rule, so that
    parameter sets that are much alike run in the same memory.
    """
    regimes = [p for _, p in scenario_.regimes()]
    first = regimes[0]
    if not first.switches.demography or first.demography.marriages <= 0.0:
        return households.copy()
    years = scenario_.n_months / 12.0
    most = np.ceil(households * (1.0 + 0.05 * max(1.0, first.demography.marriages)) ** years)
    if first.population.household_size <= USUAL["size"] and all(
        p.demography.births <= USUAL["births"] and p.demography.marriages <= USUAL["marriages"]
        for p in regimes
    ):
        founded = households * (1.034**years - 1.0)
        most = np.minimum(most, households + np.ceil(founded + 4.0 * np.sqrt(founded)))
    room: I8 = most.astype(np.int64) + 10
    return room


def opening_months(scenario_: Scenario, layout: Layout, key: tuple[int, int]) -> I8:
    """Return the month in which each section's scheme opens.

    Pilot sections open together. The others follow the count of schemes in the order of a keyed draw,
    spread evenly over the curve, so that the share of open schemes follows the count at any sample size.
    ``rollout.lateness`` bends the curve: the share of the schemes beyond the pilot that is open in a month is
    the counted share to that power, so that both its ends stay where they are.
    """
    p = scenario_.regimes()[0][1]
    opens = np.full(layout.number.size, scenario_.start, dtype=np.int64)
    if not p.switches.rollout:
        return opens
    pilots = p.rollout.pilot_sections
    is_pilot = layout.number < pilots
    opens[is_pilot] = parse_month(p.rollout.pilot_month)
    others = np.flatnonzero(~is_pilot)
    if others.size == 0:
        return opens
    draws = [uniform(key, int(layout.number[i]), 0, NOBODY, 0, codes.DRAW_ROLLOUT, 0) for i in others]
    rank = np.argsort(np.argsort(draws, kind="stable"), kind="stable")
    counted = ((rank + 0.5) / others.size) ** (1.0 / p.rollout.lateness)
    place = pilots + counted * (p.population.sections - pilots)
    months = np.arange(scenario_.start, scenario_.end + 1)
    count = interpolate(p.rollout.schemes, months.astype(float))
    reached = np.searchsorted(np.maximum.accumulate(count), place)
    opens[others] = np.where(reached < months.size, months[np.minimum(reached, months.size - 1)], NEVER)
    return opens
