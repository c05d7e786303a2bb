"""Need and use of care: the season of illness, and distance to the health centre."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cbhi.kernels import codes
from cbhi.simulation import simulate
from cbhi.verification.bare import adults, bare_scenario, tally
from cbhi.verification.core import Row, case, mean_row

__all__: list[str] = []


@case("season-of-illness", "2.6")
def visits_by_month(workers: int) -> Iterator[Row]:
    """Visits by month of the year follow the season of illness: 1 + a cos(2 pi (month - peak) / 12).

    The sums of Fourier over the twelve months give a cos(phase) and a sin(phase).
    """
    amplitude, peak, persons, years, sections = 0.4, 5, 200, 4, 50
    scenario = bare_scenario(
        {
            "population.sections": sections,
            "population.districts": sections,
            "care.need_per_person_year": 12.0,
            "switches.season": True,
            "income.season_amplitude": 0.0,
            "care.season_amplitude": amplitude,
            "care.season_peak_month": peak,
        },
        end=f"{2003 + years}-12",
    )
    people = adults(np.ones(sections * persons), section=np.repeat(np.arange(1, sections + 1), persons))
    run = simulate(scenario, population=people, seed=51, survey=0, workers=workers)
    visits = tally(run, codes.VISITS_INSURED, codes.VISITS_UNINSURED)[0].reshape(years, 12, sections)
    expected = persons / (1.0 + math.exp(-10.0))
    share = visits.mean(axis=0) / expected
    month = np.arange(12)
    source = "1 + a cos(2 pi (month - peak) / 12)"
    yield mean_row("visits, mean over the year", 1.0, share.mean(axis=0), unit="relative", source=source)
    angle = 2.0 * math.pi * month / 12.0
    phase = 2.0 * math.pi * (peak - 1) / 12.0
    yield mean_row(
        "visits, cosine of the year",
        amplitude * math.cos(phase),
        2.0 * (share * np.cos(angle)[:, None]).mean(axis=0),
        unit="relative",
        source=source,
    )
    yield mean_row(
        "visits, sine of the year",
        amplitude * math.sin(phase),
        2.0 * (share * np.sin(angle)[:, None]).mean(axis=0),
        unit="relative",
        source=source,
    )
    yield mean_row(
        "visits in the peak month", 1.0 + amplitude, share[peak - 1], unit="relative", source=source
    )
    yield mean_row(
        "visits half a year later", 1.0 - amplitude, share[peak + 5], unit="relative", source=source
    )


@case("distance", "2.6")
def care_by_distance(workers: int) -> Iterator[Row]:
    """Share of episodes that lead to a visit at three distances: a logit in kilometres.

    The number of health centres does not change, and with it no distance.
    """
    intercept, slope, persons, sections = 0.5, 0.15, 500, 90
    kilometres = (0.0, 4.0, 12.0)
    scenario = bare_scenario(
        {
            "population.sections": sections,
            "population.districts": sections,
            "provider.health_centres": {"2000-01": 353.0},
            "care.need_per_person_year": 24.0,
            "care.seek_intercept": intercept,
            "care.seek_distance": slope,
        },
    )
    section = np.repeat(np.arange(1, sections + 1), persons)
    away = np.asarray(kilometres)[(section - 1) % 3]
    people = adults(np.ones(section.size), section=section, distance_km=away)
    run = simulate(scenario, population=people, seed=52, survey=0, workers=workers)
    visits = tally(run, codes.VISITS_INSURED, codes.VISITS_UNINSURED)[0].sum(axis=0) / (24.0 * persons)
    for k, km in enumerate(kilometres):
        yield mean_row(
            f"share of episodes that lead to a visit, {km:g} km away",
            1.0 / (1.0 + math.exp(slope * km - intercept)),
            visits[k::3],
            unit="share",
            source="logit, a - b km",
        )
