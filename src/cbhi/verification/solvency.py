"""Deficits of funds and pools, common shocks, and ruin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import (
    aggregate_poisson,
    ruin_lattice_within,
    ruin_walk_within,
    safety_loading,
    tail_probability,
)
from cbhi.scenarios import Scenario
from cbhi.simulation import simulate
from cbhi.verification.bare import tally
from cbhi.verification.core import WRONG, Row, case, mean_row
from cbhi.verification.insured import (
    FIRST_YEAR,
    MEAN_SIZE,
    SERVED,
    SEVERITY,
    UNIT_RWF,
    insured_people,
    insured_scenario,
    places_a_month,
)

__all__: list[str] = []

F8 = NDArray[np.float64]
B1 = NDArray[np.bool_]
_OFF = (1.0, 1.0 + WRONG, 1.0 - WRONG)


def _premium(rwf: float) -> dict[str, Any]:
    return {"scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), round(rwf))}


# --- V14: deficits ------------------------------------------------------------------------------------

MARGIN = 0.10
CLAIMS_A_YEAR = 62.0
"""Expected claims of a section."""


def _deficit_chance(mean_count: float, income_units: float) -> float:
    """Return the probability that a year's claims exceed an income."""
    return tail_probability(aggregate_poisson(mean_count, SEVERITY, 1_500), math.floor(income_units))


def _one_year(n_sections: int, n_districts: int, changes: dict[str, Any]) -> Scenario:
    """Return sections whose people pay once, in December, for the year that is simulated after it."""
    premium = (1.0 + MARGIN) * CLAIMS_A_YEAR * MEAN_SIZE * UNIT_RWF
    return insured_scenario(
        {"care.need_per_person_year": CLAIMS_A_YEAR, **_premium(premium), **changes},
        n_sections,
        n_districts=n_districts,
        # nobody pays for the year after, so that what is unpaid at the end is the year's deficit
        events={f"{FIRST_YEAR}-01": {"enrolment.attention_per_month": 0.0}},
    )


_POOLED = {"switches.pooling": True, "fund.pool_pays_outpatient": True, "fund.pool_share": 1.0}


class _Level(NamedTuple):
    """Who shares a deficit: ``sharing`` districts of ``sections`` sections each; the country has more."""

    name: str
    n_sections: int
    n_districts: int
    replicates: int
    sections: int = 1
    sharing: int = 1
    changes: Mapping[str, Any] = MappingProxyType({})


_NATION = {**_POOLED, "fund.national_pool": True}


def _in_deficit(level: _Level, scenario: Scenario, seed: int, workers: int) -> B1:
    """Return which funds or pools owe something at the year's end, of all replicates."""
    people = insured_people(np.ones(level.n_sections), np.arange(1, level.n_sections + 1))
    owed = []
    # replicates of many districts one after the other: their arrays are large
    at_once = level.replicates if level.n_sections <= 4 else 1
    for first in range(0, level.replicates, at_once):
        run = simulate(
            scenario,
            population=people,
            replicates=at_once,
            seed=seed,
            survey=0,
            first_replicate=first,
            workers=workers,
        )
        stock = codes.STOCK_PAYABLES_POOL if level.changes else codes.STOCK_PAYABLES_SECTION
        found = run.arrays.stocks[:, -1, :, stock]
        owed.append(found.reshape(-1, level.sharing).sum(axis=1))
    return np.asarray(np.concatenate(owed) > 0)


