"""What a run leaves: integer arrays inside, tidy frames outside."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Container, Iterator, Mapping, Sequence
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
from cbhi.scenarios import Scenario
from cbhi.strata import GROUPS, stratified_names, stratum_values
from cbhi.tolerances import Tolerance
from cbhi.variables import VARIABLES, YEARLY_ONLY, Arrays, By, Cells, are_added_up
from cbhi.words import suggest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from cbhi.tables import Table

COLUMNS = ("scenario", "param_set", "replicate", "period", "group", "variable", "value", "unit")
Every = Literal["year", "month", "both"]
PER_RUN = frozenset({"districts"})
"""Fields of ``Arrays`` that all replicates share; every other one has the replicates on its first axis."""


@dataclass(frozen=True, eq=False)
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
    engine
        Hash of the sources and packages that computed them (``cbhi.engine.engine_hash``).
    population
        Fingerprint of the population that a user supplied; empty where it was drawn.
    tolerance
        What was asked of the Monte Carlo error and what was reached, if it was asked for; no part of what is
        equal or saved with the arrays.
    """

    scenario: Scenario
    arrays: Arrays
    periods: tuple[tuple[str, int, int], ...]
    year_ends: tuple[int, ...]
    weight: float
    households: int
    seed: int
    survey: int = 0
    engine: str = ""
    population: str = ""
    tolerance: Tolerance | None = None

    def __repr__(self) -> str:
        """Return one line: what was run, how large, how often."""
        years = f"{self.periods[0][0]} to {self.periods[-1][0]}"
        size = f"{self.n_replicates} replicates of {self.households:,} households"
        return f"<Results of {self.scenario.name!r}: {size}, {years}, seed {self.seed}>"

    def __eq__(self, other: object) -> bool:
        """Say whether both hold the same replicates of one run, with the same numbers in them.

        Another engine may have computed them: what counts are the numbers.
        """
        if not isinstance(other, Results):
            return NotImplemented
        if any(ours != theirs for _, ours, theirs in _what_is_run(self, other)):
            return False
        return all(
            np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f")
            for ours, theirs in zip(self.arrays, other.arrays, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def n_replicates(self) -> int:
        """Number of replicates held."""
        return int(self.arrays.replicates.size)

    @functools.cached_property
    def param_sets(self) -> I8:
        """Number of the parameter set of each replicate, ``scenario.sets[number]``; 0 without sets."""
        numbers = [self.scenario.set_of(int(number)) for number in self.arrays.replicates]
        return np.array(numbers, dtype=np.int64)

    @property
    def n_param_sets(self) -> int:
        """Number of different parameter sets that were simulated; 1 where the scenario carries none."""
        return int(np.unique(self.param_sets).size)

    @property
    def clusters(self) -> I8 | None:
        """Which replicates share their parameters, by a number for each; None where all of them do."""
        return self.param_sets if self.scenario.is_uncertain else None

    def by_set(self) -> list[Results]:
        """Return the results of each parameter set by itself.

        Returns
        -------
        list of Results
            In order of the sets, each with the scenario that its replicates were simulated with and without
            sets; these results themselves where the scenario carries none.
        """
        if self.scenario.sets is None:
            return [self]
        parts = []
        for number in np.unique(self.param_sets):
            own = select_replicates(self, set(self.arrays.replicates[self.param_sets == number].tolist()))
            parts.append(dataclasses.replace(own, scenario=self.scenario.of_set(int(number))))
        return parts

    @functools.cached_property
    def _factor(self) -> F8:
        # over-count and authorities' capacity may differ between parameter sets
        factors = {n: administrative_factor(s) for n, s in self._scenarios.items()}
        return np.stack([factors[int(n)] for n in self.param_sets])

    @property
    def _scenarios(self) -> dict[int, Scenario]:
        """The scenario of each parameter set that was simulated."""
        if self.scenario.sets is None:
            return {0: self.scenario}
        return {int(number): self.scenario.of_set(int(number)) for number in np.unique(self.param_sets)}

    @functools.cached_property
    def _sold_from(self) -> I8:
        return first_month_of_sale(self.scenario)

    @functools.cached_property
    def _published_rows(self) -> pd.DataFrame:
        # kept, because the table, the file and the picture all need it
        from cbhi.published import compare_published

        return compare_published(self)

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
        if every not in ("year", "month"):
            raise ValueError(f"every must be 'year' or 'month', got {every!r}")
        if by not in ("all", "district", *GROUPS):
            raise ValueError(_unknown_groups(by))
        self._require_districts(by == "district", "values by district")
        if by in GROUPS:
            if name not in stratified_names(by) or every != "year":
                known = ", ".join(stratified_names(by))
                raise ValueError(f"'{name}' by {every} is not kept by {by}; by year there are: {known}")
            values = stratum_values(self.arrays.strata, name, by)
            return values * self.weight if VARIABLES[name].scaled else values
        if every == "month" and name in YEARLY_ONLY:
            raise ValueError(f"'{name}' exists by year only")
        return self._value_in(self._cells(every, by), name)

    def _cells(self, every: Literal["year", "month"], by: By, at_once: bool = False) -> Cells:
        _, spans = self._spans(every)
        return Cells(self.arrays, spans, by, self._factor, self._sold_from, at_once)

    def _value_in(self, cells: Cells, name: str) -> F8:
        variable = VARIABLES[name]
        values = variable.value(cells)
        return values * self.weight if variable.scaled else values

    def all_values(
        self, every: Literal["year", "month"] = "year", by: By = "all"
    ) -> Iterator[tuple[str, F8]]:
        """Yield each variable that exists at a detail with its values; less work than one after the other.

        Parameters
        ----------
        every, by
            As in ``values``.

        Yields
        ------
        name : str
            From ``cbhi.VARIABLES``.
        values : numpy.ndarray
            What ``values`` returns for it, shape (replicates, periods, groups).

        Raises
        ------
        ValueError
            For groups or a detail that do not exist.
        """
        if by in GROUPS:
            for name in stratified_names(by):
                yield name, self.values(name, every=every, by=by)
            return
        names = [name for name in VARIABLES if every == "year" or name not in YEARLY_ONLY]
        # the first one checks what was asked for
        self.values(names[0], every=every, by=by)
        cells = self._cells(every, by, at_once=True)
        for name in names:
            yield name, self._value_in(cells, name)

    def _require_districts(self, needed: bool, what: str) -> None:
        if needed and are_added_up(self.arrays.districts):
            raise ValueError(f"{what}: districts were added up as these replicates ended; use cbhi.simulate")

    def span_values(self, name: str, first: str, last: str) -> F8:
        """Return one variable over several reporting years taken as one period, shape (replicates,).

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        first, last
            Labels of the first and the last year, which may be the same. Francs and counts are added up,
            shares and rates cover the whole stretch, and what is read at a period's end is read at the last.

        Raises
        ------
        ValueError
            For an unknown name or year, or a last year before the first.
        """
        if name not in VARIABLES:
            raise ValueError(
                f"unknown variable '{name}'{suggest(name, VARIABLES)}; all names: cbhi.VARIABLES"
            )
        spans = {label: (begin, end) for label, begin, end in self.periods}
        for label in (first, last):
            if label not in spans:
                raise ValueError(
                    f"'{label}' is not a reporting year of this run; there are: {', '.join(spans)}"
                )
        span = (spans[first][0], spans[last][1])
        if span[0] >= span[1]:
            raise ValueError(f"the period runs backwards: from {first} to {last}")
        variable = VARIABLES[name]
        values = variable.value(Cells(self.arrays, [span], "all", self._factor, self._sold_from))[:, 0, 0]
        return values * self.weight if variable.scaled else values

    def period_labels(self, every: Literal["year", "month"] = "year") -> list[str]:
        """Return the labels of the reporting years ("2003") or of the months ("2003-07").

        Parameters
        ----------
        every
            ``"year"`` or ``"month"``.
        """
        return self._spans(every)[0]

    def groups(self, by: By) -> list[str]:
        """Return the labels of the groups.

        Parameters
        ----------
        by
            As in ``values``.
        """
        if by == "all":
            return ["all"]
        if by == "district":
            self._require_districts(True, "groups")
            return [f"district {int(number) + 1}" for number in self.arrays.districts]
        if by not in GROUPS:
            raise ValueError(_unknown_groups(by))
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
        if name is not None and not isinstance(name, str):
            raise ValueError(
                f"name must be one variable, such as 'coverage_share', or None for all; got {name!r}"
            )
        if by not in ("all", "district", *GROUPS):
            raise ValueError(_unknown_groups(by))
        wanted: list[Literal["year", "month"]] = ["year", "month"] if every == "both" else [every]
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in COLUMNS[2:]}
        for detail in wanted:
            if by in GROUPS and detail == "month" and every == "both":
                continue
            labels = np.array(self._spans(detail)[0], dtype=object)
            groups = np.array(self.groups(by), dtype=object)
            if name is None:
                chosen = self.all_values(detail, by)
            elif detail == "month" and name in YEARLY_ONLY and every == "both":
                continue
            else:
                chosen = iter([(name, self.values(name, every=detail, by=by))])
            for variable, values in chosen:
                n_replicates, n_periods, n_groups = values.shape
                columns["replicate"].append(np.repeat(self.arrays.replicates, n_periods * n_groups))
                columns["period"].append(np.tile(np.repeat(labels, n_groups), n_replicates))
                columns["group"].append(np.tile(groups, n_replicates * n_periods))
                columns["variable"].append(np.full(values.size, variable, dtype=object))
                columns["value"].append(values.ravel())
                columns["unit"].append(np.full(values.size, VARIABLES[variable].unit, dtype=object))
        frame = pd.DataFrame({key: np.concatenate(parts) for key, parts in columns.items()})
        frame.insert(0, "scenario", self.scenario.name)
        numbers = dict(zip(self.arrays.replicates.tolist(), self.param_sets.tolist(), strict=True))
        frame.insert(1, "param_set", frame["replicate"].map(numbers))
        return frame[list(COLUMNS)]

    def quantiles(
        self,
        name: str,
        probabilities: Sequence[float] = (0.05, 0.5, 0.95),
        *,
        every: Literal["year", "month"] = "year",
        by: By = "all",
    ) -> pd.DataFrame:
        """Return how far a variable spreads over replicates; ``mean_ci`` gives the error of their mean.

        With parameter sets, the spread holds doubt about the parameters and chance, otherwise chance alone;
        ``uncertainty`` says which share is which. It does not shrink with more replicates.

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        probabilities
            From 0 to 1, each once.
        every, by
            As in ``values``.

        Returns
        -------
        pandas.DataFrame
            One row a period and group: scenario, period, group, variable, one column a probability (``p05``,
            ``p50``, ``p97.5``), n_replicates (that have a value), unit. With one replicate all quantiles are
            that run.

        Raises
        ------
        ValueError
            For an unknown name, or a probability outside 0 to 1.
        """
        from cbhi.spread import quantiles_frame

        return quantiles_frame(self, name, probabilities, every=every, by=by)

    def mean_ci(
        self,
        name: str,
        level: float = 0.95,
        *,
        every: Literal["year", "month"] = "year",
        by: By = "all",
    ) -> pd.DataFrame:
        """Return the mean over replicates and its Monte Carlo error; ``quantiles`` gives their spread.

        The interval (Student's t over replicates) shrinks with the square root of their number; it says how
        well the mean is known, not how far one run may lie from it. With parameter sets, replicates that
        share a set count as one (error by clusters), and the mean is that over chance and parameters.

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        level
            Coverage of the interval, above 0 and below 1.
        every, by
            As in ``values``.

        Returns
        -------
        pandas.DataFrame
            One row a period and group: scenario, period, group, variable, mean, standard_error, ci_low,
            ci_high, n_replicates (that have a value), unit. Standard error and interval are not a number
            where fewer than two replicates have a value.

        Raises
        ------
        ValueError
            For an unknown name, or a level that is not between 0 and 1.
        """
        from cbhi.spread import mean_ci_frame

        return mean_ci_frame(self, name, level, every=every, by=by)

    def uncertainty(
        self,
        name: str,
        level: float = 0.9,
        *,
        every: Literal["year", "month"] = "year",
        by: By = "all",
    ) -> pd.DataFrame:
        """Return how much of a variable's variance is doubt about the parameters, and how much is chance.

        Replicates of one parameter set differ by chance alone: the luck of the people, and that only so many
        households are simulated. What sets differ by beyond that is the parameters.

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        level
            Coverage of the interval of the share, above 0 and below 1.
        every, by
            As in ``values``.

        Returns
        -------
        pandas.DataFrame
            One row a period and group: scenario, period, group, variable, variance_parameters and
            variance_chance (in the square of the unit), share_parameters (of their sum), share_low and
            share_high (its interval), n_param_sets, n_replicates (that have a value), unit. Not a number
            where no two sets have a value, or none has two replicates; see ``cbhi.spread.variance_shares``.

        Raises
        ------
        ValueError
            For an unknown name, a level that is not between 0 and 1, or a scenario without parameter sets.
        """
        from cbhi.spread import uncertainty_frame

        return uncertainty_frame(self, name, level, every=every, by=by)

    def summary(self, names: Sequence[str] | None = None, periods: Sequence[str] | None = None) -> Table:
        """Return what was run and the main results at a glance, as a table that prints itself.

        Parameters
        ----------
        names
            Variables; the headline ones if not given.
        periods
            Reporting years, such as ``["2003", "2010"]``; if not given, as many as fit a line of 100
            characters, the last complete one among them.

        Returns
        -------
        cbhi.tables.Table
            Medians over replicates, with their 5-95 % spread where there are several; ``as_text``,
            ``as_html``, ``as_latex`` and ``as_csv`` write it.

        Raises
        ------
        ValueError
            For an unknown name or year.
        """
        from cbhi.summary import summarise

        return summarise(self, names, periods)

    def _repr_html_(self) -> str:
        from cbhi.summary import notebook_html

        return notebook_html(self)

    def plot(
        self,
        name: str,
        *,
        every: Literal["year", "month"] = "year",
        by: By = "all",
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a variable over time, with the spread of the replicates and published figures if there are.

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        every, by
            As in ``values``; groups become lines.
        ax
            Where to draw; a new figure of pyplot's if not given.

        Returns
        -------
        matplotlib.axes.Axes
            Nothing is shown by this; a notebook shows the figure by itself.

        Raises
        ------
        ValueError
            For an unknown name.
        ModuleNotFoundError
            When matplotlib is not installed.
        """
        from cbhi.plots import plot_variable

        return plot_variable(self, name, every=every, by=by, ax=ax)

    def to_psa(
        self,
        *,
        costs: str | Sequence[str] | None = None,
        effects: str | Sequence[str] | None = None,
        periods: Sequence[str] | None = None,
        by: By = "all",
        form: Literal["long", "wide"] = "long",
    ) -> pd.DataFrame:
        """Return costs and effects by replicate as hesim, dampack and BCEA read them.

        One scenario is one strategy; ``cbhi.psa.psa_frame(one, other, ...)`` joins several.

        Parameters
        ----------
        costs
            Variables in RWF whose sum is the cost; what the scheme pays for care and administration if not
            given.
        effects
            Variables that become a column each; coverage, visits and catastrophic spending if not given.
        periods
            Labels of reporting years; all if not given.
        by
            Groups: ``"all"``, ``"district"`` or, for what is kept by them, ``"quintile"``, ``"category"``,
            ``"cover"``.
        form
            ``"long"`` for hesim, ``"wide"`` for dampack and BCEA.

        Returns
        -------
        pandas.DataFrame
            Long: sample, strategy, grp, period, costs, one column an effect. Wide: one row a sample, columns
            with the levels outcome, period, grp, strategy.

        Raises
        ------
        ValueError
            For unknown names or years, or costs that are not in one unit of RWF.
        """
        from cbhi.psa import COSTS, EFFECTS, psa_frame

        return psa_frame(
            self,
            costs=COSTS if costs is None else costs,
            effects=EFFECTS if effects is None else effects,
            periods=periods,
            by=by,
            form=form,
        )

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

    def indicators(
        self,
        survey: pd.DataFrame | None = None,
        *,
        poverty_line_rwf: float | Mapping[str, float] | None = None,
        ppp_rwf: float | Mapping[str, float] | None = None,
    ) -> pd.DataFrame:
        """Return the indicators of the field by year; see ``cbhi.run_indicators.indicators_frame``.

        Parameters
        ----------
        survey
            Households one by one, in the columns of ``survey_frame``; those interviewed if not given.
        poverty_line_rwf, ppp_rwf
            RWF a year and adult equivalent, and RWF for one international dollar of 2017: one number, or one
            for each reporting year.
        """
        from cbhi.run_indicators import indicators_frame

        self._require_districts(True, "indicators")
        return indicators_frame(self, survey, poverty_line_rwf=poverty_line_rwf, ppp_rwf=ppp_rwf)

    def indicators_summary(self, period: str | None = None) -> Table:
        """Return one year's indicators as a table; see ``cbhi.run_indicators.indicators_table``.

        Parameters
        ----------
        period
            A reporting year; the last one if not given.
        """
        from cbhi.run_indicators import indicators_table

        self._require_districts(True, "indicators")
        return indicators_table(self, period)

    def health_accounts(self) -> pd.DataFrame:
        """Return the money in the codes of SHA 2011; see ``cbhi.health_accounts.health_accounts``."""
        from cbhi.health_accounts import health_accounts

        return health_accounts(self)

    def health_accounts_summary(self, period: str | None = None) -> Table:
        """Return one year's health accounts; see ``cbhi.health_accounts.health_accounts_table``.

        Parameters
        ----------
        period
            A reporting year; the last one if not given.
        """
        from cbhi.health_accounts import health_accounts_table

        return health_accounts_table(self, period)

    def __add__(self, other: Results) -> Results:
        """Return the results of both: replicates of one scenario, size and seed, none of them twice."""
        if not isinstance(other, Results):
            return NotImplemented
        return join_results([self, other])

    def __radd__(self, other: object) -> Results:
        """Return these results for ``sum``, which starts from 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def save(self, directory: str | Path, formats: Sequence[str] = ("csv",)) -> Path:
        """Write tables, arrays, a run record and, with matplotlib, a picture; ``cbhi.load`` reads them back.

        Parameters
        ----------
        directory
            Folder, made if need be; other files in it are left alone.
        formats
            Of the tables: ``"csv"`` (always written), ``"parquet"``, ``"xlsx"`` (one workbook), ``"dta"``
            (Stata).

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        ValueError
            For an unknown format, or more rows than a sheet of a workbook holds.
        ModuleNotFoundError
            When the package that writes a format is not installed.
        OSError
            When the folder cannot be written; it then holds what it held before.
        """
        from cbhi.saving import save_results

        return save_results(self, Path(directory), formats=formats)


def _unknown_groups(by: object) -> str:
    known = ", ".join(repr(kind) for kind in ("all", "district", *GROUPS))
    return f"by must be one of {known}; got {by!r}"


def _what_is_run(one: Results, other: Results) -> list[tuple[str, Any, Any]]:
    """Return name and both values of what replicates of one run have in common."""
    names = ("households", "seed", "survey", "weight", "population")
    fingerprints = ("scenario", one.scenario.fingerprint(), other.scenario.fingerprint())
    return [fingerprints, *((name, getattr(one, name), getattr(other, name)) for name in names)]


def join_results(parts: Sequence[Results]) -> Results:
    """Return the replicates of several results as one, in the order of their numbers.

    Parameters
    ----------
    parts
        Results of one scenario, number of households, seed and survey, of one engine; at least one.

    Returns
    -------
    Results
        With the scenario of the first.

    Raises
    ------
    ValueError
        When they do not belong together, or hold the same replicate twice.
    """
    first = parts[0]
    for part in parts[1:]:
        same = [
            *_what_is_run(first, part),
            ("engine (its sources, NumPy or Numba)", first.engine, part.engine),
            ("districts", first.arrays.districts.tolist(), part.arrays.districts.tolist()),
        ]
        apart = [name for name, ours, theirs in same if ours != theirs]
        if apart:
            raise ValueError(f"only replicates of one run can be joined; these differ in {', '.join(apart)}")
    numbers = np.concatenate([part.arrays.replicates for part in parts])
    if np.unique(numbers).size != numbers.size:
        raise ValueError("the same replicate is in both results")
    joined = {}
    in_order = bool(np.all(np.diff(numbers) > 0))
    for field in Arrays._fields:
        if field not in PER_RUN:
            values = np.concatenate([getattr(part.arrays, field) for part in parts])
            joined[field] = values if in_order else values[np.argsort(numbers, kind="stable")]
    return _with_arrays(first, joined)


def add_replicates(one: Results, more: Results | None) -> Results:
    """Return the replicates of both, each once."""
    if more is None:
        return one
    have = {int(number) for number in one.arrays.replicates}
    rest = select_replicates(more, {int(number) for number in more.arrays.replicates} - have)
    return join_results([one, rest]) if rest.n_replicates else one


def select_replicates(results: Results, numbers: Container[int]) -> Results:
    """Return the results of those replicates whose number is in ``numbers``."""
    kept = np.array(
        [number for number in results.arrays.replicates if int(number) in numbers], dtype=np.int64
    )
    chosen = {
        field: getattr(results.arrays, field)[np.isin(results.arrays.replicates, kept)]
        for field in Arrays._fields
        if field not in PER_RUN
    }
    return _with_arrays(results, chosen)


def _with_arrays(results: Results, arrays: dict[str, NDArray[Any]]) -> Results:
    for array in arrays.values():
        array.flags.writeable = False
    # what was asked for was asked of the replicates as they were
    return dataclasses.replace(results, arrays=results.arrays._replace(**arrays), tolerance=None)
