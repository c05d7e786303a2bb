"""Inequality of the people drawn, and who bears contributions and out-of-pocket payments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import (
    concentration_index,
    grouped_concentration_index,
    lognormal_concentration,
    lognormal_gini,
    lognormal_kakwani,
    lognormal_lorenz,
    lognormal_poverty,
    lognormal_poverty_line,
    lognormal_sigma,
)
from cbhi.populations import Population
from cbhi.results import Results
from cbhi.simulation import simulate
from cbhi.verification.bare import CONSUMPTION_RWF, adults, bare_scenario
from cbhi.verification.core import Row, case, mean_row

__all__: list[str] = []

F8 = NDArray[np.float64]
GINI = 0.49
PREMIUM_RWF = 1_000


def _december(changes: Mapping[str, Any], n: int, **columns: Any) -> tuple[Any, Population]:
    """Return one December in which everybody tells of that month: numbers with their anniversary in it."""
    scenario = bare_scenario(
        {
            "income.gini": {"2000-01": GINI},
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), PREMIUM_RWF),
            **changes,
        },
        start="2003-12",
        end="2003-12",
        name="december",
    )
    # everybody wants cover, which starts in the next month
    drawn = adults(np.ones(n), taste=np.full(n, 1_000.0))
    number = 12 * np.arange(n) + 11
    members = {**(drawn.members or {}), "household": number}
    need = columns.pop("need", None)
    if need is not None:
        members["need"] = need
    return scenario, Population({**drawn.households, "household": number, **columns}, members)


def _told(run: Results, field: str) -> list[F8]:
    """Return what everybody tells, by replicate."""
    return [
        told[field][told["month"] == run.scenario.start].astype(np.float64) for told in run.arrays.interviews
    ]


@case("inequality", "V16")
def inequality_of_those_drawn(workers: int) -> Iterator[Row]:
    """Gini coefficient, quintile shares and poverty of those drawn; premiums by category."""
    n, replicates = 10_000, 24
    sigma = lognormal_sigma(GINI)
    scenario, people = _december({}, n)
    run = simulate(scenario, population=people, replicates=replicates, seed=16, survey=n, workers=workers)
    consumption = [np.sort(one) for one in _told(run, "consumption_rwf")]
    ginis = np.array([concentration_index(one, one) for one in consumption])
    yield mean_row(
        "Gini coefficient of consumption", lognormal_gini(sigma), ginis, source="cbhi.limits.lognormal_gini"
    )
    yield mean_row(
        "mean consumption",
        CONSUMPTION_RWF,
        np.array([one.mean() for one in consumption]),
        unit="RWF per year",
        source="income.mean_consumption_rwf",
    )
    for share in (0.2, 0.4, 0.8):
        yield mean_row(
            f"share of consumption of the poorest {100 * share:g} %",
            lognormal_lorenz(share, sigma),
            np.array([one[: round(share * n)].sum() / one.sum() for one in consumption]),
            unit="share",
            source="cbhi.limits.lognormal_lorenz",
        )
    line = lognormal_poverty_line(0.449, CONSUMPTION_RWF, sigma)
    theory = lognormal_poverty(line, CONSUMPTION_RWF, sigma)
    gaps = [np.maximum(0.0, 1.0 - one / line) for one in consumption]
    for name, value, found in (
        ("share of the poor", theory.headcount, [(gap > 0.0).mean() for gap in gaps]),
        ("poverty gap", theory.gap, [gap.mean() for gap in gaps]),
        ("severity of poverty", theory.squared_gap, [(gap**2).mean() for gap in gaps]),
    ):
        yield mean_row(name, value, np.array(found), unit="share", source="cbhi.limits.lognormal_poverty")
    yield from _premiums_by_category(workers)


# poorest and rich by position in consumption, and premiums as Rwanda had them from 2011 on
_SHARES = (0.25, 0.70, 0.05)
_PREMIUMS_RWF = (2_000, 3_000, 7_000)


def _premiums_by_category(workers: int) -> Iterator[Row]:
    """Yield the Kakwani index of premiums by category: a concentration curve of three straight pieces."""
    n, replicates = 10_000, 12
    scenario, people = _december(
        {
            "subsidy.poorest_share": _SHARES[0],
            "subsidy.rich_share": _SHARES[2],
            "scheme.premium_rwf": dict(zip(("poorest", "middle", "rich"), _PREMIUMS_RWF, strict=True)),
        },
        n,
    )
    run = simulate(scenario, population=people, replicates=replicates, seed=18, survey=n, workers=workers)
    paid, incomes = _told(run, "contribution_rwf"), _told(run, "consumption_rwf")
    index = np.array([concentration_index(*pair) for pair in zip(paid, incomes, strict=True)])
    gini = np.array([concentration_index(income, income) for income in incomes])
    by_category = np.multiply(_SHARES, _PREMIUMS_RWF)
    theory = grouped_concentration_index(_SHARES, by_category).index
    sigma = lognormal_sigma(GINI)
    yield mean_row(
        "mean premium where it follows the category",
        by_category.sum(),
        np.array([one.mean() for one in paid]),
        unit="RWF",
        source="premiums times shares of people",
    )
    yield mean_row(
        "Kakwani index of a premium by category",
        theory - lognormal_gini(sigma),
        index - gini,
        source="cbhi.limits.grouped_concentration_index, lognormal_gini",
    )


@case("progressivity", "V16, V17")
def progressivity_of_payments(workers: int) -> Iterator[Row]:
    """Concentration and Kakwani index of fees where need rises with consumption by a known elasticity."""
    from scipy.special import ndtri

    n, replicates = 10_000, 8
    sigma = lognormal_sigma(GINI)
    position = ndtri((np.arange(n) + 0.5) / n)
    for elasticity in (0.5, 0.8, 1.2):
        spread = elasticity * sigma
        need = np.exp(spread * position - 0.5 * spread**2)
        fees = {"care.cost_outpatient_rwf": 100.0, "care.user_fee_outpatient_rwf": 100.0}
        scenario, people = _december(
            {**fees, "care.need_per_person_year": 24.0}, n, position=position, need=need
        )
        run = simulate(scenario, population=people, replicates=replicates, seed=17, survey=n, workers=workers)
        paid, incomes = _told(run, "out_of_pocket_rwf"), _told(run, "consumption_rwf")
        index = np.array([concentration_index(*pair) for pair in zip(paid, incomes, strict=True)])
        name = f"fees with elasticity {elasticity:g}"
        concentration = lognormal_concentration(elasticity, sigma)
        yield mean_row(
            f"concentration index, {name}",
            concentration,
            index,
            source="cbhi.limits.lognormal_concentration",
        )
        gini = np.array([concentration_index(income, income) for income in incomes])
        kakwani = lognormal_kakwani(elasticity, sigma)
        yield mean_row(
            f"Kakwani index, {name}",
            kakwani,
            index - gini,
            wrong=(lognormal_kakwani(elasticity * 1.05, sigma), lognormal_kakwani(elasticity * 0.95, sigma)),
            wrong_by="elasticity",
            source="cbhi.limits.lognormal_kakwani",
        )
        yield mean_row(
            f"concentration index of quintiles, {name}",
            _index_of_quintiles(elasticity, sigma),
            np.array([_grouped(strata) for strata in run.arrays.strata]),
            source="cbhi.limits.grouped_concentration_index",
        )


def _index_of_quintiles(elasticity: float, sigma: float) -> float:
    """Return the index of five groups of equal size whose shares follow the concentration curve."""
    curve = [lognormal_lorenz(share, sigma, elasticity) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    return grouped_concentration_index([1.0] * 5, np.diff(curve)).index


def _grouped(strata: NDArray[np.int64]) -> float:
    """Return the index of fees by quintile in one replicate: strata of shape (periods, strata, tallies)."""
    quintiles = strata[0].reshape(codes.QUINTILES, codes.CATEGORIES, -1).sum(axis=1)
    return grouped_concentration_index(
        quintiles[:, codes.S_PERSON_MONTHS], quintiles[:, codes.S_OUT_OF_POCKET]
    ).index