@case("deficits-by-pool", "V14")
def deficits_across_pools(workers: int) -> Iterator[Row]:
    """Chance that claims are unpaid at a year's end: sections alone, districts of two, a nation of four.

    Risks are independent. What a pool owes at the end of December, beyond a year's premiums, is its deficit.
    """
    income = (1.0 + MARGIN) * CLAIMS_A_YEAR * MEAN_SIZE
    for level in (
        _Level("section alone", 1_000, 1_000, 8),
        _Level("district of two sections", 1_000, 500, 12, 2, 1, _POOLED),
        _Level("nation of four sections", 4, 2, 900, 2, 2, _NATION),
    ):
        scenario = _one_year(level.n_sections, level.n_districts, dict(level.changes))
        shared = level.sections * level.sharing
        chances = [
            _deficit_chance(shared * CLAIMS_A_YEAR * SERVED, shared * income * factor) for factor in _OFF
        ]
        yield mean_row(
            f"deficit of a {level.name}",
            chances[0],
            _in_deficit(level, scenario, 14, workers),
            wrong=tuple(chances[1:]),
            wrong_by="premium",
            unit="probability",
            source="cbhi.limits.aggregate_poisson",
        )


SHOCK_VARIANCE = 0.04
"""Variance of a district's illness of the year around 1."""
LOG_VARIANCE = math.log1p(SHOCK_VARIANCE)
ONE_PERSON = 0.3
"""Expected claims of one person a year."""
_SIZE_SPREAD = sum(k * k * p for k, p in enumerate(SEVERITY)) / MEAN_SIZE**2  # E X^2 / (E X)^2
_SHOCKS = {
    "switches.common_shocks": True,
    "income.harvest_log_sd": 0.0,
    "care.epidemic_log_sd": math.sqrt(LOG_VARIANCE),
}


def shocked_deficit(mean_count: float, incomes: Sequence[float], districts: int) -> F8:
    """Return the chance that claims of districts together exceed an income in a year of common shocks.

    Parameters
    ----------
    mean_count
        Expected claims of each district, a year.
    incomes
        Incomes of all districts together, units, shape (n,).
    districts
        1 or 2, each with a lognormal shock of its own with mean 1 and variance ``SHOCK_VARIANCE``.

    Returns
    -------
    numpy.ndarray
        Chance for each income, shape (n,): Poisson claims averaged over the shocks by Gauss-Hermite
        quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(40 if districts == 1 else 24)
    weights = weights / weights.sum()
    shock = np.exp(math.sqrt(LOG_VARIANCE) * nodes - 0.5 * LOG_VARIANCE)
    # a pair of districts counts in both orders
    parts = [(shock[k], weights[k]) for k in range(nodes.size)]
    if districts == 2:
        parts = [
            (shock[k] + shock[other], weights[k] * weights[other] * (1.0 if other == k else 2.0))
            for k in range(nodes.size)
            for other in range(k + 1)
        ]
    terms = math.floor(max(incomes)) + 1
    total = np.zeros(len(incomes))
    for factor, weight in parts:
        law = aggregate_poisson(mean_count * float(factor), SEVERITY, terms)
        total += float(weight) * np.array([tail_probability(law, math.floor(one)) for one in incomes])
    return total


def _loss_ratios(n_members: int, districts: int, years: int, number: int, workers: int) -> F8:
    """Return a year's claims over expected claims of pools of n people: shape (years, districts)."""
    scenario = insured_scenario(
        {"care.need_per_person_year": ONE_PERSON, **_SHOCKS},
        districts,
        years=years,
    )
    # one household with n times the need of a person, as the sum of n Poisson counts is Poisson
    people = insured_people(np.full(districts, float(n_members)), np.arange(1, districts + 1))
    run = simulate(scenario, population=people, seed=41, survey=0, first_replicate=number, workers=workers)
    claims = tally(run, codes.CLAIMS_APPROVED_SECTION)[0, 1:].reshape(years, 12, districts).sum(axis=1)
    expected = n_members * ONE_PERSON * SERVED * MEAN_SIZE * UNIT_RWF
    return np.asarray(claims / expected)


def _sd_row(name: str, closed_form: float, ratios: F8) -> Row:
    """Return a row for the standard deviation of loss ratios with mean 1, its error by the delta method."""
    squares = (ratios.ravel() - 1.0) ** 2
    sd = math.sqrt(float(squares.mean()))
    return Row(
        name=name,
        limit="",
        closed_form=closed_form,
        simulated=sd,
        standard_error=float(squares.std(ddof=1)) / math.sqrt(squares.size) / (2.0 * sd),
        unit="share of expected claims",
        source="cbhi.limits.safety_loading",
    )


