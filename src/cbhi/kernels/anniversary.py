"""What a household lives through once a year, in its own month: ageing, consumption, marriage.

The section's households whose month it is are listed first and then go through passes, so that what is drawn
and weighed for all of them is so at once.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    AT_ANNIVERSARY,
    CATASTROPHIC,
    CATASTROPHIC_25,
    DRAW_CONSUMPTION,
    DRAW_LIFE,
    FIRST_FOUNDED,
    HOUSEHOLDS_FORMED,
    LIST_ANNIVERSARIES,
    MARRIAGES_WITHOUT_ROOM,
    MEMBER_SLOTS,
    S_AT_ANNIVERSARY,
    S_CATASTROPHIC,
    S_CATASTROPHIC_25,
    STANDING_INATTENTIVE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import is_paid_up, stratum_of
from cbhi.kernels.demography import (
    dissolve,
    draw_partners,
    happens_to_any,
    judge_year,
    list_members,
    live_a_year,
    marry,
    may_become_groom,
    nearest_partner,
    note_partner,
)
from cbhi.kernels.draws import LANES, NOBODY, address, fill_blocks, normal_quantile
from cbhi.kernels.fetching import AHEAD, fetching
from cbhi.kernels.health import care_terms, refresh_odds, refresh_odds_of_rows, refresh_rates, set_rates
from cbhi.kernels.income import next_position
from cbhi.kernels.notes import interview, note_after, note_before, note_moved, start_watching
from cbhi.kernels.records import I8, Fixed, Household, Rule, Section, State, Table, Work

CATASTROPHIC_SHARE = 0.10
CATASTROPHIC_SHARE_HIGH = 0.25

# what the passes over a year read, in this order
fetch_past = fetching("z", "out_of_pocket", "income")
fetch_people = fetching("born", "ordinal", "sex")
fetch_traits = fetching("formal_score", "shared_frailty", "distance_km")
fetch_members = fetching("born", "frailty")
fetch_more = fetching("frailty")


def follow_employment(hh: Household, now: int, formal_share: float) -> None:
    """Give a household formal cover, or take it away, as the share of the year has it."""
    formal = float(hh.formal_score) < formal_share
    if formal and hh.formal == 0:
        # formal cover replaces membership; this is no lapse
        hh.cover_until = min(int(hh.cover_until), now)
        hh.paid_before = 0
        hh.subsidised = 0
        hh.wants_group = 0
        hh.standing = STANDING_INATTENTIVE
        hh.standing_next = STANDING_INATTENTIVE
        hh.wish = 0.0
        hh.wish_next = 0.0
    hh.formal = 1 if formal else 0


def refresh_household(hh: Household, mm: Table, now: int, rule: Rule, fixed: Fixed) -> None:
    """Bring a household's formal cover, rates, income and odds of seeking care up to date."""
    follow_employment(hh, now, rule.formal_share)
    refresh_rates(hh, mm, now, rule, fixed)
    refresh_odds(hh, mm, now, rule, fixed)


def refresh_rows(state: State, rows: I8, n: int, now: int, rule: Rule, fixed: Fixed, work: Work) -> None:
    """Do for the first ``n`` rows listed what ``refresh_household`` does for one."""
    households = state.households
    members = state.members
    terms = care_terms(rule)
    for begin in range(0, n, LANES):
        lanes = min(LANES, n - begin)
        listed = rows[begin : begin + lanes]
        for i in range(lanes):
            hh = households[listed[i]]
            ahead = listed[min(i + AHEAD, lanes - 1)]
            fetch_traits(households[ahead])
            fetch_members(members[ahead])
            fetch_more(members[ahead][4])
            follow_employment(hh, now, rule.formal_share)
            needs = work.few_weights if int(hh.n_members) <= work.few_weights.size else work.weights
            mm = members[listed[i]]
            set_rates(hh, mm, now, rule.need_rate, rule.chronic_factor, fixed.need_by_age, needs)
        refresh_odds_of_rows(households, members, listed, lanes, now, terms, work.lanes)


def refresh_section(state: State, sec: Section, now: int, rule: Rule, fixed: Fixed, work: Work) -> None:
    """Bring all living households of a section up to date, after rules that they live by have changed."""
    rows = work.lists[LIST_ANNIVERSARIES]
    n = 0
    for h in range(sec.first, sec.end):
        if state.households[h].alive != 0:
            rows[n] = h
            n += 1
    refresh_rows(state, rows, n, now, rule, fixed, work)


