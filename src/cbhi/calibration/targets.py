"""Targets: the published figures that parameters are fitted to, each with its error and how it is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi import datasets
from cbhi.kernels.records import F8
from cbhi.packing import pack_scenario, reporting_periods
from cbhi.published import READINGS, read_outcome
from cbhi.runs import is_closed
from cbhi.scenarios import Scenario
from cbhi.variables import VARIABLES
from cbhi.words import listed, number_text, suggest

if TYPE_CHECKING:
    from cbhi.results import Results

__all__ = [
    "DISCREPANCY",
    "SharedError",
    "Target",
    "check_targets",
    "fit_targets",
    "keep_shared_errors",
    "read_targets",
    "scaled_errors",
]

DISCREPANCY: Mapping[str, float] = {
    "coverage": 0.03,
    "visits": 0.05,
    "accounts": 1e9,
    "administration": 0.2e9,
    "other": 0.0,
}
"""By kind of target: standard deviation of what the model misses at its true parameters.

In the unit of the model: shares, contacts per person and year, RWF. Three points of coverage, a twentieth of
a contact, a billion RWF of an account and a fifth of one of administration are judgement: the error that a
model of this coarseness may have in a year without anybody calling it wrong.
"""

_JOINTS = ("+", "*", "/")


@dataclass(frozen=True)
class Target:
    """One published figure.

    Attributes
    ----------
    name
        What tables call it; for a row of the data its key.
    variable
        The variable of the results that the figure is compared with, or two joined by ``" + "``, ``" * "``
        or ``" / "``.
    period
        Label of the reporting year, such as ``"2008"``.
    value, sd
        The figure and the standard error of the figure itself, in the unit of the model.
    kind
        Which discrepancy of the model applies: a key of ``DISCREPANCY``.
    discrepancy
        Standard deviation of what the model misses; that of the kind if not given.
    source, confidence
        Where the figure comes from and how far it can be trusted.
    use
        ``"fit"``. A figure that is kept for checking is refused.

    Raises
    ------
    ValueError
        With everything that is wrong with the target, in one message.
    """

    name: str
    variable: str
    period: str
    value: float
    sd: float
    kind: str = "other"
    discrepancy: float | None = None
    source: str = ""
    confidence: str = "assumption"
    use: str = "fit"

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise ValueError("\n".join(f"target {self.name}: {problem}" for problem in problems))
        if self.discrepancy is None:
            object.__setattr__(self, "discrepancy", DISCREPANCY[self.kind])

    @property
    def discrepancy_sd(self) -> float:
        """Standard deviation of what the model misses, in the unit of the model."""
        return 0.0 if self.discrepancy is None else self.discrepancy

    @property
    def unit(self) -> str:
        """Unit of the model."""
        first, *rest = self.variable.split()
        if rest and rest[0] == "/":
            return "ratio"
        return VARIABLES[rest[1]].unit if rest and rest[0] == "*" else VARIABLES[first].unit

    def as_dict(self) -> dict[str, Any]:
        """Return the target as plain values, for a record or JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class SharedError:
    """An error that several published figures have in common, such as an old count of people.

    Attributes
    ----------
    targets
        Names of the targets.
    sd
        Its standard deviation: in the unit of the figures, or relative to them.
    relative
        Whether it is a share of each figure rather than the same amount.
    why
        Where it comes from.
    """

    targets: tuple[str, ...]
    sd: float
    relative: bool = False
    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(self.targets))
        if not (math.isfinite(self.sd) and self.sd > 0.0):
            raise ValueError(f"the error shared by {listed(self.targets)}: sd = {self.sd:g} must be above 0")
        if len(set(self.targets)) < 2:
            raise ValueError("an error is shared by two targets or more; give it to the sd of a single one")

    def direction(self, targets: tuple[Target, ...]) -> F8:
        """Return how one standard deviation of it moves each target.

        Parameters
        ----------
        targets
            All targets of a calibration, those that do not share it too.

        Returns
        -------
        numpy.ndarray
            In the unit of each target, 0 for those that do not share it, shape (targets,).

        Raises
        ------
        ValueError
            When one that shares it is not among the targets.
        """
        known = [target.name for target in targets]
        for name in self.targets:
            if name not in known:
                raise ValueError(f"shared error: there is no target '{name}'{suggest(name, known)}")
        sizes = [self.sd * (target.value if self.relative else 1.0) for target in targets]
        return np.array(
            [size if name in self.targets else 0.0 for name, size in zip(known, sizes, strict=True)]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the error as plain values, for a record or JSON."""
        return {"targets": list(self.targets), "sd": self.sd, "relative": self.relative, "why": self.why}


def _problems(target: Target) -> list[str]:
    """Return everything that is wrong with a target, one line each."""
    problems = []
    if target.use != "fit":
        problems.append(
            f"its use is '{target.use}': it is kept for checking and never fitted; take a row marked 'fit'"
        )
    first, *rest = target.variable.split() or [""]
    words = [first, *rest[1:2]]
    if rest and (len(rest) != 2 or rest[0] not in _JOINTS):
        problems.append(
            f"'{target.variable}' is neither a variable nor two joined by {listed(_JOINTS, 'or')}; example:"
            " 'claims_paid_rwf + administration_rwf'"
        )
    else:
        problems += [
            f"unknown variable '{word}'{suggest(word, VARIABLES)}; all names: cbhi.VARIABLES"
            for word in words
            if word not in VARIABLES
        ]
    if target.kind not in DISCREPANCY:
        near = suggest(target.kind, DISCREPANCY)
        problems.append(f"unknown kind '{target.kind}'{near}; there are {listed(DISCREPANCY)}")
    if not _is_number(target.value):
        problems.append(f"value must be a number, got {target.value!r}")
    if not _is_number(target.sd):
        problems.append(
            "it has no sd; a figure without a standard error cannot be weighed, so it is not fitted"
        )
    elif target.sd <= 0.0:
        problems.append(f"sd = {number_text(target.sd)} must be above 0: no figure is known exactly")
    if target.discrepancy is not None and not (_is_number(target.discrepancy) and target.discrepancy >= 0.0):
        problems.append(f"discrepancy must be a number from 0 up, got {target.discrepancy!r}")
    return problems


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def _kind_of(variable: str) -> str:
    """Return the kind of a published variable."""
    reading = READINGS[variable]
    if variable == "cbhi_other_expenses":
        return "administration"
    if reading.unit == "RWF":
        return "accounts"
    if reading.unit == "visits per person per year":
        return "visits"
    return "coverage" if reading.unit == "share" else "other"


def fit_targets(
    country: str,
    *,
    until: int | None = None,
    rows: Iterable[str] | None = None,
    leave_out: Iterable[str] = (),
    discrepancy: Mapping[str, float] | None = None,
) -> tuple[Target, ...]:
    """Return the figures of a country that may be fitted, in the order of its tables.

    Parameters
    ----------
    country
        Folder name of the data, such as ``"rwanda"``.
    until
        Last reporting year; all if not given.
    rows
        Keys of the rows to take; all that are marked ``fit`` if not given.
    leave_out
        Keys of rows to leave out.
    discrepancy
        Standard deviation of what the model misses, by kind (see ``DISCREPANCY``) or by key of a row.

    Returns
    -------
    tuple of Target
        Values and errors in the unit of the model.

    Raises
    ------
    ValueError
        For a row that is only for checking, or has no error, or does not exist; an unknown kind; and where
        nothing is left.
    """
    frame = datasets.fit_rows(country)
    chosen = list(frame["key"]) if rows is None else list(rows)
    left = list(leave_out)
    _check_keys(country, [*chosen, *left], set(frame["key"]))
    given = dict(discrepancy or {})
    for word in given:
        if word not in DISCREPANCY and word not in set(frame["key"]):
            near = suggest(word, (*DISCREPANCY, *frame["key"]))
            raise ValueError(
                f"discrepancy of '{word}': no such kind or row{near}; kinds: {listed(DISCREPANCY)}"
            )
    found = []
    for row in frame.to_dict("records"):
        reading = READINGS.get(row["variable"])
        if row["key"] not in chosen or row["key"] in left or (until is not None and row["year"] > until):
            continue
        if reading is None:
            raise ValueError(f"{row['key']}: the model has no reading of '{row['variable']}'; leave it out")
        kind = _kind_of(row["variable"])
        found.append(
            Target(
                name=row["key"],
                variable=reading.model,
                period=str(int(row["year"])),
                value=float(row["value"]) * reading.factor,
                sd=float(row["sd"]) * reading.factor,
                kind=kind,
                discrepancy=given.get(row["key"], given.get(kind, DISCREPANCY[kind])),
                source=str(row["source"]),
                confidence=str(row["confidence"]),
            )
        )
    if not found:
        raise ValueError(f"{country}: no row to fit is left" + (f" until {until}" if until else ""))
    return tuple(found)


def _check_keys(country: str, keys: list[str], fitted: set[str]) -> None:
    """Refuse keys of rows that may not be fitted, or that do not exist."""
    checked = set(datasets.check_rows(country)["key"])
    problems = []
    for key in keys:
        if key in checked:
            problems.append(f"{key} is marked 'check' in the data: it may be compared, never fitted")
        elif key not in fitted:
            problems.append(f"{country} has no row '{key}' to fit{suggest(key, fitted)}")
    if problems:
        raise ValueError("\n".join(dict.fromkeys(problems)))


def check_targets(targets: tuple[Target, ...], scenario: Scenario) -> tuple[int, ...]:
    """Return the place of each target's period among the reporting years of a scenario.

    Parameters
    ----------
    targets
        At least one, no name twice.
    scenario
        What is run.

    Raises
    ------
    ValueError
        With every target that the scenario cannot be read for: a year outside the run or cut short, an
        account of a year that is no whole one, a name that occurs twice.
    """
    if not targets:
        raise ValueError("there are no targets; a calibration needs at least one")
    periods = reporting_periods(scenario, pack_scenario(scenario).calendar)
    places = {period[0]: place for place, period in enumerate(periods) if is_closed(period)}
    problems = []
    names = [target.name for target in targets]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"two targets are called '{name}'")
    for target in targets:
        place = places.get(target.period)
        if place is None:
            years = list(places)
            span = f"{years[0]} to {years[-1]}" if years else "none"
            near = suggest(target.period, years) if not target.period.isdigit() else ""
            problems.append(
                f"target {target.name}: the run has no complete reporting year '{target.period}'{near}; it"
                f" has {span}"
            )
        elif target.unit == "RWF" and periods[place][2] - periods[place][1] != 12:
            months = periods[place][2] - periods[place][1]
            problems.append(
                f"target {target.name}: the reporting year {target.period} has {months} months; money is"
                " compared over whole years"
            )
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(places[target.period] for target in targets)


def read_targets(results: Results, targets: tuple[Target, ...], places: tuple[int, ...]) -> F8:
    """Return what a run gives for each target, shape (replicates, targets).

    Parameters
    ----------
    results
        Results of the scenario that ``places`` belongs to.
    targets
        What to read.
    places
        What ``check_targets`` returned.
    """
    read = {name: read_outcome(results, name) for name in dict.fromkeys(t.variable for t in targets)}
    columns = [read[target.variable][:, place] for target, place in zip(targets, places, strict=True)]
    return np.stack(columns, axis=1)


def scaled_errors(targets: tuple[Target, ...], factor: float) -> tuple[Target, ...]:
    """Return targets whose errors, those of the figures and those of the model, are multiplied by a factor.

    Raises
    ------
    ValueError
        For a factor that is not above 0.
    """
    if not (math.isfinite(factor) and factor > 0.0):
        raise ValueError(f"the factor on errors must be above 0, got {factor:g}")
    return tuple(replace(t, sd=t.sd * factor, discrepancy=t.discrepancy_sd * factor) for t in targets)


def keep_shared_errors(
    errors: Sequence[SharedError], targets: Sequence[Target]
) -> tuple[tuple[Target, ...], tuple[SharedError, ...]]:
    """Return some of the targets, and errors as far as these share them.

    What one of them then has alone goes into its own error.

    Parameters
    ----------
    errors
        Shared by all targets that there were.
    targets
        Those that are left.
    """
    found, kept = tuple(targets), []
    names = {target.name for target in targets}
    for error in errors:
        own = tuple(name for name in error.targets if name in names)
        if len(own) > 1:
            kept.append(replace(error, targets=own))
        elif own:
            found = tuple(
                replace(t, sd=math.hypot(t.sd, error.sd * (t.value if error.relative else 1.0)))
                if t.name == own[0]
                else t
                for t in found
            )
    return found, tuple(kept)
