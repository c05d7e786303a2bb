"""The picture of a calibration: prior and posterior of each parameter, and the fit against each target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cbhi.calibration.verdicts import ASSUMPTION, INFORMED, MOVED, PARTLY
from cbhi.calibration.weighted import weighted_quantiles
from cbhi.calibration.wording import name_in_words, target_label, target_scale
from cbhi.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cbhi.calibration.posterior import Posterior
    from cbhi.calibration.verdicts import Verdict

__all__ = ["draw_posterior"]

# of Okabe and Ito, told apart by readers who do not see red and green as different
_BLUE, _ORANGE, _INK, _GREY, _PALE = "#0072B2", "#D55E00", "#222222", "#767676", "#d9d9d9"
_COLOURS = {INFORMED: _BLUE, PARTLY: "#56B4E9", MOVED: "#CC79A7", ASSUMPTION: _ORANGE}
_REACH = 1.6448536269514722
"""Where the 5 and 95 % quantiles of a standard normal lie."""


def draw_posterior(posterior: Posterior, verdicts: Sequence[Verdict], title: str) -> Figure:
    """Draw parameters to the left and targets to the right; see ``Report.draw``.

    Parameters
    ----------
    posterior
        With the draws.
    verdicts
        On the free parameters, in their order.
    title
        Stands above both.
    """
    n = max(len(posterior.fit.priors), len(posterior.fit.targets))
    height = 2.1 + 0.32 * n
    figure = new_figure((14.0, height))
    figure.text(0.012, 1.0 - 0.3 / height, title, fontsize=14, fontweight="bold", va="center")
    left, right = figure.subplots(
        1,
        2,
        gridspec_kw=dict(wspace=0.62, left=0.12, right=0.985, top=1.0 - 1.1 / height, bottom=0.6 / height),
    )
    _draw_parameters(left, posterior, verdicts)
    _draw_targets(right, posterior)
    return figure


def _draw_parameters(axes: Axes, posterior: Posterior, verdicts: Sequence[Verdict]) -> None:
    """Draw the 5 to 95 % range of each parameter in prior standard deviations, over that of the prior."""
    names = posterior.fit.problem.names
    low, middle, high = weighted_quantiles(posterior.draws.points, posterior.weights, (0.05, 0.5, 0.95))
    for place, verdict in enumerate(verdicts):
        axes.barh(place, 2 * _REACH, left=-_REACH, height=0.62, color=_PALE, zorder=1)
        colour = _COLOURS[verdict.word]
        ends = (low[place], high[place])
        axes.plot(ends, (place, place), color=colour, linewidth=4.5, solid_capstyle="butt", zorder=2)
        axes.plot(middle[place], place, "o", color=colour, markeredgecolor="white", markersize=7, zorder=3)
    axes.axvline(0.0, color=_GREY, linewidth=0.8, zorder=0)
    _list_names(axes, [name_in_words(name) for name in names])
    axes.set_title("What the data add to the prior", loc="left", fontsize=12, pad=24)
    axes.set_xlabel("prior standard deviations; grey: 5-95 % of the prior, coloured: of the posterior")
    found = {verdict.word for verdict in verdicts}
    for word, colour in _COLOURS.items():
        if word in found:
            axes.plot([], [], color=colour, linewidth=4.5, label=word)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, frameon=False, fontsize=9)


def _draw_targets(axes: Axes, posterior: Posterior) -> None:
    """Draw each published figure against its predictive band, in units of all errors joined."""
    fit, checks = posterior.fit, posterior.predictive_checks()
    total = np.sqrt(np.diag(fit.problem.covariance))

    def around(values: object) -> object:
        return (np.asarray(values) - fit.problem.observed) / total

    low, middle, high = (np.asarray(around(v)) for v in (checks.low, checks.median, checks.high))
    places = np.arange(len(fit.targets))
    axes.hlines(places, low, high, color="#56B4E9", linewidth=4.5, label="predicted, 5-95 %", zorder=2)
    axes.plot(
        middle, places, "o", color=_BLUE, markeredgecolor="white", markersize=7, label="median", zorder=3
    )
    errors = fit.errors / total
    axes.errorbar(
        np.zeros(len(places)), places - 0.24, xerr=errors, fmt="D", color=_INK, markersize=4, capsize=2.5,
        linewidth=1.0, label="published ± one s.e.", zorder=4,
    )  # fmt: skip
    labels = []
    for target in fit.targets:
        scale = target_scale(target)
        labels.append(
            f"{target_label(target)} {target.period}: {scale.show(target.value)} {scale.unit}".rstrip()
        )
    axes.axvline(0.0, color=_GREY, linewidth=0.8, zorder=0)
    _list_names(axes, labels)
    axes.set_title("Published figures and what the fitted model predicts", loc="left", fontsize=12, pad=24)
    axes.set_xlabel("distance from the published figure, in units of all errors joined")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=9,
        columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip


def _list_names(axes: Axes, names: list[str]) -> None:
    """Write names from the top down and take the frame away."""
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