def count_catastrophic(hh: Household, stratum: I8, tallies: I8) -> None:
    """Count a household whose out-of-pocket spending of the year exceeds 10 %, or 25 %, of consumption."""
    persons = int(hh.n_members)
    tallies[AT_ANNIVERSARY] += persons
    stratum[S_AT_ANNIVERSARY] += persons
    consumption = 12.0 * int(hh.income)
    if int(hh.out_of_pocket) > CATASTROPHIC_SHARE * consumption:
        tallies[CATASTROPHIC] += persons
        stratum[S_CATASTROPHIC] += persons
    if int(hh.out_of_pocket) > CATASTROPHIC_SHARE_HIGH * consumption:
        tallies[CATASTROPHIC_25] += persons
        stratum[S_CATASTROPHIC_25] += persons


def list_anniversaries(households: Table, sec: Section, now: int, rows: I8) -> int:
    """List the rows of living households with their anniversary this month, in order; return how many.

    A household's ordinal decides on its month. Ordinals of the founded count up, and so do those of the
    start unless a supplied population leaves some out (rows follow ordinals): every twelfth row then.
    """
    founders_end = sec.end - sec.founded
    lowest = int(households[sec.first].ordinal) if founders_end > sec.first else 0
    highest = int(households[founders_end - 1].ordinal) if founders_end > sec.first else -1
    n = 0
    if highest - lowest == founders_end - 1 - sec.first:
        n = list_every_twelfth(households, sec.first, founders_end, lowest + sec.number - now, rows, n)
    else:
        for h in range(sec.first, founders_end):
            hh = households[h]
            if hh.alive != 0 and (sec.number + int(hh.ordinal)) % 12 == now % 12:
                rows[n] = h
                n += 1
    return list_every_twelfth(households, founders_end, sec.end, FIRST_FOUNDED + sec.number - now, rows, n)


def list_every_twelfth(households: Table, first: int, end: int, late: int, rows: I8, n: int) -> int:
    """Add rows whose turn it is to ``n`` listed ones; the first had its turn ``late`` months ago."""
    for h in range(first + (-late) % 12, end, 12):
        if households[h].alive != 0:
            rows[n] = h
            n += 1
    return n


def begin_years(
    state: State,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    n: int,
    strata: I8,
    tallies: I8,
) -> None:
    """Look back at the year of the ``n`` households listed, and move their consumption for the next."""
    households = state.households
    rows = work.lists[LIST_ANNIVERSARIES]
    addresses = work.addresses
    uniforms = work.uniforms
    district_z = state.districts[sec.district].z
    persistence = fixed.persistence
    within_sd = fixed.within_sd
    for begin in range(0, n, LANES):
        lanes = min(LANES, n - begin)
        for i in range(lanes):
            addresses[i] = address(int(households[rows[begin + i]].ordinal), NOBODY)
        fill_blocks(fixed.key, sec.number, now, DRAW_CONSUMPTION, lanes, addresses, uniforms)
        for i in range(lanes):
            hh = households[rows[begin + i]]
            fetch_past(households[rows[min(begin + i + AHEAD, n - 1)]])
            count_catastrophic(hh, strata[stratum_of(hh)], tallies)
            if hh.watched != 0:
                mm = state.members[rows[begin + i]]
                interview(state.watch, hh, mm, sec, is_paid_up(hh, now), now, rule)
            hh.out_of_pocket = 0
            normal = normal_quantile(float(uniforms[0, i]))
            hh.z = next_position(float(hh.z), district_z, persistence, within_sd, normal)


def live_years(
    state: State,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    n: int,
    flows: I8,
    tallies: I8,
) -> tuple[int, int]:
    """Let the ``n`` households listed live their demographic year; return women who marry and men noted."""
    households = state.households
    members = state.members
    rows = work.lists[LIST_ANNIVERSARIES]
    addresses = work.addresses
    persons = work.persons
    events = work.events
    movers = 0
    partners = 0
    done = 0
    while done < n:
        begin = done
        lanes = 0
        while done < n and lanes + MEMBER_SLOTS <= LANES:
            fetch_people(members[rows[min(done + AHEAD, n - 1)]])
            lanes = list_members(households[rows[done]], members[rows[done]], now, addresses, persons, lanes)
            done += 1
        fill_blocks(fixed.key, sec.number, now, DRAW_LIFE, lanes, addresses, work.uniforms)
        judge_year(lanes, persons, work.uniforms, rule, events)
        lane = 0
        for i in range(begin, done):
            h = int(rows[i])
            hh = households[h]
            size = int(hh.n_members)
            if happens_to_any(events, lane, size):
                if hh.watched != 0:
                    note_before(state.watch, flows, tallies)
                movers, partners = live_a_year(
                    hh, members[h], h, sec, state.districts[sec.district], state.groups, now, rule, fixed,
                    work, lane, movers, partners, flows, tallies,
                )  # fmt: skip
                if hh.watched != 0:
                    note_after(state.watch, hh, flows, tallies)
            lane += size
    return movers, partners


