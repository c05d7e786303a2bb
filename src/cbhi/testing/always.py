"""Properties that hold in every run, read off one run of an example."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbhi import checks
from cbhi.kernels import codes
from cbhi.kernels.records import I8
from cbhi.strata import GROUPS, stratified_names
from cbhi.testing.core import Broken, Outcome, Property
from cbhi.testing.examples import Case, MonthEnd, gained
from cbhi.variables import VARIABLES

__all__ = ["OF_ONE_RUN"]

Mask = NDArray[np.bool_]
_SUBSIDIES = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO, codes.SUBSIDY_POOL)
_PREMIUMS = (codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION)
_EVER_BELOW_ONE = (
    "trust", "stock", "quality", "enforcement", "member_share", "effort", "blame", "capacity", "credit_share",
    "fraud_found",
)  # fmt: skip
# an administrative count is true coverage times an over-count, and a difference of shares has a sign
_OVER_COUNTED = 1.5
_DIFFERENCES = ("targeting_differential_share",)
# right in the mean and not bounded in one small run: it averages out the lottery of tastes
_ESTIMATES = ("coverage_end_expected_share",)
_ROUNDING = 1e-9


def _refuse(case: Case, month: int, wrong: Mask, what: str, found: object, expected: object) -> None:
    """Raise with the first row that is wrong, of households or of sections."""
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong)[0])
    one = np.broadcast_to(np.asarray(found), wrong.shape)[row]
    other = np.broadcast_to(np.asarray(expected), wrong.shape)[row]
    more = int(wrong.sum()) - 1
    raise Broken(
        f"{what}: {case.place(0, month)}, {_who(case, month, wrong.size, row)}: found {one}, expected {other}"
        + (f" (and {more} more)" if more else "")
    )


def _who(case: Case, month: int, size: int, row: int) -> str:
    """Say which household or section stands in a row; the sections are told by how many there are."""
    at = case.months[month + 1]
    if size == at.sections.size and size != at.households.size:
        return f"section {int(at.sections[row].number) + 1}"
    first = at.sections["first"]
    section = int(np.searchsorted(first, row, side="right")) - 1
    return f"section {int(at.sections[section].number) + 1}, household {int(at.households[row].ordinal)}"


def _sections_of(at: MonthEnd) -> I8:
    """Return the row of each household's section."""
    rows = np.searchsorted(at.sections["first"], np.arange(at.households.size), side="right") - 1
    return np.asarray(rows, dtype=np.int64)


def _of_households(at: MonthEnd, watched: I8) -> I8:
    """Return, by row of households, what is noted by place among the watched; 0 for those never watched."""
    place = at.households["watched"].astype(np.int64)
    return np.where(place > 0, watched[np.maximum(place, 1) - 1], 0)


def _booked(case: Case, month: int, *flows: int) -> I8:
    before, after = case.months[month], case.months[month + 1]
    return _of_households(after, gained(before.flows, after.flows, flows))


def _counted(case: Case, month: int, *tallies: int) -> I8:
    before, after = case.months[month], case.months[month + 1]
    return _of_households(after, gained(before.tallies, after.tallies, tallies))


def accounting(case: Case) -> Outcome:
    """Money only moves between named accounts, and every account and debt follows from its payments."""
    a = case.results.arrays
    national = case.engine.rules["national_pool"][: case.scenario.n_months] != 0
    checks.check_nonnegative(a.flows, a.stocks, a.tallies, a.strata, a.opening_people)
    checks.check_flow_matrix(a.flows, a.stocks, national)
    checks.check_fund_balances(a.flows, a.stocks, a.tallies, national)
    checks.check_debt(a.flows, a.stocks, a.tallies)
    checks.check_strata(a.flows, a.tallies, a.strata, case.results.periods)
    for t, at in enumerate(case.months):
        cash = np.bincount(
            at.sections["district"][_sections_of(at)],
            weights=at.households["cash"],
            minlength=at.districts.size,
        ).astype(np.int64)
        booked = case.engine.output.stocks[t, :, codes.HOUSEHOLDS]
        if (cash != booked).any():
            d = int(np.flatnonzero(cash != booked)[0])
            raise Broken(
                f"cash in households' hands: {case.place(0, t - 1, district=d)}: households hold {cash[d]},"
                f" the books say {booked[d]}"
            )
    return Outcome()


def people(case: Case) -> Outcome:
    """Nobody is lost or made up, and everybody lives in one household."""
    a = case.results.arrays
    checks.check_people(a.tallies, a.opening_people)
    for t, at in enumerate(case.months):
        alive = at.households["alive"] != 0
        size = at.households["n_members"].astype(np.int64)
        _refuse(
            case,
            t - 1,
            alive & ((size < 1) | (size > codes.MEMBER_SLOTS)),
            "members",
            size,
            f"1 to {codes.MEMBER_SLOTS}",
        )
        living = np.bincount(_sections_of(at), weights=np.where(alive, size, 0), minlength=at.sections.size)
        counted = at.sections["persons"]
        _refuse(case, t - 1, living != counted, "people of a section", counted, living)
        keys = _sections_of(at)[alive] * 2**32 + at.households["ordinal"][alive].astype(np.int64)
        if np.unique(keys).size != keys.size:
            raise Broken(f"two households of one section share a number: {case.place(0, t - 1)}")
    members = case.engine.state.members
    for h in np.flatnonzero(case.engine.state.households["alive"] != 0):
        n = int(case.engine.state.households[h].n_members)
        if np.unique(members[h, :n]["ordinal"]).size != n:
            raise Broken(f"two members of one household share a number: at the end, row {h}")
    return Outcome()


