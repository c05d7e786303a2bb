"""Builders for tests of single kernels: one rule, one section, one household with members."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import settings

from cbhi.kernels import codes, income, settlement
from cbhi.kernels.records import (
    CalendarMonth,
    District,
    Fixed,
    Groups,
    Household,
    Member,
    Nation,
    Record,
    Section,
    State,
    Table,
    Work,
    record_table,
)
from cbhi.months import parse_month
from cbhi.packing import pack_fixed, pack_rules
from cbhi.replicates import make_buffers, make_watch
from cbhi.scenarios import Scenario

NOW = parse_month("2004-06")
KEY = (0x12345678, 0x9ABCDEF0)

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@functools.cache
def base() -> Scenario:
    """A scenario of defaults only, so that no shipped file decides a test."""
    return Scenario(name="unit", start=parse_month("2004-01"), end=parse_month("2004-12"))


@functools.cache
def _rules() -> Table:
    return pack_rules(base())


@functools.cache
def _fixed() -> Fixed:
    return pack_fixed(base(), 1, 0)


def settle_section(state: State, s: int, n: int, now: int, rule: Any, fixed: Fixed) -> None:
    """Settle a section with nothing supplied, all of it drawn."""
    nothing = np.empty(0, dtype=np.int64)
    settlement.settle_section(state, s, n, now, rule, fixed, nothing, nothing)


def record(kind: type[Record], **fields: Any) -> Any:
    """One record of zeros with the given fields set."""
    row = record_table(kind, 1)[0]
    return update(row, **fields)


def update(row: Any, **fields: Any) -> Any:
    """Set fields of a record; a misspelt one fails."""
    for name, value in fields.items():
        assert name in row.dtype.names, name
        setattr(row, name, value)
    return row


def rule(**fields: Any) -> Any:
    """The defaults of January 2004, changed."""
    return update(_rules().copy()[0], **fields)


def fixed(**fields: Any) -> Fixed:
    """The fixed quantities of the defaults, changed."""
    return _fixed()._replace(**{"key": KEY, **fields})


def section(**fields: Any) -> Any:
    """One section; open, well staffed, with half of its trust."""
    usual: dict[str, Any] = dict(
        number=3,
        first=0,
        end=1,
        limit=10,
        staffing=1.0,
        trust=0.5,
        stock=1.0,
        quality=1.0,
        persons=100,
        premium_factor=1.0,
        distance_scale=1.0,
        effort=1.0,
    )
    return record(Section, **{**usual, **fields})


def district(**fields: Any) -> Any:
    """One district in an average year."""
    return record(District, **{"harvest": 1.0, "illness": 1.0, **fields})


def calendar(**fields: Any) -> Any:
    """One month in which rolling cover is on sale."""
    return record(CalendarMonth, **{"is_open": 1, "is_rolling": 1, **fields})


def fill_members(mm: Table, ages_years: Sequence[float], now: int = NOW, **columns: Sequence[Any]) -> None:
    """Put members of these ages into the first slots; ``columns`` are fields with a value a member."""
    for k, age in enumerate(ages_years):
        mm[k].born = now - round(age * 12)
        mm[k].ordinal = k
        mm[k].frailty = 1.0
    for name, values in columns.items():
        for k, value in enumerate(values):
            mm[k][name] = value


def household(ages_years: Sequence[float] = (40, 35, 10, 2), **fields: Any) -> tuple[Any, Table]:
    """A household and its members; columns of members are given as ``m_<field>``."""
    columns = {name[2:]: fields.pop(name) for name in list(fields) if name.startswith("m_")}
    mm = record_table(Member, codes.MEMBER_SLOTS)
    fill_members(mm, ages_years, **columns)
    n = len(ages_years)
    usual: dict[str, Any] = dict(
        alive=1,
        n_members=n,
        next_member=n,
        category=codes.MIDDLE,
        listed_category=codes.MIDDLE,
        group=codes.NO_GROUP,
        shared_frailty=1.0,
        income=30_000,
        odds_near=1.2,
        odds_free=0.9,
        odds_insured=0.7,
        odds_uninsured=0.4,
        odds_severe_insured=2.0,
        odds_severe_uninsured=0.8,
    )
    if "enrolled" in columns:
        usual["n_enrolled"] = sum(columns["enrolled"])
    return record(Household, **{**usual, **fields}), mm


def households(n: int) -> Table:
    """Living households of one section, with ordinals."""
    table = record_table(Household, n)
    table["alive"] = 1
    table["ordinal"] = np.arange(n)
    table["group"] = codes.NO_GROUP
    return table


def live_a_month(hh: Any, r: Any, harvest: float, u: float, f: Any) -> int:
    """Let one household earn, repay and consume; return its formal-sector contribution."""
    alone = record_table(Household, 1)
    alone[0] = hh
    contribution = income.live_through(alone, 0, 1, harvest, np.array([u]), r, f)
    update(hh, cash=alone[0].cash, debt=alone[0].debt)
    return int(contribution)


def groups(n: int = 1) -> Groups:
    return Groups(*np.zeros((len(Groups._fields), n), dtype=np.int64))


def work(n: int = 64) -> Work:
    """Buffers for one section."""
    return make_buffers(n)


def note_rows(buffers: Work, kind: int, rows: Sequence[int]) -> Work:
    """Note rows of households in one of the lists that the start of the month fills."""
    buffers.lists[kind, : len(rows)] = rows
    buffers.counts[kind] = len(rows)
    return buffers


def listed(hh: Table, sec: Any) -> Work:
    """Buffers in which the section's patients are listed, as `start_of_month` does."""
    rows = [h for h in range(sec.first, sec.end) if hh[h].alive and (hh[h].contacts or hh[h].away)]
    buffers = note_rows(work(max(64, len(hh))), codes.LIST_PATIENTS, rows)
    return buffers


def state(hh: Table, mm: Table, sections: Table, districts: Table, n_groups: int = 1) -> State:
    return State(
        households=hh,
        members=mm,
        sections=sections,
        groups=groups(n_groups),
        districts=districts,
        outside=np.zeros((districts.size, codes.N_SECTORS), dtype=np.int64),
        nation=record_table(Nation, 1),
        watch=make_watch(0, 0),
    )


def flows() -> Any:
    return np.zeros(codes.N_FLOWS, dtype=np.int64)


def tallies() -> Any:
    return np.zeros(codes.N_TALLIES, dtype=np.int64)


def gauges() -> Any:
    return np.zeros(codes.N_GAUGES)


def strata() -> Any:
    return np.zeros((codes.STRATA, codes.N_STRATUM_TALLIES), dtype=np.int64)


def by_quintile(counts: Any) -> Any:
    """Counts of strata added up over the poverty categories: a row a quintile."""
    return counts.reshape(codes.QUINTILES, codes.CATEGORIES, -1).sum(axis=1)


def inverse_draw(wanted: Callable[[int], bool], limit: int = 10_000) -> int:
    """The first whole number for which a draw does what a test needs."""
    return next(i for i in range(limit) if wanted(i))


def within_4_se(values: Any, expected: float) -> bool:
    """Whether a sample mean lies within four of its standard errors of what is expected."""
    values = np.asarray(values, dtype=float)
    return bool(abs(values.mean() - expected) <= 4.0 * values.std(ddof=1) / np.sqrt(values.size))
