"""Whether funds last: arrears by district, ruin, and the size of a bad year, over months and replicates."""

from __future__ import annotations

import numpy as np

from cbhi import indicators
from cbhi.run_indicators.books import APPROVED, PAYABLES, RESERVES, Books
from cbhi.run_indicators.readings import F8, Reading, never
from cbhi.run_indicators.scheme import net_income
from cbhi.runs import Run

SOLVENCY = "solvency"
DAYS = 90.0
LEVEL = 0.95
ENOUGH = 20
"""Replicates from which the worst 5 % hold at least one."""

_LONGEST = 365.0


def solvency_readings(run: Run) -> list[Reading]:
    """Return arrears, ruin and value at risk by reporting year."""
    return [*_arrears(run), *_ruin(run), *_at_risk(run)]


def days_of_arrears(run: Run) -> F8:
    """Return days of claims unpaid, by replicate, month and district: payables over the year's approvals.

    Approvals are the mean of the last twelve months (of those there are, at the beginning). Where nothing
    is owed there are no arrears; where something is owed and nothing was approved for a year, a year.
    """
    approved = run.arrays.tallies[..., list(APPROVED)].sum(axis=3).astype(float)
    owed = run.arrays.stocks[:, 1:, :, list(PAYABLES)].sum(axis=3).astype(float)
    summed = np.cumsum(approved, axis=1)
    behind = np.zeros_like(summed)
    behind[:, 12:] = summed[:, :-12]
    months = np.minimum(np.arange(1, summed.shape[1] + 1), 12.0)[None, :, None]
    days = np.asarray(indicators.arrears_days(owed, (summed - behind) / months))
    return np.where(owed > 0, np.where(np.isnan(days), _LONGEST, days), 0.0)


def _arrears(run: Run) -> list[Reading]:
    days = days_of_arrears(run)
    n, _, districts = days.shape
    labels = tuple(f"district {int(number) + 1}" for number in run.arrays.districts)
    chance = np.empty((1, len(run.periods), districts))
    time = np.empty((n, len(run.periods)))
    for j, (_, begin, end) in enumerate(run.periods):
        for d in range(districts):
            chance[0, j, d] = indicators.probability_of_arrears(days[:, begin:end, d], days=DAYS)
        for i in range(n):
            time[i, j] = indicators.share_of_time_in_arrears(days[i, begin:end].T, days=DAYS)
    return [
        Reading(
            SOLVENCY, "probability_of_arrears_90_days", "share", chance,
            f"share of {n} replicates in which unpaid claims of the district's funds and pool ever exceed "
            "90 days in the year", groups=labels, pooled=True,
        ),
        Reading(
            SOLVENCY, "time_in_arrears_90_days", "share", time,
            "share of district-months in which unpaid claims exceed 90 days",
        ),
    ]  # fmt: skip


def _ruin(run: Run) -> list[Reading]:
    stocks = run.arrays.stocks[:, 1:].astype(float) * run.weight
    net = stocks[..., list(RESERVES)].sum(axis=3) - stocks[..., list(PAYABLES)].sum(axis=3)
    national = net.sum(axis=2)
    n = national.shape[0]
    closes = [end - 1 for _, _, end in run.periods]
    ever = indicators.ruin_probability_by_horizon(national)[closes][None, :]
    by_district = np.stack(
        [indicators.ruin_probability_by_horizon(net[:, :, d])[closes] for d in range(net.shape[2])], axis=1
    )[None, :, :]
    deepest = np.stack([indicators.bail_out_cost(national[:, b:e]) for _, b, e in run.periods], axis=1)
    labels = tuple(f"district {int(number) + 1}" for number in run.arrays.districts)
    note = f"share of {n} replicates in which money less unpaid claims has been below zero by the close"
    return [
        Reading(SOLVENCY, "ruin_probability", "share", ever, note, pooled=True),
        Reading(SOLVENCY, "ruin_probability", "share", by_district, note, groups=labels, pooled=True),
        Reading(
            SOLVENCY, "bail_out_cost", "RWF", deepest,
            "deepest deficit of the year: money of funds and pools less unpaid claims, whole country",
        ),
    ]  # fmt: skip


def _at_risk(run: Run) -> list[Reading]:
    n = int(run.arrays.replicates.size)
    if n < ENOUGH:
        why = f"the worst 5 % of replicates needs {ENOUGH} of them; this run has {n}"
        names = ("value_at_risk_95", "tail_value_at_risk_95")
        return [never(SOLVENCY, name, "RWF", why, pooled=True) for name in names]
    deficits = -net_income(Books(run))
    years = range(deficits.shape[1])
    note = f"of the year's deficit (less net income), over {n} replicates"
    return [
        Reading(
            SOLVENCY, name, "RWF", np.array([[rule(deficits[:, j], level=LEVEL) for j in years]]), note,
            pooled=True,
        )
        for name, rule in (
            ("value_at_risk_95", indicators.value_at_risk),
            ("tail_value_at_risk_95", indicators.tail_value_at_risk),
        )
    ]  # fmt: skip
