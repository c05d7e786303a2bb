"""Memory that one replicate after another runs in: nothing is allocated between runs of one size.

A run of some thousand households lasts milliseconds, in which asking the system for fresh memory and drawing
the same population once more would be felt. What a replicate finds here is equal, bit by bit, to what it
would have found in fresh memory.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels.columns import RecordTable
from cbhi.kernels.records import I8, Fixed, Output, State, Table
from cbhi.kernels.settlement import settle_districts
from cbhi.layouts import Layout, opening_months
from cbhi.populations import Population
from cbhi.replicates import Engine, divide_land, first_groups, open_books, start_replicate, watched_rows
from cbhi.scenarios import Scenario
from cbhi.settling import READ_BY_SETTLING, settle

__all__ = ["Memory", "Pile"]

# of populations that were met once only a number is kept; a hundred thousand take some megabytes
_MOST_SETTLED = 100_000


class Memory:
    """State, buffers and results of one replicate at a time.

    Parameters
    ----------
    kept_bytes
        Most memory for populations of the start, kept as they have settled. A replicate that would settle the
        same one, because seed, number and all that settling depends on are equal, gets a copy. One is kept
        when it has settled for the second time: most points of a calibration have one of their own, to which
        nobody comes back.
    """

    def __init__(self, kept_bytes: int = 0) -> None:
        self.kept_bytes = kept_bytes
        self._engine: Engine | None = None
        self._size: tuple[Any, ...] = ()
        self._population: Population | None = None
        self._starts: OrderedDict[tuple[Any, ...], State] = OrderedDict()
        self._settled: set[int] = set()

    @property
    def n_starts(self) -> int:
        """Number of populations of the start that are kept."""
        return len(self._starts)

    def begin(
        self, scenario: Scenario, layout: Layout, rules: Table, calendar: Table, fixed: Fixed
    ) -> Engine:
        """Return a replicate before its first month; it ends the use of the one before."""
        size = _size(scenario, layout, calendar, fixed)
        if self._engine is None or size != self._size or layout.population is not self._population:
            self._forget()
            engine = start_replicate(scenario, layout, rules, calendar, fixed)
            self._engine, self._size, self._population = engine, size, layout.population
            self._keep(_start(scenario, rules, fixed), engine.state)
            return engine
        engine = self._engine._replace(
            scenario=scenario, layout=layout, rules=rules, calendar=calendar, fixed=fixed
        )
        self._settle(engine)
        for part in _leaves((engine.output, engine.opening_people)):
            _bytes(part)[:] = 0
        open_books(engine)
        return engine

    def _settle(self, engine: Engine) -> None:
        """Put the population of the start where that of an earlier replicate is."""
        scenario, layout, fixed, state = engine.scenario, engine.layout, engine.fixed, engine.state
        start = _start(scenario, engine.rules, fixed)
        kept = self._starts.get(start)
        if kept is not None:
            self._starts.move_to_end(start)
            for ours, theirs in zip(_leaves(state), _leaves(kept), strict=True):
                _bytes(ours)[:] = _bytes(theirs)
            # schemes open by the scenario, whoever lives there
            state.sections["opens"] = opening_months(scenario, layout, fixed.key)
            return
        for part in _leaves(state):
            _bytes(part)[:] = 0
        divide_land(state, scenario, layout, fixed)
        settle_districts(state, fixed)
        settle(state, layout, scenario.start - 1, engine.rules[0], fixed)
        self._keep(start, state)

    def _keep(self, start: tuple[Any, ...], state: State) -> None:
        """Keep a copy of a population that has settled again; those longest unused make room for it."""
        if self.kept_bytes == 0:
            return
        once = hash(start)
        if once not in self._settled:
            if len(self._settled) >= _MOST_SETTLED:
                self._settled.clear()
            self._settled.add(once)
            return
        room = self.kept_bytes // max(1, sum(_bytes(part).nbytes for part in _leaves(state)))
        if room == 0:
            return
        while len(self._starts) >= room:
            self._starts.popitem(last=False)
        self._starts[start] = copy.deepcopy(state)

    def _forget(self) -> None:
        self._engine = None
        self._size = ()
        self._starts.clear()
        self._settled.clear()


class Pile:
    """What replicates wrote, copied into one array a field, which is asked for when the first one comes.

    Parameters
    ----------
    numbers
        Of the replicates that are to come, in ascending order.
    by_district
        Whether districts are kept apart; otherwise they are added up as each replicate comes.
    """

    def __init__(self, numbers: Sequence[int], by_district: bool = True) -> None:
        self.by_district = by_district
        self._place = {number: place for place, number in enumerate(numbers)}
        self._arrays: dict[str, NDArray[Any]] = {}
        self._lock = threading.Lock()
        self._here: set[int] = set()

    def put(self, number: int, written: tuple[Output, I8]) -> None:
        """Copy what a replicate wrote; threads may do so at once."""
        output, opening_people = written
        parts: dict[str, NDArray[Any]] = {**output._asdict(), "opening_people": opening_people}
        if not self.by_district:
            axes = {"flows": 1, "stocks": 1, "tallies": 1, "gauges": 1, "opening_people": 0}
            parts |= {name: parts[name].sum(axis=axis, keepdims=True) for name, axis in axes.items()}
        with self._lock:
            if not self._arrays:
                self._arrays = self._room_for(parts)
        for name, part in parts.items():
            self._arrays[name][self._place[number]] = part
        with self._lock:
            self._here.add(number)

    def _room_for(self, parts: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        n = len(self._place)
        try:
            return {name: np.empty((n, *part.shape), part.dtype) for name, part in parts.items()}
        except MemoryError:
            each = sum(part.nbytes for part in parts.values())
            raise MemoryError(
                f"the results of {n:,} replicates take {n * each / 1e9:,.1f} GB, more than there is memory:"
                " run fewer at a time (first_replicate), without a survey (survey=0), or without districts"
                " (cbhi.simulate_country)"
            ) from None

    def one(self, number: int) -> dict[str, NDArray[Any]]:
        """Return the arrays of one replicate, with a first axis of length 1."""
        place = self._place[number]
        return {name: array[place : place + 1] for name, array in self._arrays.items()}

    def everything(self) -> tuple[list[int], dict[str, NDArray[Any]]]:
        """Return the numbers of the replicates that have come, in order, and their arrays."""
        numbers = sorted(self._here)
        if len(numbers) == len(self._place):
            return numbers, self._arrays
        places = [self._place[number] for number in numbers]
        return numbers, {name: array[places] for name, array in self._arrays.items()}


def _size(scenario: Scenario, layout: Layout, calendar: Table, fixed: Fixed) -> tuple[Any, ...]:
    """Return what decides how much memory a replicate takes, and where everything in it lies."""
    places = (layout.number, layout.district, layout.district_number, layout.households, layout.limit,
              layout.rows, first_groups(scenario, layout, fixed))  # fmt: skip
    return (
        scenario.n_months,
        int(calendar["period"][-1]),
        watched_rows(layout, fixed.watched_share),
        *(array.tobytes() for array in places),
    )


def _start(scenario: Scenario, rules: Table, fixed: Fixed) -> tuple[Any, ...]:
    """Return what decides who lives where before the first month, in one place of memory."""
    return (
        scenario.start,
        *(rules[name][0].item() for name in READ_BY_SETTLING),
        *(part.tobytes() if isinstance(part, np.ndarray) else part for part in fixed),
    )


def _leaves(value: Any) -> Iterator[NDArray[Any] | RecordTable]:
    """Yield the arrays and tables of bundles within bundles."""
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _bytes(part: NDArray[Any] | RecordTable) -> NDArray[np.uint8]:
    """Return the memory of an array or a table, whatever stands in it."""
    if isinstance(part, RecordTable):
        return part.buffer
    return part.view(np.ndarray).reshape(-1).view(np.uint8)
