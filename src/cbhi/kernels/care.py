"""Who falls ill this month, who is served, and who pays the bill."""

from __future__ import annotations

import math

from cbhi.kernels.codes import (
    ADMISSIONS,
    BILLED_HEALTH_CENTRE,
    BILLED_HOSPITAL,
    CLAIMS_APPROVED_POOL,
    CLAIMS_APPROVED_SECTION,
    CONTACTS_WANTED,
    COPAYMENT_HEALTH_CENTRE,
    COPAYMENT_HOSPITAL,
    DRAW_CONTACT,
    DRAW_SUPPLY,
    EPISODES,
    FEE_HEALTH_CENTRE,
    FEE_HOSPITAL,
    FORGONE_CAPACITY,
    FORGONE_CASH,
    FORGONE_REFUSED,
    FORGONE_UNSOUGHT,
    FORMAL_CLAIMS_HEALTH_CENTRE,
    FORMAL_CLAIMS_HOSPITAL,
    GAUGE_FORGONE_DISTANCE,
    GAUGE_FORGONE_NO_NEED,
    GAUGE_FORGONE_PRICE,
    GAUGE_FORGONE_SERVICE,
    Q_OUT_OF_POCKET,
    Q_VISITS,
    REFUSED_AND_PAID,
    VISITS_FORMAL,
    VISITS_INSURED,
    VISITS_UNINSURED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, block, poisson_quantile
from cbhi.kernels.health import bill, chance, member_rate, seeking_probability
from cbhi.kernels.income import can_raise, pay_from_cash_or_debt
from cbhi.kernels.money import split_bill
from cbhi.kernels.provider import NO_LIMIT, first_place_refused, place_in_queue, refusal_probability
from cbhi.kernels.records import F8, I8, Fixed, Household, Rule, Section, State, Table, Work


def has_cover(hh: Household, now: int) -> bool:
    """Return whether the household's benefits are active this month."""
    return int(hh.cover_from) <= now < int(hh.cover_until) and int(hh.n_enrolled) > 0


def rates_by_cover(hh: Household, now: int, suspended: bool) -> tuple[float, float]:
    """Return episodes a year of those whose bills a third party pays, and of the others."""
    # compiled float() leaves single precision as it is; the product is double in plain Python and compiled
    enrolled = 1.0 * float(hh.rate_enrolled)
    other = 1.0 * float(hh.rate_other)
    if hh.formal != 0:
        return enrolled + other, 0.0
    if has_cover(hh, now) and not suspended:
        return enrolled, other
    return 0.0, enrolled + other


def need_care(
    hh: Household,
    now: int,
    month_share: float,
    service: float,
    suspended: bool,
    rule: Rule,
    u_wanted: float,
    u_unsought: float,
    tallies: I8,
) -> int:
    """Draw the household's episodes of the month; return the contacts that it wants."""
    covered, other = rates_by_cover(hh, now, suspended)
    severe = rule.severe_share
    p_covered = seeking_probability(float(hh.odds_insured), float(hh.odds_severe_insured), service, severe)
    p_other = seeking_probability(float(hh.odds_uninsured), float(hh.odds_severe_uninsured), service, severe)
    sought = covered * p_covered + other * p_other
    wanted = min(60_000, poisson_quantile(u_wanted, month_share * sought))
    unsought = poisson_quantile(u_unsought, month_share * max(0.0, covered + other - sought))
    hh.contacts = wanted
    tallies[EPISODES] += wanted + unsought
    tallies[FORGONE_UNSOUGHT] += unsought
    tallies[CONTACTS_WANTED] += wanted
    return wanted


def explain_unsought(
    hh: Household,
    now: int,
    year_share: float,
    service: float,
    suspended: bool,
    rule: Rule,
    gauges: F8,
) -> None:
    """Divide the expected unsought episodes by what would have to change for them to be sought.

    In this order: nothing (not felt worth a visit), distance, price, service (waiting and quality). The
    parts sum to the expectation exactly. Taken in a household's anniversary month for a whole year.
    """
    covered, other = rates_by_cover(hh, now, suspended)
    severity = math.exp(rule.seek_severity)
    for severe in range(2):
        share = rule.severe_share if severe == 1 else 1.0 - rule.severe_share
        near = chance(float(hh.odds_near) * (severity if severe == 1 else 1.0), 1.0)
        free = chance(float(hh.odds_free) * (severity if severe == 1 else 1.0), 1.0)
        for insured in range(2):
            rate = year_share * share * (covered if insured == 1 else other)
            if severe == 1:
                odds = float(hh.odds_severe_insured if insured == 1 else hh.odds_severe_uninsured)
            else:
                odds = float(hh.odds_insured if insured == 1 else hh.odds_uninsured)
            priced = chance(odds, 1.0)
            gauges[GAUGE_FORGONE_NO_NEED] += rate * (1.0 - near)
            gauges[GAUGE_FORGONE_DISTANCE] += rate * (near - free)
            gauges[GAUGE_FORGONE_PRICE] += rate * (free - priced)
            gauges[GAUGE_FORGONE_SERVICE] += rate * (priced - chance(odds, service))


def pick_patient(
    hh: Household,
    mm: Table,
    now: int,
    active: bool,
    service: float,
    rule: Rule,
    fixed: Fixed,
    u: float,
) -> tuple[int, bool]:
    """Return (slot, insured) of the member behind a contact, in proportion to the members' contacts."""
    severe = rule.severe_share
    p_covered = seeking_probability(float(hh.odds_insured), float(hh.odds_severe_insured), service, severe)
    p_other = seeking_probability(float(hh.odds_uninsured), float(hh.odds_severe_uninsured), service, severe)
    total = 0.0
    for k in range(int(hh.n_members)):
        p = p_covered if hh.formal != 0 or (active and mm[k].enrolled != 0) else p_other
        total += p * member_rate(hh, mm, k, now, rule, fixed)
    left = u * total
    slot = 0
    for k in range(int(hh.n_members)):
        p = p_covered if hh.formal != 0 or (active and mm[k].enrolled != 0) else p_other
        slot = k
        left -= p * member_rate(hh, mm, k, now, rule, fixed)
        if left < 0.0:
            break
    return slot, hh.formal != 0 or (active and mm[slot].enrolled != 0)


def chance_at_the_fee(hh: Household, service: float, rule: Rule) -> float:
    """Return the probability that a contact wanted with cover would have been wanted at the user fee too."""
    severe = rule.severe_share
    with_cover = seeking_probability(float(hh.odds_insured), float(hh.odds_severe_insured), service, severe)
    at_fee = seeking_probability(float(hh.odds_uninsured), float(hh.odds_severe_uninsured), service, severe)
    return at_fee / with_cover if with_cover > 0.0 else 0.0


def visit(
    hh: Household,
    mm: Table,
    sec: Section,
    contact: int,
    now: int,
    active: bool,
    service: float,
    refusal: float,
    rule: Rule,
    fixed: Fixed,
    hospital: I8,
    quintiles: I8,
    flows: I8,
    tallies: I8,
) -> int:
    """Serve one contact that has a place in the queue: bill it, split it, pay it or let it go.

    Returns the claim on the section's fund, RWF; hospital claims are added to ``hospital[0]`` and
    hospital receipts from patients and formal insurers to ``hospital[1]``.
    """
    section = sec.number
    ordinal = int(hh.ordinal)
    u0, u1, u2, u3 = block(fixed.key, section, ordinal, NOBODY, now, DRAW_CONTACT, contact)
    _, v1, v2, v3 = block(fixed.key, section, ordinal, NOBODY, now, DRAW_SUPPLY, contact)
    _, insured = pick_patient(hh, mm, now, active, service, rule, fixed, u0)
    formal = hh.formal != 0
    if insured and not formal and v1 < refusal:
        # turned away as a member: comes all the same if the fee would not have deterred it
        if v3 >= chance_at_the_fee(hh, service, rule):
            tallies[FORGONE_REFUSED] += 1
            return 0
        tallies[REFUSED_AND_PAID] += 1
        insured = False
    severe_share = rule.severe_share
    odds = float(hh.odds_insured if insured else hh.odds_uninsured)
    odds_severe = float(hh.odds_severe_insured if insured else hh.odds_severe_uninsured)
    if_severe = severe_share * chance(odds_severe, service)
    severe = u1 * ((1.0 - severe_share) * chance(odds, service) + if_severe) < if_severe
    admitted = severe and u3 < rule.admission_if_severe
    log_sd = rule.cost_log_sd
    centre = bill(float(rule.cost_outpatient_rwf if insured else rule.fee_outpatient_rwf), log_sd, u2)
    ward = 0
    if admitted:
        ward = bill(float(rule.cost_admission_rwf if insured else rule.fee_admission_rwf), log_sd, v2)
    own_centre = centre
    own_ward = ward
    if formal:
        own_centre, _ = split_bill(centre, 0, rule.formal_coinsurance_share)
        own_ward, _ = split_bill(ward, 0, rule.formal_coinsurance_share)
    elif insured:
        own_centre, _ = split_bill(centre, rule.copayment_rwf, 0.0)
        own_ward, _ = split_bill(ward, 0, rule.coinsurance_share)
    own = own_centre + own_ward
    if not can_raise(hh, own, rule):
        tallies[FORGONE_CASH] += 1
        return 0
    pay_from_cash_or_debt(hh, own, flows)
    hh.out_of_pocket = int(hh.out_of_pocket) + own
    quintiles[int(hh.quintile), Q_VISITS] += 1
    quintiles[int(hh.quintile), Q_OUT_OF_POCKET] += own
    tallies[BILLED_HEALTH_CENTRE] += centre
    tallies[BILLED_HOSPITAL] += ward
    if admitted:
        tallies[ADMISSIONS] += 1
    sec.health_centre_cash += own_centre
    hospital[1] += own_ward
    if formal:
        tallies[VISITS_FORMAL] += 1
        flows[COPAYMENT_HEALTH_CENTRE] += own_centre
        flows[COPAYMENT_HOSPITAL] += own_ward
        flows[FORMAL_CLAIMS_HEALTH_CENTRE] += centre - own_centre
        flows[FORMAL_CLAIMS_HOSPITAL] += ward - own_ward
        sec.health_centre_cash += centre - own_centre
        hospital[1] += ward - own_ward
        return 0
    if insured:
        tallies[VISITS_INSURED] += 1
        flows[COPAYMENT_HEALTH_CENTRE] += own_centre
        flows[COPAYMENT_HOSPITAL] += own_ward
        hospital[0] += ward - own_ward
        tallies[CLAIMS_APPROVED_SECTION] += centre - own_centre
        tallies[CLAIMS_APPROVED_POOL] += ward - own_ward
        return centre - own_centre
    tallies[VISITS_UNINSURED] += 1
    flows[FEE_HEALTH_CENTRE] += own_centre
    flows[FEE_HOSPITAL] += own_ward
    return 0


def give_care(
    state: State,
    sec: Section,
    now: int,
    capacity: int,
    wanted: int,
    service: float,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    hospital: I8,
    quintiles: I8,
    flows: I8,
    tallies: I8,
) -> int:
    """Serve the section's contacts within capacity; return the claims on its fund, RWF."""
    households = state.households
    section = sec.number
    limit = first_place_refused(households, sec, now, capacity, wanted, fixed.key, work.histogram)
    suspended = sec.suspended != 0
    refusal = refusal_probability(sec.arrears, rule.refusal_slope)
    claims = 0
    for h in range(sec.first, sec.end):
        hh = households[h]
        if hh.alive == 0 or hh.contacts == 0:
            continue
        active = has_cover(hh, now) and not suspended
        for contact in range(int(hh.contacts)):
            if (
                limit < NO_LIMIT
                and place_in_queue(fixed.key, section, int(hh.ordinal), now, contact) >= limit
            ):
                tallies[FORGONE_CAPACITY] += 1
            else:
                claims += visit(
                    hh,
                    state.members[h],
                    sec,
                    contact,
                    now,
                    active,
                    service,
                    refusal,
                    rule,
                    fixed,
                    hospital,
                    quintiles,
                    flows,
                    tallies,
                )
    return claims


compile_kernels(globals())
