"""Validate, lay out, run, wrap: from a scenario to results."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cbhi.engine import engine_hash
from cbhi.kernels import codes
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.measure import take_opening_stocks
from cbhi.kernels.month import run_months
from cbhi.kernels.records import (
    I8,
    Choice,
    District,
    Fixed,
    Groups,
    Household,
    Interview,
    Member,
    Nation,
    Output,
    Section,
    State,
    Table,
    Watch,
    Work,
    record_table,
)
from cbhi.kernels.settlement import settle_districts, settle_section
from cbhi.kernels.targeting import BINS
from cbhi.months import parse_month
from cbhi.packing import (
    interpolate,
    pack_calendar,
    pack_fixed,
    pack_rules,
    reporting_periods,
)
from cbhi.params import Parameters
from cbhi.results import Results, join_results, select_replicates
from cbhi.scenarios import Scenario, scenario
from cbhi.variables import Arrays

HOUSEHOLDS_PER_SECTION = 250
NEVER = 12 * 9999
MAX_SEED = 2**63 - 1
MAX_REPLICATE = 2**31 - 1

Progress = Callable[[int, int], None]
"""Called with (months done, months in all) over all replicates."""
Keep = Callable[[Results], None]
"""Called with the results of one replicate as soon as it is finished."""


class Interrupted(KeyboardInterrupt):
    """A run that was stopped; ``results`` holds the replicates that were finished, or None."""

    def __init__(self, results: Results | None) -> None:
        super().__init__("interrupted")
        self.results = results


class Layout(NamedTuple):
    """Which sections of the country are simulated, with how many households each."""

    number: I8
    district: I8  # place in ``district_number``
    district_number: I8
    households: I8
    limit: I8  # households that fit, for those founded later
    weight: float  # real persons per simulated one


def district_of_section(p: Parameters) -> I8:
    """Return each section's district: pilot sections in the pilot districts, the others evenly."""
    pilots = p.rollout.pilot_sections
    pilot_districts = p.rollout.pilot_districts if pilots else 0
    others = p.population.sections - pilots
    other_districts = p.population.districts - pilot_districts
    if pilot_districts == 0 or other_districts == 0 or others == 0:
        return np.arange(p.population.sections) * p.population.districts // p.population.sections
    first = np.arange(pilots) * pilot_districts // pilots
    rest = pilot_districts + np.arange(others) * other_districts // others
    return np.concatenate([first, rest]).astype(np.int64)


