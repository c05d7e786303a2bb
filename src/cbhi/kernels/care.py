"""Who is served this month and where, and who pays the bill.

A section's contacts are gathered and go through passes: who comes and how ill, what the bill is, and, in the
order of households, who can pay it. The draws of a pass are made at once.

Members may use another health centre of the district. Such contacts do not queue there: they take up a
place of its next month, and it receives and bills them in the next month, so that the order of sections
within a month does not matter. Refusal, quality and prices are those at home.
"""

from __future__ import annotations

from typing import NamedTuple

from cbhi.kernels.booking import (
    NO_PLACE,
    PAYS_FORMAL,
    PAYS_NOBODY,
    PAYS_SCHEME,
    REFUSED,
    SERVED,
    book_contacts,
    book_elsewhere,
)
from cbhi.kernels.codes import (
    BILLED_HEALTH_CENTRE,
    CAPITATION_BILLED,
    CLAIMS_APPROVED_SECTION,
    DRAW_CARD,
    DRAW_CONTACT,
    DRAW_ELSEWHERE,
    DRAW_SUPPLY,
    FEMALE,
    LIST_PATIENTS,
    PAY_CAPITATION,
    PAY_CASE,
    VISITS_ELSEWHERE,
    VISITS_FORMAL,
    VISITS_INSURED,
    VISITS_UNINSURED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import has_cover, stratum_of
from cbhi.kernels.draws import NOBODY, address, block, fill_blocks, uniform
from cbhi.kernels.fetching import AHEAD, fetching
from cbhi.kernels.fraud import attempted, detection
from cbhi.kernels.health import (
    bill,
    chance,
    fill_bill_sizes,
    fill_needs,
    of_either_severity,
)
from cbhi.kernels.money import split_bill, to_francs
from cbhi.kernels.notes import note_after, note_before
from cbhi.kernels.provider import (
    first_place_refused,
    induced_factor,
    members_of_fund,
    negotiated_discount,
    places_at_home,
    refusal_probability,
)
from cbhi.kernels.records import (
    F8,
    I8,
    Contact,
    District,
    Fixed,
    Household,
    Rule,
    Section,
    State,
    Table,
    Work,
)

# columns of ``Work.prices``, which has a row for each of these
MEAN_HONEST = 0  # mean bill of the health centre, RWF
MEAN_CHARGED = 1  # and with what is induced or coded up in it
BY_CASE = 2  # 1 where every bill is the mean
MEAN_ADMISSION = 3  # mean bill of the hospital, RWF
COPAYMENT = 4  # patient's fixed part of the health centre's bill, RWF
SHARE_CENTRE = 5  # patient's part of the rest of it
SHARE_HOSPITAL = 6  # and of the hospital's bill
N_PRICES = 7

# what a patient is chosen by
fetch_patient = fetching(
    "odds_insured", "odds_severe_insured", "odds_uninsured", "odds_severe_uninsured", "shared_frailty"
)
fetch_members = fetching("born", "sex", "frailty")
fetch_more = fetching("frailty")


class Terms(NamedTuple):
    """What a section's scheme and health centre make of a contact this month."""

    service: float
    refusal: float  # probability that a member is turned away
    lending: float  # probability that somebody without cover shows a borrowed card
    detection: float  # probability that this is noticed
    discount: float  # on the tariff that the fund pays
    induced: float  # factor on insured patients' bills, paid by fee


class Seeking(NamedTuple):
    """A household's probabilities of seeking care for an episode, by severity and cover."""

    insured: float
    severe_insured: float
    uninsured: float
    severe_uninsured: float


def seeking_of(hh: Household, service: float) -> Seeking:
    """Return the probabilities with which the household seeks care this month."""
    return Seeking(
        chance(float(hh.odds_insured), service),
        chance(float(hh.odds_severe_insured), service),
        chance(float(hh.odds_uninsured), service),
        chance(float(hh.odds_severe_uninsured), service),
    )


def chance_at_the_fee(seeking: Seeking, severe_share: float) -> float:
    """Return the probability that a contact wanted with cover would have been wanted at the user fee too."""
    with_cover = of_either_severity(seeking.insured, seeking.severe_insured, severe_share)
    at_fee = of_either_severity(seeking.uninsured, seeking.severe_uninsured, severe_share)
    return at_fee / with_cover if with_cover > 0.0 else 0.0


def is_severe(seeking: Seeking, insured: bool, severe_share: float, u: float) -> bool:
    """Return whether the episode behind a contact is severe, by Bayes' rule."""
    ordinary = seeking.insured if insured else seeking.uninsured
    severe = seeking.severe_insured if insured else seeking.severe_uninsured
    if_severe = severe_share * severe
    return u * ((1.0 - severe_share) * ordinary + if_severe) < if_severe


def pick_patient(
    hh: Household,
    mm: Table,
    now: int,
    active: bool,
    seeking: Seeking,
    rule: Rule,
    need_by_age: F8,
    weights: F8,
    u: float,
) -> int:
    """Return the slot of the member behind a contact, in proportion to the members' contacts.

    ``weights`` is a buffer for all members. Whatever their number, all of it is gone through: where a loop
    over members ends follows no pattern that a processor could guess.
    """
    n = int(hh.n_members)
    p_covered = of_either_severity(seeking.insured, seeking.severe_insured, rule.severe_share)
    p_other = of_either_severity(seeking.uninsured, seeking.severe_uninsured, rule.severe_share)
    formal = hh.formal != 0
    weigh_members(
        mm, n, now, p_covered if formal or active else p_other, p_covered if formal else p_other,
        rule.need_rate * float(hh.shared_frailty), rule.chronic_factor, need_by_age, weights,
    )  # fmt: skip
    total = 0.0
    for k in range(weights.size):
        total += weights[k]
    left = u * total
    slot = 0
    for k in range(weights.size):
        left -= weights[k]
        # counted rather than left at once
        slot += int(left >= 0.0)
    return min(slot, n - 1)


def weigh_members(
    mm: Table,
    n: int,
    now: int,
    p_enrolled: float,
    p_other: float,
    scale: float,
    chronic_factor: float,
    need_by_age: F8,
    weights: F8,
) -> None:
    """Write the contacts that members make, up to a factor; nothing in slots without a member."""
    fill_needs(mm, now, chronic_factor, need_by_age, weights)
    for k in range(weights.size):
        weight = (p_enrolled if mm[k].enrolled != 0 else p_other) * (scale * weights[k])
        weights[k] = weight if k < n else 0.0


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
    dist: District, sec: Section, place: int, ordinal: int, contact: int, now: int, key: tuple[int, int]
) -> int:
    """Return the row of the section where a contact away from home is served.

    The sections of a district lie on a ring in the order of their rows; ``place`` is the home's on it.
    """
    n = dist.end_section - dist.first_section
    _, u1, u2, _ = block(key, sec.number, ordinal, NOBODY, now, DRAW_ELSEWHERE, contact)
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


