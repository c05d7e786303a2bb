"""What a run leaves: integer arrays inside, tidy frames outside."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.records import F8, I8
from cbhi.months import format_month
from cbhi.observation import administrative_factor
from cbhi.packing import first_month_of_sale
from cbhi.scenarios import Scenario, suggest
from cbhi.strata import GROUPS, stratified_names, stratum_values
from cbhi.variables import VARIABLES, YEARLY_ONLY, Arrays, By, Cells

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("scenario", "param_set", "replicate", "period", "group", "variable", "value", "unit")
Every = Literal["year", "month", "both"]


@dataclass(frozen=True)
class Results:
    """The results of one scenario.

    Attributes
    ----------
    scenario
        What was run.
    arrays
        Integer and real arrays at the scale of the sample (``cbhi.variables.Arrays``).
    periods
        Reporting years as (label, first month index, one past the last).
    year_ends
        Month indices that end a membership year.
    weight
        Real people per simulated one.
    households
        Households simulated at the start.
    seed
        Seed of the draws.
    survey
        Households of the start that are interviewed every year, on average.
    """

    scenario: Scenario
    arrays: Arrays
    periods: tuple[tuple[str, int, int], ...]
    year_ends: tuple[int, ...]
    weight: float
    households: int
    seed: int
    survey: int = 0

    def __repr__(self) -> str:
        """Return one line: what was run, how large, how often."""
        years = f"{self.periods[0][0]} to {self.periods[-1][0]}"
        size = f"{self.n_replicates} replicates of {self.households:,} households"
        return f"<Results of {self.scenario.name!r}: {size}, {years}, seed {self.seed}>"

    @property
    def n_replicates(self) -> int:
        """Number of replicates held."""
        return int(self.arrays.replicates.size)

    @functools.cached_property
    def _factor(self) -> F8:
        return administrative_factor(self.scenario)

    @functools.cached_property
    def _sold_from(self) -> I8:
        return first_month_of_sale(self.scenario)

    def _spans(self, every: Literal["year", "month"]) -> tuple[list[str], list[tuple[int, int]]]:
        if every == "year":
            return [label for label, _, _ in self.periods], [(b, e) for _, b, e in self.periods]
        n = self.scenario.n_months
        return (
            [format_month(self.scenario.start + t) for t in range(n)],
            [(t, t + 1) for t in range(n)],
        )

    def values(self, name: str, *, every: Literal["year", "month"] = "year", by: By = "all") -> F8:
        """Return one variable, shape (replicates, periods, groups).

        Parameters
        ----------
        name
            A name from ``cbhi.variables.VARIABLES``.
        every
            By reporting year or by month.
        by
            ``"all"`` (one group) or ``"district"``; by year also ``"quintile"`` of consumption, poverty
            ``"category"`` as it truly is, ``"sex"``, or kind of ``"cover"``, for the variables of
            ``cbhi.strata.stratified_names(by)``.

        Raises
        ------
        ValueError
            For an unknown name (with the nearest one), or one that does not exist at that detail.
        """
        if name not in VARIABLES:
            raise ValueError(
                f"unknown variable '{name}'{suggest(name, VARIABLES)}; all names: cbhi.VARIABLES"
            )
        kinds = ("all", "district", *GROUPS)
        if every not in ("year", "month") or by not in kinds:
            known = ", ".join(repr(kind) for kind in kinds)
            raise ValueError(f"every must be 'year' or 'month', by one of {known}; got {every!r}, {by!r}")
        if by in GROUPS:
            if name not in stratified_names(by) or every != "year":
                known = ", ".join(stratified_names(by))
                raise ValueError(f"'{name}' by {every} is not kept by {by}; by year there are: {known}")
            values = stratum_values(self.arrays.strata, name, by)
            return values * self.weight if VARIABLES[name].scaled else values
        if every == "month" and name in YEARLY_ONLY:
            raise ValueError(f"'{name}' exists by year only")
        _, spans = self._spans(every)
        variable = VARIABLES[name]
        values = variable.value(Cells(self.arrays, spans, by, self._factor, self._sold_from))
        return values * self.weight if variable.scaled else values

    def groups(self, by: By) -> list[str]:
        """Return the labels of the groups."""
        if by == "all":
            return ["all"]
        if by == "district":
            return [f"district {int(number) + 1}" for number in self.arrays.districts]
        return list(GROUPS[by])

    def to_frame(self, name: str | None = None, *, every: Every = "both", by: By = "all") -> pd.DataFrame:
        """Return a tidy frame: scenario, param_set, replicate, period, group, variable, value, unit.

        Parameters
        ----------
        name
            One variable, or all of them.
        every
            Reporting years (``period`` is the year as text, "2003"), months ("2003-07"), or both, years
            first.
        by
            Groups, as in ``values``.

        Raises
        ------
        ValueError
            For an unknown name, with the nearest one.
        """
        import pandas as pd

        if every not in ("year", "month", "both"):
            raise ValueError(f"every must be 'year', 'month' or 'both', got {every!r}")
        names = [name] if name is not None else list(stratified_names(by) if by in GROUPS else VARIABLES)
        wanted: list[Literal["year", "month"]] = ["year", "month"] if every == "both" else [every]
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in COLUMNS[2:]}
        for detail in wanted:
            if by in GROUPS and detail == "month" and every == "both":
                continue
            labels = np.array(self._spans(detail)[0], dtype=object)
            groups = np.array(self.groups(by), dtype=object)
            for variable in names:
                if detail == "month" and variable in YEARLY_ONLY and (every == "both" or name is None):
                    continue
                values = self.values(variable, every=detail, by=by)
                n_replicates, n_periods, n_groups = values.shape
                columns["replicate"].append(np.repeat(self.arrays.replicates, n_periods * n_groups))
                columns["period"].append(np.tile(np.repeat(labels, n_groups), n_replicates))
                columns["group"].append(np.tile(groups, n_replicates * n_periods))
                columns["variable"].append(np.full(values.size, variable, dtype=object))
                columns["value"].append(values.ravel())
                columns["unit"].append(np.full(values.size, VARIABLES[variable].unit, dtype=object))
        frame = pd.DataFrame({key: np.concatenate(parts) for key, parts in columns.items()})
        frame.insert(0, "scenario", self.scenario.name)
        frame.insert(1, "param_set", 0)
        return frame[list(COLUMNS)]

    def survey_frame(self) -> pd.DataFrame:
        """Return what surveyed households tell, one row an interview; see ``cbhi.survey.survey_frame``."""
        from cbhi.survey import survey_frame

        return survey_frame(self)

    def flows_frame(self) -> pd.DataFrame:
        """Return money moved by reporting year and kind: payer, payee, purpose, RWF at national scale."""
        import pandas as pd

        rows = []
        for label, begin, end in self.periods:
            totals = self.arrays.flows[:, begin:end].sum(axis=(1, 2))
            for i, replicate in enumerate(self.arrays.replicates):
                for kind, (flow, payer, payee, purpose) in enumerate(codes.FLOWS):
                    rows.append(
                        (
                            int(replicate), label, flow, codes.SECTORS[payer], codes.SECTORS[payee], purpose,
                            float(totals[i, kind]) * self.weight,
                        )
                    )  # fmt: skip
        columns = ["replicate", "period", "flow", "payer", "payee", "purpose", "value_rwf"]
        return pd.DataFrame(rows, columns=columns)

    def accounts_frame(self) -> pd.DataFrame:
        """Return every partner's account by reporting year; see ``cbhi.accounts.accounts_frame``."""
        from cbhi.accounts import accounts_frame

        return accounts_frame(self)

    def resources_frame(self) -> pd.DataFrame:
        """Return what each partner brings by reporting year; see ``cbhi.accounts.resources_frame``."""
        from cbhi.accounts import resources_frame

        return resources_frame(self)

    def lender_frame(self) -> pd.DataFrame:
        """Return the lenders' balance sheet by reporting year; see ``cbhi.accounts.lender_frame``."""
        from cbhi.accounts import lender_frame

        return lender_frame(self)

    def __add__(self, other: Results) -> Results:
        """Return the results of both: replicates of one scenario, size and seed, none of them twice."""
        if not isinstance(other, Results):
            return NotImplemented
        same = (
            self.scenario.fingerprint() == other.scenario.fingerprint()
            and self.households == other.households
            and self.seed == other.seed
            and self.survey == other.survey
        )
        if not same:
            raise ValueError("only replicates of one scenario, size, seed and survey can be joined")
        if np.intersect1d(self.arrays.replicates, other.arrays.replicates).size:
            raise ValueError("the same replicate is in both results")
        joined = {
            field: np.concatenate([getattr(self.arrays, field), getattr(other.arrays, field)])
            for field in Arrays._fields
            if field != "districts"
        }
        order = np.argsort(joined["replicates"], kind="stable")
        arrays = Arrays(**{k: v[order] for k, v in joined.items()}, districts=self.arrays.districts)
        return dataclasses.replace(self, arrays=arrays)

    def save(self, directory: str | Path) -> Path:
        """Write tables, a run record and, with matplotlib, a picture; return the directory.

        Every file is written under a temporary name and renamed. See ``cbhi.saving``.
        """
        from cbhi.saving import save_results

        return save_results(self, Path(directory))
