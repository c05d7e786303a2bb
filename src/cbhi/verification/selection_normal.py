"""Normal risks: persons who enrol alone, households that enrol as one, associations that vote."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cbhi.limits import bundling_factor, normal_market
from cbhi.verification.core import Row, case, exact_row, mean_row
from cbhi.verification.selection_posted import People, post, spread, turns, utility_of

__all__ = ["bundled_costs", "cost_above_mean", "vote"]

F8 = NDArray[np.float64]

MEAN, SD = 400.0, 100.0
"""Of a person's cost, dollars a year: four standard deviations above zero."""
SIZE, CORRELATION = 5, 0.2
"""Persons in a household, and correlation of their costs."""
TASTE_SD = 60.0
"""Of what households would pay for reasons that have nothing to do with risk, dollars a head."""
VOTERS, THRESHOLD, SHARED = 10, 0.6, 0.4
"""Families of an association, share of them that binds all, and correlation of their costs."""
SECTIONS = 50
MONEY = "dollars per year"
MARKET = "cbhi.limits.normal_market"
BUNDLED = "cbhi.limits.normal_market, bundling_factor"


def _normal_grid(n: int) -> F8:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(n) + 0.5) / n))


def bundled_costs(n: int, size: int, correlation: float, seed: int) -> F8:
    """Return costs of ``n`` bundles of persons, equicorrelated normal, dollars, shape (n, size).

    Parameters
    ----------
    n
        Bundles, in the order of their means, which are spread evenly over their distribution.
    size
        Persons in each.
    correlation
        Of two persons' costs in a bundle.
    seed
        Of what persons differ by from their bundle's mean, which is independent of the mean.
    """
    mean = bundling_factor(size, correlation) * _normal_grid(n)
    own = np.random.Generator(np.random.Philox(seed)).standard_normal((n, size))
    own -= own.mean(axis=1, keepdims=True)
    costs = MEAN + SD * (mean[:, None] + math.sqrt(1.0 - correlation) * own)
    # one in 30,000 would cost less than nothing
    return np.asarray(np.maximum(costs, 0.0))


def cost_above_mean(price: float, risk_premium: float, risk_sd: float, taste_sd: float) -> float:
    """Return by how much the mean cost of those who buy is above everybody's, dollars.

    They buy if cost plus risk premium plus taste is above the price; with independent normal cost and
    taste, sd ``s`` and ``t``, ``s^2 / w h((price - mean - premium) / w)``, where ``w^2 = s^2 + t^2`` and h
    is the mean of a standard normal above a threshold.
    """
    from scipy.special import log_ndtr

    width = math.hypot(risk_sd, taste_sd)
    z = (price - MEAN - risk_premium) / width
    hazard = math.exp(-0.5 * z * z - float(log_ndtr(-z))) / math.sqrt(2.0 * math.pi)
    return risk_sd * risk_sd / width * hazard


def _premium(risk_premium: float) -> dict[str, object]:
    """Return the keys of households that know their risk and pay ``risk_premium`` dollars a head more."""
    return {
        "switches.private_information": True,
        "enrolment.private_information": 1.0,
        "enrolment.intercept": float(utility_of(np.array(risk_premium))),
    }


def _households(n: int, taste: F8 | None = None) -> People:
    costs = bundled_costs(n, SIZE, CORRELATION, seed=3)
    return People(
        cost=costs.ravel(),
        household=np.repeat(np.arange(n), SIZE),
        section=spread(n, SECTIONS),
        taste=np.empty(0) if taste is None else taste,
    )


@case("normal-risk", "V3")
def selection_among_normal_risks(workers: int) -> Iterator[Row]:
    """Coverage and cost at the equilibrium price of normal risks, for persons and for whole households."""
    n = 50_000
    persons = People(cost=bundled_costs(n, 1, 0.0, seed=2).ravel(), section=spread(n, SECTIONS))
    households = _households(20_000)
    factor = bundling_factor(SIZE, CORRELATION)
    for people, sd, premium, source, who in (
        (persons, SD, 0.8 * SD, MARKET, "persons, risk premium 0.8 sd"),
        (persons, SD, 0.5 * SD, MARKET, "persons, risk premium 0.5 sd"),
        (households, SD * factor, 0.5 * SD, BUNDLED, "households of five, risk premium 0.5 sd"),
    ):
        theory = normal_market(MEAN, sd, premium)
        assert theory.price is not None
        posted = post(people, theory.price, _premium(premium), replicates=1, workers=workers)
        yield exact_row(
            f"coverage at equilibrium, {who}", theory.coverage_share, posted.coverage,
            resolution=1.0 / people.section.size, unit="share", source=source,
        )  # fmt: skip
        yield mean_row(
            f"cost of the insured above the mean, {who}", theory.price - MEAN, posted.average_cost - MEAN,
            unit=MONEY, source=source,
        )  # fmt: skip


