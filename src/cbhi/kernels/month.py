"""The one fixed order of events in a month, and the loop over months.

Within a section: income and cash; need and wanted contacts; capacity and order of service; visits and
bills; claims and the fund; provider, trust and enforcement; enrolment; a twelfth of the yearly
demography; measurement. Then the districts: pools and hospitals. Sections meet only through pools,
national ranks and totals.
"""

from __future__ import annotations

import math

from cbhi.kernels.anniversary import pass_anniversaries, refresh_household
from cbhi.kernels.care import explain_unsought, give_care, has_cover, need_care
from cbhi.kernels.codes import (
    CAPACITY,
    DRAW_HARVEST,
    DRAW_MONTH,
    DRAW_PENALTY,
    FLOW_PAYEE,
    FLOW_PAYER,
    FORGONE_REFUSED,
    GATE_REFUSALS,
    GAUGE_CLINICIANS,
    GOVERNMENT,
    HEALTH_CENTRES,
    HOSPITALS,
    HOUSEHOLD_MONTHS_INSURED,
    INSURED,
    N_FLOWS,
    N_SECTORS,
    PENALTIES,
    PENALTY,
    POOLS,
    REFUSED_AND_PAID,
    RUNNING_COST_HEALTH_CENTRE,
    RUNNING_COST_HOSPITAL,
    SALARIES,
    SECTION_FUNDS,
    STANDING_INATTENTIVE,
    STANDING_PAID,
    STOCK_PAYABLES_POOL,
    STOCK_PAYABLES_SECTION,
    UNIT_PERSON,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, block, normal_quantile
from cbhi.kernels.enrolment import is_paid_up, may_buy, seek_cover_as_household, seek_cover_as_persons
from cbhi.kernels.fund import (
    fund_pool,
    gather_into_national_pool,
    hand_out,
    settle_pool_claims,
    settle_section_claims,
    share_out,
)
from cbhi.kernels.governance import update_enforcement, update_trust
from cbhi.kernels.income import live_a_month
from cbhi.kernels.measure import measure_section
from cbhi.kernels.money import to_francs
from cbhi.kernels.provider import monthly_capacity, service_factor, spend, update_provider
from cbhi.kernels.records import (
    F8,
    I8,
    CalendarMonth,
    Fixed,
    Household,
    Output,
    Rule,
    Section,
    State,
    Table,
    Work,
)
from cbhi.kernels.targeting import allot_slots, draw_up_list, rank_households

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


def start_of_month(
    state: State,
    sec: Section,
    now: int,
    cal: CalendarMonth,
    rule: Rule,
    fixed: Fixed,
    service: float,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> int:
    """Let every household of section ``s`` earn, consume, fall ill and notice the scheme.

    Returns the contacts wanted in the section.
    """
    dist = state.districts[sec.district]
    section = sec.number
    harvest = dist.harvest
    month_share = rule.illness_season * dist.illness / 12.0
    year_share = month_share * 12.0
    suspended = sec.suspended != 0
    is_open = now >= sec.opens
    attention = float(rule.attention_before if cal.before_start != 0 else rule.attention)
    wanted = 0
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if hh.alive == 0:
            continue
        ordinal = int(hh.ordinal)
        if cal.reprice != 0:
            refresh_household(hh, state.members[h], now, rule, fixed)
        u0, u1, u2, u3 = block(fixed.key, section, ordinal, NOBODY, now, DRAW_MONTH, 0)
        contribution = live_a_month(hh, rule, harvest, u2, flows)
        dist.formal_contributions += contribution
        if has_cover(hh, now):
            if not suspended:
                tallies[INSURED] += int(hh.n_enrolled)
            tallies[HOUSEHOLD_MONTHS_INSURED] += 1
        elif rule.compulsory != 0 and is_open and hh.formal == 0 and not is_paid_up(hh, now):
            sanction(hh, section, ordinal, now, sec.enforcement, rule, fixed.key, flows, tallies)
        if int(hh.cover_until) == now and hh.standing == STANDING_PAID:
            # rolling cover has run out and nobody has acted on it yet
            hh.standing = STANDING_INATTENTIVE
            hh.wish = 0.0
        wanted += need_care(hh, now, month_share, service, suspended, rule, u0, u1, tallies)
        if (section + ordinal) % 12 == now % 12:
            explain_unsought(hh, now, year_share, service, suspended, rule, gauges)
        acts = 0
        if u3 < attention:
            acts = ATTENTIVE
        if hh.subsidised != 0 and u3 < rule.subsidy_automatic:
            acts |= REGISTERED
        hh.acts = acts
    return wanted


def enrol_section(
    state: State,
    sec: Section,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    quintiles: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let the households of an open scheme that act this month join or renew."""
    before_start = cal.before_start != 0
    by_person = rule.enrolment_unit == UNIT_PERSON
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        mm = state.members[h]
        if hh.alive == 0 or hh.acts == 0 or hh.formal != 0:
            continue
        if not may_buy(int(hh.cover_until), now, cal):
            continue
        if before_start and hh.subsidised != 0:
            # slots are allotted when the year starts; this year's slot does not pay for the next
            continue
        if by_person:
            if int(hh.cover_until) <= now + 1:
                seek_cover_as_persons(
                    hh,
                    mm,
                    sec,
                    state.groups,
                    now,
                    service,
                    cal,
                    rule,
                    price_rule,
                    fixed,
                    quintiles,
                    flows,
                    tallies,
                    gauges,
                )
            continue
        registered = (int(hh.acts) & REGISTERED) != 0
        if registered or (int(hh.acts) & ATTENTIVE) != 0:
            seek_cover_as_household(
                hh,
                mm,
                sec,
                state.groups,
                now,
                service,
                cal,
                rule,
                price_rule,
                fixed,
                registered,
                quintiles,
                flows,
                tallies,
                gauges,
            )


def month_of_section(
    state: State,
    sec: Section,
    now: int,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    work: Work,
    hospital: I8,
    quintiles: I8,
    flows: I8,
    stocks: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Run one section through one month, in the fixed order."""
    dist = state.districts[sec.district]
    is_open = now >= sec.opens
    if is_open and (cal.refresh_list != 0 or sec.has_list == 0):
        draw_up_list(state.households, sec, now, rule, fixed)
    if is_open and (cal.allocate != 0 or now == sec.opens):
        allot_slots(state.households, sec, now, rule, price_rule, fixed, tallies)
    service = service_factor(sec, rule)
    wanted = start_of_month(state, sec, now, cal, rule, fixed, service, flows, tallies, gauges)
    capacity = monthly_capacity(sec, rule)
    tallies[CAPACITY] += capacity
    refused_before = tallies[FORGONE_REFUSED] + tallies[REFUSED_AND_PAID]
    claims = give_care(
        state,
        sec,
        now,
        capacity if rule.rationing != 0 else wanted,
        wanted,
        service,
        rule,
        fixed,
        work,
        hospital,
        quintiles,
        flows,
        tallies,
    )
    refused = tallies[FORGONE_REFUSED] + tallies[REFUSED_AND_PAID] - refused_before
    sec.claims_month = claims
    settle_section_claims(sec, dist, claims, rule, flows, tallies)
    update_provider(sec, capacity, wanted, rule)
    if is_open:
        update_trust(sec, refused / max(1, wanted), rule)
    update_enforcement(sec, rule)
    if is_open and cal.is_open != 0:
        before = sec.fund
        enrol_section(
            state, sec, now, service, cal, rule, price_rule, fixed, quintiles, flows, tallies, gauges
        )
        share_out(sec, dist, sec.fund - before, rule, flows)
    cost = spend(sec.health_centre_cash, rule.running_cost_share)
    sec.health_centre_cash -= cost
    flows[RUNNING_COST_HEALTH_CENTRE] += cost
    clinicians = sec.persons * rule.clinicians_per_person * sec.staffing
    gauges[GAUGE_CLINICIANS] += clinicians
    flows[SALARIES] += to_francs(clinicians * rule.salary_rwf)
    pass_anniversaries(state, sec, now, rule, fixed, work, quintiles, flows, tallies)
    measure_section(state, sec, now, cal, quintiles, stocks, tallies, gauges)


def start_district_year(state: State, now: int, rule: Rule, fixed: Fixed) -> None:
    """Draw each district's harvest and illness of the year, lognormal around 1."""
    for d in range(state.districts.size):
        dist = state.districts[d]
        u0, u1, _, _ = block(fixed.key, dist.number, 0, NOBODY, now, DRAW_HARVEST, 0)
        sd = rule.harvest_sd
        dist.harvest = math.exp(sd * normal_quantile(u0) - 0.5 * sd * sd)
        sd = rule.illness_sd
        dist.illness = math.exp(sd * normal_quantile(u1) - 0.5 * sd * sd)


def fund_pools(state: State, rule: Rule, hospital: I8, flows: I8, tallies: I8) -> None:
    """Pay grants and levies into the pools and hand hospitals what patients paid."""
    for d in range(state.districts.size):
        dist = state.districts[d]
        fund_pool(dist, int(tallies[d, INSURED]), rule, flows[d])
        dist.claims_month = hospital[d, 0]
        dist.hospital_cash += hospital[d, 1]
        dist.formal_contributions = 0


def settle_pools(state: State, rule: Rule, flows: I8) -> None:
    """Let each pool, or the one national pool, pay its claims to those who billed it."""
    districts = state.districts
    sections = state.sections
    n = districts.size
    national = rule.national_pool != 0
    to_centres = rule.pool_pays_outpatient != 0
    if national:
        gather_into_national_pool(districts)
    for d in range(1 if national else n):
        end = n if national else d + 1
        hospital_claims = 0
        for other in range(d, end):
            hospital_claims += districts[other].claims_month
        outpatient = 0
        if to_centres:
            for s in range(sections.size):
                if d <= sections[s].district < end:
                    outpatient += sections[s].claims_month
        paid = settle_pool_claims(districts[d], hospital_claims, outpatient, rule, flows[d])
        hand_out(sections, districts, d, end, paid, to_centres, flows)
        for other in range(d, end):
            districts[other].arrears = districts[d].arrears


def close_district_month(state: State, rule: Rule, flows: I8, stocks: I8) -> None:
    """Let hospitals spend, and write down the money of funds, pools and providers."""
    for d in range(state.districts.size):
        dist = state.districts[d]
        cost = spend(dist.hospital_cash, rule.running_cost_share)
        dist.hospital_cash -= cost
        flows[d, RUNNING_COST_HOSPITAL] += cost
        stocks[d, POOLS] = dist.pool
        stocks[d, HOSPITALS] = dist.hospital_cash
        stocks[d, STOCK_PAYABLES_POOL] = dist.payables
    for s in range(state.sections.size):
        sec = state.sections[s]
        stocks[sec.district, SECTION_FUNDS] += sec.fund
        stocks[sec.district, HEALTH_CENTRES] += sec.health_centre_cash
        stocks[sec.district, STOCK_PAYABLES_SECTION] += sec.payables


def book_outside(outside: I8, flows: I8, stocks: I8) -> None:
    """Move the net positions of sectors that keep no accounts of their own by the month's flows."""
    for d in range(outside.shape[0]):
        for kind in range(N_FLOWS):
            if FLOW_PAYER[kind] >= GOVERNMENT:
                outside[d, FLOW_PAYER[kind]] -= flows[d, kind]
            if FLOW_PAYEE[kind] >= GOVERNMENT:
                outside[d, FLOW_PAYEE[kind]] += flows[d, kind]
        for sector in range(GOVERNMENT, N_SECTORS):
            stocks[d, sector] = outside[d, sector]


def run_months(
    state: State,
    calendar: Table,
    rules: Table,
    fixed: Fixed,
    work: Work,
    output: Output,
    hospital: I8,
    first_month: int,
    begin: int,
    end: int,
) -> None:
    """Run months ``begin`` to ``end - 1`` of a simulation that starts in absolute ``first_month``.

    ``calendar`` holds a ``CalendarMonth`` and ``rules`` a ``Rule`` for every month. ``hospital`` is a
    buffer of shape (districts, 2).
    """
    for t in range(begin, end):
        now = first_month + t
        rule = rules[t]
        cal = calendar[t]
        price_rule = rules[cal.price_month]
        if cal.new_year != 0:
            start_district_year(state, now, rule, fixed)
        if cal.rank != 0:
            rank_households(state.households, state.sections, rule.poorest_share, rule.rich_share, work)
        hospital[:, :] = 0
        quintiles = output.quintiles[cal.period]
        for s in range(state.sections.size):
            sec = state.sections[s]
            d = sec.district
            month_of_section(
                state,
                sec,
                now,
                cal,
                rule,
                price_rule,
                fixed,
                work,
                hospital[d],
                quintiles,
                output.flows[t, d],
                output.stocks[t + 1, d],
                output.tallies[t, d],
                output.gauges[t, d],
            )
        fund_pools(state, rule, hospital, output.flows[t], output.tallies[t])
        settle_pools(state, rule, output.flows[t])
        close_district_month(state, rule, output.flows[t], output.stocks[t + 1])
        book_outside(state.outside, output.flows[t], output.stocks[t + 1])


compile_kernels(globals())
