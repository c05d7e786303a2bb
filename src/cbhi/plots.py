"""Pictures of results. Matplotlib is loaded when one is drawn, and nothing is ever shown on a screen."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.kernels.records import F8
from cbhi.published import published_table
from cbhi.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_headline"]

# colours of Okabe and Ito, told apart by readers who do not see red and green as different
_BLUE, _ORANGE, _GREEN, _INK, _GREY = "#0072B2", "#D55E00", "#009E73", "#222222", "#767676"
_COVERAGE = (
    ("coverage_administrative_share", "members, as administration counts them", _BLUE, "-"),
    ("coverage_end_share", "members at the end of the year, true", _ORANGE, "--"),
    ("coverage_share", "insured time (person-months)", _GREEN, "-."),
)
_FOOT_WIDTH = 150


def plot_headline(results: Results) -> Figure:
    """Draw coverage and visits over the years, with the published figures where there are any.

    Parameters
    ----------
    results
        Results of any scenario.

    Returns
    -------
    matplotlib.figure.Figure
        With a canvas that writes files; nothing is shown.

    Raises
    ------
    ModuleNotFoundError
        When matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = published_table(results) if results.scenario.country else None
    figure = Figure(figsize=(11.0, 7.4), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    notes = _foot(results, rows)
    top, bottom = 0.87, 0.135 + 0.0235 * len(notes)
    left, right = figure.subplots(
        1, 2, gridspec_kw={"width_ratios": [1.55, 1.0], "wspace": 0.17, "left": 0.065, "right": 0.985,
                           "top": top, "bottom": bottom},
    )  # fmt: skip
    figure.suptitle(results.scenario.name, x=0.065, ha="left", y=0.975, fontsize=16, fontweight="bold")
    years = [int(label) for label, _, _ in results.periods]
    for name, label, colour, line in _COVERAGE:
        _draw_band(left, years, 100.0 * results.values(name)[..., 0], label, colour, line)
    _draw_band(
        right, years, results.values("visits_per_person_year")[..., 0], "visits per person", _BLUE, "-"
    )
    left.set_title("Who is covered: share of the population, %", loc="left", fontsize=12)
    right.set_title("Care used: visits per person and year", loc="left", fontsize=12)
    left.set_ylim(0.0, 108.0)
    _finish(left, years)
    _draw_events(left, results)
    if rows is not None:
        _draw_published(left, rows, "coverage_administrative_share", 100.0)
        _draw_published(right, rows, "visits_per_person_year", 1.0)
    right.set_ylim(0.0, 1.08 * max(0.1, float(right.dataLim.y1)))
    _finish(right, years)
    for axes, place in ((left, "lower right"), (right, "upper left")):
        axes.legend(loc=place, fontsize=9, frameon=True, framealpha=0.92, edgecolor="none")
    figure.text(0.065, bottom - 0.085, "\n".join(notes), fontsize=8.3, color=_INK, va="top", linespacing=1.45)
    return figure


def _draw_band(axes: Axes, years: list[int], values: F8, label: str, colour: str, line: str) -> None:
    """Draw the median of a (replicates, years) array and, if there are several, its 5-95 % band."""
    low, median, high = np.full((3, len(years)), np.nan)
    for place, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if known.size:
            low[place], median[place], high[place] = np.quantile(known, (0.05, 0.5, 0.95))
    axes.plot(years, median, color=colour, linestyle=line, linewidth=2.2, label=label, zorder=3)
    if len(values) > 1:
        axes.fill_between(years, low, high, color=colour, alpha=0.22, linewidth=0, zorder=2)


def _draw_published(axes: Axes, rows: pd.DataFrame, variable: str, scale: float) -> None:
    """Draw the published figures: filled where fitted, hollow where only compared, square if recalled."""
    mine = rows[rows["variable"] == variable]
    seen: dict[tuple[str, str], int] = {}
    styles = {
        ("fit", "published"): ("o", True, "published, used to fit"),
        ("fit", "recalled"): ("s", True, "recalled, used to fit"),
        ("check", "published"): ("o", False, "published, only compared"),
        ("check", "recalled"): ("s", False, "recalled, only compared"),
    }
    for (use, confidence), (marker, filled, label) in styles.items():
        some = mine[(mine["use"] == use) & (mine["confidence"] == confidence)]
        if some.empty:
            continue
        at = []
        for period in some["period"]:
            # rivals of one year stand side by side
            place = seen[period, variable] = seen.get((period, variable), -1) + 1
            at.append(int(period) + (0.0, 0.2, -0.2, 0.32)[min(place, 3)])
        errors = 2.0 * scale * some["sd"].fillna(0.0).to_numpy() if filled else None
        axes.errorbar(
            at,
            scale * some["published"].to_numpy(),
            yerr=errors,
            fmt=marker,
            color=_INK,
            ecolor=_INK,
            elinewidth=1.1,
            capsize=2.5,
            markersize=6,
            markerfacecolor=_INK if filled else "white",
            markeredgecolor=_INK if filled else _GREY,
            markeredgewidth=1.2,
            linestyle="none",
            label=label,
            zorder=5 if filled else 4,
        )


def _event_place(results: Results, month: int) -> float:
    """Return where a month stands on an axis of reporting years, each as wide as one year."""
    t = month - results.scenario.start
    for label, begin, end in results.periods:
        if begin <= t < end:
            return int(label) - 0.5 + (t - begin) / (end - begin)
    raise ValueError(f"month {month} is outside the run")


def _events(results: Results) -> list[tuple[int, str]]:
    """Return (month, first words of the reason) of the events inside the run."""
    scenario = results.scenario
    found = []
    for event in scenario.events:
        if scenario.start <= event.month <= scenario.end:
            why = re.sub(r"\s*\([^)]*\)", "", event.why).split(";")[0].strip()
            found.append((event.month, why or ", ".join(event.changes)))
    return found


def _draw_events(axes: Axes, results: Results) -> None:
    """Mark policy events with a thin line and a number, explained below the picture."""
    last = -9.0
    high = False
    for number, (month, _) in enumerate(_events(results), start=1):
        at = _event_place(results, month)
        high = not high if at - last < 0.45 else False
        last = at
        axes.axvline(at, color=_GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        axes.annotate(
            str(number),
            (at, 103.2 if high else 106.0),
            ha="center",
            va="center",
            fontsize=8,
            color="white",
            zorder=6,
            annotation_clip=False,
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": _GREY, "edgecolor": "none"},
        )


def _finish(axes: Axes, years: list[int]) -> None:
    """Set what both panels share: years named in full, light lines, no box."""
    step = 1 if len(years) <= 7 else (2 if len(years) <= 20 else 5)
    axes.set_xlim(min(years) - 0.6, max(years) + 0.6)
    axes.set_xticks(range(min(years), max(years) + 1, step))
    axes.set_xlabel("reporting year (named after the year in which it closes)", fontsize=9.5)
    axes.tick_params(labelsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _foot(results: Results, rows: pd.DataFrame | None) -> list[str]:
    """Return the lines below the picture: events, what is drawn, where it comes from."""
    n = results.n_replicates
    size = f"{results.households:,} households"
    notes: list[Any] = []
    events = [
        f"{number} {month % 12 + 1:02d}/{month // 12}: {why}"
        for number, (month, why) in enumerate(_events(results), start=1)
    ]
    if events:
        notes.append("Policy.  " + "   ".join(events))
    if n == 1:
        notes.append(f"Lines: one simulated run of {size}.")
    else:
        notes.append(
            f"Lines: median of {n} simulated runs of {size}; shaded: 5 to 95 % of the runs (chance alone)."
        )
    if rows is not None:
        notes.append(
            "Points: published figures; bars: two standard errors, assumed; recalled: no source at hand."
            f" Sources: data of the cbhi package, {results.scenario.country.title()}, named in published.csv."
        )
    return [line for note in notes for line in textwrap.wrap(note, _FOOT_WIDTH)]
