"""Selection at posted prices: linear demand and cost, in the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import linear_market
from cbhi.simulation import simulate
from cbhi.verification.bare import CONSUMPTION_RWF, adults, bare_scenario, tally
from cbhi.verification.core import Row, case, exact_row, mean_row

__all__: list[str] = []

# Einav, Finkelstein and Cullen (2010): demand a - b p, average cost c + d p, in dollars
A, B, C, D = 0.940, 0.00070, 391.690, 0.15524
# a dollar in a bare world, RWF; a contact costs 50 dollars, so that claims vary little
DOLLAR = 1_000.0
CONTACT = 50.0
NEED = 8.0
SLOPE = 10.0


def _market(price: float, n: int, replicates: int, workers: int) -> tuple[float, NDArray[np.float64]]:
    """Return coverage at a posted price, and what the insured cost, dollars a year, by replicate."""
    # willingness to pay on a grid: uniform up to the choke price for a share A of people, none for the others
    rank = (np.arange(n) + 0.5) / n
    wtp = np.where(rank < A, (A - rank) / B, -1.0)
    cost = (C - D * A / B) + 2.0 * D * np.maximum(wtp, 0.0)
    scenario = bare_scenario(
        {
            "care.cost_outpatient_rwf": CONTACT * DOLLAR,
            "care.user_fee_outpatient_rwf": CONTACT * DOLLAR,
            "care.need_per_person_year": NEED,
            "enrolment.price_slope": SLOPE,
            "enrolment.taste_of_year_scale": 0.0,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), round(price * DOLLAR)),
        },
        end="2005-01",
    )
    # households reckon with the public rate: what their own taste adds makes up their willingness to pay
    public = NEED * CONTACT
    people = adults(cost / (NEED * CONTACT), taste=SLOPE * (wtp - public) * DOLLAR / CONSUMPTION_RWF)
    run = simulate(scenario, population=people, replicates=replicates, seed=1, survey=0, workers=workers)
    insured = tally(run, codes.INSURED)[:, 1:13].sum(axis=(1, 2)) / 12.0
    claims = tally(run, codes.CLAIMS_APPROVED_SECTION)[:, 1:13].sum(axis=(1, 2)) / DOLLAR
    return float(insured[0] / n), claims / insured


@case("linear-market", "V1")
def selection_on_a_linear_market(workers: int) -> Iterator[Row]:
    """Coverage, average cost and slope of the cost curve where demand and cost are linear."""
    theory = linear_market(A, B, C, D)
    n, replicates = 10_000, 8
    source = "cbhi.limits.linear_market"
    for price, what in ((theory.price, "equilibrium price"), (theory.efficient_price, "efficient price")):
        coverage, cost = _market(price, n, replicates, workers)
        yield exact_row(
            f"coverage at the {what}",
            A - B * price,
            coverage,
            resolution=1.0 / n,
            unit="share",
            source=source,
        )
        yield mean_row(
            f"average cost at the {what}", C + D * price, cost, unit="dollars per year", source=source
        )
