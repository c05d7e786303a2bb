"""Akerlof's market: uniform risks, own risk known, and premiums that follow claims year by year."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import akerlof_market, akerlof_repricing
from cbhi.simulation import simulate
from cbhi.verification.bare import bare_scenario, flow, tally
from cbhi.verification.core import Row, case, exact_row, mean_row
from cbhi.verification.selection_posted import (
    CONTACT,
    DOLLAR,
    PUBLIC,
    People,
    market_keys,
    post,
    spread,
    utility_of,
)

__all__: list[str] = []

HIGHEST = 100.0
"""Highest cost of a person, dollars a year; costs are spread evenly from 0."""
FIRST_PRICE = 50.0
SMALL = 2.0
"""Cost of a contact where premiums follow claims, dollars."""
SECTIONS = 40
MARKET = "cbhi.limits.akerlof_market"
PATH = "cbhi.limits.akerlof_repricing"
MONEY = "dollars per year"


def _people(n: int, sections: int) -> People:
    cost = HIGHEST * (np.arange(n) + 0.5) / n
    return People(cost=cost, section=spread(n, sections))


def _knowing(risk_premium: float) -> dict[str, object]:
    """Return the keys of households that know their risk and pay ``risk_premium`` dollars beyond it."""
    return {
        "switches.private_information": True,
        "enrolment.private_information": 1.0,
        "enrolment.intercept": float(utility_of(np.array(risk_premium))),
    }


@case("uniform-risk", "V2")
def selection_among_uniform_risks(workers: int) -> Iterator[Row]:
    """Coverage and average cost at the equilibrium price of uniform risks, and the two corners."""
    people = _people(20_000, SECTIONS)
    for risk_premium, slope in ((10.0, 1.0), (30.0, 1.0), (10.0, 1.25)):
        theory = akerlof_market(HIGHEST, risk_premium, slope)
        # who pays fees above what care costs the scheme is willing to pay more per franc of cost
        keys = {**_knowing(risk_premium), "care.user_fee_outpatient_rwf": slope * CONTACT * DOLLAR}
        posted = post(people, theory.price, keys, replicates=1, workers=workers)
        what = f"risk premium {risk_premium:g}, fees {slope:g} of cost"
        yield exact_row(
            f"coverage at equilibrium, {what}", theory.coverage_share, posted.coverage,
            resolution=1.0 / people.cost.size, unit="share", source=MARKET,
        )  # fmt: skip
        yield mean_row(
            f"average cost at equilibrium, {what}",
            theory.price,
            posted.average_cost,
            unit=MONEY,
            source=MARKET,
        )
    for risk_premium, what in (
        (0.0, "nobody, without a risk premium"),
        (50.0, "everybody, at half the range"),
    ):
        theory = akerlof_market(HIGHEST, risk_premium)
        posted = post(people, theory.price, _knowing(risk_premium), replicates=1, workers=workers)
        # those who would buy if people paid 5 % more or less than their cost
        wrong = tuple(
            akerlof_market(HIGHEST, risk_premium * factor, factor).coverage_share for factor in (0.95, 1.05)
        )
        yield exact_row(
            f"coverage in the corner: {what}", theory.coverage_share, posted.coverage,
            wrong=tuple(value for value in wrong if value != theory.coverage_share),
            wrong_by="willingness to pay for a unit of risk", unit="share", source=MARKET,
        )  # fmt: skip


def _reprice(
    n: int, risk_premium: float, loading: float, years: int, workers: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (persons insured, premiums paid) by section and year, of sections that reprice every January.

    Cover is sold in January for the rest of the year, so that the claims between two Januaries are those of
    one year's members; fees are 12/11 of costs, so that 11 months of them are worth a year's cost.
    """
    people = _people(n, SECTIONS)
    keys = {
        **market_keys(FIRST_PRICE),
        **_knowing(risk_premium),
        "population.sections": SECTIONS,
        "population.districts": SECTIONS,
        # small bills, so that claims are close to what members cost
        "care.need_per_person_year": PUBLIC / SMALL,
        "care.cost_outpatient_rwf": SMALL * DOLLAR,
        "care.user_fee_outpatient_rwf": 12.0 / 11.0 * SMALL * DOLLAR,
        "scheme.calendar": "fixed",
        "scheme.year_start_month": 1,
        "scheme.open_months_before": 0,
        "scheme.open_months_after": 1,
        "scheme.premium_rule": "break_even",
        "scheme.premium_loading": loading,
        # each section looks at its own claims of last year and at nothing else
        "scheme.premium_credibility_member_years": 0.0,
        "scheme.premium_cap_share": 1.0,
        "scheme.premium_deficit_share": 0.0,
        "scheme.premium_surplus_share": 0.0,
        "scheme.premium_veto_slope": 0.0,
    }
    run = simulate(
        bare_scenario(keys, start="2004-01", end=f"{2003 + years}-02"),
        population=people.population(),
        seed=1,
        survey=0,
        workers=workers,
    )
    insured = tally(run, codes.INSURED)[0, 1::12].T
    paid = flow(run, codes.CONTRIBUTION)[0, ::12].T / DOLLAR
    return insured.astype(np.float64), paid


@case("repricing", "V2")
def premiums_that_follow_claims(workers: int) -> Iterator[Row]:
    """Premium and coverage year by year where each section's premium is what its members cost last year."""
    for n, risk_premium, loading, years in (
        (60_000, 10.0, 0.0, 5),
        (30_000, 30.0, 0.05, 4),
        (30_000, 10.0, 0.2, 4),
    ):
        theory = akerlof_repricing(HIGHEST, risk_premium, FIRST_PRICE, years - 1, loading=loading)
        insured, paid = _reprice(n, risk_premium, loading, years, workers)
        what = f"risk premium {risk_premium:g}, loading {loading:g}"
        for year in range(1, years):
            share = theory.coverage_shares[year]
            if share > 0.0:
                yield mean_row(
                    f"premium in year {year}, {what}",
                    theory.prices[year],
                    # each section's own premium, whoever is left in it: the map is linear
                    paid[:, year] / insured[:, year],
                    unit=MONEY,
                    source=PATH,
                )
            # chance in the premium weighs more, the fewer there are left: coverage while a quarter buys
            if share >= 0.25:
                yield mean_row(
                    f"coverage in year {year}, {what}",
                    share,
                    insured[:, year] * SECTIONS / n,
                    unit="share",
                    source=PATH,
                )
            elif share == 0.0:
                yield mean_row(
                    f"coverage in year {year}, {what}: nobody is left",
                    0.0,
                    insured[:, year] * SECTIONS / n,
                    wrong=(0.05,),
                    wrong_by="one in twenty is left, in place of nobody",
                    unit="share",
                    source=PATH,
                )
