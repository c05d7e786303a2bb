"""The picture of one family: its cash, debts and cover, and what it pays for cover and care."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.kernels.records import F8
from cbhi.months import parse_month
from cbhi.plots import new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cbhi.family import Family

__all__ = ["plot_family"]

_BLUE, _ORANGE, _GREEN, _PURPLE, _GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#767676"
# what is shaded for each state of cover; nothing without cover
_COVER = {
    "active": (_GREEN, "has cover"),
    "suspended": (_ORANGE, "cover suspended"),
    "formal": (_BLUE, "formal cover"),
}
_PAID = (
    ("premium", "premiums, own part", _BLUE),
    ("own_care", "care, own part", _ORANGE),
    ("by_others", "both, paid by others", _GREY),
)


def plot_family(family: Family) -> tuple[Axes, Axes]:
    """Draw the two panels; see ``Family.plot``."""
    money, paid = new_panels(2)
    months = family.months
    times = np.array([parse_month(month) for month in months["month"]], dtype=float) / 12.0
    for panel in (money, paid):
        _shade_cover(panel, times, list(months["cover"]))
    _step(money, times, months["cash_end"].to_numpy(float), "cash at the end of the month", _BLUE, "-")
    for name, label, colour, line in (
        ("informal_debt", "owed to relatives", _ORANGE, "--"),
        ("loan_owed", "owed to the lender", _PURPLE, "-."),
    ):
        if months[name].any():
            _step(money, times, months[name].to_numpy(float), label, colour, line)
    bars = months.assign(
        own_care=months["copayments"] + months["fees"],
        by_others=months["premium_by_group"] + months["premium_sponsored"] + months["care_by_others"],
    )
    below = np.zeros(times.size)
    for name, label, colour in _PAID:
        height = bars[name].to_numpy(float) / 1000.0
        if height.any():
            paid.bar(times + 1 / 24, height, 1 / 12, bottom=below, color=colour, label=label, zorder=3)
        below += height
    who = family.who
    title = textwrap.shorten(family.scenario.name, 44, placeholder=" ...")
    _finish(money, f"Family {who['number']} of section {who['section']}: cash and debts", title)
    _finish(paid, "What is paid for cover and care", "in the month in which it is paid")
    return money, paid


def _step(axes: Axes, times: F8, values: F8, label: str, colour: str, line: str) -> None:
    axes.step(
        times,
        values / 1000.0,
        where="post",
        color=colour,
        linestyle=line,
        linewidth=1.6,
        label=label,
        zorder=3,
    )


def _shade_cover(axes: Axes, times: F8, cover: list[Any]) -> None:
    """Shade each unbroken span of a state of cover, named once in the legend."""
    named: set[str] = set()
    begin = 0
    for place in range(1, len(cover) + 1):
        if place < len(cover) and cover[place] == cover[begin]:
            continue
        if cover[begin] in _COVER:
            colour, label = _COVER[cover[begin]]
            axes.axvspan(
                times[begin], times[place - 1] + 1 / 12, color=colour, alpha=0.16, linewidth=0, zorder=1,
                label=None if label in named else label,
            )  # fmt: skip
            named.add(label)
        begin = place


def _finish(axes: Axes, title: str, said: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, pad=22)
    axes.annotate(
        said, (0.0, 1.0), xytext=(0, 7), xycoords="axes fraction", textcoords="offset points", fontsize=8.5,
        color=_GREY,
    )  # fmt: skip
    axes.set_ylabel("1,000 RWF")
    axes.margins(y=0.1)
    axes.set_ylim(bottom=0.0)
    axes.locator_params(axis="x", integer=True, min_n_ticks=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9, frameon=False)
