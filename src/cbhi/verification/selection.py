"""Selection at posted prices: linear demand and cost, in the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.limits import linear_market
from cbhi.verification.core import Row, case, exact_row, mean_row
from cbhi.verification.selection_posted import DOLLAR, PUBLIC, SEEKS, People, Posted, post, spread

__all__: list[str] = []

# Einav, Finkelstein and Cullen (2010): demand a - b p, average cost c + d p, in dollars
A, B, C, D = 0.940, 0.00070, 391.690, 0.15524
SECTIONS = 100
SOURCE = "cbhi.limits.linear_market"
MONEY = "dollars per year"


def _people(n: int) -> tuple[People, NDArray[np.float64]]:
    """Return people on the two straight lines, and what each would pay, dollars.

    Willingness to pay falls linearly with rank, below zero for the last; who would pay w costs MC(w). They
    own no information (the switch is off), so that their taste makes up what they would pay beyond what the
    person of reference risk costs.
    """
    rank = (np.arange(n) + 0.5) / n
    wtp = (A - rank) / B
    cost = (C - D * A / B) + 2.0 * D * wtp
    return People(cost=cost, section=spread(n, SECTIONS), taste=wtp - PUBLIC * SEEKS), wtp


def _worth(people: People, wtp: NDArray[np.float64], price: float, keys: Mapping[str, Any] | None) -> float:
    """Return the willingness to pay of those whom the engine insures, dollars per person of everybody.

    Who is insured is read from the engine, in a month of people of whom those of alike willingness to pay
    live together: insured persons of each section times the section's mean. No section but one is divided.
    """
    together = np.arange(wtp.size) // (wtp.size // 1_000) + 1
    seen = post(replace(people, section=together), price, keys, replicates=1, end="2004-02")
    means = np.bincount(together - 1, weights=wtp) / np.bincount(together - 1)
    return float(seen.insured @ means) / wtp.size


def _surplus(posted: Posted, worth: float) -> NDArray[np.float64]:
    """Return what cover is worth less claims of the insured, dollars per person, by sample."""
    return np.asarray(worth - posted.claims / posted.persons)


def _mandate(penalty: float) -> dict[str, Any]:
    """Return the keys of a law under which who has no cover expects a penalty for sure, dollars."""
    return {
        "switches.mandate": True,
        "mandate.compulsory": True,
        "mandate.initial_capacity": 1.0,
        "mandate.enforcement_max": 1.0,
        "mandate.penalty_rwf": round(penalty * DOLLAR),
    }


@case("linear-market", "V1")
def selection_on_a_linear_market(workers: int) -> Iterator[Row]:
    """Coverage, cost curve and welfare where demand and cost are linear; what a mandate does to welfare."""
    theory = linear_market(A, B, C, D)
    people, wtp = _people(40_000)
    n = people.cost.size
    market = post(people, theory.price, workers=workers)
    efficient = post(people, theory.efficient_price, workers=workers)
    # a penalty beyond anybody's reluctance insures everybody
    law = _mandate(1_000.0)
    everybody = post(people, theory.price, law, workers=workers)
    for posted, what in ((market, "equilibrium price"), (efficient, "efficient price")):
        yield exact_row(
            f"coverage at the {what}", A - B * posted.price, posted.coverage, resolution=1.0 / n,
            unit="share", source=SOURCE,
        )  # fmt: skip
        yield mean_row(
            f"average cost at the {what}",
            C + D * posted.price,
            posted.average_cost,
            unit=MONEY,
            source=SOURCE,
        )
    between = 0.5 * (market.price + efficient.price)
    yield mean_row(
        "slope of the cost curve",
        D,
        (market.average_cost - efficient.average_cost) / (market.price - efficient.price),
        unit="dollars of cost per dollar of price",
        source=SOURCE,
    )
    yield mean_row(
        "marginal cost between the two prices",
        theory.marginal_cost_intercept + theory.marginal_cost_slope * between,
        efficient.marginal_cost(market),
        unit=MONEY,
        source=SOURCE,
    )
    now, best, mandated = (
        _surplus(each, _worth(people, wtp, each.price, keys))
        for each, keys in ((market, None), (efficient, None), (everybody, law))
    )
    yield mean_row(
        "welfare lost by average-cost pricing", theory.deadweight_loss, best - now, unit=MONEY, source=SOURCE
    )
    yield mean_row(
        "welfare lost by insuring everybody", theory.mandate_loss, best - mandated, unit=MONEY, source=SOURCE
    )
    yield mean_row(
        "welfare gained by a mandate, over the equilibrium (less than nothing)",
        theory.deadweight_loss - theory.mandate_loss,
        mandated - now,
        unit=MONEY,
        source=SOURCE,
    )


@case("linear-market-penalty", "V1")
def penalty_on_a_linear_market(workers: int) -> Iterator[Row]:
    """Coverage and average cost at the equilibrium price where the uninsured expect a penalty."""
    people, _ = _people(20_000)
    for penalty in (50.0, 100.0):
        theory = linear_market(A, B, C, D, penalty)
        posted = post(people, theory.price, _mandate(penalty), replicates=1, workers=workers)
        wrong = tuple(A - B * (theory.price - factor * penalty) for factor in (0.95, 1.05))
        yield exact_row(
            f"coverage under an expected penalty of {penalty:g}", theory.coverage_share, posted.coverage,
            resolution=1.0 / people.cost.size, wrong=wrong, wrong_by="penalty", unit="share", source=SOURCE,
        )  # fmt: skip
        yield mean_row(
            f"average cost under an expected penalty of {penalty:g}", theory.price, posted.average_cost,
            unit=MONEY, source=SOURCE,
        )  # fmt: skip
