"""What a mutation run found that no other test noticed: single rules of the kernels, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import (
    KEY,
    NOW,
    calendar,
    district,
    fixed,
    flows,
    gauges,
    groups,
    household,
    households,
    record_table,
    rule,
    section,
    settle_section,
    state,
    strata,
    tallies,
    within_4_se,
    work,
)

from cbhi.kernels import (
    choices,
    codes,
    demography,
    draws,
    enrolment,
    fraud,
    fund,
    governance,
    health,
    income,
    loans,
    measure,
    month,
    need,
    notes,
    pools,
    posts,
    premiums,
    provider,
    reinsurance,
    settlement,
    start,
    targeting,
    votes,
)
from cbhi.kernels.anniversary import gather_partners, pass_anniversaries, refresh_household
from cbhi.kernels.enrolment import NO_MEANS
from cbhi.kernels.groups import deposit_savings, pay_from_group
from cbhi.kernels.records import District, Household, Member, Section, State
from cbhi.kernels.start import ATTENTIVE, REGISTERED
from cbhi.replicates import make_watch


def village(n: int, room: int = 0, **sec: Any) -> State:
    """A section of ``n`` households with their members, and room for more."""
    ss = record_table(Section, 1)
    limit = n + room
    ss[0].number, ss[0].limit = 3, limit
    s = state(
        record_table(Household, limit),
        record_table(Member, (limit, codes.MEMBER_SLOTS)),
        ss,
        record_table(District, 1),
    )
    s.districts["harvest"] = s.districts["illness"] = 1.0
    settle_section(s, 0, n, NOW, rule(), fixed())
    for name, value in sec.items():
        assert name in ss.dtype.names, name
        setattr(ss[0], name, value)
    return s


# first age of each step and the reference rate from there on, in the words of the functions' docstrings
STEPS: dict[Callable[[int], float], list[tuple[int, float]]] = {
    demography.yearly_death_probability: [
        (0, 0.085), (1, 0.016), (5, 0.003), (15, 0.007), (50, 0.018), (65, 0.055), (80, 0.16),
    ],
    demography.yearly_birth_probability: [
        (0, 0.0), (15, 0.30), (20, 0.34), (30, 0.24), (40, 0.07), (50, 0.0),
    ],
    demography.yearly_marriage_probability: [(0, 0.0), (17, 0.10), (20, 0.22), (30, 0.10), (45, 0.0)],
    demography.yearly_chronic_onset: [(0, 0.001), (15, 0.004), (50, 0.015)],
}  # fmt: skip


@pytest.mark.parametrize("rate", STEPS, ids=lambda rate: rate.__name__)
def test_reference_rates_by_age(rate: Callable[[int], float]) -> None:
    steps = STEPS[rate]
    for age in range(100):
        assert rate(age) == [value for first, value in steps if first <= age][-1]


class TestSuppliedBills:
    """A bill of a supplied table is its size at the draw's place among the cumulated chances."""

    @pytest.mark.parametrize(
        ("u", "size"),
        [(0.0, 0.2), (0.249, 0.2), (0.25, 0.5), (0.499, 0.5), (0.5, 1.0), (0.75, 3.0), (0.999, 3.0)],
    )
    def test_by_hand(self, u: float, size: float) -> None:
        table = fixed(
            bill_sizes=np.array([0.2, 0.5, 1.0, 3.0]), bill_chances=np.array([0.25, 0.5, 0.75, 1.0])
        )
        assert health.bill(1000.0, 0.7, u, table) == 1000 * size

    @pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
    def test_each_size_comes_as_often_as_its_chance(self, n: int) -> None:
        shares = np.arange(1, n + 1) / (n * (n + 1) / 2)
        table = fixed(bill_sizes=np.arange(1.0, n + 1), bill_chances=np.cumsum(shares))
        u = (np.arange(20_000) + 0.5) / 20_000
        found = np.bincount([health.bill(1.0, 0.7, one, table) for one in u], minlength=n + 1)[1:]
        assert found / u.size == pytest.approx(shares, abs=1e-4)


class TestLoans:
    def test_an_instalment_without_remainder_is_the_exact_part(self) -> None:
        free = rule(loan_months=12, loan_interest=0.0, loan_fee_share=0.0, loan_default_share=0.0)
        hh, _ = household(cash=0)
        sec, dist = section(credit_line=10**6, credit_share=1.0), district(lender_cash=50_000)
        assert loans.borrow(hh, sec, dist, 12_000, NOW, free, KEY, flows(), tallies())
        assert hh.instalment == 1_000

    def test_an_ended_loan_leaves_no_terms(self) -> None:
        hh, _ = household(
            loan=500, loan_interest=20, instalment=130, loan_months_left=3, loan_stops=2, loan_resolve=0.4
        )
        loans.forget_loan(hh)
        left = (hh.loan, hh.loan_interest, hh.instalment, hh.loan_months_left, hh.loan_stops, hh.loan_resolve)
        assert left == (0, 0, 0, 0, loans.NEVER, 0.0)

    @pytest.mark.parametrize(
        ("theirs", "mine", "stops"), [(3, loans.NEVER, 3), (loans.NEVER, 5, loans.NEVER)]
    )
    def test_a_moved_loan_keeps_its_own_fate(self, theirs: int, mine: int, stops: int) -> None:
        # a founder without debt may still carry the traces of an earlier loan
        origin, _ = household(loan=900, instalment=100, loan_months_left=9, loan_stops=theirs)
        hh, _ = household(loan_stops=mine, loan_months_left=0)
        loans.take_over_loan(hh, origin)
        assert hh.loan_stops == max(theirs, stops)

    def test_who_owes_exactly_what_default_is_worth_pays(self) -> None:
        # resolve 0.5 x (exclusion 1 month + sanction 1 month) x income 1,000 = 1,000 RWF
        terms = rule(
            joint_liability=1, loan_exclusion_value=1.0, loan_social_sanction=1.0, loan_default_after=3
        )
        for owed, at_will in ((1_000, False), (1_001, True)):
            hh, _ = household(
                group=0, income=1_000, loan=owed, instalment=owed, loan_months_left=1, loan_resolve=0.5,
                loan_stops=loans.NEVER, cash=5_000,
            )  # fmt: skip
            gg = groups()
            loans.find_failures(hh, section(), district(), gg, NOW, terms, flows(), tallies())
            assert (hh.loan_stops == loans.FAILS_AT_WILL) == at_will
            assert (gg.paying[0], gg.failing[0]) == ((0, owed) if at_will else (1, 0))


class TestMandate:
    @pytest.mark.parametrize(("cash", "fine"), [(5_000, 800), (300, 300), (0, 0)])
    def test_a_fine_is_paid_from_cash(self, cash: int, fine: int) -> None:
        strict = rule(enforcement_max=1.0, penalty_rwf=800, gate_probability=0.0)
        hh, _ = household(cash=cash)
        f, t = flows(), tallies()
        start.book_sanction(*start.sanction(hh, 2.0**-33, 2.0**-33, 12.0, strict), f, t)
        assert (hh.cash, f[codes.PENALTY]) == (cash - fine, fine)
        assert t[codes.PENALTIES] == (fine > 0)


