"""Demand over time: diffusion with drop-out, entry and renewal, movers and stayers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.limits import (
    bass_coverage,
    bass_path,
    bass_steady_share,
    beta_geometric_renewal,
    beta_geometric_survival,
    coverage_after,
    renewal_chain,
)
from cbhi.populations import Population
from cbhi.simulation import simulate
from cbhi.verification.core import WRONG, Row, case, mean_row
from cbhi.verification.windows import enrolled, singles, windowed_scenario

if TYPE_CHECKING:
    from cbhi.results import Results

__all__: list[str] = []

# with a uniform taste of width 1, P(enrol) = 1/2 + utility between 0 and 1
_LINEAR: dict[str, Any] = {
    "enrolment.taste_of_year": "uniform",
    "enrolment.taste_of_year_scale": 1.0,
    "switches.inertia": True,
}
# lifts every renewal to certainty
_CERTAIN = 5.0


class _Crowd(NamedTuple):
    """How many live in a run of diffusion: every section is a complete graph of its own."""

    sections: int
    households: int  # in each
    replicates: int = 1


def _diffusion(
    rates: tuple[float, float, float],
    first_share: float,
    n_windows: int,
    length: int,
    crowd: _Crowd,
    workers: int,
    drawn: bool = True,
) -> NDArray[np.float64]:
    """Return shares enrolled after each window where joining spreads, a row a section.

    ``rates`` are p, q and d a window. Members act on their certain wish to renew with the probability 1 - d;
    so does everybody else, which is made up for in p and q. ``first_share`` of people join in the first
    window: by chance, or, where ``drawn`` is false, the share of households whose taste is for cover.
    """
    p, q, d = rates
    acts = 1.0 - d
    seeds = np.arange(crowd.households) < (0.0 if drawn else first_share) * crowd.households
    scenario = windowed_scenario(
        {
            **_LINEAR,
            "switches.peers": True,
            "population.districts": crowd.sections,
            "population.sections": crowd.sections,
            "enrolment.attention_per_month": acts,
            "enrolment.peer_weight": q / acts,
            "enrolment.inertia": _CERTAIN,
        },
        n_windows,
        length=length,
        at_window={
            0: {"enrolment.intercept": (first_share / acts if drawn else 0.0) - 0.5},
            1: {"enrolment.intercept": p / acts - 0.5},
        },
    )
    people = singles(crowd.sections, crowd.households, taste=np.where(seeds, _CERTAIN, 0.0))
    run = simulate(
        scenario, population=people, replicates=crowd.replicates, seed=9, survey=0, workers=workers
    )
    return enrolled(run, length)


@case("bass-path", "V9")
def bass_step_by_step(workers: int) -> Iterator[Row]:
    """Diffusion step by step: the path, without and with drop-out, and where it ends.

    The hazard of joining is p + q F with F the share enrolled after the window before, in a section where
    everybody is everybody's neighbour. A step is a membership year: of three months where nobody leaves, for
    speed; of thirteen months with drop-out, so that who left is no recent member when the next window opens.
    """
    source = "cbhi.limits.bass_path"
    p, q = 0.03, 0.38
    shares = _diffusion((p, q, 0.0), p, 10, 3, _Crowd(40, 5_000), workers)
    path = bass_path(10, p, q)
    for step in (4, 6, 8, 10):
        yield mean_row(
            f"share enrolled after {step} steps", path[step], shares[:, step - 1], unit="share", source=source
        )
    p, q, d = 0.02, 0.40, 0.20
    shares = _diffusion((p, q, d), 0.3, 9, 13, _Crowd(24, 2_500), workers)
    path = bass_path(8, p, q, d, initial_share=0.3)
    for step in (2, 5, 8):
        yield mean_row(
            f"share enrolled {step} steps after 30 %, with drop-out",
            path[step],
            shares[:, step],
            unit="share",
            source=source,
        )
    steady = bass_steady_share(p, q, d)
    # from 55 % on, of which less than a thousandth is left to go after ten steps
    shares = _diffusion((p, q, d), 0.55, 11, 13, _Crowd(16, 2_500), workers)
    yield mean_row(
        "steady share with drop-out",
        steady,
        shares[:, -1],
        unit="share",
        source="cbhi.limits.bass_steady_share",
    )


@case("bass-continuous", "V9")
def bass_as_the_step_shrinks(workers: int) -> Iterator[Row]:
    """Diffusion in ever smaller steps: the error against the continuous curve falls in proportion.

    The same 4.8 years after 10 % have joined, in 2, 4 and 8 steps with p and q for a step. Nobody leaves.
    """
    p, q, first, years = 0.03, 0.38, 0.1, 4.8

    def smooth(imitation: float) -> float:
        return bass_coverage(years, p, imitation, initial_share=first)

    errors, maps, theirs = [], [], []
    for n in (2, 4, 8):
        h = years / n
        shares = _diffusion((p * h, q * h, 0.0), first, n + 1, 2, _Crowd(10, 10_000, 3), workers, drawn=False)
        path = bass_path(n, p * h, q * h, initial_share=first)[-1]
        yield mean_row(
            f"share enrolled after {years:g} years in {n} steps",
            path,
            shares[:, -1],
            unit="share",
            source="cbhi.limits.bass_path",
        )
        maps.append(path)
        errors.append(float(shares[:, -1].mean()) - smooth(q))
        theirs.append(float(shares[:, -1].std(ddof=1)) / math.sqrt(shares.shape[0]))

    def ratio(limit: float) -> float:
        return (maps[0] - limit) / (maps[1] - limit)

    found = errors[0] / errors[1]
    yield Row(
        name="error against the smooth curve, 2 steps over 4 steps",
        limit="",
        closed_form=ratio(smooth(q)),
        simulated=found,
        standard_error=math.hypot(theirs[0], found * theirs[1]) / abs(errors[1]),
        wrong=tuple(ratio(smooth(q * (1.0 + x))) for x in (WRONG, -WRONG)),
        wrong_by="imitation q",
        unit="ratio",
        source="cbhi.limits.bass_coverage, bass_path",
    )


def _membership(
    changes: Mapping[str, Any],
    at_window: Mapping[int, Mapping[str, Any]],
    n_windows: int,
    people: Population,
    n_sections: int,
    workers: int,
) -> Results:
    scenario = windowed_scenario(
        {
            **_LINEAR,
            "population.districts": n_sections,
            "population.sections": n_sections,
            **changes,
        },
        n_windows,
        at_window=at_window,
    )
    return simulate(scenario, population=people, replicates=1, seed=15, survey=0, workers=workers)


@case("entry-and-renewal", "V15")
def entry_and_renewal(workers: int) -> Iterator[Row]:
    """Entry and drop-out in yearly windows: path, steady coverage, speed of approach.

    Ethiopia's pilot (Mebratie et al. 2015): 25 % of the others enrol, 18 % of members drop out. Utility is a
    constant, and a habit for those whose membership year ends in the month of the window.
    """
    e, d, start, n_sections = 0.25, 0.18, 0.41, 50
    chain = renewal_chain(e, d)
    rules = {"enrolment.inertia": 1.0 - d - e}
    later = {"enrolment.intercept": e - 0.5}
    people = singles(n_sections, 2_000)
    at = {0: {"enrolment.intercept": start - 0.5}, 1: later}
    shares = enrolled(_membership(rules, at, 4, people, n_sections, workers))
    for year in (1, 2, 3):
        yield mean_row(
            f"share enrolled {year} years after {start:.0%}",
            coverage_after(year, start, e, d),
            shares[:, year],
            unit="share",
            source="cbhi.limits.coverage_after",
        )
    # years 10 to 24 of a smaller country, long after the start
    run = _membership(rules, at, 25, singles(n_sections, 300), n_sections, workers)
    yield mean_row(
        "steady share",
        chain.steady_share,
        enrolled(run)[:, 10:].mean(axis=1),
        unit="share",
        source="cbhi.limits.renewal_chain",
    )
    # everybody insured at first: distances to the steady share, from year to year
    run = _membership(rules, {0: {"enrolment.intercept": 0.5}, 1: later}, 3, people, n_sections, workers)
    distance = enrolled(run) - chain.steady_share
    yield mean_row(
        "eigenvalue: part of the distance to the steady share left after a year",
        chain.eigenvalue,
        (distance[:, 1] * distance[:, 0] + distance[:, 2] * distance[:, 1])
        / (distance[:, 0] ** 2 + distance[:, 1] ** 2).mean(),
        unit="share",
        source="cbhi.limits.renewal_chain",
    )


@case("movers-and-stayers", "V15")
def movers_and_stayers(workers: int) -> Iterator[Row]:
    """Renewal by tenure among people who differ for ever: it rises although nobody changes.

    All join in the first window; then each drops out with a probability of its own every year, supplied
    as its taste at the midpoints of a beta distribution, and who has left does not come back.
    """
    from scipy.special import betaincinv

    a, b, n, n_sections = 1.0, 3.0, 1_000, 60
    leaves = betaincinv(a, b, (np.arange(n) + 0.5) / n)
    run = _membership(
        {"enrolment.inertia": 1.0},
        {0: {"enrolment.intercept": 2.0}, 1: {"enrolment.intercept": -1.0}},
        6,
        # 1/2 + taste is the probability of renewing, and never above 0 without the habit
        singles(n_sections, n, taste=0.5 - leaves),
        n_sections,
        workers,
    )
    shares = enrolled(run)
    for tenure in range(1, 6):
        there = shares[:, tenure - 1]
        yield mean_row(
            f"renewal number {tenure}, of those still there",
            beta_geometric_renewal(tenure, a, b),
            shares[:, tenure] / there,
            unit="share",
            source="cbhi.limits.beta_geometric_renewal",
        )
    for tenure in (2, 5):
        yield mean_row(
            f"still members after {tenure} renewals",
            beta_geometric_survival(tenure, a, b),
            shares[:, tenure],
            unit="share",
            source="cbhi.limits.beta_geometric_survival",
        )
