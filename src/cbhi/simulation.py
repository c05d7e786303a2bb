"""Validate, lay out, run, wrap: from a scenario to results."""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cbhi.engine import engine_hash
from cbhi.kernels.records import I8, Table
from cbhi.layouts import Layout, lay_out
from cbhi.memory import Memory, Pile
from cbhi.packing import pack_scenario, reporting_periods
from cbhi.populations import Population
from cbhi.replicates import run_replicate
from cbhi.results import Results, add_replicates, join_results, select_replicates
from cbhi.runs import find_year
from cbhi.scenarios import Scenario, scenario
from cbhi.spread import mean_ci_over_replicates
from cbhi.tolerances import LEVEL, Tolerance, check_tolerance
from cbhi.variables import ALL_DISTRICTS, Arrays, are_added_up

HOUSEHOLDS = 20_000
HOUSEHOLDS_PER_THREAD = 25_000
MAX_SEED = 2**63 - 1
MAX_REPLICATE = 2**31 - 1


@runtime_checkable
class Carrier(Protocol):
    """What stands for a scenario with parameter sets, such as the posterior of a calibration."""

    def scenario(self) -> Scenario: ...


Progress = Callable[[int, int], None]
"""Called with (months done, months in all) over all replicates."""
Keep = Callable[[Results], None]
"""Called with the results of one replicate as soon as it is finished."""


class Interrupted(KeyboardInterrupt):
    """A run that was stopped; ``results`` holds the replicates that were finished, or None."""

    def __init__(self, results: Results | None) -> None:
        super().__init__("interrupted")
        self.results = results


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return the argument called ``name`` if it is a whole number from ``low`` to ``high``; else say why."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} = {value} is outside {low} to {high}")
    return int(value)


def simulate(
    scenario: Scenario | str | Path | Carrier = "rwanda",
    *,
    households: int | str | None = None,
    replicates: int = 1,
    seed: int = 1,
    workers: int = 1,
    survey: int = 1_000,
    population: Population | None = None,
    progress: Progress | None = None,
    first_replicate: int = 0,
    finished: Results | None = None,
    keep: Keep | None = None,
    tol: float | None = None,
    on: str = "coverage_end_share",
    period: str | None = None,
    max_replicates: int = 200,
) -> Results:
    """Simulate a scenario.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one, or what has a method ``scenario()``, such as a posterior.
        With parameter sets, replicates 0 and 1 are simulated with the first set, 2 and 3 with the second,
        and so on, beginning anew when all have been used; ``scenario.at_point()`` has its own values only.
    households
        Households simulated at the start, from 1 to 10,000,000, or ``"all"`` for one simulated household
        per real one; 20,000 if not given.
    replicates
        Repetitions, from 1 to 100,000; each has its own draws. With ``tol`` the size of a batch, at least 2
        (4 with parameter sets).
    seed
        Whole number from 0 to 2**63 - 1. The same seed gives the same integers at any number of workers.
    workers
        Threads, from 1 to 256: over replicates, and where there are fewer of these over the districts of
        each, if it is large.
    survey
        Households of the start that are interviewed every year (``Results.survey_frame``), on average and at
        most all; 0 for none. It changes no other result.
    population
        Households, members and bills that take the place of those that are drawn; ``households`` is then
        left out. Results stand for the whole country, as always.
    progress
        Called with (months done, months in all); with ``tol`` the second number grows by the batch.
    first_replicate
        Number of the first replicate, from 0; two runs of one seed without a number in common can be joined.
    finished
        Results of the same scenario, households, seed, survey and engine, whose replicates are not
        simulated again, such as those of an ``Interrupted``.
    keep
        Called with the results of each replicate as soon as it is finished, from the thread that ran it.
    tol
        Largest half-width of the 95 % interval (Student's t) of the mean of ``on`` at ``period``, in the unit
        of ``on``; with parameter sets, replicates of one set count as one. Batches of replicates are added
        until it is met or ``max_replicates`` reached; ``Results.tolerance`` says which. Looking after every
        batch makes the interval a little too sure of itself when batches are small.
    on, period
        Variable and reporting year that ``tol`` is about; the last complete year if not given.
    max_replicates
        Most replicates with ``tol``.

    Returns
    -------
    Results
        The replicates asked for, in order of their numbers.

    Raises
    ------
    ValueError
        When an argument is not a whole number or out of range, the scenario has problems, the population does
        not fit it, or ``finished`` belongs to another run.
    Interrupted
        On Ctrl-C; its ``results`` holds the finished replicates.
    MemoryError
        When the results of all replicates do not fit, as soon as the first one is finished.
    """
    chosen = load_scenario(scenario)
    run = functools.partial(
        _simulate, chosen, households=households, seed=seed, workers=workers, survey=survey,
        population=population, first_replicate=first_replicate, keep=keep,
    )  # fmt: skip
    if tol is None:
        return run(replicates=replicates, progress=progress, finished=finished)
    n = whole_number("replicates", replicates, 1, 100_000)
    check_tolerance(tol, on, n, chosen.is_uncertain)
    most = whole_number("max_replicates", max_replicates, n, 100_000)
    periods = reporting_periods(chosen, pack_scenario(chosen).calendar)
    place = find_year(periods, period)
    while True:
        results = run(replicates=n, progress=progress, finished=finished)
        reached = _half_width(results, on, place)
        if reached <= tol or n >= most:
            found = Tolerance(on, periods[place][0], float(tol), reached, n, of="the mean")
            return dataclasses.replace(results, tolerance=found)
        finished = add_replicates(results, finished)
        n = min(n + replicates, most)