class TestStartOfMonth:
    def start(self, s: State, now: int = NOW, cal: Any = None, **rules: Any) -> tuple[Any, Any, Any]:
        f, t, q = flows(), tallies(), strata()
        still = {"attention": 0.0, "need_rate": 0.0, "gate_probability": 0.0, "penalty_rwf": 10}
        month.start_of_month(
            s,
            s.sections[0],
            now,
            cal or calendar(),
            rule(**{**still, **rules}),
            fixed(),
            work(),
            0.0,
            q,
            f,
            t,
            gauges(),
        )
        return f, t, q

    def test_the_insured_are_those_with_cover(self) -> None:
        s = village(6)
        s.households["cover_from"], s.households["cover_until"] = NOW - 3, NOW + 2
        s.households["n_enrolled"] = np.arange(1, 7)
        s.households["cover_until"][4:] = NOW  # has run out
        for _ in range(2):
            _, t, q = self.start(s)
            # 1 + 2 + 3 + 4 people in four households
            assert t[codes.INSURED] == q[:, codes.S_INSURED_MONTHS].sum() == s.sections[0].insured == 10
            assert t[codes.HOUSEHOLD_MONTHS_INSURED] == 4

    def test_illness_of_a_month_is_a_twelfth_of_the_years(self) -> None:
        s = village(400)
        s.households["rate_enrolled"], s.households["rate_other"] = 0.0, 3.0
        s.districts["illness"] = 1.5
        f, t, g = flows(), tallies(), gauges()
        rates = rule(attention=0.0, gate_probability=0.0, illness_season=0.8)
        month.start_of_month(
            s, s.sections[0], NOW, calendar(), rates, fixed(), work(400), 0.5, strata(), f, t, g
        )
        # 400 households, 3 a year, half as much again by the year and a fifth less by the season
        expected = 400 * 3 * 1.5 * 0.8 / 12
        assert abs(t[codes.EPISODES] - expected) <= 4 * expected**0.5
        # a twelfth of them tell why they would not seek care, of a whole year
        told = g[[codes.GAUGE_FORGONE_NO_NEED, codes.GAUGE_FORGONE_DISTANCE, codes.GAUGE_FORGONE_PRICE,
                  codes.GAUGE_FORGONE_SERVICE]].sum()  # fmt: skip
        assert 0.3 * expected < told < expected + 4 * expected**0.5

    def test_a_suspended_scheme_insures_nobody(self) -> None:
        s = village(3, suspended=1)
        s.households["cover_from"], s.households["cover_until"] = NOW - 3, NOW + 2
        s.households["n_enrolled"] = 2
        _, t, _ = self.start(s)
        assert t[codes.INSURED] == s.sections[0].insured == 0
        assert t[codes.HOUSEHOLD_MONTHS_INSURED] == 3

    @pytest.mark.parametrize(
        ("opens", "changes", "fined"),
        [
            (NOW, {}, True),
            (NOW + 1, {}, False),
            (NOW, {"formal": 1}, False),
            (NOW, {"cover_from": NOW - 1, "cover_until": NOW + 1}, False),
            (NOW, {"cover_from": NOW + 2, "cover_until": NOW + 14}, False),
        ],
    )
    def test_whom_the_mandate_fines(self, opens: int, changes: dict[str, int], fined: bool) -> None:
        s = village(4, opens=opens, enforcement=1.0)
        s.households["cash"] = 1_000
        for name, value in changes.items():
            s.households[name] = value
        f, t, _ = self.start(s, compulsory=1, enforcement_max=12.0)
        assert (t[codes.PENALTIES], f[codes.PENALTY]) == ((4, 40) if fined else (0, 0))

    def test_prices_reach_the_odds_of_care_in_the_month_they_change(self) -> None:
        s = village(5)
        before = s.households["odds_uninsured"].copy()
        dear = {"fee_outpatient_rwf": 50_000.0}
        self.start(s, cal=calendar(reprice=0), **dear)
        np.testing.assert_array_equal(s.households["odds_uninsured"], before)
        self.start(s, cal=calendar(reprice=1), **dear)
        assert (s.households["odds_uninsured"] < before).all()

    @pytest.mark.parametrize(
        ("attention", "automatic", "slot", "acts"),
        [
            (0.0, 1.0, 0, 0),
            (1.0, 1.0, 0, ATTENTIVE),
            (0.0, 1.0, 1, REGISTERED),
            (1.0, 1.0, 1, ATTENTIVE | REGISTERED),
            (0.0, 0.0, 1, 0),
        ],
    )
    def test_who_acts(self, attention: float, automatic: float, slot: int, acts: int) -> None:
        s = village(4)
        s.households["subsidised"] = slot
        s.households["acts"] = 7
        self.start(s, attention=attention, subsidy_automatic=automatic)
        assert s.households["acts"].tolist() == [acts] * 4

    def test_cover_that_ran_out_leaves_a_household_inattentive(self) -> None:
        s = village(3)
        s.households["standing"], s.households["wish"] = codes.STANDING_PAID, 1.0
        s.households["cover_until"] = [NOW - 1, NOW, NOW + 1]
        self.start(s)
        paid, lapsed = codes.STANDING_PAID, codes.STANDING_INATTENTIVE
        assert s.households["standing"].tolist() == [paid, lapsed, paid]
        assert s.households["wish"].tolist() == [1.0, 0.0, 1.0]


class TestBecomingFormal:
    def test_membership_ends_and_leaves_no_trace(self) -> None:
        member = {
            "cover_until": NOW + 9, "paid_before": 1, "subsidised": 1, "wants_group": 1, "wish": 1.0,
            "wish_next": 1.0, "standing": codes.STANDING_PAID, "standing_next": codes.STANDING_PAID,
        }  # fmt: skip
        hh, mm = household(formal_score=0.1, formal=0, **member)
        refresh_household(hh, mm, NOW, rule(formal_share=0.2), fixed())
        assert (hh.formal, hh.cover_until, hh.paid_before, hh.subsidised, hh.wants_group) == (1, NOW, 0, 0, 0)
        assert hh.standing == hh.standing_next == codes.STANDING_INATTENTIVE
        assert hh.wish == hh.wish_next == 0.0
        # who is formal already, or is not, keeps what it has
        for score, was in ((0.1, 1), (0.3, 0)):
            kept, mm = household(formal_score=score, formal=was, **member)
            refresh_household(kept, mm, NOW, rule(formal_share=0.2), fixed())
            assert (kept.formal, kept.cover_until, kept.standing_next) == (was, NOW + 9, codes.STANDING_PAID)


class TestNotes:
    def test_sums_of_what_was_booked(self) -> None:
        f, t = flows(), tallies()
        care = (
            codes.COPAYMENT_HEALTH_CENTRE, codes.COPAYMENT_HOSPITAL, codes.FEE_HEALTH_CENTRE,
            codes.FEE_HOSPITAL,
        )  # fmt: skip
        givers = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_POOL, codes.SUBSIDY_NGO)
        forgone = (
            codes.FORGONE_UNSOUGHT, codes.FORGONE_CAPACITY, codes.FORGONE_REFUSED, codes.FORGONE_CASH,
        )  # fmt: skip
        visits = (codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL)
        f[list(care)], f[list(givers)] = (1, 10, 100, 1000), (2, 20, 200, 2000)
        t[list(forgone)], t[list(visits)] = (3, 30, 300, 3000), (4, 40, 400)
        assert (notes.out_of_pocket_of(f), notes.sponsored_of(f)) == (1111, 2222)
        assert (notes.forgone_of(t), notes.visits_of(t)) == (3333, 444)

    @pytest.mark.parametrize(("share", "watched"), [(0.0, 0), (0.04, None), (1.0, 20)])
    def test_a_lot_decides_who_is_watched(self, share: float, watched: int | None) -> None:
        n = 400
        watch = make_watch(n, 0)
        found = 0
        for ordinal in range(n if watched is None else 20):
            hh, _ = household(ordinal=ordinal)
            notes.start_watching(watch, hh, section(), NOW, fixed(watched_share=share))
            found += hh.watched != 0
        assert found == watch.used[notes.N_WATCHED]
        # a few in a hundred are a few in a hundred
        assert found == watched if watched is not None else 4 <= found <= 32

    def test_nobody_is_watched_beyond_the_room(self) -> None:
        watch = make_watch(2, 0)
        places = []
        for ordinal in range(4):
            hh, _ = household(ordinal=ordinal)
            notes.start_watching(watch, hh, section(), NOW, fixed(watched_share=1.0))
            places.append(int(hh.watched))
        assert places == [1, 2, 0, 0]


