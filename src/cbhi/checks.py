"""What must hold in every month of every run, exactly: the books balance and nobody is lost.

Each check takes the arrays that a run leaves (``results.arrays``) and returns nothing, or raises a
``CheckError`` that says which identity fails, where, and by how much. Stocks are read from the state of
households, funds and providers themselves, flows are booked where money moves, so the two can disagree.

Arrays have R replicates, T months and D districts:

=================  =====================  ===================================================
flows              (R, T, D, flows)       francs moved in a month, by kind (``codes.FLOWS``)
stocks             (R, T + 1, D, stocks)  francs at the end of a month; the first is the opening
tallies            (R, T, D, tallies)     people, events and francs (``codes.TALLIES``)
gauges             (R, T, D, gauges)      sums of real numbers weighted by persons
strata             (R, P, 15, tallies)    by reporting period, quintile and true poverty category
opening_people     (R, D, 2)              persons and households before the first month
=================  =====================  ===================================================

Months are counted from 0 in messages, as in the arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes

I8 = NDArray[np.int64]
F8 = NDArray[np.float64]
Mask = NDArray[np.bool_]

# sectors that keep accounts, which never fall below zero
_OWN_ACCOUNTS = (
    codes.HOUSEHOLDS,
    codes.SECTION_FUNDS,
    codes.POOLS,
    codes.HEALTH_CENTRES,
    codes.HOSPITALS,
    codes.LENDERS,
    codes.GROUPS,
    codes.NATIONAL_POOL,
)
_VISITS = (codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL)
_SUBSIDIES = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO, codes.SUBSIDY_POOL)
_ENROLLED_BY = (
    codes.PERSONS_BY_CASH,
    codes.PERSONS_BY_LOAN,
    codes.PERSONS_BY_GROUP,
    codes.PERSONS_BY_SUBSIDY,
)
_POOR_BY = (codes.POOR_BY_CASH, codes.POOR_BY_LOAN, codes.POOR_BY_GROUP, codes.POOR_BY_SUBSIDY)
_LAPSES = (
    codes.LAPSE_UNAFFORDABLE,
    codes.LAPSE_UNWILLING,
    codes.LAPSE_INATTENTIVE,
    codes.LAPSE_SUBSIDY_LOST,
)
_OUT_OF_POCKET = (
    codes.COPAYMENT_HEALTH_CENTRE,
    codes.COPAYMENT_HOSPITAL,
    codes.FEE_HEALTH_CENTRE,
    codes.FEE_HOSPITAL,
)
# averages that lie between 0 and 1 once divided by persons
_UNIT_GAUGES = (
    codes.GAUGE_TRUST,
    codes.GAUGE_QUALITY,
    codes.GAUGE_STOCK,
    codes.GAUGE_ADMIN_CAPACITY,
    codes.GAUGE_EFFORT,
    codes.GAUGE_BLAME,
)
_FORGONE_GAUGES = (
    codes.GAUGE_FORGONE_NO_NEED,
    codes.GAUGE_FORGONE_DISTANCE,
    codes.GAUGE_FORGONE_PRICE,
    codes.GAUGE_FORGONE_SERVICE,
)
# relative error of sums in double and of odds in single precision
_ROUNDING = 1e-9
_SINGLE = 1e-6


class CheckError(AssertionError):
    """An identity that does not hold; the message names it, the place and both numbers."""


class RunArrays(Protocol):
    """The arrays of a run; ``cbhi.variables.Arrays`` is one."""

    @property
    def flows(self) -> I8: ...
    @property
    def stocks(self) -> I8: ...
    @property
    def tallies(self) -> I8: ...
    @property
    def gauges(self) -> F8: ...
    @property
    def strata(self) -> I8: ...
    @property
    def opening_people(self) -> I8: ...


class Run(Protocol):
    """Arrays with the scenario behind them; ``cbhi.Results`` is one."""

    @property
    def arrays(self) -> RunArrays: ...
    @property
    def scenario(self) -> Any: ...
    @property
    def periods(self) -> Sequence[tuple[str, int, int]]: ...
    def by_set(self) -> Sequence[Run]: ...


def _fail(identity: str, wrong: Mask, sign: str, expected: NDArray[Any], found: NDArray[Any]) -> None:
    if not wrong.any():
        return
    expected, found = np.broadcast_to(expected, wrong.shape), np.broadcast_to(found, wrong.shape)
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    words = ("replicate", "month", "district")
    where = ", ".join(f"{word} {i}" for word, i in zip(words, place, strict=False))
    if len(place) == 2:
        where += ", whole country"
    more = int(wrong.sum()) - 1
    others = f" (and {more} other place{'s' if more > 1 else ''})" if more else ""
    raise CheckError(f"{identity}: {where}: expected {sign}{expected[place]}, found {found[place]}{others}")


def _equal(identity: str, found: NDArray[Any], expected: NDArray[Any]) -> None:
    """Compare arrays of shape (R, T, D) by district or (R, T) for the country."""
    _fail(identity, found != expected, "", expected, found)


def _at_most(identity: str, found: NDArray[Any], limit: NDArray[Any]) -> None:
    _fail(identity, found > limit, "at most ", limit, found)


def _nothing(identity: str, found: NDArray[Any], where: Mask) -> None:
    """Compare with zero in the places that ``where`` names."""
    _fail(identity, (found != 0) & where, "", np.zeros_like(found), found)


def _total(values: I8, kinds: Sequence[int]) -> I8:
    return np.asarray(values[..., list(kinds)].sum(axis=-1))


def _before(values: I8, first: I8 | int) -> I8:
    """Return what held at the end of the month before; ``first`` before the first month."""
    return np.concatenate([np.broadcast_to(first, values[:, 0].shape)[:, None], values[:, :-1]], axis=1)


def _net_flows(flows: I8) -> I8:
    """Return what each sector gains in a month, shape (R, T, D, sectors)."""
    net = np.zeros((*flows.shape[:-1], codes.N_SECTORS), dtype=np.int64)
    for kind in range(codes.N_FLOWS):
        net[..., codes.FLOW_PAYER[kind]] -= flows[..., kind]
        net[..., codes.FLOW_PAYEE[kind]] += flows[..., kind]
    return net


def _one_pool(national_pool: Mask | None, n_months: int) -> Mask:
    """Return the months in which pools' money may cross districts: while they are one, and when they part."""
    if national_pool is None:
        return np.ones(n_months, dtype=bool)
    one = np.asarray(national_pool, dtype=bool)
    return np.asarray(one | np.concatenate([[False], one[:-1]]))


