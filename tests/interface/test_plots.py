"""The picture for those who read no tables."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi.plots import plot_headline
from cbhi.published import published_table
from cbhi.results import Results

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate("rwanda-rules", households=500, replicates=2, seed=3)


@pytest.fixture(scope="module")
def figure(results: Results) -> Any:
    figure = plot_headline(results)
    figure.canvas.draw()
    return figure


def texts_below(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.texts]


def line(axes: Any, label: str) -> Any:
    return next(found for found in axes.get_lines() if found.get_label() == label)


def test_lines_are_the_medians_of_the_results(results: Results, figure: Any) -> None:
    left, right = figure.axes
    for label, name in (
        ("members, official count", "coverage_administrative_share"),
        ("members, true, at year end", "coverage_end_share"),
        ("insured person-months", "coverage_share"),
    ):
        drawn = line(left, label)
        assert np.allclose(drawn.get_ydata(), 100 * np.median(results.values(name)[..., 0], axis=0))
        assert [str(year) for year in drawn.get_xdata()] == [period for period, _, _ in results.periods]
    visits = results.values("visits_per_person_year")[..., 0]
    assert np.allclose(line(right, "visits").get_ydata(), np.median(visits, axis=0))


def test_bands_are_drawn_for_several_runs_only(results: Results, figure: Any) -> None:
    def bands(of: Any) -> int:
        kind = matplotlib.collections.PolyCollection
        return sum(isinstance(item, kind) for axes in of.axes for item in axes.collections)

    assert bands(figure) == 4
    one = cbhi.simulate("rwanda-rules", households=50)
    single = plot_headline(one)
    assert bands(single) == 0
    assert any("one run of 50 households" in text for text in texts_below(single))


def test_every_published_figure_of_the_two_panels_is_drawn(results: Results, figure: Any) -> None:
    table = published_table(results)
    for axes, variable, scale in zip(
        figure.axes,
        ("coverage_administrative_share", "visits_per_person_year"),
        (100.0, 1.0),
        strict=True,
    ):
        expected = table[table["variable"] == variable]
        drawn = [
            (round(x), round(float(y), 6), container.lines[0].get_markerfacecolor() != "white")
            for container in axes.containers
            for x, y in zip(*container.lines[0].get_data(), strict=True)
        ]
        wanted = [
            (int(period), round(value * scale, 6), use == "fit")
            for period, value, use in zip(
                expected["period"], expected["published"], expected["use"], strict=True
            )
        ]
        assert sorted(drawn) == sorted(wanted)


def test_events_are_numbered_and_explained(results: Results, figure: Any) -> None:
    inside = [e for e in results.scenario.events if e.month <= results.scenario.end]
    assert 0 < len(inside) < len(results.scenario.events)
    numbers = [text.get_text() for text in figure.axes[0].texts]
    # one a month, however many events it has
    months = len({e.month for e in inside})
    assert months < len(inside)
    assert numbers == [str(n + 1) for n in range(months)]
    explained = [text for text in texts_below(figure) if text.startswith("[")]
    assert len(explained) == len(inside)
    january = [text[:3] for text in explained if "Jan 2006" in text]
    assert len(january) == 3
    assert len(set(january)) == 1
    assert any("Jan 2007" in text and "1,000 RWF per person" in text for text in explained)


def test_nothing_runs_out_of_the_picture_or_into_its_neighbour(figure: Any) -> None:
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    for box in boxes:
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
    left, right = figure.axes
    legend = left.get_legend().get_window_extent(renderer)
    assert not legend.overlaps(right.title.get_window_extent(renderer))
    ticks = [label.get_window_extent(renderer) for label in left.get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(ticks))
    lowest = min(axes.xaxis.label.get_window_extent(renderer).y0 for axes in figure.axes)
    notes = [box for box in boxes if box.y1 < height / 2]
    assert notes
    assert max(box.y1 for box in notes) < lowest


def test_a_year_cut_short_is_left_out_and_said() -> None:
    base = cbhi.scenario("rwanda-rules").replace({}, end="2011-12")
    figure = plot_headline(cbhi.simulate(base, households=50))
    assert list(line(figure.axes[1], "visits").get_xdata()) == list(range(1999, 2012))
    assert any("not drawn" in text for text in texts_below(figure))
    # with no complete year at all, what there is is drawn
    short = plot_headline(cbhi.simulate(base.replace({}, end="1999-09"), households=50))
    assert list(line(short.axes[1], "visits").get_xdata()) == [1999]


def test_without_a_country_there_are_no_points(results: Results) -> None:
    nowhere = dataclasses.replace(results, scenario=dataclasses.replace(results.scenario, country=""))
    figure = plot_headline(nowhere)
    assert not any(axes.containers for axes in figure.axes)
    assert not any("ublished" in text for text in texts_below(figure))


def test_drawing_leaves_pyplot_alone() -> None:
    code = (
        "import sys, cbhi.plots; assert 'matplotlib' not in sys.modules; import cbhi;"
        "cbhi.plots.plot_headline(cbhi.simulate('rwanda-rules', households=20));"
        "assert 'matplotlib.figure' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
