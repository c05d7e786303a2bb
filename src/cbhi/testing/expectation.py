"""Properties in expectation: what a change does on average over replicates, with its standard error.

Every comparison is paired: both scenarios meet the same draws in each replicate. A figure is positive where
the property holds. More than three standard errors below zero fails; within two of it is undecided, and more
replicates or households decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbhi.kernels import codes
from cbhi.kernels.records import F8
from cbhi.months import format_month
from cbhi.replicates import Engine, run_between
from cbhi.scenarios import Scenario
from cbhi.testing.core import Broken, Outcome, Property
from cbhi.testing.examples import Case
from cbhi.testing.surroundings import scale_values

__all__ = ["ACCESS_TARGET", "IN_EXPECTATION", "jackknife", "paired"]

ACCESS_TARGET = 1.0
"""Visits a person and year that count as full access (the benchmark of Rwanda's figures)."""
_REPLICATES, _THOROUGH = 12, 40
_FAILS_BELOW = -3.0
_YEAR = 12
_PREMIUMS = (
    "scheme.premium_rwf.poorest",
    "scheme.premium_rwf.middle",
    "scheme.premium_rwf.rich",
    "scheme.household_premium_rwf",
)
# prices between which the cost curve is drawn, relative to the premium of the scenario
_LOW, _HIGH = 0.0, 4.0


def paired(differences: F8) -> tuple[float, float]:
    """Return the mean of paired differences and its standard error.

    Parameters
    ----------
    differences
        One a replicate, two or more.

    Returns
    -------
    tuple of float
        Mean, and standard deviation over the square root of their number.
    """
    return float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(differences.size))


def jackknife(figure: Callable[[F8], float], sums: F8) -> tuple[float, float]:
    """Return a figure of summed observations and its standard error, leaving out one replicate at a time.

    Parameters
    ----------
    figure
        Takes the sums over replicates, gives the figure, such as a ratio.
    sums
        One row a replicate, two or more.

    Returns
    -------
    tuple of float
        The figure of all replicates, and its jackknife standard error (Efron and Stein 1981).

    Notes
    -----
    A slope is a ratio of differences; the mean of the ratios of single replicates would be biased and, where
    a denominator comes near zero, of no use.
    """
    whole, n = sums.sum(axis=0), sums.shape[0]
    left_out = np.array([figure(whole - row) for row in sums])
    spread = (n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum())
    return figure(whole), math.sqrt(spread)


@dataclass(frozen=True)
class _Pool:
    """What a year of enrolment leaves: how many are in, and what risk they are."""

    enrolled: float
    risk: float  # episodes a year of those enrolled, relative to the mean of all
    persons: float
    denied: float  # persons in families that wished for cover and could not be paid for


def _first_year(scenario: Scenario, case: Case, replicate: int) -> _Pool:
    engine = case.begin(scenario, replicate)
    run_between(engine, 0, min(_YEAR, scenario.n_months))
    return _pool(engine)


def _pool(engine: Engine) -> _Pool:
    hh = engine.state.households[engine.state.households["alive"] != 0]
    size = hh["n_members"].astype(float)
    rate = hh["rate_enrolled"].astype(float) + hh["rate_other"].astype(float)
    ever = (hh["cover_until"] > 0) & (hh["formal"] == 0)
    mean = rate.sum() / max(1.0, size.sum())
    return _Pool(
        enrolled=float(hh["n_enrolled"][ever].sum()),
        risk=float(hh["rate_enrolled"][ever].sum()) / max(mean, 1e-12),
        persons=float(size.sum()),
        denied=float(size[hh["standing"] == codes.STANDING_UNAFFORDABLE].sum()),
    )


def _slope(sums: F8) -> float:
    """Return how much the risk of members falls as coverage rises from a high price to a low one."""
    in_low, risk_low, persons_low, in_high, risk_high, persons_high = sums[:6]
    spread = in_low / max(persons_low, 1.0) - in_high / max(persons_high, 1.0)
    fall = risk_high / max(in_high, 1e-9) - risk_low / max(in_low, 1e-9)
    return fall / spread if spread > 0.0 else math.nan


def _curve(scenario: Scenario, case: Case, replicate: int) -> list[float]:
    """Return enrolled, risk and persons at a low and at a high premium."""
    found: list[float] = []
    for share in (_LOW, _HIGH):

        def priced(key: str, value: Any, share: float = share) -> Any:
            return round(value * share) if key in _PREMIUMS else value

        pool = _first_year(scale_values(scenario, priced), case, replicate)
        found += [pool.enrolled, pool.risk, pool.persons]
    return found


def _verdict(figure: float, error: float, unit: str, what: str) -> Outcome:
    if not math.isfinite(figure) or not math.isfinite(error) or (figure == 0.0 and error == 0.0):
        return Outcome(False)
    if figure < _FAILS_BELOW * error:
        raise Broken(f"{what} is {figure:.4g} {unit}, standard error {error:.2g}; expected above 0")
    return Outcome(True, figure, error, unit)


def _replicates(case: Case) -> range:
    return range(_THOROUGH if case.thorough else _REPLICATES)