def check_flow_matrix(flows: I8, stocks: I8, national_pool: Mask | None = None) -> None:
    """Check that money only moves between named sectors and that every stock follows its flows.

    Parameters
    ----------
    flows, stocks
        As in the head of this module.
    national_pool
        Months in which one pool serves the country, shape (T,); pools are compared by district in the
        others. ``None`` compares pools for the country only.

    Raises
    ------
    CheckError
        When all sectors' money together changes, or a sector's money at the end of a month is not what it
        was before plus receipts minus payments, to the franc.
    """
    net = _net_flows(flows)
    money = stocks[..., : codes.N_SECTORS]
    country = money.sum(axis=2)
    whole = country.sum(axis=2)
    _equal("money of all sectors together", whole, np.broadcast_to(whole[:, :1], whole.shape))
    _equal("net flows of all sectors together", net.sum(axis=(2, 3)), np.zeros(net.shape[:2], dtype=np.int64))
    for sector, name in enumerate(codes.SECTORS):
        identity = f"money of {name} = before + received - paid"
        _equal(identity, country[:, 1:, sector], country[:, :-1, sector] + net[..., sector].sum(axis=2))
        found, expected = money[:, 1:, :, sector], money[:, :-1, :, sector] + net[..., sector]
        if sector == codes.NATIONAL_POOL:
            # one account, kept beside the first district's
            continue
        if sector == codes.POOLS:
            apart = ~_one_pool(national_pool, flows.shape[1])
            found, expected = found[:, apart], expected[:, apart]
        _equal(f"{identity}, by district", found, expected)


def check_fund_balances(flows: I8, stocks: I8, tallies: I8, national_pool: Mask | None = None) -> None:
    """Check that claims approved are paid, moved to the pool or still owed.

    Parameters
    ----------
    flows, stocks, tallies
        As in the head of this module.
    national_pool
        Months in which one pool serves the country, shape (T,), as in ``check_flow_matrix``.

    Raises
    ------
    CheckError
        When the payables of section funds or pools are not what they were plus claims approved (and taken
        over) minus claims paid (and handed over), or sections owe each other something else than claims for
        members served elsewhere less what was settled. Bail-outs pay claims, so they are among those paid.
    """
    owed = stocks[..., codes.STOCK_PAYABLES_SECTION_HOSPITAL]
    moved_hospital = tallies[..., codes.PAYABLES_HOSPITAL_MOVED]
    change = (
        tallies[..., codes.CLAIMS_APPROVED_SECTION_HOSPITAL]
        - flows[..., codes.CLAIMS_HOSPITAL_SECTION]
        - moved_hospital
    )
    identity = "payables of section funds to hospitals = before + approved - paid - moved"
    _equal(identity, owed[:, 1:], owed[:, :-1] + change)
    owed = stocks[..., codes.STOCK_OWED_BETWEEN_SECTIONS]
    change = tallies[..., codes.PORTABLE_CLAIMS] - tallies[..., codes.PORTABLE_SETTLED]
    _equal("owed between sections = before + served elsewhere - settled", owed[:, 1:], owed[:, :-1] + change)
    moved = tallies[..., codes.PAYABLES_MOVED_TO_POOL]
    owed = stocks[..., codes.STOCK_PAYABLES_SECTION]
    change = tallies[..., codes.CLAIMS_APPROVED_SECTION] - flows[..., codes.CLAIMS_OUTPATIENT] - moved
    _equal("payables of section funds = before + approved - paid - moved", owed[:, 1:], owed[:, :-1] + change)
    owed = stocks[..., codes.STOCK_PAYABLES_POOL]
    paid = flows[..., codes.CLAIMS_HOSPITAL] + flows[..., codes.CLAIMS_OUTPATIENT_POOL]
    change = tallies[..., codes.CLAIMS_APPROVED_POOL] + moved + moved_hospital - paid
    identity = "payables of pools = before + approved + moved - paid"
    _equal(identity, owed[:, 1:].sum(axis=2), (owed[:, :-1] + change).sum(axis=2))
    to_centres = stocks[..., codes.STOCK_POOL_OWES_CENTRES]
    _at_most("pools owe health centres <= pools owe", to_centres.sum(axis=2), owed.sum(axis=2))
    _equal(
        "pools owe health centres = before + moved - paid",
        to_centres[:, 1:],
        to_centres[:, :-1] + moved - flows[..., codes.CLAIMS_OUTPATIENT_POOL],
    )
    apart = ~_one_pool(national_pool, flows.shape[1])
    _equal(f"{identity}, by district", owed[:, 1:][:, apart], (owed[:, :-1] + change)[:, apart])
    rescued = flows[..., codes.BAIL_OUT_SECTION]
    paid_by_sections = _total(flows, (codes.CLAIMS_OUTPATIENT, codes.CLAIMS_HOSPITAL_SECTION))
    _at_most("bail-outs of sections pay claims", rescued, paid_by_sections)
    _at_most("bail-outs of pools pay claims", flows[..., codes.BAIL_OUT_POOL].sum(axis=2), paid.sum(axis=2))


