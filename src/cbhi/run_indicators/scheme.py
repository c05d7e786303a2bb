"""Ratios of the scheme's accounts: openIMIS, Microinsurance Network, ILO-STEP and CIDR."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cbhi import indicators
from cbhi.kernels import codes
from cbhi.run_indicators.books import (
    APPROVED,
    BAIL_OUTS,
    CLAIMS,
    EXPENSES,
    GRANTS,
    OWN,
    PAYABLES,
    PREMIUMS,
    RESERVES,
    SPONSORS,
    Books,
)
from cbhi.run_indicators.readings import F8, Reading, never
from cbhi.runs import Run, scenarios_of

OPENIMIS = "openIMIS"
NETWORK = "Microinsurance Network"
ILO = "ILO-STEP and CIDR"

_AT_CLOSE = "judged once, at the close of the membership year"
_VISITS = "each visit of a member with benefits is a claim; invented claims are not counted"
_EARNED = "premiums spread evenly over the months of cover they were paid for"
_NO_SUCH = {
    "p2_new_policies": ("households", "whether a new policy had a predecessor is not written"),
    "p3_suspended_policies": ("households", "schemes are suspended, not policies"),
    "p7_newly_insured": ("persons", "whether a new policy had a predecessor is not written"),
    "p12_rejected_claims": ("claims", "audit rejects francs; claims rejected are not counted"),
    "d3_growth_ratio": ("ratio", "needs P2; see the growth ratio of the Microinsurance Network"),
    "d4_promptness_days": ("days", "claims are paid from a balance; no claim has a day of settlement"),
    "d5_claims_settlement_ratio": ("share", "needs P12"),
    "d8_satisfaction_level": ("mark", "nobody asks for feedback"),
    "d9_feedback_response_ratio": ("share", "nobody asks for feedback"),
}


def scheme_readings(run: Run) -> list[Reading]:
    """Return the ratios of the scheme's accounts by replicate and reporting year."""
    books = Books(run)
    return [*_openimis(books), *_network(books), *_ilo(books)]


def incurred(books: Books) -> F8:
    """Return claims incurred: paid, and what is owed more at the close than at the opening.

    A bail-out is received and paid out as claims, so it is among those paid.
    """
    owed_before, owed = books.stock(*PAYABLES, opening=True), books.stock(*PAYABLES)
    return np.asarray(indicators.incurred_claims(books.flow(*CLAIMS), owed_before, owed))


def income(books: Books) -> F8:
    """Return what comes in for the year, as far as it is earned: premiums, grants, levies, recoveries."""
    # the pools' cross-subsidy is money of the scheme itself
    return (
        books.earned
        - books.flow(codes.SUBSIDY_POOL)
        + books.flow(*GRANTS, *BAIL_OUTS, codes.REINSURANCE_RECOVERY)
    )


def net_income(books: Books) -> F8:
    """Return income less claims incurred, expenses, reinsurance and what disappears."""
    out = books.flow(*EXPENSES, codes.REINSURANCE_PREMIUM, codes.EMBEZZLEMENT)
    return np.asarray(income(books) - incurred(books) - out)


def _derived(books: Books, fields: dict[str, F8]) -> dict[str, F8]:
    """Return the derived indicators of openIMIS, computed year by year."""
    names = indicators.DerivedIndicators._fields
    found = {name: np.full(books.earned.shape, np.nan) for name in names}
    for i, j in np.ndindex(books.earned.shape):
        one = indicators.openimis_derived_indicators(**{k: float(v[i, j]) for k, v in fields.items()})
        for name in names:
            found[name][i, j] = getattr(one, name)
    return found


def _openimis(books: Books) -> list[Reading]:
    visits = books.tally(codes.VISITS_INSURED)
    approved = books.tally(*APPROVED)
    insured = books.at_close(codes.INSURED)
    renewals, due = books.tally(codes.RENEWALS), books.tally(codes.RENEWALS_DUE)
    derived = _derived(
        books,
        {
            "renewals": renewals,
            "expired_policies": due,
            "insurees": insured,
            "available_contributions": books.earned,
            "claims": visits,
            "amount_remunerated": approved,
        },
    )
    found = {
        "p1_policies": (
            "households",
            books.at_close(codes.HOUSEHOLD_MONTHS_INSURED),
            "households with cover in the last month; a household has one policy",
        ),
        "p4_expired_policies": ("households", due, _AT_CLOSE),
        "p5_renewals": ("households", renewals, _AT_CLOSE),
        "p6_insurees": ("persons", insured, "persons with benefits in the last month"),
        "p8_newly_collected_contributions": (
            "RWF",
            books.flow(*PREMIUMS),
            "paid by households, associations, sponsors and the pools",
        ),
        "p9_available_contributions": ("RWF", books.earned, _EARNED),
        "p10_claims": ("claims", visits, _VISITS),
        "p11_amount_remunerated": ("RWF", approved, "claims approved, capitation included"),
        "d1_incurred_claims_ratio": ("ratio", derived["d1_incurred_claims_ratio"], _EARNED),
        "d2_renewal_ratio": ("share", derived["d2_renewal_ratio"], _AT_CLOSE),
        "d6_claims_per_insuree": ("claims per person", derived["d6_claims_per_insuree"], _VISITS),
        "d7_average_cost_per_claim": ("RWF", derived["d7_average_cost_per_claim"], _VISITS),
    }
    order = (
        *indicators.PolicyIndicators._fields,
        *indicators.ClaimIndicators._fields,
        *indicators.DerivedIndicators._fields,
    )
    return [
        Reading(OPENIMIS, name, *found[name])
        if name in found
        else never(OPENIMIS, name, _NO_SUCH[name][0], _NO_SUCH[name][1])
        for name in order
    ]


