"""The one fixed order of events in a month, and the loop over months.

First the country: draws of the year, posts and premiums where they are due; visitors of last month are booked
and lenders set their credit lines. Within a section: lists and slots where a membership year begins; income
and cash; need and wanted contacts; capacity and order of service; visits and bills; audit, claims and the
fund; the health centre, trust and enforcement; instalments of loans; associations and enrolment; a twelfth of
the yearly demography; measurement. Then the districts: donors, clearing between sections, pools, hospitals
and lenders. Sections meet only through visitors, pools, lenders, national ranks and totals.
"""

from __future__ import annotations

import math

from cbhi.kernels.anniversary import pass_anniversaries, refresh_household
from cbhi.kernels.care import (
    bill_capitation,
    explain_unsought,
    give_care,
    need_care,
    receive_visitors,
    send_elsewhere,
)
from cbhi.kernels.choices import explain_household, explain_members
from cbhi.kernels.codes import (
    CAPACITY,
    CONTACTS_WANTED,
    DRAW_HARVEST,
    DRAW_MONTH,
    DRAW_PENALTY,
    DRAW_REGISTER,
    FLOW_PAYEE,
    FLOW_PAYER,
    FORGONE_REFUSED,
    FORMAL_MONTHS,
    GATE_REFUSALS,
    GAUGE_CLINICIANS,
    GOVERNMENT,
    HEALTH_CENTRES,
    HOSPITALS,
    HOUSEHOLD_MONTHS_INSURED,
    INSURED,
    LENDERS,
    LIST_ACTING,
    LIST_BORROWERS,
    LIST_PATIENTS,
    N_FLOWS,
    N_SECTORS,
    NATIONAL_POOL,
    PENALTIES,
    PENALTY,
    PERSON_MONTHS,
    POOLS,
    REFUSED_AND_PAID,
    RUNNING_COST_HOSPITAL,
    S_FORMAL_MONTHS,
    S_INSURED_MONTHS,
    S_PERSON_MONTHS,
    SALARIES,
    SECTION_FUNDS,
    STANDING_INATTENTIVE,
    STANDING_PAID,
    STOCK_LENDER_BORROWING,
    STOCK_OWED_BETWEEN_SECTIONS,
    STOCK_PAYABLES_POOL,
    STOCK_PAYABLES_SECTION,
    STOCK_PAYABLES_SECTION_HOSPITAL,
    STOCK_POOL_OWES_CENTRES,
    UNIT_GROUP,
    UNIT_PERSON,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import has_cover, stratum_of
from cbhi.kernels.draws import NOBODY, block, normal_quantile, uniform
from cbhi.kernels.enrolment import (
    is_paid_up,
    may_buy,
    premium_due,
    seek_cover_as_household,
    seek_cover_as_persons,
)
from cbhi.kernels.fraud import review_claims
from cbhi.kernels.fund import settle_section_claims, share_out
from cbhi.kernels.governance import pay_donors, update_capacity, update_enforcement, update_trust
from cbhi.kernels.groups import count_meetings, credit_deposit_interest, deposit_savings, save_with_group
from cbhi.kernels.income import live_a_month
from cbhi.kernels.loans import (
    answer_applications,
    close_lender_month,
    collect_section,
    open_lender,
    outstanding,
    set_credit_lines,
)
from cbhi.kernels.measure import measure_section
from cbhi.kernels.money import to_francs
from cbhi.kernels.notes import note_after, note_before
from cbhi.kernels.pools import allot_national_pool, clear_between_sections, fund_pool, settle_pools
from cbhi.kernels.posts import follow_need, hire, open_post
from cbhi.kernels.premiums import set_national_prior, set_premium
from cbhi.kernels.provider import (
    monthly_capacity,
    run_health_centre,
    service_factor,
    spend,
    update_provider,
)
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
from cbhi.kernels.reinsurance import start_reinsurance_year
from cbhi.kernels.targeting import allot_slots, draw_up_list, rank_households
from cbhi.kernels.votes import count_need, form_groups, hold_votes

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


def count_people(hh: Household, stratum: I8, tallies: I8) -> None:
    """Count a household's people of the month, at its start as the insured are."""
    n = int(hh.n_members)
    tallies[PERSON_MONTHS] += n
    stratum[S_PERSON_MONTHS] += n
    if hh.formal != 0:
        tallies[FORMAL_MONTHS] += n
        stratum[S_FORMAL_MONTHS] += n


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
    dist = state.districts[sec.district]
    section = sec.number
    harvest = dist.harvest
    month_share = rule.illness_season * dist.illness / 12.0
    year_share = month_share * 12.0
    suspended = sec.suspended != 0
    is_open = now >= sec.opens
    attention = float(rule.attention_before if cal.before_start != 0 else rule.attention)
    saves = rule.group_savings != 0
    wanted = 0
    patients = 0
    acting = 0
    borrowers = 0
    sec.insured = 0
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if hh.alive == 0:
            continue
        ordinal = int(hh.ordinal)
        if cal.reprice != 0:
            refresh_household(hh, state.members[h], now, rule, fixed)
        watched = hh.watched != 0
        if watched:
            note_before(state.watch, flows, tallies)
        u0, u1, u2, u3 = block(fixed.key, section, ordinal, NOBODY, now, DRAW_MONTH, 0)
        stratum = strata[stratum_of(hh)]
        count_people(hh, stratum, tallies)
        contribution = live_a_month(hh, rule, harvest, u2, flows)
        dist.formal_contributions += contribution
        if saves:
            save_with_group(hh, sec, state.groups, premium_due(hh, rule, sec.premium_factor), rule, flows)
        if has_cover(hh, now):
            if not suspended:
                tallies[INSURED] += int(hh.n_enrolled)
                stratum[S_INSURED_MONTHS] += int(hh.n_enrolled)
                sec.insured += int(hh.n_enrolled)
            tallies[HOUSEHOLD_MONTHS_INSURED] += 1
        elif rule.compulsory != 0 and is_open and hh.formal == 0 and not is_paid_up(hh, now):
            sanction(hh, section, ordinal, now, sec.enforcement, rule, fixed.key, flows, tallies)
        if int(hh.cover_until) == now and hh.standing == STANDING_PAID:
            # rolling cover has run out and nobody has acted on it yet
            hh.standing = STANDING_INATTENTIVE
            hh.wish = 0.0
        need_care(hh, now, month_share, service, suspended, rule, u0, u1, stratum, tallies)
        active = has_cover(hh, now) and not suspended
        wanted += send_elsewhere(hh, sec, dist, now, active, rule, fixed)
        if (section + ordinal) % 12 == now % 12:
            explain_unsought(hh, now, year_share, service, suspended, rule, gauges)
        if watched:
            note_after(state.watch, hh, flows, tallies)
        acts = 0
        if u3 < attention:
            acts = ATTENTIVE
        if hh.subsidised != 0 and cal.is_open != 0:
            u = uniform(fixed.key, section, ordinal, NOBODY, now, DRAW_REGISTER, 0)
            if u < rule.subsidy_automatic:
                acts |= REGISTERED
        hh.acts = acts
        if hh.contacts != 0 or hh.away != 0:
            work.lists[LIST_PATIENTS, patients] = h
            patients += 1
        if acts != 0:
            work.lists[LIST_ACTING, acting] = h
            acting += 1
        if outstanding(hh) > 0:
            work.lists[LIST_BORROWERS, borrowers] = h
            borrowers += 1
    work.counts[LIST_PATIENTS] = patients
    work.counts[LIST_ACTING] = acting
    work.counts[LIST_BORROWERS] = borrowers
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
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let the households of an open scheme that act this month join or renew.

    Households that ask for a loan are heard first and answered together at the end, so that credit is
    short for all of them alike; persons who enrol alone are answered one after the other.
    """
    dist = state.districts[sec.district]
    before_start = cal.before_start != 0
    by_person = rule.enrolment_unit == UNIT_PERSON
    sec.collecting = 1 if rule.loans_offered != 0 and not by_person else 0
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
        registered = (int(hh.acts) & REGISTERED) != 0
        watched = hh.watched != 0
        if watched:
            note_before(state.watch, flows, tallies)
            if by_person:
                explain_members(state, sec, hh, mm, now, service, cal, rule, price_rule, fixed)
            else:
                explain_household(state, sec, hh, now, service, cal, rule, price_rule, fixed, registered)
        if by_person:
            if int(hh.cover_until) <= now + 1:
                seek_cover_as_persons(
                    hh, mm, sec, dist, state.groups, now, service, cal, rule, price_rule, fixed, strata,
                    flows, tallies, gauges,
                )  # fmt: skip
        elif registered or (int(hh.acts) & ATTENTIVE) != 0:
            seek_cover_as_household(
                hh, mm, sec, dist, state.groups, now, service, cal, rule, price_rule, fixed, registered,
                strata, flows, tallies, gauges,
            )  # fmt: skip
        if watched:
            note_after(state.watch, hh, flows, tallies)
    if sec.collecting == 0:
        return
    answer_applications(state.households, sec, now, fixed.key)
    for h in range(sec.first, sec.end):
        hh = state.households[h]
        if hh.applied != 0:
            hh.applied = 0
            if hh.watched != 0:
                note_before(state.watch, flows, tallies)
            seek_cover_as_household(
                hh, state.members[h], sec, dist, state.groups, now, service, cal, rule, price_rule, fixed,
                False, strata, flows, tallies, gauges,
            )  # fmt: skip
            if hh.watched != 0:
                note_after(state.watch, hh, flows, tallies)


def sell_cover(
    state: State,
    sec: Section,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let associations vote and form, households join or renew, and divide the month's premiums."""
    dist = state.districts[sec.district]
    if rule.enrolment_unit == UNIT_GROUP or rule.group_minimum_share > 0.0:
        hold_votes(state, sec, now, service, cal, rule, price_rule, fixed, tallies)
    if rule.group_savings != 0:
        count_need(state, sec, now, cal, rule, price_rule)
    before = sec.fund
    enrol_section(state, sec, now, service, cal, rule, price_rule, fixed, strata, flows, tallies, gauges)
    share_out(sec, dist, state.nation[0], sec.fund - before, rule, flows, tallies)
    if rule.group_required != 0:
        form_groups(state, sec, rule, tallies)


def treat_section(
    state: State,
    sec: Section,
    now: int,
    wanted: int,
    asked: int,
    service: float,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Serve, bill, audit and settle the section's contacts, and run its health centre and its scheme.

    ``wanted`` are the contacts wanted at home, ``asked`` those wanted anywhere.
    """
    dist = state.districts[sec.district]
    capacity = monthly_capacity(sec, rule)
    tallies[CAPACITY] += capacity
    refused_before = tallies[FORGONE_REFUSED] + tallies[REFUSED_AND_PAID]
    claims, n_claims, served = give_care(
        state, sec, now, capacity, wanted, service, rule, fixed, work, hospital, strata, flows, tallies
    )
    refused = tallies[FORGONE_REFUSED] + tallies[REFUSED_AND_PAID] - refused_before
    approved = review_claims(sec, claims, n_claims, rule, flows, tallies, gauges)
    approved += bill_capitation(sec, rule, tallies) + sec.visitor_claims_before
    settle_section_claims(sec, dist, approved, now, rule, flows, tallies)
    run_health_centre(sec, served, rule, flows)
    update_provider(sec, capacity, wanted, rule)
    if now >= sec.opens:
        update_trust(sec, refused / max(1, asked), rule)
        update_capacity(sec, rule)
    update_enforcement(sec, rule)
    clinicians = sec.persons * rule.clinicians_per_person * sec.staffing
    gauges[GAUGE_CLINICIANS] += clinicians
    flows[SALARIES] += to_francs(clinicians * rule.salary_rwf)


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
    strata: I8,
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
    asked = -tallies[CONTACTS_WANTED]
    wanted = start_of_month(state, sec, now, cal, rule, fixed, work, service, strata, flows, tallies, gauges)
    asked += tallies[CONTACTS_WANTED]
    treat_section(
        state, sec, now, wanted, asked, service, rule, fixed, work, hospital, strata, flows, tallies,
        gauges,
    )  # fmt: skip
    collect_section(state, sec, dist, now, rule, flows, tallies)
    if is_open and cal.is_open != 0:
        sell_cover(state, sec, now, service, cal, rule, price_rule, fixed, strata, flows, tallies, gauges)
    if rule.group_savings != 0:
        count_meetings(sec, state.groups, rule, gauges)
    credit_deposit_interest(sec, dist, state.groups, rule, flows)
    deposit_savings(sec, dist, state.groups, rule, flows)
    pass_anniversaries(state, sec, now, rule, fixed, work, strata, flows, tallies)
    measure_section(state, sec, now, cal, strata, stocks, tallies, gauges)


def start_district_year(state: State, now: int, rule: Rule, fixed: Fixed) -> None:
    """Draw each district's harvest and illness of the year, lognormal around 1, and its luck with loans."""
    for d in range(state.districts.size):
        dist = state.districts[d]
        u0, u1, u2, _ = block(fixed.key, dist.number, 0, NOBODY, now, DRAW_HARVEST, 0)
        sd = rule.harvest_sd
        dist.harvest = math.exp(sd * normal_quantile(u0) - 0.5 * sd * sd)
        sd = rule.illness_sd
        dist.illness = math.exp(sd * normal_quantile(u1) - 0.5 * sd * sd)
        dist.credit_luck = normal_quantile(u2)


def start_year(state: State, now: int, rule: Rule, fixed: Fixed, tallies: I8) -> None:
    """Post staff, open health posts and reinsure sections for the year."""
    if rule.posting_response > 0.0:
        follow_need(state.sections, rule)
    for s in range(state.sections.size):
        sec = state.sections[s]
        hire(sec, rule)
        if rule.post_hazard > 0.0:
            open_post(state, sec, now, rule, fixed, tallies[sec.district])
        start_reinsurance_year(sec, rule)


def start_country_month(
    state: State,
    now: int,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    work: Work,
    flows: I8,
    tallies: I8,
) -> None:
    """Do what comes before the sections: the year's draws and decisions, visitors of last month, credit."""
    if cal.new_year != 0:
        start_district_year(state, now, rule, fixed)
    if now % 12 == 0:
        start_year(state, now, rule, fixed, tallies)
    if cal.rank != 0:
        rank_households(state.households, state.sections, rule.poorest_share, rule.rich_share, work)
    if cal.sets_premium != 0:
        set_national_prior(state.sections, state.nation[0])
    for s in range(state.sections.size):
        sec = state.sections[s]
        if cal.sets_premium != 0:
            set_premium(state, sec, now, price_rule, fixed, tallies[sec.district])
        receive_visitors(sec)
    allot_national_pool(state.districts, state.sections, rule)
    for d in range(state.districts.size):
        dist = state.districts[d]
        persons = 0
        for s in range(dist.first_section, dist.end_section):
            persons += state.sections[s].persons
        open_lender(dist, persons, rule, flows[d])
        set_credit_lines(state.sections, dist, rule)


def fund_pools(state: State, rule: Rule, hospital: I8, flows: I8, tallies: I8) -> None:
    """Book donors' money, pay grants and levies into the pools, hand hospitals what patients paid."""
    for d in range(state.districts.size):
        dist = state.districts[d]
        persons = 0
        for s in range(dist.first_section, dist.end_section):
            persons += state.sections[s].persons
        pay_donors(persons, rule, flows[d])
        dist.insured = int(tallies[d, INSURED])
        fund_pool(dist, dist.insured, rule, flows[d])
        dist.claims_month = hospital[d, 0]
        dist.hospital_cash += hospital[d, 1]
        dist.formal_contributions = 0
        clear_between_sections(state.sections, dist, tallies[d])


def close_district_month(state: State, rule: Rule, flows: I8, stocks: I8) -> None:
    """Let hospitals spend and lenders settle, and write down the money of funds, pools and providers."""
    for d in range(state.districts.size):
        dist = state.districts[d]
        cost = spend(dist.hospital_cash, rule.running_cost_share)
        dist.hospital_cash -= cost
        flows[d, RUNNING_COST_HOSPITAL] += cost
        close_lender_month(dist, rule, flows[d])
        stocks[d, POOLS] = dist.pool
        stocks[d, HOSPITALS] = dist.hospital_cash
        stocks[d, LENDERS] = dist.lender_cash
        stocks[d, STOCK_PAYABLES_POOL] = dist.payables
        stocks[d, STOCK_LENDER_BORROWING] = dist.borrowing
    # one account for the country, shown beside the first district's
    stocks[0, NATIONAL_POOL] = state.nation[0].pool
    for s in range(state.sections.size):
        sec = state.sections[s]
        stocks[sec.district, SECTION_FUNDS] += sec.fund
        stocks[sec.district, HEALTH_CENTRES] += sec.health_centre_cash + sec.visitor_cash
        stocks[sec.district, STOCK_PAYABLES_SECTION] += sec.payables + sec.visitor_claims
        stocks[sec.district, STOCK_PAYABLES_SECTION_HOSPITAL] += sec.payables_hospital
        stocks[sec.district, STOCK_OWED_BETWEEN_SECTIONS] += sec.owes
        stocks[sec.district, STOCK_POOL_OWES_CENTRES] += sec.pool_owes


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
        start_country_month(
            state, now, cal, rule, price_rule, fixed, work, output.flows[t], output.tallies[t]
        )
        hospital[:, :] = 0
        strata = output.strata[cal.period]
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
                strata,
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