@case("common-shocks", "V14")
def common_shocks(workers: int) -> Iterator[Row]:
    """Loss ratios of a year where a district's people fall ill together: mean, and floor of their spread."""
    # variance of the ratio: n independent claims of cv^2, and the shock's; correlation r = shock / cv^2
    rate = ONE_PERSON * SERVED
    cv = math.sqrt(_SIZE_SPREAD / rate + SHOCK_VARIANCE)
    r = SHOCK_VARIANCE / cv**2
    one_sd = 0.8413447460685429  # level whose quantile is one standard deviation
    districts, years, runs = 1_000, 6, 2
    for n in (10, 100, 1_000):
        ratios = np.concatenate([_loss_ratios(n, districts, years, k, workers) for k in range(runs)])
        yield _sd_row(
            f"spread of the loss ratio, {n} people in a district (1/r = {1 / r:.0f})",
            safety_loading(n, cv, r, level=one_sd),
            ratios,
        )
    yield mean_row(
        f"mean loss ratio, {n:,} people in a district", 1.0, ratios, unit="ratio", source="mean shock of 1"
    )


@case("deficits-by-pool-shocked", "V14")
def deficits_across_pools_with_shocks(workers: int) -> Iterator[Row]:
    """Chance that claims are unpaid at a year's end where the people of a district fall ill together.

    A shock is a district's: its two sections share it, so that a pool of the two saves little. There is no
    shock of the nation; a nation of two districts averages two shocks. What a fund or pool owes at the end of
    December, beyond a year's premiums, is its deficit.
    """
    income = (1.0 + MARGIN) * CLAIMS_A_YEAR * MEAN_SIZE
    for level in (
        _Level("section alone", 1_000, 1_000, 8),
        _Level("district of two sections", 1_000, 500, 12, 2, 1, _POOLED),
        _Level("nation of two districts of two sections", 4, 2, 900, 2, 2, _NATION),
    ):
        scenario = _one_year(level.n_sections, level.n_districts, {**_SHOCKS, **level.changes})
        count = level.sections * CLAIMS_A_YEAR * SERVED
        shared = level.sections * level.sharing * income
        chances = shocked_deficit(count, [shared * factor for factor in _OFF], level.sharing).tolist()
        yield mean_row(
            f"deficit with common shocks, {level.name}",
            chances[0],
            _in_deficit(level, scenario, 15, workers),
            wrong=tuple(chances[1:]),
            wrong_by="premium",
            unit="probability",
            source="cbhi.limits.aggregate_poisson, averaged over lognormal shocks",
        )


# --- V8: ruin -----------------------------------------------------------------------------------------


def _first_ruin(stocks: NDArray[np.int64], kind: int, first: int) -> B1:
    """Return whether anything has been unpaid at a month's end: shape (months from ``first``, funds)."""
    owed = np.moveaxis(stocks[:, 1 + first :, :, kind], 1, 0)
    return np.asarray(np.maximum.accumulate(owed.reshape(owed.shape[0], -1) > 0, axis=0))


