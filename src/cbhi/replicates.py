"""One replicate: the population of the start, and its months."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from cbhi.coins import in_francs
from cbhi.kernels import codes
from cbhi.kernels.booking import N_PAYERS
from cbhi.kernels.care import N_PRICES
from cbhi.kernels.draws import LANES, VECTOR
from cbhi.kernels.health import N_COLUMNS
from cbhi.kernels.measure import take_opening_stocks
from cbhi.kernels.month import ALL_PHASES, CLOSING, OPENING, SECTIONS, run_months
from cbhi.kernels.notes import N_INTERVIEWS
from cbhi.kernels.records import (
    I8,
    Choice,
    Contact,
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
from cbhi.kernels.settlement import settle_districts
from cbhi.kernels.start import BLOCK
from cbhi.kernels.targeting import BINS
from cbhi.layouts import Layout, opening_months
from cbhi.packing import pack_calendar, pack_fixed, pack_rules
from cbhi.scenarios import Scenario
from cbhi.settling import settle, supplied_associations

# between two signs of progress, at which a run can be interrupted; each call of the kernels costs 0.1 ms
HOUSEHOLD_MONTHS_AT_ONCE = 4_000_000

Begin = Callable[[Scenario, Layout, Table, Table, Fixed], "Engine"]
"""Begins a replicate, as ``start_replicate`` does."""


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


def make_land(scenario_: Scenario, layout: Layout, fixed: Fixed, watch: Watch | None = None) -> State:
    """Return the state before anybody has settled: room for households, sections, districts."""
    n_districts = layout.district_number.size
    total = int(layout.limit.sum())
    n_groups = int(first_groups(scenario_, layout, fixed)[-1])
    state = State(
        households=record_table(Household, total),
        members=record_table(Member, (total, codes.MEMBER_SLOTS)),
        sections=record_table(Section, layout.number.size),
        groups=Groups(*np.zeros((len(Groups._fields), max(1, n_groups)), dtype=np.int64)),
        districts=record_table(District, n_districts),
        outside=np.zeros((n_districts, codes.N_SECTORS), dtype=np.int64),
        nation=record_table(Nation, 1),
        watch=make_watch(watched_rows(layout, fixed.watched_share), scenario_.n_months)
        if watch is None
        else watch,
    )
    divide_land(state, scenario_, layout, fixed)
    return state


def first_groups(scenario_: Scenario, layout: Layout, fixed: Fixed) -> I8:
    """Return each section's first association, and one past the last of all."""
    groups = -(-layout.households // fixed.group_block) if fixed.group_share > 0 else layout.households * 0
    groups = np.maximum(groups, supplied_associations(layout))
    forming = [p.groups.forming_size for _, p in scenario_.regimes() if p.groups.required]
    if forming:
        groups = groups + -(-layout.limit // min(forming))
    return np.concatenate([[0], np.cumsum(groups)]).astype(np.int64)


def divide_land(state: State, scenario_: Scenario, layout: Layout, fixed: Fixed) -> None:
    """Give sections and districts, all zeros so far, their numbers and their rows."""
    sections, districts = state.sections, state.districts
    bounds = np.concatenate([[0], np.cumsum(layout.limit)]).astype(np.int64)
    group_bounds = first_groups(scenario_, layout, fixed)
    sections["number"] = layout.number
    sections["district"] = layout.district
    sections["first"] = sections["end"] = bounds[:-1]
    sections["limit"] = bounds[1:]
    sections["opens"] = opening_months(scenario_, layout, fixed.key)
    sections["group_first"] = group_bounds[:-1]
    sections["group_end"] = group_bounds[1:]
    districts["number"] = layout.district_number
    # sections of a district stand together
    every = np.arange(layout.district_number.size)
    districts["first_section"] = np.searchsorted(layout.district, every)
    districts["end_section"] = np.searchsorted(layout.district, every, side="right")


def make_work(layout: Layout) -> Work:
    """Return buffers for one thread."""
    return make_buffers(int(layout.limit.max()) + 64)


def make_buffers(candidates: int) -> Work:
    """Return buffers for sections of at most so many households."""
    return Work(
        movers=np.zeros(candidates, dtype=np.int64),
        mover_member=np.zeros(candidates, dtype=np.int64),
        partners=np.zeros(candidates, dtype=np.int64),
        partner_member=np.zeros(candidates, dtype=np.int64),
        partner_draw=np.zeros(candidates),
        histogram=np.zeros(BINS, dtype=np.int64),
        lists=np.zeros((codes.N_LISTS, candidates), dtype=np.int64),
        counts=np.zeros(codes.N_LISTS, dtype=np.int64),
        addresses=np.zeros(LANES, dtype=np.int64),
        uniforms=np.zeros((4, LANES)),
        lanes=np.zeros((N_COLUMNS, LANES)),
        persons=np.zeros(LANES, dtype=np.int64),
        events=np.zeros(LANES, dtype=np.int64),
        draws=np.zeros((4, BLOCK)),
        expected=np.zeros((2, BLOCK)),
        episodes=np.zeros((6, BLOCK), dtype=np.int64),
        by_stratum=np.zeros((2, codes.STRATA), dtype=np.int64),
        supply=np.zeros((4, LANES)),
        contacts=record_table(Contact, LANES),
        sizes=np.zeros(LANES),
        prices=np.zeros((N_PAYERS, N_PRICES)),
        weights=np.zeros(codes.MEMBER_SLOTS),
        few_weights=np.zeros(VECTOR),
        places=np.zeros(2 * candidates),
    )


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


class Stretch(NamedTuple):
    """Neighbouring districts of a replicate, which one thread runs.

    The tables of the state are the replicate's; watched households, the account with the national pool and
    the counts by stratum are the stretch's own until they are put together.
    """

    state: State
    work: Work
    output: Output
    first_section: int
    end_section: int


class Engine(NamedTuple):
    """A replicate between two months: rules, state and what it has written so far."""

    scenario: Scenario
    layout: Layout
    rules: Table
    calendar: Table
    fixed: Fixed
    state: State
    work: Work
    output: Output
    hospital: I8  # buffer
    opening_people: I8  # persons and households of the start, by district
    stretches: tuple[Stretch, ...] = ()  # for several threads


def cut_districts(layout: Layout, threads: int) -> list[tuple[int, int]]:
    """Return at most ``threads`` ranges of sections, whole districts with about equally many households."""
    households = np.bincount(layout.district, weights=layout.households)
    below = np.cumsum(households)
    cuts = np.searchsorted(below, below[-1] * np.arange(1, threads) / threads) + 1
    districts = np.unique(np.concatenate([[0], cuts, [households.size]]))
    sections = np.searchsorted(layout.district, districts)
    return [(int(first), int(end)) for first, end in itertools.pairwise(sections) if end > first]


def _stretch(engine: Engine, first: int, end: int) -> Stretch:
    """Return a range of sections with watched households, national account and strata of its own."""
    layout = engine.layout
    share = engine.fixed.watched_share
    mine = layout._replace(limit=layout.limit[first:end])
    state = engine.state._replace(
        watch=make_watch(watched_rows(mine, share), engine.scenario.n_months), nation=record_table(Nation, 1)
    )
    output = engine.output._replace(strata=np.zeros_like(engine.output.strata))
    return Stretch(state, make_work(layout), output, first, end)


def start_replicate(
    scenario_: Scenario,
    layout: Layout,
    rules: Table,
    calendar: Table,
    fixed: Fixed,
    watch: Watch | None = None,
    threads: int = 1,
) -> Engine:
    """Return a replicate before its first month; ``watch`` holds notes on households, a survey's if None.

    With several ``threads`` ranges of districts run side by side, to the same integers; a supplied population
    and notes of one's own take one.
    """
    n_districts = layout.district_number.size
    engine = Engine(
        scenario_, layout, rules, calendar, fixed,
        state=make_land(scenario_, layout, fixed, watch),
        work=make_work(layout),
        output=make_output(scenario_.n_months, n_districts, int(calendar["period"][-1]) + 1),
        hospital=np.zeros((n_districts, 2), dtype=np.int64),
        opening_people=np.zeros((n_districts, 2), dtype=np.int64),
    )  # fmt: skip
    state = engine.state
    settle_districts(state, fixed)
    now = scenario_.start - 1
    if threads > 1 and layout.population is None and watch is None:
        stretches = tuple(_stretch(engine, *ends) for ends in cut_districts(layout, threads))
        engine = engine._replace(stretches=stretches)
        _side_by_side(
            stretches,
            lambda of: settle(
                of.state, layout, now, rules[0], fixed, range(of.first_section, of.end_section)
            ),
        )
    else:
        settle(state, layout, now, rules[0], fixed)
    open_books(engine)
    return engine


def open_books(engine: Engine) -> None:
    """Note money and people of the start, in results that are all zeros so far."""
    layout = engine.layout
    take_opening_stocks(engine.state, engine.output.stocks[0])
    np.add.at(engine.opening_people[:, 0], layout.district, engine.state.sections["persons"])
    np.add.at(engine.opening_people[:, 1], layout.district, layout.households)


def _side_by_side(stretches: tuple[Stretch, ...], work: Callable[[Stretch], None]) -> None:
    """Do something for every stretch, each in a thread of its own."""
    with ThreadPoolExecutor(max_workers=len(stretches)) as pool:
        for done in [pool.submit(work, stretch) for stretch in stretches]:
            done.result()


def begin_replicate(
    scenario_: Scenario,
    layout: Layout,
    seed: int,
    replicate: int,
    watched_share: float = 0.0,
    watch: Watch | None = None,
    threads: int = 1,
) -> Engine:
    """Return a replicate before its first month, its rules packed for it alone."""
    rules = pack_rules(scenario_)
    calendar = pack_calendar(scenario_, rules)
    fixed = pack_fixed(scenario_, seed, replicate, watched_share, layout.population)
    return start_replicate(scenario_, layout, rules, calendar, fixed, watch, threads)


def run_between(engine: Engine, begin: int, end: int) -> None:
    """Run months ``begin`` to ``end - 1`` of a replicate, counted from 0; those before have been run."""
    if engine.stretches:
        _run_side_by_side(engine, begin, end)
        return
    _run(
        engine, engine.state, engine.work, engine.output, begin, end, 0, engine.layout.number.size, ALL_PHASES
    )


def _run(
    engine: Engine,
    state: State,
    work: Work,
    output: Output,
    begin: int,
    end: int,
    first_section: int,
    end_section: int,
    phases: int,
) -> None:
    run_months(
        state, engine.calendar, engine.rules, engine.fixed, work, output, engine.hospital,
        engine.scenario.start, begin, end, first_section, end_section, phases,
    )  # fmt: skip


def _run_side_by_side(engine: Engine, begin: int, end: int) -> None:
    """Run months with a thread for every stretch; what comes before and after the sections has one."""
    own = (engine.state, engine.work, engine.output)
    nation = engine.state.nation[0]
    with ThreadPoolExecutor(max_workers=len(engine.stretches)) as pool:
        for t in range(begin, end):
            _run(engine, *own, t, t + 1, 0, 0, OPENING)
            running = [
                pool.submit(
                    _run, engine, of.state, of.work, of.output, t, t + 1, of.first_section, of.end_section,
                    SECTIONS,
                )
                for of in engine.stretches
            ]  # fmt: skip
            for done in running:
                done.result()
            for stretch in engine.stretches:
                account = stretch.state.nation[0]
                nation.pool = int(nation.pool) + int(account.pool)
                account.pool = 0
            _run(engine, *own, t, t + 1, 0, 0, CLOSING)


def written_by(engine: Engine) -> tuple[Output, I8]:
    """Return what a replicate has written, and the people of the start by district."""
    output = engine.output._replace(interviews=engine.state.watch.interviews)
    if engine.stretches:
        strata = sum((stretch.output.strata for stretch in engine.stretches), start=output.strata)
        output = output._replace(interviews=_interviews_of(engine), strata=strata)
    return in_francs(output, engine.fixed.coin_rwf), engine.opening_people


def _interviews_of(engine: Engine) -> Table:
    """Return the interviews of all stretches in the order of one thread: by month, then by section."""
    told = []
    for stretch in engine.stretches:
        watch = stretch.state.watch
        told.append(watch.interviews[: int(watch.used[N_INTERVIEWS])])
    every = np.concatenate(told)
    every = every[np.argsort(every["month"], kind="stable")]
    interviews = np.zeros_like(engine.state.watch.interviews)
    interviews[: every.size] = every[: interviews.size]
    return interviews


def months_at_once(households: int) -> int:
    """Return how many months to run before progress is told: about a fifth of a second, a month at least."""
    return max(1, HOUSEHOLD_MONTHS_AT_ONCE // households)


def run_replicate(
    scenario_: Scenario,
    layout: Layout,
    rules: Table,
    calendar: Table,
    seed: int,
    replicate: int,
    tick: Callable[[int], None],
    watched_share: float = 0.0,
    threads: int = 1,
    begin_in: Begin | None = None,
) -> tuple[Output, I8]:
    """Run one replicate; return what it wrote and the persons and households of the start by district.

    ``begin_in`` begins it in memory of its own, in which what it wrote then lies as well.
    """
    fixed = pack_fixed(scenario_, seed, replicate, watched_share, layout.population)
    if begin_in is None:
        engine = start_replicate(scenario_, layout, rules, calendar, fixed, threads=threads)
    else:
        engine = begin_in(scenario_, layout, rules, calendar, fixed)
    step = months_at_once(int(layout.households.sum()))
    for begin in range(0, scenario_.n_months, step):
        end = min(begin + step, scenario_.n_months)
        run_between(engine, begin, end)
        tick(end - begin)
    return written_by(engine)