def _audited(books: Books) -> F8:
    """Return claims in the district funds' francs that audit saw, not a number where nothing is audited."""
    years = np.array([_audited_years(books.run, own) for own in scenarios_of(books.run)])
    reported = books.tally(codes.CLAIMS_APPROVED_SECTION, codes.CLAIMS_REJECTED_SECTION)
    return np.where(years, reported, np.nan)


def _audited_years(run: Run, scenario: Any) -> list[bool]:
    """Return for each reporting year whether claims were audited under the rules of one replicate."""
    audits = np.zeros(scenario.n_months, dtype=bool)
    for begin, p in scenario.regimes():
        on = p.switches.fraud and p.fraud.audit_hours_per_1000_claims > 0
        audits[max(0, begin - scenario.start) :] = on
    return [bool(audits[b:e].any()) for _, b, e in run.periods]


def _read(
    family: str, name: str, unit: str, values: ArrayLike, note: str, why: str = "no premium was earned"
) -> Reading:
    return Reading(family, name, unit, np.asarray(values), note, why)


def _network(books: Books) -> list[Reading]:
    """Return the ratios of the Microinsurance Network in the order of its handbook."""
    earned, claims, expenses = books.earned, incurred(books), books.flow(*EXPENSES)
    read = functools.partial(_read, NETWORK)
    return [
        read(
            "net_income_ratio",
            "ratio",
            indicators.net_income_ratio(net_income(books), earned),
            "net income: earned premiums, grants, levies and bail-outs less claims incurred, expenses, net "
            "reinsurance and what disappears",
        ),
        read("incurred_expense_ratio", "ratio", indicators.incurred_expense_ratio(expenses, earned), _EARNED),
        read("incurred_claims_ratio", "ratio", indicators.incurred_claims_ratio(claims, earned), _EARNED),
        read("combined_ratio", "ratio", indicators.combined_ratio(claims, expenses, earned), _EARNED),
        *_network_members(books),
        never(
            NETWORK,
            "claims_promptness",
            "shares",
            "claims are paid from a balance; no claim has a day of settlement",
        ),
        read(
            "claims_rejection_ratio",
            "share",
            indicators.claims_rejection_ratio(books.tally(codes.CLAIMS_REJECTED_SECTION), _audited(books)),
            "in francs, of health centres' claims; claims are not counted one by one",
            "nothing was audited or reported",
        ),
        *_network_balance(books),
        never(NETWORK, "social_investment_ratio", "share", "no spending on education and prevention"),
    ]


def _network_members(books: Books) -> list[Reading]:
    paid_up, persons = books.at_close(codes.PAID), books.at_close(codes.PERSONS)
    before = np.concatenate([np.full((paid_up.shape[0], 1), np.nan), paid_up[:, :-1]], axis=1)
    return [
        _read(
            NETWORK,
            "renewal_ratio",
            "share",
            indicators.renewal_ratio(books.tally(codes.RENEWALS), books.tally(codes.RENEWALS_DUE)),
            "households, " + _AT_CLOSE,
            "nobody was due to renew",
        ),
        _read(
            NETWORK,
            "coverage_ratio",
            "ratio",
            indicators.coverage_ratio(paid_up, persons - books.at_close(codes.PERSONS_FORMAL)),
            "people paid up at the close over people outside formal schemes",
            "nobody is outside formal schemes",
        ),
        _read(
            NETWORK,
            "growth_ratio",
            "ratio",
            indicators.growth_ratio(paid_up, before),
            "people paid up at the close over those of the year before",
            "nobody was paid up at the close before, or there is none",
        ),
    ]


def _network_balance(books: Books) -> list[Reading]:
    reserve, payables = books.stock(*RESERVES), books.stock(*PAYABLES)
    nobody_owed = "nothing was owed at the close"
    # a franc earned before it was paid would be negative by rounding only
    liabilities = payables + np.maximum(0.0, books.unearned)
    return [
        _read(
            NETWORK,
            "solvency_ratio",
            "ratio",
            indicators.solvency_ratio(reserve, liabilities),
            "money of funds and pools over unpaid claims and premiums for cover still to come",
            nobody_owed,
        ),
        _read(
            NETWORK,
            "liquidity_ratio",
            "ratio",
            indicators.liquidity_ratio(reserve, payables),
            "all unpaid claims are taken as payable within three months",
            nobody_owed,
        ),
    ]