def _walk_scenario(capital: int, loss: float, n: int, months: int) -> Scenario:
    """Return pools that get a unit a month and pay two with probability ``loss``, after ``capital`` units.

    One place a month and a Poisson number of contacts: there is a visit unless there is no contact. A bill is
    two units. The pool's income is the state's grant for its one member, the first with the reserve in it.
    """
    years = -(-months // 12)
    yearly = 12.0 * UNIT_RWF
    return insured_scenario(
        {
            "care.need_per_person_year": -12.0 * math.log1p(-loss) / SERVED,
            "care.cost_outpatient_rwf": 2.0 * UNIT_RWF,
            "care.user_fee_outpatient_rwf": 2.0 * UNIT_RWF,
            "switches.pooling": True,
            "switches.rationing": True,
            "fund.pool_pays_outpatient": True,
            "fund.pool_share": 0.0,
            "fund.pool_grant_rwf": (capital + 1.0) * yearly,
            **places_a_month(n),
        },
        n,
        years=years,
        events={f"{FIRST_YEAR}-02": {"fund.pool_grant_rwf": yearly}},
    )


def _ruined_walks(capital: int, loss: float, horizon: int, n: int, runs: int, workers: int) -> B1:
    """Return which of ``n * runs`` pools were ruined within a horizon."""
    people = insured_people(np.ones(n), np.arange(1, n + 1), {2.0: 1.0})
    scenario = _walk_scenario(capital, loss, n, horizon)
    ruined = []
    for number in range(runs):
        # replicates of their own for every horizon
        first = number + 100 * horizon
        run = simulate(scenario, population=people, seed=8, survey=0, first_replicate=first, workers=workers)
        ruined.append(_first_ruin(run.arrays.stocks, codes.STOCK_PAYABLES_POOL, 1)[horizon - 1])
    return np.concatenate(ruined)


@case("ruin-walk", "V8")
def ruin_of_a_walk(workers: int) -> Iterator[Row]:
    """Chance that a pool that gains or loses one unit a period is ruined within 10, 50 and 500 periods.

    A period is a month: a grant of one unit, and a claim of two units or none. Ruin is a claim that the pool
    cannot pay in full. Of all that are ever ruined (cbhi.limits.ruin_walk), 99.7 % are within 500 periods.
    """
    capital, loss = 4, 0.45
    for horizon, n, runs in ((10, 1_000, 8), (50, 1_000, 3), (500, 500, 1)):
        ruined = _ruined_walks(capital, loss, horizon, n, runs, workers)
        chances = [ruin_walk_within(capital, loss * factor, horizon) for factor in _OFF]
        yield mean_row(
            f"ruin within {horizon} periods, reserve of {capital}",
            chances[0],
            ruined,
            wrong=tuple(chances[1:]),
            wrong_by="probability of a loss",
            unit="probability",
            source="cbhi.limits.ruin_walk_within",
        )


@case("ruin-claims", "V8, V7")
def ruin_of_a_fund_with_premiums(workers: int) -> Iterator[Row]:
    """Chance that a section's fund cannot pay a claim within 1, 3 and 6 years of premiums and Poisson claims.

    Premiums come once a year, before the year's claims: the reserve is a walk with compound Poisson steps,
    ruined when claims stay unpaid. That is the process of Cramer and Lundberg looked at once a year.
    """
    n, runs, years = 1_000, 6, 6
    claims_a_year, reserve = 24.0, 8
    income = round(1.1 * claims_a_year * MEAN_SIZE)
    people = insured_people(np.ones(n), np.arange(1, n + 1))
    scenario = insured_scenario(
        {"care.need_per_person_year": claims_a_year, **_premium((income + reserve) * UNIT_RWF)},
        n,
        years=years,
        events={f"{FIRST_YEAR}-01": _premium(income * UNIT_RWF)},
    )
    ruined = []
    for number in range(runs):
        run = simulate(scenario, population=people, seed=7, survey=0, first_replicate=number, workers=workers)
        ruined.append(_first_ruin(run.arrays.stocks, codes.STOCK_PAYABLES_SECTION, 1))
    together = np.concatenate(ruined, axis=1)

    def chance(horizon: int, factor: float) -> float:
        pmf = aggregate_poisson(factor * claims_a_year * SERVED, SEVERITY, 600).pmf
        return ruin_lattice_within(reserve, income, pmf, horizon)

    for horizon in (1, 3, 6):
        yield mean_row(
            f"ruin of a fund within {horizon} years",
            chance(horizon, 1.0),
            together[12 * horizon - 1],
            wrong=(chance(horizon, 1.0 + WRONG), chance(horizon, 1.0 - WRONG)),
            wrong_by="number of claims",
            unit="probability",
            source="cbhi.limits.ruin_lattice_within",
        )
