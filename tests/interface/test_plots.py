"""The picture for those who read no tables."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi.plots import plot_headline
from cbhi.published import published_table
from cbhi.results import Results
from cbhi.variables import VARIABLES

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


# one variable at a time


@pytest.fixture
def panel() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.fixture
def pyplot() -> Iterator[Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def bands(axes: Any) -> list[Any]:
    return [item for item in axes.collections if isinstance(item, matplotlib.collections.PolyCollection)]


def lines(axes: Any) -> list[Any]:
    return [found for found in axes.get_lines() if found.get_gid() == "cbhi"]


def legend(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [
        ("coverage_end_share", 100.0, "%"),
        ("visits_per_person_year", 1.0, "visits per person per year"),
        ("contributions_rwf", 1e-9, "bn RWF"),
        ("trust", 1.0, "0 to 1"),
        ("arrears_months", 1.0, "months"),
        ("persons", 1e-3, "1,000 persons"),
    ],
)
def test_a_variable_is_drawn_as_median_and_band(
    results: Results, panel: Any, name: str, factor: float, unit: str
) -> None:
    assert results.plot(name, ax=panel) is panel
    (drawn,) = lines(panel)
    values = factor * results.values(name)[..., 0]
    np.testing.assert_allclose(drawn.get_ydata(), np.median(values, axis=0))
    assert list(drawn.get_xdata()) == [int(label) for label in results.period_labels()]
    (band,) = bands(panel)
    box = band.get_paths()[0].get_extents()
    low, high = np.quantile(values, (0.05, 0.95), axis=0)
    assert (box.y0, box.y1) == pytest.approx((low.min(), high.max()))
    assert panel.get_ylabel() == unit
    about = VARIABLES[name].about
    assert panel.get_title(loc="left").replace("\n", " ") == about[0].upper() + about[1:]
    (said,) = [text.get_text() for text in panel.texts]
    assert said == f"{name}: median of 2 runs; shaded: 5-95 % of the runs, chance alone"
    assert legend(panel)[0] == results.scenario.name


def test_published_figures_of_the_variable_stand_beside_it(results: Results, panel: Any) -> None:
    results.plot("claims_paid_rwf", ax=panel)
    (points,) = panel.containers
    assert [list(axis) for axis in points.lines[0].get_data()] == [[2012], [pytest.approx(17.01)]]
    assert legend(panel) == [results.scenario.name, "published, used to fit"]


@pytest.mark.parametrize("how", [{"every": "month"}, {"by": "quintile"}])
def test_published_figures_are_by_year_and_of_all(results: Results, panel: Any, how: Any) -> None:
    assert not results.plot("visits_per_person_year", ax=panel, **how).containers


def test_groups_are_lines_with_names_in_order_from_dark_to_light(results: Results, panel: Any) -> None:
    results.plot("coverage_end_share", by="quintile", ax=panel)
    drawn = lines(panel)
    assert legend(panel) == [f"quintile {n}" for n in range(1, 6)]
    assert panel.get_legend().get_title().get_text() == results.scenario.name
    values = 100 * np.median(results.values("coverage_end_share", by="quintile"), axis=0)
    for n, item in enumerate(drawn):
        np.testing.assert_allclose(item.get_ydata(), values[:, n])
    light = [np.dot(matplotlib.colors.to_rgb(item.get_color()), (0.2126, 0.7152, 0.0722)) for item in drawn]
    assert light == sorted(light)
    assert light[-1] < 0.8  # seen on white
    assert len(bands(panel)) == 5


def test_months(results: Results, panel: Any) -> None:
    results.plot("coverage_share", every="month", ax=panel)
    (drawn,) = lines(panel)
    x = drawn.get_xdata()
    assert len(x) == results.scenario.n_months
    # July 1999 to June 2012
    assert (x[0], x[-1]) == pytest.approx((1999 + 6.5 / 12, 2012 + 5.5 / 12))


def test_one_run_has_no_band(panel: Any) -> None:
    one = cbhi.simulate("rwanda-rules", households=50)
    one.plot("coverage_end_share", ax=panel)
    assert bands(panel) == []
    assert panel.texts[0].get_text() == "coverage_end_share: one run"


def test_two_scenarios_in_one_panel(results: Results, panel: Any) -> None:
    changed = dataclasses.replace(results, scenario=dataclasses.replace(results.scenario, name="other"))
    results.plot("claims_paid_rwf", ax=panel)
    tenth = dataclasses.replace(changed, weight=results.weight / 1000)
    tenth.plot("claims_paid_rwf", ax=panel)
    one, two = lines(panel)
    assert one.get_color() != two.get_color()
    assert legend(panel) == [results.scenario.name, "other", "published, used to fit"]
    # in the scale of the panel, though it would be drawn in millions alone
    np.testing.assert_allclose(two.get_ydata(), one.get_ydata() / 1000)
    assert len(panel.texts) == 1
    with pytest.raises(ValueError, match="'trust' is in 0 to 1, but the panel already shows bn RWF"):
        results.plot("trust", ax=panel)


def test_nothing_is_shown_and_pyplot_holds_the_figure(results: Results, pyplot: Any) -> None:
    axes = results.plot("trust")
    assert pyplot.get_fignums() == [axes.figure.number]


def test_a_wrong_name_draws_nothing(results: Results, panel: Any, pyplot: Any) -> None:
    for name, how, message in (
        ("trst", {}, "unknown variable 'trst'; did you mean 'trust'"),
        ("trust", {"by": "quintile"}, "'trust' by year is not kept by quintile"),
        ("renewal_share", {"every": "month"}, "'renewal_share' exists by year only"),
    ):
        with pytest.raises(ValueError, match=message):
            results.plot(name, **how)
    assert pyplot.get_fignums() == []


def test_without_matplotlib_the_line_to_install_it_is_said() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; import cbhi\n"
        "from cbhi.plots import plot_headline\n"
        "run = cbhi.simulate('rwanda-rules', households=20)\n"
        "for draw in (lambda: run.plot('trust'), lambda: plot_headline(run)):\n"
        "    try: draw()\n"
        "    except ModuleNotFoundError as error: print(error.name, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "matplotlib matplotlib is not installed; pip install 'cbhi[plot]'\n" * 2
