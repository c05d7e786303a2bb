"""A run's money and people by reporting year at national scale: what the ratios of a scheme are made of."""

from __future__ import annotations

import functools

import numpy as np

from cbhi.kernels import codes
from cbhi.packing import pack_calendar, pack_rules
from cbhi.run_indicators.readings import F8
from cbhi.runs import Run

OWN = (codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION)
SPONSORS = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO)
# the pools' cross-subsidy is premium money to a section, but no income of the scheme as a whole
PREMIUMS = (*OWN, *SPONSORS, codes.SUBSIDY_POOL)
GRANTS = (codes.POOL_GRANT, codes.POOL_GRANT_DONOR, codes.LEVY)
BAIL_OUTS = (codes.BAIL_OUT_SECTION, codes.BAIL_OUT_POOL)
CLAIMS = (
    codes.CLAIMS_OUTPATIENT,
    codes.CLAIMS_OUTPATIENT_POOL,
    codes.CLAIMS_HOSPITAL,
    codes.CLAIMS_HOSPITAL_SECTION,
)
APPROVED = (
    codes.CLAIMS_APPROVED_SECTION,
    codes.CLAIMS_APPROVED_SECTION_HOSPITAL,
    codes.CLAIMS_APPROVED_POOL,
)
EXPENSES = (codes.ADMINISTRATION, codes.AUDIT)
RESERVES = (codes.SECTION_FUNDS, codes.POOLS, codes.NATIONAL_POOL)
PAYABLES = (
    codes.STOCK_PAYABLES_SECTION,
    codes.STOCK_PAYABLES_SECTION_HOSPITAL,
    codes.STOCK_PAYABLES_POOL,
)


class Books:
    """Sums over a run's reporting years, each of shape (replicates, years), people and RWF of the country."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.months = np.array([end - begin for _, begin, end in run.periods], dtype=float)

    def _by_year(self, monthly: F8) -> F8:
        return np.stack([monthly[:, b:e].sum(axis=1) for _, b, e in self.run.periods], axis=1)

    def flow(self, *kinds: int) -> F8:
        """Return francs moved in each year."""
        return self._by_year(self.run.arrays.flows[..., list(kinds)].sum(axis=(2, 3)) * self.run.weight)

    def tally(self, *kinds: int) -> F8:
        """Return a tally summed over each year."""
        return self._by_year(self.run.arrays.tallies[..., list(kinds)].sum(axis=(2, 3)) * self.run.weight)

    def at_close(self, kind: int) -> F8:
        """Return a tally of each year's last month."""
        tally = self.run.arrays.tallies[..., kind].sum(axis=2) * self.run.weight
        return np.stack([tally[:, e - 1] for _, _, e in self.run.periods], axis=1)

    def stock(self, *kinds: int, opening: bool = False) -> F8:
        """Return stocks at each year's close, or at its opening."""
        stock = self.run.arrays.stocks[..., list(kinds)].sum(axis=(2, 3)) * self.run.weight
        # the first entry stands before the first month
        return np.stack([stock[:, b if opening else e] for _, b, e in self.run.periods], axis=1)

    @functools.cached_property
    def _spread(self) -> F8:
        """Return the part of premiums paid in a month (row) that covers another (column), (T, T)."""
        scenario = self.run.scenario
        calendar = pack_calendar(scenario, pack_rules(scenario))
        n = scenario.n_months
        share = np.zeros((n, n))
        for t in range(n):
            first, last = t + 1, t + 13  # paid at the end of the month, cover runs twelve months
            if not calendar["is_rolling"][t]:
                last = int(calendar["sale_until"][t]) - scenario.start
                first = min(max(t + 1, int(calendar["sale_from"][t]) - scenario.start), last - 1)
            if last <= t:
                first, last = t, t + 1
            share[t, first:last] = 1.0 / (last - first)
        return share

    @functools.cached_property
    def earned(self) -> F8:
        """Return premiums earned in each year: spread evenly over the months of cover they were paid for."""
        paid = self.run.arrays.flows[..., list(PREMIUMS)].sum(axis=(2, 3)) * self.run.weight
        return self._by_year(paid @ self._spread)

    @functools.cached_property
    def unearned(self) -> F8:
        """Return premiums received for cover that is still to come at each year's close."""
        return np.asarray(np.cumsum(self.flow(*PREMIUMS) - self.earned, axis=1))
