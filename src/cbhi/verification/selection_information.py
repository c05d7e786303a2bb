"""What households know about their own risk, and what it does to who is insured."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cbhi.verification.core import Row, case, exact_row, mean_row
from cbhi.verification.selection_posted import PUBLIC, SEEKS, People, Posted, post, spread, turns

__all__: list[str] = []

# dollars: costs spread evenly over these, tastes over +- half a width around zero, and two prices
LOWEST, HIGHEST = 40.0, 760.0
WIDTH = 600.0
CHEAP, DEAR = 200.0, 450.0
SECTIONS = 100
SOURCE = "quadrature of ln r = psi ln own + (1 - psi) ln public"


def theory(price: float, psi: float) -> tuple[float, float]:
    """Return coverage and average cost at a price where households know their risk with precision psi.

    Parameters
    ----------
    price
        Premium, dollars per person and year.
    psi
        Precision of private information, 0 to 1.

    Returns
    -------
    tuple
        (share insured, dollars per insured person), by quadrature over costs; over tastes the share who buy
        is linear in what cover is worth.
    """
    from scipy.integrate import quad

    public = PUBLIC * SEEKS

    def buys(cost: float) -> float:
        reckoned = public * (cost / public) ** psi
        return float(min(1.0, max(0.0, 0.5 + (reckoned - price) / WIDTH)))

    def mean(value: float) -> float:
        # kinks where nobody or everybody of a risk buys
        kinks = [
            public * ((price + side * 0.5 * WIDTH) / public) ** (1.0 / psi)
            for side in (-1.0, 1.0)
            if psi > 0.0 and price + side * 0.5 * WIDTH > 0.0
        ]
        inside = [kink for kink in kinks if LOWEST < kink < HIGHEST]
        found = quad(lambda c: c**value * buys(c), LOWEST, HIGHEST, points=inside or None)[0]
        return float(found / (HIGHEST - LOWEST))

    coverage = mean(0.0)
    return coverage, mean(1.0) / coverage


def cost_slope(psi: float) -> float:
    """Return the slope of the cost curve between the two prices, dollars per dollar, by quadrature."""
    return (theory(DEAR, psi)[1] - theory(CHEAP, psi)[1]) / (DEAR - CHEAP)


def _people(n: int) -> People:
    """Return people whose tastes have nothing to do with their costs; both are spread evenly."""
    cost = LOWEST + (HIGHEST - LOWEST) * (np.arange(n) + 0.5) / n
    taste = WIDTH * (turns(n, SECTIONS) - 0.5)
    return People(cost=cost, section=spread(n, SECTIONS), taste=taste)


def _posted(people: People, price: float, psi: float, workers: int) -> Posted:
    keys = {"switches.private_information": psi > 0.0, "enrolment.private_information": psi}
    return post(people, price, keys, replicates=1, workers=workers)


@case("private-information", "V1")
def private_information(workers: int) -> Iterator[Row]:
    """Coverage, average cost and its slope as households know nothing, half or all of their risk."""
    people = _people(40_000)
    full = cost_slope(1.0)
    for psi, what in (
        (0.0, "without private information"),
        (0.5, "with half of it"),
        (1.0, "with all of it"),
    ):
        cheap, dear = (_posted(people, price, psi, workers) for price in (CHEAP, DEAR))
        coverage, cost = theory(DEAR, psi)
        # n points that are spread evenly over the square know areas to about ln(n) / n
        yield exact_row(
            f"coverage {what}",
            coverage,
            dear.coverage,
            resolution=math.log(people.cost.size) / people.cost.size,
            unit="share",
            source=SOURCE,
        )
        yield mean_row(
            f"average cost {what}", cost, dear.average_cost, unit="dollars per year", source=SOURCE
        )
        slope = cost_slope(psi) if psi > 0.0 else 0.0
        yield mean_row(
            f"slope of the cost curve {what}",
            slope,
            (dear.average_cost - cheap.average_cost) / (DEAR - CHEAP),
            # where theory says zero: 5 % of what full information makes of it
            wrong=() if psi > 0.0 else (0.05 * full, -0.05 * full),
            wrong_by="" if psi > 0.0 else "slope with all information, in place of none",
            unit="dollars of cost per dollar of price",
            source=SOURCE,
        )
