"""What a household lives through once a year, in its own month: ageing, consumption, marriage."""

from __future__ import annotations

from cbhi.kernels.codes import (
    AT_ANNIVERSARY,
    CATASTROPHIC,
    CATASTROPHIC_25,
    DRAW_CONSUMPTION,
    HOUSEHOLDS_FORMED,
    MARRIAGES_WITHOUT_ROOM,
    S_AT_ANNIVERSARY,
    S_CATASTROPHIC,
    S_CATASTROPHIC_25,
    STANDING_INATTENTIVE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import is_paid_up, stratum_of
from cbhi.kernels.demography import (
    dissolve,
    live_a_year,
    marry,
    may_become_groom,
    nearest_partner,
    note_partner,
)
from cbhi.kernels.draws import NOBODY, block, normal_quantile
from cbhi.kernels.health import refresh_odds, refresh_rates
from cbhi.kernels.income import next_position
from cbhi.kernels.notes import interview, note_after, note_before, note_moved, start_watching
from cbhi.kernels.records import I8, Fixed, Household, Rule, Section, State, Table, Work

CATASTROPHIC_SHARE = 0.10
CATASTROPHIC_SHARE_HIGH = 0.25


def refresh_household(hh: Household, mm: Table, now: int, rule: Rule, fixed: Fixed) -> None:
    """Bring a household's formal cover, rates, income and odds of seeking care up to date."""
    formal = float(hh.formal_score) < rule.formal_share
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
    refresh_rates(hh, mm, now, rule, fixed)
    refresh_odds(hh, mm, now, rule, fixed)


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


def gather_partners(
    households: Table, members: Table, sec: Section, now: int, fixed: Fixed, work: Work, partners: int
) -> int:
    """Note the unmarried men of households without an anniversary this month; return the grown count."""
    for h in range(sec.first, sec.end):
        hh = households[h]
        mm = members[h]
        if hh.alive == 0 or (sec.number + int(hh.ordinal)) % 12 == now % 12:
            continue
        for k in range(int(hh.n_members)):
            if partners < work.partners.size and may_become_groom(mm[k], now):
                note_partner(hh, mm[k], h, sec, now, fixed, work, partners)
                partners += 1
    return partners


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
    households = state.households
    members = state.members
    gg = state.groups
    section = sec.number
    dist = state.districts[sec.district]
    district_z = dist.z
    movers = 0
    partners = 0
    end = sec.end
    for h in range(sec.first, end):
        hh = households[h]
        mm = members[h]
        ordinal = int(hh.ordinal)
        if hh.alive == 0 or (section + ordinal) % 12 != now % 12:
            continue
        count_catastrophic(hh, strata[stratum_of(hh)], tallies)
        watched = hh.watched != 0
        if watched:
            interview(state.watch, hh, mm, sec, is_paid_up(hh, now), now, rule)
            note_before(state.watch, flows, tallies)
        hh.out_of_pocket = 0
        u0, _, _, _ = block(fixed.key, section, ordinal, NOBODY, now, DRAW_CONSUMPTION, 0)
        hh.z = next_position(float(hh.z), district_z, fixed.persistence, fixed.within_sd, normal_quantile(u0))
        movers, partners = live_a_year(
            hh, mm, h, sec, dist, gg, now, rule, fixed, work, movers, partners, flows, tallies
        )
        if hh.alive != 0:
            refresh_household(hh, mm, now, rule, fixed)
        if watched:
            note_after(state.watch, hh, flows, tallies)
    searched_everywhere = False
    for i in range(movers):
        bride_h = int(work.movers[i])
        best = nearest_partner(work, partners, bride_h)
        if best < 0 and not searched_everywhere:
            # a small section has few anniversaries a month: look among all its households
            partners = gather_partners(households, members, sec, now, fixed, work, partners)
            searched_everywhere = True
            best = nearest_partner(work, partners, bride_h)
        if best < 0:
            continue
        if sec.end >= sec.limit:
            tallies[MARRIAGES_WITHOUT_ROOM] += 1
            continue
        groom_h = int(work.partners[best])
        bride_had = int(households[bride_h].cash)
        groom_had = int(households[groom_h].cash)
        h = marry(
            households,
            members,
            sec,
            gg,
            district_z,
            bride_h,
            int(work.mover_member[i]),
            groom_h,
            int(work.partner_member[best]),
            now,
            fixed,
        )
        work.partner_member[best] = -1
        tallies[HOUSEHOLDS_FORMED] += 1
        refresh_household(households[h], members[h], now, rule, fixed)
        start_watching(state.watch, households[h], sec, now, fixed)
        note_moved(state.watch, households[bride_h], int(households[bride_h].cash) - bride_had)
        note_moved(state.watch, households[groom_h], int(households[groom_h].cash) - groom_had)
        note_moved(state.watch, households[h], int(households[h].cash))
        for side in range(2):
            origin = bride_h if side == 0 else groom_h
            hh = households[origin]
            if hh.alive != 0 and int(hh.n_members) == 0:
                if hh.watched != 0:
                    note_before(state.watch, flows, tallies)
                dissolve(hh, sec, dist, gg, flows, tallies)
                if hh.watched != 0:
                    note_after(state.watch, hh, flows, tallies)
            elif hh.alive != 0:
                refresh_household(hh, members[origin], now, rule, fixed)


compile_kernels(globals())
