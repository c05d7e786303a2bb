"""Pictures of results. Matplotlib is loaded when one is drawn, and nothing is ever shown on a screen."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cbhi.kernels.records import F8
from cbhi.published import closed_years, describe_shares, published_table
from cbhi.results import Results
from cbhi.spread import describe_spread, quantiles_over_replicates
from cbhi.tables import Scale, scale_of
from cbhi.variables import VARIABLES, By

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["new_figure", "new_panels", "plot_headline", "plot_variable"]

# colours of Okabe and Ito, told apart by readers who do not see red and green as different
_BLUE, _ORANGE, _GREEN, _INK, _GREY = "#0072B2", "#D55E00", "#009E73", "#222222", "#767676"
_COVERAGE = (
    ("coverage_administrative_share", "members, official count", _BLUE, "-"),
    ("coverage_end_share", "members, true, at year end", _ORANGE, "--"),
    ("coverage_share", "insured person-months", _GREEN, "-."),
)
_LEFT = 0.06
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def plot_headline(results: Results) -> Figure:
    """Draw coverage and visits over the years, with the published figures where there are any.

    A last year that the run cuts short is left out, unless there is no other.

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
    figure = new_figure((11.0, 7.4))
    rows = published_table(results) if results.scenario.country else None
    events, notes = _event_lines(results), _notes(results, rows)
    event_rows = -(-len(events) // 2)
    line = 0.0225
    bottom = 0.115 + line * (event_rows + len(notes) + 1)
    left, right = figure.subplots(
        1,
        2,
        width_ratios=[1.55, 1.0],
        gridspec_kw=dict(wspace=0.15, left=_LEFT, right=0.985, top=0.815, bottom=bottom),
    )
    figure.text(_LEFT, 0.955, results.scenario.name, fontsize=16, fontweight="bold", va="center")
    places = _drawn(results)
    years = [int(results.periods[place][0][:4]) for place in places]
    for name, label, colour, style in _COVERAGE:
        _draw_band(left, years, 100.0 * results.values(name)[:, places, 0], label, colour, style)
    visits = results.values("visits_per_person_year")[:, places, 0]
    _draw_band(right, years, visits, "visits", _BLUE, "-")
    left.set_title("Who is covered: share of the population, %", loc="left", fontsize=12, pad=27)
    right.set_title("Care used: visits per person and year", loc="left", fontsize=12, pad=27)
    left.set_ylim(0.0, 108.0)
    _draw_events(left, results)
    # above the panel, where no line and no point can run into it
    left.legend(
        loc="lower left", bbox_to_anchor=(-0.015, 1.0), ncols=3, fontsize=9.0, frameon=False,
        handlelength=2.2, columnspacing=1.0, handletextpad=0.5,
    )  # fmt: skip
    if rows is not None:
        points = {
            **_draw_published(left, rows, "coverage_administrative_share", 100.0),
            **_draw_published(right, rows, "visits_per_person_year", 1.0),
        }
        if points:
            figure.legend(
                list(points.values()), list(points), loc="center left", bbox_to_anchor=(_LEFT - 0.012, 0.913),
                ncols=len(points), fontsize=9.5, frameon=False, handletextpad=0.3, columnspacing=1.6,
            )  # fmt: skip
    right.set_ylim(0.0, 1.1 * max(0.1, float(right.dataLim.y1)))
    for axes in (left, right):
        _finish(axes, years)
    y = bottom - 0.09
    for number, text in enumerate(events):
        column, row = divmod(number, event_rows)
        figure.text(_LEFT + 0.475 * column, y - line * row, text, fontsize=8.3, color=_INK, va="top")
    for row, text in enumerate(notes):
        figure.text(_LEFT, y - line * (event_rows + 0.4 + row), text, fontsize=8.3, color=_INK, va="top")
    return figure


def _say_how_to_install(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return the error with the line that mends it, where matplotlib itself is missing."""
    if (error.name or "").split(".")[0] != "matplotlib":
        return error
    return ModuleNotFoundError("matplotlib is not installed; pip install 'cbhi[plot]'", name="matplotlib")


def plot_variable(
    results: Results,
    name: str,
    *,
    every: Literal["year", "month"] = "year",
    by: By = "all",
    ax: Axes | None = None,
) -> Axes:
    """Draw a variable over time: the median of the replicates and their 5-95 % spread.

    By year, for the whole country, published figures of the variable are drawn beside it where the scenario
    has a country. Results of several scenarios can be drawn into one panel, one after the other. A last year
    that the run cuts short is left out, unless there is no other. With more than eight groups, lines are thin
    and bands are left out.

    Parameters
    ----------
    results
        Results of any scenario.
    name
        A name from ``cbhi.VARIABLES``; shares are drawn in %, money in thousands, millions or billions.
    every
        By reporting year or by month.
    by
        Groups become lines: ``"all"``, ``"district"`` or ``"quintile"``.
    ax
        Where to draw; a new figure of pyplot's if not given.

    Returns
    -------
    matplotlib.axes.Axes
        Nothing is shown by this.

    Raises
    ------
    ValueError
        For an unknown name, one that does not exist at that detail, or one whose unit is not that of what
        the panel already shows.
    ModuleNotFoundError
        When matplotlib is not installed.
    """
    values = results.values(name, every=every, by=by)
    if ax is None:
        try:
            from matplotlib import pyplot
        except ModuleNotFoundError as error:
            raise _say_how_to_install(error) from None
        ax = pyplot.subplots(figsize=(7.5, 4.6), layout="constrained")[1]
    places = _drawn(results) if every == "year" else list(range(values.shape[1]))
    values = values[:, places]
    if every == "year":
        times = np.array([int(results.periods[place][0][:4]) for place in places], dtype=float)
    else:
        times = (results.scenario.start + np.array(places, dtype=float) + 0.5) / 12.0
    low, median, high = quantiles_over_replicates(values)
    before = sum(line.get_gid() == _MARK for line in ax.lines)
    scale = _common_scale(name, np.concatenate([low, high]), ax.get_ylabel() if before else None)
    groups, few = results.groups(by), values.shape[2] <= _MOST_BANDS
    scenario = textwrap.shorten(results.scenario.name, 40, placeholder=" ...")
    for group, look in enumerate(_looks(before, len(groups), by)):
        ax.plot(
            times,
            scale.factor * median[:, group],
            label=scenario if by == "all" else groups[group],
            linewidth=2.2 if few else 1.1,
            # a year between two without a value would not be seen as a line
            marker="o" if every == "year" else None,
            markersize=3.5 if few else 2.0,
            zorder=3,
            gid=_MARK,
            **look,
        )
        if len(values) > 1 and few:
            band = (scale.factor * low[:, group], scale.factor * high[:, group])
            ax.fill_between(times, *band, color=look["color"], alpha=0.2, linewidth=0, zorder=2)
    if every == "year" and by == "all" and results.scenario.country and not before:
        for label, points in _draw_published(ax, published_table(results), name, scale.factor).items():
            points.set_label(label)
    _label(ax, name, scale.unit, results, few)
    if every == "year":
        ax.set_xlabel("reporting year (named after the year in which it closes)", fontsize=9.5)
    _explain_lines(ax, "" if by == "all" else scenario)
    return ax


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of so many inches that is no part of pyplot's, with a canvas that writes files.

    Raises
    ------
    ModuleNotFoundError
        When matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise _say_how_to_install(error) from None
    figure = Figure(figsize=size, dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def new_panels(count: int) -> tuple[Axes, ...]:
    """Return so many empty panels side by side in one new figure of pyplot's; nothing is shown."""
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise _say_how_to_install(error) from None
    _, panels = pyplot.subplots(1, count, figsize=(7.0 * count, 4.8), layout="constrained", squeeze=False)
    return tuple(panels[0])


_MARK = "cbhi"  # on what a call has drawn, for the next call that draws into the same panel
_MOST_BANDS = 8
_CYCLE = (_BLUE, _ORANGE, _GREEN, "#CC79A7", "#56B4E9", "#E69F00", _INK, _GREY)


def _common_scale(name: str, values: F8, drawn: str | None) -> Scale:
    """Return the scale in which to draw, that of the panel where there is something in it."""
    unit = VARIABLES[name].unit
    known = np.abs(values[np.isfinite(values)])
    scale = scale_of(unit, float(known.max(initial=0.0)))
    if drawn is None or drawn == scale.unit:
        return scale
    for largest in (1e9, 1e6, 1e4, 1.0):
        other = scale_of(unit, largest)
        if other.unit == drawn:
            return other
    raise ValueError(f"'{name}' is in {scale.unit}, but the panel already shows {drawn}; draw into another")


def _looks(before: int, n_groups: int, by: By) -> list[dict[str, Any]]:
    """Return colour and line of each group: in order from dark to light where groups have an order."""
    if by == "quintile":
        # cividis, made for readers who do not see all colours; its palest end is lost on white
        from matplotlib import colormaps

        shades = colormaps["cividis"](np.linspace(0.0, 0.88, n_groups))
        return [dict(color=tuple(shade), linestyle="-") for shade in shades.tolist()]
    styles = ("-", "--", "-.", ":")
    return [
        dict(color=_CYCLE[i % len(_CYCLE)], linestyle=styles[i // len(_CYCLE) % len(styles)])
        for i in range(before, before + n_groups)
    ]


def _label(axes: Axes, name: str, unit: str, results: Results, banded: bool) -> None:
    """Write title, what the lines are, axes and their units."""
    n, why = results.n_replicates, describe_spread(results)
    runs = "one run" if n == 1 else f"median of {n} runs"
    if n > 1 and banded:
        runs += f"; shaded: 5-95 % of the runs, {why}"
    about = VARIABLES[name].about
    axes.set_title(textwrap.fill(about[:1].upper() + about[1:], 70), loc="left", fontsize=12, pad=22)
    said = f"{name}: {runs}"
    for old in [text for text in axes.texts if text.get_gid() == _MARK]:
        if old.get_text() != said:
            said = f"medians of the runs; shaded: 5-95 % of the runs, {why}"
        old.remove()
    axes.annotate(
        said, (0.0, 1.0), xytext=(0, 7), xycoords="axes fraction",
        textcoords="offset points", fontsize=8.5, color=_GREY, gid=_MARK,
    )  # fmt: skip
    axes.set_ylabel(unit)
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=2))
    axes.xaxis.set_major_formatter("{x:.0f}")
    low = axes.dataLim.y0
    if np.isfinite(low) and low >= 0.0:
        # a share or a sum is read from zero
        axes.set_ylim(bottom=0.0)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _explain_lines(axes: Axes, title: str) -> None:
    """Draw the legend: inside for few lines, beside the panel for many."""
    n = sum(line.get_gid() == _MARK for line in axes.lines)
    if n <= 2:
        axes.legend(fontsize=9, frameon=False)
        return
    axes.legend(
        title=textwrap.fill(title, 24) or None, title_fontsize=9, fontsize=9 if n <= 16 else 7, frameon=False,
        loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=-(-n // 16),
    )  # fmt: skip


def _draw_band(axes: Axes, years: list[int], values: F8, label: str, colour: str, line: str) -> None:
    """Draw the median of a (replicates, years) array and, if there are several, its 5-95 % band."""
    low, median, high = quantiles_over_replicates(values)
    axes.plot(
        years,
        median,
        color=colour,
        linestyle=line,
        linewidth=2.2,
        label=label,
        zorder=3,
        marker="D" if len(years) == 1 else None,
    )
    if len(values) > 1:
        axes.fill_between(years, low, high, color=colour, alpha=0.22, linewidth=0, zorder=2)


def _draw_published(axes: Axes, rows: pd.DataFrame, variable: str, scale: float) -> dict[str, Any]:
    """Draw the published figures and return their legend, label to handle.

    Filled points are fitted, hollow ones only compared; squares are recalled without a source.
    """
    mine = rows[rows["variable"] == variable]
    seen: dict[str, int] = {}
    handles: dict[str, Any] = {}
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
            place = seen[period] = seen.get(period, -1) + 1
            at.append(int(period) + (0.0, 0.2, -0.2, 0.32)[min(place, 3)])
        errors = 2.0 * scale * some["sd"].fillna(0.0).to_numpy() if filled else None
        handles[label] = axes.errorbar(
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
            zorder=5 if filled else 4,
        )
    return handles


def _drawn(results: Results) -> list[int]:
    """Return the places of the reporting years to draw."""
    closed = [place for place, _ in closed_years(results).values()]
    return closed or list(range(len(results.periods)))


def _events(results: Results) -> list[tuple[int, float, int, str]]:
    """Return (number, place on the axis, month, first words of the reason) of each event.

    Years are equally wide on the axis. Events of one month share a number.
    """
    found: list[tuple[int, float, int, str]] = []
    for event in results.scenario.events:
        t = event.month - results.scenario.start
        for place in _drawn(results):
            label, begin, end = results.periods[place]
            if begin <= t < end:
                why = re.sub(r"\s*\([^)]*\)", "", event.why).split(";")[0].strip()
                at = int(label) - 0.5 + (t - begin) / (end - begin)
                number = len({month for _, _, month, _ in found} | {event.month})
                found.append((number, at, event.month, why or ", ".join(event.changes)))
    return found


def _draw_events(axes: Axes, results: Results) -> None:
    """Mark policy events with a thin line and a number, explained below the picture."""
    last = -9.0
    high = False
    for number, at in dict.fromkeys((number, at) for number, at, _, _ in _events(results)):
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
    newest = max(years) if step < 5 else max(years) // step * step
    ticks = sorted(range(newest, min(years) - 1, -step))
    axes.set_xticks(ticks, [str(year) for year in ticks])
    axes.set_xlabel("reporting year (named after the year in which it closes)", fontsize=9.5)
    axes.tick_params(labelsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _event_lines(results: Results) -> list[str]:
    """Return one line an event: its number, month and first words."""
    lines = []
    for number, _, month, why in _events(results):
        when = f"{_MONTHS[month % 12]} {month // 12}"
        lines.append(textwrap.shorten(f"[{number}] {when}: {why}", 88, placeholder=" ..."))
    return lines


def _notes(results: Results, rows: pd.DataFrame | None) -> list[str]:
    """Return the lines that say what is drawn and where it comes from."""
    n = results.n_replicates
    size = f"{results.households:,} households"
    if n == 1:
        notes = [f"Lines: the model, one run of {size}."]
    else:
        why = describe_spread(results)
        notes = [f"Lines: the model, median of {n} runs of {size}; shaded: 5-95 % of the runs, {why}."]
        if results.clusters is not None:
            notes += textwrap.wrap(describe_shares(results), 170)
    if len(_drawn(results)) < len(results.periods):
        notes[0] += " The months after the last complete year are not drawn."
    if rows is not None:
        country = results.scenario.country.title()
        notes.append(
            "Points: published figures; bars: two standard errors, assumed; recalled: remembered, no source."
            f" Sources: published.csv (data of cbhi, {country})."
        )
    return notes