def check_debt(flows: I8, stocks: I8, tallies: I8) -> None:
    """Check that households' debt is what was borrowed, less what was repaid and written off.

    Parameters
    ----------
    flows, stocks, tallies
        As in the head of this module.

    Raises
    ------
    CheckError
        When it is not, in any month and district.
    """
    debt = stocks[..., codes.STOCK_DEBT]
    change = (
        flows[..., codes.INFORMAL_LOAN]
        - flows[..., codes.INFORMAL_REPAYMENT]
        - tallies[..., codes.DEBT_WRITTEN_OFF]
    )
    _equal("debt = before + borrowed - repaid - written off", debt[:, 1:], debt[:, :-1] + change)


def check_lenders(flows: I8, stocks: I8, tallies: I8) -> None:
    """Check that loans, deposits and lenders' borrowing follow from what was lent, paid and written off.

    Parameters
    ----------
    flows, stocks, tallies
        As in the head of this module.

    Raises
    ------
    CheckError
        When principal outstanding is not lent - repaid - written off, or interest, deposits or borrowing do
        not follow in the same way; when the balance sheet does not balance (money + loans = deposits +
        borrowing + equity paid in + interest received - cost - written off); or more loans are late,
        insured or lost than there are.
    """
    for stock, plus, minus, lost in (
        (codes.STOCK_LOANS, codes.LOAN, codes.LOAN_REPAYMENT, codes.LOAN_WRITTEN_OFF),
        (codes.STOCK_LOAN_INTEREST, None, codes.LOAN_INTEREST, codes.LOAN_INTEREST_WRITTEN_OFF),
        (codes.STOCK_GROUP_DEPOSITS, codes.GROUP_DEPOSIT, codes.GROUP_WITHDRAWAL, None),
        (codes.STOCK_LENDER_BORROWING, codes.LENDER_BORROWING, codes.LENDER_REPAYMENT, None),
    ):
        held = stocks[..., stock]
        more = tallies[..., codes.LOAN_INTEREST_CHARGED] if plus is None else flows[..., plus]
        change = more - flows[..., minus] - (0 if lost is None else tallies[..., lost])
        _equal(f"{codes.STOCKS[stock]} = before + new - paid - lost", held[:, 1:], held[:, :-1] + change)
    earned = flows[..., codes.LOAN_INTEREST] - _total(
        flows, (codes.LENDER_INTEREST, codes.DEPOSIT_INTEREST, codes.LENDER_OPERATING_COST)
    )
    equity = np.cumsum(
        flows[..., codes.LENDER_EQUITY] + earned - tallies[..., codes.LOAN_WRITTEN_OFF], axis=1
    )
    at_end = stocks[:, 1:]
    assets = at_end[..., codes.LENDERS] + at_end[..., codes.STOCK_LOANS]
    owed = at_end[..., codes.STOCK_GROUP_DEPOSITS] + at_end[..., codes.STOCK_LENDER_BORROWING]
    _equal("lenders: money + loans = deposits + borrowing + equity", assets, owed + equity)
    for part, whole in (
        (codes.LOAN_DEFAULTS_STRATEGIC, codes.LOAN_DEFAULTS),
        (codes.LOAN_DEFAULTS_INSURED, codes.LOAN_DEFAULTS),
        (codes.LOAN_MONTHS_INSURED, codes.LOAN_MONTHS),
        (codes.LOAN_MONTHS_LATE, codes.LOAN_MONTHS),
    ):
        _at_most(f"{codes.TALLIES[part]} <= {codes.TALLIES[whole]}", tallies[..., part], tallies[..., whole])
    defaults = np.cumsum(tallies[..., codes.LOAN_DEFAULTS], axis=1)
    _at_most("defaults so far <= loans so far", defaults, np.cumsum(tallies[..., codes.LOANS], axis=1))


def check_people(tallies: I8, opening_people: I8) -> None:
    """Check that persons and households change only by birth, death, founding and dissolution.

    Parameters
    ----------
    tallies, opening_people
        As in the head of this module.

    Raises
    ------
    CheckError
        When they do not, or a household is empty or larger than it can be.
    """
    persons = tallies[..., codes.PERSONS]
    change = tallies[..., codes.BIRTHS] - tallies[..., codes.DEATHS]
    _equal("persons = before + births - deaths", persons, _before(persons, opening_people[..., 0]) + change)
    households = tallies[..., codes.HOUSEHOLDS_ALIVE]
    change = tallies[..., codes.HOUSEHOLDS_FORMED] - tallies[..., codes.HOUSEHOLDS_DISSOLVED]
    expected = _before(households, opening_people[..., 1]) + change
    _equal("households = before + formed - dissolved", households, expected)
    _at_most("households hold one person or more", households, persons)
    _at_most("persons fit into their households", persons, codes.MEMBER_SLOTS * households)
    for code in (codes.PERSONS_OPEN, codes.PERSONS_FORMAL, codes.POOR, codes.CHRONIC, codes.WOMEN):
        _at_most(f"{codes.TALLIES[code]} <= persons", tallies[..., code], persons)