def simulate_country(
    scenario: Scenario | str | Path | Carrier = "rwanda",
    *,
    households: int | str | None = None,
    replicates: int = 1,
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> Results:
    """Simulate as ``simulate`` does, with nobody interviewed and districts added up as each replicate ends.

    For many replicates of which the whole country is asked alone: of thirty districts they take a
    twenty-fourth of the memory.

    Parameters
    ----------
    scenario, households, replicates, seed, workers, progress
        As in ``simulate``.

    Returns
    -------
    Results
        For ``values`` of the whole and by strata; what needs districts is refused.

    Raises
    ------
    ValueError, Interrupted, MemoryError
        As in ``simulate``.
    """
    return _simulate(
        load_scenario(scenario), households=households, replicates=replicates, seed=seed, workers=workers,
        survey=0, population=None, progress=progress, first_replicate=0, finished=None, keep=None,
        by_district=False,
    )  # fmt: skip


def _half_width(results: Results, on: str, place: int) -> float:
    """Return the half-width of the 95 % interval of a mean in one reporting year."""
    found = mean_ci_over_replicates(results.values(on)[:, place, 0], LEVEL, results.clusters)
    width = float(found.high - found.low) / 2.0
    if math.isnan(width):
        raise ValueError(
            f"{on} {results.periods[place][0]} has no value in two replicates or more, so no tolerance can be"
            " judged on it; choose another variable (on) or year (period)"
        )
    return width


def _simulate(
    chosen: Scenario,
    *,
    households: int | str | None,
    replicates: int,
    seed: int,
    workers: int,
    survey: int,
    population: Population | None,
    progress: Progress | None,
    first_replicate: int,
    finished: Results | None,
    keep: Keep | None,
    by_district: bool = True,
) -> Results:
    """Simulate so many replicates; see ``simulate`` and ``simulate_country``."""
    layout = lay_out_run(chosen, households, population)
    first = whole_number("first_replicate", first_replicate, 0, MAX_REPLICATE)
    n_replicates = whole_number("replicates", replicates, 1, 100_000)
    seed = whole_number("seed", seed, 0, MAX_SEED)
    survey, watched_share = survey_of(layout, whole_number("survey", survey, 0, 10_000_000))
    n_workers = whole_number("workers", workers, 1, 256)
    wanted = range(first, first + n_replicates)
    districts = layout.district_number if by_district or layout.district_number.size == 1 else ALL_DISTRICTS
    before = None if finished is None else _earlier(finished, chosen, layout, seed, survey, wanted, districts)
    have = set() if before is None else {int(number) for number in before.arrays.replicates}
    missing = [replicate for replicate in wanted if replicate not in have]
    calendar = pack_scenario(chosen).calendar
    for replicate in missing:
        chosen.of_replicate(replicate)  # values that do not go together are refused before anything is run
    total = n_replicates * chosen.n_months
    done = len(have) * chosen.n_months
    lock = threading.Lock()
    stop = threading.Event()
    if have and progress is not None:
        progress(done, total)

    def tick(months: int) -> None:
        nonlocal done
        if stop.is_set():
            raise KeyboardInterrupt
        with lock:
            done += months
            if progress is not None:
                progress(done, total)

    fresh = Pile(missing, by_district)
    threads = _threads_of_one(layout, n_workers, len(missing))
    memories = _memories(n_workers, len(missing))
    is_shared = memories.qsize() < len(missing)

    def one(replicate: int) -> None:
        memory = memories.get()
        own = chosen.of_replicate(replicate)
        try:
            written = run_replicate(
                own, layout, *pack_scenario(own), seed, replicate, tick, watched_share, threads,
                memory.begin if threads == 1 else None,
            )  # fmt: skip
            fresh.put(replicate, written)
        finally:
            if is_shared:
                memories.put(memory)
        if keep is not None:
            keep(wrap_replicates(chosen, layout, calendar, seed, survey, [replicate], fresh.one(replicate)))

    def gather() -> Results | None:
        parts = [] if before is None else [before]
        numbers, arrays = fresh.everything()
        if numbers:
            parts.append(wrap_replicates(chosen, layout, calendar, seed, survey, numbers, arrays))
        return join_results(parts) if len(parts) > 1 else (parts[0] if parts else None)

    try:
        _run_all(one, missing, n_workers, stop)
    except KeyboardInterrupt:
        raise Interrupted(gather()) from None
    results = gather()
    assert results is not None  # at least one replicate was asked for
    return results


def _threads_of_one(layout: Layout, n_workers: int, replicates: int) -> int:
    """Return how many threads run the districts of one replicate, so that no worker stands idle."""
    if replicates == 0 or layout.population is not None:
        return 1
    # below this, handing a month to threads and back costs more than they save
    most = int(layout.households.sum()) // HOUSEHOLDS_PER_THREAD
    return max(1, min(n_workers // replicates, most))


def _memories(n_workers: int, replicates: int) -> SimpleQueue[Memory]:
    """Return memory for as many replicates as run at a time, each to be used again by the next one."""
    memories: SimpleQueue[Memory] = SimpleQueue()
    for _ in range(max(1, min(n_workers, replicates))):
        memories.put(Memory())
    return memories


def _run_all(
    one: Callable[[int], None], replicates: list[int], n_workers: int, stop: threading.Event
) -> None:
    """Run replicates one after the other, or in threads; set ``stop`` for all when one fails."""
    if n_workers == 1 or len(replicates) < 2:
        for replicate in replicates:
            one(replicate)
        return
    with ThreadPoolExecutor(min(n_workers, len(replicates))) as pool:
        futures = [pool.submit(one, replicate) for replicate in replicates]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


def _number_of_households(households: int | str) -> int | None:
    """Return the number asked for, None for all of the country."""
    if not isinstance(households, str):
        return whole_number("households", households, 1, 10_000_000)
    if households != "all":
        raise ValueError(f"households must be a whole number or 'all', got {households!r}")
    return None


def households_at_start(
    scenario: Scenario, households: int | str | None, population: Population | None = None
) -> int:
    """Return how many households ``simulate`` starts with: the number itself, or all of the country."""
    return int(lay_out_run(scenario, households, population).households.sum())


def survey_of(layout: Layout, survey: int) -> tuple[int, float]:
    """Return how many households are interviewed every year, at most all, and their share of all."""
    households = int(layout.households.sum())
    return min(survey, households), min(survey, households) / households


def lay_out_run(chosen: Scenario, households: int | str | None, population: Population | None) -> Layout:
    """Return the sample of a run; refuse a number of households beside a supplied population."""
    if population is None:
        return lay_out(chosen, _number_of_households(HOUSEHOLDS if households is None else households))
    if not isinstance(population, Population):
        raise ValueError(f"population must be a cbhi.Population, got {population!r}")
    if households is not None:
        raise ValueError(
            f"households = {households!r} beside a population: its table says how many there are,"
            f" {population.n_households:,}; leave households out"
        )
    return lay_out(chosen, None, population)


def _earlier(
    finished: Results, chosen: Scenario, layout: Layout, seed: int, survey: int, wanted: range, districts: I8
) -> Results | None:
    """Return those of the finished replicates that are asked for, or None; refuse another run's."""
    for what, theirs, ours in (
        ("scenario", finished.scenario.fingerprint(), chosen.fingerprint()),
        ("households", finished.households, int(layout.households.sum())),
        ("seed", finished.seed, seed),
        ("survey", finished.survey, survey),
        ("real people per simulated one", finished.weight, layout.weight),
        ("population", finished.population, _population_of(layout)),
        ("engine", finished.engine, engine_hash()),
        ("districts", _districts_in_words(finished.arrays.districts), _districts_in_words(districts)),
    ):
        if theirs != ours:
            raise ValueError(f"the finished replicates belong to another run: {what} {theirs}, not {ours}")
    kept = select_replicates(finished, wanted)
    # the name and the reasons of events are no part of what decides the result
    return dataclasses.replace(kept, scenario=chosen) if kept.n_replicates else None


def _districts_in_words(districts: I8) -> str:
    return "added up" if are_added_up(districts) else f"{districts.size} kept apart"


def _population_of(layout: Layout) -> str:
    """Return the fingerprint of the supplied population, or nothing where it is drawn."""
    return "" if layout.population is None else layout.population.fingerprint()


def load_scenario(chosen: Scenario | str | Path | Carrier) -> Scenario:
    """Return the scenario itself, the one of that name or file, or the one that a posterior stands for."""
    if isinstance(chosen, Scenario):
        return chosen
    if isinstance(chosen, Carrier):
        found = chosen.scenario()
        if isinstance(found, Scenario):
            return found
    if isinstance(chosen, (str, Path)):
        return scenario(chosen)
    raise ValueError(f"a scenario, its name or its file is wanted, got {chosen!r}")


def wrap_replicates(
    chosen: Scenario,
    layout: Layout,
    calendar: Table,
    seed: int,
    survey: int,
    numbers: list[int],
    written: Mapping[str, NDArray[Any]],
) -> Results:
    """Return what replicates wrote, as a ``Pile`` holds it, as results."""
    together = written["tallies"].shape[2] < layout.district_number.size
    arrays = Arrays(
        **written,
        districts=ALL_DISTRICTS.copy() if together else layout.district_number.copy(),
        replicates=np.array(numbers, dtype=np.int64),
    )
    for array in arrays:
        array.flags.writeable = False
    return Results(
        scenario=chosen,
        arrays=arrays,
        periods=tuple(reporting_periods(chosen, calendar)),
        year_ends=tuple(int(t) for t in np.flatnonzero(calendar["year_ends"])),
        weight=layout.weight,
        households=int(layout.households.sum()),
        seed=seed,
        survey=survey,
        engine=engine_hash(),
        population=_population_of(layout),
    )