def set_prices(prices: F8, terms: Terms, rule: Rule) -> None:
    """Write down what a visit costs this month and the patient's part of it, by who pays the rest.

    Those without cover pay the fee, formal insurers the cost. A scheme pays its tariff, the cost less the
    discount it has bargained for: by fee what the case costs and items added to it, by case the mean, with
    some cases coded as dearer ones. Under capitation the bill only serves to set the patient's part.
    """
    cost = rule.cost_outpatient_rwf
    prices[:, :] = 0.0
    prices[PAYS_NOBODY, MEAN_HONEST] = rule.fee_outpatient_rwf
    prices[PAYS_NOBODY, MEAN_CHARGED] = rule.fee_outpatient_rwf
    prices[PAYS_NOBODY, MEAN_ADMISSION] = rule.fee_admission_rwf
    prices[PAYS_NOBODY, SHARE_CENTRE] = 1.0
    prices[PAYS_NOBODY, SHARE_HOSPITAL] = 1.0
    prices[PAYS_FORMAL, MEAN_HONEST] = cost
    prices[PAYS_FORMAL, MEAN_CHARGED] = cost
    prices[PAYS_FORMAL, MEAN_ADMISSION] = rule.cost_admission_rwf
    prices[PAYS_FORMAL, SHARE_CENTRE] = rule.formal_coinsurance_share
    prices[PAYS_FORMAL, SHARE_HOSPITAL] = rule.formal_coinsurance_share
    tariff = cost if rule.payment == PAY_CAPITATION else cost * (1.0 - terms.discount)
    added = 1.0 + rule.case_upcoding if rule.payment == PAY_CASE else terms.induced
    prices[PAYS_SCHEME, MEAN_HONEST] = tariff
    prices[PAYS_SCHEME, MEAN_CHARGED] = tariff * (1.0 if rule.payment == PAY_CAPITATION else added)
    prices[PAYS_SCHEME, BY_CASE] = 1.0 if rule.payment == PAY_CASE else 0.0
    prices[PAYS_SCHEME, MEAN_ADMISSION] = rule.cost_admission_rwf
    prices[PAYS_SCHEME, COPAYMENT] = rule.copayment_rwf
    prices[PAYS_SCHEME, SHARE_CENTRE] = rule.outpatient_coinsurance
    prices[PAYS_SCHEME, SHARE_HOSPITAL] = rule.coinsurance_share