def shares(case: Case) -> Outcome:
    """Every share and every index lies between 0 and 1, everywhere and at all times."""
    a = case.results.arrays
    checks.check_gauges(a.gauges, a.tallies, a.opening_people)
    checks.check_membership(a.tallies, a.opening_people)
    for name, variable in VARIABLES.items():
        if variable.unit not in ("share", "0 to 1") or name in _ESTIMATES:
            continue
        low = -1.0 if name in _DIFFERENCES else 0.0
        high = _OVER_COUNTED if "administrative" in name else 1.0
        for by in ("all", "district", *(by for by in GROUPS if name in stratified_names(by))):
            values = case.results.values(name, by=by)  # type: ignore[arg-type]
            wrong = (values < low - _ROUNDING) | (values > high + _ROUNDING)
            if wrong.any():
                r, period, group = (int(i) for i in np.argwhere(wrong)[0])
                where = f"replicate {r}, {case.results.period_labels()[period]}"
                which = f", {case.results.groups(by)[group]}" if by != "all" else ""  # type: ignore[arg-type]
                raise Broken(
                    f"{name}: {where}{which}: found {values[r, period, group]}, expected {low:g} to {high:g}"
                )
    for t, at in enumerate(case.months):
        for field in _EVER_BELOW_ONE:
            values = at.sections[field]
            _refuse(case, t - 1, (values < 0.0) | (values > 1.0), field, values, "0 to 1")
    return Outcome()


def capacity(case: Case) -> Outcome:
    """Health centres serve at most their capacity; in one section exactly what there are places for."""
    a = case.results.arrays
    rationed = case.engine.rules["rationing"][: case.scenario.n_months] != 0
    checks.check_care(a.flows, a.tallies, rationed)
    if case.engine.layout.number.size == 1:
        over = np.maximum(0, a.tallies[..., codes.CONTACTS_WANTED] - a.tallies[..., codes.CAPACITY])
        lost = a.tallies[..., codes.FORGONE_CAPACITY]
        wrong = (over != lost) & rationed[None, :, None]
        if wrong.any():
            r, t, d = (int(i) for i in np.argwhere(wrong)[0])
            raise Broken(
                f"contacts without a place: {case.place(r, t, district=d)}: found {lost[r, t, d]}, expected"
                f" wanted less capacity, {over[r, t, d]}"
            )
    return Outcome(bool((a.tallies[:, rationed][..., codes.FORGONE_CAPACITY] > 0).any()))


def subsidies(case: Case) -> Outcome:
    """Subsidies stay within what was allotted, and are paid for households that hold a slot by the rules."""
    a = case.results.arrays
    checks.check_subsidies(a.flows, a.tallies)
    calendar, rules = case.engine.calendar, case.engine.rules
    ever = False
    for t in range(case.scenario.n_months):
        before, at = case.months[t], case.months[t + 1]
        hh, now = at.households, case.scenario.start + t
        holds = (hh["alive"] != 0) & (hh["subsidised"] != 0)
        opens = at.sections["opens"][_sections_of(at)]
        allotted = (now >= opens) & ((calendar["allocate"][t] != 0) | (now == opens))
        entitled = (hh["on_list"] != 0) | (rules["targeting"][t] == codes.TARGET_UNIVERSAL)
        if rules["capture_share"][t] > 0.0:
            entitled = entitled | (hh["elite"] != 0)
        _refuse(case, t, holds & allotted & ~entitled, "slot of a household on no list", 1, 0)
        held = before.households["subsidised"] != 0
        _refuse(case, t, holds & ~allotted & ~held, "slot outside the month of allotment", 1, 0)
        paid = _booked(case, t, *_SUBSIDIES)
        # a slot ends at once when somebody of the household finds formal work, after premiums are paid
        could = holds | (hh["formal"] != 0) | (hh["alive"] == 0)
        _refuse(case, t, (paid > 0) & ~could, "subsidy for a household without a slot", paid, 0)
        _refuse(
            case, t, at.sections["subsidy_left"] < 0, "money left for slots", at.sections["subsidy_left"], 0
        )
        ever = ever or bool(holds.any())
    return Outcome(ever)


