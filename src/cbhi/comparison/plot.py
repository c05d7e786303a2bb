"""The picture of a comparison: a variable in every scenario and, beside it, what changes."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.kernels.records import F8
from cbhi.plots import new_panels
from cbhi.spread import quantiles_over_replicates
from cbhi.tables import scale_of
from cbhi.variables import VARIABLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cbhi.comparison import Comparison
    from cbhi.comparison.differences import Difference
    from cbhi.variables import By

__all__ = ["plot_comparison"]

# colours of Okabe and Ito for scenarios and districts; shades of cividis, dark to light, for quintiles
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#222222", "#767676")
_SHADES = ("#00224E", "#35456C", "#666970", "#948E77", "#D3B958")
_STYLES = ("-", "--", "-.", ":")
_MOST_BANDS = 8
_GREY, _INK = "#767676", "#222222"


def plot_comparison(comparison: Comparison, name: str, by: By) -> tuple[Axes, Axes]:
    """Draw paths to the left and paired differences to the right; see ``Comparison.plot``."""
    difference = comparison.difference(name, "year", by)
    whole = [place for place, label in enumerate(difference.periods) if label.isdigit()]
    places = whole or list(range(len(difference.periods)))
    years = [int(difference.periods[place][:4]) for place in places]
    everything = np.concatenate([difference.base[:, None], difference.others], axis=1)[:, :, places]
    paths, changes = new_panels(2)
    names = [difference.against, *difference.scenarios]
    banded = _draw(paths, years, everything, names, difference.groups, by, difference.unit, first=0)
    changed = difference.values[:, :, places]
    _draw(changes, years, changed, names[1:], difference.groups, by, difference.unit, first=1)
    about = VARIABLES[name].about
    _finish(paths, about[:1].upper() + about[1:], name, difference, banded, "runs")
    against = textwrap.shorten(difference.against, 50, placeholder=" ...")
    _finish(changes, f"Change against {against}", "difference", difference, banded, "pairs")
    if np.nanmin(everything, initial=np.inf) >= 0.0:
        paths.set_ylim(bottom=0.0)
    changes.axhline(0.0, color=_INK, linewidth=0.8, zorder=1)
    if difference.unit == "share":
        changes.set_ylabel("percentage points")
    lines = [line for line in paths.get_lines() if not str(line.get_label()).startswith("_")]
    n_columns = -(-len(lines) // 16)
    changes.legend(
        handles=lines, fontsize=9 if len(lines) <= 16 else 7, frameon=False,
        loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=n_columns,
    )  # fmt: skip
    return paths, changes


def _draw(
    axes: Axes,
    years: list[int],
    values: F8,
    names: list[str],
    groups: tuple[str, ...],
    by: By,
    unit: str,
    first: int,
) -> bool:
    """Draw means of (replicates, scenarios, years, groups) and, if they are few, the spread; say if so."""
    low, high = quantiles_over_replicates(values, (0.05, 0.95))
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    known_ends = np.abs(np.concatenate([low, high]))
    scale = scale_of(unit, float(known_ends[np.isfinite(known_ends)].max(initial=0.0)))
    few = len(names) * len(groups) <= _MOST_BANDS and len(values) > 1
    for s, scenario in enumerate(names):
        for g, group in enumerate(groups):
            look = _look(s + first, g, by)
            title = textwrap.shorten(scenario, 40, placeholder=" ...")
            axes.plot(
                years,
                scale.factor * mean[s, :, g],
                linewidth=2.0 if few else 1.2,
                marker="o",
                markersize=3.5 if few else 2.0,
                label=title if by == "all" else f"{title}, {group}",
                zorder=3,
                **look,
            )
            if few:
                band = (scale.factor * low[s, :, g], scale.factor * high[s, :, g])
                axes.fill_between(years, *band, color=look["color"], alpha=0.2, linewidth=0, zorder=2)
    axes.set_ylabel(scale.unit)
    return few


def _look(scenario: int, group: int, by: By) -> dict[str, Any]:
    """Return colour and line: scenarios by colour, or groups by colour and scenarios by line."""
    if by == "all":
        return dict(color=_COLOURS[scenario % len(_COLOURS)], linestyle="-")
    colours = _SHADES if by == "quintile" else _COLOURS
    return dict(color=colours[group % len(colours)], linestyle=_STYLES[scenario % len(_STYLES)])


def _finish(axes: Axes, title: str, name: str, difference: Difference, banded: bool, what: str) -> None:
    """Write title, what the lines are, and the time axis."""
    n = len(difference.base)
    runs = "one run" if n == 1 else f"mean of {n} {what}"
    if banded:
        why = "chance alone" if difference.clusters is None else "parameters and chance"
        runs += f"; shaded: 5-95 % of the {what}, {why}"
    axes.set_title(textwrap.fill(title, 70), loc="left", fontsize=12, pad=22)
    axes.annotate(
        f"{name}: {runs}", (0.0, 1.0), xytext=(0, 7), xycoords="axes fraction", textcoords="offset points",
        fontsize=8.5, color=_GREY,
    )  # fmt: skip
    axes.set_xlabel("reporting year (named after the year in which it closes)", fontsize=9.5)
    axes.locator_params(axis="x", integer=True, min_n_ticks=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