def check_care(flows: I8, tallies: I8, rationing: Mask | None = None) -> None:
    """Check that every episode and contact has one outcome and every bill its payers.

    Parameters
    ----------
    flows, tallies
        As in the head of this module.
    rationing
        Months in which contacts above capacity are turned away, shape (T,); ``None`` leaves capacity
        unchecked.

    Raises
    ------
    CheckError
        When contacts wanted are not visits plus those refused, without a place or without money; episodes
        are not contacts wanted plus those unsought; bills are not the parts of patients, funds and
        formal insurers to the franc; or more contacts get a place than there is capacity.
    """
    wanted = tallies[..., codes.CONTACTS_WANTED]
    visits = _total(tallies, _VISITS)
    forgone = (codes.FORGONE_CAPACITY, codes.FORGONE_REFUSED, codes.FORGONE_CASH)
    _equal("contacts wanted = visits + forgone", wanted, visits + _total(tallies, forgone))
    episodes = tallies[..., codes.EPISODES]
    _equal("episodes = contacts wanted + unsought", episodes, wanted + tallies[..., codes.FORGONE_UNSOUGHT])
    _at_most("admissions <= visits", tallies[..., codes.ADMISSIONS], visits)
    _at_most("visits elsewhere <= visits", tallies[..., codes.VISITS_ELSEWHERE], visits)
    parts = _total(
        flows, (codes.COPAYMENT_HEALTH_CENTRE, codes.FEE_HEALTH_CENTRE, codes.FORMAL_CLAIMS_HEALTH_CENTRE)
    )
    _equal(
        "bills of health centres = parts of patients, funds and formal insurers",
        tallies[..., codes.BILLED_HEALTH_CENTRE],
        parts + _total(tallies, (codes.CLAIMS_APPROVED_SECTION, codes.CLAIMS_REJECTED_SECTION)),
    )
    parts = _total(flows, (codes.COPAYMENT_HOSPITAL, codes.FEE_HOSPITAL, codes.FORMAL_CLAIMS_HOSPITAL))
    _equal(
        "bills of hospitals = parts of patients, pools and formal insurers",
        tallies[..., codes.BILLED_HOSPITAL],
        parts + _total(tallies, (codes.CLAIMS_APPROVED_POOL, codes.CLAIMS_APPROVED_SECTION_HOSPITAL)),
    )
    invented = (codes.GHOST_RWF, codes.INFLATED_RWF)
    _at_most(
        "fraud found <= bills invented and inflated",
        tallies[..., codes.FRAUD_FOUND_RWF],
        _total(tallies, invented),
    )
    _at_most(
        "borrowed cards are shown by people without cover, and not by members turned away",
        _total(tallies, (codes.VISITS_BORROWED_CARD, codes.VISITS_REFUSED)),
        tallies[..., codes.VISITS_UNINSURED],
    )
    _at_most(
        "members turned away who are served come and pay",
        tallies[..., codes.VISITS_REFUSED],
        tallies[..., codes.REFUSED_AND_PAID],
    )
    if rationing is None:
        return
    rationed = np.asarray(rationing, dtype=bool)
    lost = tallies[..., codes.FORGONE_CAPACITY]
    served = (visits - tallies[..., codes.VISITS_ELSEWHERE])[:, rationed]
    _at_most("visits at home <= capacity", served, tallies[..., codes.CAPACITY][:, rationed])
    _nothing("contacts without a place, rationing off", lost, ~rationed[None, :, None])


def check_membership(tallies: I8, opening_people: I8) -> None:
    """Check that cover belongs to living people, was sold before, and that renewals add up.

    Who is insured is counted at the start of a month and all else at its end, after deaths.

    Parameters
    ----------
    tallies, opening_people
        As in the head of this module.

    Raises
    ------
    CheckError
        When a count of members exceeds the people it is part of, household-months of cover exceed those
        sold in earlier months, or renewals and lapses are not those due.
    """

    def tally(code: int) -> I8:
        return np.asarray(tallies[..., code])

    def part_of(part: int, whole: int) -> None:
        _at_most(f"{codes.TALLIES[part]} <= {codes.TALLIES[whole]}", tally(part), tally(whole))

    insured = tally(codes.INSURED)
    at_start = _before(tally(codes.PERSONS), opening_people[..., 0])
    _equal("person_months = persons at the start", tally(codes.PERSON_MONTHS), at_start)
    covered = insured + tally(codes.FORMAL_MONTHS)
    _at_most("insured + formal_months <= person_months", covered, tally(codes.PERSON_MONTHS))
    at_start = _before(tally(codes.PERSONS_OPEN), 0)
    _at_most("insured <= people whose scheme was open the month before", insured, at_start)
    paid = tally(codes.PAID)
    persons = tally(codes.PERSONS)
    _at_most("paid + persons_formal <= persons", paid + tally(codes.PERSONS_FORMAL), persons)
    recent = tally(codes.RECENT_MEMBERS)
    _at_most("recent_members + persons_formal <= persons", recent + tally(codes.PERSONS_FORMAL), persons)
    for part, whole in (
        (codes.PAID, codes.PERSONS_OPEN),
        (codes.PAID, codes.RECENT_MEMBERS),
        (codes.SLOTS, codes.PERSONS_OPEN),
        (codes.SUBSIDISED_PAID, codes.PAID),
        (codes.SUBSIDISED_PAID, codes.SLOTS),
        (codes.POOR_PAID, codes.PAID),
        (codes.POOR_PAID, codes.POOR),
        (codes.POOR_SLOTS, codes.SLOTS),
        (codes.POOR_SLOTS, codes.POOR),
        (codes.WOMEN_INSURED, codes.WOMEN),
        (codes.WOMEN_INSURED, codes.PAID),
        (codes.ENROLMENTS, codes.PERSONS_ENROLLED),
        (codes.ENROLMENTS, codes.HOUSEHOLD_MONTHS_SOLD),
        (codes.PREMIUMS_BORROWED, codes.ENROLMENTS),
        (codes.RISK_PREMIUM_CAPPED, codes.DECISIONS),
        (codes.LOANS, codes.ENROLMENTS),
        (codes.GROUP_VOTES_PASSED, codes.GROUP_VOTES),
        (codes.BOTTOM40, codes.PERSONS),
        (codes.BOTTOM40_SLOTS, codes.BOTTOM40),
        (codes.BOTTOM40_SLOTS, codes.SLOTS),
        *zip(_POOR_BY, _ENROLLED_BY, strict=True),
    ):
        part_of(part, whole)
    _equal(
        "persons enrolled = by cash, loan, group and subsidy",
        tally(codes.PERSONS_ENROLLED),
        _total(tallies, _ENROLLED_BY),
    )
    covered = tally(codes.HOUSEHOLD_MONTHS_INSURED)
    households = _before(tally(codes.HOUSEHOLDS_ALIVE), opening_people[..., 1])
    _at_most("household_months_insured <= households at the start", covered, households)
    _at_most("insured <= places in insured households", insured, codes.MEMBER_SLOTS * covered)
    sold = _before(np.cumsum(tally(codes.HOUSEHOLD_MONTHS_SOLD), axis=1), 0)
    _at_most("household-months insured so far <= sold in earlier months", np.cumsum(covered, axis=1), sold)
    outcomes = _total(tallies, (codes.RENEWALS, *_LAPSES))
    _equal("renewals due = renewals + lapses", tally(codes.RENEWALS_DUE), outcomes)


