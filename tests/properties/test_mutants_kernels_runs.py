"""Small whole runs keep their accounts: quick enough with the compiler off, where one wrong line shows.

Sections are made of twenty households, so that a handful of households fills several schemes and districts.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from eventful_cases import PARTNERS, eventful

from cbhi import Results, Scenario, checks, simulate
from cbhi.kernels import codes as c
from cbhi.months import parse_month

BUSY: dict[str, Any] = {
    **PARTNERS,
    "switches.rollout": False,
    "enrolment.attention_per_month": 0.8,
    "enrolment.intercept": 1.0,
    "subsidy.offered": True,
    "subsidy.slots_share": 0.3,
    "mandate.compulsory": True,
    "mandate.initial_capacity": 0.9,
    "mandate.enforcement_max": 1.0,
    "formal.share": {"2004-07": 0.1},
    "formal.levy_share": 0.05,
    "fund.pool_grant_rwf": 50.0,
    "fund.pool_share": 0.1,
    "fund.arrears_limit_months": 0.5,
    "care.need_per_person_year": 12.0,
    "care.severe_share": 0.4,
    "demography.deaths": 4.0,
    "demography.births": 2.0,
    "demography.marriages": 4.0,
    "scheme.calendar": "rolling",
    "scheme.premium_rwf": {"poorest": 1000, "middle": 3000, "rich": 7000},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "joint loans, break-even premiums": {},
    "single loans, capitation": {
        "loans.liability": "individual",
        "loans.borrowers": "everyone",
        "provider.payment": "capitation",
        "fund.deficit_rule": "bail_out",
        "scheme.premium_rwf": {"poorest": 200, "middle": 400, "rich": 800},
        "fund.pool_share": 0.6,
        "scheme.calendar": "fixed",
    },
    "persons, by case": {
        "scheme.enrolment_unit": "person",
        "provider.payment": "case",
        "fund.deficit_rule": "suspend",
        "scheme.premium_rwf": {"poorest": 200, "middle": 400, "rich": 800},
        "switches.rationing": False,
        "income.debt_cap_months": 0.2,
        "income.mean_consumption_rwf": 4000.0,
    },
    "groups, merging": {
        "scheme.enrolment_unit": "group",
        "groups.required": True,
        "groups.pay_together": True,
        "fund.deficit_rule": "merge",
        "scheme.premium_rwf": {"poorest": 200, "middle": 400, "rich": 800},
    },
    "one pool of the country": {
        "fund.national_pool": True,
        "fund.pool_pays_outpatient": True,
        "fund.pool_share": 0.9,
        "subsidy.state_budget_rwf_per_person": 200.0,
    },
    "no pools, no donors": {
        "switches.pooling": False,
        "switches.donors": False,
        "switches.cash_gate": False,
        "switches.fraud": False,
    },
}

# what must be seen in some of them
FLOWS_OF = {
    "joint loans, break-even premiums": (
        c.LENDER_EQUITY, c.LOAN, c.LOAN_REPAYMENT, c.REINSURANCE_PREMIUM, c.GROUP_SAVING, c.OWN_WAGES,
    ),
    "single loans, capitation": (c.LENDER_EQUITY, c.LOAN, c.LOAN_REPAYMENT, c.PENALTY),
    "persons, by case": (c.LENDER_EQUITY, c.LOAN, c.GROUP_CONTRIBUTION),
    "groups, merging": (c.LENDER_EQUITY, c.LOAN, c.LOAN_REPAYMENT, c.MERGED_UP),
}  # fmt: skip
TALLIES_OF = {
    "joint loans, break-even premiums": (
        c.PREMIUM_CHANGES, c.POSTS_OPENED, c.DECISIONS, c.RENEWALS, c.HOUSEHOLDS_FORMED, c.BIRTHS, c.DEATHS,
    ),
    "persons, by case": (c.RISK_PREMIUM_CAPPED, c.RENEWALS, c.SECTIONS_SUSPENDED),
    "groups, merging": (c.GROUP_VOTES_PASSED, c.GROUPS_FORMED, c.SECTIONS_MERGED),
}  # fmt: skip
# too rare for so few people and months
RARE = {
    "births_without_room", "catastrophic_25", "debt_written_off", "equalisation_paid",
    "equalisation_received", "estate", "lapse_unwilling", "marriages_without_room", "payables_hospital_moved",
}  # fmt: skip


@functools.cache
def small(name: str) -> Results:
    """Sixty households in three sections for sixteen months, two Decembers among them."""
    scenario = Scenario(
        name="small",
        start=parse_month("2005-10"),
        end=parse_month("2007-01"),
        values={**BUSY, **VARIANTS[name]},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cbhi.layouts.HOUSEHOLDS_PER_SECTION", 20)
        return simulate(scenario, households=60, replicates=1, seed=5, survey=0)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_books_balance(name: str) -> None:
    results = small(name)
    checks.check_all(results)
    flows, tallies = (getattr(results.arrays, one).sum(axis=(0, 1, 2)) for one in ("flows", "tallies"))
    missing = [c.FLOWS[kind][0] for kind in FLOWS_OF.get(name, ()) if flows[kind] == 0]
    missing += [c.TALLIES[kind] for kind in TALLIES_OF.get(name, ()) if tallies[kind] == 0]
    assert not missing


def test_the_runs_are_lively() -> None:
    # what never happens in any of them is not looked at by the test above
    flows = sum(small(name).arrays.flows.sum(axis=(0, 1, 2)) for name in VARIANTS)
    tallies = sum(small(name).arrays.tallies.sum(axis=(0, 1, 2)) for name in VARIANTS)
    quiet = {c.FLOWS[k][0] for k in range(c.N_FLOWS) if flows[k] == 0}
    quiet |= {c.TALLIES[k] for k in range(c.N_TALLIES) if tallies[k] == 0}
    assert quiet <= RARE


@pytest.mark.parametrize("unit", ["household", "person"])
def test_books_balance_through_events(unit: str) -> None:
    scenario = eventful(unit, unit).replace({}, start="2005-05", end="2006-06")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cbhi.layouts.HOUSEHOLDS_PER_SECTION", 20)
        results = simulate(scenario, households=60, replicates=1, seed=6, survey=0)
    assert results.arrays.flows[..., c.CONTRIBUTION].sum() > 0
    checks.check_all(results)
    assert np.isfinite(results.arrays.gauges).all()


def test_every_decision_is_capped_where_the_cap_is_nothing() -> None:
    scenario = Scenario(
        name="capped",
        start=parse_month("2005-01"),
        end=parse_month("2005-04"),
        values={
            "switches.rollout": False,
            "enrolment.attention_per_month": 0.8,
            "enrolment.risk_aversion": 10.0,
            "enrolment.risk_premium_cap": 0.001,
        },
    )
    results = simulate(scenario, households=40, replicates=1, seed=7, survey=0)
    capped, decisions = (
        results.arrays.tallies[..., kind].sum() for kind in (c.RISK_PREMIUM_CAPPED, c.DECISIONS)
    )
    assert capped == decisions > 20