def shows_borrowed_card(
    contact: Contact, ordinal: int, section: int, now: int, terms: Terms, key: tuple[int, int]
) -> None:
    """Let somebody without cover be taken for a member because of a borrowed card, or be found out."""
    u0, u1, _, _ = block(key, section, ordinal, NOBODY, now, DRAW_CARD, int(contact.number))
    if u0 < terms.lending:
        if u1 < terms.detection:
            contact.card_found = 1
        else:
            contact.payer = PAYS_SCHEME


def bill_capitation(sec: Section, rule: Rule, tallies: I8) -> int:
    """Return the health centre's invoice for the section's members this month, RWF; approved as it is."""
    if rule.payment != PAY_CAPITATION or sec.suspended != 0:
        return 0
    invoice = to_francs(sec.insured * rule.capitation_rwf)
    tallies[CAPITATION_BILLED] += invoice
    tallies[BILLED_HEALTH_CENTRE] += invoice
    tallies[CLAIMS_APPROVED_SECTION] += invoice
    return invoice


def receive_patients(
    state: State,
    sec: Section,
    n: int,
    now: int,
    limit: float,
    terms: Terms,
    rule: Rule,
    fixed: Fixed,
    work: Work,
) -> None:
    """Say of the ``n`` contacts at hand who comes, who is turned away, as what others are served, how ill."""
    suspended = sec.suspended != 0
    severe_share = rule.severe_share
    capitation = rule.payment == PAY_CAPITATION
    for i in range(n):
        contact = work.contacts[i]
        h = int(contact.household)
        hh = state.households[h]
        ahead = int(work.contacts[min(i + AHEAD, n - 1)].household)
        fetch_patient(state.households[ahead])
        fetch_members(state.members[ahead])
        fetch_more(state.members[ahead][4])
        contact.card_found = 0
        contact.stratum = stratum_of(hh)
        contact.away = int(contact.number >= hh.contacts)
        if contact.away == 0 and work.supply[0, i] >= limit:
            contact.outcome = NO_PLACE
            continue
        contact.outcome = SERVED
        active = has_cover(hh, now) and not suspended
        formal = hh.formal != 0
        seeking = seeking_of(hh, terms.service)
        mm = state.members[h]
        weights = work.few_weights if int(hh.n_members) <= work.few_weights.size else work.weights
        slot = pick_patient(
            hh, mm, now, active, seeking, rule, fixed.need_by_age, weights, work.uniforms[0, i]
        )
        covered = formal | (active & (mm[slot].enrolled != 0))
        insured = covered
        contact.is_woman = int(mm[slot].sex == FEMALE)
        contact.covered = covered
        contact.payer = PAYS_FORMAL if formal else (PAYS_SCHEME if covered else PAYS_NOBODY)
        if work.supply[1, i] < terms.refusal:
            if covered and not formal:
                # turned away as a member: comes all the same if the fee would not have deterred it
                insured = False
                contact.payer = PAYS_NOBODY
                if work.supply[3, i] >= chance_at_the_fee(seeking, severe_share):
                    contact.outcome = REFUSED
        elif not covered and terms.lending > 0.0:
            shows_borrowed_card(contact, int(hh.ordinal), sec.number, now, terms, fixed.key)
        contact.insured = insured
        referral = rule.capitation_referral if capitation and contact.payer == PAYS_SCHEME else 0.0
        severe = is_severe(seeking, insured, severe_share, work.uniforms[1, i])
        contact.admitted = severe and work.uniforms[3, i] < min(1.0, rule.admission_if_severe + referral)