def gather_partners(
    households: Table, members: Table, sec: Section, now: int, fixed: Fixed, work: Work, partners: int
) -> int:
    """Note the unmarried men of households without an anniversary this month; return the grown count."""
    before = partners
    for h in range(sec.first, sec.end):
        hh = households[h]
        mm = members[h]
        if hh.alive == 0 or (sec.number + int(hh.ordinal)) % 12 == now % 12:
            continue
        for k in range(int(hh.n_members)):
            if partners < work.partners.size and may_become_groom(mm[k], now):
                note_partner(work, partners, h, int(mm[k].ordinal))
                partners += 1
    draw_partners(households, sec.number, now, fixed, work, before, partners)
    return partners


def found_household(
    state: State,
    sec: Section,
    bride_h: int,
    bride: int,
    groom_h: int,
    groom: int,
    now: int,
    fixed: Fixed,
    flows: I8,
    tallies: I8,
) -> None:
    """Marry two people, whose household of origin ends where nobody stays; notes follow who is watched."""
    households = state.households
    dist = state.districts[sec.district]
    had_bride = int(households[bride_h].cash)
    had_groom = int(households[groom_h].cash)
    h = marry(
        households, state.members, sec, state.groups, dist.z, bride_h, bride, groom_h, groom, now, fixed
    )
    tallies[HOUSEHOLDS_FORMED] += 1
    start_watching(state.watch, households[h], sec, now, fixed)
    note_moved(state.watch, households[bride_h], int(households[bride_h].cash) - had_bride)
    note_moved(state.watch, households[groom_h], int(households[groom_h].cash) - had_groom)
    note_moved(state.watch, households[h], int(households[h].cash))
    for side in range(2):
        hh = households[bride_h if side == 0 else groom_h]
        if hh.alive != 0 and int(hh.n_members) == 0:
            if hh.watched != 0:
                note_before(state.watch, flows, tallies)
            dissolve(hh, sec, dist, state.groups, flows, tallies)
            if hh.watched != 0:
                note_after(state.watch, hh, flows, tallies)


def marry_couples(
    state: State,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    movers: int,
    partners: int,
    flows: I8,
    tallies: I8,
) -> None:
    """Find each woman who marries a man among those noted, and let the two found a household."""
    draw_partners(state.households, sec.number, now, fixed, work, 0, partners)
    of_this_month = partners
    searched_everywhere = False
    for i in range(movers):
        bride_h = int(work.movers[i])
        best = nearest_partner(work, partners, bride_h)
        if best < 0 and not searched_everywhere:
            # a small section has few anniversaries a month: look among all its households
            partners = gather_partners(state.households, state.members, sec, now, fixed, work, partners)
            searched_everywhere = True
            best = nearest_partner(work, partners, bride_h)
        if best < 0:
            continue
        if sec.end >= sec.limit:
            tallies[MARRIAGES_WITHOUT_ROOM] += 1
            continue
        groom_h = int(work.partners[best])
        found_household(
            state, sec, bride_h, int(work.mover_member[i]), groom_h, int(work.partner_member[best]), now,
            fixed, flows, tallies,
        )  # fmt: skip
        work.partner_member[best] = -1
        if best >= of_this_month and state.households[groom_h].alive != 0:
            # the others are brought up to date together with all whose anniversary it is
            refresh_household(state.households[groom_h], state.members[groom_h], now, rule, fixed)


def pass_anniversaries(
    state: State,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Age the twelfth of households whose anniversary this is: consumption, births, deaths, marriages."""
    rows = work.lists[LIST_ANNIVERSARIES]
    n = list_anniversaries(state.households, sec, now, rows)
    begin_years(state, sec, now, rule, fixed, work, n, strata, tallies)
    movers, partners = live_years(state, sec, now, rule, fixed, work, n, flows, tallies)
    end = sec.end
    if movers > 0:
        marry_couples(state, sec, now, rule, fixed, work, movers, partners, flows, tallies)
    living = 0
    for i in range(n):
        if state.households[rows[i]].alive != 0:
            rows[living] = rows[i]
            living += 1
    refresh_rows(state, rows, living, now, rule, fixed, work)
    for h in range(end, sec.end):
        refresh_household(state.households[h], state.members[h], now, rule, fixed)


compile_kernels(globals())
