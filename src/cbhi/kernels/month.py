"""The one fixed order of events in a month, and the loop over months.

First the country: draws of the year, posts and premiums where they are due; visitors of last month are booked
and lenders set their credit lines. Within a section: lists and slots where a membership year begins; income
and cash; need and wanted contacts; capacity and order of service; visits and bills; audit, claims and the
fund; the health centre, trust and enforcement; instalments of loans; associations and enrolment; a twelfth of
the yearly demography; measurement. Then the districts: donors, clearing between sections, pools, hospitals
and lenders. Sections meet only through visitors, pools, lenders, national ranks and totals.

A month has three phases, before the sections, the sections, and after them. Ranges of whole districts may go
through the second side by side, on several threads.
"""

from __future__ import annotations

import math

from cbhi.kernels.anniversary import pass_anniversaries
from cbhi.kernels.care import (
    bill_capitation,
    give_care,
    receive_visitors,
)
from cbhi.kernels.choices import explain_choice
from cbhi.kernels.codes import (
    CAPACITY,
    CONTACTS_WANTED,
    DRAW_HARVEST,
    DRAW_TASTE,
    FLOW_PAYEE,
    FLOW_PAYER,
    FORGONE_REFUSED,
    GAUGE_CLINICIANS,
    GOVERNMENT,
    HEALTH_CENTRES,
    HOSPITALS,
    INSURED,
    LENDERS,
    LIST_ACTING,
    LIST_APPLICANTS,
    N_FLOWS,
    N_SECTORS,
    NATIONAL_POOL,
    POOLS,
    REFUSED_AND_PAID,
    RUNNING_COST_HOSPITAL,
    SALARIES,
    SECTION_FUNDS,
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
from cbhi.kernels.draws import LANES, NOBODY, address, block, fill_blocks, normal_quantile
from cbhi.kernels.enrolment import (
    Outlook,
    may_seek_cover,
    outlook_of,
    seek_cover_as_household,
    seek_cover_as_persons,
    taste_month,
)
from cbhi.kernels.fetching import AHEAD, fetching
from cbhi.kernels.fraud import review_claims
from cbhi.kernels.fund import settle_section_claims, share_out
from cbhi.kernels.governance import pay_donors, update_capacity, update_enforcement, update_trust
from cbhi.kernels.groups import count_meetings, credit_deposit_interest, deposit_savings
from cbhi.kernels.loans import (
    answer_applications,
    close_lender_month,
    collect_section,
    open_lender,
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
    Output,
    Rule,
    Section,
    State,
    Table,
    Work,
)
from cbhi.kernels.reinsurance import start_reinsurance_year
from cbhi.kernels.start import REGISTERED, start_of_month
from cbhi.kernels.targeting import allot_slots, draw_up_list, rank_households
from cbhi.kernels.votes import count_need, form_groups, hold_votes

# what is done of a month
OPENING = 1
SECTIONS = 2
CLOSING = 4
ALL_PHASES = OPENING | SECTIONS | CLOSING

# what a decision on cover weighs
fetch_buyer = fetching(
    "z", "taste", "trust_offset", "wish", "cash", "income", "rate_enrolled", "rate_other", "odds_insured",
    "odds_severe_insured", "odds_uninsured", "odds_severe_uninsured",
)  # fmt: skip


def enrol_section(
    state: State,
    sec: Section,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    work: Work,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let the households of an open scheme that act this month join or renew.

    Households that ask for a loan are heard first and answered together at the end, so that credit is
    short for all of them alike; persons who enrol alone are answered one after the other.
    """
    sec.collecting = 1 if rule.loans_offered != 0 and rule.enrolment_unit != UNIT_PERSON else 0
    outlook = outlook_of(sec, service, rule)
    seek_cover(
        state, sec, False, now, outlook, cal, rule, price_rule, fixed, work, strata, flows, tallies, gauges
    )
    if sec.collecting == 0:
        return
    answer_applications(state.households, sec, now, work, fixed.key)
    seek_cover(
        state, sec, True, now, outlook, cal, rule, price_rule, fixed, work, strata, flows, tallies, gauges
    )


def seek_cover(
    state: State,
    sec: Section,
    answered: bool,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    work: Work,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let the section's households that act on cover decide, or those whose applications are ``answered``.

    Those that apply for a loan are noted in ``work.lists`` until they are answered.
    """
    dist = state.districts[sec.district]
    by_person = rule.enrolment_unit == UNIT_PERSON
    rows = LIST_APPLICANTS if answered else LIST_ACTING
    listed = int(work.counts[rows])
    applicants = 0
    done = 0
    while done < listed:
        begin = done
        done = min(listed, begin + LANES)
        n = list_buyers(state.households, work.lists[rows], begin, done, now, cal, work)
        if not by_person:
            month = taste_month(now, cal)
            fill_blocks(fixed.key, sec.number, month, DRAW_TASTE, n, work.addresses, work.uniforms)
        for i in range(n):
            h = int(work.persons[i])
            hh = state.households[h]
            fetch_buyer(state.households[work.persons[min(i + AHEAD, n - 1)]])
            hh.applied = 0
            mm = state.members[h]
            registered = (int(hh.acts) & REGISTERED) != 0
            watched = hh.watched != 0
            if watched:
                note_before(state.watch, flows, tallies)
                if not answered:
                    explain_choice(state, sec, hh, mm, now, outlook, cal, rule, price_rule, fixed, registered)
            if not by_person:
                seek_cover_as_household(
                    hh, mm, sec, dist, state.groups, now, outlook, cal, rule, price_rule, fixed, registered,
                    float(work.uniforms[0, i]), strata, flows, tallies, gauges,
                )  # fmt: skip
            elif int(hh.cover_until) <= now + 1:
                seek_cover_as_persons(
                    hh, mm, sec, dist, state.groups, now, outlook, cal, rule, price_rule, fixed, strata,
                    flows, tallies, gauges,
                )  # fmt: skip
            if watched:
                note_after(state.watch, hh, flows, tallies)
            if hh.applied != 0:
                work.lists[LIST_APPLICANTS, applicants] = h
                applicants += 1
    work.counts[LIST_APPLICANTS] = applicants


def list_buyers(
    households: Table, rows: I8, begin: int, end: int, now: int, cal: CalendarMonth, work: Work
) -> int:
    """List those of rows ``begin`` to ``end - 1`` who have something to buy, to draw for; return how many."""
    n = 0
    for i in range(begin, end):
        hh = households[rows[i]]
        # written always and kept when counted, without branches that nobody could guess
        work.persons[n] = rows[i]
        work.addresses[n] = address(int(hh.ordinal), NOBODY)
        n += int(may_seek_cover(hh, now, cal))
    return n


def sell_cover(
    state: State,
    sec: Section,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    work: Work,
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
    enrol_section(
        state, sec, now, service, cal, rule, price_rule, fixed, work, strata, flows, tallies, gauges
    )
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
    collect_section(state, sec, dist, now, rule, work, flows, tallies)
    if is_open and cal.is_open != 0:
        sell_cover(
            state, sec, now, service, cal, rule, price_rule, fixed, work, strata, flows, tallies, gauges
        )
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


def open_month(
    state: State,
    calendar: Table,
    rules: Table,
    fixed: Fixed,
    work: Work,
    output: Output,
    hospital: I8,
    first_month: int,
    t: int,
) -> None:
    """Do what comes before the sections in month ``t`` of a run."""
    cal = calendar[t]
    start_country_month(
        state, first_month + t, cal, rules[t], rules[cal.price_month], fixed, work, output.flows[t],
        output.tallies[t],
    )  # fmt: skip
    hospital[:, :] = 0


def run_sections(
    state: State,
    calendar: Table,
    rules: Table,
    fixed: Fixed,
    work: Work,
    output: Output,
    hospital: I8,
    first_month: int,
    t: int,
    first_section: int,
    end_section: int,
) -> None:
    """Run sections ``first_section`` to ``end_section - 1`` through month ``t``.

    Whole districts meet no others in here but in the national pool, watched households and strata, so ranges
    of districts with those three of their own may run side by side.
    """
    cal = calendar[t]
    price_rule = rules[cal.price_month]
    strata = output.strata[cal.period]
    for s in range(first_section, end_section):
        sec = state.sections[s]
        d = sec.district
        month_of_section(
            state, sec, first_month + t, cal, rules[t], price_rule, fixed, work, hospital[d], strata,
            output.flows[t, d], output.stocks[t + 1, d], output.tallies[t, d], output.gauges[t, d],
        )  # fmt: skip


def close_month(state: State, rules: Table, output: Output, hospital: I8, t: int) -> None:
    """Do what comes after the sections in month ``t``."""
    fund_pools(state, rules[t], hospital, output.flows[t], output.tallies[t])
    settle_pools(state, rules[t], output.flows[t])
    close_district_month(state, rules[t], output.flows[t], output.stocks[t + 1])
    book_outside(state.outside, output.flows[t], output.stocks[t + 1])


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
    first_section: int,
    end_section: int,
    phases: int,
) -> None:
    """Run months ``begin`` to ``end - 1`` of a simulation that starts in absolute ``first_month``.

    ``calendar`` holds a ``CalendarMonth`` and ``rules`` a ``Rule`` for every month. ``hospital`` is a
    buffer of shape (districts, 2). ``phases`` (OPENING, SECTIONS, CLOSING) says what is done of a month, for
    several threads that take a range of sections each: all of it with ``ALL_PHASES``.
    """
    for t in range(begin, end):
        if (phases & OPENING) != 0:
            open_month(state, calendar, rules, fixed, work, output, hospital, first_month, t)
        if (phases & SECTIONS) != 0:
            run_sections(
                state, calendar, rules, fixed, work, output, hospital, first_month, t, first_section,
                end_section,
            )  # fmt: skip
        if (phases & CLOSING) != 0:
            close_month(state, rules, output, hospital, t)


compile_kernels(
    globals(),
    apart=(
        "start_country_month", "start_of_month", "treat_section", "pass_anniversaries", "close_month",
    ),
)  # fmt: skip
