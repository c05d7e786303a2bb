"""Schemes whose members are all insured from the first January on, with claims of 1, 2 or 3 units."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.months import parse_month
from cbhi.populations import Population
from cbhi.scenarios import Event, Scenario
from cbhi.verification.bare import adults, bare_scenario

__all__ = [
    "FIRST_YEAR",
    "MEAN_SIZE",
    "SERVED",
    "SEVERITY",
    "UNIT_RWF",
    "insured_people",
    "insured_scenario",
    "places_a_month",
]

UNIT_RWF = 1_000
"""Unit of claims."""
SEVERITY = (0.0, 0.5, 0.3, 0.2)
"""Probability that a claim is 0, 1, 2, 3 units, as in the anchors of Panjer's recursion."""
MEAN_SIZE = sum(size * chance for size, chance in enumerate(SEVERITY))
"""Mean claim, units."""
SERVED = 1.0 / (1.0 + math.exp(-10.0))
"""Share of episodes that become contacts in a bare world, whose logit of seeking care is 10."""
FIRST_YEAR = 2004
"""Everybody pays in the December before this year."""

_ALWAYS = 1_000.0


def insured_scenario(
    changes: Mapping[str, Any],
    n_sections: int,
    *,
    n_districts: int | None = None,
    years: int = 1,
    events: Mapping[str, Mapping[str, Any]] | None = None,
) -> Scenario:
    """Return a bare world in which all pay in December and are insured from January on, for some years.

    Parameters
    ----------
    changes
        Keys to values on top of the bare world.
    n_sections
        Sections of the country.
    n_districts
        Districts; as many as sections if not given.
    years
        Calendar years after the first December; month 0 of the run is that December.
    events
        Month, such as "2004-06", to changes from then on.

    Returns
    -------
    Scenario
        The world, without premium: ``changes`` name one where it counts.
    """
    world = bare_scenario(
        {
            "population.sections": n_sections,
            "population.districts": n_sections if n_districts is None else n_districts,
            "rollout.pilot_districts": 0,
            "provider.induced_share": 0.0,
            "care.cost_outpatient_rwf": MEAN_SIZE * UNIT_RWF,
            "care.user_fee_outpatient_rwf": MEAN_SIZE * UNIT_RWF,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), 0),
            **changes,
        },
        start=f"{FIRST_YEAR - 1}-12",
        end=f"{FIRST_YEAR - 1 + years}-12",
        name="insured",
    )
    dated = tuple(Event(parse_month(month), changed) for month, changed in sorted((events or {}).items()))
    return dataclasses.replace(world, events=dated)


def insured_people(
    need: NDArray[Any], section: NDArray[Any], bills: Mapping[float, float] | None = None
) -> Population:
    """Return one-person households that always want cover, with bills of the sizes of ``SEVERITY``.

    A person with n times the need stands for n people: their claims together have the same distribution.

    Parameters
    ----------
    need
        Relative need of each person, shape (n,).
    section
        Section of each, from 1.
    bills
        Size in units to probability; those of ``SEVERITY`` if not given.
    """
    drawn = adults(need, section=section, taste=np.full(np.asarray(need).size, _ALWAYS))
    units = dict(enumerate(SEVERITY)) if bills is None else dict(bills)
    sizes = np.array([size for size, chance in units.items() if chance > 0.0], dtype=np.float64)
    chances = np.array([chance for chance in units.values() if chance > 0.0])
    return Population(
        drawn.households,
        drawn.members,
        {"size": sizes / float(sizes @ chances), "probability": chances},
    )


def places_a_month(persons: float, places: float = 1.0) -> dict[str, Any]:
    """Return parameters of health centres with so many places a month for each person of the country.

    Parameters
    ----------
    persons
        People in the country, at whose number the clinicians are given.
    places
        Consultations a month and person.
    """
    return {
        "population.persons": {"2000-01": float(persons)},
        "provider.clinicians": {"2000-01": float(persons) * places},
        "provider.curative_share": 1.0,
        "provider.consultations_per_hour": 1.0,
        "provider.hours_per_year": 12.0,
        "provider.faith_based_posts": 1.0,
    }
