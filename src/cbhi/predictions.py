"""What a scenario predicts for years to come: medians and bands over its replicates, as a table.

Where the scenario carries parameter sets the bands hold doubt about parameters and chance; where it carries
none they hold chance alone, and the table says so.
"""

from __future__ import annotations

import itertools
import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi.datasets import fit_rows
from cbhi.kernels.records import F8
from cbhi.months import format_month, parse_month
from cbhi.packing import pack_scenario, reporting_periods
from cbhi.placing import STAGED, place_files
from cbhi.published import describe_runs
from cbhi.results import Results
from cbhi.runs import Period, is_whole
from cbhi.saving import versions_of_packages
from cbhi.scenarios import Scenario
from cbhi.spread import quantiles_over_replicates, variance_shares
from cbhi.tables import Scale, Table, scale_of
from cbhi.variables import VARIABLES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PREDICTED", "PREDICTION_FILES", "Outcome", "Predictions", "predicted_years", "predictions"]

NET_PER_MEMBER = "net_result_rwf_per_member"
"""Net income of the scheme over the people who are paid up at the close of the year."""

PREDICTION_FILES = ("predictions.csv", "predictions.txt", "predictions.json")
"""What ``Predictions.save`` writes: every figure, the tables for people, and what made them."""


class Outcome(NamedTuple):
    """One row of the table by year."""

    name: str
    """A variable of ``cbhi.VARIABLES``, or ``NET_PER_MEMBER``."""
    label: str


PREDICTED = (
    Outcome("coverage_end_share", "members, at the close of the year"),
    Outcome("coverage_administrative_share", "members, as administration counts them"),
    Outcome("coverage_share", "person-months with benefits"),
    Outcome("contributions_rwf", "members' premiums"),
    Outcome("claims_paid_rwf", "payments for care"),
    Outcome(NET_PER_MEMBER, "net result per member"),
    Outcome("visits_per_person_year", "visits per person"),
    Outcome("catastrophic_share", "people in households with catastrophic spending"),
)
"""Outcomes by year, in the order of the table."""

BY_MONTH = "coverage_end_share"
"""What is predicted month by month: how membership builds up within the year."""

