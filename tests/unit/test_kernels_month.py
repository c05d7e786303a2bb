"""The order of a month: sanctions, and what moves only where a scheme is open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from support import (
    NOW,
    by_quintile,
    calendar,
    fixed,
    flows,
    gauges,
    household,
    households,
    live_a_month,
    note_rows,
    rule,
    section,
    state,
    strata,
    tallies,
    update,
    work,
)

from cbhi.kernels import codes, counting, demography, draws, month, need, notes, start, targeting
from cbhi.kernels.records import District, Member, Section, State, record_table
from cbhi.replicates import make_watch


class TestSanction:
    def test_fines_and_refusals_come_at_their_rates(self) -> None:
        r = rule(enforcement_max=0.9, gate_probability=0.5, penalty_rwf=5_000)
        t, f = tallies(), flows()
        n = 6_000
        for ordinal in range(n):
            hh, _ = household(cash=3_000)
            u0, u1, _, _ = draws.block(fixed().key, 5, ordinal, draws.NOBODY, NOW, codes.DRAW_PENALTY, 0)
            start.book_sanction(*start.sanction(hh, u0, u1, 0.8, r), f, t)
        for found, p in ((t[codes.PENALTIES], 0.9 * 0.8 / 12.0), (t[codes.GATE_REFUSALS], 0.5 * 0.8)):
            # four standard errors; a rate 5 % off lies outside for the gate
            assert abs(found / n - p) < 4 * math.sqrt(p * (1 - p) / n)
        # nobody pays more than the cash there is
        assert f[codes.PENALTY] == 3_000 * t[codes.PENALTIES]

    def test_without_capacity_nothing_happens(self) -> None:
        hh, _ = household(cash=3_000)
        assert start.sanction(hh, 2.0**-33, 2.0**-33, 0.0, rule(enforcement_max=1.0)) == (0, 0)


@pytest.mark.parametrize("opens", [NOW, NOW + 1])
def test_trust_moves_only_where_a_scheme_is_open_and_capacity_everywhere(opens: int) -> None:
    sections = record_table(Section, 1)
    for name, value in {"opens": opens, "trust": 0.4, "quality": 0.9, "enforcement": 0.3}.items():
        sections[name] = value
    nobody = state(
        households(0), record_table(Member, (0, codes.MEMBER_SLOTS)), sections, record_table(District, 1)
    )
    r = rule(trust_quality=0.1, mobilisation_effort=1.0, enforcement_growth=0.6)
    month.month_of_section(
        nobody, sections[0], NOW, calendar(), r, r, fixed(), work(), np.zeros(2, dtype=np.int64), strata(),
        flows(), np.zeros(codes.N_STOCKS, dtype=np.int64), tallies(), gauges(),
    )  # fmt: skip
    moved = sections[0]
    assert (moved.trust != 0.4) == (opens == NOW)
    assert moved.enforcement == pytest.approx(0.3 + 0.6 / 12 * 0.7)


def test_people_of_the_month_are_counted_with_their_formal_cover() -> None:
    hhs, sections = households(2), record_table(Section, 1)
    hhs["n_members"], hhs["formal"] = [4, 3], [0, 1]
    world = state(hhs, record_table(Member, (2, codes.MEMBER_SLOTS)), sections, record_table(District, 1))
    row, counted = strata(), tallies()
    assert counting.count_block(world, 0, 2, sections[0], NOW, 1, work(), row, counted) == 0
    assert (counted[codes.PERSON_MONTHS], counted[codes.FORMAL_MONTHS]) == (7, 3)
    of_stratum = row.sum(axis=0)
    assert (of_stratum[codes.S_PERSON_MONTHS], of_stratum[codes.S_FORMAL_MONTHS]) == (7, 3)
    assert counted.sum() == row.sum() == 10


class TestBlock:
    """Counting a block, and what the watched have of it, by hand."""

    def world(self) -> State:
        hhs = households(6)
        hhs["n_members"] = [4, 3, 2, 5, 6, 1]
        hhs["formal"] = [0, 1, 0, 0, 0, 0]
        hhs["n_enrolled"] = [4, 0, 1, 5, 6, 1]
        hhs["cover_from"] = NOW - 3
        # the first and the fourth hold cover, that of the third runs out now, the fifth's has yet to begin
        hhs["cover_until"] = [NOW + 1, 0, NOW, NOW + 9, NOW + 9, NOW + 9]
        hhs["cover_from"][4] = NOW + 1
        hhs["standing"] = codes.STANDING_PAID
        hhs["wish"] = 0.5
        # the last one is gone
        hhs["watched"] = [2, 0, 0, 1, 0, 3]
        hhs["alive"] = [1, 1, 1, 1, 1, 0]
        hhs["contacts"], hhs["away"] = 50, 9
        hhs["quintile"] = [0, 1, 2, 3, 4, 0]
        members = record_table(Member, (6, codes.MEMBER_SLOTS))
        return state(hhs, members, record_table(Section, 1), record_table(District, 1))

    def buffers(self) -> Any:
        buffers = work()
        buffers.episodes[0, :6] = [2, 0, 1, 7, 3, 40]
        buffers.episodes[1, :6] = [1, 5, 0, 2, 0, 40]
        return buffers

    @pytest.mark.parametrize("honoured", [0, 1])
    def test_by_hand(self, honoured: int) -> None:
        world = self.world()
        row, t, buffers = strata(), tallies(), self.buffers()
        wanted = counting.count_block(world, 0, 6, world.sections[0], NOW, honoured, buffers, row, t)
        assert wanted == t[codes.CONTACTS_WANTED] == 2 + 0 + 1 + 7 + 3
        assert t[codes.FORGONE_UNSOUGHT] == 1 + 5 + 2
        assert t[codes.EPISODES] == 21
        assert (t[codes.PERSON_MONTHS], t[codes.FORMAL_MONTHS]) == (20, 3)
        # a household holds a policy whether it is honoured or not
        assert t[codes.HOUSEHOLD_MONTHS_INSURED] == 2
        assert t[codes.INSURED] == world.sections[0].insured == 9 * honoured
        assert world.households["contacts"].tolist() == [2, 0, 1, 7, 3, 0]
        assert world.households["away"].tolist() == [0] * 6
        assert world.households["standing"].tolist() == [
            codes.STANDING_PAID, codes.STANDING_PAID, codes.STANDING_INATTENTIVE, codes.STANDING_PAID,
            codes.STANDING_PAID, codes.STANDING_PAID,
        ]  # fmt: skip
        assert world.households["wish"].tolist() == [0.5, 0.5, 0.0, 0.5, 0.5, 0.5]
        quintiles = by_quintile(row)
        assert quintiles[:, codes.S_PERSON_MONTHS].tolist() == [4, 3, 2, 5, 6]
        assert quintiles[:, codes.S_FORMAL_MONTHS].tolist() == [0, 3, 0, 0, 0]
        assert quintiles[:, codes.S_INSURED_MONTHS].tolist() == [4 * honoured, 0, 0, 5 * honoured, 0]
        assert quintiles[:, codes.S_EPISODES].tolist() == [3, 5, 1, 9, 3]
        assert quintiles[:, codes.S_FORGONE_UNSOUGHT].tolist() == [1, 5, 0, 2, 0]
        self.noted(world, buffers, honoured)

    def noted(self, world: State, buffers: Any, honoured: int) -> None:
        """The first and the fourth household live and are watched, at the second and the first place."""
        watch, places = make_watch(3, 12), np.zeros(8, dtype=np.int64)
        n = notes.list_watched(world.households, 0, 6, places)
        assert places[:n].tolist() == [0, 3]
        counting.note_counted(watch, world.households, 0, n, places, NOW, buffers)
        by_hand = {
            codes.HOUSEHOLD_MONTHS_INSURED: [1, 1],
            codes.PERSON_MONTHS: [5, 4],
            codes.INSURED: [5 * honoured, 4 * honoured],
            codes.EPISODES: [9, 3],
            codes.FORGONE_UNSOUGHT: [2, 1],
            codes.CONTACTS_WANTED: [7, 2],
        }
        for kind in range(codes.N_TALLIES):
            assert watch.tallies[:, kind].tolist() == [*by_hand.get(kind, [0, 0]), 0]
        assert watch.flows.sum() == 0

    def test_the_fullest_block_fits_its_words(self) -> None:
        n = start.BLOCK
        hhs = households(n)
        hhs["n_members"] = hhs["n_enrolled"] = codes.MEMBER_SLOTS
        hhs["formal"] = np.arange(n) % 2
        hhs["cover_until"] = NOW + 1
        world = state(
            hhs, record_table(Member, (n, codes.MEMBER_SLOTS)), record_table(Section, 1),
            record_table(District, 1),
        )  # fmt: skip
        buffers, row = work(), strata()
        buffers.episodes[:2] = need.MOST_EPISODES
        # words left over from the block before
        buffers.by_stratum[:] = 2**62
        counting.count_block(world, 0, n, world.sections[0], NOW, 1, buffers, row, tallies())
        everybody = n * codes.MEMBER_SLOTS
        counts = row.sum(axis=0)
        assert counts[codes.S_PERSON_MONTHS] == counts[codes.S_INSURED_MONTHS] == everybody
        assert counts[codes.S_FORMAL_MONTHS] == everybody // 2
        assert counts[codes.S_FORGONE_UNSOUGHT] == n * need.MOST_EPISODES
        assert counts[codes.S_EPISODES] == 2 * n * need.MOST_EPISODES

    @pytest.mark.parametrize(
        ("next_year", "caught"), [(codes.STANDING_INATTENTIVE, [2]), (codes.STANDING_PAID, [2, 4])]
    )
    def test_mandate_catches_those_without_cover(self, next_year: int, caught: list[int]) -> None:
        # the fifth household's cover begins next month: a waiting period counts as cover, a policy bought
        # ahead for a year that has not begun does not
        world = self.world()
        world.households[4].standing_next = next_year
        world.households["cash"] = 1_000
        world.households["watched"] = [1, 0, 2, 3, 0, 0]
        world = world._replace(watch=make_watch(3, 12))
        r = rule(enforcement_max=1.0, gate_probability=1.0, penalty_rwf=400)
        sec = world.sections[0]
        # certain: a fine's probability is that of a month
        sec.enforcement = 12.0
        t, f = tallies(), flows()
        start.enforce_mandate(world, 0, 6, sec, NOW, r, fixed(), work(), f, t)
        assert np.flatnonzero(world.households["cash"] != 1_000).tolist() == caught
        assert t[codes.PENALTIES] == t[codes.GATE_REFUSALS] == len(caught)
        assert f[codes.PENALTY] == 400 * len(caught)
        # the third household is watched
        watch = world.watch
        assert watch.flows[1, codes.PENALTY] == watch.flows.sum() == 400
        assert watch.tallies[1, [codes.PENALTIES, codes.GATE_REFUSALS]].tolist() == [1, 1]
        assert watch.tallies.sum() == 2

    @pytest.mark.parametrize(("is_open", "registered"), [(1, [1, 4]), (0, [])])
    def test_lists_are_in_order_of_rows(self, is_open: int, registered: list[int]) -> None:
        world = self.world()
        hhs = world.households
        hhs["contacts"], hhs["away"] = [0, 1, 0, 0, 0, 3], [0, 0, 0, 2, 0, 0]
        hhs["loan"], hhs["loan_interest"] = [0, 0, 5, 0, 0, 5], [0, 0, 0, 0, 2, 0]
        world.districts[0].loan_interest = 2
        hhs["subsidised"] = [0, 1, 0, 0, 1, 1]
        hhs["acts"] = 3
        buffers = work()
        buffers.draws[3, :6] = [0.1, 0.9, 0.3, 0.9, 0.29, 0.1]
        # rows of the block before are in the lists already
        for kind in (codes.LIST_PATIENTS, codes.LIST_ACTING, codes.LIST_BORROWERS):
            note_rows(buffers, kind, [77])
        start.take_notice(
            world, 0, 6, world.sections[0], NOW, 0.3, calendar(is_open=is_open),
            rule(subsidy_automatic=1.0), fixed(), buffers,
        )  # fmt: skip

        def rows(kind: int) -> list[int]:
            return [int(h) for h in buffers.lists[kind, : buffers.counts[kind]]]

        attentive = [0, 4]
        assert rows(codes.LIST_ACTING) == [77, *sorted({*attentive, *registered})]
        assert rows(codes.LIST_PATIENTS) == [77, 1, 3]
        assert rows(codes.LIST_BORROWERS) == [77, 2, 4]
        assert hhs["acts"].tolist() == [
            *(start.ATTENTIVE * (h in attentive) + start.REGISTERED * (h in registered) for h in range(5)), 3,
        ]  # fmt: skip

    def test_who_owes_nothing_is_not_looked_for(self) -> None:
        # loans of a district that has none
        world = self.world()
        world.households["loan"] = 5
        buffers = work()
        start.take_notice(
            world, 0, 6, world.sections[0], NOW, 0.3, calendar(), rule(), fixed(), buffers
        )  # fmt: skip
        assert buffers.counts[codes.LIST_BORROWERS] == 0

    def test_unsought_episodes_are_explained_in_the_anniversary_month(self) -> None:
        explained = []
        for ordinal in range(12):
            world = self.world()
            world.households[0] = household(ordinal=ordinal, rate_other=6.0)[0]
            world.sections[0].number = 3
            world.districts[0].illness = 1.0
            g = gauges()
            update(world.sections[0], end=1, limit=1)
            start.explain_month(world, world.sections[0], NOW, 1.0, rule(), work(), g)
            explained.append(bool(g.sum() > 0))
        assert explained == [(3 + ordinal) % 12 == NOW % 12 for ordinal in range(12)]


def country(**sections: list[int]) -> State:
    """Two districts, of two sections and of one, without households; columns of sections as given."""
    ss = record_table(Section, 3)
    ss["number"], ss["district"] = [3, 4, 5], [0, 0, 1]
    for name in ("premium_factor", "distance_scale", "stock", "effort", "staffing"):
        ss[name] = 1.0
    for name, values in sections.items():
        ss[name] = values
    dd = record_table(District, 2)
    dd["number"], dd["first_section"], dd["end_section"] = [0, 1], [0, 2], [2, 3]
    dd["harvest"] = dd["illness"] = 1.0
    return state(households(0), record_table(Member, (0, codes.MEMBER_SLOTS)), ss, dd)


def of_districts(n: int) -> Any:
    return np.zeros((2, n), dtype=np.int64)


class TestFundPools:
    def fund(self, s: State, hospital: Any, insured: list[int], **rules: Any) -> tuple[Any, Any]:
        f, t = of_districts(codes.N_FLOWS), of_districts(codes.N_TALLIES)
        t[:, codes.INSURED] = insured
        month.fund_pools(s, rule(**rules), hospital, f, t)
        return f, t

    def test_donors_pay_by_people_and_pools_are_fed_by_members(self) -> None:
        s = country(persons=[60, 40, 300])
        s.districts["formal_contributions"] = [1_000, 0]
        f, _ = self.fund(
            s, np.array([[0, 0], [0, 0]]), [50, 10], donor_budget_rwf=2.5, assistance_rwf=0.5,
            pool_grant_rwf=1_200.0, pool_grant_donor_rwf=600.0, levy_share=0.05,
        )  # fmt: skip
        # budget support and assistance by everybody who lives there, a month
        assert f[:, codes.BUDGET_SUPPORT].tolist() == [250, 750]
        assert f[:, codes.ASSISTANCE].tolist() == [50, 150]
        # grants by members, a twelfth of a year; the levy by what formal households contributed
        assert f[:, codes.POOL_GRANT].tolist() == [5_000, 1_000]
        assert f[:, codes.POOL_GRANT_DONOR].tolist() == [2_500, 500]
        assert f[:, codes.LEVY].tolist() == [50, 0]
        assert s.districts["pool"].tolist() == [7_550, 1_500]
        assert s.districts["insured"].tolist() == [50, 10]
        # the base of the levy is the month's
        assert s.districts["formal_contributions"].tolist() == [0, 0]

    def test_hospitals_get_what_patients_paid_and_pools_learn_the_bills(self) -> None:
        s = country()
        s.districts["hospital_cash"] = [5, 6]
        s.districts["claims_month"] = [999, 999]
        self.fund(s, np.array([[800, 70], [0, 9]]), [0, 0])
        assert s.districts["claims_month"].tolist() == [800, 0]
        assert s.districts["hospital_cash"].tolist() == [75, 15]

    def test_without_pools_nothing_is_fed(self) -> None:
        s = country()
        f, _ = self.fund(s, of_districts(2), [50, 10], pool_grant_rwf=1_200.0, sections_pay_hospital=1)
        assert f.sum() == 0
        assert s.districts["pool"].tolist() == [0, 0]

    def test_sections_clear_what_they_owe_each_other_within_a_district(self) -> None:
        s = country(fund=[200, 0, 500], owes=[300, 0, 0], owed=[0, 300, 0])
        _, t = self.fund(s, of_districts(2), [0, 0])
        assert s.sections["fund"].tolist() == [0, 200, 500]
        assert s.sections["owes"].tolist() == [100, 0, 0]
        assert s.sections["owed"].tolist() == [0, 100, 0]
        assert t[:, codes.PORTABLE_SETTLED].tolist() == [200, 0]


class TestCloseOfMonth:
    def close(self, s: State, **rules: Any) -> tuple[Any, Any]:
        f, stocks = of_districts(codes.N_FLOWS), of_districts(codes.N_STOCKS)
        month.close_district_month(s, rule(**rules), f, stocks)
        return f, stocks

    def test_sections_are_added_up_and_visitors_wait_in_the_till(self) -> None:
        s = country(
            fund=[10, 20, 40], health_centre_cash=[100, 200, 400], visitor_cash=[1, 2, 4],
            payables=[1_000, 2_000, 4_000], visitor_claims=[5, 6, 7], payables_hospital=[11, 12, 13],
            owes=[21, 22, 23], owed=[43, 0, 23], pool_owes=[31, 32, 33],
        )  # fmt: skip
        _, stocks = self.close(s)
        assert stocks[:, codes.SECTION_FUNDS].tolist() == [30, 40]
        # what visitors of the month paid is the centre's, though it enters the till in the next
        assert stocks[:, codes.HEALTH_CENTRES].tolist() == [303, 404]
        assert stocks[:, codes.STOCK_PAYABLES_SECTION].tolist() == [3_011, 4_007]
        assert stocks[:, codes.STOCK_PAYABLES_SECTION_HOSPITAL].tolist() == [23, 13]
        assert stocks[:, codes.STOCK_OWED_BETWEEN_SECTIONS].tolist() == [43, 23]
        assert stocks[:, codes.STOCK_POOL_OWES_CENTRES].tolist() == [63, 33]

    def test_districts_pools_hospitals_and_lenders(self) -> None:
        s = country()
        s.districts["pool"], s.districts["payables"] = [7, 8], [70, 80]
        s.districts["hospital_cash"] = [100, 1_000]
        s.districts["lender_cash"], s.districts["borrowing"] = [50, 60], [3, 4]
        f, stocks = self.close(s, running_cost_share=0.25)
        assert stocks[:, codes.POOLS].tolist() == [7, 8]
        assert stocks[:, codes.STOCK_PAYABLES_POOL].tolist() == [70, 80]
        # hospitals spend a quarter first
        assert f[:, codes.RUNNING_COST_HOSPITAL].tolist() == [25, 250]
        assert stocks[:, codes.HOSPITALS].tolist() == [75, 750]
        # a lender that has not opened pays nothing
        assert stocks[:, codes.LENDERS].tolist() == [50, 60]
        assert stocks[:, codes.STOCK_LENDER_BORROWING].tolist() == [3, 4]

    def test_an_open_lender_settles_first(self) -> None:
        s = country()
        s.districts["lender_open"] = 1
        s.districts["lender_cash"], s.districts["borrowing"] = [1_000, 1_000], [600, 0]
        f, stocks = self.close(
            s, lender_borrowing_interest=0.12, lender_operating_cost=0.0, lender_liquidity_share=0.0
        )
        # a month's interest on 600 is 6; all that it owes is repaid from the rest
        assert f[:, codes.LENDER_INTEREST].tolist() == [6, 0]
        assert f[:, codes.LENDER_REPAYMENT].tolist() == [600, 0]
        assert stocks[:, codes.LENDERS].tolist() == [394, 1_000]
        assert stocks[:, codes.STOCK_LENDER_BORROWING].tolist() == [0, 0]

    def test_the_national_pool_stands_beside_the_first_district(self) -> None:
        s = country()
        s.nation[0].pool = 12_345
        _, stocks = self.close(s)
        assert stocks[:, codes.NATIONAL_POOL].tolist() == [12_345, 0]


def test_net_positions_follow_flows_of_every_kind() -> None:
    """One franc of each kind: a sector without accounts gains what it receives and loses what it pays."""
    outside = np.arange(2 * codes.N_SECTORS).reshape(2, codes.N_SECTORS)
    before = outside.copy()
    f, stocks = of_districts(codes.N_FLOWS), of_districts(codes.N_STOCKS)
    f[1] = 10 ** np.arange(codes.N_FLOWS) % 1_000_003
    month.book_outside(outside, f, stocks)
    assert (outside[0] == before[0]).all()
    for sector in range(codes.N_SECTORS):
        gained = sum(int(f[1, kind]) for kind, flow in enumerate(codes.FLOWS) if flow[2] == sector)
        paid = sum(int(f[1, kind]) for kind, flow in enumerate(codes.FLOWS) if flow[1] == sector)
        moved = outside[1, sector] - before[1, sector]
        if sector < codes.GOVERNMENT:
            assert moved == stocks[1, sector] == 0
        else:
            assert moved == gained - paid
            assert stocks[1, sector] == outside[1, sector]


class TestStartOfMonth:
    def start(self, s: State, cal: Any, r: Any, price_rule: Any = None, now: int = NOW) -> tuple[Any, Any]:
        f, t = of_districts(codes.N_FLOWS), of_districts(codes.N_TALLIES)
        month.start_country_month(
            s, now, cal, r, r if price_rule is None else price_rule, fixed(), work(), f, t
        )
        return f, t

    def test_last_months_visitors_are_booked(self) -> None:
        s = country(
            visitor_cash=[5, 0, 7], visitor_claims=[50, 0, 70], visitors=[1, 0, 2],
            health_centre_cash=[100, 100, 100],
        )  # fmt: skip
        self.start(s, calendar(), rule())
        assert s.sections["health_centre_cash"].tolist() == [105, 100, 107]
        assert s.sections["visitor_claims_before"].tolist() == [50, 0, 70]
        assert s.sections["visitors_before"].tolist() == [1, 0, 2]
        for name in ("visitor_cash", "visitor_claims", "visitors"):
            assert s.sections[name].tolist() == [0, 0, 0], name

    def test_lenders_open_once_with_equity_by_people_and_set_their_lines(self) -> None:
        s = country(persons=[60, 40, 300])
        r = rule(
            loans_offered=1, lender_equity_rwf=10.0, lender_capital_ratio=0.5, lender_borrowing_limit=0.0
        )
        f, _ = self.start(s, calendar(), r)
        assert f[:, codes.LENDER_EQUITY].tolist() == [1_000, 3_000]
        assert s.districts["lender_cash"].tolist() == [1_000, 3_000]
        # all cash, by people
        assert s.sections["credit_line"].tolist() == [600, 400, 3_000]
        assert s.sections["credit_share"].tolist() == [1.0] * 3
        f, _ = self.start(s, calendar(), r)
        assert f[:, codes.LENDER_EQUITY].tolist() == [0, 0]

    def test_luck_is_drawn_with_the_year(self) -> None:
        s = country()
        self.start(s, calendar(), rule(harvest_sd=0.2))
        assert s.districts["credit_luck"].tolist() == [0.0, 0.0]
        assert s.districts["harvest"].tolist() == [1.0, 1.0]
        self.start(s, calendar(new_year=1), rule(harvest_sd=0.2))
        assert len(set(s.districts["credit_luck"])) == 2
        assert not (s.districts["harvest"] == 1.0).any()

    def test_premiums_are_set_by_the_rules_of_the_year_on_sale(self) -> None:
        """Back at the schedule, in the months in which premiums are set and in no other."""
        for sets, expected in ((0, 1.5), (1, 1.0)):
            s = country(premium_factor=[1.5] * 3, claims_year=[100] * 3, member_months=[10] * 3)
            now, priced = rule(premium_break_even=1), rule(premium_break_even=0)
            self.start(s, calendar(sets_premium=sets), now, priced)
            assert s.sections["premium_factor"].tolist() == [expected] * 3
            # experience counts from then on anew
            assert s.sections["claims_year"].tolist() == [0 if sets else 100] * 3
        assert s.nation[0].claims_per_member_month == pytest.approx(10.0)

    def test_reinsurers_and_posting_have_their_year_in_january(self) -> None:
        """A run that begins in June draws its luck then, and waits for January with all else of a year."""
        r = rule(stop_loss=1, stop_loss_retention=1.25, quota_share=0.0, posting_response=0.5)
        january = NOW - NOW % 12 + 12
        cost = float(r.cost_outpatient_rwf)
        for now, rate in ((NOW, [0.0, 0.0, 0.0]), (january, [100.0, 0.0, 0.0])):
            s = country(
                stop_loss_claims=[12_000, 0, 0], stop_loss_months=[120, 0, 0],
                stop_loss_cost=[120 * cost, 0.0, 0.0], load=[2.0, 1.0, 1.0], persons=[100, 100, 100],
            )  # fmt: skip
            self.start(s, calendar(new_year=1), r, now=now)
            assert s.sections["stop_loss_rate"].tolist() == pytest.approx(rate)
            moved = s.sections["staffing"]
            assert (moved[0] > 1.0 > moved[1]) == (now == january)
            assert moved.sum() == pytest.approx(3.0)

    def test_one_pool_lends_each_district_its_part_by_people(self) -> None:
        s = country(persons=[60, 40, 300])
        s.districts["pool"], s.districts["pool_credit"] = [8_000, 0], [77, 77]
        self.start(s, calendar(), rule(national_pool=1))
        # of 8,000 that the first district holds a quarter is its own
        assert (s.districts["pool"] + s.districts["pool_credit"]).tolist() == [2_000, 6_000]
        self.start(s, calendar(), rule(national_pool=0))
        assert s.districts["pool_credit"].tolist() == [0, 0]


class TestTreatment:
    def test_visitors_claims_of_the_month_before_are_approved_with_the_months_own(self) -> None:
        s = country(visitor_claims_before=[400, 0, 0], fund=[1_000, 0, 0], opens=[NOW + 1] * 3)
        f, t, g = flows(), tallies(), gauges()
        month.treat_section(
            s, s.sections[0], NOW, 0, 0, 1.0, rule(processing_share=0.75), fixed(), work(),
            np.zeros(2, dtype=np.int64), strata(), f, t, g,
        )  # fmt: skip
        # three quarters of 400 are processed at once
        assert f[codes.CLAIMS_OUTPATIENT] == 300
        assert (s.sections[0].payables, s.sections[0].fund) == (100, 700)

    @pytest.mark.parametrize("opens", [NOW, NOW + 1])
    def test_capacity_of_a_scheme_grows_only_where_there_is_one(self, opens: int) -> None:
        s = country(opens=[opens] * 3)
        month.treat_section(
            s, s.sections[0], NOW, 0, 0, 1.0, rule(assistance_gain=0.1, capacity_decay=0.0), fixed(), work(),
            np.zeros(2, dtype=np.int64), strata(), flows(), tallies(), gauges(),
        )  # fmt: skip
        assert s.sections[0].capacity == (0.1 if opens == NOW else 0.0)

    def test_salaries_are_those_of_public_posts(self) -> None:
        s = country(persons=[1_000] * 3, own_posts=[2] * 3)
        s.sections["staffing"] = 0.5
        f, g = flows(), gauges()
        month.treat_section(
            s, s.sections[0], NOW, 0, 0, 1.0, rule(clinicians_per_person=0.004, salary_rwf=100.0), fixed(),
            work(), np.zeros(2, dtype=np.int64), strata(), f, tallies(), g,
        )  # fmt: skip
        # two of the state's posts; the centre pays its own two
        assert g[codes.GAUGE_CLINICIANS] == pytest.approx(2.0)
        assert f[codes.SALARIES] == 200


class TestSale:
    """A household that the authorities register at no cost joins; the month's premium is divided."""

    def sell(self, noted: Sequence[int] = (0,), **rules: Any) -> tuple[Any, State]:
        hh, mm = household(
            subsidised=1, acts=start.REGISTERED, category=codes.POOREST, listed_category=codes.POOREST
        )
        s = country(end=[1, 0, 0], limit=[1, 0, 0], subsidy_left=[100_000, 0, 0], fund=[7_000, 0, 0])
        hhs, mms = households(1), record_table(Member, (1, codes.MEMBER_SLOTS))
        hhs[0], mms[0] = hh, mm
        s = s._replace(households=hhs, members=mms)
        r = rule(
            premium_poorest_rwf=1_000, subsidy_state_share=0.5, subsidy_donor_share=0.2,
            subsidy_pool_share=0.0, admin_share=0.1, pool_share=0.2, national_share=0.05,
            quota_share=0.15, waiting_months=0, **rules,
        )  # fmt: skip
        f = flows()
        acting = note_rows(work(), codes.LIST_ACTING, noted)
        month.sell_cover(
            s, s.sections[0], NOW, 1.0, calendar(), r, r, fixed(), acting, strata(), f, tallies(), gauges()
        )
        return f, s

    def test_sponsors_pay_and_the_income_of_the_month_is_shared_out(self) -> None:
        f, s = self.sell()
        # four people at 1,000: half by the state, a fifth by donors, the rest by NGOs
        assert (f[codes.SUBSIDY_STATE], f[codes.SUBSIDY_DONOR], f[codes.SUBSIDY_NGO]) == (2_000, 800, 1_200)
        # of the 4,000 received, not of the 11,000 in the fund
        assert f[codes.ADMINISTRATION] == 400
        assert (f[codes.POOL_SHARE], s.districts[0].pool) == (800, 800)
        assert (f[codes.NATIONAL_SHARE], s.nation[0].pool) == (200, 200)
        # 15 % of the 2,600 that are left
        assert f[codes.REINSURANCE_PREMIUM] == 390
        assert s.sections[0].fund == 7_000 + 4_000 - 1_790
        assert s.households[0].cover_until == NOW + 13

    def test_only_who_is_noted_as_acting_is_sold_to(self) -> None:
        f, s = self.sell(noted=[])
        assert (f.sum(), s.sections[0].fund, s.households[0].cover_until) == (0, 7_000, 0)

    def test_registration_at_no_cost_needs_no_association(self) -> None:
        f, _ = self.sell(group_required=1)
        assert f[codes.SUBSIDY_STATE] == 2_000


