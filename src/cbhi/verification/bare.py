"""The engine without its mechanisms: the world in which textbooks work, made of public switches only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbhi.months import parse_month
from cbhi.params import parameter_table
from cbhi.populations import Population
from cbhi.scenarios import Scenario

if TYPE_CHECKING:
    from cbhi.results import Results

__all__ = ["CONSUMPTION_RWF", "COST_RWF", "adults", "bare_scenario", "flow", "tally"]

CONSUMPTION_RWF = 1_200_000.0
"""Yearly consumption per adult equivalent of everybody in a bare world."""
COST_RWF = 1_000.0
"""Cost of a contact and user fee in a bare world."""

_BARE: dict[str, Any] = {
    # everybody alike, and the same people for ever
    "population.household_size": 1.0,
    "population.district_share_of_variance": 0.0,
    "population.shared_frailty_variance": 0.0,
    "population.own_frailty_variance": 0.0,
    "population.distance_log_sd": 0.0,
    "income.gini": {"2000-01": 0.0},
    "income.nominal_growth": 0.0,
    "income.mean_consumption_rwf": CONSUMPTION_RWF,
    "income.buffer_months": 0.0,
    "enrolment.taste_sd": 0.0,
    "enrolment.trust_offset_sd": 0.0,
    # every episode becomes a contact that costs the same, with or without cover
    "care.need_under_5": 1.0,
    "care.need_5_to_14": 1.0,
    "care.need_15_to_49": 1.0,
    "care.need_50_and_over": 1.0,
    "care.severe_share": 0.0,
    "care.seek_intercept": 10.0,
    "care.seek_price": 0.0,
    "care.seek_distance": 0.0,
    "care.seek_wait": 0.0,
    "care.seek_quality": 0.0,
    "care.cost_log_sd": 0.0,
    "care.cost_outpatient_rwf": COST_RWF,
    "care.user_fee_outpatient_rwf": COST_RWF,
    "care.user_fee_year": 2000,
    "care.copayment_rwf": 0,
    "care.coinsurance_share": 0.0,
    "provider.tariff_discount_share": 0.0,
    "provider.induced_share": 0.0,
    "provider.staffing_log_sd": 0.0,
    # nothing but the gain in money, and a taste of the year, decides
    "enrolment.intercept": 0.0,
    "enrolment.income_gradient": 0.0,
    "enrolment.hassle_rwf": 0.0,
    "enrolment.access_value": 0.0,
    "enrolment.attention_per_month": 1.0,
    "scheme.grace_months": 0,
    "scheme.portability_share": 0.0,
    # claims are paid at once, and nothing is taken from premiums
    "fund.processing_share": 1.0,
    "fund.administration_share": 0.0,
    "rollout.pilot_sections": 0,
}


def bare_scenario(
    changes: Mapping[str, Any] | None = None,
    *,
    start: str = "2004-01",
    end: str = "2004-12",
    name: str = "bare",
) -> Scenario:
    """Return a scenario with every switch off and everybody alike.

    One contact an episode, all contacts at one cost and one fee, no season, no shocks, no friends, no trust,
    no queue, no pool, no waiting, cash without limit.

    Parameters
    ----------
    changes
        Keys to values on top, such as ``{"switches.peers": True}``.
    start, end
        First and last month.
    name
        Name of the scenario.

    Returns
    -------
    Scenario
        The bare world with the changes.
    """
    switches = {key: False for key in parameter_table() if key.startswith("switches.")}
    # households may owe what a bill takes beyond their cash, so that no bill goes unpaid
    switches["switches.informal_debt"] = True
    plain = Scenario(
        name=name,
        start=parse_month(start),
        end=parse_month(end),
        values={
            **switches,
            **_BARE,
            "income.debt_cap_months": parameter_table()["income.debt_cap_months"].high,
        },
    )
    return plain.replace(dict(changes or {}), name=name)


def adults(
    need: NDArray[Any],
    *,
    section: NDArray[Any] | None = None,
    household: NDArray[Any] | None = None,
    **columns: Any,
) -> Population:
    """Return a population of men of 30, whose need is the reference rate times ``need``.

    Parameters
    ----------
    need
        Relative need of each person, shape (n,).
    section
        Section of each household, from 1; all in the first if not given.
    household
        Row of the household of each person, from 0 and without gaps; everybody alone if not given.
    **columns
        Further columns of the table of households, one value a household.

    Returns
    -------
    Population
        The households, with members in the order given.
    """
    need = np.asarray(need, dtype=np.float64)
    home = np.arange(need.size) if household is None else np.asarray(household)
    n = int(home.max()) + 1
    table: dict[str, Any] = {"section": np.ones(n, dtype=int) if section is None else section, **columns}
    where = Population(table)
    members = {
        "section": where.households["section"][home],
        "household": where.households["household"][home],
        "age_years": np.full(need.size, 30.0),
        "female": np.zeros(need.size),
        "married": np.ones(need.size),
        "chronic": np.zeros(need.size),
        "need": need,
    }
    return Population({**table, "household": where.households["household"]}, members)


def tally(results: Results, *kinds: int) -> NDArray[np.int64]:
    """Return tallies summed over kinds, by replicate, month and district: shape (R, T, D)."""
    return np.asarray(results.arrays.tallies[..., list(kinds)].sum(axis=-1), dtype=np.int64)


def flow(results: Results, *kinds: int) -> NDArray[np.int64]:
    """Return payments summed over kinds, RWF, by replicate, month and district: shape (R, T, D)."""
    return np.asarray(results.arrays.flows[..., list(kinds)].sum(axis=-1), dtype=np.int64)
