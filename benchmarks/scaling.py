"""How time and memory grow: python benchmarks/scaling.py [--quick] [--json FILE] [--page docs/scaling.md]

Households, months, sections, replicates and workers, one after the other, each point a run of Rwanda in a
fresh process, so that its peak memory is its own. The seconds are those of ``simulate`` with the engine
compiled; starting Python is not in them. Processor time says what the work is, whatever else the machine
does; the clock says what several workers gain. Straight lines through the points give slopes, and the
slopes a country of another size: ``--page`` writes the tables and the picture of docs/scaling.md.

Some minutes; ``--quick`` takes fewer and smaller points, within a minute.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measuring import ROOT, fresh_process, machine, put_between

import cbhi

ETHIOPIA = 20_000_000
"""Households of Ethiopia, about: an assumption of the plan of this work, not a published count."""
PICTURE = ROOT / "docs" / "img" / "scaling.png"

_RUN = """
import json, sys, time
import cbhi
from cbhi.kernels import codes
asked = json.loads(sys.argv[1])
scenario = cbhi.scenario("rwanda").at_point().replace(asked["changes"], end=asked["end"])
sizes = {name: asked[name] for name in ("households", "replicates", "workers")}
cbhi.simulate(scenario, households=1, survey=0)
clock, begin = time.perf_counter(), time.process_time()
results = cbhi.simulate(scenario, survey=0, **sizes)
seconds = time.process_time() - begin, time.perf_counter() - clock
tallies = results.arrays.tallies
print(json.dumps([*seconds, int(tallies[..., codes.HOUSEHOLDS_ALIVE].sum())]))
"""


_ONE_DISTRICT = {"population.districts": 1, "rollout.pilot_districts": 0, "rollout.pilot_sections": 0}


class Point(NamedTuple):
    """One run: what was asked, and what it took."""

    along: str  # the axis
    at: int  # where on it
    seconds: float  # of processors
    clock: float
    peak_bytes: int
    household_months: int


class Line(NamedTuple):
    """A straight line through points: what nothing costs, and what one more costs."""

    fixed: float
    slope: float

    def at(self, x: float) -> float:
        """Return the value at ``x``."""
        return self.fixed + self.slope * x


def straight_line(x: Sequence[float], y: Sequence[float]) -> Line:
    """Return the line with the least squared relative distances, so that small runs count like large ones."""
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    columns = np.stack([np.ones_like(xs), xs], axis=1) / ys[:, None]
    (fixed, slope), *_ = np.linalg.lstsq(columns, np.ones_like(ys), rcond=None)
    return Line(float(fixed), float(slope))


def measured(along: str, at: int, **asked: Any) -> Point:
    """Run Rwanda once in a fresh process."""
    what = {"households": 20_000, "replicates": 1, "workers": 1, "end": "2012-06", "changes": {}, **asked}
    done = fresh_process(["-c", _RUN, json.dumps(what)])
    seconds, clock, lived = json.loads(done.printed.splitlines()[-1])
    return Point(along, at, seconds, clock, done.peak_bytes, lived)


def _month(months: int) -> str:
    """Return the last of so many months of Rwanda's run."""
    from cbhi.months import format_month

    return format_month(cbhi.scenario("rwanda").start + months - 1)


def axes(quick: bool) -> dict[str, Callable[[], list[Point]]]:
    """Return what is measured along each axis."""
    sizes = (1_000, 4_000, 16_000, 64_000) if quick else (1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000)
    processors = os.cpu_count() or 1
    workers = [n for n in (1, 2, 4, 8, 16, 32) if n <= 2 * processors]
    several = 4 if quick else max(8, 2 * processors)
    fewer = 2_000 if quick else 20_000
    return {
        "households": lambda: [measured("households", n, households=n) for n in sizes],
        "months": lambda: [
            measured("months", n, end=_month(n)) for n in ((36, 156) if quick else (12, 36, 78, 117, 156))
        ],
        # one district, 20,000 households: fewer sections are larger ones
        "sections": lambda: [
            measured("sections", n, changes={**_ONE_DISTRICT, "population.sections": n})
            for n in ((1, 80) if quick else (1, 5, 20, 80))
        ],
        "replicates": lambda: [
            measured("replicates", n, replicates=n, households=fewer)
            for n in ((1, 4, 16) if quick else (1, 2, 4, 8, 16))
        ],
        "workers": lambda: [
            measured("workers", n, workers=n, replicates=several, households=fewer) for n in workers
        ],
    }


def points_of(quick: bool) -> list[Point]:
    """Measure everything; what cannot be measured stops the program."""
    found: list[Point] = []
    for name, measure in axes(quick).items():
        found += measure()
        print(f"measured: {name}", flush=True)
    return found


def along(points: Sequence[Point], name: str) -> list[Point]:
    """Return the points of one axis, in order."""
    return sorted((point for point in points if point.along == name), key=lambda point: point.at)


class Slopes(NamedTuple):
    """What the points say about one replicate on one thread."""

    seconds: Line  # by household-months
    memory: Line  # bytes, by households of the start
    lived_per_household: float  # household-months of the whole run for a household of the start
    replicate_bytes: float  # results of one replicate