def check_subsidies(flows: I8, tallies: I8) -> None:
    """Check that subsidies stay within their budget and slots within the people there are.

    Parameters
    ----------
    flows, tallies
        As in the head of this module.

    Raises
    ------
    CheckError
        When, in any district, subsidies paid so far exceed the budgets allotted so far, or slots exceed
        persons.
    """
    paid = np.cumsum(_total(flows, _SUBSIDIES), axis=1)
    budget = np.cumsum(tallies[..., codes.SUBSIDY_BUDGET], axis=1)
    _at_most("subsidies so far <= budgets so far", paid, budget)
    _at_most("slots used <= persons", tallies[..., codes.SLOTS], tallies[..., codes.PERSONS])


_STRATA_OVER_PERIOD = (
    (codes.S_PERSON_MONTHS, codes.PERSON_MONTHS),
    (codes.S_INSURED_MONTHS, codes.INSURED),
    (codes.S_FORMAL_MONTHS, codes.FORMAL_MONTHS),
    (codes.S_EPISODES, codes.EPISODES),
    (codes.S_FORGONE_UNSOUGHT, codes.FORGONE_UNSOUGHT),
    (codes.S_FORGONE_CAPACITY, codes.FORGONE_CAPACITY),
    (codes.S_FORGONE_REFUSED, codes.FORGONE_REFUSED),
    (codes.S_FORGONE_CASH, codes.FORGONE_CASH),
    (codes.S_VISITS_FORMAL, codes.VISITS_FORMAL),
    (codes.S_ADMISSIONS, codes.ADMISSIONS),
    (codes.S_CATASTROPHIC_25, codes.CATASTROPHIC_25),
    (codes.S_AT_ANNIVERSARY, codes.AT_ANNIVERSARY),
    (codes.S_BY_CASH, codes.PERSONS_BY_CASH),
    (codes.S_BY_SUBSIDY, codes.PERSONS_BY_SUBSIDY),
    (codes.S_RENEWALS_DUE, codes.RENEWALS_DUE),
    (codes.S_RENEWALS, codes.RENEWALS),
)
_PARTS_OF_STRATA = (
    ((codes.S_PAID, codes.S_FORMAL), codes.S_PERSONS),
    ((codes.S_SLOTS,), codes.S_PERSONS),
    ((codes.S_WOMEN,), codes.S_PERSONS),
    ((codes.S_WOMEN_PAID,), codes.S_WOMEN),
    ((codes.S_WOMEN_PAID,), codes.S_PAID),
    ((codes.S_VISITS_WOMEN,), codes.S_VISITS),
    ((codes.S_VISITS_INSURED, codes.S_VISITS_FORMAL), codes.S_VISITS),
    ((codes.S_ADMISSIONS,), codes.S_VISITS),
    ((codes.S_ADMISSIONS_WOMEN,), codes.S_ADMISSIONS),
    ((codes.S_ADMISSIONS_WOMEN,), codes.S_VISITS_WOMEN),
    ((codes.S_ADMISSIONS_INSURED, codes.S_ADMISSIONS_FORMAL), codes.S_ADMISSIONS),
    ((codes.S_ADMISSIONS_INSURED,), codes.S_VISITS_INSURED),
    ((codes.S_OUT_OF_POCKET_INSURED, codes.S_OUT_OF_POCKET_FORMAL), codes.S_OUT_OF_POCKET),
    ((codes.S_CLAIMS_FORMAL,), codes.S_CLAIMS),
    ((codes.S_CATASTROPHIC_25,), codes.S_CATASTROPHIC),
    ((codes.S_CATASTROPHIC,), codes.S_AT_ANNIVERSARY),
    ((codes.S_RENEWALS,), codes.S_RENEWALS_DUE),
)


