"""The engine against the mean-field model, to which it tends as households grow in number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.populations import Population
from cbhi.simulation import simulate
from cbhi.verification.bare import CONSUMPTION_RWF, COST_RWF, adults, tally
from cbhi.verification.core import WRONG, Row, case, mean_row
from cbhi.verification.mean_field import Step, mean_field_path
from cbhi.verification.windows import enrolled, singles, windowed_scenario

__all__: list[str] = []

F8 = NDArray[np.float64]
_SOURCE = "cbhi.verification.mean_field_path"
# membership years of thirteen months: neighbours count the members of the latest year and nobody else
_MONTHS = 13


class _Reference(NamedTuple):
    """The most likely parameters of the design's reference model of Rwanda, MODEL.md 6.3."""

    constant: float = -1.154
    income: float = 0.617
    peers: float = 1.343
    mobilisation: float = 0.704
    inertia: float = 1.627
    subsidised: float = 0.166
    visits: float = 0.276
    price_response: float = 0.861


_LOG_SD = 0.97  # of consumption
_FIRST_SHARE = 0.07
_RAMP = (0.0, 0.25, 0.5, 1.0)  # mobilisation in 2003, 2004, 2005 and from 2006 on
_SUBSIDISED_FROM, _MORE_FROM, _MORE = 3, 8, 1.49  # 2006 and 2011
_REGISTERED = 0.95
_LIST_CORRELATION = math.sqrt(0.5)
_YEARS = 10
_SEEK_INSURED = 0.8


def _midpoints(n: int) -> F8:
    """Return the standard normal at the midpoints of ``n`` equal shares."""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(n) + 0.5) / n))


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _taste(z: F8, p: _Reference) -> F8:
    """Return what consumption of mean 1 adds to utility."""
    return p.income * (_LOG_SD * z - 0.5 * _LOG_SD**2)


def _first_attention(z: F8, p: _Reference) -> float:
    """Return the attention at which the first year's coverage is as published, spread as wishes are."""
    return float(_FIRST_SHARE / np.mean(1.0 / (1.0 + np.exp(-p.constant - _taste(z, p)))))


def _listed(z: F8, share: float) -> F8:
    """Return the probability of being among the ``share`` who look poorest, by consumption."""
    from scipy.special import ndtr, ndtri

    r = _LIST_CORRELATION
    return np.asarray(ndtr((ndtri(share) - r * z) / math.sqrt(1.0 - r * r)))


def reference_path(z: F8, p: _Reference) -> F8:
    """Return coverage by year, from 2003 to 2012, of the reference model.

    Parameters
    ----------
    z
        Standard normal position in log consumption of equally many people each, shape (n,).
    p
        Parameters of the model.

    Returns
    -------
    numpy.ndarray
        Shape (10,).
    """
    early = _REGISTERED * _listed(z, p.subsidised)
    late = _REGISTERED * _listed(z, p.subsidised * _MORE)
    steps = [
        Step(
            p.constant + p.mobilisation * _RAMP[min(year, 3)],
            attention=_first_attention(z, p) if year == 0 else 1.0,
            registered=0.0 if year < _SUBSIDISED_FROM else early if year < _MORE_FROM else late,
        )
        for year in range(_YEARS)
    ]
    weight = np.full(z.size, 1.0 / z.size)
    return np.asarray(mean_field_path(_taste(z, p), weight, steps, p.peers, p.inertia) @ weight)


