"""From a run to the indicators of the field, as a tidy table in which nothing absent is a zero.

The formulas are those of ``cbhi.indicators``; here stands only where a run keeps what goes into them.
Ratios of a scheme's accounts, openIMIS's indicators, targeting and solvency come from what a run counts
whole; protection, equity and selection from its survey of households (docs/indicators.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.run_indicators.interviews import Lines, check_survey
from cbhi.run_indicators.people import people_readings
from cbhi.run_indicators.readings import ABSENT, Reading, status
from cbhi.run_indicators.scheme import scheme_readings
from cbhi.run_indicators.solvency import solvency_readings
from cbhi.run_indicators.survey import survey_readings
from cbhi.runs import Run, find_year
from cbhi.tables import Table, scale_of
from cbhi.words import suggest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INDICATOR_COLUMNS", "Run", "indicators_frame", "indicators_table"]

INDICATOR_COLUMNS = (
    "scenario",
    "replicate",
    "period",
    "group",
    "indicator",
    "value",
    "unit",
    "family",
    "status",
)

Line = float | Mapping[str, float] | None


def indicators_frame(
    run: Run,
    survey: pd.DataFrame | None = None,
    *,
    poverty_line_rwf: Line = None,
    ppp_rwf: Line = None,
) -> pd.DataFrame:
    """Return the indicators of the field by replicate and reporting year.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.
    survey
        Households of the run one by one; ``run.survey_frame()`` if not given.
    poverty_line_rwf
        Poverty line, RWF a year and person (adult equivalent where the survey has ``adult_equivalents``),
        one for all years or one for each label. If not given, the national line of the data package is
        used where the survey has adult equivalents, to which it refers.
    ppp_rwf
        RWF for one international dollar of 2017 at the prices of the year, one or one for each label, for
        the societal poverty line of SDG 3.8.2. The data package has none.

    Returns
    -------
    pandas.DataFrame
        Columns ``INDICATOR_COLUMNS``. ``replicate`` is the number of a replicate, missing for what is
        counted over the replicates, such as a probability of ruin. ``value`` is not a number where an
        indicator is absent, never zero; ``status`` then begins with ``absent:`` and gives the reason, and
        otherwise with ``ok``, a note and the months of a year that is not whole. From the survey only
        interviews about twelve months are used; where these are not all of the year, the note says how many
        they are, and where they are fewer than a fifth, the indicator is absent.

    Raises
    ------
    ValueError
        For a survey without the columns it needs or with cells that cannot be, a line that is not positive or
        for an unknown year, or an indicator that cannot take what the survey holds.
    """
    import pandas as pd

    if survey is None:
        kept = getattr(run, "survey_frame", None)
        survey = kept() if kept is not None else pd.DataFrame()
    check_survey(survey)
    lines = _lines(run, survey, poverty_line_rwf, ppp_rwf)
    readings = [
        *scheme_readings(run),
        *solvency_readings(run),
        *people_readings(run),
        *survey_readings(run, survey, lines),
    ]
    rows = [row for reading in readings for row in _rows(run, reading)]
    frame = pd.DataFrame(rows, columns=list(INDICATOR_COLUMNS))
    frame["replicate"] = frame["replicate"].astype("Int64")
    return frame


def _rows(run: Run, reading: Reading) -> list[tuple[Any, ...]]:
    """Return a reading as rows of the table."""
    n, years, groups = int(run.arrays.replicates.size), len(run.periods), len(reading.groups)
    values = reading.values[:, :, None] if reading.values.ndim == 2 else reading.values
    values = np.broadcast_to(values, (1 if reading.pooled else n, years, groups))
    numbers = [None] if reading.pooled else [int(number) for number in run.arrays.replicates]
    notes, whys = (np.broadcast_to(texts, values.shape[:2]) for texts in (reading.note, reading.why))
    return [
        (
            run.scenario.name, number, label, group, reading.indicator, float(values[i, j, g]),
            reading.unit, reading.family, status(values[i, j, g], notes[i, j], whys[i, j], end - begin),
        )
        for i, number in enumerate(numbers)
        for j, (label, begin, end) in enumerate(run.periods)
        for g, group in enumerate(reading.groups)
    ]  # fmt: skip


def _lines(run: Run, survey: pd.DataFrame, poverty: Line, ppp: Line) -> dict[str, Lines]:
    """Return what each reporting year takes from outside the run."""
    labels = [label for label, _, _ in run.periods]
    equivalents = "adult_equivalents" in survey
    lines = {}
    given_poverty = _by_label("poverty_line_rwf", poverty, labels)
    given_ppp = _by_label("ppp_rwf", ppp, labels)
    packaged = _packaged_lines(run) if poverty is None and equivalents else {}
    for label in labels:
        value, note, why = given_poverty.get(label, math.nan), "poverty line as given", ""
        if poverty is not None:
            why = "no poverty line was given for the year"
        elif not equivalents:
            why = "the packaged line is per adult equivalent, which the survey lacks; give poverty_line_rwf"
        else:
            value, note = _packaged_line(packaged, int(label[:4]))
            years = f"{min(packaged)} to {max(packaged)}" if packaged else "no year"
            why = f"the data package has poverty lines for {years}; give poverty_line_rwf"
        lines[label] = Lines(
            poverty=value,
            poverty_note=note,
            poverty_why=why,
            ppp=given_ppp.get(label, math.nan),
            ppp_why="no factor from RWF to international dollars of 2017 at hand; give ppp_rwf",
        )
    return lines


def _by_label(name: str, given: Line, labels: list[str]) -> dict[str, float]:
    """Return a figure by label of the reporting year, checked."""
    if given is None:
        return {}
    by_label = dict(given) if isinstance(given, Mapping) else dict.fromkeys(labels, given)
    for label, value in by_label.items():
        if label not in labels:
            raise ValueError(
                f"{name}: '{label}' is not a reporting year of this run{suggest(str(label), labels)}; "
                f"there are: {', '.join(labels)}"
            )
        # a truth value is a number to Python
        if isinstance(value, bool) or not _is_positive(value):
            raise ValueError(f"{name} must be a number of RWF above 0, got {value!r} for {label}")
    return {label: float(value) for label, value in by_label.items()}


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 < value < math.inf


def _packaged_lines(run: Run) -> dict[int, float]:
    """Return the national poverty lines of the data package by year, RWF an adult equivalent and year."""
    from cbhi.datasets import series

    try:
        return series(run.scenario.country, "poverty_line_rwf")
    except ValueError:  # no data for the country, or no such table
        return {}


def _packaged_line(lines: Mapping[int, float], year: int) -> tuple[float, str]:
    """Return the line of a year and what to know of it: as published, or between two that were."""
    if year in lines:
        return lines[year], "national poverty line, recalled"
    before, after = [y for y in lines if y < year], [y for y in lines if y > year]
    if not before or not after:
        return math.nan, ""
    left, right = max(before), min(after)
    share = (year - left) / (right - left)
    value = lines[left] * (lines[right] / lines[left]) ** share
    return value, f"national poverty line, at constant growth between those recalled for {left} and {right}"


def indicators_table(run: Run, period: str | None = None, frame: pd.DataFrame | None = None) -> Table:
    """Return the indicators of one reporting year as a table, and below it what is absent and why.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.
    period
        Label of a reporting year; the last complete one if not given.
    frame
        What ``indicators_frame`` returned, if at hand.

    Returns
    -------
    cbhi.tables.Table
        Median and spread (5-95 %) over the replicates. Districts are left out: see the frame.

    Raises
    ------
    ValueError
        For a label that is no reporting year of the run.
    """
    period = run.periods[find_year(run.periods, period)][0]
    frame = indicators_frame(run) if frame is None else frame
    shown = frame[(frame["period"] == period) & ~frame["group"].str.startswith("district")]
    rows: list[tuple[str, ...]] = []
    absent: dict[str, list[str]] = {}
    for family, members in shown.groupby("family", sort=False):
        rows.append((str(family), "", "", "", ""))
        for (name, group), own in members.groupby(["indicator", "group"], sort=False):
            known = own["value"].dropna()
            if known.empty:
                reason = str(own["status"].iloc[0]).removeprefix(ABSENT)
                names = absent.setdefault(reason, [])
                if name not in names:
                    names.append(str(name))
                continue
            label = f"  {name}" + ("" if group == "all" else f", {group}")
            scale = scale_of(str(own["unit"].iloc[0]), float(known.abs().max()))
            low, middle, high = (scale.show(float(known.quantile(q))) for q in (0.05, 0.5, 0.95))
            spread = f"{low} to {high}" if len(known) > 1 else ""
            rows.append((label, scale.unit, middle, spread, str(len(known))))
    # a family of which nothing is known has no rows below its name
    kept = [row for i, row in enumerate(rows) if row[1] or (i + 1 < len(rows) and rows[i + 1][1])]
    return Table(
        title=f"Indicators of {period}, {run.scenario.name}",
        heads=(("", "unit", "median", "5-95 %", "n"),),
        rows=tuple(kept),
        notes=(
            "median and spread over the replicates for which the indicator can be computed (n; 1 for what "
            "is counted over the replicates)",
            "protection, equity, selection: households interviewed in the year, about twelve months",
            *(f"absent: {', '.join(names)}: {reason}" for reason, names in absent.items()),
        ),
        n_labels=2,
    )
