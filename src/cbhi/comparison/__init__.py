"""Run several scenarios on the same random numbers and see what the policies change."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from cbhi import runs
from cbhi.comparison.differences import Difference
from cbhi.kernels.records import F8, I8
from cbhi.months import format_month
from cbhi.packing import pack_calendar, pack_rules, reporting_periods
from cbhi.results import Results, add_replicates
from cbhi.scenarios import Scenario
from cbhi.simulation import Carrier, Keep, Progress, load_scenario, simulate, whole_number
from cbhi.strata import GROUPS, stratified_names
from cbhi.tolerances import LEVEL, Tolerance, check_tolerance, check_variable
from cbhi.variables import VARIABLES, YEARLY_ONLY, By
from cbhi.words import suggest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from cbhi.tables import Table

__all__ = ["Comparison", "Tolerance", "compare", "load_comparison"]

Every = Literal["year", "month"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results of several scenarios on common random numbers; the first is the one compared with.

    Attributes
    ----------
    results
        Results of each scenario, with the same seed, households and replicates and with names of their own.
    tolerance
        What was asked of the Monte Carlo error and what was reached, if it was asked for.

    Raises
    ------
    ValueError
        When there are fewer than two results, two of one name, results that do not share their random
        numbers, or no period in common.
    """

    results: tuple[Results, ...]
    tolerance: Tolerance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", tuple(self.results))
        check_scenarios([one.scenario for one in self.results])
        first = self.results[0]
        for one in self.results[1:]:
            for what, mine, its in (
                ("seed", first.seed, one.seed),
                ("households", first.households, one.households),
                ("replicates", first.arrays.replicates.tolist(), one.arrays.replicates.tolist()),
            ):
                if mine != its:
                    raise ValueError(
                        f"'{one.scenario.name}' does not share its random numbers with"
                        f" '{first.scenario.name}': {what} {_short(its)} against {_short(mine)}"
                    )
        self.periods("month")

    def __repr__(self) -> str:
        """Return one line: what is compared, how large, how often."""
        first = self.results[0]
        others = ", ".join(repr(one.scenario.name) for one in self.results[1:])
        size = f"{first.n_replicates} replicates of {first.households:,} households"
        return f"<Comparison of {others} with {first.scenario.name!r}: {size}, seed {first.seed}>"

    def __getitem__(self, name: str) -> Results:
        """Return the results of one scenario by its name."""
        for one in self.results:
            if one.scenario.name == name:
                return one
        names = [one.scenario.name for one in self.results]
        listed = ", ".join(repr(known) for known in names)
        raise KeyError(f"no scenario '{name}' in this comparison{suggest(name, names)}; there are: {listed}")

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, the one compared with first."""
        return tuple(one.scenario for one in self.results)

    def periods(self, every: Every = "year") -> tuple[str, ...]:
        """Return the labels of the periods that all scenarios have, of the same months in each.

        Parameters
        ----------
        every
            Reporting years or months.
        """
        return tuple(label for label, _ in self._common(every))

    @property
    def clusters(self) -> I8 | None:
        """Which replicates share their parameters, by a number for each; None where all of them do."""
        found = (one.clusters for one in self.results)
        return next((own for own in found if own is not None), None)

    def _common(self, every: Every) -> list[tuple[str, list[int]]]:
        """Return (label, its place in each of the results) of the periods in common."""
        if every == "year":
            return common_periods([(one.scenario, one.periods) for one in self.results])
        return common_periods([(one.scenario, _months(one.scenario)) for one in self.results])

    def difference(self, name: str, every: Every = "year", by: By = "all") -> Difference:
        """Return one variable in every scenario and, replicate by replicate, less the first.

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        every, by
            As in ``Results.values``. Periods that not all scenarios have, or that cover other months in
            one of them, are left out; so are districts that not all of them simulate.

        Returns
        -------
        Difference

        Raises
        ------
        ValueError
            For an unknown name (with the nearest one), or one that does not exist at that detail.
        """
        groups = [one.groups(by) for one in self.results]
        shared = [group for group in groups[0] if all(group in other for other in groups)]
        if not shared:
            raise ValueError(f"the scenarios have no {by} in common")
        common = self._common(every)
        values = []
        for number, one in enumerate(self.results):
            places = [where[number] for _, where in common]
            columns = [groups[number].index(group) for group in shared]
            values.append(one.values(name, every=every, by=by)[:, places][:, :, columns])
        return Difference(
            variable=name,
            unit=VARIABLES[name].unit,
            against=self.results[0].scenario.name,
            scenarios=tuple(one.scenario.name for one in self.results[1:]),
            periods=self.periods(every),
            groups=tuple(shared),
            replicates=self.results[0].arrays.replicates,
            param_sets=self.results[0].param_sets,
            clusters=self.clusters,
            base=values[0],
            others=np.stack(values[1:], axis=1),
        )

    def to_frame(self, name: str | None = None, *, every: Every = "year", by: By = "all") -> pd.DataFrame:
        """Return a tidy frame: one row a scenario, replicate, period, group and variable.

        The first scenario is in it like any other, so a pivot on ``value`` sets all side by side;
        ``difference(name).to_frame()`` has one row a pair instead.

        Parameters
        ----------
        name
            One variable, or all that exist at that detail.
        every, by
            As in ``difference``.

        Returns
        -------
        pandas.DataFrame
            The columns of ``Results.to_frame`` (scenario, param_set, replicate, period, group, variable,
            value, unit), then against (the first scenario) and difference (value less the first scenario's
            in the same replicate); both are missing in the rows of the first.

        Raises
        ------
        ValueError
            For an unknown name, or one that does not exist at that detail.
        """
        import pandas as pd

        frames: list[list[pd.DataFrame]] = [[] for _ in self.results]
        for one in self.variables(every, by) if name is None else [name]:
            found = self.difference(one, every, by)
            for rows, frame in zip(frames, found.scenario_frames(), strict=True):
                rows.append(frame)
        whole = pd.concat([frame for rows in frames for frame in rows], ignore_index=True)
        first = self.results[0]
        numbers = dict(zip(first.arrays.replicates.tolist(), first.param_sets.tolist(), strict=True))
        whole.insert(1, "param_set", whole["replicate"].map(numbers))
        return whole

    def variables(self, every: Every = "year", by: By = "all") -> list[str]:
        """Return the names of the variables that exist at a detail.

        Parameters
        ----------
        every, by
            As in ``Results.values``.
        """
        names = stratified_names(by) if by in GROUPS else VARIABLES
        return [known for known in names if every == "year" or known not in YEARLY_ONLY]

    def summary(
        self, names: Sequence[str] | None = None, periods: Sequence[str] | None = None, *, by: By = "all"
    ) -> Table:
        """Return the differences at a glance, as a table that prints itself.

        Parameters
        ----------
        names
            Variables; the headline ones if not given.
        periods
            Reporting years, such as ``["2003", "2010"]``; if not given, the last complete one and, with few
            scenarios, one or two before.
        by
            Groups as in ``difference``; those beside ``"all"`` need ``names``.

        Returns
        -------
        cbhi.tables.Table
            The first scenario's mean and, for every other, the mean paired difference, its Monte Carlo
            standard error, the share of replicates with the same sign, and the 5-95 % spread.

        Raises
        ------
        ValueError
            For an unknown name or year.
        """
        from cbhi.comparison.table import tabulate

        return tabulate(self, names, periods, by)

    def _repr_html_(self) -> str:
        from cbhi.comparison.table import notebook_html

        return notebook_html(self)

    def plot(self, name: str = "coverage_end_share", *, by: By = "all") -> tuple[Axes, Axes]:
        """Draw a variable in all scenarios and, beside it, the differences with their spread.

        Parameters
        ----------
        name
            A name from ``cbhi.VARIABLES``.
        by
            Groups as in ``difference``; each becomes a line.

        Returns
        -------
        tuple of matplotlib.axes.Axes
            The panel of the paths and that of the differences, of one new figure; nothing is shown.

        Raises
        ------
        ValueError
            For an unknown name.
        ModuleNotFoundError
            When matplotlib is not installed.
        """
        from cbhi.comparison.plot import plot_comparison

        return plot_comparison(self, name, by)

    def save(self, directory: str | Path) -> Path:
        """Write every scenario's results to a folder of its own, and the differences.

        Parameters
        ----------
        directory
            Folder, made if need be. It gets ``differences.csv`` (every pair by reporting year, as
            ``difference(name).to_frame()`` gives it), ``summary.txt``, ``comparison.json`` (what was
            compared, and in which folder it is) and one folder a scenario, such as ``1-rwanda``. An earlier
            comparison in it makes way; ``cbhi.load`` reads the folder back.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        OSError
            When the folder cannot be made or written; everything is written aside first and moved last.
        """
        from cbhi.comparison.files import save_comparison

        return save_comparison(self, Path(directory))


def compare(
    base: Scenario | str | Path | Carrier,
    *others: Scenario | str | Path | Carrier,
    households: int | str = 20_000,
    replicates: int = 10,
    seed: int = 1,
    workers: int = 1,
    survey: int = 1_000,
    tol: float | None = None,
    on: str = "coverage_end_share",
    period: str | None = None,
    max_replicates: int = 200,
    progress: Progress | None = None,
    finished: Sequence[Results] = (),
    keep: Keep | None = None,
) -> Comparison:
    """Simulate scenarios on common random numbers, so that their difference is the policy and not the luck.

    Every draw is keyed by who, when and what for, so a household meets the same chances in every scenario as
    long as the rules leave it in the same place.

    Parameters
    ----------
    base
        The scenario that the others are compared with: an object, a name or a file, or what has a method
        ``scenario()``, such as a posterior.
    *others
        One or more scenarios; all names must differ. Either all carry the same parameter sets, of which each
        may give some keys itself, or none does. With sets, a replicate has the same set in all of them, so
        that intervals and spreads of the differences hold doubt about the parameters and chance.
    households
        As in ``simulate``, the same for all.
    replicates
        Repetitions of each scenario; with ``tol`` the size of a batch, at least 2.
    seed, workers, survey
        As in ``simulate``, the same for all.
    tol
        Largest half-width of the 95 % interval (Student's t) of each mean difference in ``on`` at ``period``,
        in the unit of ``on``; with parameter sets, replicates of one set count as one. Batches of replicates
        are added until it is met or ``max_replicates`` reached; ``Comparison.tolerance`` says which. Looking
        after every batch makes the interval a little too sure of itself when batches are small; ten or more
        replicates a batch keep that small.
    on, period
        Variable and reporting year that ``tol`` is about; the last complete year in common if not given.
    max_replicates
        Most replicates of each scenario with ``tol``.
    progress
        Called with (months done, months in all) over all scenarios; with ``tol`` the second number grows by
        the batch.
    finished
        Results of the same scenarios, households, seed and survey, whose replicates are not simulated again.
    keep
        Called with the results of each replicate as soon as it is finished, from the thread that ran it;
        their ``scenario`` says whose they are.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        When fewer than two scenarios are given, names are not unique, no period is in common, or an argument
        is out of range. All of this is found before anything is simulated.
    Interrupted
        On Ctrl-C; its ``results`` are of the scenario under way only, ``keep`` has had all of them.
    """
    scenarios = [load_scenario(one) for one in (base, *others)]
    check_scenarios(scenarios)
    n = whole_number("replicates", replicates, 1, 100_000)
    common_periods([(s, _months(s)) for s in scenarios])
    year = ""
    if tol is not None:
        uncertain = any(scenario.is_uncertain for scenario in scenarios)
        check_tolerance(tol, on, replicates, uncertain)
        whole_number("max_replicates", max_replicates, replicates, 100_000)
        year = _watched_period(period, scenarios)
    earlier = [_own(finished, scenario) for scenario in scenarios]
    run = functools.partial(
        simulate, households=households, seed=seed, workers=workers, survey=survey, keep=keep
    )
    while True:
        done = _batch(scenarios, earlier, n, run, progress)
        if tol is None:
            return Comparison(tuple(done))
        earlier = [add_replicates(one, before) for one, before in zip(done, earlier, strict=True)]
        comparison = Comparison(tuple(done))
        widths = _half_widths(comparison, on, year)
        reached = float(np.max(widths))
        if reached <= tol or n >= max_replicates:
            return dataclasses.replace(comparison, tolerance=Tolerance(on, year, float(tol), reached, n))
        n = min(n + replicates, max_replicates)


def _batch(
    scenarios: list[Scenario],
    before: Sequence[Results | None],
    n: int,
    run: Callable[..., Results],
    progress: Progress | None,
) -> list[Results]:
    """Bring every scenario to ``n`` replicates."""
    total = n * sum(s.n_months for s in scenarios)
    results = []
    past = 0

    def tell(done: int, _: int) -> None:
        if progress is not None:
            progress(past + done, total)

    for scenario, finished in zip(scenarios, before, strict=True):
        results.append(run(scenario, replicates=n, progress=tell, finished=finished))
        past += n * scenario.n_months
    return results


def _own(finished: Sequence[Results], scenario: Scenario) -> Results | None:
    """Return the finished replicates of a scenario, or None."""
    own = [one for one in finished if one.scenario.fingerprint() == scenario.fingerprint()]
    return functools.reduce(add_replicates, own) if own else None


def load_comparison(directory: Path) -> Comparison:
    """Read the comparison that ``Comparison.save`` wrote to a folder; ``cbhi.load`` does so.

    Parameters
    ----------
    directory
        The folder, which holds ``comparison.json``.

    Returns
    -------
    Comparison
        Equal to what was saved.

    Raises
    ------
    ValueError
        When files are missing, damaged, or do not belong together. Nothing is unpickled.
    OSError
        When a file cannot be read.
    """
    from cbhi.comparison.files import RECORD, read_comparison

    results, asked = read_comparison(directory)
    comparison = Comparison(tuple(results))
    if asked is None:
        return comparison
    try:
        tolerance = Tolerance(
            variable=str(asked["variable"]),
            period=str(asked["period"]),
            wanted=float(asked["wanted"]),
            reached=float(asked["reached"]),
            replicates=results[0].n_replicates,
        )
        check_variable(tolerance.variable)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"'{directory / RECORD}' is damaged: tolerance: {error}") from None
    return dataclasses.replace(comparison, tolerance=tolerance)


def _half_widths(comparison: Comparison, on: str, year: str) -> F8:
    """Return the half-width of the 95 % interval of each difference in the watched year."""
    difference = comparison.difference(on)
    widths = difference.half_width(LEVEL)[:, difference.periods.index(year), 0]
    for name, width in zip(difference.scenarios, widths, strict=True):
        if math.isnan(width):
            raise ValueError(
                f"{on} {year} has no value in '{difference.against}' or '{name}' in two replicates or more,"
                " so no tolerance can be judged on it; choose another variable (on) or year (period)"
            )
    return np.asarray(widths, dtype=float)


def check_scenarios(scenarios: Sequence[Scenario]) -> None:
    """Refuse fewer than two scenarios, or two of one name."""
    if len(scenarios) < 2:
        raise ValueError("a comparison needs two scenarios or more: the one to compare with, and others")
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{names.count(name)} scenarios are called '{name}'; give each a name of its own: a line"
                " name = '...' in its file, or scenario.replace({}, name='...')"
            )
    check_sets(scenarios)


def check_sets(scenarios: Sequence[Scenario]) -> None:
    """Refuse scenarios that do not share their parameter sets: their differences would be the sets'."""
    first = scenarios[0]
    for other in scenarios[1:]:
        if runs.origin_of(other) == runs.origin_of(first):
            continue
        said = f"'{other.name}' carries other parameter sets than '{first.name}'"
        if first.sets is None or other.sets is None:
            with_sets, without = (other, first) if first.sets is None else (first, other)
            said = f"'{with_sets.name}' carries parameter sets, and '{without.name}' carries none"
        raise ValueError(
            f"{said}; scenarios that are compared carry the same sets or none: leave them out"
            " (scenario.at_point(), or --point), or give all the same (scenario.with_sets(other.sets))"
        )


def _watched_period(period: str | None, scenarios: Sequence[Scenario]) -> str:
    """Return the period asked for, or the last of twelve months."""
    labels = common_years(scenarios)
    if period is None:
        first = scenarios[0]
        spans = reporting_periods(first, pack_calendar(first, pack_rules(first)))
        shared = [span for span in spans if span[0] in labels]
        return shared[runs.last_whole_year(shared)][0]
    if str(period) not in labels:
        raise ValueError(
            f"period '{period}' is no reporting year of all scenarios; there are: {', '.join(labels)}"
        )
    return str(period)


def common_periods(
    spans: Sequence[tuple[Scenario, Sequence[tuple[str, int, int]]]],
) -> list[tuple[str, list[int]]]:
    """Return the periods that every scenario has, of the same months.

    Parameters
    ----------
    spans
        Scenarios with their periods as (label, first month index, one past the last).

    Returns
    -------
    list of (str, list of int)
        Label, and its place in the periods of each scenario.

    Raises
    ------
    ValueError
        When there is none.
    """
    shared = runs.common_years([(scenario.start, periods) for scenario, periods in spans])
    if not shared:
        years = {
            s.name: ", ".join(
                f"{period[0]} from {runs.describe_span(s.start, period)}"
                for period in [*periods[:1], *periods[1:][-1:]]
            )
            for s, periods in spans
        }
        ends = "; ".join(f"'{name}': {first_and_last}" for name, first_and_last in years.items())
        raise ValueError(
            "the scenarios have no period of the same months in common (first and last of each:"
            f" {ends}); where only their membership years differ, compare by month"
        )
    return shared


def _months(scenario: Scenario) -> list[tuple[str, int, int]]:
    """Return the months of a scenario as periods."""
    return [(format_month(scenario.start + t), t, t + 1) for t in range(scenario.n_months)]


def common_years(scenarios: Sequence[Scenario]) -> list[str]:
    """Return the labels of the reporting years that all scenarios have, of the same months.

    Raises
    ------
    ValueError
        When there is none.
    """
    years = [(s, reporting_periods(s, pack_calendar(s, pack_rules(s)))) for s in scenarios]
    return [label for label, _ in common_periods(years)]


def _short(value: object) -> str:
    """Return a value as text that fits a message."""
    if isinstance(value, list):
        return f"{value[0]} to {value[-1]} ({len(value)})"
    return f"{value}"