def _due(case: Case, month: int) -> tuple[I8, I8]:
    """Return the persons who enrolled with each household this month, and the premium due for them, coins."""
    before, at = case.months[month], case.months[month + 1]
    rule = case.engine.rules[int(case.engine.calendar["price_month"][month])]
    now = case.engine.rules[month]
    factor = at.sections["premium_factor"][_sections_of(at)]
    persons = _counted(case, month, codes.PERSONS_ENROLLED)
    # deaths, births and marriages come after the sale of a month
    size = before.households["n_members"].astype(np.int64)
    by_category = np.array(
        [rule["premium_poorest_rwf"], rule["premium_middle_rwf"], rule["premium_rich_rwf"]]
    )

    def whole(amount: NDArray[np.float64]) -> I8:
        return np.floor(amount + 0.5).astype(np.int64)

    if rule["premium_by_household"] == 0:
        return persons, whole(by_category[at.households["listed_category"]] * factor) * persons
    each = whole(by_category[codes.MIDDLE] * factor)
    covers = int(rule["household_covers"])
    due = each * (-(-size // covers))
    if now["enrolment_unit"] == codes.UNIT_PERSON:
        return persons, -(-due // np.maximum(1, size)) * persons
    return persons, due


def backing(case: Case) -> Outcome:
    """Every insured household-month was sold before, and every sale was paid in full by somebody."""
    ever = False
    for t in range(case.scenario.n_months):
        before, at = case.months[t], case.months[t + 1]
        used = _of_households(at, at.tallies[:, codes.HOUSEHOLD_MONTHS_INSURED])
        sold = _of_households(at, before.tallies[:, codes.HOUSEHOLD_MONTHS_SOLD])
        _refuse(case, t, used > sold, "household-months insured so far, above those sold before", used, sold)
        bought = _counted(case, t, codes.ENROLMENTS) > 0
        paid = _booked(case, t, *_PREMIUMS, *_SUBSIDIES)
        persons, due = _due(case, t)
        _refuse(case, t, bought & (paid != due), "premium paid, own part and sponsors'", paid, due)
        _refuse(case, t, ~bought & (paid != 0), "premium paid without a policy", paid, 0)
        _refuse(case, t, bought & (persons < 1), "persons under a policy just bought", persons, "1 or more")
        ever = ever or bool(bought.any())
    return Outcome(ever)


def loan_book(case: Case) -> Outcome:
    """Lenders' books are the sum of what households owe, and loans are for premiums that were bought."""
    a = case.results.arrays
    checks.check_lenders(a.flows, a.stocks, a.tallies)
    ever = False
    for t in range(case.scenario.n_months):
        at = case.months[t + 1]
        hh = at.households
        district = at.sections["district"][_sections_of(at)]
        for field, booked in (
            ("loan", at.districts["loans"]),
            ("loan_interest", at.districts["loan_interest"]),
        ):
            owed = np.bincount(district, weights=hh[field], minlength=at.districts.size).astype(np.int64)
            if (owed != booked).any():
                d = int(np.flatnonzero(owed != booked)[0])
                raise Broken(
                    f"{field}: {case.place(0, t, district=d)}: households owe {owed[d]}, the lender's book"
                    f" says {booked[d]}"
                )
        owes = hh["loan"] + hh["loan_interest"]
        _refuse(case, t, (hh["loan"] < 0) | (hh["loan_interest"] < 0), "debt to the lender", hh["loan"], 0)
        _refuse(case, t, (owes > 0) & (hh["alive"] == 0), "debt of a household that is gone", owes, 0)
        lent, premium = _booked(case, t, codes.LOAN), _booked(case, t, *_PREMIUMS)
        _refuse(case, t, lent > premium, "loan above the premium it is for", lent, premium)
        if case.engine.rules["loans_offered"][t] == 0:
            _refuse(case, t, lent > 0, "loan while none is offered", lent, 0)
        ever = ever or bool((lent > 0).any())
    return Outcome(ever)


OF_ONE_RUN = (
    Property(
        "accounting",
        "Money only moves between named accounts, and all accounts, debts and claims follow from payments.",
        "always",
        "",
        accounting,
    ),
    Property(
        "people",
        "People and households change by birth, death, marriage and dissolution only; each has one home.",
        "always",
        "",
        people,
    ),
    Property(
        "shares", "Shares and indices lie between 0 and 1, parts below their wholes.", "always", "", shares
    ),
    Property(
        "capacity",
        "Where contacts are rationed, health centres serve no more than they can, and no fewer.",
        "always",
        "rationing, and more contacts wanted than there are places",
        capacity,
    ),
    Property(
        "subsidies",
        "Subsidies stay within the budget allotted and go to households on the list, to relatives of leaders"
        " who took their place, or to all where all are entitled.",
        "always",
        "subsidies that are offered",
        subsidies,
    ),
    Property(
        "backing",
        "Insured months were sold in earlier months, and each sale was paid in full, by members or sponsors.",
        "always",
        "somebody who enrols",
        backing,
    ),
    Property(
        "loan book",
        "Lenders' books are the sum of what households owe; a loan is at most the premium it is for.",
        "always",
        "somebody who borrows",
        loan_book,
    ),
)
"""Properties read off one run."""
