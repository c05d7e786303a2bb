"""What changes between scenarios, replicate by replicate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cbhi.kernels.records import F8, I8
from cbhi.spread import (
    MeanInterval,
    mean_ci_over_replicates,
    quantile_column,
    quantiles_over_replicates,
    variance_shares,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Difference"]


@dataclass(frozen=True)
class Difference:
    """One variable in every scenario of a comparison, each less the first: paired, replicate by replicate.

    All arrays are at national scale and in the unit of the variable; those of the differences have the
    shape (scenarios but the first, periods, groups), ``values`` and the levels have replicates in front.
    A pair in which either side has no value is not a number and left out of means and quantiles.

    Attributes
    ----------
    variable, unit
        Name of the variable and its unit.
    against
        Name of the first scenario.
    scenarios
        Names of the others.
    periods, groups
        Labels.
    replicates
        Numbers of the replicates.
    base
        The first scenario, shape (replicates, periods, groups).
    others
        The other scenarios, shape (replicates, scenarios, periods, groups).
    param_sets
        Number of the parameter set of each replicate; None for 0 everywhere.
    clusters
        Which replicates share their parameters, by a number for each; None where all of them do. Standard
        errors and intervals of means count replicates that share them as one.
    """

    variable: str
    unit: str
    against: str
    scenarios: tuple[str, ...]
    periods: tuple[str, ...]
    groups: tuple[str, ...]
    replicates: I8
    base: F8
    others: F8
    param_sets: I8 | None = None
    clusters: I8 | None = None

    def __repr__(self) -> str:
        """Return one line: what is compared with what."""
        names = ", ".join(repr(name) for name in self.scenarios)
        return f"<Difference in {self.variable}: {names} less {self.against!r}, {len(self.base)} replicates>"

    @property
    def values(self) -> F8:
        """Differences, shape (replicates, scenarios, periods, groups)."""
        return self.others - self.base[:, None]

    @property
    def n(self) -> F8:
        """Replicates in which both sides have a value."""
        return self._interval().n

    @property
    def mean_against(self) -> F8:
        """Mean of the first scenario over the replicates in which both sides have a value."""
        known = ~np.isnan(self.values)
        return mean_ci_over_replicates(np.where(known, self.base[:, None], np.nan)).mean

    @property
    def mean(self) -> F8:
        """Mean difference over the replicates."""
        return self._interval().mean

    @property
    def standard_error(self) -> F8:
        """Monte Carlo standard error of the mean difference; not a number with one pair or set."""
        return self._interval().standard_error

    @property
    def share_positive(self) -> F8:
        """Share of replicates in which the difference is above zero."""
        return self._share(self.values > 0.0)

    @property
    def share_same_sign(self) -> F8:
        """Share of replicates whose difference has the sign of the mean; not a number where that is zero."""
        mean = self.mean
        share = self._share(np.sign(self.values) == np.sign(mean))
        return np.where(mean == 0.0, np.nan, share)

    @property
    def variance_ratio(self) -> F8:
        """What pairing saves: variance with independent seeds over the variance of the paired difference.

        Runs with seeds (and parameter sets) of their own would have var(a) + var(b), each taken over the
        replicates, which is the expectation of the variance of their difference and needs no further run. A
        ratio of 10 means that unpaired runs need 10 times the replicates for the same standard error. A ratio
        near 1 is no error: it says that the two scenarios have so little in common that pairing does not
        help; below 1 the shared draws push them apart. Not a number where the difference is the same in every
        replicate, so that there is no variance to compare with.
        """
        known = ~np.isnan(self.values)
        parts = []
        for values in (self.others, np.broadcast_to(self.base[:, None], self.others.shape), self.values):
            error = mean_ci_over_replicates(np.where(known, values, np.nan)).standard_error
            parts.append(error**2)
        largest = np.nanmax(np.abs(self.others), axis=0, initial=0.0)
        varies = parts[2] > (1e-12 * largest) ** 2  # more than rounding
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(varies, (parts[0] + parts[1]) / parts[2], np.nan), dtype=float)

    def _interval(self, level: float = 0.95) -> MeanInterval:
        return mean_ci_over_replicates(self.values, level, self.clusters)

    def _share(self, hits: np.ndarray) -> F8:
        known = ~np.isnan(self.values)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((hits & known).sum(axis=0) / known.sum(axis=0), dtype=float)

    def half_width(self, level: float = 0.95) -> F8:
        """Return half the width of the Monte Carlo interval of the mean difference (Student's t).

        Parameters
        ----------
        level
            Coverage of the interval, above 0 and below 1.
        """
        found = self._interval(level)
        return (found.high - found.low) / 2.0

    def quantiles(self, *probabilities: float) -> pd.DataFrame:
        """Return the spread of the paired difference over replicates, not the error of its mean.

        Parameters
        ----------
        *probabilities
            From 0 to 1; by default 0.05, 0.5 and 0.95.

        Returns
        -------
        pandas.DataFrame
            One row a scenario, period and group: scenario, against, period, group, variable, one column a
            probability (``p05``, ``p50``, ``p95``), n_replicates, unit.

        Raises
        ------
        ValueError
            For a probability outside 0 to 1 or given twice.
        """
        wanted = probabilities or (0.05, 0.5, 0.95)
        found = quantiles_over_replicates(self.values, wanted)
        return self._frame({quantile_column(p): q for p, q in zip(wanted, found, strict=True)})

    def mean_ci(self, level: float = 0.95) -> pd.DataFrame:
        """Return the mean difference with its Monte Carlo error, which shrinks with more replicates.

        Parameters
        ----------
        level
            Coverage of the interval, above 0 and below 1.

        Returns
        -------
        pandas.DataFrame
            One row a scenario, period and group: scenario, against, period, group, variable, mean,
            standard_error, ci_low, ci_high (Student's t), share_same_sign, n_replicates, unit.

        Raises
        ------
        ValueError
            For a level outside 0 to 1.
        """
        found = self._interval(level)
        return self._frame(
            {
                "mean": found.mean,
                "standard_error": found.standard_error,
                "ci_low": found.low,
                "ci_high": found.high,
                "share_same_sign": self.share_same_sign,
            }
        )

    def uncertainty(self, level: float = 0.9) -> pd.DataFrame:
        """Return how much of the variance of the paired difference is doubt about the parameters.

        Parameters
        ----------
        level
            Coverage of the interval of the share, above 0 and below 1.

        Returns
        -------
        pandas.DataFrame
            One row a scenario, period and group: scenario, against, period, group, variable,
            variance_parameters, variance_chance, share_parameters, share_low, share_high, n_param_sets,
            n_replicates, unit; see ``Results.uncertainty``.

        Raises
        ------
        ValueError
            For a level outside 0 to 1, or where all replicates share their parameters.
        """
        if self.clusters is None:
            raise ValueError(
                "the scenarios carry no parameter sets that differ, so all of the spread is chance"
            )
        found = variance_shares(self.values, self.clusters, level)
        return self._frame(
            {
                "variance_parameters": found.parameters,
                "variance_chance": found.chance,
                "share_parameters": found.share,
                "share_low": found.low,
                "share_high": found.high,
                "n_param_sets": found.sets,
            }
        ).astype({"n_param_sets": int})

    def _frame(self, columns: dict[str, F8]) -> pd.DataFrame:
        """Return one row a scenario, period and group."""
        frame = self._labels((len(self.scenarios), len(self.periods), len(self.groups)))
        for key, values in columns.items():
            frame[key] = values.ravel()
        frame["n_replicates"] = self.n.ravel().astype(int)
        frame["unit"] = self.unit
        return frame

    def _labels(self, shape: tuple[int, int, int]) -> pd.DataFrame:
        import pandas as pd

        scenario, period, group = (axis.ravel() for axis in np.indices(shape))
        return pd.DataFrame(
            {
                "scenario": np.array(self.scenarios, dtype=object)[scenario],
                "against": self.against,
                "period": np.array(self.periods, dtype=object)[period],
                "group": np.array(self.groups, dtype=object)[group],
                "variable": self.variable,
            }
        )

    def scenario_frames(self) -> list[pd.DataFrame]:
        """Return a frame for each scenario, the first included: one row a replicate, period and group.

        Returns
        -------
        list of pandas.DataFrame
            Columns scenario, replicate, period, group, variable, value, unit, against, difference; the last
            two are missing for the first scenario.
        """
        import pandas as pd

        replicate, period, group = (axis.ravel() for axis in np.indices(self.base.shape))
        frames = []
        for place, name in enumerate((self.against, *self.scenarios)):
            own = self.base if place == 0 else self.others[:, place - 1]
            columns = {
                "scenario": np.full(own.size, name, dtype=object),
                "replicate": self.replicates[replicate],
                "period": np.array(self.periods, dtype=object)[period],
                "group": np.array(self.groups, dtype=object)[group],
                "variable": self.variable,
                "value": own.ravel(),
                "unit": self.unit,
                "against": np.full(own.size, None if place == 0 else self.against, dtype=object),
                "difference": np.full(own.size, np.nan) if place == 0 else (own - self.base).ravel(),
            }
            frames.append(pd.DataFrame(columns))
        return frames

    def to_frame(self) -> pd.DataFrame:
        """Return one row a scenario, replicate, period and group.

        Returns
        -------
        pandas.DataFrame
            scenario, against, param_set (where parameters differ), replicate, period, group, variable,
            value_against, value, difference, unit.
        """
        import pandas as pd

        n_replicates, *shape = self.others.shape
        labels = self._labels((shape[0], shape[1], shape[2]))
        frame = pd.concat([labels] * n_replicates, ignore_index=True)
        frame.insert(2, "replicate", np.repeat(self.replicates, len(labels)))
        if self.param_sets is not None and self.clusters is not None:
            frame.insert(2, "param_set", np.repeat(self.param_sets, len(labels)))
        frame["value_against"] = np.broadcast_to(self.base[:, None], self.others.shape).ravel()
        frame["value"] = self.others.ravel()
        frame["difference"] = self.values.ravel()
        frame["unit"] = self.unit
        return frame