class TestArrears:
    @pytest.mark.parametrize(("share", "months"), [(0.04, 6.0), (0.5, 29.0), (1.0, 30.0), (0.0, 30.0)])
    def test_time_of_processing_is_no_arrears(self, share: float, months: float) -> None:
        # 30 months of claims are owed; at 4 % a month 24 of them are under way
        assert fund.months_of_arrears(30_000, 1_000.0, share) == pytest.approx(months)

    def test_bounds(self) -> None:
        assert fund.months_of_arrears(0, 1_000.0, 0.5) == 0.0
        assert fund.months_of_arrears(500, 1_000.0, 0.5) == 0.0
        assert fund.months_of_arrears(10**6, 1_000.0, 1.0) == 60.0
        assert fund.months_of_arrears(5, 0.0, 1.0) == 5.0


def test_a_newborn_takes_nothing_from_who_had_its_slot() -> None:
    hh, mm = household((30, 28, 5))
    for name in ("married", "chronic", "enrolled"):
        mm[3][name] = 1
    hh.n_enrolled = 0
    demography.add_newborn(hh, mm, NOW, False, KEY, 3, 0, fixed())
    child = mm[3]
    assert (child.born, child.ordinal, child.married, child.chronic, child.enrolled) == (NOW, 3, 0, 0, 0)
    assert (hh.n_members, hh.next_member, hh.n_enrolled) == (4, 4, 0)


