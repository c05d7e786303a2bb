"""The start of a section's month: every household earns, saves, is counted, falls ill and takes notice.

This is the only event that touches every household every month, so it goes in passes over blocks of
``BLOCK`` rows whose fields and draws stay in the nearest cache: each pass is a plain loop over one equation,
which the compiler turns into vectors where nothing rare happens in it. What is rare (a wish for care, a fine,
an attentive moment) is found by comparing a draw and done for those alone. Watched households go through the
same passes, in blocks of one, so that what they book can be noted as their own.
"""

from __future__ import annotations

import math

from cbhi.kernels.anniversary import list_anniversaries, refresh_section
from cbhi.kernels.care import send_elsewhere
from cbhi.kernels.codes import (
    CONTACTS_WANTED,
    DRAW_MONTH,
    DRAW_PENALTY,
    DRAW_REGISTER,
    EPISODES,
    FORGONE_UNSOUGHT,
    FORMAL_MONTHS,
    GATE_REFUSALS,
    GROUP_SAVING,
    HOUSEHOLD_MONTHS_INSURED,
    INSURED,
    LIST_ACTING,
    LIST_ANNIVERSARIES,
    LIST_BORROWERS,
    LIST_PATIENTS,
    NO_GROUP,
    PENALTIES,
    PENALTY,
    PERSON_MONTHS,
    S_EPISODES,
    S_FORGONE_UNSOUGHT,
    S_FORMAL_MONTHS,
    S_INSURED_MONTHS,
    S_PERSON_MONTHS,
    STANDING_INATTENTIVE,
    STANDING_PAID,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import has_cover, is_paid_up, stratum_of
from cbhi.kernels.draws import NOBODY, address, block, draw_households, fill_blocks
from cbhi.kernels.enrolment import due_at, prices_of
from cbhi.kernels.groups import put_into_box, saving_of_month
from cbhi.kernels.income import live_through
from cbhi.kernels.loans import outstanding
from cbhi.kernels.money import to_francs
from cbhi.kernels.need import draw_counts, expect_contacts, explain_unsought
from cbhi.kernels.notes import note_after, note_before
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
# counts that share a word: BLOCK households of at most 127 people, and at most 2 * MOST_EPISODES each
PEOPLE_BITS = 20
PEOPLE_MASK = (1 << PEOPLE_BITS) - 1
EPISODE_BITS = 31
EPISODE_MASK = (1 << EPISODE_BITS) - 1
# what a household does about cover this month (``Household.acts``)
ATTENTIVE = 1
REGISTERED = 2


def sanction(
    hh: Household,
    section: int,
    ordinal: int,
    now: int,
    enforcement: float,
    rule: Rule,
    key: tuple[int, int],
    flows: I8,
    tallies: I8,
) -> None:
    """Let the mandate catch up with a household without cover: a fine, a service refused."""
    u0, u1, _, _ = block(key, section, ordinal, NOBODY, now, DRAW_PENALTY, 0)
    if u0 < rule.enforcement_max * enforcement / 12.0:
        fine = min(int(hh.cash), rule.penalty_rwf)
        hh.cash = int(hh.cash) - fine
        flows[PENALTY] += fine
        tallies[PENALTIES] += 1 if fine > 0 else 0
    if u1 < rule.gate_probability * enforcement:
        tallies[GATE_REFUSALS] += 1


def put_savings_aside(
    state: State, start: int, n: int, watched: bool, sec: Section, rule: Rule, flows: I8, savings: I8
) -> None:
    """Let households of a block save with their associations; ``savings`` is a buffer."""
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
        savings[i] = saving if (hh.watched != 0) == watched else 0
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
    watched: bool,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    flows: I8,
    tallies: I8,
) -> None:
    """Let the mandate catch up with the households of a block that have no cover."""
    for i in range(n):
        hh = state.households[start + i]
        if hh.formal != 0 or has_cover(hh, now) or hh.alive == 0 or (hh.watched != 0) != watched:
            continue
        if not is_paid_up(hh, now):
            sanction(hh, sec.number, int(hh.ordinal), now, sec.enforcement, rule, fixed.key, flows, tallies)


def count_by_stratum(state: State, start: int, n: int, watched: bool, work: Work, strata: I8) -> None:
    """Add a block's people, insured and episodes to their strata.

    Several counts share a word while a block is counted, since each word that is changed is waited for:
    people, those with formal cover and the insured 20 bits each, episodes and unsought ones 31.
    """
    wanted, forgone, insured_of = work.episodes[0], work.episodes[1], work.episodes[2]
    people, episodes = work.by_stratum[0], work.by_stratum[1]
    people[:] = 0
    episodes[:] = 0
    for i in range(n):
        hh = state.households[start + i]
        mine = int(hh.alive) if (hh.watched != 0) == watched else 0
        size = mine * int(hh.n_members)
        formal = size if hh.formal != 0 else 0
        place = stratum_of(hh)
        people[place] += size | (formal << PEOPLE_BITS) | (insured_of[i] << 2 * PEOPLE_BITS)
        episodes[place] += mine * (wanted[i] + forgone[i] + (forgone[i] << EPISODE_BITS))
    for place in range(people.size):
        stratum = strata[place]
        word = int(people[place])
        stratum[S_PERSON_MONTHS] += word & PEOPLE_MASK
        stratum[S_FORMAL_MONTHS] += (word >> PEOPLE_BITS) & PEOPLE_MASK
        stratum[S_INSURED_MONTHS] += word >> 2 * PEOPLE_BITS
        word = int(episodes[place])
        stratum[S_EPISODES] += word & EPISODE_MASK
        stratum[S_FORGONE_UNSOUGHT] += word >> EPISODE_BITS