def of_payer(payer: int, prices: F8, column: int) -> float:
    """Return a price by who pays; choices rather than an index, for loops that become vectors."""
    price = float(prices[PAYS_FORMAL, column] if payer == PAYS_FORMAL else prices[PAYS_NOBODY, column])
    return float(prices[PAYS_SCHEME, column]) if payer == PAYS_SCHEME else price


def make_out_bills(n: int, rule: Rule, fixed: Fixed, work: Work) -> None:
    """Make out the bills of the ``n`` contacts at hand, and divide them between patients and payers."""
    log_sd = rule.cost_log_sd
    prices = work.prices
    contacts = work.contacts
    sizes = work.sizes
    capitation = rule.payment == PAY_CAPITATION
    fill_bill_sizes(n, log_sd, work.uniforms[2], fixed.bill_sizes, fixed.bill_chances, sizes)
    for i in range(n):
        contact = contacts[i]
        payer = int(contact.payer)
        size = 1.0 if of_payer(payer, prices, BY_CASE) != 0.0 else sizes[i]
        centre = to_francs(of_payer(payer, prices, MEAN_CHARGED) * size)
        part = min(centre, int(of_payer(payer, prices, COPAYMENT)))
        part += to_francs((centre - part) * of_payer(payer, prices, SHARE_CENTRE))
        contact.added = centre - to_francs(of_payer(payer, prices, MEAN_HONEST) * size)
        # capitation pays the rest in one sum
        paid_apart = capitation & (payer == PAYS_SCHEME)
        contact.centre = part if paid_apart else centre
        contact.own_centre = part
        contact.ward = 0
        contact.own_ward = 0
    for i in range(n):
        contact = contacts[i]
        if contact.admitted != 0:
            payer = int(contact.payer)
            ward = bill(prices[payer, MEAN_ADMISSION], log_sd, work.supply[2, i], fixed)
            contact.ward = ward
            contact.own_ward, _ = split_bill(ward, 0, float(prices[payer, SHARE_HOSPITAL]))


def send_to_hosts(
    state: State,
    sec: Section,
    ring: int,
    begin: int,
    end: int,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    tallies: I8,
) -> None:
    """Book with hosts what visits elsewhere cost, of contacts ``begin`` to ``end - 1``."""
    dist = state.districts[sec.district]
    for i in range(begin, end):
        contact = work.contacts[i]
        if contact.away == 0 or contact.outcome != SERVED:
            continue
        ordinal = int(state.households[contact.household].ordinal)
        host = state.sections[host_of(dist, sec, ring, ordinal, int(contact.number), now, fixed.key)]
        formal = contact.payer == PAYS_FORMAL
        taken = int(contact.centre) if formal else int(contact.own_centre)
        claim = 0 if formal else int(contact.centre) - int(contact.own_centre)
        book_elsewhere(sec, host, taken, claim, rule, tallies)