def _ilo(books: Books) -> list[Reading]:
    """Return the ratios of ILO-STEP and CIDR: use, the year's money, and what is left."""
    absent = never(
        ILO,
        "contribution_recovery_rate",
        "ratio",
        "a premium is paid before cover begins, so none is due and unpaid",
    )
    return [*_ilo_use(books), *_ilo_money(books), *_ilo_balance(books), absent]


def _ilo_use(books: Books) -> list[Reading]:
    claims, visits = books.tally(*APPROVED), books.tally(codes.VISITS_INSURED)
    years = books.tally(codes.INSURED) / 12.0
    policies, enrolled = books.at_close(codes.HOUSEHOLD_MONTHS_INSURED), books.at_close(codes.PAID)
    # cover sold before it starts is paid up and not yet a policy in force, and a member may have none
    dependants = np.where(enrolled >= policies, enrolled - policies, np.nan)
    nobody = "nobody had benefits"
    return [
        _read(
            ILO,
            "gross_penetration_rate",
            "ratio",
            indicators.gross_penetration_rate(policies, books.at_close(codes.HOUSEHOLDS_ALIVE)),
            "households with cover over all households, last month",
            "there are no households",
        ),
        _read(
            ILO,
            "dependents_per_member",
            "persons a member",
            indicators.dependents_per_member(dependants, policies),
            "a policy's first person is the member; people paid up at the close",
            "no household had cover, or cover in force exceeds cover paid",
        ),
        _read(
            ILO,
            "utilisation_rate",
            "visits a year",
            indicators.utilisation_rate(visits, years),
            "visits of members with benefits",
            nobody,
        ),
        _read(
            ILO,
            "average_cost_per_case",
            "RWF a visit",
            indicators.average_cost_per_case(claims, visits),
            "claims approved, admissions included, over visits",
            "no member was seen",
        ),
        _read(
            ILO,
            "claims_cost_per_beneficiary",
            "RWF a year",
            indicators.claims_cost_per_beneficiary(claims, years),
            "claims approved",
            nobody,
        ),
    ]


def _ilo_money(books: Books) -> list[Reading]:
    claims, own, running = books.tally(*APPROVED), books.flow(*OWN), books.flow(*EXPENSES)
    premiums = books.flow(*OWN, *SPONSORS)
    given = books.flow(*SPONSORS, *GRANTS, *BAIL_OUTS)
    received = premiums + books.flow(*GRANTS, *BAIL_OUTS, codes.REINSURANCE_RECOVERY)
    return [
        _read(
            ILO,
            "loss_ratio",
            "ratio",
            indicators.loss_ratio(claims, premiums),
            "claims approved over premiums received, sponsors' included",
            "no premium was received",
        ),
        _read(
            ILO,
            "gross_administration_ratio",
            "ratio",
            indicators.gross_administration_ratio(running, premiums),
            "administration and audit over premiums received",
            "no premium was received",
        ),
        _read(
            ILO,
            "self_financing_rate",
            "ratio",
            indicators.self_financing_rate(own, _spent(books)),
            "households' and associations' premiums over claims paid, expenses, reinsurance and losses",
            "nothing was spent",
        ),
        _read(
            ILO,
            "subsidy_dependence",
            "share",
            indicators.subsidy_dependence(given, received),
            "sponsors' premiums, grants, levies and bail-outs over all that was received",
            "nothing was received",
        ),
    ]


def _spent(books: Books) -> F8:
    """Return what the scheme paid for care, its running, reinsurance, and what disappeared."""
    return books.flow(*CLAIMS, *EXPENSES, codes.REINSURANCE_PREMIUM, codes.EMBEZZLEMENT)


def _ilo_balance(books: Books) -> list[Reading]:
    claims, spent = books.tally(*APPROVED), _spent(books)
    reserve, payables = books.stock(*RESERVES), books.stock(*PAYABLES)
    return [
        _read(
            ILO,
            "immediate_liquidity_ratio",
            "ratio",
            indicators.immediate_liquidity_ratio(reserve, payables),
            "money of funds and pools over unpaid claims",
            "nothing was owed at the close",
        ),
        _read(
            ILO,
            "equity_to_claims_ratio",
            "ratio",
            indicators.equity_to_claims_ratio(reserve - payables - books.unearned, claims),
            "own funds: money less unpaid claims and premiums for cover still to come",
            "no claim was approved",
        ),
        _read(
            ILO,
            "months_of_reserve",
            "months",
            indicators.months_of_reserve(reserve, spent / books.months),
            "money of funds and pools over what was spent a month",
            "nothing was spent",
        ),
    ]
