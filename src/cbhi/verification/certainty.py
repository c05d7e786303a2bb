"""What cover is worth to a household that fears variance, against exact certainty equivalents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cbhi.kernels import codes
from cbhi.limits import ce_compound_negative_binomial, ce_compound_poisson, ce_normal
from cbhi.populations import Population
from cbhi.simulation import simulate
from cbhi.verification.bare import CONSUMPTION_RWF, bare_scenario, tally
from cbhi.verification.core import Row, case, exact_row
from cbhi.verification.selection_posted import SEEKS

__all__: list[str] = []

# money of the textbook: 10,000 RWF, so that consumption is 120
UNIT = 10_000.0
COUNT, SEVERITY = 2.0, 3.0
"""Claims a year and their mean size: the compound Poisson of the design."""
SLOPE = 10.0
PEOPLE = 20_000


def _exponential_bills(points: int = 24) -> dict[str, Any]:
    """Return sizes of bills with the first 47 moments of an exponential: nodes of Gauss-Laguerre."""
    sizes, chances = np.polynomial.laguerre.laggauss(points)
    return {"size": sizes, "probability": chances}


def reservation_price(
    risk_aversion: float, near: float, width: float, changes: Mapping[str, Any] | None = None
) -> float:
    """Return the premium up to which a household buys cover for exponential bills.

    Parameters
    ----------
    risk_aversion
        Absolute, per unit of money.
    near
        Premium that is posted, units of money.
    width
        Households are alike but for a discount, as a taste, spread evenly over plus and minus half of this:
        the share who buy says where the others' limit is.
    changes
        Keys to values on top.

    Returns
    -------
    float
        Units of money, exact to ``width / 20,000``.
    """
    discount = width * ((np.arange(PEOPLE) + 0.5) / PEOPLE - 0.5)
    keys = {
        "care.need_per_person_year": COUNT / SEEKS,
        "care.cost_outpatient_rwf": SEVERITY * UNIT,
        "care.user_fee_outpatient_rwf": SEVERITY * UNIT,
        "switches.risk_aversion": True,
        "enrolment.risk_aversion": risk_aversion * CONSUMPTION_RWF / UNIT,
        "enrolment.risk_premium_cap": 100.0,
        "enrolment.price_slope": SLOPE,
        "enrolment.taste_of_year_scale": 0.0,
        "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), round(near * UNIT)),
        **(changes or {}),
    }
    n = np.ones(PEOPLE)
    table = {"taste": SLOPE * discount * UNIT / CONSUMPTION_RWF, "need": n}
    members = {"section": n, "household": np.arange(PEOPLE), "age_years": 30.0 * n, "female": 0.0 * n,
               "chronic": 0.0 * n, "need": n}  # fmt: skip
    people = Population(table, members, _exponential_bills())
    run = simulate(bare_scenario(keys, end="2004-02"), population=people, seed=1, survey=0)
    share = float(tally(run, codes.INSURED)[0, 1].sum()) / PEOPLE
    if not 0.0 < share < 1.0:
        return float("nan")
    return round(near * UNIT) / UNIT + width * (share - 0.5)


@case("certainty-equivalent", "V5")
def certainty_equivalents(_workers: int) -> Iterator[Row]:
    """The dearest premium a household pays: second order in risk aversion; its gap to exact CARA."""
    mean = COUNT * SEVERITY
    square = 2.0 * COUNT * SEVERITY**2
    # households do not know their own frailty: claims are negative binomial, with size 1 / variance
    frailty = 0.25
    for keys, variance, exact, name, what in (
        ({}, square, _poisson, "ce_compound_poisson", "Poisson"),
        (
            {"population.shared_frailty_variance": frailty},
            square + frailty * mean**2,
            lambda aversion: ce_compound_negative_binomial(aversion, COUNT, 1.0 / frailty, SEVERITY),
            "ce_compound_negative_binomial",
            "negative binomial",
        ),
    ):
        # what theory says of the gap, what the engine's is, and how finely that is known
        gaps = []
        for aversion in (0.1, 0.02, 0.01):
            theory = ce_normal(aversion, mean, variance**0.5)
            width = 0.2 * (theory - mean)
            found = reservation_price(aversion, theory, width, keys)
            yield exact_row(
                f"reservation price above the mean, {what} claims, risk aversion {aversion:g}",
                theory - mean, found - mean, resolution=width / PEOPLE, unit="money",
                source="cbhi.limits.ce_normal of the claims' mean and variance",
            )  # fmt: skip
            gaps.append((exact(aversion) - theory, exact(aversion) - found, width / PEOPLE))
        (theory_wide, wide, fine_wide), (theory_half, half, fine_half) = gaps[1:]
        yield exact_row(
            f"gap to exact CARA over that at half the risk aversion, {what}",
            theory_wide / theory_half, wide / half,
            resolution=wide / half * (fine_wide / wide + fine_half / half), unit="ratio",
            source=f"cbhi.limits.{name}",
        )  # fmt: skip


def _poisson(aversion: float) -> float:
    return ce_compound_poisson(aversion, COUNT, SEVERITY)
