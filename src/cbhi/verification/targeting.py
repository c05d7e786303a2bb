"""Whom subsidies reach, against selection by a noisy score when score and consumption are normal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import cgh_ratio, score_targeting
from cbhi.results import Results
from cbhi.simulation import simulate
from cbhi.verification.bare import adults, bare_scenario, tally
from cbhi.verification.core import Row, case, mean_row

__all__: list[str] = []

F8 = NDArray[np.float64]
POOR = 0.24
"""Share of people who are poor, and by default of those who get a slot."""
BOTTOM = 0.4
PREMIUM_RWF = 1_000


def _allot(
    changes: Mapping[str, Any], n: int, replicates: int, workers: int, *, end: str = "2004-01"
) -> Results:
    """Return sections of one-person households whose slots are given out in January 2004."""
    scenario = bare_scenario(
        {
            "population.sections": 1,
            "population.districts": 1,
            "rollout.pilot_districts": 0,
            "income.gini": {"2000-01": 0.49},
            "switches.subsidies": True,
            "switches.targeting_errors": True,
            "subsidy.offered": True,
            "subsidy.slots_share": POOR,
            "subsidy.poorest_share": POOR,
            "subsidy.rich_share": 0.0,
            "subsidy.capture_share": 0.0,
            "subsidy.state_share": 1.0,
            "subsidy.donor_share": 0.0,
            "subsidy.registration_per_month": 1.0,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), PREMIUM_RWF),
            **changes,
        },
        end=end,
        name="slots",
    )
    people = adults(np.ones(n), taste=np.full(n, -1_000.0))
    return simulate(scenario, population=people, replicates=replicates, seed=19, survey=0, workers=workers)


def _shares(run: Results, month: int = -1) -> dict[str, F8]:
    """Return errors at the end of a month, and the CGH ratio of the subsidy, by replicate."""
    poor, slots, poor_slots = (
        tally(run, kind)[:, month].sum(axis=1).astype(np.float64)
        for kind in (codes.POOR, codes.SLOTS, codes.POOR_SLOTS)
    )
    quintiles = run.arrays.strata[:, 0].reshape(poor.size, codes.QUINTILES, codes.CATEGORIES, -1).sum(axis=2)
    paid = quintiles[..., codes.S_SPONSORED].astype(np.float64)
    return {
        "sensitivity": poor_slots / poor,
        "inclusion": 1.0 - poor_slots / slots,
        # francs that reach the two poorest quintiles
        "cgh": paid[:, :2].sum(axis=1) / paid.sum(axis=1) / BOTTOM,
    }


def _rows(name: str, correlation: float, slots: float, found: Mapping[str, F8]) -> Iterator[Row]:
    """Yield rows for the errors of a way of targeting and for how progressive its subsidy is."""
    theory = score_targeting(correlation, POOR, slots)
    source = "cbhi.limits.score_targeting"
    yield mean_row(f"poor with a slot, {name}", theory.sensitivity, found["sensitivity"], source=source)
    yield mean_row(
        f"slots of people who are not poor, {name}", theory.inclusion_error, found["inclusion"], source=source
    )
    source = "cbhi.limits.cgh_ratio"
    ratio = cgh_ratio(correlation, slots, BOTTOM)
    yield mean_row(f"CGH ratio of the subsidy, {name}", ratio, found["cgh"], unit="ratio", source=source)


@case("targeting", "V19")
def targeting_by_noisy_scores(workers: int) -> Iterator[Row]:
    """Errors of targeting and progressivity of the subsidy: lists, proxies, lottery, merit, hybrid."""
    n = 10_000
    ways: tuple[tuple[str, float, float, int, dict[str, Any]], ...] = (
        ("list r = .9", 0.9, POOR, 24, {"subsidy.list_correlation": 0.9}),
        (
            "proxy R2 = .5",
            math.sqrt(0.5),
            POOR,
            16,
            {"subsidy.targeting": "proxy_means", "subsidy.proxy_r2": 0.5},
        ),
        ("list r = .5", 0.5, POOR, 20, {"subsidy.list_correlation": 0.5}),
        ("list r = .3", 0.3, POOR, 30, {"subsidy.list_correlation": 0.3}),
        ("lottery", 0.0, POOR, 50, {"subsidy.targeting": "random"}),
        ("merit r = -.3", -0.3, POOR, 80, {"subsidy.targeting": "merit", "subsidy.merit_correlation": 0.3}),
        (
            "proxy R2 = .5, slots for 40 %",
            math.sqrt(0.5),
            0.4,
            10,
            {"subsidy.targeting": "proxy_means", "subsidy.proxy_r2": 0.5, "subsidy.slots_share": 0.4},
        ),
        (
            # the mean of two scores with errors of variance 1 each has an error of variance 1/2
            "hybrid of list r2 = .5 and proxy R2 = .5",
            math.sqrt(1.0 / 1.5),
            POOR,
            12,
            {
                "subsidy.targeting": "hybrid",
                "subsidy.proxy_r2": 0.5,
                "subsidy.list_correlation": math.sqrt(0.5),
            },
        ),
    )
    for name, correlation, slots, replicates, changes in ways:
        found = _shares(_allot(changes, n, replicates, workers))
        yield from _rows(name, correlation, slots, found)


@case("stale-lists", "V19")
def lists_that_grow_old(workers: int) -> Iterator[Row]:
    """Poor people with a slot after years: the list's correlation times persistence to the years."""
    correlation, persistence = 0.9, 0.8
    changes = {
        "subsidy.list_correlation": correlation,
        "subsidy.refresh_years": 10,
        "population.consumption_persistence": persistence,
    }
    run = _allot(changes, 10_000, 10, workers, end="2006-01")
    for years in (0, 1, 2):
        theory = score_targeting(correlation * persistence**years, POOR)
        yield mean_row(
            f"poor with a slot, {years} years after the list",
            theory.sensitivity,
            _shares(run, 12 * years)["sensitivity"],
            source="cbhi.limits.score_targeting",
        )
