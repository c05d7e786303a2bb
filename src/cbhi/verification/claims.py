"""Claims of a section: their distribution, what is left unpaid of them, and what a reinsurer pays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import (
    AggregateClaims,
    aggregate_negative_binomial,
    aggregate_poisson,
    count_probability,
    experience_rate,
    little_stock,
    stop_loss_premium,
    tail_probability,
)
from cbhi.populations import Population
from cbhi.simulation import simulate
from cbhi.verification.bare import adults, bare_scenario, flow, tally
from cbhi.verification.core import WRONG, Row, case, exact_row, mean_row
from cbhi.verification.insured import (
    MEAN_SIZE,
    SERVED,
    SEVERITY,
    UNIT_RWF,
    insured_people,
    insured_scenario,
)

__all__: list[str] = []

SECTIONS = 1_000
CLAIMS_A_MONTH = 2.0
TERMS = 200
F8 = NDArray[np.float64]
_NUMBER = "mean number of claims"


def _claims_by_month(need: F8, years: int, runs: int, workers: int) -> F8:
    """Return claims approved in sections of one person each, units: shape (months, sections)."""
    scenario = insured_scenario({"care.need_per_person_year": 12.0 * CLAIMS_A_MONTH}, need.size, years=years)
    people = insured_people(need, np.arange(1, need.size + 1))
    months = []
    # one run after the other: the arrays of a thousand districts are large
    for number in range(runs):
        run = simulate(scenario, population=people, seed=6, survey=0, first_replicate=number, workers=workers)
        months.append(tally(run, codes.CLAIMS_APPROVED_SECTION)[0, 1:] / UNIT_RWF)
    return np.concatenate(months)


def _distribution_rows(
    prefix: str, claims: F8, theory: AggregateClaims, wrong: tuple[AggregateClaims, ...], source: str
) -> Iterator[Row]:
    """Yield rows for the anchors of V6; months are independent, sections may have needs of their own."""

    def row(name: str, closed_form: float, values: NDArray[Any], **others: Any) -> Row:
        return mean_row(f"{prefix}: {name}", closed_form, values.mean(axis=1), source=source, **others)

    yield row("no claims", theory.pmf[0], claims == 0, unit="probability")
    yield row("claims of 3 units", theory.pmf[3], claims == 3, unit="probability")
    yield row("mean claims", theory.mean, claims, unit="units")
    yield row("variance of claims", theory.variance, (claims - theory.mean) ** 2, unit="units squared")
    yield row(
        "claims beyond 6 units",
        stop_loss_premium(theory, 6),
        np.maximum(claims - 6.0, 0.0),
        unit="units",
        wrong=tuple(stop_loss_premium(one, 6) for one in wrong),
        wrong_by=_NUMBER,
    )
    yield row(
        "more than 10 units",
        tail_probability(theory, 10),
        claims > 10,
        unit="probability",
        wrong=tuple(tail_probability(one, 10) for one in wrong),
        wrong_by=_NUMBER,
    )


@case("section-claims-poisson", "V6")
def claims_of_sections_alike(workers: int) -> Iterator[Row]:
    """Claims of a section, by month and by year: compound Poisson where needs are alike."""
    mean = CLAIMS_A_MONTH * SERVED
    claims = _claims_by_month(np.ones(SECTIONS), years=5, runs=2, workers=workers)

    def law(count: float) -> AggregateClaims:
        return aggregate_poisson(count, SEVERITY, TERMS)

    source = "cbhi.limits.aggregate_poisson"
    wrong = (law(mean * (1.0 + WRONG)), law(mean * (1.0 - WRONG)))
    yield from _distribution_rows("a month's claims", claims, law(mean), wrong, source)
    # a membership year is twelve independent months
    years = claims.reshape(-1, 12, SECTIONS).sum(axis=1)
    year = law(12.0 * mean)
    wrong = (law(12.0 * mean * (1.0 + WRONG)), law(12.0 * mean * (1.0 - WRONG)))
    yield mean_row("a year's claims: mean", year.mean, years, unit="units", source=source)
    yield mean_row(
        "a year's claims: more than 50 units",
        tail_probability(year, 50),
        years > 50,
        unit="probability",
        source=source,
        wrong=tuple(tail_probability(one, 50) for one in wrong),
        wrong_by=_NUMBER,
    )
    yield mean_row(
        "a year's claims: beyond 45 units",
        stop_loss_premium(year, 45),
        np.maximum(years - 45.0, 0.0),
        unit="units",
        source=source,
        wrong=tuple(stop_loss_premium(one, 45) for one in wrong),
        wrong_by=_NUMBER,
    )


def gamma_needs(n: int, size: float) -> F8:
    """Return the means of the n equally likely slices of a gamma distribution with mean 1.

    Parameters
    ----------
    n
        Slices.
    size
        Shape of the gamma distribution; its variance is one over it.

    Notes
    -----
    The mean of the slice between two quantiles is n times the difference of the distribution function with a
    shape one larger. What the slices lack in variance is below 0.1 % of it for a thousand slices.
    """
    from scipy.special import gammainc, gammaincinv

    bounds = gammaincinv(size, np.arange(n + 1) / n)
    bounds[-1] = np.inf
    above = np.where(np.isfinite(bounds), gammainc(size + 1.0, np.minimum(bounds, 1e300)), 1.0)
    return np.asarray(n * np.diff(above))


@case("section-claims-gamma", "V6, V23")
def claims_of_sections_with_own_needs(workers: int) -> Iterator[Row]:
    """Claims of a section in a month: compound negative binomial where needs are gamma."""
    size = 2.0
    mean = CLAIMS_A_MONTH * SERVED
    claims = _claims_by_month(gamma_needs(SECTIONS, size), years=5, runs=2, workers=workers)
    theory, *wrong = (
        aggregate_negative_binomial(mean * factor, size, SEVERITY, TERMS)
        for factor in (1.0, 1.0 + WRONG, 1.0 - WRONG)
    )
    source = "cbhi.limits.aggregate_negative_binomial"
    yield from _distribution_rows("a month's claims, gamma needs", claims, theory, tuple(wrong), source)


def _visits_of_two_years(frailty_variance: float, replicates: int, workers: int) -> tuple[F8, F8]:
    """Return the visits of each person in two calendar years, as persons themselves tell: (first, second)."""
    # many small replicates: notes on a few thousand households stay in the processor's cache
    n = 2_000
    scenario = bare_scenario(
        {
            "care.need_per_person_year": 1.0,
            "population.shared_frailty_variance": frailty_variance,
            "enrolment.attention_per_month": 0.0,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), 0),
        },
        end="2005-12",
    )
    # numbers with the anniversary in December, so that an interview tells of a calendar year
    people = adults(np.ones(n), taste=np.full(n, -1_000.0))
    table = {**people.households, "household": 12 * np.arange(n) + 11}
    members = {**(people.members or {}), "household": table["household"]}
    people = Population(table, members)
    run = simulate(scenario, population=people, replicates=replicates, seed=23, survey=n, workers=workers)
    years = []
    for year in range(2):
        visits = []
        for told in run.arrays.interviews:
            mine = told[told["month"] == scenario.start + 12 * year + 11]
            visits.append(mine["visits"][np.argsort(mine["household"])].astype(np.float64))
        years.append(np.concatenate(visits))
    return years[0], years[1]


@case("mixed-visits", "V23")
def visits_of_unequal_households(workers: int) -> Iterator[Row]:
    """Visits a year where risk differs between households: negative binomial, and what they foretell."""
    size = 0.5
    mean = SERVED
    first, second = _visits_of_two_years(1.0 / size, 50, workers)
    zero = count_probability(0, mean, size)
    source = "cbhi.limits.count_probability"
    yield mean_row("share of persons without a visit", zero, first == 0, unit="share", source=source)
    yield mean_row("visits a person and year", mean, second, source="mean need")
    # a person's expected visits after a year without, and after one with some, are one equation
    after_none = experience_rate(0, 1, mean, size)
    source = "cbhi.limits.experience_rate"
    yield mean_row("visits after a year without", after_none, second[first == 0], source=source)
    yield mean_row(
        "visits after a year with some",
        (mean - zero * after_none) / (1.0 - zero),
        second[first > 0],
        source=source,
    )


@case("payables", "V21")
def unpaid_claims(workers: int) -> Iterator[Row]:
    """Claims that wait for payment: the rate of approval times the mean delay.

    A fund processes a share of what it owes every month, so that the months until a claim is paid, counted
    at the ends of months, are geometric with mean (1 - share) / share.
    """
    rate, sections, years, settled = 100.0, 20, 20, 60
    # a household's monthly contacts are drawn exactly up to a mean of 50
    persons = 8
    section = np.repeat(np.arange(1, sections + 1), persons)
    people = insured_people(np.ones(section.size), section)
    for share in (0.25, 0.6):
        scenario = insured_scenario(
            {
                "care.need_per_person_year": 12.0 * rate / persons,
                "fund.processing_share": share,
                "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), 1_000_000),
            },
            sections,
            years=years,
        )
        run = simulate(scenario, population=people, seed=21, survey=0, workers=workers)
        owed = run.arrays.stocks[0, 1 + settled :, :, codes.STOCK_PAYABLES_SECTION]
        claims = owed.mean(axis=0) / (MEAN_SIZE * UNIT_RWF)
        delay = (1.0 - share) / share
        yield mean_row(
            f"claims waiting, {rate:g} a month and {delay:.2g} months",
            little_stock(rate * SERVED, delay),
            claims,
            # payments are rounded up to whole francs in each section
            resolution=1.0 / UNIT_RWF,
            unit="mean claims",
            source="cbhi.limits.little_stock",
        )


@case("section-claims-lognormal", "V6")
def claims_with_lognormal_bills(workers: int) -> Iterator[Row]:
    """Claims of a section in a month where bills are lognormal: mean, variance and no claims.

    Compound Poisson: the variance is the mean number times ``E X^2 = (E X)^2 exp(sd^2)``.
    """
    log_sd, mean = 0.8, CLAIMS_A_MONTH * SERVED
    scenario = insured_scenario(
        {"care.need_per_person_year": 12.0 * CLAIMS_A_MONTH, "care.cost_log_sd": log_sd}, SECTIONS, years=5
    )
    drawn = insured_people(np.ones(SECTIONS), np.arange(1, SECTIONS + 1))
    # without a table of bills they are drawn
    people = Population(drawn.households, drawn.members)
    months = []
    for number in range(3):
        run = simulate(
            scenario, population=people, seed=66, survey=0, first_replicate=number, workers=workers
        )
        months.append(tally(run, codes.CLAIMS_APPROVED_SECTION)[0, 1:] / (MEAN_SIZE * UNIT_RWF))
    claims = np.concatenate(months)
    source = "compound Poisson, lognormal bills"
    yield mean_row(
        "lognormal bills: no claims in a month",
        math.exp(-mean),
        (claims == 0).mean(axis=1),
        unit="probability",
        source=source,
    )
    yield mean_row("lognormal bills: mean", mean, claims.mean(axis=1), unit="mean bills", source=source)
    yield mean_row(
        "lognormal bills: variance of a month's claims",
        mean * math.exp(log_sd**2),
        ((claims - mean) ** 2).mean(axis=1),
        unit="mean bills squared",
        source=source,
    )


RETENTION = 1.25


def _expected_excess(mean_count: float, retention: float) -> float:
    """Return the expected yearly recovery where the limit is ``retention`` times last year's claims, units.

    A section without claims last year has no experience and no cover.
    """
    law = aggregate_poisson(mean_count, SEVERITY, TERMS)
    return sum(
        float(chance) * stop_loss_premium(law, retention * claims)
        for claims, chance in enumerate(law.pmf[: int(TERMS / retention)])
        if claims > 0
    )


@case("stop-loss", "V23, V6")
def recoveries_of_a_stop_loss(workers: int) -> Iterator[Row]:
    """What a reinsurer pays beyond a limit: the stop-loss premium of Panjer's distribution.

    The limit is a multiple of last year's claims of the section, which are random themselves: the expected
    recovery is the stop-loss premium averaged over them. What the reinsurer asks for it is a rule of the
    scheme, a normal formula, and no row: given the claims' own coefficient of variation (0.225 here) and no
    loading, it is 1.7 % above the expected recovery.
    """
    n, claims_a_year, years = 1_000, 24.0, 6
    scenario = insured_scenario(
        {
            "care.need_per_person_year": claims_a_year,
            "fund.stop_loss": True,
            "fund.stop_loss_retention": RETENTION,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), 1_000_000),
        },
        n,
        years=years,
    )
    people = insured_people(np.ones(n), np.arange(1, n + 1))
    recoveries = []
    for number in range(4):
        run = simulate(
            scenario, population=people, seed=23, survey=0, first_replicate=number, workers=workers
        )
        # the first year only gives experience; years of a section share the claims in between
        recovered = flow(run, codes.REINSURANCE_RECOVERY)[0, 13:].sum(axis=0)
        recoveries.append(recovered / UNIT_RWF / (years - 1))
    mean = claims_a_year * SERVED
    yield mean_row(
        "recoveries a year beyond 1.25 times last year's claims",
        _expected_excess(mean, RETENTION),
        np.concatenate(recoveries),
        wrong=tuple(_expected_excess(mean, RETENTION * factor) for factor in (1.0 + WRONG, 1.0 - WRONG)),
        wrong_by="multiple beyond which the reinsurer pays",
        unit="units",
        source="cbhi.limits.stop_loss_premium",
    )


@case("quota-share", "V6")
def quota_share(workers: int) -> Iterator[Row]:
    """A quota share: the reinsurer gets its part of premiums and pays its part of claims, to the franc."""
    n, quota, premium, claims_a_year = 1_000, 0.4, 60_000, 24.0
    scenario = insured_scenario(
        {
            "care.need_per_person_year": claims_a_year,
            "fund.quota_share": quota,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), premium),
        },
        n,
        years=2,
    )
    people = insured_people(np.ones(n), np.arange(1, n + 1))
    run = simulate(scenario, population=people, seed=24, survey=0, workers=workers)
    recovered = flow(run, codes.REINSURANCE_RECOVERY)[0].sum(axis=0)
    claims = tally(run, codes.CLAIMS_APPROVED_SECTION)[0].sum(axis=0)
    yield exact_row(
        "recoveries of a quota share of 40 % over claims",
        quota,
        float(recovered.sum() / claims.sum()),
        # rounded down to whole francs, section by section and month by month
        resolution=24.0 * n / float(claims.sum()),
        unit="share",
        source="quota share",
    )
    yield mean_row(
        "recoveries of a quota share of 40 %, units a year",
        quota * claims_a_year * SERVED * MEAN_SIZE,
        recovered / (2.0 * UNIT_RWF),
        unit="units",
        source="quota share of the mean of compound Poisson claims",
    )
    ceded = flow(run, codes.REINSURANCE_PREMIUM)[0].sum(axis=0)
    yield exact_row(
        "premiums to the reinsurer under a quota share of 40 %",
        quota * premium,
        # paid in three Decembers
        float(ceded.mean() / 3.0),
        unit="RWF a person and year",
        source="quota share",
    )