def check_strata(flows: I8, tallies: I8, strata: I8, periods: Sequence[tuple[str, int, int]]) -> None:
    """Check that strata add up to the country in every reporting period.

    Parameters
    ----------
    flows, tallies, strata
        As in the head of this module.
    periods
        Reporting periods as (label, first month, one past the last), as ``Results.periods``.

    Raises
    ------
    CheckError
        When people at the close, or anything counted over the period, do not add up, or a part is larger
        than its whole in some stratum. "month" in the message counts periods.
    """
    sums = strata.sum(axis=2)
    closes = [end - 1 for _, _, end in periods]
    at_close = tallies[:, closes].sum(axis=2)
    for ours, theirs in (
        (codes.S_PERSONS, codes.PERSONS),
        (codes.S_PAID, codes.PAID),
        (codes.S_FORMAL, codes.PERSONS_FORMAL),
        (codes.S_SLOTS, codes.SLOTS),
        (codes.S_WOMEN, codes.WOMEN),
        (codes.S_WOMEN_PAID, codes.WOMEN_INSURED),
    ):
        identity = f"strata' {codes.STRATUM_TALLIES[ours]} at the close of the period"
        _equal(identity, sums[..., ours], at_close[..., theirs])
    billed_to_others = (
        tallies[..., codes.BILLED_HEALTH_CENTRE]
        + tallies[..., codes.BILLED_HOSPITAL]
        - tallies[..., codes.CAPITATION_BILLED]
        - tallies[..., codes.GHOST_RWF]
        - tallies[..., codes.INFLATED_RWF]
        - _total(flows, _OUT_OF_POCKET)
    )
    for ours, monthly in (
        (codes.S_VISITS, _total(tallies, _VISITS)),
        (codes.S_CATASTROPHIC, tallies[..., codes.CATASTROPHIC]),
        (codes.S_OUT_OF_POCKET, _total(flows, _OUT_OF_POCKET)),
        (codes.S_CONTRIBUTIONS, _total(flows, (codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION))),
        (codes.S_BY_LOAN, tallies[..., codes.PERSONS_BY_LOAN]),
        (codes.S_BY_GROUP, tallies[..., codes.PERSONS_BY_GROUP]),
        (codes.S_CLAIMS, billed_to_others),
        (codes.S_VISITS_INSURED, _total(tallies, (codes.VISITS_INSURED, codes.VISITS_REFUSED))),
        (codes.S_SPONSORED, _total(flows, _SUBSIDIES)),
        *((ours, tallies[..., theirs]) for ours, theirs in _STRATA_OVER_PERIOD),
    ):
        over = np.stack([monthly[:, begin:end].sum(axis=(1, 2)) for _, begin, end in periods], axis=1)
        _equal(f"strata' {codes.STRATUM_TALLIES[ours]} over the period", sums[..., ours], over)
    for parts, whole in _PARTS_OF_STRATA:
        names = " + ".join(codes.STRATUM_TALLIES[part] for part in parts)
        _at_most(
            f"strata' {names} <= {codes.STRATUM_TALLIES[whole]}",
            sum((strata[..., part] for part in parts), start=np.zeros_like(strata[..., 0])),
            strata[..., whole],
        )


def check_nonnegative(flows: I8, stocks: I8, tallies: I8, strata: I8, opening_people: I8) -> None:
    """Check that no payment, count, debt or claim owed is negative, nor the money of whoever keeps accounts.

    Government, donors, NGOs, formal insurers and the rest of the world have net positions of either sign.

    Parameters
    ----------
    flows, stocks, tallies, strata, opening_people
        As in the head of this module.

    Raises
    ------
    CheckError
        When one is. "month" in the message counts reporting periods where strata are concerned.
    """
    owners = (*_OWN_ACCOUNTS, *range(codes.N_SECTORS, codes.N_STOCKS))
    named = [
        *((f"flow {name}", flows[..., i]) for i, (name, *_) in enumerate(codes.FLOWS)),
        *((f"stock {codes.STOCKS[i]}", stocks[..., i]) for i in owners),
        *((f"tally {name}", tallies[..., i]) for i, name in enumerate(codes.TALLIES)),
        *((f"tally of strata {name}", strata[..., i]) for i, name in enumerate(codes.STRATUM_TALLIES)),
        ("opening persons", opening_people[:, None, :, 0]),
        ("opening households", opening_people[:, None, :, 1]),
    ]
    for name, values in named:
        _fail(name, values < 0, "at least ", np.zeros_like(values), values)


def check_gauges(gauges: F8, tallies: I8, opening_people: I8) -> None:
    """Check that averages are finite and not negative, and shares at most one.

    Parameters
    ----------
    gauges, tallies, opening_people
        As in the head of this module.

    Raises
    ------
    CheckError
        When one is not.
    """
    persons = tallies[..., codes.PERSONS].astype(np.float64)
    # parts of one expectation, differences of odds that are stored in single precision
    # one that is no number is not to blame on the others
    split = np.nan_to_num(np.abs(gauges[..., list(_FORGONE_GAUGES)])).sum(axis=-1)
    for code, name in enumerate(codes.GAUGES):
        values = gauges[..., code]
        low = -_SINGLE * (1.0 + split) if code in _FORGONE_GAUGES else np.zeros_like(values)
        wrong = ~(np.isfinite(values) & (values >= low))
        _fail(f"gauge {name}", wrong, "a finite number of at least ", low, values)
    for code in _UNIT_GAUGES:
        _at_most(f"gauge {codes.GAUGES[code]} <= persons", gauges[..., code], persons * (1.0 + _ROUNDING))
    at_start = _before(tallies[..., codes.PERSONS], opening_people[..., 0]) * (1.0 + _ROUNDING)
    enrolled = gauges[..., codes.GAUGE_EXPECTED_ENROLLED]
    _at_most("gauge expected_enrolled <= persons at the start", enrolled, at_start)


def _in_force(scenario: Any, beyond: int = 0) -> list[Any]:
    """Return the parameters in force in every month, and in so many behind the last."""
    regimes = scenario.regimes(beyond)
    ends = [month for month, _ in regimes[1:]] + [scenario.end + 1 + beyond]
    return [p for (begin, p), end in zip(regimes, ends, strict=True) for _ in range(end - begin)]