_BANDS = (0.05, 0.5, 0.95)
_COLUMNS = (
    "outcome", "period", "months", "median", "p05", "p95", "share_parameters", "n_replicates",
    "n_param_sets", "unit",
)  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """Predictions of one scenario for a span of whole reporting years.

    Attributes
    ----------
    results
        The run behind them.
    years
        Labels of the reporting years, first to last.
    record
        What made them: command, date and whatever else the caller knows.
    """

    results: Results
    years: tuple[str, ...]
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_param_sets(self) -> int:
        """Parameter sets that the replicates hold; 1 where parameters are certain."""
        return self.results.n_param_sets

    def to_frame(self) -> pd.DataFrame:
        """Return every figure, by year and then by month.

        Returns
        -------
        pandas.DataFrame
            ``outcome``, ``period`` ("2013" for the year that closes in 2013, "2012-07" for a month),
            ``months`` in the period, ``median``, ``p05`` and ``p95`` over replicates, ``share_parameters``
            (of the variance, the rest is chance; not a number where no set has two replicates),
            ``n_replicates``, ``n_param_sets``, ``unit``.
        """
        import pandas as pd

        rows = []
        for name, _ in PREDICTED:
            cells = self._cells(name, _values(self.results, name)[:, self._places])
            for place, own in zip(self._places, cells, strict=True):
                label, begin, end = self.results.periods[place]
                rows.append({"period": label, "months": end - begin, **own})
        begin, end = self._span
        by_month = self.results.values(BY_MONTH, every="month")[:, begin:end, 0]
        for t, own in zip(range(begin, end), self._cells(BY_MONTH, by_month), strict=True):
            rows.append({"period": format_month(self.results.scenario.start + t), "months": 1, **own})
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    @property
    def _are_later(self) -> bool:
        """Whether all years are later than the figures that the country's scenarios are fitted to."""
        country = self.results.scenario.country
        try:
            return not country or int(self.years[0][:4]) > int(fit_rows(country)["year"].max())
        except ValueError:  # no data of that country
            return True

    @property
    def _places(self) -> list[int]:
        labels = [label for label, _, _ in self.results.periods]
        return [labels.index(year) for year in self.years]

    @property
    def _span(self) -> tuple[int, int]:
        return self.results.periods[self._places[0]][1], self.results.periods[self._places[-1]][2]

    def _bands(self, name: str) -> F8:
        """Return quantiles of an outcome by year, shape (3, reporting years)."""
        return quantiles_over_replicates(_values(self.results, name), _BANDS)

    def _cells(self, name: str, values: F8) -> list[dict[str, Any]]:
        """Return what is said of each period of an outcome, from values (replicates, periods)."""
        bands = quantiles_over_replicates(values, _BANDS)
        clusters = self.results.clusters
        # where parameters are certain they have no share in the spread
        shares = np.zeros(values.shape[1]) if clusters is None else variance_shares(values, clusters).share
        return [
            {
                "outcome": name,
                "median": median,
                "p05": low,
                "p95": high,
                "share_parameters": share,
                "n_replicates": self.results.n_replicates,
                "n_param_sets": self.n_param_sets,
                "unit": _unit(name),
            }
            for (low, median, high), share in zip(bands.T.tolist(), shares.tolist(), strict=True)
        ]

    def summary(self) -> Table:
        """Return the outcomes by year: medians, and 5-95 % bands below them."""
        rows: list[tuple[str, ...]] = []
        for name, label in PREDICTED:
            bands = self._bands(name)[:, self._places]
            known = np.abs(bands[np.isfinite(bands)])
            scale = _scale(name, float(known.max()) if known.size else float("nan"))
            low, median, high = ([scale.show(v) for v in band] for band in bands.tolist())
            rows.append((f"{label}, {scale.unit}" if scale.unit else label, *median))
            rows.append(("", *(f"{a} to {b}" for a, b in zip(low, high, strict=True))))
        return Table(
            title=f"{self.results.scenario.name}: predictions for {self._span_in_words()}",
            heads=(("year that closes in", *self.years),),
            rows=tuple(rows),
            facts=self._facts(),
            notes=(
                self._bands_in_words(),
                "Catastrophic: more than 10 % of a year's consumption paid for care. Net result: all income"
                " of the scheme, grants included, less claims paid and all other expenses, over members at"
                " the close of the year.",
                "Rules: as far as they are known today, and unchanged from the last dated event on."
                + (
                    " Nobody has compared these figures with what happened."
                    if self._are_later
                    else " Figures of some of these years were there when the model was fitted: this is no"
                    " forecast."
                ),
            ),
        )

    def by_month(self) -> Table:
        """Return members by month within each year: medians, and 5-95 % bands below them."""
        frame = self.to_frame()
        months = frame[(frame["outcome"] == BY_MONTH) & (frame["period"].str.len() == 7)]
        scale = _scale(BY_MONTH, 1.0)
        rows: list[tuple[str, ...]] = []
        for place in self._places:
            label, begin, end = self.results.periods[place]
            wanted = [format_month(self.results.scenario.start + t) for t in range(begin, end)]
            part = months.set_index("period").loc[wanted]
            rows.append((label, *(scale.show(v) for v in part["median"])))
            rows.append(
                (
                    "",
                    *(
                        f"{scale.show(low)}-{scale.show(high)}"
                        for low, high in zip(part["p05"], part["p95"], strict=True)
                    ),
                )
            )
        first = self.results.periods[self._places[0]]
        heads = [format_month(self.results.scenario.start + t)[5:] for t in range(first[1], first[2])]
        return Table(
            title=f"{self.results.scenario.name}: members by month, {scale.unit} of people",
            heads=(("year that closes in", *(f"month {head}" for head in heads)),),
            rows=tuple(rows),
            notes=("People paid up at the end of each month, medians; 5-95 % bands below.",),
        )

    def as_text(self) -> str:
        """Return both tables as text."""
        return f"{self.summary()}\n\n{self.by_month()}"

    def __str__(self) -> str:
        """Return both tables as text."""
        return self.as_text()

    def save(self, directory: str | Path) -> Path:
        """Write ``PREDICTION_FILES`` into a folder and return it.

        The CSV holds every figure at full precision, the text the tables, the JSON what made them; they are
        written aside and moved together.

        Raises
        ------
        OSError
            When the folder cannot be written.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=STAGED, dir=folder, ignore_cleanup_errors=True) as name:
            staged = Path(name)
            self.to_frame().to_csv(staged / PREDICTION_FILES[0], index=False, lineterminator="\n")
            (staged / PREDICTION_FILES[1]).write_text(f"{self.as_text()}\n", encoding="utf-8")
            record = json.dumps(self.provenance(), indent=2, ensure_ascii=False)
            (staged / PREDICTION_FILES[2]).write_text(f"{record}\n", encoding="utf-8")
            place_files(staged, folder, PREDICTION_FILES, PREDICTION_FILES[2])
        return folder

    def provenance(self) -> dict[str, Any]:
        """Return what made the predictions, as plain values: command, span, sizes, seed, versions."""
        run = self.results
        return {
            **self.record,
            "scenario": run.scenario.name,
            "fingerprint": run.scenario.fingerprint(),
            "from": format_month(run.scenario.start + self._span[0]),
            "to": format_month(run.scenario.start + self._span[1] - 1),
            "households": run.households,
            "replicates": run.n_replicates,
            "n_param_sets": self.n_param_sets,
            "seed": run.seed,
            "engine": run.engine,
            "versions": {"python": platform.python_version(), **versions_of_packages()},
        }

    def _facts(self) -> tuple[tuple[str, str], ...]:
        run, versions = self.results, versions_of_packages()
        named = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        facts = {
            "made by": self.record.get("command"),
            "on": self.record.get("date"),
            "runs": f"{run.n_replicates} of {run.households:,} households, seed {run.seed}",
            "parameter sets": str(self.n_param_sets),
            "versions": f"python {platform.python_version()}, {named}; engine {run.engine}",
            "scenario": run.scenario.fingerprint(),
        }
        return tuple((name, str(value)) for name, value in facts.items() if value)

    def _span_in_words(self) -> str:
        start = self.results.scenario.start
        return f"{format_month(start + self._span[0])} to {format_month(start + self._span[1] - 1)}"

    def _bands_in_words(self) -> str:
        if self.n_param_sets > 1:
            return (
                "Medians; below them 5-95 % bands: doubt about the model itself and about rules to come is"
                f" not in them. {describe_runs(self.results)}"
            )
        return (
            "Medians; below them 5-95 % bands of chance alone: one parameter set, so they hold no doubt about"
            " the parameters and are too narrow."
        )


def predictions(
    results: Results, first: str, last: str, record: Mapping[str, Any] | None = None
) -> Predictions:
    """Return the predictions that a run holds.

    Parameters
    ----------
    results
        A run that reaches the last month.
    first, last
        First and last month, such as ``"2012-07"`` and ``"2018-06"``: where reporting years of twelve months
        begin and end.
    record
        What made them, for the head of the table: ``command``, ``date``.

    Raises
    ------
    ValueError
        When the months do not delimit whole reporting years of the run.
    """
    years = _whole_years(results.scenario, results.periods, first, last)
    return Predictions(results, years, dict(record or {}))


def predicted_years(scenario: Scenario, first: str, last: str) -> tuple[str, ...]:
    """Return the labels of the reporting years of a span, before anything is simulated.

    Parameters
    ----------
    scenario, first, last
        As in ``predictions``.

    Raises
    ------
    ValueError
        When the months do not delimit whole reporting years of the scenario.
    """
    _, calendar = pack_scenario(scenario)
    return _whole_years(scenario, reporting_periods(scenario, calendar), first, last)


def _whole_years(scenario: Scenario, periods: Sequence[Period], first: str, last: str) -> tuple[str, ...]:
    start = scenario.start
    begin, end = (parse_month(month) - start for month in (first, last))
    whole = [period for period in periods if is_whole(period)]
    inside = [period for period in whole if begin <= period[1] and period[2] - 1 <= end]
    if not inside or inside[0][1] != begin or inside[-1][2] - 1 != end or _has_gaps(inside):
        spans = ", ".join(
            f"{format_month(start + b)} to {format_month(start + e - 1)}" for _, b, e in whole[-3:]
        )
        raise ValueError(
            f"{first} to {last} is no span of whole reporting years of '{scenario.name}'; the last of them:"
            f" {spans or 'none'}"
        )
    return tuple(label for label, _, _ in inside)


def _has_gaps(periods: Sequence[Period]) -> bool:
    return any(one[2] != other[1] for one, other in itertools.pairwise(periods))


def _values(results: Results, name: str) -> F8:
    """Return an outcome by year, shape (replicates, years)."""
    if name != NET_PER_MEMBER:
        return results.values(name)[..., 0]
    members = results.values("coverage_end_share")[..., 0] * results.values("persons")[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        net = results.values("scheme_net_income_rwf")[..., 0] / members
    return np.asarray(np.where(members > 0, net, np.nan), dtype=np.float64)


def _unit(name: str) -> str:
    return "RWF per member" if name == NET_PER_MEMBER else VARIABLES[name].unit


def _scale(name: str, largest: float) -> Scale:
    if name == NET_PER_MEMBER:
        return Scale(1.0, "RWF", 0)
    if name == "visits_per_person_year":
        return Scale(1.0, "", 2)
    if name == "catastrophic_share":
        return Scale(100.0, "%", 2)  # a small share of many
    return scale_of(_unit(name), largest)
