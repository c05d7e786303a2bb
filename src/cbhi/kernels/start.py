"""The start of a section's month: every household earns, saves, is counted, falls ill and takes notice.

This is the only event that touches every household every month, so it goes in passes over blocks of
``BLOCK`` rows whose fields and draws stay in the nearest cache: each pass is a plain loop over one equation,
which the compiler turns into vectors where nothing rare happens in it. What is rare (a wish for care, a fine,
an attentive moment) is found by comparing a draw and done for those alone. What watched households book in a
pass is noted beside it as their own.
"""

from __future__ import annotations

import math

from cbhi.kernels.anniversary import list_anniversaries, refresh_section
from cbhi.kernels.care import send_elsewhere
from cbhi.kernels.codes import (
    DRAW_MONTH,
    DRAW_PENALTY,
    DRAW_REGISTER,
    GATE_REFUSALS,
    GROUP_SAVING,
    LIST_ACTING,
    LIST_ANNIVERSARIES,
    LIST_BORROWERS,
    LIST_PATIENTS,
    NO_GROUP,
    PENALTIES,
    PENALTY,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.counting import count_block, note_counted
from cbhi.kernels.cover import has_cover, paid_up
from cbhi.kernels.draws import NOBODY, address, draw_households, fill_blocks
from cbhi.kernels.enrolment import due_at, prices_of
from cbhi.kernels.groups import put_into_box, saving_of_month
from cbhi.kernels.income import live_through
from cbhi.kernels.loans import outstanding
from cbhi.kernels.money import to_francs
from cbhi.kernels.need import draw_counts, expect_contacts, explain_unsought
from cbhi.kernels.notes import list_watched, note_cash, note_savings
from cbhi.kernels.records import (
    F8,
    I8,
    CalendarMonth,
    Fixed,
    Household,
    Rule,
    Section,
    State,
    Table,
    Work,
)

# households that go through a pass together
BLOCK = 512
# what a household does about cover this month (``Household.acts``)
ATTENTIVE = 1
REGISTERED = 2


def sanction(hh: Household, u0: float, u1: float, enforcement: float, rule: Rule) -> tuple[int, int]:
    """Let the mandate catch up with a household without cover, by two draws.

    Returns the fine that it pays, RWF, and 1 if a service is refused to it.
    """
    fine = 0
    if u0 < rule.enforcement_max * enforcement / 12.0:
        fine = min(int(hh.cash), rule.penalty_rwf)
        hh.cash = int(hh.cash) - fine
    return fine, 1 if u1 < rule.gate_probability * enforcement else 0


def book_sanction(fine: int, refused: int, flows: I8, tallies: I8) -> None:
    """Book what ``sanction`` returns."""
    flows[PENALTY] += fine
    tallies[PENALTIES] += 1 if fine > 0 else 0
    tallies[GATE_REFUSALS] += refused


def put_savings_aside(
    state: State, start: int, n: int, sec: Section, rule: Rule, flows: I8, savings: I8
) -> None:
    """Let households of a block save with their associations; write what each saves into ``savings``."""
    households = state.households
    most = to_francs(rule.group_saving_rwf)
    prices = prices_of(rule, sec.premium_factor)
    for i in range(n):
        hh = households[start + i]
        saving = saving_of_month(hh, due_at(hh, prices), most, rule)
        saving = saving if hh.alive != 0 else 0
        saving = saving if int(hh.group) != NO_GROUP else 0
        saving = saving if hh.formal == 0 else 0
        saving = saving if hh.subsidised == 0 else 0
        savings[i] = max(0, saving)
    saved = 0
    for i in range(n):
        if savings[i] > 0:
            put_into_box(households[start + i], sec, state.groups, savings[i])
            saved += savings[i]
    flows[GROUP_SAVING] += saved


def enforce_mandate(
    state: State,
    start: int,
    n: int,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    flows: I8,
    tallies: I8,
) -> None:
    """Let the mandate catch up with the households of a block that have no cover."""
    households = state.households
    rows, addresses = work.persons, work.addresses
    uncovered = 0
    for i in range(n):
        hh = households[start + i]
        # written always and kept when counted, without branches that nobody could guess
        rows[uncovered] = start + i
        addresses[uncovered] = address(int(hh.ordinal), NOBODY)
        has_policy = paid_up(
            int(hh.cover_from), int(hh.cover_until), int(hh.formal), int(hh.standing_next), now
        )
        uncovered += int(hh.alive) & int(hh.formal == 0) & (1 - has_policy) & (1 - int(has_cover(hh, now)))
    fill_blocks(fixed.key, sec.number, now, DRAW_PENALTY, uncovered, addresses, work.uniforms)
    for i in range(uncovered):
        u0, u1 = float(work.uniforms[0, i]), float(work.uniforms[1, i])
        hh = households[rows[i]]
        fine, refused = sanction(hh, u0, u1, sec.enforcement, rule)
        book_sanction(fine, refused, flows, tallies)
        if hh.watched != 0:
            place = int(hh.watched) - 1
            book_sanction(fine, refused, state.watch.flows[place], state.watch.tallies[place])


def divide_contacts(
    state: State, start: int, n: int, sec: Section, now: int, rule: Rule, fixed: Fixed
) -> int:
    """Let members take contacts to other health centres; return how many stay away from home."""
    dist = state.districts[sec.district]
    away = 0
    for i in range(n):
        hh = state.households[start + i]
        if hh.alive == 0:
            continue
        wanted = int(hh.contacts)
        active = has_cover(hh, now) and sec.suspended == 0
        away += wanted - send_elsewhere(hh, sec, dist, now, active, rule, fixed)
    return away


def live_in_block(
    state: State,
    start: int,
    n: int,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    service: float,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> int:
    """Take the households of a block through the start of the month; return the contacts wanted at home."""
    households = state.households
    watch = state.watch
    places = work.episodes[5]
    watched = list_watched(households, start, n, places) if watch.asked.size > 0 else 0
    dist = state.districts[sec.district]
    draws = work.draws
    draw_households(
        households, start, n, fixed.key, sec.number, now, DRAW_MONTH, draws[0], draws[1], draws[2], draws[3]
    )
    note_cash(watch, households, start, watched, places, dist.harvest, draws[2], rule)
    dist.formal_contributions += live_through(households, start, n, dist.harvest, draws[2], rule, flows)
    if rule.group_savings != 0:
        # nobody's episodes are counted yet
        put_savings_aside(state, start, n, sec, rule, flows, work.episodes[0])
        note_savings(watch, households, start, watched, places, work.episodes[0])
    if rule.compulsory != 0 and now >= sec.opens:
        enforce_mandate(state, start, n, sec, now, rule, fixed, work, flows, tallies)
    month_share = rule.illness_season * dist.illness / 12.0
    honoured = 0 if sec.suspended != 0 else 1
    sought, unsought = work.expected[0], work.expected[1]
    expect_contacts(households, start, n, now, month_share, service, float(honoured), rule, sought, unsought)
    draw_counts(draws[0], sought, n, work.episodes[0])
    draw_counts(draws[1], unsought, n, work.episodes[1])
    contacts = count_block(state, start, n, sec, now, honoured, work, strata, tallies)
    note_counted(watch, households, start, watched, places, now, work)
    if rule.portability_share > 0.0:
        contacts -= divide_contacts(state, start, n, sec, now, rule, fixed)
    return contacts


def heed(households: Table, start: int, n: int, attention: float, u: F8) -> None:
    """Note who of a block thinks of cover this month."""
    for i in range(n):
        hh = households[start + i]
        acts = ATTENTIVE if u[i] < attention else 0
        hh.acts = acts if hh.alive != 0 else int(hh.acts)


def register_holders(
    households: Table, start: int, n: int, sec: Section, now: int, rule: Rule, fixed: Fixed, work: Work
) -> None:
    """Note whom of a block's holders of a slot the authorities register this month."""
    rows, addresses = work.persons, work.addresses
    holders = 0
    for i in range(n):
        hh = households[start + i]
        # written always and kept when counted, without branches that nobody could guess
        rows[holders] = start + i
        addresses[holders] = address(int(hh.ordinal), NOBODY)
        holders += int(hh.alive) & int(hh.subsidised != 0)
    fill_blocks(fixed.key, sec.number, now, DRAW_REGISTER, holders, addresses, work.uniforms)
    for i in range(holders):
        if work.uniforms[0, i] < rule.subsidy_automatic:
            hh = households[rows[i]]
            hh.acts = int(hh.acts) | REGISTERED


def take_notice(
    state: State,
    start: int,
    n: int,
    sec: Section,
    now: int,
    attention: float,
    cal: CalendarMonth,
    rule: Rule,
    fixed: Fixed,
    work: Work,
) -> None:
    """Note who of a block wants care, acts on cover and owes a loan, in order of rows."""
    households = state.households
    dist = state.districts[sec.district]
    heed(households, start, n, attention, work.draws[3])
    if cal.is_open != 0 and rule.subsidy_automatic > 0.0:
        register_holders(households, start, n, sec, now, rule, fixed, work)
    patients = int(work.counts[LIST_PATIENTS])
    acting = int(work.counts[LIST_ACTING])
    for i in range(n):
        hh = households[start + i]
        # as above
        work.lists[LIST_ACTING, acting] = start + i
        acting += int(hh.alive) & int(hh.acts != 0)
        work.lists[LIST_PATIENTS, patients] = start + i
        patients += int(hh.alive) & int(int(hh.contacts) + int(hh.away) > 0)
    work.counts[LIST_PATIENTS] = patients
    work.counts[LIST_ACTING] = acting
    if dist.loans != 0 or dist.loan_interest != 0:
        list_borrowers(households, start, n, work)


def list_borrowers(households: Table, start: int, n: int, work: Work) -> None:
    """Note who of a block owes a loan, in order of rows."""
    borrowers = int(work.counts[LIST_BORROWERS])
    for i in range(n):
        hh = households[start + i]
        work.lists[LIST_BORROWERS, borrowers] = start + i
        borrowers += int(hh.alive) & int(outstanding(hh) > 0)
    work.counts[LIST_BORROWERS] = borrowers


def explain_month(
    state: State, sec: Section, now: int, service: float, rule: Rule, work: Work, gauges: F8
) -> None:
    """Explain the unsought episodes of the households whose anniversary it is, for a whole year."""
    households = state.households
    rows = work.lists[LIST_ANNIVERSARIES]
    year_share = rule.illness_season * state.districts[sec.district].illness / 12.0 * 12.0
    honoured = 0.0 if sec.suspended != 0 else 1.0
    severity = math.exp(rule.seek_severity)
    for i in range(list_anniversaries(households, sec, now, rows)):
        explain_unsought(households[rows[i]], now, year_share, service, honoured, severity, rule, gauges)


def start_of_month(
    state: State,
    sec: Section,
    now: int,
    cal: CalendarMonth,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    service: float,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> int:
    """Let every household of section ``s`` earn, save, consume, fall ill and notice the scheme.

    Returns the contacts wanted at the section's health centre. ``work.lists`` says who wants contacts, acts
    on cover and owes a loan.
    """
    first = int(sec.first)
    end = int(sec.end)
    attention = float(rule.attention_before if cal.before_start != 0 else rule.attention)
    wanted = 0
    sec.insured = 0
    work.counts[:] = 0
    if cal.reprice != 0:
        refresh_section(state, sec, now, rule, fixed, work)
    for start in range(first, end, BLOCK):
        n = min(BLOCK, end - start)
        wanted += live_in_block(state, start, n, sec, now, rule, fixed, work, service, strata, flows, tallies)
        take_notice(state, start, n, sec, now, attention, cal, rule, fixed, work)
    explain_month(state, sec, now, service, rule, work, gauges)
    return wanted


compile_kernels(globals())