def test_saving_for_a_premium_by_hand() -> None:
    r = rule(
        shock_sd=0.0, season=1.0, buffer_months=0.5, consumption_share=0.8, premium_saving_share=0.4,
        repayment_share=0.0,
    )  # fmt: skip
    spent = {}
    for standing in (codes.STANDING_PAID, codes.STANDING_UNAFFORDABLE):
        hh, _ = household(cash=10_000, income=20_000, standing=standing)
        f = flows()
        live_a_month(hh, r, 1.0, 0.5, f)
        spent[standing] = int(f[codes.CONSUMPTION])
    # 30,000 in hand, 20,000 above the buffer; 80 % of it, or 60 % of that
    assert spent == {codes.STANDING_PAID: 16_000, codes.STANDING_UNAFFORDABLE: 9_600}


def test_a_household_is_listed_by_its_middle_person() -> None:
    hhs = households(4)
    hhs["n_members"] = 2
    hhs["z"] = [-1.0, 0.0, 1.0, 2.0]
    # the second household stands from the third to the fourth of eight people, its middle at three
    for share, expected in ((3.02 / 8, codes.POOREST), (2.98 / 8, codes.MIDDLE)):
        r = rule(list_noise=0.0, poorest_share=share, rich_share=0.0)
        targeting.draw_up_list(hhs, section(first=0, end=4, limit=4), NOW, r, fixed())
        assert hhs["listed_category"].tolist() == [
            codes.POOREST, expected, codes.MIDDLE, codes.MIDDLE,
        ]  # fmt: skip


def test_a_child_dies_before_five_as_often_as_the_table_says() -> None:
    """The reference, an assumption, gives an under-five mortality of 142 per thousand births."""
    survival = np.prod([1.0 - demography.yearly_death_probability(age) for age in range(5)])
    assert 1000 * (1 - survival) == pytest.approx(142, abs=3)