def _open(case: Case, **more: Any) -> Scenario:
    """Return the scenario with all schemes open, premiums as set, and nobody enrolled by others."""
    changes = {
        "switches.rollout": False,
        "scheme.premium_rule": "set",
        "subsidy.offered": False,
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    return case.scenario.replace(changes, name=case.scenario.name)


def private_information(case: Case) -> Outcome:
    """The better people know their own risk, the steeper the cost curve."""
    common = {
        "switches__private_information": True,
        "scheme__enrolment_unit": "person",
        "population__own_frailty_variance": max(
            1.0, case.scenario.regimes()[0][1].population.own_frailty_variance
        ),
    }
    none, full = (_open(case, enrolment__private_information=psi, **common) for psi in (0.0, 1.0))
    sums = np.array([_curve(none, case, r) + _curve(full, case, r) for r in _replicates(case)])
    figure, error = jackknife(lambda s: _slope(s[6:]) - _slope(s[:6]), sums)
    return _verdict(figure, error, "of mean risk per unit of coverage", "the gain in slope")


def _units(case: Case) -> tuple[Scenario, Scenario]:
    more = {"switches__private_information": True, "enrolment__private_information": 1.0}
    first, second = (_open(case, scheme__enrolment_unit=unit, **more) for unit in ("person", "household"))
    return first, second


def household_unit_flattens(case: Case) -> Outcome:
    """Families that enrol as a whole have a flatter cost curve than persons."""
    person, household = _units(case)
    sums = np.array([_curve(person, case, r) + _curve(household, case, r) for r in _replicates(case)])
    figure, error = jackknife(lambda s: _slope(s[:6]) - _slope(s[6:]), sums)
    return _verdict(figure, error, "of mean risk per unit of coverage", "the loss of slope")


def household_unit_excludes(case: Case) -> Outcome:
    """Families that enrol as a whole are shut out by want of cash more often than persons."""
    scenarios = [s.replace({"switches.cash_gate": True}, name=s.name) for s in _units(case)]
    pools = [[_first_year(s, case, r) for s in scenarios] for r in _replicates(case)]
    denied = np.array([[pool.denied / max(1.0, pool.persons) for pool in row] for row in pools])
    figure, error = paired(denied[:, 1] - denied[:, 0])
    return _verdict(figure, error, "of people", "the rise in exclusion by want of cash")


def _visits(scenario: Scenario, case: Case, months: slice) -> F8:
    """Return visits a person and year in some months, by replicate."""
    found = case.simulate(scenario, replicates=len(_replicates(case)), survey=0)
    tallies = found.arrays.tallies[:, months].sum(axis=2)
    kinds = [codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL]
    persons = np.maximum(1, tallies[..., codes.PERSONS].sum(axis=1))
    return np.asarray(12.0 * tallies[..., kinds].sum(axis=(1, 2)) / persons)


def free_care(case: Case) -> Outcome:
    """Without co-payment there are more visits."""
    rated = case.scenario.regimes()[0][1].care
    paid = _open(
        case,
        care__copayment_rwf=max(200, rated.copayment_rwf),
        care__seek_price=max(0.5, rated.seek_price),
    )
    free = paid.replace({"care.copayment_rwf": 0}, name=paid.name)
    whole = slice(0, case.scenario.n_months)
    figure, error = paired(_visits(free, case, whole) - _visits(paid, case, whole))
    return _verdict(figure, error, "visits a person and year", "the rise in visits")


def frozen_supply(case: Case) -> Outcome:
    """With the staff of the start for ever, visits stay below the target of access."""
    scenario = case.scenario.replace(
        {"switches.supply_growth": False, "switches.rationing": True}, name=case.scenario.name
    )
    rule = case.begin(scenario).rules[0]
    last = slice(max(0, scenario.n_months - _YEAR), scenario.n_months)
    if 12.0 * float(rule["consultations_per_person"]) >= ACCESS_TARGET:
        # the staff of the start could serve the target already
        return Outcome(False)
    figure, error = paired(ACCESS_TARGET - _visits(scenario, case, last))
    when = format_month(scenario.start + last.start)
    return _verdict(figure, error, "visits a person and year", f"what is missing to the target since {when}")


IN_EXPECTATION = (
    Property(
        "private information",
        "The better people know their own risk, the steeper members' mean risk falls as coverage rises.",
        "in expectation",
        "persons who enrol, more of them at no premium than at four times the premium",
        private_information,
    ),
    Property(
        "household unit flattens",
        "Where families enrol as a whole the cost curve is flatter than where persons do.",
        "in expectation",
        "families who enrol, more of them at no premium than at four times the premium",
        household_unit_flattens,
    ),
    Property(
        "household unit excludes",
        "Where families enrol as a whole more people are shut out for want of cash than where persons do.",
        "in expectation",
        "families who wish for cover and lack the cash for it",
        household_unit_excludes,
    ),
    Property(
        "free care",
        "Without co-payment there are more visits.",
        "in expectation",
        "members who pay a co-payment",
        free_care,
    ),
    Property(
        "frozen supply",
        "With the staff of the start for ever, visits stay below one a person and year.",
        "in expectation",
        "staff at the start that could not serve one visit a person and year",
        frozen_supply,
    ),
)
"""Properties of the mean over replicates."""
