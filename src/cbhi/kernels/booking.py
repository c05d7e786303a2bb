"""Who can pay for a visit, and what the visits of a section are booked as.

In passes over contacts at hand: patients pay in the order of households, whose cash decides; then money and
visits are summed, and added to strata.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    ADMISSIONS,
    BILLED_HEALTH_CENTRE,
    BILLED_HOSPITAL,
    CARDS_FOUND,
    CLAIMS_APPROVED_POOL,
    CLAIMS_APPROVED_SECTION,
    CLAIMS_APPROVED_SECTION_HOSPITAL,
    COPAYMENT_HEALTH_CENTRE,
    COPAYMENT_HOSPITAL,
    FEE_HEALTH_CENTRE,
    FEE_HOSPITAL,
    FORGONE_CAPACITY,
    FORGONE_CASH,
    FORGONE_REFUSED,
    FORMAL_CLAIMS_HEALTH_CENTRE,
    FORMAL_CLAIMS_HOSPITAL,
    INDUCED_RWF,
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
from cbhi.kernels.fetching import AHEAD, fetching
from cbhi.kernels.income import can_raise, pay_from_cash_or_debt
from cbhi.kernels.records import I8, Rule, Section, Table

# what becomes of a contact
SERVED = 0
NO_PLACE = 1
REFUSED = 2
NO_CASH = 3
# who pays a visit, beside the patient's own part: nobody, a formal insurer, the scheme
PAYS_NOBODY = 0
PAYS_FORMAL = 1
PAYS_SCHEME = 2
N_PAYERS = 3

fetch_purse = fetching("cash", "debt", "income", "out_of_pocket")


def pay_in_order(households: Table, contacts: Table, begin: int, end: int, rule: Rule, flows: I8) -> None:
    """Let the patients of contacts ``begin`` to ``end - 1`` pay their parts, or forgo the visit."""
    for i in range(begin, end):
        contact = contacts[i]
        if contact.outcome != SERVED:
            continue
        hh = households[contact.household]
        fetch_purse(households[contacts[min(i + AHEAD, end - 1)].household])
        own = int(contact.own_centre) + int(contact.own_ward)
        if can_raise(hh, own, rule):
            pay_from_cash_or_debt(hh, own, flows)
            hh.out_of_pocket = int(hh.out_of_pocket) + own
        else:
            contact.outcome = NO_CASH


def count_outcomes(contacts: Table, begin: int, end: int, tallies: I8) -> None:
    """Count who was turned away, for whatever reason, and whose borrowed card was noticed."""
    no_place, refused, no_cash, cards, dishonoured = 0, 0, 0, 0, 0
    for i in range(begin, end):
        contact = contacts[i]
        outcome = int(contact.outcome)
        no_place += 1 if outcome == NO_PLACE else 0
        refused += 1 if outcome == REFUSED else 0
        no_cash += 1 if outcome == NO_CASH else 0
        comes = 1 if outcome == SERVED else 0
        comes = 1 if outcome == NO_CASH else comes
        cards += comes * int(contact.card_found)
        dishonoured += comes * (int(contact.covered) - int(contact.insured))
    tallies[FORGONE_CAPACITY] += no_place
    tallies[FORGONE_REFUSED] += refused
    tallies[FORGONE_CASH] += no_cash
    tallies[CARDS_FOUND] += cards
    tallies[REFUSED_AND_PAID] += dishonoured


def count_visits(contacts: Table, begin: int, end: int, tallies: I8) -> None:
    """Count the visits that were paid, by who pays."""
    formal, insured, uninsured, refused, borrowed = 0, 0, 0, 0, 0
    for i in range(begin, end):
        contact = contacts[i]
        paid = 1 if contact.outcome == SERVED else 0
        by_formal = paid if contact.payer == PAYS_FORMAL else 0
        by_scheme = paid if contact.payer == PAYS_SCHEME else 0
        other = paid - by_formal
        honoured = other * int(contact.insured)
        formal += by_formal
        insured += honoured
        uninsured += other - honoured
        refused += other * int(contact.covered) - honoured
        borrowed += by_scheme * (1 - int(contact.insured))
    tallies[VISITS_FORMAL] += formal
    tallies[VISITS_INSURED] += insured
    tallies[VISITS_UNINSURED] += uninsured
    tallies[VISITS_REFUSED] += refused
    tallies[VISITS_BORROWED_CARD] += borrowed


def book_centre(
    contacts: Table, begin: int, end: int, sec: Section, rule: Rule, flows: I8, tallies: I8
) -> tuple[int, int]:
    """Book what visits cost at health centres; return the claims on the home fund, RWF, and their number."""
    billed, added, from_formal, formal_part, copaid, fees = 0, 0, 0, 0, 0, 0
    taken, claims, n_claims = 0, 0, 0
    for i in range(begin, end):
        contact = contacts[i]
        paid = 1 if contact.outcome == SERVED else 0
        at_home = paid if contact.away == 0 else 0
        bill = paid * int(contact.centre)
        own = paid * int(contact.own_centre)
        formal = contact.payer == PAYS_FORMAL
        claim = 0 if formal else bill - own
        billed += bill
        added += paid * int(contact.added)
        from_formal += bill if formal else 0
        formal_part += own if formal else 0
        copaid += own if contact.payer == PAYS_SCHEME else 0
        fees += own if contact.payer == PAYS_NOBODY else 0
        taken += at_home * (bill if formal else own)
        claims += at_home * claim
        n_claims += at_home if claim > 0 else 0
    tallies[BILLED_HEALTH_CENTRE] += billed
    tallies[UPCODED_RWF if rule.payment == PAY_CASE else INDUCED_RWF] += added
    flows[COPAYMENT_HEALTH_CENTRE] += formal_part + copaid
    flows[FEE_HEALTH_CENTRE] += fees
    flows[FORMAL_CLAIMS_HEALTH_CENTRE] += from_formal - formal_part
    sec.health_centre_cash += taken
    sec.revenue_month += taken
    return claims, n_claims


def book_hospital(
    contacts: Table,
    begin: int,
    end: int,
    sec: Section,
    rule: Rule,
    hospital: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Book admissions: claims on pools in ``hospital[0]``, the hospital's receipts in ``hospital[1]``.

    Where there are no pools, members' admissions are billed to the section's fund.
    """
    billed, formal_bills, formal_part, copaid, fees = 0, 0, 0, 0, 0
    for i in range(begin, end):
        contact = contacts[i]
        paid = 1 if contact.outcome == SERVED else 0
        bill = paid * int(contact.ward)
        own = paid * int(contact.own_ward)
        billed += bill
        formal_bills += bill if contact.payer == PAYS_FORMAL else 0
        formal_part += own if contact.payer == PAYS_FORMAL else 0
        copaid += own if contact.payer == PAYS_SCHEME else 0
        fees += own if contact.payer == PAYS_NOBODY else 0
    tallies[BILLED_HOSPITAL] += billed
    flows[COPAYMENT_HOSPITAL] += formal_part + copaid
    flows[FEE_HOSPITAL] += fees
    flows[FORMAL_CLAIMS_HOSPITAL] += formal_bills - formal_part
    hospital[1] += formal_bills + copaid + fees
    claims = billed - formal_bills - copaid - fees
    if rule.sections_pay_hospital != 0:
        sec.hospital_month += claims
        tallies[CLAIMS_APPROVED_SECTION_HOSPITAL] += claims
    else:
        hospital[0] += claims
        tallies[CLAIMS_APPROVED_POOL] += claims


