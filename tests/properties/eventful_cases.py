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


# every partner at work, and most of them badly
PARTNERS = {
    "subsidy.state_share": 0.3,
    "subsidy.donor_share": 0.5,
    "subsidy.cross_subsidy_share": 0.1,
    "subsidy.capture_share": 0.5,
    "loans.offered": True,
    "loans.liability": "joint",
    "loans.borrowers": "members",
    "loans.default_share": 0.3,
    "loans.default_after_months": 1,
    "loans.exclusion_value_months": 0.3,
    "loans.social_sanction_months": 0.3,
    "loans.equity_rwf_per_person": 20.0,
    "groups.savings": True,
    "groups.pay_together": False,
    "groups.forming_size": 4,
    "population.districts": 2,
    "rollout.pilot_districts": 1,
    "population.group_share": 0.7,
    "population.group_size": 8.0,
    "scheme.portability_share": 0.2,
    "scheme.premium_rule": "break_even",
    "scheme.premium_veto_slope": 0.5,
    "provider.induced_share": 1.0,
    "provider.target_visits_per_person": 20.0,
    "provider.hire_share": 0.2,
    "provider.post_hazard": 1.0,
    "provider.post_load": 0.1,
    "provider.post_distance_km": 0.1,
    "provider.performance_rwf": 100.0,
    "provider.performance_donor_share": 0.5,
    "donors.pool_grant_rwf": 50.0,
    "donors.budget_support_rwf": 20.0,
    "donors.assistance_rwf": 10.0,
    "fund.national_share": 0.01,
    "fund.equalisation_share": 1.0,
    "fund.quota_share": 0.1,
    "fund.stop_loss": True,
    "fund.stop_loss_retention": 0.5,
    "switches.fraud": True,
    "fraud.card_lending_share": 0.3,
    "fraud.embezzled_share": 0.1,
    "fraud.ghost_share": 0.3,
    "fraud.audit_hours_per_1000_claims": 10.0,
}

# the same for a whole country over many years: its own districts, lenders that outlive their first year,
# and no share for a national pool that a later rule of Rwanda makes the only one
_NOT_FOR_A_COUNTRY = (
    "population.districts",
    "rollout.pilot_districts",
    "loans.default_share",
    "loans.default_after_months",
    "loans.equity_rwf_per_person",
    "fund.national_share",
)
PARTNERS_AT_WORK = {key: value for key, value in PARTNERS.items() if key not in _NOT_FOR_A_COUNTRY}


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


def partners() -> Scenario:
    """A year and a half in which every partner comes, changes or goes, over two sections of one district."""
    one_district = {"population.districts": 1, "rollout.pilot_districts": 1}
    return (
        eventful("partners")
        .replace({**PARTNERS, **one_district, "fund.deficit_rule": "carry"}, start="2005-07", end="2006-12")
        .add_event("2005-10", {"switches.pooling": False, "provider.payment": "case"})
        .add_event("2006-01", {"switches.pooling": True, "provider.payment": "capitation"})
        .add_event("2006-05", {"scheme.enrolment_unit": "group", "fund.deficit_rule": "merge"})
        .add_event("2006-08", {"groups.required": True, "switches.donors": False, "loans.offered": False})
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
        "partners": (partners(), 500),
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