def lay_out(scenario_: Scenario, households: int | None) -> Layout:
    """Return the sample: whole sections, spread evenly over the districts.

    ``None`` asks for every household of the country at the start.
    """
    p = scenario_.regimes()[0][1]
    persons = float(interpolate(p.population.persons, np.array([float(scenario_.start)]))[0])
    everybody = max(1, round(persons / p.population.household_size))
    total = everybody if households is None else households
    n = max(1, min(p.population.sections, total // HOUSEHOLDS_PER_SECTION))
    number = ((np.arange(n) + 0.5) * p.population.sections / n).astype(np.int64)
    district_number, district = np.unique(district_of_section(p)[number], return_inverse=True)
    per_section = np.full(n, total // n, dtype=np.int64)
    per_section[: total % n] += 1
    grows = p.switches.demography and p.demography.marriages > 0
    years = scenario_.n_months / 12.0
    growth = (1.0 + 0.05 * max(1.0, p.demography.marriages)) ** years if grows else 1.0
    limit = np.ceil(per_section * growth).astype(np.int64) + (10 if grows else 0)
    return Layout(
        number=number,
        district=district.astype(np.int64),
        district_number=district_number.astype(np.int64),
        households=per_section,
        limit=limit,
        weight=everybody / total,
    )


def opening_months(scenario_: Scenario, layout: Layout, key: tuple[int, int]) -> I8:
    """Return the month in which each section's scheme opens.

    Pilot sections open together. The others follow the count of schemes in the order of a keyed draw,
    spread evenly over the curve, so that the share of open schemes follows the count at any sample size.
    """
    p = scenario_.regimes()[0][1]
    opens = np.full(layout.number.size, scenario_.start, dtype=np.int64)
    if not p.switches.rollout:
        return opens
    pilots = p.rollout.pilot_sections
    is_pilot = layout.number < pilots
    opens[is_pilot] = parse_month(p.rollout.pilot_month)
    others = np.flatnonzero(~is_pilot)
    if others.size == 0:
        return opens
    draws = [uniform(key, int(layout.number[i]), 0, NOBODY, 0, codes.DRAW_ROLLOUT, 0) for i in others]
    rank = np.argsort(np.argsort(draws, kind="stable"), kind="stable")
    place = pilots + (rank + 0.5) / others.size * (p.population.sections - pilots)
    months = np.arange(scenario_.start, scenario_.end + 1)
    count = interpolate(p.rollout.schemes, months.astype(float))
    reached = np.searchsorted(np.maximum.accumulate(count), place)
    opens[others] = np.where(reached < months.size, months[np.minimum(reached, months.size - 1)], NEVER)
    return opens


def make_watch(rows: int, months: int, choices: int = 0) -> Watch:
    """Return empty notes for ``rows`` watched households, interviewed once in every twelve months."""
    return Watch(
        flows=np.zeros((rows, codes.N_FLOWS), dtype=np.int64),
        tallies=np.zeros((rows, codes.N_TALLIES), dtype=np.int64),
        moved=np.zeros(rows, dtype=np.int64),
        flows_before=np.zeros((rows, codes.N_FLOWS), dtype=np.int64),
        tallies_before=np.zeros((rows, codes.N_TALLIES), dtype=np.int64),
        asked=np.zeros(rows, dtype=np.int64),
        now_flows=np.zeros(codes.N_FLOWS, dtype=np.int64),
        now_tallies=np.zeros(codes.N_TALLIES, dtype=np.int64),
        used=np.zeros(3, dtype=np.int64),
        interviews=record_table(Interview, rows * (months // 12 + 1)),
        choices=record_table(Choice, choices),
    )


def watched_rows(layout: Layout, share: float) -> int:
    """Return room for the households that a keyed lot picks, six standard deviations above the mean."""
    total = int(layout.limit.sum())
    return min(total, math.ceil(total * share + 6.0 * math.sqrt(total * share)) + 10) if share > 0.0 else 0


def make_state(
    scenario_: Scenario, layout: Layout, rules: Table, fixed: Fixed, watch: Watch | None = None
) -> tuple[State, Work]:
    """Return the population of the start and buffers, everything keyed by ``fixed.key``."""
    n_sections = layout.number.size
    n_districts = layout.district_number.size
    bounds = np.concatenate([[0], np.cumsum(layout.limit)]).astype(np.int64)
    total = int(bounds[-1])
    groups = -(-layout.households // fixed.group_block) if fixed.group_share > 0 else layout.households * 0
    forming = [p.groups.forming_size for _, p in scenario_.regimes() if p.groups.required]
    if forming:
        groups = groups + -(-layout.limit // min(forming))
    group_bounds = np.concatenate([[0], np.cumsum(groups)]).astype(np.int64)
    sections = record_table(Section, n_sections)
    sections["number"] = layout.number
    sections["district"] = layout.district
    sections["first"] = sections["end"] = bounds[:-1]
    sections["limit"] = bounds[1:]
    sections["opens"] = opening_months(scenario_, layout, fixed.key)
    sections["group_first"] = group_bounds[:-1]
    sections["group_end"] = group_bounds[1:]
    districts = record_table(District, n_districts)
    districts["number"] = layout.district_number
    # sections of a district stand together
    districts["first_section"] = np.searchsorted(layout.district, np.arange(n_districts))
    districts["end_section"] = np.searchsorted(layout.district, np.arange(n_districts), side="right")
    state = State(
        households=record_table(Household, total),
        members=record_table(Member, (total, codes.MEMBER_SLOTS)),
        sections=sections,
        groups=Groups(*np.zeros((len(Groups._fields), max(1, int(group_bounds[-1]))), dtype=np.int64)),
        districts=districts,
        outside=np.zeros((n_districts, codes.N_SECTORS), dtype=np.int64),
        nation=record_table(Nation, 1),
        watch=make_watch(watched_rows(layout, fixed.watched_share), scenario_.n_months)
        if watch is None
        else watch,
    )
    settle_districts(state, fixed)
    for s in range(n_sections):
        settle_section(state, s, int(layout.households[s]), scenario_.start - 1, rules[0], fixed)
    candidates = int(layout.limit.max()) + 64
    work = Work(
        movers=np.zeros(candidates, dtype=np.int64),
        mover_member=np.zeros(candidates, dtype=np.int64),
        partners=np.zeros(candidates, dtype=np.int64),
        partner_member=np.zeros(candidates, dtype=np.int64),
        partner_draw=np.zeros(candidates),
        histogram=np.zeros(max(BINS, 1 << 12), dtype=np.int64),
    )
    return state, work


def make_output(n_months: int, n_districts: int, n_periods: int) -> Output:
    """Return empty result arrays of one replicate."""
    return Output(
        flows=np.zeros((n_months, n_districts, codes.N_FLOWS), dtype=np.int64),
        stocks=np.zeros((n_months + 1, n_districts, codes.N_STOCKS), dtype=np.int64),
        tallies=np.zeros((n_months, n_districts, codes.N_TALLIES), dtype=np.int64),
        gauges=np.zeros((n_months, n_districts, codes.N_GAUGES), dtype=np.float64),
        strata=np.zeros((n_periods, codes.STRATA, codes.N_STRATUM_TALLIES), dtype=np.int64),
        interviews=record_table(Interview, 0),
    )


def run_replicate(
    scenario_: Scenario,
    layout: Layout,
    rules: Table,
    calendar: Table,
    seed: int,
    replicate: int,
    tick: Callable[[int], None],
    watched_share: float = 0.0,
) -> tuple[Output, I8]:
    """Run one replicate; return what it wrote and the persons of the start by district."""
    fixed = pack_fixed(scenario_, seed, replicate, watched_share)
    state, work = make_state(scenario_, layout, rules, fixed)
    n_districts = layout.district_number.size
    output = make_output(scenario_.n_months, n_districts, int(calendar["period"][-1]) + 1)
    hospital = np.zeros((n_districts, 2), dtype=np.int64)
    take_opening_stocks(state, output.stocks[0])
    opening_people = np.zeros((n_districts, 2), dtype=np.int64)
    np.add.at(opening_people[:, 0], layout.district, state.sections["persons"])
    np.add.at(opening_people[:, 1], layout.district, layout.households)
    for begin in range(0, scenario_.n_months, 12):
        end = min(begin + 12, scenario_.n_months)
        run_months(state, calendar, rules, fixed, work, output, hospital, scenario_.start, begin, end)
        tick(end - begin)
    return output._replace(interviews=state.watch.interviews), opening_people


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return the argument called ``name`` if it is a whole number from ``low`` to ``high``; else say why."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} = {value} is outside {low} to {high}")
    return int(value)


def simulate(
    scenario: Scenario | str | Path = "rwanda",
    *,
    households: int | str = 20_000,
    replicates: int = 1,
    seed: int = 1,
    workers: int = 1,
    survey: int = 1_000,
    progress: Progress | None = None,
    first_replicate: int = 0,
    finished: Results | None = None,
    keep: Keep | None = None,
) -> Results:
    """Simulate a scenario.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one.
    households
        Households simulated at the start, from 1 to 10,000,000, or ``"all"`` for one simulated household
        per real one.
    replicates
        Independent repetitions, from 1 to 100,000; each has its own draws.
    seed
        Whole number from 0 to 2**63 - 1. The same seed gives the same integers at any number of workers.
    workers
        Threads over replicates, from 1 to 256.
    survey
        Households of the start that are interviewed every year (``Results.survey_frame``), on average and at
        most all; 0 for none. It changes no other result.
    progress
        Called with (months done, months in all).
    first_replicate
        Number of the first replicate, from 0; two runs of one seed without a number in common can be joined.
    finished
        Results of the same scenario, households, seed, survey and engine, whose replicates are not
        simulated again, such as those of an ``Interrupted``.
    keep
        Called with the results of each replicate as soon as it is finished, from the thread that ran it.

    Returns
    -------
    Results
        The replicates asked for, in order of their numbers.

    Raises
    ------
    ValueError
        When an argument is not a whole number or out of range, or the scenario has problems, or ``finished``
        belongs to another run.
    Interrupted
        On Ctrl-C; its ``results`` holds the finished replicates.
    """
    chosen = load_scenario(scenario)
    layout = lay_out(chosen, _number_of_households(households))
    first = whole_number("first_replicate", first_replicate, 0, MAX_REPLICATE)
    n_replicates = whole_number("replicates", replicates, 1, 100_000)
    seed = whole_number("seed", seed, 0, MAX_SEED)
    survey = min(whole_number("survey", survey, 0, 10_000_000), int(layout.households.sum()))
    watched_share = survey / int(layout.households.sum())
    n_workers = whole_number("workers", workers, 1, 256)
    wanted = range(first, first + n_replicates)
    before = None if finished is None else _earlier(finished, chosen, layout, seed, survey, wanted)
    have = set() if before is None else {int(number) for number in before.arrays.replicates}
    missing = [replicate for replicate in wanted if replicate not in have]
    rules = pack_rules(chosen)
    calendar = pack_calendar(chosen, rules)
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

    fresh: dict[int, Any] = {}

    def one(replicate: int) -> None:
        output = run_replicate(chosen, layout, rules, calendar, seed, replicate, tick, watched_share)
        fresh[replicate] = output
        if keep is not None:
            keep(_wrap(chosen, layout, calendar, seed, survey, {replicate: output}))

    def gather() -> Results | None:
        parts = [] if before is None else [before]
        if fresh:
            parts.append(_wrap(chosen, layout, calendar, seed, survey, fresh))
        return join_results(parts) if len(parts) > 1 else (parts[0] if parts else None)

    try:
        _run_all(one, missing, n_workers, stop)
    except KeyboardInterrupt:
        raise Interrupted(gather()) from None
    results = gather()
    assert results is not None  # at least one replicate was asked for
    return results


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


def households_at_start(scenario: Scenario, households: int | str) -> int:
    """Return how many households ``simulate`` starts with: the number itself, or all of the country."""
    return int(lay_out(scenario, _number_of_households(households)).households.sum())


def _earlier(
    finished: Results, chosen: Scenario, layout: Layout, seed: int, survey: int, wanted: range
) -> Results | None:
    """Return those of the finished replicates that are asked for, or None; refuse another run's."""
    for what, theirs, ours in (
        ("scenario", finished.scenario.fingerprint(), chosen.fingerprint()),
        ("households", finished.households, int(layout.households.sum())),
        ("seed", finished.seed, seed),
        ("survey", finished.survey, survey),
        ("real people per simulated one", finished.weight, layout.weight),
        ("engine", finished.engine, engine_hash()),
    ):
        if theirs != ours:
            raise ValueError(f"the finished replicates belong to another run: {what} {theirs}, not {ours}")
    kept = select_replicates(finished, wanted)
    # the name and the reasons of events are no part of what decides the result
    return dataclasses.replace(kept, scenario=chosen) if kept.n_replicates else None


def load_scenario(chosen: Scenario | str | Path) -> Scenario:
    """Return the scenario itself, or the one of that name or file."""
    if isinstance(chosen, Scenario):
        return chosen
    if isinstance(chosen, (str, Path)):
        return scenario(chosen)
    raise ValueError(f"a scenario, its name or its file is wanted, got {chosen!r}")


def _wrap(
    chosen: Scenario,
    layout: Layout,
    calendar: Table,
    seed: int,
    survey: int,
    finished: dict[int, tuple[Output, I8]],
) -> Results:
    order = sorted(finished)
    stacked = {name: np.stack([getattr(finished[r][0], name) for r in order]) for name in Output._fields}
    arrays = Arrays(
        **stacked,
        opening_people=np.stack([finished[r][1] for r in order]),
        districts=layout.district_number.copy(),
        replicates=np.array(order, dtype=np.int64),
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
    )