def _month_number(text: str) -> int:
    year, month = text.split("-")
    return 12 * int(year) + int(month) - 1


def _none_open(scenario: Any, p: Any) -> Mask:
    """Return the months in which no scheme can be open, shape (T,)."""
    now = np.arange(scenario.start, scenario.end + 1)
    if not p.switches.rollout:
        return np.zeros(now.size, dtype=bool)
    at = [_month_number(month) for month in p.rollout.schemes]
    count = np.maximum.accumulate(np.interp(now, at, list(p.rollout.schemes.values())))
    closed = count <= p.rollout.pilot_sections
    if p.rollout.pilot_sections > 0:
        closed &= now < _month_number(p.rollout.pilot_month)
    return np.asarray(closed)


def check_timing(results: Run) -> None:
    """Check that nothing happens before the rules allow it.

    Parameters
    ----------
    results
        A run with its scenario, such as ``cbhi.Results``.

    Raises
    ------
    CheckError
        When somebody is reached, insured or subsidised where no scheme is open, fined or refused a
        service without compulsion, or when subsidies, bail-outs, levies, grants or pools appear that the
        rules in force do not know.
    """
    scenario = results.scenario
    if getattr(scenario, "sets", None) is not None:
        for part in results.by_set():  # each parameter set has rules of its own
            check_timing(part)
        return
    flows, tallies = results.arrays.flows, results.arrays.tallies
    rules = _in_force(scenario)

    def months(without: list[bool]) -> Mask:
        return np.array(without, dtype=bool)[None, :, None]

    opened = tallies[..., codes.PERSONS_OPEN]
    _nothing("persons_open before the first scheme", opened, _none_open(scenario, rules[0])[None, :, None])
    closed = opened == 0
    # nothing says whose scheme was open among those who died in the first month
    died_at_once = np.zeros_like(closed)
    died_at_once[:, 0] = (tallies[:, 0, :, codes.DEATHS] > 0) & ~_none_open(scenario, rules[0])[0]
    closed &= ~died_at_once
    for code in (
        codes.INSURED, codes.PAID, codes.RECENT_MEMBERS, codes.SLOTS, codes.DECISIONS, codes.PERSONS_ENROLLED,
        codes.ENROLMENTS, codes.RENEWALS_DUE, codes.HOUSEHOLD_MONTHS_SOLD, codes.SUBSIDY_BUDGET,
        codes.PENALTIES, codes.GATE_REFUSALS, codes.VISITS_INSURED,
    ):  # fmt: skip
        # a district whose people with an open scheme died this month had some at its start
        shut = closed & (_before(opened, 0) == 0)
        _nothing(f"{codes.TALLIES[code]} where no scheme is open", tallies[..., code], shut)
    for code in (codes.CONTRIBUTION, *_SUBSIDIES, codes.PENALTY, codes.POOL_SHARE, codes.ADMINISTRATION):
        name = codes.FLOWS[code][0]
        shut = closed & (_before(opened, 0) == 0)
        _nothing(f"{name} where no scheme is open", flows[..., code], shut)
    free = months([not (p.mandate.compulsory and p.switches.mandate) for p in rules])
    _nothing("penalties without compulsion", tallies[..., codes.PENALTIES], free)
    _nothing("gate_refusals without compulsion", tallies[..., codes.GATE_REFUSALS], free)
    _nothing("penalty without compulsion", flows[..., codes.PENALTY], free)
    ungated = months([not p.switches.service_gate for p in rules])
    _nothing("gate_refusals without a gate", tallies[..., codes.GATE_REFUSALS], ungated)
    offered = np.array([p.subsidy.offered and p.switches.subsidies for p in rules], dtype=bool)
    _nothing(
        "subsidy_budget while none is offered", tallies[..., codes.SUBSIDY_BUDGET], months(list(~offered))
    )
    never_yet = months(list(~np.maximum.accumulate(offered)))
    _nothing("slots_used before subsidies are offered", tallies[..., codes.SLOTS], never_yet)
    for code in _SUBSIDIES:
        _nothing(f"{codes.FLOWS[code][0]} before subsidies are offered", flows[..., code], never_yet)
    no_bail_out = months([p.fund.deficit_rule != "bail_out" for p in rules])
    _nothing("bail_out_section under another rule", flows[..., codes.BAIL_OUT_SECTION], no_bail_out)
    _nothing("bail_out_pool under another rule", flows[..., codes.BAIL_OUT_POOL], no_bail_out)
    no_pooling = months([not p.switches.pooling or p.fund.pool_share == 0 for p in rules])
    _nothing("pool_share without pooling", flows[..., codes.POOL_SHARE], no_pooling)
    _nothing(
        "levy while none is due", flows[..., codes.LEVY], months([p.formal.levy_share == 0 for p in rules])
    )
    no_grant = months([p.fund.pool_grant_rwf == 0 for p in rules])
    _nothing("pool_grant while none is due", flows[..., codes.POOL_GRANT], no_grant)
    pool_pays = np.array([p.fund.pool_pays_outpatient and p.switches.pooling for p in rules], dtype=bool)
    merging = np.array([p.fund.deficit_rule == "merge" for p in rules], dtype=bool)
    # what a pool has taken over it owes until it is paid
    never_pooled = months(list(~np.maximum.accumulate(pool_pays | merging)))
    _nothing(
        "claims_outpatient_pool before a pool pays", flows[..., codes.CLAIMS_OUTPATIENT_POOL], never_pooled
    )
    _nothing("payables moved before a pool pays", tallies[..., codes.PAYABLES_MOVED_TO_POOL], never_pooled)
    paid_by_sections = flows[..., codes.CLAIMS_OUTPATIENT]
    _nothing("claims_outpatient while the pool pays", paid_by_sections, months(list(pool_pays)))
    _check_partners_timing(flows, tallies, rules, _in_force(scenario, 12))
    static = months([not p.switches.demography for p in rules])
    for code in (codes.BIRTHS, codes.DEATHS, codes.HOUSEHOLDS_FORMED, codes.HOUSEHOLDS_DISSOLVED):
        _nothing(f"{codes.TALLIES[code]} without demography", tallies[..., code], static)


