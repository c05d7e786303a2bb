"""The reduced model as a scenario of ``cbhi``: all other mechanisms off or neutral, by public switches alone.

The engine runs months with all its accounts. Its households act once a year here because cover is sold in
January alone; events of every year make them lay cash aside in that month and in no other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import cbhi
from cbhi.kernels import codes
from cbhi.verification.bare import bare_scenario, flow, tally
from peers.definition import CASH_IN_HAND, DISTRICTS, FIRST_YEAR, MONTHS, Counts, People, Rules

# everybody lives through the yearly change of income at the end of this month
DECEMBER = 11


def _rules(rules: Rules) -> dict[str, Any]:
    """Return the parameters of the reduced model by the engine's keys."""
    return {
        "population.consumption_persistence": rules.persistence,
        "income.mean_consumption_rwf": rules.mean_consumption,
        "income.gini": {"2000-01": rules.gini},
        "switches.income_shocks": True,
        "income.shock_sd": rules.shock_sd,
        "care.need_per_person_year": rules.need,
        "care.seek_intercept": rules.seek_intercept,
        "care.seek_price": rules.seek_price,
        "care.user_fee_outpatient_rwf": rules.fee,
        "care.cost_outpatient_rwf": rules.cost,
        "care.cost_log_sd": rules.bill_log_sd,
        "care.copayment_rwf": rules.copayment,
        "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), rules.premium),
        "enrolment.intercept": rules.intercept,
        "enrolment.price_slope": rules.price_slope,
        "enrolment.income_gradient": rules.income_gradient,
        "enrolment.access_value": rules.access_value,
        "switches.peers": True,
        "enrolment.peer_weight": rules.peers,
        "switches.inertia": True,
        "enrolment.inertia": rules.inertia,
        "loans.months": rules.instalments,
        "loans.interest_share_per_year": rules.interest,
        "loans.default_share": rules.default_share,
        "loans.exclusion_months": MONTHS * rules.years_barred,
        "fund.administration_share": rules.administration,
    }


# what makes the engine's world as small as the reduced model's, beyond switching everything off
_NEUTRAL: dict[str, Any] = {
    "population.districts": DISTRICTS,
    # households know their own risk exactly
    "switches.private_information": True,
    "enrolment.private_information": 1.0,
    # cover is sold in January and runs to December
    "scheme.calendar": "fixed",
    "scheme.open_months_before": 0,
    "scheme.open_months_after": 1,
    "switches.cash_gate": True,
    "income.premium_saving_share": 0.0,
    # everybody may borrow, whoever wants to repay can, the lender has money without end, and a loan is in
    # default with its first missed instalment
    "loans.offered": True,
    "loans.borrowers": "everyone",
    "loans.fee_share": 0.0,
    "loans.district_correlation": 0.0,
    "loans.group_correlation": 0.0,
    "loans.default_after_months": 1,
    "loans.exclusion_value_months": 1_000.0,
    "loans.equity_rwf_per_person": 1_000_000.0,
}


def make_scenario(rules: Rules, sections: int) -> cbhi.Scenario:
    """Return the reduced model as a scenario of so many sections."""
    january = {
        "income.buffer_months": 0.0,
        "income.consumption_share": 1.0 - rules.laid_aside,
        "income.repayment_share": 0.0,
    }
    february = {
        "income.buffer_months": CASH_IN_HAND,
        "income.consumption_share": 1.0,
        "income.repayment_share": 1.0,
    }
    december = {"income.buffer_months": 0.0}
    scenario = bare_scenario(
        {**_NEUTRAL, **_rules(rules), **january, "population.sections": sections},
        start=f"{FIRST_YEAR}-01",
        end=f"{FIRST_YEAR + rules.years - 1}-12",
        name="reduced model",
    )
    for year in range(FIRST_YEAR, FIRST_YEAR + rules.years):
        if year > FIRST_YEAR:
            scenario = scenario.add_event(
                f"{year}-01", january, "a tenth of the month's income is laid aside"
            )
        scenario = scenario.add_event(f"{year}-02", february, "debts of January are repaid")
        scenario = scenario.add_event(f"{year}-12", december, "nothing is carried into the new year")
    return scenario


def make_population(people: People) -> cbhi.Population:
    """Return the people as a table of ``cbhi``: men of 30, so that age and sex change no need.

    Households are numbered so that all of them live through their yearly change at the end of December.
    """
    section = people.section + 1
    within = np.arange(people.n) - np.searchsorted(people.section, people.section)
    number = MONTHS * within + (DECEMBER - section) % MONTHS
    home = np.repeat(np.arange(people.n), people.size)
    persons = home.size
    households = {
        "section": section,
        "household": number,
        "position": people.position,
        "need": people.need,
        "taste": people.taste,
    }
    members = {
        "section": section[home],
        "household": number[home],
        "age_years": np.full(persons, 30.0),
        "female": np.zeros(persons),
        "married": np.ones(persons),
        "chronic": np.zeros(persons),
        "need": np.ones(persons),
    }
    return cbhi.Population(households, members)


def simulate(scenario: cbhi.Scenario, population: cbhi.Population, seed: int) -> Counts:
    """Return what the reduced model counts, by year and district, of one replicate of the engine.

    Raises
    ------
    RuntimeError
        When somebody went without care for want of cash, which the reduced model does not know.
    """
    run = cbhi.simulate(scenario, population=population, seed=seed, survey=0)
    return read_counts(run)


def read_counts(run: cbhi.Results) -> Counts:
    """Return what the reduced model counts, by year and district, from the first replicate of a run."""
    if tally(run, codes.FORGONE_CASH).any():
        raise RuntimeError("visits went unpaid, so that this is not the reduced model")

    def years(monthly: Any) -> Any:
        months, districts = monthly.shape[1:]
        return monthly[0].reshape(months // MONTHS, MONTHS, districts).sum(axis=1).astype(float)

    stocks = run.arrays.stocks[0, MONTHS::MONTHS].astype(float)
    return {
        "covered": years(tally(run, codes.PERSONS_ENROLLED)),
        "visits_insured": years(tally(run, codes.VISITS_INSURED)),
        "visits_uninsured": years(tally(run, codes.VISITS_UNINSURED)),
        "out_of_pocket": years(flow(run, codes.FEE_HEALTH_CENTRE, codes.COPAYMENT_HEALTH_CENTRE)),
        "contributions": years(flow(run, codes.CONTRIBUTION)),
        "claims": years(tally(run, codes.CLAIMS_APPROVED_SECTION)),
        "loans": years(tally(run, codes.LOANS)),
        "lent": years(flow(run, codes.LOAN)),
        "defaults": years(tally(run, codes.LOAN_DEFAULTS)),
        "lost": years(tally(run, codes.LOAN_WRITTEN_OFF)),
        "fund": stocks[..., codes.SECTION_FUNDS] - stocks[..., codes.STOCK_PAYABLES_SECTION],
    }
