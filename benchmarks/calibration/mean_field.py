"""A cheap problem to calibrate: enrolment without chance, nine parameters, fourteen targets, any data set.

The reference model of the design (MODEL.md 6.3) with visits and the over-count of administration, written for
many points at once. To behave like a simulator on common random numbers it adds a fixed offset, which stands
for the noise of its seed, and a small roughness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from cbhi.calibration.core import Problem

YEARS = tuple(range(2003, 2013))
NAMES = ("alpha", "kappa", "omega", "m", "delta", "tau", "v0", "eta", "overcount")
MEAN = np.array([-1.2, 0.6, 1.5, 1.0, 1.5, 0.167, 0.28, 0.7, 0.0])
SD = np.array([0.8, 0.3, 0.7, 0.6, 0.7, 0.02, 0.05, 0.25, 1.0])
COVERAGE = tuple(range(2004, 2012))
VISITS = (2003, 2007, 2010, 2012)
RENEWAL = (2005, 2009)
TARGETS = (
    *(f"coverage {year}" for year in COVERAGE),
    *(f"visits {year}" for year in VISITS),
    *(f"renewal {year}" for year in RENEWAL),
)
ERRORS = np.array([0.08, 0.08, 0.06, 0.04, 0.06, 0.06, 0.04, 0.04, 0.06, 0.08, 0.15, 0.08, 0.05, 0.05])
DISCREPANCY = np.array([0.03] * 8 + [0.05] * 4 + [0.03] * 2)

SIGMA = 0.97
_CLASSES = ndtri((np.arange(200) + 0.5) / 200)
_LN_X = SIGMA * _CLASSES - 0.5 * SIGMA**2
_RAMP = {2004: 0.25, 2005: 0.5}
_PROXY = 0.707  # correlation of the proxy means test with consumption
_TAKE_UP = 0.95


def simulate(points: np.ndarray) -> np.ndarray:
    """Return the targets without noise, shape (n, 14), for standardised points (n, 9)."""
    alpha, kappa, omega, m, delta, tau, v0, eta, z_over = (MEAN + SD * np.atleast_2d(points)).T[..., None]
    tau = np.clip(tau, 0.01, 0.6)
    overcount = 0.06 * np.exp(0.5 * z_over)
    u = alpha + kappa * _LN_X
    member = expit(u)
    member = member * 0.07 / member.mean(axis=1, keepdims=True)
    coverage, renewal = {2003: member.mean(axis=1)}, {}
    for year in YEARS[1:]:
        at = u + omega * coverage[year - 1][:, None] + m * _RAMP.get(year, 1.0)
        stay = expit(at + delta)
        share = tau * (1.49 if year >= 2011 else 1.0) * (year >= 2006)
        score = (ndtri(np.maximum(share, 1e-12)) - _PROXY * _CLASSES) / np.sqrt(1 - _PROXY**2)
        slots = _TAKE_UP * ndtr(score)
        kept = member * (slots + (1 - slots) * stay)
        renewal[year] = kept.sum(axis=1) / member.sum(axis=1)
        member = slots + (1 - slots) * (member * stay + (1 - member) * expit(at))
        coverage[year] = member.mean(axis=1)
    columns = [coverage[year] * (1 + overcount[:, 0]) for year in COVERAGE]
    for year in VISITS:
        c = coverage[year]
        columns.append(v0[:, 0] * ((1 - c) + c * 5.0 ** eta[:, 0]) * (1 + 0.01 * (year - 2003)))
    columns += [renewal[year] for year in RENEWAL]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Rough:
    """The simulator of one data set: offset and roughness are its own."""

    number: int
    noise: float = 0.3
    """Standard deviation of the offset over the published standard error, whatever the factor."""

    def __call__(self, step: str, points: np.ndarray) -> np.ndarray:
        """Answer a batch; the name of the step changes nothing."""
        z = np.atleast_2d(points)
        rng = np.random.default_rng([11, self.number])
        offset = self.noise * ERRORS * rng.normal(size=len(TARGETS))
        waves, phase = rng.normal(size=(len(NAMES), 40)), rng.uniform(0, 2 * np.pi, 40)
        loads = rng.normal(size=(40, len(TARGETS))) / np.sqrt(20)
        rough = 0.1 * self.noise * ERRORS * (np.cos(4.0 * z @ waves + phase) @ loads)
        return simulate(z) + offset + rough


def problem(number: int, factor: float = 1.0) -> tuple[Problem, np.ndarray]:
    """Return a synthetic data set and the truth behind it; the factor is on all errors of the figures."""
    rng = np.random.default_rng([12, number])
    truth = rng.normal(size=len(NAMES))
    simulator = Rough(number)
    errors = factor * np.hypot(ERRORS, DISCREPANCY)
    observed = simulate(truth)[0] + errors * rng.normal(size=len(TARGETS))
    covariance = np.diag(errors**2 + (simulator.noise * ERRORS) ** 2)
    return Problem(NAMES, TARGETS, observed, covariance, simulator, seed=number + 1), truth