def add_to_strata(contacts: Table, begin: int, end: int, strata: I8, tallies: I8) -> None:
    """Add visits, what they cost whom, and what was forgone to the patients' strata; count admissions.

    Products rather than branches: cover follows no pattern that a processor could guess.
    """
    for i in range(begin, end):
        contact = contacts[i]
        stratum = strata[contact.stratum]
        if contact.outcome != SERVED:
            no_place, refused = contact.outcome == NO_PLACE, contact.outcome == REFUSED
            other = S_FORGONE_REFUSED if refused else S_FORGONE_CASH
            stratum[S_FORGONE_CAPACITY if no_place else other] += 1
            continue
        woman = int(contact.is_woman)
        formal = 1 if contact.payer == PAYS_FORMAL else 0
        covered = (1 - formal) * int(contact.covered)
        own = int(contact.own_centre) + int(contact.own_ward)
        claim = int(contact.centre) + int(contact.ward) - own
        stratum[S_VISITS] += 1
        stratum[S_VISITS_WOMEN] += woman
        stratum[S_OUT_OF_POCKET] += own
        stratum[S_CLAIMS] += claim
        stratum[S_VISITS_FORMAL] += formal
        stratum[S_OUT_OF_POCKET_FORMAL] += formal * own
        stratum[S_CLAIMS_FORMAL] += formal * claim
        stratum[S_VISITS_INSURED] += covered
        stratum[S_OUT_OF_POCKET_INSURED] += covered * own
        if contact.admitted != 0:
            tallies[ADMISSIONS] += 1
            stratum[S_ADMISSIONS] += 1
            stratum[S_ADMISSIONS_WOMEN] += woman
            stratum[S_ADMISSIONS_FORMAL] += formal
            stratum[S_ADMISSIONS_INSURED] += covered


def book_elsewhere(sec: Section, host: Section, taken: int, claim: int, rule: Rule, tallies: I8) -> None:
    """Put what a visitor paid into the host's till, and bill the host's fund, which the home fund owes it to.

    Not reviewed. Nobody owes anybody where the pool pays for all; a merged host passes on what it gets.
    """
    tallies[VISITS_ELSEWHERE] += 1
    host.visitors += 1
    host.visitor_cash += taken
    host.visitor_claims += claim
    sec.away_claims += claim
    tallies[CLAIMS_APPROVED_SECTION] += claim
    if rule.pool_pays_outpatient == 0:
        tallies[PORTABLE_CLAIMS] += claim
        sec.owes += claim
        host.owed += claim


def book_contacts(
    households: Table,
    contacts: Table,
    begin: int,
    end: int,
    sec: Section,
    rule: Rule,
    hospital: I8,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> tuple[int, int]:
    """Let patients pay contacts ``begin`` to ``end - 1`` or forgo them, and book what that comes to.

    Returns the claims on the home fund, RWF, and their number. What hosts take of visits elsewhere is not yet
    booked.
    """
    pay_in_order(households, contacts, begin, end, rule, flows)
    count_outcomes(contacts, begin, end, tallies)
    count_visits(contacts, begin, end, tallies)
    book_hospital(contacts, begin, end, sec, rule, hospital, flows, tallies)
    add_to_strata(contacts, begin, end, strata, tallies)
    return book_centre(contacts, begin, end, sec, rule, flows, tallies)


compile_kernels(globals())