def _check_partners_timing(flows: I8, tallies: I8, rules: list[Any], ahead: list[Any]) -> None:
    """Check that no partner pays, lends, cheats or is paid before the rules bring it in.

    ``ahead`` are the rules of the run's months and of the year behind it.
    """

    def outside(allowed: list[bool], *, ever: bool = False) -> Mask:
        """Return the months without permission; with ``ever``, without any so far."""
        inside = np.array(allowed, dtype=bool)
        return ~(np.maximum.accumulate(inside) if ever else inside)[None, :, None]

    # the premium of a membership year is set when its sale begins, under the rules that will price it
    by_claims = [p.scheme.premium_rule == "break_even" for p in ahead]
    set_by_claims = [any(by_claims[t : t + 12]) for t in range(len(rules))]
    no_lender = outside([p.loans.offered for p in rules])
    never_a_lender = outside([p.loans.offered for p in rules], ever=True)
    saving = [p.groups.savings and p.switches.groups for p in rules]
    donors = [p.switches.donors for p in rules]
    no_fraud = outside([p.switches.fraud for p in rules])
    pooled = [p.switches.pooling for p in rules]
    reinsured = [p.fund.stop_loss or p.fund.quota_share > 0 for p in rules]
    for code, wrong in (
        (codes.LOAN, no_lender),
        (codes.LENDER_EQUITY, no_lender),
        (codes.LOAN_REPAYMENT, never_a_lender),
        (codes.LOAN_INTEREST, never_a_lender),
        (codes.LENDER_OPERATING_COST, never_a_lender),
        (codes.GROUP_DEPOSIT, never_a_lender),
        (codes.GROUP_SAVING, outside(saving)),
        (codes.GROUP_CONTRIBUTION, outside(saving, ever=True)),
        (codes.SUBSIDY_DONOR, outside(donors, ever=True)),
        (codes.POOL_GRANT_DONOR, outside(donors)),
        (codes.PERFORMANCE_DONOR, outside(donors)),
        (codes.BUDGET_SUPPORT, outside(donors)),
        (codes.ASSISTANCE, outside(donors)),
        (codes.EMBEZZLEMENT, no_fraud),
        (codes.AUDIT, no_fraud),
        (codes.NATIONAL_SHARE, outside(pooled)),
        (codes.CLAIMS_HOSPITAL_SECTION, outside([not p for p in pooled])),
        (codes.REINSURANCE_PREMIUM, outside(reinsured, ever=True)),
        (codes.REINSURANCE_RECOVERY, outside(reinsured, ever=True)),
        (codes.MERGED_UP, outside([p.fund.deficit_rule == "merge" for p in rules], ever=True)),
        (codes.OWN_WAGES, outside([p.provider.hire_share > 0 for p in rules], ever=True)),
    ):
        _nothing(f"{codes.FLOWS[code][0]} before the rules bring it in", flows[..., code], wrong)
    for code, wrong in (
        (codes.GHOST_RWF, no_fraud),
        (codes.INFLATED_RWF, no_fraud),
        (codes.UPCODED_RWF, outside([p.provider.payment == "case" for p in rules])),
        (codes.CLAIMS_REJECTED_SECTION, no_fraud),
        (codes.VISITS_BORROWED_CARD, no_fraud),
        (codes.CAPITATION_BILLED, outside([p.provider.payment == "capitation" for p in rules])),
        (codes.INDUCED_RWF, outside([p.provider.payment == "fee" for p in rules])),
        (codes.VISITS_ELSEWHERE, outside([p.scheme.portability_share > 0 for p in rules])),
        (codes.PREMIUM_CHANGES, outside(set_by_claims)),
        (codes.POSTS_OPENED, outside([p.provider.post_hazard > 0 for p in rules])),
        (codes.GROUPS_FORMED, outside([p.groups.required for p in rules])),
    ):
        _nothing(f"{codes.TALLIES[code]} before the rules bring it in", tallies[..., code], wrong)


def check_all(results: Run) -> None:
    """Run every check on a run.

    Parameters
    ----------
    results
        A run with its scenario, such as ``cbhi.Results``.

    Raises
    ------
    CheckError
        At the first identity that fails.
    """
    a = results.arrays
    rules = _in_force(results.scenario)
    national = np.array([p.fund.national_pool for p in rules], dtype=bool)
    rationing = np.array([p.switches.rationing for p in rules], dtype=bool)
    check_nonnegative(a.flows, a.stocks, a.tallies, a.strata, a.opening_people)
    check_flow_matrix(a.flows, a.stocks, national)
    check_fund_balances(a.flows, a.stocks, a.tallies, national)
    check_debt(a.flows, a.stocks, a.tallies)
    check_lenders(a.flows, a.stocks, a.tallies)
    check_people(a.tallies, a.opening_people)
    check_care(a.flows, a.tallies, rationing)
    check_membership(a.tallies, a.opening_people)
    check_subsidies(a.flows, a.tallies)
    check_strata(a.flows, a.tallies, a.strata, results.periods)
    check_gauges(a.gauges, a.tallies, a.opening_people)
    check_timing(results)