def _reference_rules(z: F8, p: _Reference) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Return the rules of the reference model in the engine, and what changes from which year on."""
    use = _SEEK_INSURED / 5.0**p.price_response
    slots = "subsidy.slots_share"
    rules = {
        "switches.peers": True,
        "switches.inertia": True,
        "switches.mobilisation": True,
        "switches.subsidies": True,
        "switches.targeting_errors": True,
        "enrolment.intercept": p.constant,
        "enrolment.peer_weight": p.peers,
        "enrolment.inertia": p.inertia,
        "mandate.mobilisation_weight": p.mobilisation,
        "mandate.initial_capacity": 1.0,
        "subsidy.offered": True,
        slots: 0.0,
        "subsidy.donor_share": 0.0,
        # a list of the same precision, drawn up afresh every year, of people whose consumption never moves
        "subsidy.targeting": "community",
        "subsidy.list_correlation": _LIST_CORRELATION,
        "subsidy.refresh_years": 1,
        "population.consumption_persistence": 1.0,
        "subsidy.capture_share": 0.0,
        "subsidy.registration_per_month": _REGISTERED,
        # free care is sought in four of five episodes, care at the user fee 5^eta times less often
        "care.need_per_person_year": p.visits / use,
        "care.seek_intercept": _logit(_SEEK_INSURED),
        "care.seek_price": (_logit(_SEEK_INSURED) - _logit(use))
        / math.log1p(COST_RWF / (CONSUMPTION_RWF / 365.0)),
    }
    later: dict[int, dict[str, Any]] = {
        year: {"mandate.mobilisation_effort": _RAMP[min(year, 3)]} for year in range(4)
    }
    later[0]["enrolment.attention_per_month"] = _first_attention(z, p)
    later[1]["enrolment.attention_per_month"] = 1.0
    later[_SUBSIDISED_FROM][slots] = p.subsidised
    later[_MORE_FROM] = {slots: p.subsidised * _MORE}
    return rules, later


@case("mean-field-rwanda", "6.3")
def mean_field_of_rwanda(workers: int) -> Iterator[Row]:
    """The design's reference model of Rwanda: coverage from 2004 to 2012, and visits.

    All its terms: entry and renewal by logistic tastes, consumption, neighbours, habit, mobilisation that
    grows over three years, subsidies by a list of the poor, drawn up every year, whose score correlates with
    consumption at 0.707, and of whom 95 % are registered, and visits v0 [(1 - C) + 5^eta C]. A year has
    thirteen months, with benefits in twelve of them. Consumption enters as a supplied taste; cash, premiums,
    arrears, queues and the engine's other mechanisms are off.
    """
    p, n, sections = _Reference(), 3_000, 24
    z = _midpoints(n)
    rules, later = _reference_rules(z, p)
    scenario = windowed_scenario(
        {"population.districts": sections, "population.sections": sections, **rules},
        _YEARS,
        length=_MONTHS,
        at_window=later,
        months_after=_MONTHS - 1,
    )
    people = adults(
        np.ones(sections * n),
        section=np.repeat(np.arange(1, sections + 1), n),
        taste=np.tile(_taste(z, p), sections),
        position=np.tile(z, sections),
    )
    run = simulate(scenario, population=people, replicates=1, seed=63, survey=0, workers=workers)
    shares = enrolled(run, _MONTHS)
    theory = reference_path(z, p)
    for year in range(1, _YEARS):
        yield mean_row(
            f"coverage in {2003 + year}", theory[year], shares[:, year], unit="share", source=_SOURCE
        )
    visits = tally(run, codes.VISITS_INSURED, codes.VISITS_UNINSURED)[0]
    for year in (0, 5, 9):
        # benefits run in the twelve months after the window
        months = slice(year * _MONTHS + 1, (year + 1) * _MONTHS)
        yield mean_row(
            f"visits in {2003 + year}",
            p.visits * (1.0 - theory[year] + 5.0**p.price_response * theory[year]),
            visits[months].sum(axis=0) / n,
            unit="per person and year",
            source=_SOURCE,
        )


# what a premium costs in utility, and what everybody has, in the world of unequal people
_PRICE_SLOPE, _DUE_RWF, _CONSTANT = 300.0, 1_000, -0.5


def _relative(z: F8) -> F8:
    """Return consumption over its mean at positions in a lognormal distribution."""
    return np.asarray(np.exp(_LOG_SD * z - 0.5 * _LOG_SD**2))


def _unequal_rules(sections: int, price_slope: float) -> dict[str, Any]:
    """Return the rules of a world where consumption enters the engine's own terms of utility."""
    from scipy.special import ndtr

    p = _Reference()
    return {
        "population.districts": sections,
        "population.sections": sections,
        "population.consumption_persistence": 1.0,
        "income.gini": {"2000-01": 2.0 * float(ndtr(_LOG_SD / math.sqrt(2.0))) - 1.0},
        "switches.peers": True,
        "switches.inertia": True,
        "enrolment.intercept": _CONSTANT,
        "enrolment.income_gradient": p.income,
        "enrolment.peer_weight": p.peers,
        "enrolment.inertia": p.inertia,
        "enrolment.price_slope": price_slope,
        "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), _DUE_RWF),
    }