def slopes_of(points: Sequence[Point]) -> Slopes:
    """Return the slopes by households and by replicates."""
    by_size, by_number = along(points, "households"), along(points, "replicates")
    largest = by_size[-1]
    return Slopes(
        straight_line([p.household_months for p in by_size], [p.seconds for p in by_size]),
        straight_line([p.at for p in by_size], [p.peak_bytes for p in by_size]),
        largest.household_months / largest.at,
        straight_line([p.at for p in by_number], [p.peak_bytes for p in by_number]).slope,
    )


# --- texts ----------------------------------------------------------------------------------------------


def table_of_points(points: Sequence[Point]) -> str:
    """Return what was measured."""
    lines = [
        "| axis | at | seconds of processors | by the clock | ns per household-month | peak memory, MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for p in points:
        ns, megabytes = p.seconds / p.household_months * 1e9, p.peak_bytes / 1e6
        cells = (p.along, f"{p.at:,}", f"{p.seconds:.2f}", f"{p.clock:.2f}", f"{ns:.0f}", f"{megabytes:,.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_of_countries(slopes: Slopes) -> str:
    """Return time and memory of one replicate of 156 months, every household, by the slopes."""
    rwanda = cbhi.simulation.households_at_start(cbhi.scenario("rwanda"), "all")
    rows = (("Rwanda in 1999", rwanda), ("ten million households, the most that a run takes", 10_000_000),
            ("Ethiopia, about", ETHIOPIA))  # fmt: skip
    lines = [
        "| country | households at the start | one replicate on one thread | memory |",
        "|---|---:|---:|---:|",
    ]
    for name, households in rows:
        seconds = slopes.seconds.at(households * slopes.lived_per_household)
        memory = slopes.memory.at(households)
        lines.append(f"| {name} | {households:,} | {in_words(seconds)} | {memory / 1e9:.1f} GB |")
    return "\n".join(lines)


def in_words(seconds: float) -> str:
    """Return a time in a unit for reading."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def sentence_of_slopes(slopes: Slopes) -> str:
    """Return the slopes in words."""
    return (
        f"A run costs {max(0.0, slopes.seconds.fixed):.2f} s and {slopes.seconds.slope * 1e9:.0f} ns for"
        " every"
        f" household-month, {slopes.memory.fixed / 1e6:.0f} MB and {slopes.memory.slope:.0f} bytes for every"
        f" household of the start (which lives {slopes.lived_per_household:.0f} household-months in 156"
        f" months, with those founded later), and {slopes.replicate_bytes / 1e6:.1f} MB for the results of"
        f" every replicate beyond the first."
    )


def draw(points: Sequence[Point], slopes: Slopes, file: Path) -> None:
    """Draw time and memory against households with their lines, and the other axes by the clock."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
    by_size = along(points, "households")
    x = [p.at for p in by_size]
    for panel, values, line, label in (
        (panels[0, 0], [p.seconds for p in by_size], _time_line(slopes), "seconds"),
        (panels[0, 1], [p.peak_bytes / 1e6 for p in by_size], _memory_line(slopes), "peak memory, MB"),
    ):
        panel.plot(x, values, "o", color="C0")
        reach = np.geomspace(x[0], ETHIOPIA, 60)
        panel.plot(reach, [line(at) for at in reach], "-", color="0.6", zorder=0)
        panel.set(xscale="log", yscale="log", xlabel="households", ylabel=label)
        panel.axvline(ETHIOPIA, color="C3", lw=0.8)
        panel.annotate("Ethiopia", (ETHIOPIA, values[0]), color="C3", ha="right", rotation=90, va="bottom")
    others = zip((panels[0, 2], *panels[1]), ("months", "sections", "replicates", "workers"), strict=True)
    for panel, name in others:
        these = along(points, name)
        panel.plot([p.at for p in these], [p.clock for p in these], "o-", color="C0")
        panel.set(xlabel=name, ylabel="seconds by the clock")
        panel.set_ylim(0)
        panel.set_xlim(0)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _time_line(slopes: Slopes) -> Callable[[float], float]:
    return lambda households: slopes.seconds.at(households * slopes.lived_per_household)


def _memory_line(slopes: Slopes) -> Callable[[float], float]:
    return lambda households: slopes.memory.at(households) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="How time and memory grow with the size of a run.")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller points, within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the points and slopes")
    parser.add_argument("--page", type=Path, help="write the tables of a page, and its picture")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the picture here")
    arguments = parser.parse_args()
    cbhi.simulate("rwanda", households=1)  # compiled before anything is measured
    points = points_of(arguments.quick)
    slopes = slopes_of(points)
    text = f"{sentence_of_slopes(slopes)}\n\n{table_of_countries(slopes)}"
    if arguments.json is not None:
        content = {"machine": machine(), "points": [p._asdict() for p in points], "slopes": slopes._asdict()}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if arguments.plot is not None:
        draw(points, slopes, arguments.plot)
    if arguments.page is not None:
        put_between(arguments.page, "points", f"{table_of_points(points)}\n\nMeasured on {machine()}.")
        put_between(arguments.page, "countries", text)
        draw(points, slopes, PICTURE)
    print(f"{table_of_points(points)}\n\n{text}")


if __name__ == "__main__":
    main()