def test_the_key_of_a_replicate_is_two_rounds_of_splitmix64() -> None:
    """The addresses of docs/randomness.md: integers of an earlier version are those of this one."""

    def mixed(x: int) -> int:
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    step = 0x9E3779B97F4A7C15
    for seed, replicate in ((1, 0), (1, 1), (2**63, 7), (0, 99)):
        word = mixed((mixed((seed + step) % 2**64) + (replicate + 1) * step) % 2**64)
        assert draws.draw_key(seed, replicate) == (word % 2**32, word // 2**32)


def test_an_association_that_paid_needs_less() -> None:
    for asked, waiting, left in ((500, 200, 300), (200, 200, 0), (100, 200, 0)):
        gg = groups()
        gg.fund[0], gg.need[0] = 1_000, asked
        hh, _ = household(group=0)
        sec = section()
        pay_from_group(hh, sec, district(), gg, 200, waiting, flows())
        assert (gg.need[0], gg.fund[0], sec.fund, hh.group_balance) == (left, 800, 200, -200)


def test_the_mean_distance_of_one_household_is_its_own() -> None:
    hh = households(3)
    hh["distance_km"] = [2.0, 4.0, 9.0]
    hh["alive"] = [0, 1, 0]
    s = state(
        hh, record_table(Member, (3, codes.MEMBER_SLOTS)), record_table(Section, 1), record_table(District, 1)
    )
    s.sections[0].end = 3
    assert posts.mean_distance(s, s.sections[0], rule(distance_factor=0.5)) == 2.0
    hh["alive"] = 1
    assert posts.mean_distance(s, s.sections[0], rule(distance_factor=1.0)) == 5.0
    hh["alive"] = 0
    assert posts.mean_distance(s, s.sections[0], rule()) == 0.0


def test_every_unmarried_man_elsewhere_is_noted_once() -> None:
    s = village(40)
    s.members["married"] = 0
    s.members["sex"] = codes.MALE
    s.members["born"] = NOW - 25 * 12
    buffers = work(1000)
    noted = gather_partners(s.households, s.members, s.sections[0], NOW, fixed(), buffers, 0)
    away = (3 + s.households["ordinal"].astype(int)) % 12 != NOW % 12
    sizes = s.households["n_members"].astype(int)
    assert noted == sizes[away].sum() > 50
    expected = {(h, k) for h in np.flatnonzero(away) for k in range(sizes[h])}
    assert {(int(buffers.partners[i]), int(buffers.partner_member[i])) for i in range(noted)} == expected


class TestSettleAgain:
    """Supplied traits take the place of drawn ones: all that follows from them is worked out anew."""

    @pytest.mark.parametrize("has_cash", [False, True])
    def test_what_follows_from_traits(self, has_cash: bool) -> None:
        s = village(12)
        s.sections[0].group_first, s.sections[0].group_end = 0, 1
        s.groups.households[0] = 99
        s.households["group"] = [0] * 5 + [codes.NO_GROUP] * 7
        s.households["cash"] = 7
        buffers = rule(buffer_months=0.5)
        s.households["z"] += 1.0
        s.households["distance_km"] += 3.0
        before = s.households.copy()
        settlement.settle_again(s, 0, NOW, has_cash, buffers, fixed())
        assert s.groups.households[0] == 5
        assert (s.households["income"] > before["income"]).all()
        assert (s.households["odds_free"] < before["odds_free"]).all()
        half = np.floor(0.5 * s.households["income"] + 0.5)
        assert s.households["cash"].tolist() == ([7] * 12 if has_cash else half.tolist())
        again = s.households.copy()
        settlement.settle_again(s, 0, NOW, has_cash, buffers, fixed())
        assert (s.households == again).all()


class TestInterview:
    def test_every_figure_in_its_own_field(self) -> None:
        watch = make_watch(1, 30)
        numbers = {
            "INSURED": 3, "ADMISSIONS": 5, "EPISODES": 7, "BILLED_HEALTH_CENTRE": 40_000,
            "BILLED_HOSPITAL": 500_000, "VISITS_INSURED": 11, "VISITS_UNINSURED": 100, "VISITS_FORMAL": 1_000,
            "FORGONE_UNSOUGHT": 2, "FORGONE_CAPACITY": 20, "FORGONE_REFUSED": 200, "FORGONE_CASH": 2_000,
        }  # fmt: skip
        money = {
            "CONTRIBUTION": 1, "GROUP_CONTRIBUTION": 10, "SUBSIDY_STATE": 2, "SUBSIDY_DONOR": 20,
            "SUBSIDY_POOL": 200, "SUBSIDY_NGO": 2_000, "COPAYMENT_HEALTH_CENTRE": 3, "COPAYMENT_HOSPITAL": 30,
            "FEE_HEALTH_CENTRE": 300, "FEE_HOSPITAL": 3_000, "LOAN": 77,
        }  # fmt: skip
        for name, value in numbers.items():
            watch.tallies[0, getattr(codes, name)] = value
        for name, value in money.items():
            watch.flows[0, getattr(codes, name)] = value
        hh, mm = household(
            (40, 35, 10, 2), watched=1, ordinal=8, quintile=2, category=codes.RICH,
            listed_category=codes.POOREST, subsidised=1, formal=0, income=9_000, rate_enrolled=1.5,
            rate_other=2.25,
        )  # fmt: skip
        watch.asked[0] = NOW - 12
        notes.interview(watch, hh, mm, section(number=9, district=4), True, NOW, rule(need_rate=3.0))
        told = watch.interviews[0]
        expected = {
            "month": NOW, "section": 9, "district": 4, "household": 8, "months": 12, "persons": 4,
            "consumption_rwf": 108_000, "quintile": 2, "category": codes.RICH,
            "listed_category": codes.POOREST, "has_slot": 1, "is_formal": 0, "is_member": 1,
            "insured_person_months": 3, "contribution_rwf": 11, "sponsored_rwf": 2_222,
            "out_of_pocket_rwf": 3_333, "visits": 1_111, "admissions": 5, "episodes": 7, "forgone": 2_222,
            "claims_rwf": 540_000 - 3_333, "loans_rwf": 77, "expected_episodes": 3.75,
            "public_expected_episodes": 12.0,
        }  # fmt: skip
        found = {name: told[name] for name in expected}
        assert found == expected
        assert told.adult_equivalents == pytest.approx(2 + 2 * income.CHILD_EQUIVALENT)
        # the next interview counts from here on
        assert (watch.asked[0], watch.used[notes.N_INTERVIEWS]) == (NOW, 1)
        watch.tallies[0, codes.EPISODES] += 4
        watch.flows[0, codes.LOAN] += 6
        notes.interview(watch, hh, mm, section(), False, NOW + 12, rule())
        second = watch.interviews[1]
        assert (second.episodes, second.loans_rwf, second.visits, second.is_member) == (4, 6, 0, 0)
        watch.tallies[0, codes.EPISODES] += 1
        watch.flows[0, codes.LOAN] += 2
        notes.interview(watch, hh, mm, section(), False, NOW + 24, rule())
        third = watch.interviews[2]
        assert (third.episodes, third.loans_rwf, third.visits, third.months) == (1, 2, 0, 12)


class TestUnsought:
    def test_four_reasons_and_no_other_gauge(self) -> None:
        hh, _ = household(
            odds_near=3.0,
            odds_free=1.0,
            odds_insured=0.5,
            odds_uninsured=0.25,
            rate_enrolled=0.0,
            rate_other=2.0,
        )
        g = gauges()
        need.explain_unsought(hh, NOW, 0.5, 0.6, 1.0, 1.0, rule(severe_share=0.0), g)
        # one episode: sought by 3/4 were it near, by 1/2 where they live, by 1/5 at the fee
        service = served_chance(0.25, 0.6)
        expected = gauges()
        expected[codes.GAUGE_FORGONE_NO_NEED] = 0.25
        expected[codes.GAUGE_FORGONE_DISTANCE] = 0.25
        expected[codes.GAUGE_FORGONE_PRICE] = 0.5 - 0.2
        expected[codes.GAUGE_FORGONE_SERVICE] = 0.2 - service
        np.testing.assert_allclose(g, expected, atol=1e-7)


def served_chance(odds: float, service: float) -> float:
    """Odds scaled by the service, as a probability."""
    return odds * service / (1.0 + odds * service)


class TestYearOfADistrict:
    @pytest.mark.parametrize(("field", "sd"), [("harvest", "harvest_sd"), ("illness", "illness_sd")])
    def test_lognormal_with_mean_one(self, field: str, sd: str) -> None:
        n = 4_000
        districts = record_table(District, n)
        districts["number"] = np.arange(n)
        s = state(record_table(Household, 1), record_table(Member, (1, codes.MEMBER_SLOTS)),
                  record_table(Section, 1), districts)  # fmt: skip
        month.start_district_year(s, NOW, rule(harvest_sd=0.6, illness_sd=0.6), fixed())
        assert within_4_se(districts[field], 1.0)
        assert np.log(districts[field]).std() == pytest.approx(0.6, rel=4 / (2 * n) ** 0.5)
        assert within_4_se(districts["credit_luck"], 0.0)
        month.start_district_year(s, NOW, rule(**{sd: 0.0}), fixed())
        assert (districts[field] == 1.0).all()


class TestBoxes:
    @pytest.mark.parametrize(
        ("deposits", "is_open", "equity", "left"),
        [(1, 1, 500, 0), (0, 1, 500, 900), (1, 0, 500, 900), (1, 1, 0, 900)],
    )
    def test_savings_go_to_a_lender_that_is_trusted(
        self, deposits: int, is_open: int, equity: int, left: int
    ) -> None:
        gg = groups()
        gg.fund[0], gg.deposit[0] = 600, 300
        dist = district(lender_open=is_open, deposits=300, lender_cash=300 + equity)
        f = flows()
        deposit_savings(section(group_first=0, group_end=1), dist, gg, rule(group_deposits=deposits), f)
        assert (gg.fund[0], gg.deposit[0]) == (left, 900 - left)
        assert dist.deposits == 900 - left
        moved = (f[codes.GROUP_DEPOSIT], f[codes.GROUP_WITHDRAWAL])
        assert moved == ((600, 0) if left == 0 else (0, 300))


def test_sections_settle_a_single_franc() -> None:
    sections = record_table(Section, 2)
    sections["fund"], sections["owes"], sections["owed"] = [1, 0], [1, 0], [0, 1]
    t = tallies()
    pools.clear_between_sections(sections, district(first_section=0, end_section=2), t)
    assert sections["fund"].tolist() == [0, 1]
    assert sections["owes"].tolist() == sections["owed"].tolist() == [0, 0]
    assert t[codes.PORTABLE_SETTLED] == 1


def test_slots_follow_the_poor_who_live() -> None:
    hh = households(4)
    hh["n_members"] = [3, 5, 7, 11]
    hh["category"] = [codes.POOREST, codes.MIDDLE, codes.POOREST, codes.MIDDLE]
    hh["alive"] = [1, 1, 0, 1]
    by_poverty = rule(
        targeting=codes.TARGET_GEOGRAPHIC, subsidy_slots_share=0.5, subsidy_funded=1.0, poorest_share=0.2
    )
    # 3 of 19 people are poor, the country has 20 %: half of 3 / 19 / 0.2 of the 19 is 7.5
    found = {targeting.slots_of(hh, section(number=n, end=4), 19, NOW, by_poverty, KEY) for n in range(40)}
    assert found == {7, 8}


def test_the_premium_makes_up_for_a_lack_of_a_few_centimes() -> None:
    even = dict(
        premium_credibility=0.0, premium_reserve_months=0.0, premium_loading=0.0, quota_share=0.0,
        admin_share=0.0, pool_share=0.0, national_share=0.0, premium_deficit_share=1.0,
        premium_surplus_share=0.0,
    )  # fmt: skip
    sec = section(fund=-4, insured=100, member_months=1200, claims_year=50_000, claims_cost=0.0)
    # 500 RWF of claims a member and 0.04 RWF of debt
    assert premiums.break_even_premium(sec, 0.0, rule(**even)) == pytest.approx(500.04, abs=1e-6)
    sec.fund = 4
    assert premiums.break_even_premium(sec, 0.0, rule(**even)) == pytest.approx(500.0, abs=1e-6)


class TestMarriage:
    def settled(self) -> tuple[State, int]:
        """Thirteen households of four old women; a daughter in the first, whose anniversary it is."""
        s = village(13, room=1)
        hh, mm = s.households, s.members
        hh["n_members"][:13] = hh["next_member"][:13] = 4
        mm["married"], mm["sex"], mm["born"] = 1, codes.FEMALE, NOW - 50 * 12
        now = next(m for m in range(NOW, NOW + 12) if m % 12 == 3)
        mm[0, 1].married, mm[0, 1].born = 0, now - 25 * 12
        return s, now

    def man(self, s: State, h: int, k: int, now: int) -> None:
        s.members[h, k].married, s.members[h, k].sex = 0, codes.MALE
        s.members["born"][h, k] = now - 27 * 12

    def celebrate(self, s: State, now: int) -> Any:
        t = tallies()
        still = rule(marriages=1_000.0, deaths=0.0, births=0.0, chronic_onset=0.0)
        pass_anniversaries(s, s.sections[0], now, still, fixed(), work(100), strata(), flows(), t)
        return t

    def test_a_bride_finds_the_only_man(self) -> None:
        s, now = self.settled()
        self.man(s, 5, 2, now)
        t = self.celebrate(s, now)
        assert (t[codes.HOUSEHOLDS_FORMED], t[codes.MARRIAGES_WITHOUT_ROOM]) == (1, 0)
        assert s.households["n_members"].tolist() == [3, *[4] * 4, 3, *[4] * 7, 2]
        # a man and a woman, both married now
        assert sorted(s.members["sex"][13, :2].tolist()) == sorted([codes.MALE, codes.FEMALE])
        assert s.members["married"][13, :2].tolist() == [1, 1]

    def test_one_man_marries_once_and_married_men_do_not(self) -> None:
        # two brides, of the first and the last household, look among all when none is at hand
        s, now = self.settled()
        s.sections[0].limit = 14
        s.members[12, 1].married, s.members[12, 1].born = 0, now - 25 * 12
        self.man(s, 5, 2, now)
        for h in range(1, 5):
            self.man(s, h, 1, now)
            s.members[h, 1].married = 1
        t = self.celebrate(s, now)
        assert (t[codes.HOUSEHOLDS_FORMED], t[codes.MARRIAGES_WITHOUT_ROOM]) == (1, 0)
        sizes = s.households["n_members"].tolist()
        assert sizes[13] == 2
        assert sorted(sizes[:13]) == [3, 3, *[4] * 11]
        assert sizes[5] == 3

    def test_a_man_at_hand_comes_before_all_others(self) -> None:
        # household 12 has its anniversary with the bride's; everywhere else three men wait
        s, now = self.settled()
        self.man(s, 12, 1, now)
        for h in range(1, 12):
            for k in range(3):
                self.man(s, h, k, now)
        self.celebrate(s, now)
        assert s.households["n_members"].tolist() == [3, *[4] * 11, 3, 2]

    def test_cash_that_moves_is_noted(self) -> None:
        s, now = self.settled()
        self.man(s, 5, 2, now)
        s.households["cash"][:13] = 4_000
        s.households["watched"][:13] = np.arange(1, 14)
        s = s._replace(watch=make_watch(14, 24))
        s.watch.used[notes.N_WATCHED] = 13
        s.watch.asked[:] = now - 12
        before = s.households["cash"].copy()
        self.celebrate(s, now)
        moved = s.households["cash"] - before
        # each brings a quarter of what its household had
        assert moved.tolist() == [-1_000, *[0] * 4, -1_000, *[0] * 7, 2_000]
        assert s.watch.moved[:13].tolist() == moved[:13].tolist()
        # two households told of their year, and nobody else
        told = s.watch.interviews[: s.watch.used[notes.N_INTERVIEWS]]
        assert sorted(told["household"].tolist()) == [0, 12]


class TestExplainHousehold:
    def explain(self, rules: dict[str, Any], registered: bool = False, **fields: Any) -> Any:
        alone = rule(
            **{
                "loans_offered": 0,
                "group_savings": 0,
                "waiting_months": 0,
                "private_information": 1.0,
                **rules,
            }
        )
        hh, _ = household(
            (40, 35, 20), **{"cash": 10**6, "watched": 1, "rate_enrolled": 2.0, "rate_other": 1.0, **fields}
        )
        sec = section(subsidy_left=10**6, opens=NOW - 24, group_first=0, group_end=1)
        s = state(
            record_table(Household, 1), record_table(Member, (1, codes.MEMBER_SLOTS)),
            record_table(Section, 1), record_table(District, 1),
        )._replace(watch=make_watch(1, 12, choices=3))  # fmt: skip
        outlook = enrolment.outlook_of(sec, 1.0, alone)
        choices.explain_household(s, sec, hh, NOW, outlook, calendar(), alone, alone, fixed(), registered)
        return s.watch.choices[: s.watch.used[notes.N_CHOICES]], s.watch

    def test_all_members_risks_count(self) -> None:
        made, _ = self.explain({})
        assert made["expected_episodes"].tolist() == [3.0]
        assert made["member"].tolist() == [-1]
        assert (made["unasked"][0], made["again"][0], made["gate"][0]) == (0, 0, enrolment.GATE_FREE)
        assert 0.0 < made["probability"][0] < 1.0
        assert made["probability_with_loan"][0] == made["probability"][0]

    def test_the_last_franc_of_cash_pays(self) -> None:
        made, _ = self.explain({"intercept": 1_000.0})
        due, spare = int(made["premium_rwf"][0]), int(made["spare_cash_rwf"][0])
        for cash, means in ((10**6 - spare + due, codes.BY_CASH), (10**6 - spare + due - 1, NO_MEANS)):
            made, _ = self.explain({"intercept": 1_000.0}, cash=cash)
            assert made["means"].tolist() == [means]

    def test_what_is_given_is_taken(self) -> None:
        free = {"subsidy_premium_share": 1.0}
        made, _ = self.explain(free, registered=True, subsidised=1)
        assert (made["unasked"][0], made["probability_with_loan"][0]) == (1, 1.0)
        assert made["sponsored_rwf"][0] == made["premium_rwf"][0] > 0
        made, _ = self.explain(free, registered=False, subsidised=1)
        assert made["unasked"][0] == 0

    def test_who_is_kept_waiting_weighs_nothing(self) -> None:
        made, _ = self.explain({"group_required": 1}, wants_group=1)
        assert made.size == 0
        made, _ = self.explain({"group_required": 1}, wants_group=0)
        assert made["gate"].tolist() == [enrolment.GATE_ALONE]

    @pytest.mark.parametrize(
        ("before", "own", "spare", "lent"),
        [(0, 5_000, 0, 5_000), (0, 5_000, 2_000, 3_000), (4_000, 5_000, 2_000, 5_000)],
    )
    def test_a_loan_costs_what_is_lent(self, before: int, own: int, spare: int, lent: int) -> None:
        terms = rule(loan_interest=0.24, loan_months=11, loan_fee_share=0.0, group_savings=0)
        hh, _ = household(cash=0)
        keep = -enrolment.spare_cash(hh, terms)
        hh.cash = spare + keep
        s = village(1)._replace(watch=make_watch(1, 12, choices=3))
        note = s.watch.choices[0]
        choices.explain_means(s, section(), hh, note, before, own, 0, codes.BY_LOAN, 0.5, terms)
        # 24 % a year on a falling balance over eleven months is 12 % of the loan
        assert (note.spare_cash_rwf, note.loan_cost_rwf) == (spare, round(0.12 * lent))
        assert (note.means, note.probability_with_loan) == (codes.BY_LOAN, 0.5)


def test_a_single_family_is_an_association_that_votes() -> None:
    for intercept, passed in ((1_000.0, 1), (-1_000.0, 0)):
        s = village(3, group_first=0, group_end=1, opens=NOW - 24)
        s.households["group"] = [0, codes.NO_GROUP, codes.NO_GROUP]
        s.households["formal"] = 0
        s.groups.households[0] = 1
        t = tallies()
        votes.hold_votes(
            s, s.sections[0], NOW, 1.0, calendar(),
            rule(enrolment_unit=codes.UNIT_GROUP, attention=1.0, intercept=intercept, price_slope=0.0,
                 group_vote_threshold=0.6),
            rule(), fixed(), t,
        )  # fmt: skip
        assert (t[codes.GROUP_VOTES], t[codes.GROUP_VOTES_PASSED]) == (1, passed)
        assert s.groups.agreed_until[0] == passed * (NOW + 12)


def test_a_share_of_people_is_rich_from_its_line_on() -> None:
    hh = households(4)
    hh["n_members"], hh["z"] = 5, [-3.0, -1.0, 1.0, 3.0]
    sections = record_table(Section, 1)
    sections["end"] = 4
    for poorest, rich, expected in (
        (0.375, 0.375, [codes.POOREST, codes.MIDDLE, codes.RICH, codes.RICH]),
        (0.38, 0.37, [codes.POOREST, codes.POOREST, codes.MIDDLE, codes.RICH]),
    ):
        targeting.rank_households(hh, sections, poorest, rich, work())
        assert hh["category"].tolist() == expected
    # ranks 1/8, 3/8, 5/8 and 7/8 lie in these fifths
    assert hh["quintile"].tolist() == [0, 1, 3, 4]


def test_the_part_of_a_district_with_one_member() -> None:
    districts, sections = record_table(District, 2), record_table(Section, 2)
    districts["end_section"] = [1, 2]
    districts["first_section"] = [0, 1]
    districts["insured"] = [0, 1]
    districts["pool"], districts["claims_average"] = [900, 0], [60.0, 0.0]
    pools.part_national_pool(districts, sections)
    assert districts["pool"].tolist() == [0, 900]
    assert districts["claims_average"].tolist() == [0.0, 60.0]


def test_a_new_household_has_no_past() -> None:
    hh, _ = household()
    for name in hh.dtype.names:
        setattr(hh, name, 7)
    demography.reset_household(hh, 3)
    nothing = (
        "n_enrolled formal on_list subsidised subsidised_before paid_before standing standing_next acts "
        "contacts cover_from cover_until wish wish_next list_score debt out_of_pocket away elite wants_group "
        "barred_until group_balance watched loan loan_interest instalment loan_months_left loan_resolve"
    )
    assert {name: hh[name] for name in nothing.split() if hh[name] != 0} == {}
    assert (hh.alive, hh.ordinal, hh.category, hh.listed_category) == (1, 3, codes.MIDDLE, codes.MIDDLE)
    assert (hh.financed_by, hh.loan_stops) == (codes.BY_CASH, loans.NEVER)


class TestStopLoss:
    def test_claims_that_hardly_vary_are_not_insured_for_nothing(self) -> None:
        sec = section(
            fund=10**7, insured=1_000, stop_loss_rate=100.0, stop_loss_months=12_000, stop_loss_claims=0
        )
        terms = rule(stop_loss=1, stop_loss_cv=0.03, stop_loss_retention=0.9, stop_loss_loading=0.0)
        f = flows()
        reinsurance.stop_loss(sec, 0, NOW, terms, f)
        # claims of one with a standard deviation of four per cent exceed 0.9 by a tenth on average
        assert f[codes.REINSURANCE_PREMIUM] == pytest.approx(0.1 * 100_000, rel=0.02)


class TestWorthOfCover:
    @pytest.mark.parametrize("severe_share", [0.0, 0.5])
    def test_risk_of_members_who_pay_a_part(self, severe_share: float) -> None:
        """Half of 3 / 120,000 times the variance that cover takes away, by hand.

        Two contacts a year whether insured or not; fee 1,000, co-payment 100 and a quarter of the other 900;
        no admissions, bills of a coefficient of variation of a half, no unknown frailty.
        """
        terms = rule(
            severe_share=severe_share, admission_if_severe=0.0, fee_outpatient_rwf=1_000.0,
            cost_outpatient_rwf=1_000.0, copayment_rwf=100, outpatient_coinsurance=0.25,
            coinsurance_share=0.0, risk_aversion=3.0, risk_premium_cap=10.0,
            private_information=1.0, access_value=0.0,
        )  # fmt: skip
        known = fixed(cost_cv2=0.25, shared_frailty_variance=0.0)
        saving, risk, access, capped = enrolment.value_of_cover(
            4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 120_000.0, terms, known
        )
        assert saving == pytest.approx(2 * (1_000 - 325))
        square_u = 1.25 * 1_000**2
        square_i = 100**2 + 2 * 100 * 225 + 1.25 * 225**2
        assert risk == pytest.approx(0.5 * 3 / 120_000 * 2 * (square_u - square_i))
        assert (access, capped) == (0.0, False)
        tight = {**{name: terms[name] for name in terms.dtype.names}, "risk_premium_cap": 0.001}
        _, risk, _, capped = enrolment.value_of_cover(
            4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 120_000.0, rule(**tight), known
        )
        assert (risk, capped) == (pytest.approx(0.001 * 2 * 1_000), True)


def test_cash_that_moved_with_a_bride_is_noted_for_the_watched() -> None:
    watch = make_watch(2, 12)
    for watched, moved in ((2, -700), (2, 50), (0, 999)):
        hh, _ = household(watched=watched)
        notes.note_moved(watch, hh, moved)
    assert watch.moved.tolist() == [0, -650]


class TestExplainMembers:
    """Three members of a household decide one after the other; the sponsors' money lasts for two."""

    def explain(self, cash: int, intercept: float, left: float = 2.0) -> tuple[Any, int]:
        alone = rule(
            intercept=intercept, price_slope=0.0, loans_offered=0, group_savings=0, waiting_months=0,
            enrolment_unit=codes.UNIT_PERSON, subsidy_funded=1.0,
        )  # fmt: skip
        hh, mm = household((40, 35, 20), cash=cash, watched=1, subsidised=1, rate_other=1.0)
        due = enrolment.premium_of_person(hh, alone, 1.0)
        each = enrolment.subsidy_of(due, alone)
        assert each > 0
        sec = section(subsidy_left=int(left * each), opens=NOW - 24, group_first=0, group_end=1)
        s = state(
            record_table(Household, 1), record_table(Member, (1, codes.MEMBER_SLOTS)),
            record_table(Section, 1), record_table(District, 1),
        )._replace(watch=make_watch(1, 12, choices=10))  # fmt: skip
        outlook = enrolment.outlook_of(sec, 1.0, alone)
        choices.explain_members(s, sec, hh, mm, NOW, outlook, calendar(), alone, alone, fixed())
        return s.watch.choices[: s.watch.used[notes.N_CHOICES]], each

    def test_all_join_while_sponsors_money_lasts(self) -> None:
        made, each = self.explain(cash=10**6, intercept=1_000.0)
        assert made["sponsored_rwf"].tolist() == [each, each, 0]
        assert made["probability"].tolist() == [1.0] * 3
        assert made["means"].tolist() == [codes.BY_CASH] * 3
        assert made["member"].tolist() == [0, 1, 2]
        assert (made["premium_rwf"] == made["premium_rwf"][0]).all()
        # an allotment that is a franc short pays for one person fewer
        made, each = self.explain(cash=10**6, intercept=1_000.0, left=1.999)
        assert made["sponsored_rwf"].tolist() == [each, 0, 0]

    def test_who_does_not_join_uses_nothing_up(self) -> None:
        made, each = self.explain(cash=10**6, intercept=-1_000.0)
        assert made["sponsored_rwf"].tolist() == [each] * 3
        assert made["probability"].tolist() == [0.0] * 3

    def test_cash_is_spent_once(self) -> None:
        made, _ = self.explain(cash=10**6, intercept=1_000.0, left=0.0)
        due = int(made["premium_rwf"][0])
        spare = int(made["spare_cash_rwf"][0])
        short = 10**6 - spare + 2 * due
        made, _ = self.explain(cash=short, intercept=1_000.0, left=0.0)
        assert made["means"].tolist() == [codes.BY_CASH, codes.BY_CASH, NO_MEANS]
        made, _ = self.explain(cash=short - 1, intercept=1_000.0, left=0.0)
        assert made["means"].tolist() == [codes.BY_CASH, NO_MEANS, NO_MEANS]
        made, _ = self.explain(cash=short - 1, intercept=-1_000.0, left=0.0)
        assert made["means"].tolist() == [codes.BY_CASH] * 3


class TestVote:
    """A family without chance in its taste votes yes iff cover is worth its own part of the premium."""

    def votes(self, rates: tuple[float, float], premium: int, **slot: int) -> bool:
        sure = rule(
            intercept=0.0, price_slope=1.0, taste_scale=0.0, peer_weight=0.0, trust_weight=0.0,
            quality_weight=0.0, inertia=0.0, mobilisation_weight=0.0, income_gradient=0.0, hassle_rwf=0.0,
            premium_by_household=1, household_covers=7, premium_middle_rwf=premium, subsidy_premium_share=1.0,
            private_information=1.0, waiting_months=0, loans_offered=0,
        )  # fmt: skip
        hh, _ = household((40, 35), rate_enrolled=rates[0], rate_other=rates[1], taste=0.0, group=0, **slot)
        sec = section(subsidy_left=10**6 if slot else 0, opens=NOW - 24)
        outlook = enrolment.outlook_of(sec, 1.0, sure)
        return bool(votes.is_for_cover(hh, sec, groups(), NOW, outlook, calendar(), sure, sure, fixed()))

    def test_both_kinds_of_members_count(self) -> None:
        assert not self.votes((0.0, 0.0), 3_000)
        assert self.votes((40.0, 0.0), 3_000)
        assert self.votes((0.0, 40.0), 3_000)
        # as much again by the others is no reason against
        assert self.votes((40.0, 40.0), 3_000)

    def test_a_slot_makes_it_free(self) -> None:
        assert not self.votes((2.0, 2.0), 500_000)
        assert self.votes((2.0, 2.0), 500_000, subsidised=1)


class TestLists:
    def test_the_middle_household_of_those_that_live(self) -> None:
        hh = households(5)
        hh["z"] = [3.0, -1.0, 0.5, 2.0, 0.0]
        hh["alive"][2] = 0
        assert targeting.median_position(hh, section(end=5)) == 2.0
        hh["alive"][3] = 0
        assert targeting.median_position(hh, section(end=5)) == 0.0
        hh["alive"] = 0
        assert targeting.median_position(hh, section(end=5)) == 0.0

    def test_consultants_serve_the_better_off_half(self) -> None:
        hh = households(40)
        hh["n_members"] = 4
        hh["category"] = codes.MIDDLE
        hh["z"] = np.linspace(5.0, 8.0, 40)
        by_merit = rule(
            targeting=codes.TARGET_MERIT, merit_gradient=0.0, consultant_share=1.0, consultant_boost=100.0,
            training=0.0,
        )  # fmt: skip
        targeting.draw_up_list(hh, section(end=40), NOW, by_merit, fixed())
        # the median household is the 21st, so that 19 are better off than it
        assert (hh["list_score"][:21] > -50).all()
        assert (hh["list_score"][21:] < -50).all()

    def test_a_household_is_listed_by_where_its_middle_lies(self) -> None:
        def listed(poorest: float, rich: float) -> list[int]:
            hh = households(4)
            hh["n_members"] = 5
            hh["z"] = [-3.0, -1.0, 1.0, 3.0]
            true = rule(
                targeting=codes.TARGET_PROXY, proxy_noise=0.0, poorest_share=poorest, rich_share=rich,
                list_noise=0.0, list_trust_bonus=0.0,
            )  # fmt: skip
            targeting.draw_up_list(hh, section(end=4), NOW, true, fixed())
            return [int(x) for x in hh["listed_category"]]

        low, mid, top = codes.POOREST, codes.MIDDLE, codes.RICH
        # middles lie at 12.5, 37.5, 62.5 and 87.5 % of people; at the line a family is not poor, but is rich
        assert listed(0.125, 0.125) == [mid, mid, mid, top]
        assert listed(0.13, 0.12) == [low, mid, mid, mid]
        assert listed(0.38, 0.38) == [low, low, top, top]

    def test_one_poor_person_has_one_slot(self) -> None:
        hh = households(1)
        hh["n_members"], hh["category"] = 1, codes.POOREST
        by_poverty = rule(
            targeting=codes.TARGET_GEOGRAPHIC, subsidy_slots_share=0.2, subsidy_funded=1.0, poorest_share=0.2
        )
        for number in range(20):
            assert targeting.slots_of(hh, section(number=number, end=1), 1, NOW, by_poverty, KEY) == 1


def test_a_rare_post_is_rare() -> None:
    n, opened = 1_500, 0
    busy = rule(post_hazard=0.03, post_load=0.5, post_distance_km=1.0, distance_factor=1.0)
    for number in range(n):
        hh = households(1)
        hh["distance_km"], hh["n_members"] = 4.0, 1
        s = state(hh, record_table(Member, (1, codes.MEMBER_SLOTS)), record_table(Section, 1),
                  record_table(District, 1))  # fmt: skip
        sec = section(number=number, load=0.6)
        opened += posts.open_post(s, sec, NOW, busy, fixed(), tallies())
        if sec.distance_scale < 1.0:
            # two facilities where there was one: distances shrink by the root of a half
            assert sec.distance_scale == pytest.approx(0.5**0.5)
            assert hh["distance_km"][0] == pytest.approx(4.0 * 0.5**0.5)
    assert abs(opened - 45) <= 4 * (1_500 * 0.03 * 0.97) ** 0.5


@pytest.mark.parametrize(("income_rwf", "lost"), [(0, 0), (1, 1), (1_000, 1_000)])
def test_what_is_embezzled_down_to_a_franc(income_rwf: int, lost: int) -> None:
    bold = rule(embezzled_share=1.0, audit_hours=0.0, deterrence=0.0, capacity_effect=0.0)
    sec = section(fund=5_000)
    f, t = flows(), tallies()
    assert fraud.embezzle(sec, income_rwf, bold, f, t) == lost
    assert (sec.fund, f[codes.EMBEZZLEMENT]) == (5_000 - lost, lost)


def test_a_settled_section_by_its_rules() -> None:
    s = village(300)
    s.sections[0].end = 0
    start = fixed(
        capacity_initial=0.3, enforcement_initial=0.2, trust_initial=0.45, heritage_share=0.0,
        staffing_log_sd=0.0, faith_based_share=0.0,
    )  # fmt: skip
    settle_section(s, 0, 300, NOW, rule(effort_base=0.7), start)
    sec = s.sections[0]
    assert (sec.stock, sec.quality, sec.premium_factor, sec.distance_scale, sec.staffing) == (1, 0.5, 1, 1, 1)
    assert (sec.effort, sec.capacity, sec.enforcement) == pytest.approx((0.7, 0.3, 0.2))
    assert sec.trust == pytest.approx(0.45)
    assert sec.persons == s.households["n_members"].astype(int).sum()
    assert sec.end - sec.first == 300
    size = s.households["n_members"].astype(int)
    age = (NOW - s.members["born"].astype(int)) / 12
    couple = (size >= 2) & (s.members["married"][:, 1] == 1)
    sex = s.members["sex"]
    assert (sex[couple, 0] == codes.MALE).all()
    assert (sex[couple, 1] == codes.FEMALE).all()
    single = ~couple & (size >= 2)
    assert (sex[single, 0] == codes.MALE).mean() == pytest.approx(settlement.SINGLE_HEAD_MALE_SHARE, abs=0.2)
    assert (sex[~couple, 0] == codes.FEMALE).any()
    # a household of two may be a couple
    assert (couple & (size == 2)).any()
    assert couple[size >= 2].mean() == pytest.approx(settlement.COUPLE_SHARE, abs=0.11)
    assert age[:, 0].min() >= 20
    head, wife = age[couple, 0], age[couple, 1]
    # a wife is one to nine years younger, and 17 at least
    assert ((head - wife >= 1 - 1 / 6) | (wife <= 17.1)).all()
    assert (head - wife <= 9 + 1 / 6).all()
    assert wife.min() >= 17
    assert (head - wife).max() > 8
    for others in range(2, 5):
        here = size > others
        gap = age[here, 0] - age[here, others]
        assert gap.min() >= 18.9
        assert 12 < age[here, others].max() <= settlement.OLDEST_CHILD
    # girls and boys, and unmarried heads up to thirty only
    third = size > 2
    assert 0.35 < (s.members["sex"][third, 2] == codes.MALE).mean() < 0.65
    alone = ~couple
    assert ((s.members["married"][alone, 0] == 1) == (age[alone, 0] > 30)).mean() > 0.98


class TestLittleThings:
    def test_a_franc_is_not_paid_without_a_franc(self) -> None:
        poor = rule(cash_gate=1, loans_offered=0, group_savings=0)
        hh, _ = household(cash=0)
        hh.cash = -enrolment.spare_cash(hh, poor)
        for part, means in ((0, codes.BY_CASH), (1, NO_MEANS)):
            assert enrolment.means_of(hh, section(), district(), groups(), part, 0, NOW, poor) == means

    def test_little_trust_and_capacity_are_what_they_are(self) -> None:
        calm = {name: 0.0 for name in rule().dtype.names if name.startswith("trust_")}
        sec = section(trust=0.02, capacity=0.02)
        governance.update_trust(sec, 0.0, rule(**calm, compulsory=0))
        assert sec.trust == pytest.approx(0.02)
        governance.update_capacity(sec, rule(assistance_gain=0.0, capacity_decay=0.1))
        assert sec.capacity == pytest.approx(0.018)

    def test_one_person_is_all_of_a_section(self) -> None:
        alone = rule(persons_per_section=20_000.0, sections_per_fund=1.0)
        assert provider.members_of_fund(section(insured=1, persons=1), alone) == 20_000.0
        assert provider.members_of_fund(section(insured=1, persons=4), alone) == 5_000.0

    @pytest.mark.parametrize("year_ends", [0, 1])
    def test_renewals_are_judged_when_the_membership_year_ends(self, year_ends: int) -> None:
        s = village(5, opens=NOW - 24, group_first=0, group_end=1)
        s.households["paid_before"], s.households["formal"], s.households["group"] = 1, 0, 0
        s.households["cover_until"] = [NOW + 5, NOW + 5, 0, 0, 0]
        s.households["n_enrolled"] = [2, 2, 0, 0, 0]
        s.groups.recent[0] = 99
        t = tallies()
        measure.measure_section(
            s, s.sections[0], NOW, calendar(closes=0, year_ends=year_ends), strata(),
            np.zeros(codes.N_STOCKS, dtype=np.int64), t, gauges(),
        )  # fmt: skip
        assert (t[codes.RENEWALS_DUE], t[codes.RENEWALS]) == (5 * year_ends, 2 * year_ends)
        assert s.groups.recent[0] == 2

    def test_meetings_do_not_depend_on_who_else_is_simulated(self) -> None:
        """An association's place is counted within its section, wherever the section's rows begin."""
        votes_called = []
        for first in (0, 4):
            gg = groups(12)
            gg.households[:] = 1
            sec = section(group_first=first, group_end=first + 8)
            votes.call_meetings(sec, gg, NOW, calendar(), rule(attention=0.5), fixed())
            votes_called.append(gg.voters[first : first + 8].tolist())
        assert votes_called[0] == votes_called[1]
        assert len(set(votes_called[0])) == 2

    def test_a_year_opens_posts_at_a_small_hazard_too(self) -> None:
        n = 600
        sections = record_table(Section, n)
        sections["number"], sections["first"], sections["end"] = (
            np.arange(n),
            np.arange(n),
            np.arange(1, n + 1),
        )
        sections["load"], sections["distance_scale"] = 0.9, 1.0
        hh = households(n)
        hh["distance_km"], hh["n_members"] = 5.0, 1
        s = state(hh, record_table(Member, (n, codes.MEMBER_SLOTS)), sections, record_table(District, 1))
        t = np.zeros((1, codes.N_TALLIES), dtype=np.int64)
        few = rule(post_hazard=0.04, post_load=0.5, post_distance_km=1.0, distance_factor=1.0, hire_share=0.0)
        month.start_year(s, NOW, few, fixed(), t)
        assert abs(t[0, codes.POSTS_OPENED] - 24) <= 4 * (24 * 0.96) ** 0.5
        assert t[0, codes.POSTS_OPENED] == (sections["distance_scale"] < 1.0).sum()

    def test_a_fund_that_is_bailed_out_begins_anew(self) -> None:
        sec = section(payables=100, payables_hospital=50, bad_months=5, arrears=3.0)
        f = flows()
        fund.act_on_deficit(sec, district(), rule(deficit_rule=codes.DEFICIT_BAIL_OUT), f, tallies())
        assert (sec.bad_months, sec.arrears, sec.payables, sec.payables_hospital) == (0, 0.0, 0, 0)
        assert f[codes.BAIL_OUT_SECTION] == 150

    def test_needs_are_noted_in_the_row_of_the_association(self) -> None:
        s = village(3, group_first=2, group_end=5, opens=NOW - 24)._replace(groups=groups(6))
        s.households["group"], s.households["formal"] = [1, 1, 2], 0
        s.households["standing"] = s.households["standing_next"] = codes.STANDING_UNAFFORDABLE
        poor = rule(group_savings=1, premium_by_household=1, household_covers=99, premium_middle_rwf=700)
        s.groups.need[:] = 5
        votes.count_need(s, s.sections[0], NOW, calendar(), poor, poor)
        # rows of the section are set anew, those of others stay
        assert s.groups.need.tolist() == [5, 5, 0, 1_400, 700, 5]

    def test_interviews_end_with_their_room(self) -> None:
        watch = make_watch(1, 12)
        hh, mm = household(watched=1)
        watch.asked[:] = NOW - 12
        room = watch.interviews.size
        for _ in range(room + 2):
            notes.interview(watch, hh, mm, section(), True, NOW, rule())
        assert watch.used[notes.N_INTERVIEWS] == room
        assert (watch.interviews["month"] == NOW).all()

    def test_a_rare_gate_still_costs_trust(self) -> None:
        calm = {name: 0.0 for name in rule().dtype.names if name.startswith("trust_")}
        for gate, fines, left in ((0.03, 0.0, 0.45), (0.0, 0.03, 0.45), (0.0, 0.0, 0.5)):
            sec = section(trust=0.5, enforcement=1.0)
            pushed = {**calm, "trust_coercion": 0.1, "compulsory": 1}
            governance.update_trust(sec, 0.0, rule(**pushed, gate_probability=gate, enforcement_max=fines))
            assert sec.trust == pytest.approx(left)

    def test_refused_contacts_cost_trust_by_their_share(self) -> None:
        calm = {name: 0.0 for name in rule().dtype.names if name.startswith("trust_")}
        sec = section(trust=0.5, arrears=1.5)
        # arrears of half a quarter and a fifth refused, a tenth of a month's trust
        governance.update_trust(sec, 0.2, rule(**{**calm, "trust_arrears": 0.1}))
        assert sec.trust == pytest.approx(0.5 - 0.1 * (0.5 + 0.2) * 0.5)
