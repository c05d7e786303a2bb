"""A market at a posted price, in the engine: who is asked, who is insured, and what the insured cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.populations import Population
from cbhi.simulation import simulate
from cbhi.verification.bare import CONSUMPTION_RWF, adults, bare_scenario, tally

__all__ = [
    "CONTACT",
    "DOLLAR",
    "PUBLIC",
    "SEEKS",
    "SLOPE",
    "People",
    "Posted",
    "market_keys",
    "post",
    "ratio",
    "spread",
    "turns",
    "utility_of",
]

F8 = NDArray[np.float64]

DOLLAR = 1_000.0
"""RWF in the money of the textbooks."""
CONTACT = 5.0
"""Cost of a contact and user fee, dollars; low, so that claims vary little around what people cost."""
PUBLIC = 400.0
"""What a person of reference risk costs in a year if every episode is treated, dollars."""
SLOPE = 10.0
"""Weight of a gain of a year's consumption, logits."""
SEEKS = 1.0 / (1.0 + math.exp(-10.0))
"""Probability that an episode is treated (``care.seek_intercept`` 10 of the bare world)."""


@dataclass(frozen=True)
class People:
    """Who is asked to buy cover.

    Attributes
    ----------
    cost
        What each person costs in a year, dollars, shape (n,).
    taste
        Willingness to pay beyond what the risk is worth to a household, dollars a head and year, one value
        a household; nothing if empty.
    household
        Row of each person's household, from 0 and without gaps; everybody alone if empty.
    association
        Each household's association, from 1 within its section; drawn if empty.
    section
        Each household's section, from 1. Sections are districts of their own and independent samples.
    """

    cost: F8
    section: NDArray[np.int64]
    taste: F8 = field(default_factory=lambda: np.empty(0))
    household: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    association: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def n_sections(self) -> int:
        """Number of sections."""
        return int(self.section.max())

    def population(self) -> Population:
        """Return them as tables for ``simulate``."""
        columns: dict[str, Any] = {}
        if self.taste.size:
            columns["taste"] = utility_of(self.taste)
        if self.association.size:
            columns["association"] = self.association
        need = self.cost / (PUBLIC * SEEKS)
        household = self.household if self.household.size else None
        return adults(need, section=self.section, household=household, **columns)


@dataclass(frozen=True)
class Posted:
    """What a posted price leads to, by independent sample (replicate and section).

    Attributes
    ----------
    price
        Premium, dollars per person and year.
    insured
        Persons insured, shape (samples,).
    claims
        Their claims in a year, dollars.
    persons
        Everybody.
    """

    price: float
    insured: F8
    claims: F8
    persons: F8

    @property
    def coverage(self) -> float:
        """Share of people insured."""
        return float(self.insured.sum() / self.persons.sum())

    @property
    def covered(self) -> F8:
        """Share of people insured: values by sample with the mean of all (see ``ratio``)."""
        return ratio(self.insured, self.persons)

    @property
    def average_cost(self) -> F8:
        """Claims per insured person, dollars: values by sample with the mean of all (see ``ratio``)."""
        return ratio(self.claims, self.insured)

    def marginal_cost(self, dearer: Posted) -> F8:
        """Return the cost of those who buy here and not at a higher price, dollars per person, by sample."""
        return ratio(self.claims - dearer.claims, self.insured - dearer.insured)


def utility_of(dollars: F8) -> F8:
    """Return the weight of dollars a head and year in utility, logits."""
    return np.asarray(SLOPE * dollars * DOLLAR / CONSUMPTION_RWF)


def spread(n: int, n_sections: int) -> NDArray[np.int64]:
    """Return the sections of ``n`` households that stand in the order of a trait, each a section's turn."""
    return np.arange(n) % n_sections + 1


def turns(n: int, n_sections: int) -> F8:
    """Return numbers from 0 to 1 for ``n`` households, spread evenly and independently of their order.

    Within each section of ``spread`` they turn by the golden section, so that pairs of (order, turn) are
    spread evenly over the square as well (Niederreiter, 1992).
    """
    place, section = np.divmod(np.arange(n), n_sections)
    golden = 0.5 * (math.sqrt(5.0) - 1.0)
    return np.asarray((place * golden + (section + 0.5) / n_sections) % 1.0)


def ratio(numerator: F8, denominator: F8) -> F8:
    """Return values by sample whose mean is the ratio of sums, and whose spread is that of the ratio.

    A sample's value is the ratio plus its residual over the mean denominator (linearisation, Cochran,
    Sampling Techniques, 1977, section 6.3).
    """
    whole = float(numerator.sum() / denominator.sum())
    return np.asarray(whole + (numerator - whole * denominator) / denominator.mean())


def market_keys(price: float) -> dict[str, Any]:
    """Return the keys of a market in which everybody is asked once a year, without a taste of the year.

    Parameters
    ----------
    price
        Premium, dollars per person and year.
    """
    return {
        "care.cost_outpatient_rwf": CONTACT * DOLLAR,
        "care.user_fee_outpatient_rwf": CONTACT * DOLLAR,
        "care.need_per_person_year": PUBLIC / CONTACT,
        "enrolment.price_slope": SLOPE,
        "enrolment.taste_of_year_scale": 0.0,
        "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), round(price * DOLLAR)),
    }


def post(
    people: People,
    price: float,
    changes: Mapping[str, Any] | None = None,
    *,
    replicates: int = 2,
    workers: int = 1,
    end: str = "2005-01",
) -> Posted:
    """Post a price and look at the year of those who buy.

    Parameters
    ----------
    people
        Who is asked.
    price
        Premium, dollars per person and year.
    changes
        Keys to values on top of the market's.
    replicates, workers
        As for ``simulate``.
    end
        Last month; people buy in January 2004, so that the year's last month is January 2005.

    Returns
    -------
    Posted
        By replicate and section. The same seed at every price: prices are compared at equal draws.
    """
    keys = {
        **market_keys(price),
        "population.sections": people.n_sections,
        "population.districts": people.n_sections,
        **(changes or {}),
    }
    run = simulate(
        bare_scenario(keys, end=end),
        population=people.population(),
        replicates=replicates,
        seed=1,
        survey=0,
        workers=workers,
    )
    # bought in the first month, for the twelve that follow
    insured = tally(run, codes.INSURED)[:, 1:13]
    claims = tally(run, codes.CLAIMS_APPROVED_SECTION)[:, 1:13].sum(axis=1) / DOLLAR
    persons = tally(run, codes.PERSONS)[:, 0].astype(np.float64)
    years = insured.shape[1] / 12.0
    return Posted(price, insured.mean(axis=1).ravel(), claims.ravel() / years, persons.ravel())
