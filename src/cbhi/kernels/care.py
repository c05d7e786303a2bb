"""Who falls ill this month, who is served and where, and who pays the bill.

Members may use another health centre of the district. Such contacts do not queue there: they take up a
place of its next month, and it receives and bills them in the next month, so that the order of sections
within a month does not matter. Refusal, quality and prices are those at home.
"""

from __future__ import annotations

from typing import NamedTuple

from cbhi.kernels.codes import (
    ADMISSIONS,
    BILLED_HEALTH_CENTRE,
    BILLED_HOSPITAL,
    CAPITATION_BILLED,
    CARDS_FOUND,
    CLAIMS_APPROVED_POOL,
    CLAIMS_APPROVED_SECTION,
    CLAIMS_APPROVED_SECTION_HOSPITAL,
    COPAYMENT_HEALTH_CENTRE,
    COPAYMENT_HOSPITAL,
    DRAW_CARD,
    DRAW_CONTACT,
    DRAW_ELSEWHERE,
    DRAW_SUPPLY,
    FEE_HEALTH_CENTRE,
    FEE_HOSPITAL,
    FEMALE,
    FORGONE_CAPACITY,
    FORGONE_CASH,
    FORGONE_REFUSED,
    FORMAL_CLAIMS_HEALTH_CENTRE,
    FORMAL_CLAIMS_HOSPITAL,
    INDUCED_RWF,
    PAY_CAPITATION,
    PAY_CASE,
    PORTABLE_CLAIMS,
    REFUSED_AND_PAID,
    S_ADMISSIONS,
    S_ADMISSIONS_FORMAL,
    S_ADMISSIONS_INSURED,
    S_ADMISSIONS_WOMEN,
    S_CLAIMS,
    S_CLAIMS_FORMAL,
    S_FORGONE_CAPACITY,
    S_FORGONE_CASH,
    S_FORGONE_REFUSED,
    S_OUT_OF_POCKET,
    S_OUT_OF_POCKET_FORMAL,
    S_OUT_OF_POCKET_INSURED,
    S_VISITS,
    S_VISITS_FORMAL,
    S_VISITS_INSURED,
    S_VISITS_WOMEN,
    UPCODED_RWF,
    VISITS_BORROWED_CARD,
    VISITS_ELSEWHERE,
    VISITS_FORMAL,
    VISITS_INSURED,
    VISITS_REFUSED,
    VISITS_UNINSURED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import has_cover, stratum_of
from cbhi.kernels.draws import NOBODY, block, uniform
from cbhi.kernels.fraud import attempted, detection
from cbhi.kernels.health import bill, chance, member_rate, seeking_probability
from cbhi.kernels.income import can_raise, pay_from_cash_or_debt
from cbhi.kernels.money import split_bill, to_francs
from cbhi.kernels.notes import note_after, note_before
from cbhi.kernels.provider import (
    NO_LIMIT,
    first_place_refused,
    induced_factor,
    members_of_fund,
    negotiated_discount,
    place_in_queue,
    places_at_home,
    refusal_probability,
)
from cbhi.kernels.records import (
    I8,
    District,
    Fixed,
    Household,
    Rule,
    Section,
    State,
    Table,
    Work,
)


class Terms(NamedTuple):
    """What a section's scheme and health centre make of a contact this month."""

    service: float
    refusal: float  # probability that a member is turned away
    lending: float  # probability that somebody without cover shows a borrowed card
    detection: float  # probability that this is noticed
    discount: float  # on the tariff that the fund pays
    induced: float  # factor on insured patients' bills, paid by fee


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


def send_elsewhere(
    hh: Household, sec: Section, dist: District, now: int, active: bool, rule: Rule, fixed: Fixed
) -> int:
    """Divide the household's contacts between home and other health centres; return those at home.

    Only a household with active cover goes elsewhere, each contact by a draw of its own (thinning: both
    counts are Poisson). A merged section has no fund that could settle with others, so its members stay.
    Contacts elsewhere take the numbers after those at home.
    """
    hh.away = 0
    wanted = int(hh.contacts)
    if rule.portability_share <= 0.0 or not active or hh.formal != 0 or sec.merged != 0:
        return wanted
    if dist.end_section - dist.first_section < 2:
        return wanted
    away = 0
    for contact in range(wanted):
        u = uniform(fixed.key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_ELSEWHERE, contact)
        if u < rule.portability_share:
            away += 1
    hh.contacts = wanted - away
    hh.away = away
    return wanted - away


def receive_visitors(sec: Section) -> None:
    """Take over, at the start of a month, what last month's visitors paid and left to bill."""
    sec.health_centre_cash += sec.visitor_cash
    sec.revenue_month += sec.visitor_cash
    sec.visitors_before = sec.visitors
    sec.visitor_claims_before = sec.visitor_claims
    sec.visitors = 0
    sec.visitor_cash = 0
    sec.visitor_claims = 0


def ring_distance(u: float, furthest: int) -> int:
    """Return how many sections away a contact goes, 1 to ``furthest``; each is half as likely as the last."""
    left = u * (1.0 - 0.5**furthest)
    steps = 1
    while steps < furthest and left >= 1.0 - 0.5**steps:
        steps += 1
    return steps


def host_of(
    dist: District, sec: Section, place: int, ordinal: int, contact: int, now: int, fixed: Fixed
) -> int:
    """Return the row of the section where a contact away from home is served.

    The sections of a district lie on a ring in the order of their rows; ``place`` is the home's on it.
    """
    n = dist.end_section - dist.first_section
    _, u1, u2, _ = block(fixed.key, sec.number, ordinal, NOBODY, now, DRAW_ELSEWHERE, contact)
    steps = ring_distance(u1, n // 2)
    return int(dist.first_section) + (place + (steps if u2 < 0.5 else n - steps)) % n


def terms_of_month(sec: Section, now: int, service: float, suspended: bool, rule: Rule) -> Terms:
    """Return what a contact of the section's people meets this month."""
    lending = 0.0
    found = 0.0
    if rule.card_lending > 0.0 and now >= sec.opens and sec.member_share > 0.0 and not suspended:
        found = detection(sec, rule)
        lending = rule.card_lending * attempted(found, rule)
    return Terms(
        service=service,
        refusal=refusal_probability(sec.arrears, rule.refusal_slope),
        lending=lending,
        detection=found,
        discount=negotiated_discount(members_of_fund(sec, rule), rule),
        induced=induced_factor(sec, rule),
    )


def centre_bill(
    insured: bool, formal: bool, terms: Terms, rule: Rule, fixed: Fixed, u: float
) -> tuple[int, int]:
    """Return (bill of the health centre, what is induced or coded up in it), RWF.

    Those without cover pay the fee, formal insurers the cost. A scheme pays its tariff, the cost less
    the discount it has bargained for: by fee what the case costs and items added to it, by case the mean,
    with some cases coded as dearer ones. Under capitation the bill only serves to set the patient's part.
    """
    log_sd = rule.cost_log_sd
    if not insured:
        return bill(rule.fee_outpatient_rwf, log_sd, u, fixed), 0
    if formal or rule.payment == PAY_CAPITATION:
        return bill(rule.cost_outpatient_rwf, log_sd, u, fixed), 0
    tariff = rule.cost_outpatient_rwf * (1.0 - terms.discount)
    if rule.payment == PAY_CASE:
        honest = to_francs(tariff)
        charged = to_francs(tariff * (1.0 + rule.case_upcoding))
    else:
        honest = bill(tariff, log_sd, u, fixed)
        charged = bill(tariff * terms.induced, log_sd, u, fixed) if terms.induced > 1.0 else honest
    return charged, charged - honest


def patient_parts(centre: int, ward: int, insured: bool, formal: bool, rule: Rule) -> tuple[int, int]:
    """Return the patient's parts of the bills of health centre and hospital, RWF."""
    if formal:
        own_centre, _ = split_bill(centre, 0, rule.formal_coinsurance_share)
        own_ward, _ = split_bill(ward, 0, rule.formal_coinsurance_share)
        return own_centre, own_ward
    if insured:
        own_centre, _ = split_bill(centre, rule.copayment_rwf, rule.outpatient_coinsurance)
        own_ward, _ = split_bill(ward, 0, rule.coinsurance_share)
        return own_centre, own_ward
    return centre, ward


def passes_with_borrowed_card(
    hh: Household, sec: Section, contact: int, now: int, terms: Terms, fixed: Fixed, tallies: I8
) -> bool:
    """Return whether somebody without cover is taken for a member because of a borrowed card."""
    u0, u1, _, _ = block(fixed.key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_CARD, contact)
    if u0 >= terms.lending:
        return False
    if u1 < terms.detection:
        tallies[CARDS_FOUND] += 1
        return False
    return True


def take_payment(sec: Section, host: Section, amount_rwf: int) -> None:
    """Put a patient's or a formal insurer's payment into the till of the health centre that served."""
    if host.number == sec.number:
        sec.health_centre_cash += amount_rwf
        sec.revenue_month += amount_rwf
    else:
        host.visitor_cash += amount_rwf


def bill_elsewhere(sec: Section, host: Section, claim_rwf: int, rule: Rule, tallies: I8) -> None:
    """Bill a member's contact to the fund of the section that served it, which the home fund owes it to.

    Not reviewed. Nobody owes anybody where the pool pays for all; a merged host passes on what it gets.
    """
    host.visitor_claims += claim_rwf
    sec.away_claims += claim_rwf
    tallies[CLAIMS_APPROVED_SECTION] += claim_rwf
    if rule.pool_pays_outpatient == 0:
        tallies[PORTABLE_CLAIMS] += claim_rwf
        sec.owes += claim_rwf
        host.owed += claim_rwf


def bill_hospital(sec: Section, claim_rwf: int, rule: Rule, hospital: I8, tallies: I8) -> None:
    """Bill a member's admission to the pool, or to the section's fund where there are no pools."""
    if rule.sections_pay_hospital != 0:
        sec.hospital_month += claim_rwf
        tallies[CLAIMS_APPROVED_SECTION_HOSPITAL] += claim_rwf
    else:
        hospital[0] += claim_rwf
        tallies[CLAIMS_APPROVED_POOL] += claim_rwf


def bill_capitation(sec: Section, rule: Rule, tallies: I8) -> int:
    """Return the health centre's invoice for the section's members this month, RWF; approved as it is."""
    if rule.payment != PAY_CAPITATION or sec.suspended != 0:
        return 0
    invoice = to_francs(sec.insured * rule.capitation_rwf)
    tallies[CAPITATION_BILLED] += invoice
    tallies[BILLED_HEALTH_CENTRE] += invoice
    tallies[CLAIMS_APPROVED_SECTION] += invoice
    return invoice


def count_visit(stratum: I8, own_rwf: int, claim_rwf: int, covered: bool, formal: bool) -> None:
    """Count a visit in its stratum: what the patient and what third parties pay, by cover."""
    stratum[S_VISITS] += 1
    stratum[S_OUT_OF_POCKET] += own_rwf
    stratum[S_CLAIMS] += claim_rwf
    if formal:
        stratum[S_VISITS_FORMAL] += 1
        stratum[S_OUT_OF_POCKET_FORMAL] += own_rwf
        stratum[S_CLAIMS_FORMAL] += claim_rwf
    elif covered:
        stratum[S_VISITS_INSURED] += 1
        stratum[S_OUT_OF_POCKET_INSURED] += own_rwf


def count_patient(stratum: I8, is_woman: bool, admitted: bool, covered: bool, formal: bool) -> None:
    """Count who was served in its stratum: women, and admissions by cover."""
    stratum[S_VISITS_WOMEN] += 1 if is_woman else 0
    if not admitted:
        return
    stratum[S_ADMISSIONS] += 1
    stratum[S_ADMISSIONS_WOMEN] += 1 if is_woman else 0
    if formal:
        stratum[S_ADMISSIONS_FORMAL] += 1
    elif covered:
        stratum[S_ADMISSIONS_INSURED] += 1


def book_visit(
    hh: Household,
    sec: Section,
    host: Section,
    centre: int,
    ward: int,
    own_centre: int,
    own_ward: int,
    covered: bool,
    insured: bool,
    as_member: bool,
    rule: Rule,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> int:
    """Pay and book the bills of a visit; return the claim on the home section's fund, RWF.

    ``covered`` is whether the person has cover, ``insured`` whether it was honoured, ``as_member`` whether
    the bill was made out to a member.
    """
    own = own_centre + own_ward
    pay_from_cash_or_debt(hh, own, flows)
    hh.out_of_pocket = int(hh.out_of_pocket) + own
    count_visit(strata[stratum_of(hh)], own, centre + ward - own, covered, hh.formal != 0)
    tallies[BILLED_HEALTH_CENTRE] += centre
    tallies[BILLED_HOSPITAL] += ward
    take_payment(sec, host, own_centre)
    hospital[1] += own_ward
    if host.number != sec.number:
        tallies[VISITS_ELSEWHERE] += 1
        host.visitors += 1
    if hh.formal != 0:
        tallies[VISITS_FORMAL] += 1
        flows[COPAYMENT_HEALTH_CENTRE] += own_centre
        flows[COPAYMENT_HOSPITAL] += own_ward
        flows[FORMAL_CLAIMS_HEALTH_CENTRE] += centre - own_centre
        flows[FORMAL_CLAIMS_HOSPITAL] += ward - own_ward
        take_payment(sec, host, centre - own_centre)
        hospital[1] += ward - own_ward
        return 0
    tallies[VISITS_INSURED if insured else VISITS_UNINSURED] += 1
    tallies[VISITS_REFUSED] += 1 if covered and not insured else 0
    if not as_member:
        flows[FEE_HEALTH_CENTRE] += own_centre
        flows[FEE_HOSPITAL] += own_ward
        return 0
    tallies[VISITS_BORROWED_CARD] += 0 if insured else 1
    flows[COPAYMENT_HEALTH_CENTRE] += own_centre
    flows[COPAYMENT_HOSPITAL] += own_ward
    bill_hospital(sec, ward - own_ward, rule, hospital, tallies)
    if host.number != sec.number:
        bill_elsewhere(sec, host, centre - own_centre, rule, tallies)
        return 0
    return centre - own_centre


def visit(
    hh: Household,
    mm: Table,
    sec: Section,
    host: Section,
    contact: int,
    now: int,
    active: bool,
    terms: Terms,
    rule: Rule,
    fixed: Fixed,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> int:
    """Serve one contact that has a place, in ``host``: bill it, split it, pay it or let it go.

    Returns the claim on the home section's fund, RWF; hospital claims on the pool are added to
    ``hospital[0]`` and hospital receipts from patients and formal insurers to ``hospital[1]``.
    """
    ordinal = int(hh.ordinal)
    u0, u1, u2, u3 = block(fixed.key, sec.number, ordinal, NOBODY, now, DRAW_CONTACT, contact)
    _, v1, v2, v3 = block(fixed.key, sec.number, ordinal, NOBODY, now, DRAW_SUPPLY, contact)
    slot, insured = pick_patient(hh, mm, now, active, terms.service, rule, fixed, u0)
    formal = hh.formal != 0
    covered = insured
    as_member = insured
    if insured and not formal and v1 < terms.refusal:
        # turned away as a member: comes all the same if the fee would not have deterred it
        if v3 >= chance_at_the_fee(hh, terms.service, rule):
            tallies[FORGONE_REFUSED] += 1
            strata[stratum_of(hh), S_FORGONE_REFUSED] += 1
            return 0
        tallies[REFUSED_AND_PAID] += 1
        insured = False
        as_member = False
    elif not insured and terms.lending > 0.0 and v1 >= terms.refusal:
        as_member = passes_with_borrowed_card(hh, sec, contact, now, terms, fixed, tallies)
    severe_share = rule.severe_share
    odds = float(hh.odds_insured if insured else hh.odds_uninsured)
    odds_severe = float(hh.odds_severe_insured if insured else hh.odds_severe_uninsured)
    if_severe = severe_share * chance(odds_severe, terms.service)
    severe = u1 * ((1.0 - severe_share) * chance(odds, terms.service) + if_severe) < if_severe
    capitated = as_member and not formal and rule.payment == PAY_CAPITATION
    referral = rule.capitation_referral if capitated else 0.0
    admitted = severe and u3 < min(1.0, rule.admission_if_severe + referral)
    centre, added = centre_bill(as_member, formal, terms, rule, fixed, u2)
    ward = 0
    if admitted:
        mean = rule.cost_admission_rwf if as_member else rule.fee_admission_rwf
        ward = bill(mean, rule.cost_log_sd, v2, fixed)
    own_centre, own_ward = patient_parts(centre, ward, as_member, formal, rule)
    if not can_raise(hh, own_centre + own_ward, rule):
        tallies[FORGONE_CASH] += 1
        strata[stratum_of(hh), S_FORGONE_CASH] += 1
        return 0
    if capitated:
        centre = own_centre
    tallies[ADMISSIONS] += 1 if admitted else 0
    count_patient(strata[stratum_of(hh)], mm[slot].sex == FEMALE, admitted, covered, formal)
    tallies[UPCODED_RWF if rule.payment == PAY_CASE else INDUCED_RWF] += added
    return book_visit(
        hh, sec, host, centre, ward, own_centre, own_ward, covered, insured, as_member, rule, hospital,
        strata, flows, tallies,
    )  # fmt: skip


def serve_elsewhere(
    state: State,
    sec: Section,
    place: int,
    h: int,
    now: int,
    active: bool,
    terms: Terms,
    rule: Rule,
    fixed: Fixed,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Serve the contacts that a household takes to other health centres of the district."""
    hh = state.households[h]
    dist = state.districts[sec.district]
    at_home = int(hh.contacts)
    for contact in range(at_home, at_home + int(hh.away)):
        host = state.sections[host_of(dist, sec, place, int(hh.ordinal), contact, now, fixed)]
        visit(
            hh, state.members[h], sec, host, contact, now, active, terms, rule, fixed, hospital, strata,
            flows, tallies,
        )  # fmt: skip


def place_on_ring(state: State, sec: Section) -> int:
    """Return the section's place among those of its district."""
    dist = state.districts[sec.district]
    for s in range(dist.first_section, dist.end_section):
        if state.sections[s].number == sec.number:
            return int(s - dist.first_section)
    return 0


def served_at_home(tallies: I8) -> int:
    """Return the visits counted so far that were made at home."""
    visits = tallies[VISITS_INSURED] + tallies[VISITS_UNINSURED] + tallies[VISITS_FORMAL]
    return int(visits - tallies[VISITS_ELSEWHERE])


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
    strata: I8,
    flows: I8,
    tallies: I8,
) -> tuple[int, int, int]:
    """Serve the section's contacts, those at home within the places that there are.

    ``capacity`` is what the health centre can give this month, ``wanted`` the contacts at home. Returns
    (claims on the section's fund before review, RWF; their number; contacts served at home).
    """
    households = state.households
    places = places_at_home(sec, capacity, wanted, rule)
    limit = first_place_refused(households, sec, now, places, wanted, fixed.key, work.histogram)
    suspended = sec.suspended != 0
    terms = terms_of_month(sec, now, service, suspended, rule)
    ring = place_on_ring(state, sec) if rule.portability_share > 0.0 else 0
    sec.hospital_month = 0
    sec.away_claims = 0
    served = -served_at_home(tallies)
    claims = 0
    n_claims = 0
    for h in range(sec.first, sec.end):
        hh = households[h]
        if hh.alive == 0 or (hh.contacts == 0 and hh.away == 0):
            continue
        if hh.watched != 0:
            note_before(state.watch, flows, tallies)
        active = has_cover(hh, now) and not suspended
        for contact in range(int(hh.contacts)):
            if (
                limit < NO_LIMIT
                and place_in_queue(fixed.key, sec.number, int(hh.ordinal), now, contact) >= limit
            ):
                tallies[FORGONE_CAPACITY] += 1
                strata[stratum_of(hh), S_FORGONE_CAPACITY] += 1
                continue
            claim = visit(
                hh, state.members[h], sec, sec, contact, now, active, terms, rule, fixed, hospital, strata,
                flows, tallies,
            )  # fmt: skip
            claims += claim
            n_claims += 1 if claim > 0 else 0
        if hh.away != 0:
            serve_elsewhere(
                state, sec, ring, h, now, active, terms, rule, fixed, hospital, strata, flows, tallies
            )
        if hh.watched != 0:
            note_after(state.watch, hh, flows, tallies)
    served += served_at_home(tallies)
    return claims, n_claims, served


compile_kernels(globals())
