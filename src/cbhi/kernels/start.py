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
from cbhi.kernels.cover import has_cover, paid_up, stratum_of
from cbhi.kernels.draws import NOBODY, address, draw_households, fill_blocks
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
    hh: Household, u0: float, u1: float, enforcement: float, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Let the mandate catch up with a household without cover, by two draws: a fine, a service refused."""
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
        is_caught = int(hh.alive) & int(hh.formal == 0) & (1 - has_policy) & (1 - int(has_cover(hh, now)))
        uncovered += is_caught & int((hh.watched != 0) == watched)
    fill_blocks(fixed.key, sec.number, now, DRAW_PENALTY, uncovered, addresses, work.uniforms)
    for i in range(uncovered):
        u0, u1 = float(work.uniforms[0, i]), float(work.uniforms[1, i])
        sanction(households[rows[i]], u0, u1, sec.enforcement, rule, flows, tallies)


def count_by_stratum(n: int, work: Work, strata: I8, tallies: I8) -> int:
    """Add a block's people, insured and episodes to their strata and all; return the insured.

    Each word that is changed is waited for, so several counts share a word while a block is counted: people,
    those with formal cover and the insured 20 bits each, episodes and unsought ones 31.
    """
    of_people, of_episodes, places = work.episodes[2], work.episodes[3], work.episodes[4]
    people, episodes = work.by_stratum[0], work.by_stratum[1]
    # a watched household is counted alone, in its stratum
    first = int(places[0]) if n == 1 else 0
    end = first + 1 if n == 1 else int(people.size)
    for place in range(first, end):
        people[place] = 0
        episodes[place] = 0
    for i in range(n):
        place = places[i]
        people[place] += of_people[i]
        episodes[place] += of_episodes[i]
    persons, formal, insured, all_episodes, unsought = 0, 0, 0, 0, 0
    for place in range(first, end):
        if people[place] == 0 and episodes[place] == 0:
            continue
        stratum = strata[place]
        word = int(people[place])
        stratum[S_PERSON_MONTHS] += word & PEOPLE_MASK
        stratum[S_FORMAL_MONTHS] += (word >> PEOPLE_BITS) & PEOPLE_MASK
        stratum[S_INSURED_MONTHS] += word >> 2 * PEOPLE_BITS
        persons += word & PEOPLE_MASK
        formal += (word >> PEOPLE_BITS) & PEOPLE_MASK
        insured += word >> 2 * PEOPLE_BITS
        word = int(episodes[place])
        stratum[S_EPISODES] += word & EPISODE_MASK
        stratum[S_FORGONE_UNSOUGHT] += word >> EPISODE_BITS
        all_episodes += word & EPISODE_MASK
        unsought += word >> EPISODE_BITS
    tallies[PERSON_MONTHS] += persons
    tallies[FORMAL_MONTHS] += formal
    tallies[INSURED] += insured
    tallies[EPISODES] += all_episodes
    tallies[FORGONE_UNSOUGHT] += unsought
    tallies[CONTACTS_WANTED] += all_episodes - unsought
    return insured


def pack_people(
    households: Table, start: int, n: int, watched: bool, now: int, honoured: int, people: I8, places: I8
) -> int:
    """Write a block's strata and counts of people, several in a word; return the households with cover.

    Without branches that nobody could guess: those who do not count add nothing.
    """
    covered = 0
    for i in range(n):
        hh = households[start + i]
        mine = int(hh.alive) if (hh.watched != 0) == watched else 0
        size = mine * int(hh.n_members)
        formal = size if hh.formal != 0 else 0
        active = mine if int(hh.cover_from) <= now else 0
        active = active if now < int(hh.cover_until) else 0
        active = active if int(hh.n_enrolled) > 0 else 0
        insured = active * honoured * int(hh.n_enrolled)
        people[i] = size + (formal << PEOPLE_BITS) + (insured << 2 * PEOPLE_BITS)
        places[i] = stratum_of(hh)
        covered += active
    return covered


def note_contacts(
    households: Table, start: int, n: int, watched: bool, sought: I8, unsought: I8, words: I8
) -> int:
    """Note the contacts that a block wants, and pack its episodes; return the contacts."""
    contacts = 0
    for i in range(n):
        hh = households[start + i]
        mine = int(hh.alive) if (hh.watched != 0) == watched else 0
        wanted = mine * sought[i]
        forgone = mine * unsought[i]
        words[i] = wanted + forgone + (forgone << EPISODE_BITS)
        contacts += wanted
        hh.contacts = wanted if mine != 0 else int(hh.contacts)
        hh.away = 0 if mine != 0 else int(hh.away)
    return contacts


def end_rolling_cover(households: Table, start: int, n: int, watched: bool, now: int) -> None:
    """Let cover of a block that runs out now and that nobody has acted on count as not thought of."""
    ended = 0
    for i in range(n):
        hh = households[start + i]
        ended += 1 if int(hh.cover_until) == now else 0
    if ended == 0:
        return
    for i in range(n):
        hh = households[start + i]
        if int(hh.cover_until) != now or hh.standing != STANDING_PAID:
            continue
        if hh.alive != 0 and (hh.watched != 0) == watched:
            hh.standing = STANDING_INATTENTIVE
            hh.wish = 0.0


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

    ``honoured`` is 0 where the scheme is suspended, else 1.
    """
    households = state.households
    sought, unsought, people, episodes, places = (
        work.episodes[0], work.episodes[1], work.episodes[2], work.episodes[3], work.episodes[4],
    )  # fmt: skip
    covered = pack_people(households, start, n, watched, now, honoured, people, places)
    tallies[HOUSEHOLD_MONTHS_INSURED] += covered
    contacts = note_contacts(households, start, n, watched, sought, unsought, episodes)
    end_rolling_cover(households, start, n, watched, now)
    sec.insured += count_by_stratum(n, work, strata, tallies)
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
        enforce_mandate(state, start, n, watched, sec, now, rule, fixed, work, flows, tallies)
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
