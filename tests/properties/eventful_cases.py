"""Small scenarios that meet every rule, run with the compiler on and off.

As a program, ``python eventful_cases.py FILE CASE ...`` runs some and writes the arrays to a NumPy archive.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from cbhi import Results, Scenario, simulate
from cbhi.months import parse_month

_EVENTFUL = {
    "switches.rollout": False,
    "enrolment.intercept": 1.0,
    "mandate.initial_capacity": 0.8,
    "mandate.enforcement_max": 1.0,
    "formal.share": {"2004-07": 0.05, "2006-07": 0.15},
    "demography.deaths": 3.0,
    "demography.marriages": 3.0,
    "subsidy.refresh_years": 1,
    "fund.arrears_limit_months": 0.5,
}


def eventful(name: str, first_unit: str = "household") -> Scenario:
    """Two years and a half with a change of calendar, prices, subsidies, mandate and pools."""
    scenario = Scenario(
        name=name,
        start=parse_month("2005-01"),
        end=parse_month("2007-06"),
        values={**_EVENTFUL, "scheme.enrolment_unit": first_unit},
    )
    subsidies = {"subsidy.offered": True, "subsidy.slots_share": 0.3, "subsidy.state_share": 0.3}
    return (
        scenario.add_event("2005-07", {"care.need_per_person_year": 9.0, "fund.deficit_rule": "suspend"})
        .add_event("2006-01", {"scheme.calendar": "fixed", **subsidies, "subsidy.donor_share": 0.5})
        .add_event("2006-03", {"mandate.compulsory": True, "fund.deficit_rule": "bail_out"})
        .add_event("2007-01", {"scheme.premium_rwf": {"poorest": 2000, "middle": 3000, "rich": 7000}})
    )


def cases() -> dict[str, tuple[Scenario, int]]:
    """The scenarios by name, each with its number of households."""
    pool = {"fund.national_pool": True, "fund.pool_pays_outpatient": True, "fund.pool_share": 0.9}
    two_districts = eventful("national pool").replace(
        {"formal.levy_share": 0.05}, start="2005-12", end="2006-12"
    )
    return {
        "household": (eventful("household"), 100),
        "person": (eventful("person", "person"), 100),
        # two sections, in two districts
        "national pool": (two_districts.add_event("2006-07", pool), 500),
    }


def run_case(name: str) -> Results:
    """Run one case."""
    scenario, households = cases()[name]
    return simulate(scenario, households=households, seed=11)


def arrays_of(results: Results, name: str) -> dict[str, Any]:
    """Arrays of a run under names of their own."""
    return {f"{name}/{field}": values for field, values in results.arrays._asdict().items()}


if __name__ == "__main__":
    everything: dict[str, Any] = {}
    for case in sys.argv[2:]:
        everything.update(arrays_of(run_case(case), case))
    np.savez(sys.argv[1], **everything)