def settle_contacts(
    state: State,
    sec: Section,
    ring: int,
    n: int,
    now: int,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> tuple[int, int]:
    """Book the ``n`` contacts at hand, in the order of households, whose cash decides what they can pay.

    ``ring`` is the section's place in its district. Returns the claims on its fund, RWF, and their number.
    Contacts of the watched are booked one by one, and so are those between them.
    """
    households = state.households
    claims = 0
    n_claims = 0
    begin = 0
    while begin < n:
        end = next_watched(households, work.contacts, begin, n) if state.watch.asked.size > 0 else n
        watched = end == begin
        if watched:
            end = begin + 1
            note_before(state.watch, flows, tallies)
        more, n_more = book_contacts(
            households, work.contacts, begin, end, sec, rule, hospital, strata, flows, tallies
        )
        claims += more
        n_claims += n_more
        if rule.portability_share > 0.0:
            send_to_hosts(state, sec, ring, begin, end, now, rule, fixed, work, tallies)
        if watched:
            note_after(state.watch, households[work.contacts[begin].household], flows, tallies)
        begin = end
    return claims, n_claims


def next_watched(households: Table, contacts: Table, begin: int, n: int) -> int:
    """Return the first contact of a watched household from ``begin`` on, or ``n``."""
    for i in range(begin, n):
        if households[contacts[i].household].watched != 0:
            return i
    return n


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


def treat_contacts(
    state: State,
    sec: Section,
    ring: int,
    n: int,
    now: int,
    limit: float,
    terms: Terms,
    rule: Rule,
    fixed: Fixed,
    work: Work,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> tuple[int, int]:
    """Serve, bill and book the ``n`` contacts at hand; return claims on the section's fund and their number.

    In passes, because many draws are made at once much faster than one by one.
    """
    fill_blocks(fixed.key, sec.number, now, DRAW_CONTACT, n, work.addresses, work.uniforms)
    fill_blocks(fixed.key, sec.number, now, DRAW_SUPPLY, n, work.addresses, work.supply)
    receive_patients(state, sec, n, now, limit, terms, rule, fixed, work)
    make_out_bills(n, rule, fixed, work)
    return settle_contacts(state, sec, ring, n, now, rule, fixed, work, hospital, strata, flows, tallies)


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
    """Serve the contacts of the section's patients, those at home within the places that there are.

    ``capacity`` is what the health centre can give this month, ``wanted`` the contacts at home. Returns
    (claims on the section's fund before review, RWF; their number; contacts served at home).
    """
    households = state.households
    contacts = work.contacts
    places = places_at_home(sec, capacity, wanted, rule)
    limit = first_place_refused(households, sec, now, places, wanted, fixed.key, work)
    terms = terms_of_month(sec, now, service, sec.suspended != 0, rule)
    set_prices(work.prices, terms, rule)
    ring = place_on_ring(state, sec) if rule.portability_share > 0.0 else 0
    sec.hospital_month = 0
    sec.away_claims = 0
    served = -served_at_home(tallies)
    claims = 0
    n_claims = 0
    n = 0
    for i in range(int(work.counts[LIST_PATIENTS])):
        h = int(work.lists[LIST_PATIENTS, i])
        hh = households[h]
        for number in range(int(hh.contacts) + int(hh.away)):
            if n == contacts.size:
                more, n_more = treat_contacts(
                    state, sec, ring, n, now, limit, terms, rule, fixed, work, hospital, strata, flows,
                    tallies,
                )  # fmt: skip
                claims += more
                n_claims += n_more
                n = 0
            contacts[n].household = h
            contacts[n].number = number
            work.addresses[n] = address(int(hh.ordinal), NOBODY, number)
            n += 1
    more, n_more = treat_contacts(
        state, sec, ring, n, now, limit, terms, rule, fixed, work, hospital, strata, flows, tallies
    )
    served += served_at_home(tallies)
    return claims + more, n_claims + n_more, served


compile_kernels(
    globals(),
    inlined=("make_out_bills", "pick_patient", "receive_patients", "settle_contacts"),
)
