"""The reduced model that all programs here simulate: its rules, its people and what is counted.

``docs/peers.md`` states the model on one page; the symbols there are named here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
Numbers = NDArray[Any]

MONTHS = 12
DISTRICTS = 40
"""Groups of sections: what is counted is kept by year and district, which are the independent units."""
FIRST_YEAR = 2004
CASH_IN_HAND = 0.6
"""Cash kept from February to November, of a month's income: less than any month brings, and enough for fees
and instalment, so that it decides nothing."""


@dataclass(frozen=True)
class Rules:
    """Parameters of the reduced model; money in francs, rates a year unless said otherwise."""

    years: int = 20
    # income
    mean_consumption: float = 205_000.0  # per person and year
    gini: float = 0.3
    persistence: float = 0.8  # of the position in log income from year to year
    shock_sd: float = 0.2  # of one month's income
    laid_aside: float = 0.1  # share of January's income
    # care
    need: float = 3.5  # episodes a person
    seek_intercept: float = -0.5
    seek_price: float = 1.5
    fee: float = 600.0  # mean bill of a visit without cover
    cost: float = 900.0  # and with cover
    bill_log_sd: float = 0.83
    copayment: int = 200
    # enrolment
    premium: int = 1_000  # a person
    intercept: float = -1.0
    price_slope: float = 100.0
    income_gradient: float = 0.2
    access_value: float = 0.5
    peers: float = 2.0
    inertia: float = 1.5
    # loans
    instalments: int = 10  # February to November
    interest: float = 0.15
    default_share: float = 0.04
    years_barred: int = 2
    # fund
    administration: float = 0.1

    @property
    def log_sd(self) -> float:
        """Standard deviation of log income: ``sqrt(2) Phi^-1((1 + G) / 2)``."""
        return math.sqrt(2.0) * NormalDist().inv_cdf((1.0 + self.gini) / 2.0)

    @property
    def cover_share(self) -> float:
        """Part of a year for which cover runs: it is sold in January and starts in February."""
        return (MONTHS - 1) / MONTHS


class People(NamedTuple):
    """Households of the start, one value each."""

    section: I8  # from 0, ascending
    size: I8  # persons
    position: F8  # standard normal position in log income
    need: F8  # relative to the reference, mean 1
    taste: F8  # lasting taste for cover, logits

    @property
    def n(self) -> int:
        """Households."""
        return int(self.section.size)

    @property
    def sections(self) -> int:
        """Sections."""
        return int(self.section[-1]) + 1


def draw_people(households: int, seed: int) -> People:
    """Return households in sections of 50 to 500; a multiple of 2,000 divides evenly.

    Parameters
    ----------
    households
        How many, at least 2,000.
    seed
        Of the draw; every program gets the same households.
    """
    if households < 50 * DISTRICTS:
        raise ValueError(f"at least {50 * DISTRICTS:,} households are needed, got {households:,}")
    rng = np.random.default_rng(seed)
    sections = DISTRICTS * min(10, households // (50 * DISTRICTS))
    size = 1 + rng.negative_binomial(12.0, 12.0 / (12.0 + 3.63), households)
    return People(
        section=np.arange(households) * sections // households,
        size=np.minimum(size, 12),
        position=rng.standard_normal(households),
        need=rng.gamma(2.5, 0.4, households),
        taste=rng.standard_normal(households),
    )


def district_of(section: I8, sections: int) -> I8:
    """Return the district of sections, equally many sections each."""
    return section * DISTRICTS // sections


COUNTED = (
    "covered",  # persons under cover from February on
    "visits_insured",
    "visits_uninsured",
    "out_of_pocket",  # fees and co-payments
    "contributions",
    "claims",
    "loans",  # number
    "lent",
    "defaults",  # number
    "lost",  # principal of loans in default
    "fund",  # at the end of the year, less what it owes
)
"""What every program counts, by year and section or district; money in francs."""

Counts = dict[str, F8]
"""For each of ``COUNTED`` an array of shape (years, sections) or (years, districts)."""


def empty_counts(rules: Rules, units: int) -> Counts:
    """Return zeros to be filled in."""
    return {name: np.zeros((rules.years, units)) for name in COUNTED}


def by_district(counts: Counts) -> Counts:
    """Return counts by section summed over the sections of each district."""
    years, sections = counts["covered"].shape
    return {
        name: found.reshape(years, DISTRICTS, sections // DISTRICTS).sum(axis=2)
        for name, found in counts.items()
    }
