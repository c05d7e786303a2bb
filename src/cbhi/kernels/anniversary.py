"""What a household lives through once a year, in its own month: ageing, consumption, marriage."""

from __future__ import annotations

from cbhi.kernels.codes import (
    CATASTROPHIC,
    DRAW_CONSUMPTION,
    HOUSEHOLDS_FORMED,
    MARRIAGES_WITHOUT_ROOM,
    Q_CATASTROPHIC,
    STANDING_INATTENTIVE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.demography import dissolve, live_a_year, marry, nearest_partner, slot_of
from cbhi.kernels.draws import NOBODY, block, normal_quantile
from cbhi.kernels.health import refresh_odds, refresh_rates
from cbhi.kernels.income import next_position
from cbhi.kernels.records import I8, Fixed, Households, Members, Rule, Section, State, Work

CATASTROPHIC_SHARE = 0.10


def refresh_household(hh: Households, mm: Members, h: int, now: int, rule: Rule, fixed: Fixed) -> None:
    """Bring a household's formal cover, rates, income and odds of seeking care up to date."""
    formal = float(hh.formal_score[h]) < rule.formal_share
    if formal and hh.formal[h] == 0:
        # formal cover replaces membership; this is no lapse
        hh.cover_until[h] = min(int(hh.cover_until[h]), now)
        hh.paid_before[h] = 0
        hh.subsidised[h] = 0
        hh.standing[h] = STANDING_INATTENTIVE
        hh.standing_next[h] = STANDING_INATTENTIVE
        hh.wish[h] = 0.0
        hh.wish_next[h] = 0.0
    hh.formal[h] = 1 if formal else 0
    refresh_rates(hh, mm, h, now, rule, fixed)
    refresh_odds(hh, mm, h, now, rule, fixed)


def pass_anniversaries(
    state: State,
    sec: Section,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    quintiles: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Age the twelfth of households whose anniversary this is: consumption, births, deaths, marriages."""
    hh = state.households
    mm = state.members
    gg = state.groups
    section = sec.number
    district_z = state.districts[sec.district].z
    movers = 0
    partners = 0
    end = sec.end
    for h in range(sec.first, end):
        ordinal = h - sec.first
        if hh.alive[h] == 0 or (section + ordinal) % 12 != now % 12:
            continue
        if int(hh.out_of_pocket[h]) > CATASTROPHIC_SHARE * 12.0 * int(hh.income[h]):
            tallies[CATASTROPHIC] += int(hh.n_members[h])
            quintiles[int(hh.quintile[h]), Q_CATASTROPHIC] += int(hh.n_members[h])
        hh.out_of_pocket[h] = 0
        u0, _, _, _ = block(fixed.key, section, ordinal, NOBODY, now, DRAW_CONSUMPTION, 0)
        hh.z[h] = next_position(
            float(hh.z[h]), district_z, fixed.persistence, fixed.within_sd, normal_quantile(u0)
        )
        movers, partners = live_a_year(
            hh, mm, h, sec, gg, now, rule, fixed, work, movers, partners, flows, tallies
        )
        if hh.alive[h] != 0:
            refresh_household(hh, mm, h, now, rule, fixed)
    for i in range(movers):
        bride_h = int(work.movers[i])
        best = nearest_partner(work, partners, bride_h)
        if best < 0 or slot_of(hh, mm, bride_h, int(work.mover_member[i])) < 0:
            continue
        if sec.end >= sec.limit:
            tallies[MARRIAGES_WITHOUT_ROOM] += 1
            continue
        groom_h = int(work.partners[best])
        h = marry(
            hh,
            mm,
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
        refresh_household(hh, mm, h, now, rule, fixed)
        for side in range(2):
            origin = bride_h if side == 0 else groom_h
            if hh.alive[origin] != 0 and int(hh.n_members[origin]) == 0:
                dissolve(hh, origin, gg, sec.group_first, flows, tallies)
            elif hh.alive[origin] != 0:
                refresh_household(hh, mm, origin, now, rule, fixed)


compile_kernels(globals())
