"""A cheap calibration problem of the size of Rwanda's: the mean-field model with twelve parameters.

The reference model of the design (MODEL.md 6.3): enrolment of 60 quantiles of consumption from 1999 to 2012
with peers, inertia, enforcement, a subsidy for the poor, schemes that open year by year, people who do not
act on their wish in a year, an over-count of members, and visits. Eighteen targets as in the data package.
The noise of a simulator under common random numbers is imitated by a fixed random field: an offset that
changes slowly, and roughly, with the parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from cbhi.calibration.core import Problem

F8 = NDArray[np.float64]

YEARS = np.arange(2000, 2013)
NAMES = (
    "constant",
    "income gradient",
    "peers",
    "enforcement",
    "inertia",
    "subsidy reach",
    "visits uninsured",
    "visits insured ratio",
    "over-count",
    "lateness",
    "attention",
    "supply response",
)
OPEN = np.array([0.05, 0.06, 0.09, 0.25, 0.6, 0.9, 1, 1, 1, 1, 1, 1, 1])
RAMP = np.array([0, 0, 0, 0, 0.25, 0.5, 1, 1, 1, 1, 1, 1, 1])
SUPPLY = np.linspace(0.0, 1.0, YEARS.size)
COVERAGE_YEARS = tuple(range(2003, 2012))
VISIT_YEARS = (2003, 2005, 2008, 2010, 2012)
TARGETS = (
    *(f"coverage {year}" for year in COVERAGE_YEARS),
    "any insurance 2012",
    *(f"visits {year}" for year in VISIT_YEARS),
    "contributions 2012",
    "claims 2012",
    "claims 2008",
)
PUBLISHED_SD = np.array([0.02, 0.03, *[0.04] * 7, 0.03, 0.04, 0.05, 0.08, 0.08, 0.08, 1.5, 1.5, 1.2])
DISCREPANCY = np.array([*[0.03] * 10, *[0.05] * 5, 1.0, 1.0, 0.8])
NOISE_SHARE = 1.0 / 3.0
"""Standard deviation of the simulator's noise over that of the published figures: 4,000 households."""
LENGTH = 20.0
"""Distance in prior standard deviations over which the noise decorrelates; 25 was measured in the engine at
2,000 households, so this is a little rougher."""


def expected_targets(points: F8) -> F8:
    """Return the eighteen targets without noise, shape (n, 18), at standardised points, shape (n, 12)."""
    z = np.asarray(points, dtype=float)
    constant, peers = -1.5 + 1.2 * z[:, 0], 1.5 + 1.0 * z[:, 2]
    gradient, inertia = 0.6 + 0.3 * z[:, 1], 1.5 + 0.7 * z[:, 4]
    enforcement = 1.5 * np.exp(0.6 * z[:, 3])
    reach = 0.167 * np.exp(0.12 * z[:, 5])
    alone, ratio = 0.3 * np.exp(0.3 * z[:, 6]), np.exp(1.0 + 0.4 * z[:, 7])
    overcount, lateness = 1.0 + 0.05 * np.exp(0.8 * z[:, 8]), np.exp(0.1 * z[:, 9])
    attention, supply = expit(1.8 + 0.6 * z[:, 10]), 0.3 * np.exp(0.5 * z[:, 11])

    x = 0.97 * ndtri((np.arange(60) + 0.5) / 60) - 0.97**2 / 2
    poverty = expit(-2.5 * (x + 0.97**2 / 2 + 0.9))
    member = np.zeros((len(z), x.size))
    coverage, visits, paid = (np.empty((len(z), YEARS.size)) for _ in range(3))
    for t, year in enumerate(YEARS):
        is_open = OPEN[t] ** lateness
        among_open = member.mean(axis=1) / np.maximum(is_open, 0.05)
        u = (
            constant[:, None]
            + gradient[:, None] * x
            + (peers * among_open + enforcement * RAMP[t] + supply * SUPPLY[t])[:, None]
        )
        subsidised = np.zeros_like(member)
        if year >= 2006:
            level = reach * (1.49 if year >= 2011 else 1.0)
            subsidised = np.minimum(level[:, None] * poverty / poverty.mean(), 0.95)
        wish = member * expit(u + inertia[:, None]) + (is_open[:, None] - member).clip(0) * expit(u)
        member = subsidised + (1 - subsidised) * attention[:, None] * wish
        share = member.mean(axis=1)
        coverage[:, t] = share
        visits[:, t] = alone * (1 + supply * SUPPLY[t]) * (1 - share + share * ratio)
        paid[:, t] = share - subsidised.mean(axis=1)
    at = {int(year): i for i, year in enumerate(YEARS)}
    administrative = coverage * overcount[:, None]
    insured_visits = coverage * visits / (1 - coverage + coverage * ratio[:, None]) * ratio[:, None]
    columns = [administrative[:, at[year]] for year in COVERAGE_YEARS]
    columns.append(administrative[:, at[2012]] + 0.055)
    columns += [visits[:, at[year]] for year in VISIT_YEARS]
    columns += [
        22.0 * paid[:, at[2012]],
        16.0 * insured_visits[:, at[2012]],
        11.0 * insured_visits[:, at[2008]],
    ]
    return np.stack(columns, axis=1)


class Field:
    """A fixed random function with mean zero, variance one and correlation ``exp(-distance / length)``.

    Counts of chance events that share their draws decorrelate like this: the number of events that change
    is proportional to the distance moved. Built of 512 random waves (Rahimi and Recht 2007).
    """

    def __init__(self, rng: np.random.Generator, n_parameters: int, n_targets: int, length: float) -> None:
        n_waves = 512
        scale = np.abs(rng.standard_normal((n_targets, n_waves, 1)))
        self._waves = rng.standard_normal((n_targets, n_waves, n_parameters)) / scale / length
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (n_targets, n_waves))

    def __call__(self, points: F8) -> F8:
        """Return values, shape (n, targets)."""
        n_waves = self._phase.shape[1]
        columns = [
            np.cos(points @ waves.T + phase).sum(axis=1)
            for waves, phase in zip(self._waves, self._phase, strict=True)
        ]
        return np.sqrt(2.0 / n_waves) * np.stack(columns, axis=1)


def problem(number: int, factor: float = 1.0) -> tuple[Problem, F8]:
    """Return a synthetic data set with truth drawn from the prior, and the truth, shape (12,).

    Parameters
    ----------
    number
        Of the data set: decides truth, data and the simulator's noise.
    factor
        On published errors and discrepancy.
    """
    rng = np.random.default_rng(number)
    truth = rng.standard_normal(len(NAMES))
    noise_sd = NOISE_SHARE * PUBLISHED_SD
    error_sd = factor * np.hypot(PUBLISHED_SD, DISCREPANCY)
    observed = expected_targets(truth[None])[0]
    # no noise of a simulator in the data: the covariance counts that once, for the simulated side
    observed = observed + rng.normal(0, error_sd)
    field = Field(rng, len(NAMES), len(TARGETS), LENGTH)

    def evaluate(step: str, points: F8) -> F8:
        return expected_targets(points) + noise_sd * field(points)

    covariance = np.diag(error_sd**2 + noise_sd**2)
    return Problem(NAMES, TARGETS, observed, covariance, evaluate, number), truth
