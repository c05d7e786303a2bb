"""What lets people in: cash for the premium, and the months to wait for benefits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from cbhi.kernels import codes
from cbhi.limits import affordable_share, waiting_period_share
from cbhi.populations import Population
from cbhi.scenarios import Event
from cbhi.simulation import simulate
from cbhi.verification.bare import COST_RWF, bare_scenario, tally
from cbhi.verification.core import Row, case, exact_row, mean_row
from cbhi.verification.windows import FIRST_MONTH, singles, windowed_scenario

__all__: list[str] = []

_PREMIUM_RWF = 1_000_000
# consumed of cash in a month, the least there is
_CONSUMED = 0.05


def _enrolled_share(unit: str, persons: int, median_cash: float, log_sd: float, n: int) -> float:
    """Return the share of people enrolled where all wish for cover and cash is lognormal between households.

    Everything is in thousands of the amounts of the design, so that a month's income, 83 francs, is nothing.
    """
    from scipy.special import ndtri

    scenario = windowed_scenario(
        {
            "enrolment.intercept": 20.0,
            "switches.cash_gate": True,
            "scheme.enrolment_unit": unit,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), _PREMIUM_RWF),
            "income.mean_consumption_rwf": 1_000.0,
            "income.consumption_share": _CONSUMED,
        },
        1,
    )
    cash = median_cash * np.exp(log_sd * ndtri((np.arange(n) + 0.5) / n))
    people = Population(
        {
            "persons": np.full(n, persons),
            "cash_rwf": np.rint(cash * _PREMIUM_RWF / (1_000.0 * (1.0 - _CONSUMED))),
        }
    )
    run = simulate(scenario, population=people, replicates=1, seed=20, survey=0)
    return float(tally(run, codes.PAID)[0, 0, 0]) / (n * persons)


@case("liquidity", "V20")
def liquidity(workers: int) -> Iterator[Row]:
    """Lognormal cash, everybody wishes for cover: who can pay for all members, or for each in turn.

    Supplied cash lies at the midpoints of its distribution, so that nothing is left to chance but the
    rounding of people: one household in 20,000.
    """
    median, log_sd, n = 6_000.0, 1.0, 20_000
    source = "cbhi.limits.affordable_share"
    for persons in (1, 4, 8):
        yield exact_row(
            f"enrolled, all {persons} of a household at once or none" if persons > 1 else "enrolled, singles",
            affordable_share(1_000.0, persons, median, log_sd),
            _enrolled_share("household", persons, median, log_sd, n),
            resolution=1.5 / n,
            unit="share",
            source=source,
        )
    persons = 4
    each = [affordable_share(1_000.0, k, median, log_sd) for k in range(1, persons + 1)]
    yield exact_row(
        f"enrolled, each of {persons} as far as cash goes",
        sum(each) / persons,
        _enrolled_share("person", persons, median, log_sd, n),
        resolution=1.5 / n,
        unit="share",
        source=source,
    )


@case("waiting-period", "V22")
def waiting_period(workers: int) -> Iterator[Row]:
    """Illness that brought people in, and wears off while they wait for benefits.

    Need falls month by month with a mean spell of a quarter of a year; everybody joins as it begins. The
    share of its cost that the scheme pays is what falls after the waiting period.
    """
    spell_years, months, n, n_units = 0.25, 36, 100, 40
    decay = 1.0 / (12.0 * spell_years)
    events = tuple(
        Event(FIRST_MONTH + 1 + k, {"care.need_per_person_year": 200.0 * math.exp(-decay * k)})
        for k in range(months)
    )
    for waiting in (1, 3, 6):
        rules: dict[str, Any] = {
            "population.districts": n_units,
            "population.sections": n_units,
            "enrolment.intercept": 20.0,
            "enrolment.price_slope": 0.0,
            "switches.waiting": True,
            "scheme.waiting_months": waiting,
            "care.need_per_person_year": 0.0,
        }
        scenario = dataclasses.replace(
            bare_scenario(rules), start=FIRST_MONTH, end=FIRST_MONTH + months, events=events
        )
        run = simulate(
            scenario, population=singles(n_units, n), replicates=1, seed=22, survey=0, workers=workers
        )
        paid = tally(run, codes.CLAIMS_APPROVED_SECTION).sum(axis=1).ravel()
        cost = COST_RWF * tally(run, codes.VISITS_INSURED, codes.VISITS_UNINSURED).sum(axis=1).ravel()
        yield mean_row(
            f"cost still payable after {waiting} months of waiting",
            waiting_period_share(waiting / 12.0, spell_years),
            paid / cost,
            unit="share",
            source="cbhi.limits.waiting_period_share",
        )