def count_block(
    state: State,
    start: int,
    n: int,
    watched: bool,
    sec: Section,
    now: int,
    honoured: int,
    work: Work,
    strata: I8,
    tallies: I8,
) -> int:
    """Count a block's people, insured and episodes of the month; return the contacts wanted.

    ``honoured`` is 0 where the scheme is suspended, else 1. Without branches that nobody could guess: those
    who do not count add nothing.
    """
    wanted, forgone, insured_of = work.episodes[0], work.episodes[1], work.episodes[2]
    persons, formal, insured, covered, contacts, unsought = 0, 0, 0, 0, 0, 0
    for i in range(n):
        hh = state.households[start + i]
        mine = int(hh.alive) if (hh.watched != 0) == watched else 0
        size = mine * int(hh.n_members)
        active = mine if int(hh.cover_from) <= now else 0
        active = active if now < int(hh.cover_until) else 0
        active = active if int(hh.n_enrolled) > 0 else 0
        insured_of[i] = active * honoured * int(hh.n_enrolled)
        persons += size
        formal += size if hh.formal != 0 else 0
        insured += insured_of[i]
        covered += active
        contacts += mine * wanted[i]
        unsought += mine * forgone[i]
        hh.contacts = wanted[i] if mine != 0 else int(hh.contacts)
        hh.away = 0 if mine != 0 else int(hh.away)
        # rolling cover has run out and nobody has acted on it yet
        ran_out = mine if int(hh.cover_until) == now else 0
        ran_out = ran_out if hh.standing == STANDING_PAID else 0
        hh.standing = STANDING_INATTENTIVE if ran_out != 0 else int(hh.standing)
        hh.wish = 0.0 if ran_out != 0 else float(hh.wish)
    count_by_stratum(state, start, n, watched, work, strata)
    sec.insured += insured
    tallies[PERSON_MONTHS] += persons
    tallies[FORMAL_MONTHS] += formal
    tallies[INSURED] += insured
    tallies[HOUSEHOLD_MONTHS_INSURED] += covered
    tallies[EPISODES] += contacts + unsought
    tallies[FORGONE_UNSOUGHT] += unsought
    tallies[CONTACTS_WANTED] += contacts
    return contacts


def divide_contacts(
    state: State, start: int, n: int, watched: bool, sec: Section, now: int, rule: Rule, fixed: Fixed
) -> int:
    """Let members take contacts to other health centres; return how many stay away from home."""
    dist = state.districts[sec.district]
    away = 0
    for i in range(n):
        hh = state.households[start + i]
        if hh.alive == 0 or (hh.watched != 0) != watched:
            continue
        wanted = int(hh.contacts)
        active = has_cover(hh, now) and sec.suspended == 0
        away += wanted - send_elsewhere(hh, sec, dist, now, active, rule, fixed)
    return away


def live_in_block(
    state: State,
    start: int,
    n: int,
    watched: bool,
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
    """Take the watched, or the other, households of a block through the start of the month.

    Returns the contacts wanted at home.
    """
    households = state.households
    dist = state.districts[sec.district]
    draws = work.draws
    draw_households(
        households, start, n, fixed.key, sec.number, now, DRAW_MONTH, draws[0], draws[1], draws[2], draws[3]
    )
    dist.formal_contributions += live_through(
        households, start, n, watched, dist.harvest, draws[2], rule, flows
    )
    if rule.group_savings != 0:
        # nobody's episodes are counted yet
        put_savings_aside(state, start, n, watched, sec, rule, flows, work.episodes[0])
    if rule.compulsory != 0 and now >= sec.opens:
        enforce_mandate(state, start, n, watched, sec, now, rule, fixed, flows, tallies)
    month_share = rule.illness_season * dist.illness / 12.0
    honoured = 0 if sec.suspended != 0 else 1
    sought, unsought = work.expected[0], work.expected[1]
    expect_contacts(households, start, n, now, month_share, service, float(honoured), rule, sought, unsought)
    draw_counts(draws[0], sought, n, work.episodes[0])
    draw_counts(draws[1], unsought, n, work.episodes[1])
    contacts = count_block(state, start, n, watched, sec, now, honoured, work, strata, tallies)
    if rule.portability_share > 0.0:
        contacts -= divide_contacts(state, start, n, watched, sec, now, rule, fixed)
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
        holders += int(hh.alive) if hh.subsidised != 0 else 0
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
        acting += int(hh.alive) if hh.acts != 0 else 0
        work.lists[LIST_PATIENTS, patients] = start + i
        patients += int(hh.alive) if int(hh.contacts) + int(hh.away) > 0 else 0
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
        borrowers += int(hh.alive) if outstanding(hh) > 0 else 0
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
    households = state.households
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
        if state.watch.asked.size > 0:
            # before the others, whose draws the lists below still need
            for i in range(n):
                hh = households[start + i]
                if hh.watched != 0 and hh.alive != 0:
                    note_before(state.watch, flows, tallies)
                    wanted += live_in_block(
                        state, start + i, 1, True, sec, now, rule, fixed, work, service, strata, flows,
                        tallies,
                    )  # fmt: skip
                    note_after(state.watch, hh, flows, tallies)
        wanted += live_in_block(
            state, start, n, False, sec, now, rule, fixed, work, service, strata, flows, tallies
        )
        take_notice(state, start, n, sec, now, attention, cal, rule, fixed, work)
    explain_month(state, sec, now, service, rule, work, gauges)
    return wanted


compile_kernels(globals())
