"""Premium loans: cost, admission, grant, fate, collection alone and with the group, the lender's limits."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from support import (
    KEY,
    NOW,
    district,
    flows,
    groups,
    household,
    households,
    live_a_month,
    note_rows,
    quick,
    record_table,
    rule,
    section,
    state,
    tallies,
    update,
    within_4_se,
    work,
)

from cbhi.kernels import codes, draws, loans
from cbhi.kernels.records import District, Member, Section
from cbhi.limits.credit import besley_coate, lender_recovery, vasicek_moments

OFFERED: dict[str, Any] = dict(
    loans_offered=1, loans_to_members=0, joint_liability=0, loan_months=12, loan_interest=0.15,
    loan_fee_share=0.0, loan_default_share=0.0, loan_default_after=3, loan_exclusion_months=24,
    loan_exclusion_value=100.0, loan_social_sanction=0.0, loan_joint_cap=2.0, lender_borrowing_limit=4.0,
    lender_liquidity_share=0.2,
)  # fmt: skip


def terms(**changes: Any) -> Any:
    return rule(**{**OFFERED, **changes})


class TestCost:
    def test_by_hand(self) -> None:
        # a falling balance: 1.25 % a month of 12,000, 11,000, ... 1,000 is 1.25 % of 78,000
        assert loans.loan_cost(12_000, terms()) == 975
        assert loans.loan_cost(12_000, terms(loan_fee_share=0.02)) == 975 + 240
        assert loans.loan_cost(4_000, terms(loan_months=1, loan_interest=0.36)) == 120
        assert loans.loan_cost(10**6, terms(loan_interest=0.0)) == 0

    @given(st.integers(1, 36), st.floats(0.0, 1.0))
    @quick
    def test_is_the_interest_on_what_is_left_each_month(self, n: int, rate: float) -> None:
        amount = 1_000 * n
        left = [amount - 1_000 * k for k in range(n)]
        expected = sum(left) * rate / 12
        assert abs(loans.loan_cost(amount, terms(loan_months=n, loan_interest=rate)) - expected) <= 0.5001


class TestAdmission:
    @pytest.mark.parametrize(
        ("hh", "rules", "barred", "may"),
        [
            ({}, {}, 0, True),
            ({}, {"loans_offered": 0}, 0, False),
            ({"formal": 1}, {}, 0, False),
            ({"loan": 1}, {}, 0, False),
            ({"loan_interest": 1}, {}, 0, False),
            ({"barred_until": NOW + 1}, {}, 0, False),
            ({"barred_until": NOW}, {}, 0, True),
            ({"group": codes.NO_GROUP}, {}, 0, True),
            ({"group": codes.NO_GROUP}, {"loans_to_members": 1}, 0, False),
            ({"group": codes.NO_GROUP}, {"joint_liability": 1}, 0, False),
            ({}, {"loans_to_members": 1, "joint_liability": 1}, 0, True),
            ({}, {}, NOW + 1, False),
            ({}, {}, NOW, True),
        ],
    )
    def test_who_may(self, hh: Any, rules: Any, barred: int, may: bool) -> None:
        gg = groups(3)
        gg.barred_until[2] = barred
        sec = section(group_first=1, group_end=3)
        applicant, _ = household(**{"group": 1, **hh})
        assert loans.may_borrow(applicant, sec, gg, NOW, terms(**rules)) == may


def lot(ordinal: int) -> tuple[float, float, float, float]:
    u = draws.block(KEY, 3, ordinal, 0, NOW, codes.DRAW_LOAN, 0)
    return float(u[0]), float(u[1]), float(u[2]), float(u[3])


def ask(amount: int, *, ordinal: int = 0, line: int = 10**6, share: float = 1.0, **kw: Any) -> Any:
    dist = district(lender_open=1, **{"lender_cash": 50_000, **kw.pop("lender", {})})
    sec = section(credit_line=line, credit_share=share)
    hh, _ = household(ordinal=ordinal, cash=700, **kw.pop("hh", {}))
    f, t = flows(), tallies()
    granted = loans.borrow(hh, sec, dist, amount, NOW, terms(**kw), KEY, f, t)
    return granted, hh, sec, dist, f, t


class TestGrant:
    def test_by_hand(self) -> None:
        granted, hh, sec, dist, f, t = ask(12_000)
        assert granted
        assert (hh.cash, dist.lender_cash, f[codes.LOAN]) == (12_700, 38_000, 12_000)
        assert (hh.loan, hh.loan_interest, hh.loan_months_left) == (12_000, 975, 12)
        # 12,975 in twelve parts is 1,081.25 each
        assert hh.instalment == 1_082
        assert (dist.loans, dist.loan_interest) == (12_000, 975)
        assert sec.credit_line == 10**6 - 12_000
        assert (t[codes.LOANS], t[codes.LOAN_INTEREST_CHARGED], t[codes.LOANS_REFUSED]) == (1, 975, 0)
        assert hh.loan_stops == loans.NEVER
        assert hh.loan_resolve == pytest.approx(lot(0)[2], rel=1e-6)
        assert f[codes.LENDER_BORROWING] == dist.borrowing == 0

    def test_refused_beyond_the_line_or_by_lot(self) -> None:
        for kw in (dict(line=11_999), dict(share=0.999 * lot(0)[3])):
            granted, hh, sec, dist, f, t = ask(12_000, **kw)
            assert not granted
            assert (hh.loan, hh.cash, dist.loans, f.sum()) == (0, 700, 0, 0)
            assert (t[codes.LOANS_REFUSED], t[codes.LOANS], hh.applied, sec.applied) == (1, 0, 0, 0)
        assert ask(12_000, line=12_000, share=1.001 * lot(0)[3])[0]

    def test_a_lender_short_of_cash_borrows_and_keeps_its_reserve(self) -> None:
        # 20 % of 10,000 stays in the till: 5,000 - 2,000 of own money, 9,000 from other banks
        _, _, _, dist, f, _ = ask(12_000, lender=dict(lender_cash=5_000, deposits=10_000))
        assert (dist.lender_cash, dist.borrowing, f[codes.LENDER_BORROWING]) == (2_000, 9_000, 9_000)

    def test_lots_are_fair(self) -> None:
        granted = [ask(100, ordinal=i, share=0.3)[0] for i in range(2_000)]
        assert within_4_se(granted, 0.3)


def lottery(amounts: Any, line: int, now: int = NOW, order: Any = None) -> tuple[Any, Any, Any, Any]:
    """Households of one section ask for loans, and are answered; who was granted one, by row."""
    n = len(amounts)
    hhs = households(n)
    hhs["ordinal"] = np.arange(n) if order is None else order
    sec = section(credit_line=line, credit_share=1.0, collecting=1, end=n)
    dist, f, t = district(lender_open=1, lender_cash=line), flows(), tallies()
    r = terms()
    for hh, amount in zip(hhs, amounts, strict=True):
        assert not loans.borrow(hh, sec, dist, int(amount), now, r, KEY, f, t)
    assert hhs["applied"].all()
    assert f.sum() == t.sum() == 0
    loans.answer_applications(hhs, sec, now, note_rows(work(n), codes.LIST_APPLICANTS, range(n)), KEY)
    granted = [
        bool(loans.borrow(hh, sec, dist, int(amount), now, r, KEY, f, t))
        for hh, amount in zip(hhs, amounts, strict=True)
    ]
    return np.array(granted), sec, f, t


class TestApplications:
    def test_are_noted_while_they_are_collected(self) -> None:
        sec, dist = section(credit_line=10**6, credit_share=1.0, collecting=1, applied=500), district()
        hh, _ = household(cash=7)
        f, t = flows(), tallies()
        assert not loans.is_granted(hh, sec, 1, NOW, KEY)
        assert not loans.borrow(hh, sec, dist, 12_000, NOW, terms(), KEY, f, t)
        assert (hh.applied, sec.applied, sec.credit_line) == (12_000, 12_500, 10**6)
        assert (hh.loan, hh.cash, dist.loans, f.sum(), t.sum()) == (0, 7, 0, 0, 0)
        loans.answer_applications(households(1), sec, NOW, work(), KEY)
        assert loans.is_granted(hh, sec, 1, NOW, KEY)

    def test_the_line_goes_to_the_lowest_lots(self) -> None:
        # ten ask for 1,000 each and the line is 6,999: the six lowest lots have it, wherever they stand
        granted, sec, _, t = lottery([1_000] * 10, 6_999)
        hhs = households(10)
        lots = [loans.lot(hh, section(), NOW, KEY) for hh in hhs]
        assert sorted(np.flatnonzero(granted)) == sorted(np.argsort(lots)[:6])
        assert (t[codes.LOANS], t[codes.LOANS_REFUSED], sec.credit_line) == (6, 4, 999)

    @pytest.mark.parametrize("line", [8_000, 9_000])
    def test_all_are_granted_where_the_line_suffices(self, line: int) -> None:
        granted, sec, _, _ = lottery([2_000] * 4, line)
        assert granted.all()
        assert (sec.credit_share, sec.collecting) == (1.0, 0)

    def test_none_is_granted_without_a_line(self) -> None:
        granted, _, _, t = lottery([2_000] * 4, 0)
        assert not granted.any()
        assert t[codes.LOANS_REFUSED] == 4

    @pytest.mark.parametrize("n", [10, 20, 40])
    def test_small_sections_are_served_alike(self, n: int) -> None:
        # half the line, in many months: every row has its half
        granted = np.array([lottery([1_000] * n, n * 500, now=NOW + m)[0] for m in range(400)])
        assert granted.sum(axis=1).tolist() == [n // 2] * 400
        assert (np.abs(granted.mean(axis=0) - 0.5) < 4 * 0.5 / 20).all()

    @pytest.mark.parametrize("share", [0.15, 0.5, 0.8])
    def test_pro_rata_and_whoever_stands_first(self, share: float) -> None:
        n = 3_000
        granted, _, _, t = lottery([1_000] * n, int(share * n) * 1_000)
        assert granted.sum() == int(share * n)
        # a correlation of none has a standard error of one over the root of n
        assert abs(np.corrcoef(granted, np.arange(n))[0, 1]) < 4 / np.sqrt(n)
        assert t[codes.LOANS] == granted.sum() == n - t[codes.LOANS_REFUSED]

    def test_the_lot_is_the_households_own(self) -> None:
        # turned round, the same households have the loans, but for those whom the line cuts off at the end
        n = 1_000
        granted, _, _, _ = lottery([1_000] * n, 400_000)
        turned, _, _, _ = lottery([1_000] * n, 400_000, order=np.arange(n)[::-1])
        lots = np.array([lot(i)[3] < 0.4 for i in range(n)])
        assert (granted <= lots).all()
        assert (turned[::-1] <= lots).all()
        assert min(granted.sum(), turned.sum()) >= min(400, lots.sum())

    @given(st.lists(st.integers(1, 9_000), min_size=1, max_size=30), st.integers(0, 200_000))
    @quick
    def test_the_line_is_never_exceeded(self, amounts: list[int], line: int) -> None:
        granted, sec, f, t = lottery(amounts, line)
        lent = int(np.dot(granted, amounts))
        assert f[codes.LOAN] == lent == line - sec.credit_line <= line
        assert sec.applied == sum(amounts)
        assert f[codes.LENDER_BORROWING] == 0
        assert t[codes.LOANS] + t[codes.LOANS_REFUSED] == len(amounts)
        if sum(amounts) <= line:
            assert granted.all()
        if line == 0:
            assert not granted.any()


class TestFate:
    R: ClassVar = dict(loan_default_share=0.1, loan_district_correlation=0.2, loan_group_correlation=0.15)

    @pytest.mark.parametrize("group", [4, codes.NO_GROUP])
    def test_latent_factor_by_hand(self, group: int) -> None:
        r = terms(**self.R)
        year = NOW - NOW % 12
        seen = set()
        for ordinal in range(150):
            hh, _ = household(ordinal=ordinal, group=group)
            luck = 3.0 * math.sin(ordinal)
            if group == codes.NO_GROUP:
                v = draws.uniform(KEY, 3, ordinal, 0, NOW, codes.DRAW_LOAN, 1)
            else:
                v = draws.uniform(KEY, 3, 5, 0, year, codes.DRAW_GROUP, 0)
            u = lot(ordinal)[0]
            latent = math.sqrt(0.2) * luck + math.sqrt(0.15) * ndtri(v) + math.sqrt(0.65) * ndtri(u)
            hit = loans.is_hit(u, hh, section(), district(credit_luck=luck), NOW, r, KEY)
            assert hit == (latent < ndtri(0.1))
            seen.add(hit)
        assert seen == {True, False}

    def test_vasicek(self) -> None:
        # yearly shares of loans hit, in two groups of one district
        r = terms(**self.R)
        luck = np.random.default_rng(5).standard_normal(500)
        n = 12
        hits = np.empty((luck.size, 2, n))
        for y in range(luck.size):
            dist = district(credit_luck=luck[y])
            for g in range(2):
                for i in range(n):
                    hh, _ = HOUSEHOLD
                    hh.ordinal, hh.group = n * g + i, g
                    u = draws.uniform(KEY, 3, n * g + i, 0, 12 * y, codes.DRAW_LOAN, 0)
                    hits[y, g, i] = loans.is_hit(u, hh, section(), dist, 12 * y, r, KEY)
        count = hits.sum(axis=2)
        assert within_4_se(count.sum(axis=1) / (2 * n), 0.1)
        within = (count * (count - 1)).mean(axis=1) / (n * (n - 1))
        assert within_4_se(within, vasicek_moments(0.1, 0.35).joint_probability)
        across = count[:, 0] * count[:, 1] / n**2
        assert within_4_se(across, vasicek_moments(0.1, 0.2).joint_probability)

    @pytest.mark.parametrize(("share", "hit"), [(0.0, False), (1.0, True)])
    def test_limits(self, share: float, hit: bool) -> None:
        hh, _ = household()
        r = terms(**{**self.R, "loan_default_share": share})
        assert loans.is_hit(0.5, hh, section(), district(), NOW, r, KEY) == hit

    def test_where_it_stops_is_uniform_over_the_term(self) -> None:
        stops = [
            int(ask(1_000, ordinal=i, loan_default_share=1.0, loan_months=4)[1].loan_stops)
            for i in range(2_000)
        ]
        assert set(stops) == {1, 2, 3, 4}
        for k in range(1, 5):
            assert within_4_se([s == k for s in stops], 0.25)
        assert all(s == 4 - int(4 * lot(i)[1]) for i, s in enumerate(stops))


HOUSEHOLD = household()


def book(n: int, n_groups: int = 0, **fields: Any) -> Any:
    """A section of ``n`` households with loans; ``fields`` are columns of them."""
    hhs = households(n)
    usual: dict[str, Any] = dict(income=10_000, loan_stops=loans.NEVER, loan_resolve=1.0)
    for name, values in {**usual, **fields}.items():
        hhs[name] = values
    sections = record_table(Section, 1)
    update(sections[0], number=3, end=n, limit=n, group_end=n_groups)
    districts = record_table(District, 1)
    update(
        districts[0], lender_open=1, end_section=1, loans=int(hhs["loan"].sum()),
        loan_interest=int(hhs["loan_interest"].sum()),
    )  # fmt: skip
    return state(hhs, record_table(Member, (n, 2)), sections, districts, max(1, n_groups))


def collect_month(world: Any, r: Any, now: int, f: Any, t: Any) -> None:
    owing = np.flatnonzero(world.households["loan"] + world.households["loan_interest"])
    noted = note_rows(work(len(world.households)), codes.LIST_BORROWERS, owing.tolist())
    loans.collect_section(world, world.sections[0], world.districts[0], now, r, noted, f, t)


def collect(world: Any, r: Any, months: int = 1, now: int = NOW) -> tuple[Any, Any]:
    f, t = flows(), tallies()
    for m in range(months):
        collect_month(world, r, now + m, f, t)
    return f, t


ONE = dict(loan=[12_000], loan_interest=[960], instalment=[1_080], loan_months_left=[12])


class TestCollection:
    def test_a_loan_is_paid_off_in_its_term(self) -> None:
        world = book(1, cash=[20_000], **ONE)
        hh, dist = world.households[0], world.districts[0]
        f, t = collect(world, terms())
        # a twelfth of 12,000 and of 960
        assert (f[codes.LOAN_INTEREST], f[codes.LOAN_REPAYMENT]) == (80, 1_000)
        assert (hh.cash, hh.loan, hh.loan_interest, hh.loan_months_left) == (18_920, 11_000, 880, 11)
        assert (dist.lender_cash, dist.loans, dist.loan_interest) == (1_080, 11_000, 880)
        assert (t[codes.LOAN_MONTHS], t[codes.LOAN_MONTHS_LATE]) == (1, 0)
        f, t = collect(world, terms(), 20)
        assert (f[codes.LOAN_INTEREST], f[codes.LOAN_REPAYMENT]) == (880, 11_000)
        assert (t[codes.LOAN_MONTHS], t[codes.LOAN_DEFAULTS]) == (11, 0)
        assert (hh.cash, hh.instalment, hh.loan_months_left) == (20_000 - 12_960, 0, 0)
        assert (dist.lender_cash, dist.loans, dist.loan_interest) == (12_960, 0, 0)

    def test_the_first_instalment_takes_up_the_rounding(self) -> None:
        # 12,975 in twelve parts of 1,082 is 9 too much; interest of 1,073 is 1,073 x 975 / 12,975 = 80.6
        world = book(1, cash=20_000, loan=12_000, loan_interest=975, instalment=1_082, loan_months_left=12)
        f, _ = collect(world, terms())
        assert (f[codes.LOAN_INTEREST], f[codes.LOAN_REPAYMENT]) == (80, 993)
        f, t = collect(world, terms(), 11)
        assert (f[codes.LOAN_INTEREST] + f[codes.LOAN_REPAYMENT], t[codes.LOAN_MONTHS]) == (11 * 1_082, 11)
        assert world.districts[0].loans == 0

    def test_arrears_are_made_good(self) -> None:
        world = book(1, cash=[500], **ONE)
        hh = world.households[0]
        _, t = collect(world, terms())
        assert (hh.cash, hh.loan + hh.loan_interest, t[codes.LOAN_MONTHS_LATE]) == (0, 12_460, 1)
        hh.cash = 10_000
        _, t = collect(world, terms(), now=NOW + 1)
        # two instalments were due, and 500 was paid of them
        assert (hh.cash, t[codes.LOAN_MONTHS_LATE]) == (10_000 - 1_660, 0)

    @pytest.mark.parametrize("after", [1, 3, 20])
    def test_too_far_behind_is_written_off(self, after: int) -> None:
        world = book(1, cash=[500], cover_from=NOW - 1, cover_until=NOW + 60, n_enrolled=1, **ONE)
        hh, dist = world.households[0], world.districts[0]
        r = terms(loan_default_after=after, loan_exclusion_months=24)
        # 1,080 a month fall due and 500 are paid: after m months m instalments are missed, the first in part;
        # the term ends with 12 of them overdue, and further months count one each
        f, t = collect(world, r, after - 1)
        assert (t[codes.LOAN_DEFAULTS], hh.barred_until) == (0, 0)
        g, u = collect(world, r, now=NOW + after - 1)
        assert (u[codes.LOAN_DEFAULTS], u[codes.LOAN_DEFAULTS_STRATEGIC]) == (1, 0)
        assert (u[codes.LOAN_DEFAULTS_INSURED], u[codes.LOAN_MONTHS_INSURED]) == (1, 1)
        assert t[codes.LOAN_MONTHS_LATE] + u[codes.LOAN_MONTHS_LATE] == after
        repaid = f + g
        assert repaid[codes.LOAN_REPAYMENT] + u[codes.LOAN_WRITTEN_OFF] == 12_000
        assert repaid[codes.LOAN_INTEREST] + u[codes.LOAN_INTEREST_WRITTEN_OFF] == 960
        assert (hh.loan, dist.loans, dist.loan_interest) == (0, 0, 0)
        assert hh.barred_until == NOW + after - 1 + 24

    @pytest.mark.parametrize("stops", [12, 5, 1])
    def test_a_loan_that_was_hit_stops_whatever_the_cash(self, stops: int) -> None:
        world = book(1, cash=[10**6], loan_stops=[stops], **ONE)
        f, t = collect(world, terms(loan_default_after=4), 16)
        # instalments paid while 12, 11, ... stops + 1 months were left
        assert 10**6 - world.households[0].cash == (12 - stops) * 1_080
        assert f.sum() == (12 - stops) * 1_080
        assert t[codes.LOAN_DEFAULTS] == 1
        assert t[codes.LOAN_MONTHS_LATE] == 4
        assert t[codes.LOAN_MONTHS] == 12 - stops + 4

    def test_strategic_default_by_hand(self) -> None:
        # two months of income lost at most: 12,960 is worth paying from a resolve of .648 on
        resolves = np.array([0.1, 0.645, 0.65, 0.9])
        fields = {name: values * 4 for name, values in ONE.items()}
        world = book(4, cash=50_000, **fields, loan_resolve=resolves)
        f, t = collect(world, terms(loan_exclusion_value=2.0))
        assert (world.households["loan"] > 0).tolist() == [False, False, True, True]
        assert (t[codes.LOAN_DEFAULTS], t[codes.LOAN_DEFAULTS_STRATEGIC]) == (2, 2)
        assert world.households["cash"].tolist() == [50_000, 50_000, 48_920, 48_920]
        assert t[codes.LOAN_WRITTEN_OFF] == 24_000
        assert f.sum() == 2 * 1_080

    def test_repayment_at_burden_x_is_one_minus_x(self) -> None:
        n = 2_000
        resolves = (np.arange(n) + 0.5) / n
        for x in (0.2, 0.45):
            world = book(
                n, cash=10**6, loan=int(x * 10_000), instalment=int(x * 10_000), loan_months_left=1,
                loan_resolve=resolves,
            )  # fmt: skip
            _, t = collect(world, terms(loan_exclusion_value=1.0))
            assert 1 - t[codes.LOAN_DEFAULTS] / n == pytest.approx(besley_coate(x).individual, abs=1 / n)

    @pytest.mark.parametrize(("joint", "pays"), [(0, [False, True, False]), (1, [True, True, False])])
    def test_who_is_barred_already_fears_less(self, joint: int, pays: list[bool]) -> None:
        world = book(
            3, 2, cash=50_000, group=[0, 1, codes.NO_GROUP], barred_until=[0, 0, NOW + 1], loan=4_000,
            instalment=400, loan_months_left=10,
        )  # fmt: skip
        world.groups.barred_until[:] = [NOW + 1, NOW]
        # the group's displeasure counts under joint liability only
        r = terms(loan_exclusion_value=1.0, loan_social_sanction=5.0, joint_liability=joint)
        collect(world, r)
        assert (world.households["loan"] > 0).tolist() == pays

    def test_nothing_lent_costs_nothing(self) -> None:
        world = book(2, 1)
        world.groups.failing[0] = 7
        f, t = collect(world, terms())
        assert f.sum() == t.sum() == 0
        assert world.groups.failing[0] == 7


def pair_world(first: Any, second: Any, owed: int) -> Any:
    """Pairs with joint liability and one instalment of ``owed``."""
    n = 2 * len(first)
    return book(
        n, len(first), cash=10**6, loan=owed, instalment=owed, loan_months_left=1,
        loan_resolve=np.stack([first, second], axis=1).ravel(), group=np.arange(n) // 2,
    )  # fmt: skip


JOINT = dict(joint_liability=1, loan_exclusion_value=0.7, loan_social_sanction=0.3)


class TestJointLiability:
    @pytest.mark.parametrize("x", [0.2, 1 / 3, 0.4, 0.5])
    def test_besley_coate(self, x: float) -> None:
        m = 40
        grid = (np.arange(m) + 0.5) / m
        first, second = (a.ravel() for a in np.meshgrid(grid, grid))
        owed = int(x * 10_000)
        world = pair_world(first, second, owed)
        f, t = collect(world, terms(**JOINT))
        cash = world.households["cash"].reshape(-1, 2)
        paid = (10**6 - cash).sum(axis=1)
        y = owed / 10_000
        expected = ((first >= y) & (second >= y)) | (np.maximum(first, second) >= 2 * y)
        assert (paid == 2 * owed * expected).all()
        assert expected.mean() == pytest.approx(besley_coate(x).group, abs=3 / m)
        # alone, one in 1 / x would not pay
        assert np.mean(grid >= y) == pytest.approx(besley_coate(x).individual, abs=1 / m)
        # a pair that leaves nothing unpaid may borrow again, but not the one who failed
        barred = world.groups.barred_until == NOW + 24
        assert (barred == ~expected).all()
        failed = np.stack([first, second], axis=1) < y
        covered = failed & expected[:, None]
        assert (world.households["barred_until"].reshape(-1, 2) > 0)[covered].all()
        assert t[codes.LOAN_COVERED_BY_GROUP] == owed * covered.sum()
        assert t[codes.LOAN_WRITTEN_OFF] == 2 * owed * (~expected).sum()
        defaults = 2 * (~expected).sum() + covered.sum()
        assert t[codes.LOAN_DEFAULTS] == t[codes.LOAN_DEFAULTS_STRATEGIC] == defaults
        assert f[codes.LOAN_REPAYMENT] == 2 * owed * expected.sum() == world.districts[0].lender_cash

    @pytest.mark.parametrize(
        ("cap", "anchor"), [(1.0, 0.9), (1.25, 0.977378), (1.5, 0.989145), (2.0, 0.9981)]
    )
    def test_what_each_success_can_carry(self, cap: float, anchor: float) -> None:
        # groups of five with 0 to 5 members whose loans were hit, weighted by the binomial law
        hit = np.array([[i < k for i in range(5)] for k in range(6)])
        world = book(
            30, 6, cash=10**6, loan=1_200, instalment=1_200, loan_months_left=1, group=np.arange(30) // 5,
            loan_stops=np.where(hit, 1, loans.NEVER).ravel(),
        )  # fmt: skip
        _, t = collect(world, terms(**{**JOINT, "loan_default_after": 1, "loan_joint_cap": cap}))
        paid = (10**6 - world.households["cash"]).reshape(6, 5).sum(axis=1)
        succeed = 5 - np.arange(6)
        assert paid.tolist() == [int(min(5.0, cap * k) * 1_200) for k in succeed]
        weights = [math.comb(5, k) * 0.9**k * 0.1 ** (5 - k) for k in succeed]
        recovered = float(np.dot(weights, paid)) / 6_000
        assert recovered == pytest.approx(lender_recovery(5, 0.9, cap), abs=1e-9)
        assert recovered == pytest.approx(anchor, abs=1e-6)
        assert t[codes.LOAN_WRITTEN_OFF] == 6 * 6_000 - paid.sum()

    def test_nobody_pays_more_than_its_cash(self) -> None:
        # the first fails; the second has 300 beside its own due, the third nothing, the fourth is late
        world = book(
            4, 1, cash=[0, 1_300, 1_000, 400], loan=1_000, instalment=1_000, loan_months_left=[0, 1, 1, 1],
            group=0,
        )  # fmt: skip
        _, t = collect(world, terms(**{**JOINT, "loan_default_after": 2}))
        assert world.households["cash"].tolist() == [0, 0, 0, 0]
        assert t[codes.LOAN_COVERED_BY_GROUP] == 300
        assert (t[codes.LOAN_DEFAULTS], t[codes.LOAN_WRITTEN_OFF]) == (1, 700)
        assert t[codes.LOAN_DEFAULTS_STRATEGIC] == 0
        assert world.households["loan"].tolist() == [0, 0, 0, 600]
        assert world.groups.barred_until[0] == NOW + 24
        assert t[codes.LOAN_MONTHS_LATE] == 2

    def test_one_whose_loan_was_hit_is_not_asked_for_others(self) -> None:
        world = book(
            3, 1, cash=5_000, loan=1_000, instalment=1_000, loan_months_left=1, loan_stops=[-1, 1, -1],
            loan_resolve=[0.0, 1.0, 1.0], group=0,
        )  # fmt: skip
        collect(world, terms(**JOINT))
        # the second is late itself; the third pays for the first
        assert world.households["cash"].tolist() == [5_000, 5_000, 3_000]
        assert world.households["loan"].tolist() == [0, 1_000, 0]

    def test_who_has_fallen_behind_gives_what_it_has(self) -> None:
        world = book(
            2, 1, cash=[300, 5_000], loan=[900, 5_000], instalment=500, loan_months_left=[1, 10], group=0
        )
        f, t = collect(world, terms(**{**JOINT, "loan_default_after": 2}))
        # 600 of the first's 900 are left to the second, who pays at most one instalment more
        assert world.households["cash"].tolist() == [0, 4_000]
        assert world.households["loan"].tolist() == [0, 4_500]
        assert (t[codes.LOAN_COVERED_BY_GROUP], t[codes.LOAN_WRITTEN_OFF]) == (500, 100)
        assert f[codes.LOAN_REPAYMENT] == 300 + 500 + 500


BORROWER = st.tuples(
    st.integers(0, 6_000),  # cash
    st.integers(0, 8_000),  # principal
    st.integers(0, 900),  # interest
    st.integers(-2, 8),  # months left
    st.integers(-1, 8),  # stops
    st.floats(0.0, 1.0, width=32),  # resolve
    st.integers(-1, 2),  # group
)


@given(st.lists(BORROWER, min_size=1, max_size=9), st.booleans(), st.floats(1.0, 4.0), st.integers(1, 4))
@quick
def test_money_and_debts_are_conserved(rows: Any, joint: bool, cap: float, months: int) -> None:
    cash, principal, interest, left, stops, resolve, group = zip(*rows, strict=True)
    interest = [i if p > 0 else 0 for i, p in zip(interest, principal, strict=True)]
    owed = np.array(principal) + np.array(interest)
    world = book(
        len(rows), 3, cash=cash, loan=principal, loan_interest=interest, loan_months_left=left,
        loan_stops=stops, loan_resolve=resolve, group=group, instalment=-(-owed // 8),
    )  # fmt: skip
    r = terms(joint_liability=int(joint), loan_joint_cap=cap, loan_default_after=2, loan_social_sanction=0.5)
    f, t = collect(world, r, months)
    hhs, dist = world.households, world.districts[0]
    assert (hhs["loan"].sum(), hhs["loan_interest"].sum()) == (dist.loans, dist.loan_interest)
    assert dist.lender_cash == f[codes.LOAN_REPAYMENT] + f[codes.LOAN_INTEREST] == f.sum()
    assert hhs["cash"].sum() + dist.lender_cash == sum(cash)
    assert dist.loans == sum(principal) - f[codes.LOAN_REPAYMENT] - t[codes.LOAN_WRITTEN_OFF]
    assert dist.loan_interest == sum(interest) - f[codes.LOAN_INTEREST] - t[codes.LOAN_INTEREST_WRITTEN_OFF]
    for name in ("cash", "loan", "loan_interest", "instalment"):
        assert (hhs[name] >= 0).all()
    assert ((hhs["loan"] + hhs["loan_interest"] > 0) | (hhs["instalment"] == 0)).all()
    assert (hhs["loan_stops"] >= loans.NEVER).all()
    assert (world.groups.failing >= 0).all()
    assert 0 <= t[codes.LOAN_COVERED_BY_GROUP] <= f.sum()
    assert t[codes.LOAN_DEFAULTS_STRATEGIC] <= t[codes.LOAN_DEFAULTS] <= len(rows)


class TestEndOfAHousehold:
    def test_the_estate_repays_first(self) -> None:
        dist = district(loans=12_000, loan_interest=960, lender_cash=40)
        hh, _ = household(cash=5_000, **{name: values[0] for name, values in ONE.items()})
        f, t = flows(), tallies()
        loans.settle_estate(hh, dist, f, t)
        # 5,000 x 960 / 12,960 = 370.4 of interest
        assert (f[codes.LOAN_INTEREST], f[codes.LOAN_REPAYMENT]) == (370, 4_630)
        assert (t[codes.LOAN_WRITTEN_OFF], t[codes.LOAN_INTEREST_WRITTEN_OFF]) == (7_370, 590)
        assert (hh.cash, hh.loan, dist.loans, dist.loan_interest, dist.lender_cash) == (0, 0, 0, 0, 5_040)
        assert t[codes.LOAN_DEFAULTS] == 0
        rich, _ = household(cash=20_000, **{name: values[0] for name, values in ONE.items()})
        dist = district(loans=12_000, loan_interest=960)
        f, t = flows(), tallies()
        loans.settle_estate(rich, dist, f, t)
        assert (rich.cash, dist.lender_cash, t.sum()) == (20_000 - 12_960, 12_960, 0)

    def test_a_loan_moves_with_the_last_member(self) -> None:
        origin, _ = household(
            barred_until=NOW + 5, loan_stops=3, loan_resolve=0.25, **{name: v[0] for name, v in ONE.items()}
        )
        hh, _ = household(loan_stops=loans.NEVER)
        origin.loan_months_left = -2
        loans.take_over_loan(hh, origin)
        assert (hh.loan, hh.loan_interest, hh.instalment, hh.loan_months_left) == (12_000, 960, 1_080, -2)
        assert (hh.loan_stops, hh.loan_resolve, hh.barred_until) == (3, 0.25, NOW + 5)
        assert (origin.loan, origin.loan_interest, origin.instalment) == (0, 0, 0)
        other, _ = household(loan=500, loan_interest=20, instalment=100, loan_months_left=5, loan_stops=-1)
        loans.take_over_loan(hh, other)
        assert (hh.loan, hh.loan_interest, hh.instalment, hh.loan_months_left) == (12_500, 980, 1_180, 5)


class TestLender:
    def test_equity_arrives_once(self) -> None:
        dist, f = district(), flows()
        loans.open_lender(dist, 1_000, terms(loans_offered=0, lender_equity_rwf=50.5), f)
        assert (f.sum(), dist.lender_open) == (0, 0)
        for _ in range(2):
            loans.open_lender(dist, 1_000, terms(lender_equity_rwf=50.5), f)
        assert f[codes.LENDER_EQUITY] == dist.lender_cash == 50_500 == f.sum()
        assert loans.lender_equity(district(lender_cash=10, loans=70, deposits=30, borrowing=15)) == 35

    @pytest.mark.parametrize(
        ("rules", "books", "capacity"),
        [
            # equity 30,000: capital allows 200,000 - 40,000; cash 20,000 - 4,000, credit 120,000 - 10,000
            ({"lender_capital_ratio": 0.15}, {}, 126_000),
            ({"lender_capital_ratio": 0.5}, {}, 20_000),
            ({"lender_capital_ratio": 0.0}, {}, 126_000),
            ({"lender_capital_ratio": 0.15, "loans_offered": 0}, {}, 0),
            ({"lender_capital_ratio": 0.15}, {"lender_open": 0}, 0),
            # more borrowed than equity allows now: cash alone
            ({"lender_capital_ratio": 0.15, "lender_borrowing_limit": 0.1}, {}, 16_000),
            # nothing of its own left
            ({"lender_capital_ratio": 0.15}, {"loans": 9_000}, 0),
        ],
    )
    def test_capacity_by_hand(self, rules: Any, books: Any, capacity: int) -> None:
        usual = dict(lender_open=1, lender_cash=20_000, loans=40_000, deposits=20_000, borrowing=10_000)
        dist = district(**{**usual, **books})
        assert loans.lending_capacity(dist, terms(**rules)) == capacity

    def test_lines_by_people(self) -> None:
        sections = record_table(Section, 4)
        sections["persons"], sections["applied"] = [999, 100, 200, 50], 77
        sections["credit_share"] = 0.3
        dist = district(lender_open=1, lender_cash=7_001, first_section=1, end_section=4)
        r = terms(lender_capital_ratio=0.0, lender_borrowing_limit=0.0)
        loans.set_credit_lines(sections, dist, r)
        assert sections["credit_line"].tolist() == [0, 2_000, 4_000, 1_000]
        # applications of the month before are answered
        assert sections["credit_share"].tolist() == [0.3, 1.0, 1.0, 1.0]
        assert sections["applied"].tolist() == [77, 0, 0, 0]

    @given(st.integers(0, 10**12), st.lists(st.integers(0, 30_000), min_size=1, max_size=6))
    @quick
    def test_lines_are_shares_of_what_can_be_lent(self, cash: int, persons: list[int]) -> None:
        sections = record_table(Section, len(persons))
        sections["persons"] = persons
        dist = district(lender_open=1, lender_cash=cash, end_section=len(persons))
        loans.set_credit_lines(sections, dist, terms(lender_capital_ratio=0.0, lender_borrowing_limit=0.0))
        for line, n in zip(sections["credit_line"], persons, strict=True):
            assert abs(int(line) - cash * n // max(1, sum(persons))) <= 1
        assert sections["credit_line"].sum() <= cash + len(persons)

    def test_closing_a_month_by_hand(self) -> None:
        r = terms(lender_borrowing_interest=0.12, lender_operating_cost=0.24)
        dist = district(lender_open=1, lender_cash=9_000, loans=50_000, deposits=10_000, borrowing=30_000)
        f = flows()
        loans.close_lender_month(dist, r, f)
        # 1 % of 30,000, 2 % of 50,000, and what is above 20 % of 10,000
        assert (f[codes.LENDER_INTEREST], f[codes.LENDER_OPERATING_COST]) == (300, 1_000)
        assert (f[codes.LENDER_REPAYMENT], dist.lender_cash, dist.borrowing) == (5_700, 2_000, 24_300)
        poor = district(lender_open=1, lender_cash=1_200, loans=50_000, borrowing=30_000)
        f = flows()
        loans.close_lender_month(poor, r, f)
        assert (f[codes.LENDER_INTEREST], f[codes.LENDER_OPERATING_COST], poor.lender_cash) == (300, 900, 0)

    def test_lending_all_of_its_capacity_keeps_to_its_limits(self) -> None:
        r = terms(lender_capital_ratio=0.15)
        dist = district(lender_open=1, lender_cash=20_000, loans=0, deposits=11_111, end_section=1)
        equity = loans.lender_equity(dist)
        sections = record_table(Section, 1)
        update(sections[0], number=3, persons=7)
        loans.set_credit_lines(sections, dist, r)
        line = int(sections[0].credit_line)
        assert line > 40_000
        hh, _ = household()
        assert loans.borrow(hh, sections[0], dist, line, NOW, r, KEY, flows(), tallies())
        assert dist.lender_cash >= int(0.2 * 11_111)
        assert dist.borrowing <= 4 * equity
        assert loans.lender_equity(dist) == equity >= 0.15 * dist.loans


def test_insurance_lowers_default_without_a_coefficient() -> None:
    """Bills of the uninsured take the cash that instalments need; nothing else tells the two apart."""
    r = terms(loan_months=12, loan_default_after=3, debt_cap_months=0.2, buffer_months=0.3, shock_sd=0.2)
    defaults = {}
    for insured in (True, False):
        rng = np.random.default_rng(11)
        world = book(
            300, cash=6_000, income=20_000, loan=12_000, loan_interest=975, instalment=1_082,
            loan_months_left=12,
        )  # fmt: skip
        t = tallies()
        for m in range(15):
            for hh in world.households:
                live_a_month(hh, r, 1.0, float(rng.random()), flows())
                bill = int(rng.lognormal(9.0, 1.0)) if rng.random() < 0.8 else 0
                own = min(bill, 200) if insured else bill
                paid = min(own, int(hh.cash))
                hh.cash = int(hh.cash) - paid
            collect_month(world, r, NOW + m, flows(), t)
        defaults[insured] = int(t[codes.LOAN_DEFAULTS])
        assert t[codes.LOAN_DEFAULTS_STRATEGIC] == 0
    assert defaults[True] < 0.5 * defaults[False]
    assert defaults[False] > 20