@case("bundling", "V3")
def bundling_flattens_the_cost_curve(workers: int) -> Iterator[Row]:
    """Slope of the cost curve where tastes matter beside risk: each person alone, and whole households."""
    from scipy.special import ndtri

    n = 14_000
    people = _households(n, TASTE_SD * np.asarray(ndtri(turns(n, SECTIONS))))
    premium = 0.5 * SD
    low, high = MEAN + premium - 160.0, MEAN + premium + 10.0
    factor = bundling_factor(SIZE, CORRELATION)
    for unit, sd, who in (
        ("person", SD, "each person alone"),
        ("household", SD * factor, "whole households"),
    ):
        keys = {**_premium(premium), "scheme.enrolment_unit": unit}
        cheap, dear = (post(people, price, keys, replicates=1, workers=workers) for price in (low, high))
        above = [cost_above_mean(price, premium, sd, TASTE_SD) for price in (low, high)]
        yield mean_row(
            f"slope of the cost curve, {who}",
            (above[1] - above[0]) / (high - low),
            (dear.average_cost - cheap.average_cost) / (high - low),
            unit="dollars of cost per dollar of price",
            source="s^2 / w^2 h'(z), s times cbhi.limits.bundling_factor for households",
        )


def vote(price: float, risk_premium: float) -> tuple[float, float]:
    """Return coverage and the cost of the insured above the mean where associations of persons vote.

    Parameters
    ----------
    price
        Premium, dollars per person and year.
    risk_premium
        Willingness to pay above the own cost, dollars.

    Returns
    -------
    tuple
        (share insured, dollars), by Gauss-Hermite quadrature over what the families of an association
        share: given it they vote independently, and cost by how they vote is a truncated normal.
    """
    from scipy.special import ndtr
    from scipy.stats import binom

    nodes, weights = np.polynomial.hermite_e.hermegauss(99)
    weights = weights / weights.sum()
    own = SD * math.sqrt(1.0 - SHARED)
    common = SD * math.sqrt(SHARED) * nodes
    z = (price - risk_premium - MEAN - common) / own
    yes = ndtr(-z)
    needed = math.ceil(THRESHOLD * VOTERS - 1e-9)
    passes = binom.sf(needed - 1, VOTERS, yes)
    # the expected number for cover among associations that pass: one more than of the other families
    for_cover = VOTERS * yes * binom.sf(needed - 2, VOTERS - 1, yes)
    against = VOTERS * passes - for_cover
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    # own parts of those for and against, per head: own * density / P(for), - own * density / P(against)
    above = for_cover * (common + own * density / np.maximum(yes, 1e-300))
    below = against * (common - own * density / np.maximum(ndtr(z), 1e-300))
    coverage = float(weights @ passes)
    return coverage, float(weights @ (above + below)) / (VOTERS * coverage)


def _association(costs: F8) -> People:
    """Return persons of associations, one row of ``costs`` each."""
    n, size = costs.shape
    section = spread(n, SECTIONS)
    return People(
        cost=costs.ravel(),
        section=np.repeat(section, size),
        association=np.repeat(np.arange(n) // SECTIONS + 1, size),
    )


@case("associations-vote", "V3")
def associations_that_enrol_as_one(workers: int) -> Iterator[Row]:
    """Coverage and cost at the equilibrium price where associations vote and all their families join."""
    from scipy.optimize import brentq

    premium = 0.6 * SD
    keys = {
        **_premium(premium),
        "switches.groups": True,
        "scheme.enrolment_unit": "group",
        "groups.vote_threshold": THRESHOLD,
    }
    price = float(brentq(lambda p: MEAN + vote(p, premium)[1] - p, MEAN, MEAN + 4.0 * SD))
    coverage, above = vote(price, premium)
    people = _association(bundled_costs(12_000, VOTERS, SHARED, seed=5))
    posted = post(people, price, keys, replicates=1, workers=workers)
    cheaper = post(people, price - 150.0, keys, replicates=1, workers=workers)
    source = "Gauss-Hermite quadrature, one common factor"
    yield mean_row("coverage by vote at equilibrium", coverage, posted.covered, unit="share", source=source)
    yield mean_row(
        "cost of those insured by vote above the mean", above, posted.average_cost - MEAN,
        unit=MONEY, source=source,
    )  # fmt: skip
    yield mean_row(
        "slope of the cost curve of associations that vote",
        (above - vote(cheaper.price, premium)[1]) / (price - cheaper.price),
        (posted.average_cost - cheaper.average_cost) / (price - cheaper.price),
        unit="dollars of cost per dollar of price", source=source,
    )  # fmt: skip
    # families that share their whole risk vote as one
    theory = normal_market(MEAN, SD, premium)
    assert theory.price is not None
    alike = _association(np.repeat(bundled_costs(5_000, 1, 0.0, seed=5), VOTERS, axis=1))
    posted = post(alike, theory.price, keys, replicates=1, workers=workers, end="2004-02")
    yield exact_row(
        "coverage at equilibrium, associations that share their whole risk", theory.coverage_share,
        posted.coverage, resolution=VOTERS / alike.cost.size, unit="share", source=MARKET,
    )  # fmt: skip
