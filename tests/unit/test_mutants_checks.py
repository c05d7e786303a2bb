"""Checks of a run, one number at a time: what they allow, what they refuse, and what they say.

The runs are made up: four months in two districts in which nothing moves but what a test puts there.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

import numpy as np
import pytest

from cbhi import Scenario, checks
from cbhi.checks import CheckError
from cbhi.kernels import codes as c
from cbhi.months import parse_month

MONTHS = 4


class Arrays(NamedTuple):
    flows: Any
    stocks: Any
    tallies: Any
    gauges: Any
    strata: Any
    opening_people: Any


class Made(NamedTuple):
    """A run as the checks see it."""

    arrays: Arrays
    scenario: Scenario
    periods: list[tuple[str, int, int]]


def empty(people: int = 0, months: int = MONTHS) -> Arrays:
    """A run in which ``people`` live in ``people`` households of each district and nothing happens."""
    arrays = Arrays(
        flows=np.zeros((1, months, 2, c.N_FLOWS), dtype=np.int64),
        stocks=np.zeros((1, months + 1, 2, c.N_STOCKS), dtype=np.int64),
        tallies=np.zeros((1, months, 2, c.N_TALLIES), dtype=np.int64),
        gauges=np.zeros((1, months, 2, c.N_GAUGES)),
        strata=np.zeros((1, 2, 15, c.N_STRATUM_TALLIES), dtype=np.int64),
        opening_people=np.full((1, 2, 2), people, dtype=np.int64),
    )
    for kind in (c.PERSONS, c.HOUSEHOLDS_ALIVE, c.PERSONS_OPEN, c.PERSON_MONTHS):
        arrays.tallies[..., kind] = people
    return arrays


@functools.cache
def scenario(first: tuple[tuple[str, Any], ...], then: tuple[tuple[str, Any], ...] = ()) -> Scenario:
    """Four months; ``then`` holds in the second of them only."""
    start = Scenario(
        name="made up",
        start=parse_month("2005-01"),
        end=parse_month("2005-04"),
        values={"switches.rollout": False, "subsidy.offered": True, **dict(first)},
    )
    if not then:
        return start
    before = {key: start.values.get(key, start.regimes()[0][1]) for key, _ in then}
    back = {key: value for key, value in first if key in before}
    assert set(back) == set(before), "say what held before"
    return start.add_event("2005-02", dict(then)).add_event("2005-03", back)


# array, kind, rules under which it may not occur, rules under which it may, and whether it may go on after
RULES: list[tuple[str, int, dict[str, Any], dict[str, Any], bool]] = [
    *(
        ("flows", kind, {"loans.offered": False}, {"loans.offered": True}, False)
        for kind in (c.LOAN, c.LENDER_EQUITY)
    ),
    *(
        ("flows", kind, {"loans.offered": False}, {"loans.offered": True}, True)
        for kind in (c.LOAN_REPAYMENT, c.LOAN_INTEREST, c.LENDER_OPERATING_COST, c.GROUP_DEPOSIT)
    ),
    ("flows", c.GROUP_SAVING, {"groups.savings": False}, {"groups.savings": True}, False),
    ("flows", c.GROUP_CONTRIBUTION, {"groups.savings": False}, {"groups.savings": True}, True),
    ("flows", c.SUBSIDY_DONOR, {"switches.donors": False}, {"switches.donors": True}, True),
    *(
        ("flows", kind, {"switches.donors": False}, {"switches.donors": True}, False)
        for kind in (c.POOL_GRANT_DONOR, c.PERFORMANCE_DONOR, c.BUDGET_SUPPORT, c.ASSISTANCE)
    ),
    *(
        (array, kind, {"switches.fraud": False}, {"switches.fraud": True}, False)
        for array, kind in (
            ("flows", c.EMBEZZLEMENT),
            ("flows", c.AUDIT),
            ("tallies", c.GHOST_RWF),
            ("tallies", c.INFLATED_RWF),
            ("tallies", c.CLAIMS_REJECTED_SECTION),
            ("tallies", c.VISITS_BORROWED_CARD),
        )
    ),
    ("flows", c.NATIONAL_SHARE, {"switches.pooling": False}, {"switches.pooling": True}, False),
    ("flows", c.CLAIMS_HOSPITAL_SECTION, {"switches.pooling": True}, {"switches.pooling": False}, False),
    *(
        ("flows", kind, {key: no}, {key: yes}, True)
        for kind in (c.REINSURANCE_PREMIUM, c.REINSURANCE_RECOVERY)
        for key, no, yes in (("fund.stop_loss", False, True), ("fund.quota_share", 0.0, 0.1))
    ),
    ("flows", c.MERGED_UP, {"fund.deficit_rule": "carry"}, {"fund.deficit_rule": "merge"}, True),
    ("flows", c.OWN_WAGES, {"provider.hire_share": 0.0}, {"provider.hire_share": 0.2}, True),
    ("tallies", c.UPCODED_RWF, {"provider.payment": "fee"}, {"provider.payment": "case"}, False),
    ("tallies", c.CAPITATION_BILLED, {"provider.payment": "fee"}, {"provider.payment": "capitation"}, False),
    ("tallies", c.INDUCED_RWF, {"provider.payment": "case"}, {"provider.payment": "fee"}, False),
    (
        "tallies",
        c.VISITS_ELSEWHERE,
        {"scheme.portability_share": 0.0},
        {"scheme.portability_share": 0.2},
        False,
    ),
    ("tallies", c.POSTS_OPENED, {"provider.post_hazard": 0.0}, {"provider.post_hazard": 0.5}, False),
    ("tallies", c.GROUPS_FORMED, {"groups.required": False}, {"groups.required": True}, False),
    *(
        (array, kind, {**held, key: False}, {key: True}, False)
        for array, kind in (("tallies", c.PENALTIES), ("tallies", c.GATE_REFUSALS), ("flows", c.PENALTY))
        for held, key in (({}, "mandate.compulsory"), ({"mandate.compulsory": True}, "switches.mandate"))
    ),
    (
        "tallies",
        c.GATE_REFUSALS,
        {"mandate.compulsory": True, "switches.service_gate": False},
        {"switches.service_gate": True},
        False,
    ),
    *(
        (array, kind, {key: False}, {key: True}, lasts)
        for array, kind, lasts in (
            ("tallies", c.SUBSIDY_BUDGET, False),
            ("tallies", c.SLOTS, True),
            ("flows", c.SUBSIDY_STATE, True),
            ("flows", c.SUBSIDY_NGO, True),
            ("flows", c.SUBSIDY_POOL, True),
            ("flows", c.SUBSIDY_DONOR, True),
        )
        for key in ("subsidy.offered", "switches.subsidies")
    ),
    *(
        ("flows", kind, {"fund.deficit_rule": "carry"}, {"fund.deficit_rule": "bail_out"}, False)
        for kind in (c.BAIL_OUT_SECTION, c.BAIL_OUT_POOL)
    ),
    ("flows", c.POOL_SHARE, {"switches.pooling": False}, {"switches.pooling": True}, False),
    ("flows", c.POOL_SHARE, {"fund.pool_share": 0.0}, {"fund.pool_share": 0.04}, False),
    ("flows", c.LEVY, {"formal.levy_share": 0.0}, {"formal.levy_share": 0.04}, False),
    ("flows", c.POOL_GRANT, {"fund.pool_grant_rwf": 0.0}, {"fund.pool_grant_rwf": 0.5}, False),
    *(
        (array, kind, first, then, True)
        for array, kind in (("flows", c.CLAIMS_OUTPATIENT_POOL), ("tallies", c.PAYABLES_MOVED_TO_POOL))
        for first, then in (
            ({"fund.pool_pays_outpatient": False}, {"fund.pool_pays_outpatient": True}),
            ({"fund.pool_pays_outpatient": True, "switches.pooling": False}, {"switches.pooling": True}),
            ({"fund.deficit_rule": "carry"}, {"fund.deficit_rule": "merge"}),
        )
    ),
    (
        "flows",
        c.CLAIMS_OUTPATIENT,
        {"fund.pool_pays_outpatient": True},
        {"fund.pool_pays_outpatient": False},
        False,
    ),
    *(
        ("tallies", kind, {"switches.demography": False}, {"switches.demography": True}, False)
        for kind in (c.BIRTHS, c.DEATHS, c.HOUSEHOLDS_FORMED, c.HOUSEHOLDS_DISSOLVED)
    ),
]


@pytest.mark.parametrize(("array", "kind", "no", "yes", "lasts"), RULES)
def test_what_the_rules_allow(
    array: str, kind: int, no: dict[str, Any], yes: dict[str, Any], lasts: bool
) -> None:
    of = scenario(tuple(no.items()), tuple(yes.items()))
    name = c.FLOWS[kind][0] if array == "flows" else c.TALLIES[kind]
    for month, allowed in enumerate([False, True, lasts, lasts]):
        arrays = empty(people=9)
        getattr(arrays, array)[0, month, 1, kind] = 1
        run = Made(arrays, of, [])
        if allowed:
            checks.check_timing(run)
            continue
        with pytest.raises(CheckError) as caught:
            checks.check_timing(run)
        said = str(caught.value)
        assert re.search(rf"\b{name}\b|payables moved|{name.replace('_used', '')}", said), said
        assert said.endswith(f": replicate 0, month {month}, district 1: expected 0, found 1")


def test_premiums_change_ahead_of_the_rules_that_price_them() -> None:
    """Sale begins up to a year before the membership year whose rules set the premium."""
    rules = (("scheme.premium_rule", "set"),), (("scheme.premium_rule", "break_even"),)
    for month, allowed in enumerate([True, True, False, False]):
        arrays = empty(people=9)
        arrays.tallies[0, month, 1, c.PREMIUM_CHANGES] = 1
        if allowed:
            checks.check_timing(Made(arrays, scenario(*rules), []))
        else:
            with pytest.raises(CheckError, match=r"^premium_changes before the rules bring it in"):
                checks.check_timing(Made(arrays, scenario(*rules), []))


def test_a_year_ahead_and_no_month_more() -> None:
    of = Scenario(
        name="made up",
        start=parse_month("2005-01"),
        end=parse_month("2006-02"),
        values={"switches.rollout": False, "scheme.premium_rule": "set"},
    ).add_event("2006-01", {"scheme.premium_rule": "break_even"})
    for month, allowed in ((0, False), (1, True), (12, True)):
        arrays = empty(people=9, months=14)
        arrays.tallies[0, month, 1, c.PREMIUM_CHANGES] = 1
        if allowed:
            checks.check_timing(Made(arrays, of, []))
        else:
            with pytest.raises(CheckError, match=r"^premium_changes before the rules bring it in"):
                checks.check_timing(Made(arrays, of, []))


@pytest.mark.parametrize("kind", [c.GROUP_SAVING, c.GROUP_CONTRIBUTION])
def test_nobody_saves_in_associations_that_are_switched_off(kind: int) -> None:
    for switch in (True, False):
        arrays = empty(people=9)
        arrays.flows[0, 2, 1, kind] = 1
        run = Made(arrays, scenario((("groups.savings", True), ("switches.groups", switch))), [])
        if switch:
            checks.check_timing(run)
        else:
            with pytest.raises(CheckError, match=f"^{c.FLOWS[kind][0]} before the rules bring it in"):
                checks.check_timing(run)


class TestWhereNoSchemeIsOpen:
    @pytest.mark.parametrize(
        ("array", "kind"),
        [
            *(
                ("tallies", kind)
                for kind in (
                    c.INSURED,
                    c.PAID,
                    c.RECENT_MEMBERS,
                    c.SLOTS,
                    c.DECISIONS,
                    c.PERSONS_ENROLLED,
                    c.ENROLMENTS,
                    c.RENEWALS_DUE,
                    c.HOUSEHOLD_MONTHS_SOLD,
                    c.SUBSIDY_BUDGET,
                    c.PENALTIES,
                    c.GATE_REFUSALS,
                    c.VISITS_INSURED,
                )
            ),
            *(
                ("flows", kind)
                for kind in (
                    c.CONTRIBUTION,
                    c.SUBSIDY_STATE,
                    c.SUBSIDY_DONOR,
                    c.SUBSIDY_NGO,
                    c.SUBSIDY_POOL,
                    c.PENALTY,
                    c.POOL_SHARE,
                    c.ADMINISTRATION,
                )
            ),
        ],
    )
    def test_nobody_is_reached(self, array: str, kind: int) -> None:
        of = scenario((("mandate.compulsory", True),))
        for month, opened, allowed in ((2, [], False), (2, [2], True), (2, [1], True), (2, [3], False)):
            arrays = empty(people=9)
            arrays.tallies[..., c.PERSONS_OPEN] = 0
            arrays.tallies[0, opened, 1, c.PERSONS_OPEN] = 9
            getattr(arrays, array)[0, month, 1, kind] = 1
            run = Made(arrays, of, [])
            if allowed:
                checks.check_timing(run)
            else:
                name = c.FLOWS[kind][0] if array == "flows" else c.TALLIES[kind]
                with pytest.raises(
                    CheckError, match=rf"^{name} where no scheme is open: .*month 2, district 1"
                ):
                    checks.check_timing(run)

    @pytest.mark.parametrize(
        ("schemes", "pilot", "pilot_month", "first_open"),
        [
            # none before March; as many as the pilot has are no scheme of the roll-out
            ({"2005-02": 0.0, "2005-04": 200.0}, 0, "2005-01", 2),
            ({"2005-02": 54.0, "2005-03": 300.0}, 54, "2006-01", 2),
            ({"2005-01": 54.0, "2005-12": 54.0}, 54, "2005-03", 2),
            ({"2005-01": 0.0, "2006-12": 0.0}, 0, "2005-01", None),
            ({"2005-01": 1.0, "2005-12": 1.0}, 1, "2005-03", 2),
        ],
    )
    def test_schemes_open_as_they_are_rolled_out(
        self, schemes: dict[str, float], pilot: int, pilot_month: str, first_open: int | None
    ) -> None:
        of = Scenario(
            name="made up",
            start=parse_month("2005-01"),
            end=parse_month("2005-04"),
            values={
                "switches.rollout": True,
                "rollout.pilot_sections": pilot,
                "rollout.pilot_month": pilot_month,
                "rollout.schemes": schemes,
            },
        )
        for month in range(MONTHS):
            arrays = empty(people=9)
            arrays.tallies[..., c.PERSONS_OPEN] = 0
            arrays.tallies[0, month:, 1, c.PERSONS_OPEN] = 9
            if first_open is not None and month >= first_open:
                checks.check_timing(Made(arrays, of, []))
            else:
                with pytest.raises(CheckError, match=r"persons_open before the first scheme"):
                    checks.check_timing(Made(arrays, of, []))


def test_all_checks_are_run_on_their_own_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = empty(people=9)
    of = scenario(
        (("fund.national_pool", False), ("switches.rationing", True)),
        (("fund.national_pool", True), ("switches.rationing", False)),
    )
    run = Made(arrays, of, [("all", 0, MONTHS)])
    called: dict[str, tuple[Any, ...]] = {}
    known = [name for name in vars(checks) if name.startswith("check_") and name != "check_all"]
    for name in known:
        monkeypatch.setattr(checks, name, lambda *given, name=name: called.update({name: given}))
    checks.check_all(run)
    a = arrays
    expected: dict[str, tuple[Any, ...]] = {
        "check_nonnegative": (a.flows, a.stocks, a.tallies, a.strata, a.opening_people),
        "check_flow_matrix": (a.flows, a.stocks, [False, True, False, False]),
        "check_fund_balances": (a.flows, a.stocks, a.tallies, [False, True, False, False]),
        "check_debt": (a.flows, a.stocks, a.tallies),
        "check_lenders": (a.flows, a.stocks, a.tallies),
        "check_people": (a.tallies, a.opening_people),
        "check_care": (a.flows, a.tallies, [True, False, True, True]),
        "check_membership": (a.tallies, a.opening_people),
        "check_subsidies": (a.flows, a.tallies),
        "check_strata": (a.flows, a.tallies, a.strata, run.periods),
        "check_gauges": (a.gauges, a.tallies, a.opening_people),
        "check_timing": (run,),
    }
    assert set(called) == set(known) == set(expected)
    for name, given in expected.items():
        for one, other in zip(called[name], given, strict=True):
            if isinstance(other, list) and other is not run.periods:
                assert one.tolist() == other
            else:
                assert one is other, name


class TestMessages:
    def test_one_place_of_the_country(self) -> None:
        arrays = empty()
        arrays.stocks[0, 3, 1, c.HOUSEHOLDS] = 5
        with pytest.raises(CheckError) as caught:
            checks.check_flow_matrix(arrays.flows, arrays.stocks)
        assert str(caught.value) == (
            "money of all sectors together: replicate 0, month 3, whole country: expected 0, found 5"
        )

    @pytest.mark.parametrize(
        ("months", "others"), [(1, ""), (2, " (and 1 other place)"), (3, " (and 2 other places)")]
    )
    def test_other_places_are_counted(self, months: int, others: str) -> None:
        arrays = empty(people=9)
        arrays.tallies[0, :months, 1, c.POOR] = 10
        with pytest.raises(CheckError) as caught:
            checks.check_people(arrays.tallies, arrays.opening_people)
        assert str(caught.value) == (
            f"poor <= persons: replicate 0, month 0, district 1: expected at most 9, found 10{others}"
        )

    def test_strata_say_what_was_expected(self) -> None:
        arrays = empty()
        arrays.strata[0, 1, 2, c.S_RENEWALS_DUE] = 3
        with pytest.raises(CheckError) as caught:
            checks.check_strata(arrays.flows, arrays.tallies, arrays.strata, [("a", 0, 2), ("b", 2, 4)])
        assert str(caught.value) == (
            "strata' renewals_due over the period: replicate 0, month 1, whole country: expected 0, found 3"
        )
        arrays = empty()
        arrays.tallies[0, 1, 0, c.PAID] = 4
        with pytest.raises(
            CheckError, match=r"strata' paid at the close of the period: .*month 0.*expected 4, found 0"
        ):
            checks.check_strata(arrays.flows, arrays.tallies, arrays.strata, [("a", 0, 2), ("b", 2, 4)])


def refused(check: Any, words: str) -> None:
    with pytest.raises(CheckError, match=f"^{words}"):
        check()


class TestBounds:
    """Each limit holds to the unit: at it a run passes, one beyond it fails."""

    @pytest.mark.parametrize("gauge", ["TRUST", "QUALITY", "STOCK", "ADMIN_CAPACITY", "EFFORT", "BLAME"])
    def test_shares(self, gauge: str) -> None:
        for value, sound in (
            (0.0, True),
            (100.0, True),
            (100.0 * (1 + 5e-10), True),
            (100.01, False),
            (-1e-6, False),
        ):
            arrays = empty(people=100)
            arrays.gauges[0, 2, 1, getattr(c, f"GAUGE_{gauge}")] = value
            check = functools.partial(
                checks.check_gauges, arrays.gauges, arrays.tallies, arrays.opening_people
            )
            if sound:
                check()
            else:
                refused(check, f"gauge {c.GAUGES[getattr(c, f'GAUGE_{gauge}')]}")

    def test_expected_members_are_people_of_the_start(self) -> None:
        arrays = empty(people=100)
        arrays.tallies[0, 2:, 1, c.PERSONS] = 50
        arrays.gauges[0, 2, 1, c.GAUGE_EXPECTED_ENROLLED] = 100.0
        checks.check_gauges(arrays.gauges, arrays.tallies, arrays.opening_people)
        arrays.gauges[0, 3, 1, c.GAUGE_EXPECTED_ENROLLED] = 50.5
        refused(
            functools.partial(checks.check_gauges, arrays.gauges, arrays.tallies, arrays.opening_people),
            "gauge expected_enrolled <= persons at the start: replicate 0, month 3",
        )

    @pytest.mark.parametrize("gauge", range(c.N_GAUGES))
    def test_gauges_are_finite_and_not_negative(self, gauge: int) -> None:
        for value in (-1e-3, np.nan, np.inf):
            name = c.GAUGES[gauge]
            arrays = empty(people=100)
            arrays.gauges[0, 2, 1, gauge] = value
            refused(
                functools.partial(checks.check_gauges, arrays.gauges, arrays.tallies, arrays.opening_people),
                f"gauge {name}: ",
            )

    def test_reasons_of_forgone_care_may_round_below_zero(self) -> None:
        arrays = empty(people=100)
        arrays.gauges[0, 2, 1, c.GAUGE_FORGONE_NO_NEED] = 1e6
        arrays.gauges[0, 2, 1, c.GAUGE_FORGONE_PRICE] = -0.5
        checks.check_gauges(arrays.gauges, arrays.tallies, arrays.opening_people)
        arrays.gauges[0, 2, 1, c.GAUGE_FORGONE_PRICE] = -2.0
        refused(
            functools.partial(checks.check_gauges, arrays.gauges, arrays.tallies, arrays.opening_people),
            "gauge forgone_price",
        )

    @pytest.mark.parametrize(
        ("capacity", "elsewhere", "sound"), [(3, 2, True), (2, 2, False), (5, 0, True), (4, 0, False)]
    )
    def test_capacity_serves_those_at_home(self, capacity: int, elsewhere: int, sound: bool) -> None:
        arrays = empty(people=9)
        seen = {
            c.VISITS_UNINSURED: 5,
            c.CONTACTS_WANTED: 5,
            c.EPISODES: 5,
            c.VISITS_ELSEWHERE: elsewhere,
            c.CAPACITY: capacity,
        }
        for kind, value in seen.items():
            arrays.tallies[0, 1, 0, kind] = value
        for rationing in (None, [True, False, True, True]):
            checks.check_care(
                arrays.flows, arrays.tallies, None if rationing is None else np.array(rationing)
            )
        check = functools.partial(
            checks.check_care, arrays.flows, arrays.tallies, np.array([False, True, False, False])
        )
        if sound:
            check()
        else:
            refused(check, "visits at home <= capacity")

    def test_contacts_wait_for_a_place_only_where_places_are_rationed(self) -> None:
        arrays = empty(people=9)
        for kind in (c.FORGONE_CAPACITY, c.CONTACTS_WANTED, c.EPISODES):
            arrays.tallies[0, 1, 0, kind] = 2
        checks.check_care(arrays.flows, arrays.tallies, np.array([False, True, False, False]))
        refused(
            functools.partial(
                checks.check_care, arrays.flows, arrays.tallies, np.array([True, False, True, True])
            ),
            "contacts without a place, rationing off: replicate 0, month 1, district 0: expected 0, found 2",
        )

    @pytest.mark.parametrize(
        ("counts", "sound"),
        [
            ({"INSURED": 9}, True),
            ({"INSURED": 10}, False),
            ({"INSURED": 5, "FORMAL_MONTHS": 4}, True),
            ({"INSURED": 5, "FORMAL_MONTHS": 5}, False),
            ({"PAID": 9, "RECENT_MEMBERS": 9}, True),
            ({"PAID": 5, "RECENT_MEMBERS": 5, "PERSONS_FORMAL": 4}, True),
            ({"PAID": 5, "RECENT_MEMBERS": 5, "PERSONS_FORMAL": 5}, False),
            ({"PAID": 5, "RECENT_MEMBERS": 4}, False),
            ({"RECENT_MEMBERS": 6, "PERSONS_FORMAL": 4}, False),
            (
                {
                    "RENEWALS_DUE": 7,
                    "RENEWALS": 3,
                    "LAPSE_UNAFFORDABLE": 1,
                    "LAPSE_UNWILLING": 1,
                    "LAPSE_INATTENTIVE": 1,
                    "LAPSE_SUBSIDY_LOST": 1,
                },
                True,
            ),
            ({"RENEWALS_DUE": 6, "RENEWALS": 3, "LAPSE_SUBSIDY_LOST": 4}, False),
            (
                {
                    "PERSONS_ENROLLED": 4,
                    "PERSONS_BY_CASH": 1,
                    "PERSONS_BY_LOAN": 1,
                    "PERSONS_BY_GROUP": 1,
                    "PERSONS_BY_SUBSIDY": 1,
                    "POOR_BY_CASH": 1,
                    "POOR_BY_LOAN": 1,
                    "POOR_BY_GROUP": 1,
                    "POOR_BY_SUBSIDY": 1,
                },
                True,
            ),
            ({"PERSONS_ENROLLED": 4, "PERSONS_BY_CASH": 4, "POOR_BY_LOAN": 1}, False),
        ],
    )
    def test_members(self, counts: dict[str, int], sound: bool) -> None:
        arrays = empty(people=9)
        # cover sold in the first month backs the household-months of the third
        arrays.tallies[0, 0, 1, c.HOUSEHOLD_MONTHS_SOLD] = 9
        arrays.tallies[0, 2, 1, c.HOUSEHOLD_MONTHS_INSURED] = 9
        for name, value in counts.items():
            arrays.tallies[0, 2, 1, getattr(c, name)] = value
        if sound:
            checks.check_membership(arrays.tallies, arrays.opening_people)
        else:
            with pytest.raises(CheckError, match="month 2, district 1: expected"):
                checks.check_membership(arrays.tallies, arrays.opening_people)

    @pytest.mark.parametrize(
        ("sold_in", "months", "sound"), [(1, 4, True), (1, 5, False), (2, 4, False), (0, 4, True)]
    )
    def test_cover_is_sold_in_earlier_months(self, sold_in: int, months: int, sound: bool) -> None:
        arrays = empty(people=9)
        arrays.tallies[0, sold_in, 1, c.HOUSEHOLD_MONTHS_SOLD] = 4
        arrays.tallies[0, 2, 1, c.HOUSEHOLD_MONTHS_INSURED] = months
        check = functools.partial(checks.check_membership, arrays.tallies, arrays.opening_people)
        if sound:
            check()
        else:
            refused(check, "household-months insured so far <= sold in earlier months: replicate 0, month 2")

    def test_nobody_is_insured_in_the_first_month(self) -> None:
        arrays = empty(people=9)
        arrays.tallies[0, 0, 1, c.INSURED] = 1
        refused(
            functools.partial(checks.check_membership, arrays.tallies, arrays.opening_people),
            "insured <= people whose scheme was open the month before",
        )

    def test_money_of_one_pool_may_cross_districts_until_the_month_after_it_parts(self) -> None:
        for month, sound in enumerate([False, True, True, False]):
            arrays = empty()
            arrays.stocks[0, month + 1 :, 0, c.POOLS] = 7
            arrays.stocks[0, month + 1 :, 1, c.POOLS] = -7
            check = functools.partial(
                checks.check_flow_matrix, arrays.flows, arrays.stocks, np.array([False, True, False, False])
            )
            if sound:
                check()
            else:
                refused(check, "money of pools = before . received - paid, by district")

    def test_households_hold_as_many_as_there_are_slots(self) -> None:
        for persons, sound in ((c.MEMBER_SLOTS, True), (c.MEMBER_SLOTS + 1, False), (1, True)):
            arrays = empty(people=1)
            arrays.opening_people[..., 0] = persons
            arrays.tallies[..., c.PERSONS] = persons
            check = functools.partial(checks.check_people, arrays.tallies, arrays.opening_people)
            if sound:
                check()
            else:
                refused(check, "persons fit into their households")

    def test_subsidies_so_far_within_budgets_so_far(self) -> None:
        for paid, sound in ((10, True), (11, False)):
            arrays = empty(people=9)
            arrays.tallies[0, 0, 1, c.SUBSIDY_BUDGET] = 4
            arrays.tallies[0, 2, 1, c.SUBSIDY_BUDGET] = 6
            for kind in (c.SUBSIDY_STATE, c.SUBSIDY_DONOR, c.SUBSIDY_NGO):
                arrays.flows[0, 1, 1, kind] = 1
            arrays.flows[0, 3, 1, c.SUBSIDY_POOL] = paid - 3
            check = functools.partial(checks.check_subsidies, arrays.flows, arrays.tallies)
            if sound:
                check()
            else:
                refused(
                    check,
                    "subsidies so far <= budgets so far: .*month 3, district 1: expected at most 10",
                )

    def test_every_household_has_somebody(self) -> None:
        arrays = empty(people=3)
        arrays.opening_people[0, 1, 0] = 2
        arrays.tallies[0, :, 1, c.PERSONS] = 2
        refused(
            functools.partial(checks.check_people, arrays.tallies, arrays.opening_people),
            "households hold one person or more: .*district 1: expected at most 2, found 3",
        )

    def test_months_lived_are_those_of_the_people_of_the_start(self) -> None:
        arrays = empty(people=9)
        arrays.tallies[0, 1, 1, c.PERSONS] = 8
        check = functools.partial(checks.check_membership, arrays.tallies, arrays.opening_people)
        refused(
            check,
            "person_months = persons at the start: replicate 0, month 2, district 1: expected 8, found 9",
        )
        arrays.tallies[0, 2, 1, c.PERSON_MONTHS] = 8
        check()

    def test_insured_households_live_and_have_room(self) -> None:
        for covered, insured, words in (
            (1, 7, ""),
            (5, 7, "household_months_insured <= households at the start: .*expected at most 4, found 5"),
            (1, 33, "insured <= places in insured households"),
        ):
            arrays = empty(people=4)
            for kind in (c.PERSONS, c.PERSONS_OPEN, c.PERSON_MONTHS):
                arrays.tallies[..., kind] = 40
            arrays.opening_people[..., 0] = 40
            arrays.tallies[0, 0, 1, c.HOUSEHOLD_MONTHS_SOLD] = 100
            arrays.tallies[0, 2, 1, c.HOUSEHOLD_MONTHS_INSURED] = covered
            arrays.tallies[0, 2, 1, c.INSURED] = insured
            check = functools.partial(checks.check_membership, arrays.tallies, arrays.opening_people)
            if words:
                refused(check, words)
            else:
                check()

    @pytest.mark.parametrize("reason", ["NO_NEED", "DISTANCE", "PRICE", "SERVICE"])
    def test_each_reason_may_round_by_a_millionth_of_all(self, reason: str) -> None:
        code = getattr(c, f"GAUGE_FORGONE_{reason}")
        others = [getattr(c, f"GAUGE_FORGONE_{one}") for one in ("NO_NEED", "DISTANCE", "PRICE", "SERVICE")]
        others.remove(code)
        for other in others:
            # one millionth of 1 + 999,998 + 0.5, and more than that; and of nothing but the one
            for whole, value, sound in (
                (999_998.0, -0.9, True),
                (999_998.0, -1.1, False),
                (0.0, -9e-7, True),
            ):
                arrays = empty(people=100)
                arrays.gauges[0, 2, 1, other], arrays.gauges[0, 2, 1, code] = whole, value
                check = functools.partial(
                    checks.check_gauges, arrays.gauges, arrays.tallies, arrays.opening_people
                )
                if sound:
                    check()
                else:
                    refused(
                        check,
                        rf"gauge {c.GAUGES[code]}: .*expected a finite number of at least -1\.0.*found -1\.1",
                    )

    @pytest.mark.parametrize("asked", range(17))
    def test_a_part_fits_into_its_whole_in_every_stratum(self, asked: int) -> None:
        """What the country has is enough, but one of it lies in another stratum."""
        parts, whole = PARTS_OF_STRATA[asked]
        for lacking in (0, 1):
            counts = dict.fromkeys((*parts, whole), 1) | {whole: len(parts) - lacking}
            for others, bigger in 3 * PARTS_OF_STRATA:
                if bigger != whole:
                    counts[bigger] = max(counts.get(bigger, 0), sum(counts.get(one, 0) for one in others))
            strata = np.zeros((1, 1, 15, c.N_STRATUM_TALLIES), dtype=np.int64)
            for name, count in counts.items():
                strata[0, 0, 3, getattr(c, f"S_{name}")] = count
            # enough of everything elsewhere
            for names, count in ELSEWHERE.items():
                for name in names.split():
                    strata[0, 0, 4, getattr(c, f"S_{name}")] = count
            flows, tallies = country_of(strata)
            check = functools.partial(checks.check_strata, flows, tallies, strata, [("all", 0, 1)])
            if lacking:
                named = [c.STRATUM_TALLIES[getattr(c, f"S_{name}")] for name in (*parts, whole)]
                told = " . ".join(named[:-1]) + f" <= {named[-1]}"
                refused(
                    check,
                    f"strata' {told}: .*district 3: expected at most {len(parts) - 1}, found {len(parts)}",
                )
            else:
                check()


ELSEWHERE = {
    "PERSONS VISITS OUT_OF_POCKET CLAIMS AT_ANNIVERSARY CATASTROPHIC RENEWALS_DUE": 90,
    "PAID FORMAL SLOTS WOMEN VISITS_WOMEN VISITS_INSURED VISITS_FORMAL ADMISSIONS": 20,
    "OUT_OF_POCKET_INSURED OUT_OF_POCKET_FORMAL CLAIMS_FORMAL CATASTROPHIC_25 RENEWALS": 20,
    "WOMEN_PAID ADMISSIONS_WOMEN ADMISSIONS_INSURED ADMISSIONS_FORMAL": 5,
}
PARTS_OF_STRATA: list[tuple[tuple[str, ...], str]] = [
    (("PAID", "FORMAL"), "PERSONS"),
    (("SLOTS",), "PERSONS"),
    (("WOMEN",), "PERSONS"),
    (("WOMEN_PAID",), "WOMEN"),
    (("WOMEN_PAID",), "PAID"),
    (("VISITS_WOMEN",), "VISITS"),
    (("VISITS_INSURED", "VISITS_FORMAL"), "VISITS"),
    (("ADMISSIONS",), "VISITS"),
    (("ADMISSIONS_WOMEN",), "ADMISSIONS"),
    (("ADMISSIONS_WOMEN",), "VISITS_WOMEN"),
    (("ADMISSIONS_INSURED", "ADMISSIONS_FORMAL"), "ADMISSIONS"),
    (("ADMISSIONS_INSURED",), "VISITS_INSURED"),
    (("OUT_OF_POCKET_INSURED", "OUT_OF_POCKET_FORMAL"), "OUT_OF_POCKET"),
    (("CLAIMS_FORMAL",), "CLAIMS"),
    (("CATASTROPHIC",), "AT_ANNIVERSARY"),
    (("CATASTROPHIC_25",), "CATASTROPHIC"),
    (("RENEWALS",), "RENEWALS_DUE"),
]


def country_of(strata: Any) -> tuple[Any, Any]:
    """One month of one district whose counts are those of the strata together."""
    flows = np.zeros((1, 1, 1, c.N_FLOWS), dtype=np.int64)
    tallies = np.zeros((1, 1, 1, c.N_TALLIES), dtype=np.int64)

    def of(name: str) -> int:
        return int(strata[..., getattr(c, f"S_{name}")].sum())

    same = (
        "EPISODES FORGONE_UNSOUGHT FORGONE_CAPACITY FORGONE_REFUSED FORGONE_CASH VISITS_FORMAL ADMISSIONS "
        "CATASTROPHIC_25 RENEWALS_DUE RENEWALS PERSONS PAID SLOTS WOMEN CATASTROPHIC AT_ANNIVERSARY"
    )
    for name in same.split():
        tallies[0, 0, 0, getattr(c, name)] = of(name)
    others = {
        "PERSON_MONTHS": "PERSON_MONTHS", "INSURED": "INSURED_MONTHS", "FORMAL_MONTHS": "FORMAL_MONTHS",
        "PERSONS_BY_CASH": "BY_CASH", "PERSONS_BY_SUBSIDY": "BY_SUBSIDY", "PERSONS_BY_LOAN": "BY_LOAN",
        "PERSONS_BY_GROUP": "BY_GROUP", "PERSONS_FORMAL": "FORMAL", "WOMEN_INSURED": "WOMEN_PAID",
    }  # fmt: skip
    for theirs, ours in others.items():
        tallies[0, 0, 0, getattr(c, theirs)] = of(ours)
    tallies[0, 0, 0, c.VISITS_INSURED] = of("VISITS_INSURED")
    tallies[0, 0, 0, c.VISITS_UNINSURED] = of("VISITS") - of("VISITS_INSURED") - of("VISITS_FORMAL")
    flows[0, 0, 0, c.FEE_HOSPITAL] = of("OUT_OF_POCKET")
    flows[0, 0, 0, c.CONTRIBUTION] = of("CONTRIBUTIONS")
    flows[0, 0, 0, c.SUBSIDY_STATE] = of("SPONSORED")
    tallies[0, 0, 0, c.BILLED_HOSPITAL] = of("CLAIMS") + of("OUT_OF_POCKET")
    return flows, tallies


class TestMoreMessages:
    """The expected number is the one that follows from the books, the found one is what is stored."""

    def test_of_the_country_and_by_district(self) -> None:
        arrays = empty()
        for district, sign in ((0, 1), (1, -1)):
            arrays.stocks[0, 2:, district, c.HEALTH_CENTRES] = 5 * sign
        refused(
            functools.partial(checks.check_flow_matrix, arrays.flows, arrays.stocks),
            "money of health_centres = .*, by district: .*month 1, district 0: expected 0, found 5",
        )
        arrays = empty()
        for district, sign in ((0, 1), (1, -1)):
            arrays.stocks[0, 2:, district, c.STOCK_PAYABLES_POOL] = 5 * sign
        apart = np.zeros(MONTHS, dtype=bool)
        refused(
            functools.partial(checks.check_fund_balances, arrays.flows, arrays.stocks, arrays.tallies, apart),
            "payables of pools = .*, by district: replicate 0, month 1, district 0: expected 0, found 5",
        )

    def test_of_people(self) -> None:
        arrays = empty(people=9)
        arrays.tallies[0, :, 1, c.HOUSEHOLDS_ALIVE] = 8
        refused(
            functools.partial(checks.check_people, arrays.tallies, arrays.opening_people),
            "households = before . formed - dissolved: replicate 0, month 0, district 1: expected 9, found 8",
        )

    def test_of_gauges(self) -> None:
        arrays = empty(people=9)
        arrays.gauges[0, 1, 0, c.GAUGE_TRUST] = -3.0
        refused(
            functools.partial(checks.check_gauges, arrays.gauges, arrays.tallies, arrays.opening_people),
            "gauge trust: .*district 0: expected a finite number of at least 0.0, found -3.0",
        )

    def test_one_number_is_expected_everywhere(self) -> None:
        # a limit for all places may be given as one number
        with pytest.raises(
            CheckError, match=r"^x: replicate 0, month 1, whole country: expected at most 3, found 4$"
        ):
            checks._at_most("x", np.array([[3, 4]]), np.array(3))


class TestFewMoreBounds:
    def test_members_turned_away_come_and_pay(self) -> None:
        for paid, sound in ((2, True), (1, False)):
            arrays = empty(people=9)
            counts = {
                "VISITS_UNINSURED": 2,
                "CONTACTS_WANTED": 2,
                "EPISODES": 2,
                "VISITS_REFUSED": 2,
                "REFUSED_AND_PAID": paid,
            }
            for name, value in counts.items():
                arrays.tallies[0, 1, 0, getattr(c, name)] = value
            check = functools.partial(checks.check_care, arrays.flows, arrays.tallies)
            if sound:
                check()
            else:
                refused(check, "members turned away who are served come and pay")

    def test_formal_people_are_no_members(self) -> None:
        arrays = empty(people=9)
        for kind, value in ((c.PAID, 5), (c.RECENT_MEMBERS, 5), (c.PERSONS_FORMAL, 5)):
            arrays.tallies[0, 1, 0, kind] = value
        refused(
            functools.partial(checks.check_membership, arrays.tallies, arrays.opening_people),
            "paid . persons_formal <= persons: .*expected at most 9, found 10",
        )

    def test_pools_owe_health_centres_within_what_they_owe(self) -> None:
        for owed, sound in ((7, True), (6, False)):
            arrays = empty()
            # taken over from sections: all of it for health centres, or a franc of it lost on the way
            arrays.tallies[0, 1, 0, c.PAYABLES_MOVED_TO_POOL] = 7
            arrays.stocks[0, 1, 0, c.STOCK_PAYABLES_SECTION] = 7
            arrays.tallies[0, 0, 0, c.CLAIMS_APPROVED_SECTION] = 7
            arrays.stocks[0, 2:, 0, c.STOCK_PAYABLES_POOL] = owed
            arrays.stocks[0, 2:, 0, c.STOCK_POOL_OWES_CENTRES] = 7
            arrays.flows[0, 1, 0, c.CLAIMS_HOSPITAL] = 7 - owed
            check = functools.partial(checks.check_fund_balances, arrays.flows, arrays.stocks, arrays.tallies)
            if sound:
                check()
            else:
                refused(check, "pools owe health centres <= pools owe: .*expected at most 6, found 7")

    @pytest.mark.parametrize(
        ("kind", "total"), [("RENEWALS", "RENEWALS"), ("PERSON_MONTHS", "PERSON_MONTHS")]
    )
    def test_first_and_last_count_of_strata(self, kind: str, total: str) -> None:
        arrays = empty()
        arrays.strata[0, 0, 2, c.S_RENEWALS_DUE] = arrays.tallies[0, 0, 0, c.RENEWALS_DUE] = 5
        arrays.strata[0, 0, 2, getattr(c, f"S_{kind}")] = 2
        check = functools.partial(
            checks.check_strata, arrays.flows, arrays.tallies, arrays.strata, [("a", 0, 2), ("b", 2, 4)]
        )
        refused(check, "strata' .* over the period: .*expected 0, found 2")
        arrays.tallies[0, 1, 1, getattr(c, total)] = 2
        check()

    def test_the_first_rules_decide_what_is_open(self) -> None:
        # an event cannot change the roll-out, and whoever reads a later regime finds the same
        of = scenario((("subsidy.premium_share", 0.5),), (("subsidy.premium_share", 0.6),))
        assert [len(of.regimes()), of.regimes()[1][1].switches.rollout] == [3, False]
        checks.check_timing(Made(empty(people=9), of, []))

    def test_nobody_had_an_open_scheme_before_the_first_month(self) -> None:
        arrays = empty(people=9)
        arrays.tallies[..., c.PERSONS_OPEN] = 0
        for array, kind in (("tallies", c.DECISIONS), ("flows", c.CONTRIBUTION)):
            broken = empty(people=9)
            broken.tallies[..., c.PERSONS_OPEN] = 0
            getattr(broken, array)[0, 0, 1, kind] = 1
            with pytest.raises(CheckError, match="where no scheme is open: replicate 0, month 0, district 1"):
                checks.check_timing(Made(broken, scenario(()), []))

    def test_whose_scheme_was_open_is_not_known_of_those_who_died_in_the_first_month(self) -> None:
        for month, deaths, allowed in ((0, 1, True), (0, 0, False), (1, 1, False)):
            arrays = empty(people=9)
            arrays.tallies[..., c.PERSONS_OPEN] = 0
            arrays.tallies[0, month, 1, c.DEATHS] = deaths
            arrays.flows[0, month, 1, c.CONTRIBUTION] = 1
            run = Made(arrays, scenario(()), [])
            if allowed:
                checks.check_timing(run)
            else:
                with pytest.raises(CheckError, match=r"^contribution where no scheme is open"):
                    checks.check_timing(run)

    def test_nothing_was_sold_before_the_first_month(self) -> None:
        arrays = empty(people=9)
        arrays.tallies[0, 0, 1, c.HOUSEHOLD_MONTHS_INSURED] = 1
        refused(
            functools.partial(checks.check_membership, arrays.tallies, arrays.opening_people),
            "household-months insured so far <= sold in earlier months: .*expected at most 0, found 1",
        )

    def test_nobody_had_a_scheme_who_died_before_the_first_opened(self) -> None:
        of = Scenario(
            name="made up",
            start=parse_month("2005-01"),
            end=parse_month("2005-04"),
            values={
                "switches.rollout": True,
                "rollout.pilot_sections": 0,
                "rollout.pilot_month": "2005-01",
                "rollout.schemes": {"2005-01": 0.0, "2005-02": 100.0},
            },
        )
        arrays = empty(people=9)
        arrays.tallies[..., c.PERSONS_OPEN] = 0
        arrays.tallies[0, 0, 1, c.DEATHS] = 1
        arrays.flows[0, 0, 1, c.CONTRIBUTION] = 1
        with pytest.raises(CheckError, match=r"^contribution where no scheme is open"):
            checks.check_timing(Made(arrays, of, []))

    def test_premiums_may_follow_rules_of_the_year_behind_the_run(self) -> None:
        for event, allowed in (("2006-03", True), ("2006-04", False)):
            of = Scenario(
                name="made up",
                start=parse_month("2005-01"),
                end=parse_month("2005-04"),
                values={"switches.rollout": False, "scheme.premium_rule": "set"},
            ).add_event(event, {"scheme.premium_rule": "break_even"})
            arrays = empty(people=9)
            arrays.tallies[0, 3, 1, c.PREMIUM_CHANGES] = 1
            if allowed:
                checks.check_timing(Made(arrays, of, []))
            else:
                with pytest.raises(CheckError, match=r"^premium_changes before the rules bring it in"):
                    checks.check_timing(Made(arrays, of, []))