@case("mean-field-income", "6.3")
def mean_field_of_unequal_people(workers: int) -> Iterator[Row]:
    """Coverage over four seasons where consumption decides: its own weight, and what a premium is worth.

    The term ``kappa ln x`` is the engine's (``enrolment.income_gradient``), of supplied positions in a
    lognormal distribution of consumption; the premium weighs the more, the less people consume.
    """
    p, n, sections, seasons = _Reference(), 2_000, 32, 4
    z = _midpoints(n)
    scenario = windowed_scenario(_unequal_rules(sections, _PRICE_SLOPE), seasons, length=_MONTHS)
    people = singles(sections, n, position=z)
    run = simulate(scenario, population=people, replicates=1, seed=65, survey=0, workers=workers)
    shares = enrolled(run, _MONTHS)
    weight = np.full(n, 1.0 / n)
    taste = _taste(z, p) - _PRICE_SLOPE * _DUE_RWF / (CONSUMPTION_RWF * _relative(z))
    path = mean_field_path(taste, weight, [Step(_CONSTANT)] * seasons, p.peers, p.inertia) @ weight
    for season, theory in enumerate(path):
        yield mean_row(
            f"coverage in season {season + 1}, income and price",
            theory,
            shares[:, season],
            unit="share",
            source=_SOURCE,
        )
    # the fifths live apart, so that their coverage is seen; the premium weighs nothing
    groups = 80
    scenario = windowed_scenario(_unequal_rules(2 * groups, 0.0), 1)
    fifths = (z[: n // 5], z[-(n // 5) :])
    table = singles(2 * groups, n // 5).households
    where = {key: table[key] for key in ("section", "household", "persons")}
    apart = Population({**where, "position": np.tile(np.concatenate(fifths), groups)})
    run = simulate(scenario, population=apart, replicates=3, seed=66, survey=0, workers=workers)
    poor, rich = enrolled(run).reshape(-1, 2).T
    expected = [float(np.mean(1.0 / (1.0 + np.exp(-_CONSTANT - _taste(one, p))))) for one in fifths]
    yield mean_row(
        "coverage of the richest fifth less that of the poorest, income alone",
        expected[1] - expected[0],
        rich - poor,
        unit="share",
        source="logit",
    )


# the world of the test of convergence: tastes as spread as the reference model's, strong neighbours, and a
# premium that falls
_SPREAD, _NEIGHBOURS, _HABIT, _SLOPE = 0.6, 2.0, 1.5, 300.0
_PREMIUMS_RWF = (4_000, 3_000, 3_000)
_NEED = 2.0
_SIZES = ((500, 200), (2_000, 60), (8_000, 32))  # households of a section, and sections


def _price_path(n: int, peers: float) -> F8:
    """Return coverage by season: cover saves the user fees of the episodes that lead to a visit."""
    sought = 1.0 / (1.0 + math.exp(-10.0))
    steps = [Step(_SLOPE * (_NEED * sought * COST_RWF - due) / CONSUMPTION_RWF) for due in _PREMIUMS_RWF]
    weight = np.full(n, 1.0 / n)
    return np.asarray(mean_field_path(_SPREAD * _midpoints(n), weight, steps, peers, _HABIT) @ weight)


def _price_run(n: int, sections: int, workers: int) -> F8:
    """Return shares enrolled by section and season in the engine."""
    at_window: dict[int, dict[str, Any]] = {
        season: {"scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), due)}
        for season, due in enumerate(_PREMIUMS_RWF)
    }
    scenario = windowed_scenario(
        {
            "population.districts": sections,
            "population.sections": sections,
            "switches.peers": True,
            "switches.inertia": True,
            "enrolment.peer_weight": _NEIGHBOURS,
            "enrolment.inertia": _HABIT,
            "enrolment.price_slope": _SLOPE,
            "care.need_per_person_year": _NEED,
        },
        len(_PREMIUMS_RWF),
        length=_MONTHS,
        at_window=at_window,
    )
    people = singles(sections, n, taste=_SPREAD * _midpoints(n))
    run = simulate(scenario, population=people, replicates=1, seed=64, survey=0, workers=workers)
    return enrolled(run, _MONTHS)


def fitted_exponent(sizes: Sequence[float], errors: Sequence[float], relative: Sequence[float]) -> F8:
    """Return the exponent b of ``error = a size^b`` and its standard error, shape (2,).

    Parameters
    ----------
    sizes, errors
        Sizes and errors, all > 0, at least two.
    relative
        Relative standard errors of the errors; logs are weighted by their inverse squares.

    Returns
    -------
    numpy.ndarray
        Exponent and its standard error.
    """
    x, y = np.log(np.asarray(sizes, dtype=np.float64)), np.log(np.asarray(errors, dtype=np.float64))
    weight = np.asarray(relative, dtype=np.float64) ** -2.0
    centred = x - np.average(x, weights=weight)
    inertia = float(weight @ centred**2)
    return np.array([float(weight @ (centred * y)) / inertia, inertia**-0.5])


@case("mean-field-convergence", "6.3")
def mean_field_convergence(workers: int) -> Iterator[Row]:
    """Ever more households: the engine's distance from the mean-field model falls with their square root.

    Logistic tastes of the year, normal lasting tastes, price, neighbours and habit. The distance of a section
    is the root mean square over the seasons after the first. Were the weight of neighbours 5 % off in the
    equations, a bias would remain, and the exponent be nearer to zero.
    """
    squares, spread = [], []
    for n, sections in _SIZES:
        shares, theory = _price_run(n, sections, workers), _price_path(n, _NEIGHBOURS)
        if n == _SIZES[-1][0]:
            for season in range(len(theory)):
                yield mean_row(
                    f"coverage in season {season + 1}, {n:,} households a section",
                    theory[season],
                    shares[:, season],
                    unit="share",
                    source=_SOURCE,
                )
        square = ((shares - theory)[:, 1:] ** 2).mean(axis=1)
        squares.append(float(square.mean()))
        spread.append(float(square.std(ddof=1)) / math.sqrt(sections) / squares[-1] / 2.0)
    sizes = [n for n, _ in _SIZES]
    exponent, error = fitted_exponent(sizes, [math.sqrt(x) for x in squares], spread)
    # variance of one household's part, from all sizes
    part = float(np.mean(np.multiply(squares, sizes)))
    wrong = []
    for x in (WRONG, -WRONG):
        bias = (_price_path(2_000, _NEIGHBOURS * (1.0 + x)) - _price_path(2_000, _NEIGHBOURS))[1:]
        biased = [math.sqrt(part / n + float((bias**2).mean())) for n in sizes]
        wrong.append(float(fitted_exponent(sizes, biased, spread)[0]))
    yield Row(
        name="exponent of the distance in the number of households",
        limit="",
        closed_form=-0.5,
        simulated=float(exponent),
        standard_error=float(error),
        wrong=tuple(wrong),
        wrong_by="weight of neighbours",
        source="law of large numbers",
    )
