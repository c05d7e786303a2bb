"""What each partner does, in whole runs on common random numbers: the direction of every effect."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from cbhi import Results, Scenario, simulate
from cbhi.checks import check_all
from cbhi.kernels import codes as c
from cbhi.months import parse_month

HOUSEHOLDS = 3000
# poor people, a premium that many cannot pay at once, and the wish to join
WORLD = {
    "switches.rollout": False,
    "switches.formal_sector": False,
    "enrolment.intercept": 1.0,
    "enrolment.attention_per_month": 0.6,
    "scheme.premium_rwf": {"poorest": 3000, "middle": 3000, "rich": 3000},
    "income.mean_consumption_rwf": 120_000.0,
    "income.premium_saving_share": 0.0,
    "population.group_share": 1.0,
}


def world(**changes: Any) -> Scenario:
    values = {**WORLD, **{key.replace("__", "."): value for key, value in changes.items()}}
    return Scenario(name="world", start=parse_month("2010-01"), end=parse_month("2012-12"), values=values)


def run(households: int = HOUSEHOLDS, **changes: Any) -> Results:
    results = simulate(world(**changes), households=households, replicates=3, seed=5)
    check_all(results)
    return results


def total(results: Results, *tallies: int) -> int:
    return int(results.arrays.tallies[..., list(tallies)].sum())


def paid(results: Results, *flows: int) -> int:
    return int(results.arrays.flows[..., list(flows)].sum())


def coverage(results: Results) -> float:
    """Mean coverage at the close of the years."""
    return float(results.values("coverage_end_share").mean())


class TestLenders:
    def test_loans_bring_in_households_without_cash(self) -> None:
        without, with_loans = run(), run(loans__offered=True, loans__equity_rwf_per_person=1e4)
        assert coverage(with_loans) > coverage(without) + 0.03
        assert total(without, c.LOANS, c.PERSONS_BY_LOAN) == 0
        poorest = [
            r.values("coverage_end_share", by="quintile").mean(axis=(0, 1)) for r in (without, with_loans)
        ]
        gain = poorest[1] - poorest[0]
        # who has cash needs no loan
        assert gain[0] > gain[4] + 0.02

    def test_dearer_loans_are_taken_less(self) -> None:
        cheap = run(loans__offered=True, loans__equity_rwf_per_person=1e4, loans__interest_share_per_year=0.0)
        dear = run(loans__offered=True, loans__equity_rwf_per_person=1e4, loans__interest_share_per_year=3.0)
        assert 0 < total(dear, c.LOANS) < 0.95 * total(cheap, c.LOANS)

    def test_a_lender_without_capital_lends_nothing(self) -> None:
        results = run(loans__offered=True, loans__equity_rwf_per_person=0.0, groups__savings=False)
        assert total(results, c.LOANS_REFUSED) > 0
        assert total(results, c.LOANS) == 0

    def test_credit_is_rationed_by_capital_and_to_the_franc(self) -> None:
        tight = run(loans__offered=True, loans__equity_rwf_per_person=2.0)
        loose = run(loans__offered=True, loans__equity_rwf_per_person=1e4)
        assert 0 < total(tight, c.LOANS) < 0.5 * total(loose, c.LOANS)
        a = tight.arrays
        loans = a.stocks[:, 1:, :, c.STOCK_LOANS]
        borrowing = a.stocks[:, 1:, :, c.STOCK_LENDER_BORROWING]
        equity = (
            a.stocks[:, 1:, :, c.LENDERS] + loans - a.stocks[:, 1:, :, c.STOCK_GROUP_DEPOSITS] - borrowing
        )
        # what was lent in a month was within 1 / 0.15 of the equity before it; equity only falls by losses
        lent = a.flows[..., c.LOAN] > 0
        before = np.concatenate([np.zeros_like(equity[:, :1]), equity[:, :-1]], axis=1)
        before = np.maximum(before, a.flows[..., c.LENDER_EQUITY])
        assert (0.15 * loans[lent] <= before[lent] + 1).all()

    def test_scarce_credit_goes_by_lot_and_not_by_row(self) -> None:
        # all ask in the one month in which cover is sold
        season: dict[str, Any] = {
            "scheme__calendar": "fixed", "scheme__open_months_before": 0, "scheme__open_months_after": 1,
            "enrolment__attention_per_month": 1.0, "switches__demography": False, "loans__months": 6,
        }  # fmt: skip
        r = run(households=6000, loans__offered=True, loans__equity_rwf_per_person=60.0, **season)
        assert 0.2 < r.values("loans_refused_share")[:, 0].mean() < 0.9
        lines = r.arrays.flows[..., c.LOAN].sum()
        # the line is used up, as far as whole loans fit into it
        tight = run(households=6000, loans__offered=True, loans__equity_rwf_per_person=30.0, **season)
        assert tight.arrays.flows[..., c.LOAN].sum() < 0.75 * lines

    def test_insolvent_lenders_get_no_deposits(self) -> None:
        r = run(loans__offered=True, loans__equity_rwf_per_person=0.0, groups__savings=True)
        assert paid(r, c.GROUP_SAVING) > 0 == paid(r, c.GROUP_DEPOSIT)

    def test_losses_eat_the_lender_and_interest_feeds_it(self) -> None:
        def equity(**changes: Any) -> float:
            results = run(loans__offered=True, loans__equity_rwf_per_person=1e3, **changes)
            return float(results.values("lender_equity_rwf")[:, -1].mean())

        start = equity(loans__default_share=0.0, loans__exclusion_value_months=1000.0)
        assert equity(loans__default_share=0.5, loans__exclusion_value_months=1000.0) < start
        assert equity(loans__interest_share_per_year=2.0, loans__exclusion_value_months=1000.0) > start

    def test_cover_that_pays_bills_lowers_default(self) -> None:
        # cash-driven default only: nobody defaults at will or by luck; bills empty the purse
        common: dict[str, Any] = {
            "loans__offered": True,
            "loans__equity_rwf_per_person": 1e4,
            "loans__default_share": 0.0,
            "loans__exclusion_value_months": 1000.0,
            "loans__default_after_months": 1,
            "switches__informal_debt": False,
            "switches__quality": False,
            "switches__rationing": False,
            "care__need_per_person_year": 20.0,
            "care__seek_intercept": 3.0,
            "care__seek_price": 0.0,
            "enrolment__price_slope": 0.0,
            "fund__pool_grant_rwf": 50_000.0,
            "switches__arrears_feedback": False,
        }
        worthless = run(care__copayment_rwf=1_000_000, care__coinsurance_share=1.0, **common)
        free = run(care__copayment_rwf=0, care__coinsurance_share=0.0, **common)
        rates = [total(r, c.LOAN_DEFAULTS) / total(r, c.LOAN_MONTHS) for r in (worthless, free)]
        assert total(free, c.LOANS) > 300
        assert rates[1] < 0.7 * rates[0]

    def test_a_penalty_nobody_fears_and_one_everybody_fears(self) -> None:
        common = {"loans__offered": True, "loans__equity_rwf_per_person": 1e4, "loans__default_share": 0.0}
        fearless = run(loans__exclusion_value_months=0.0, **common)
        assert total(fearless, c.LOAN_DEFAULTS_STRATEGIC) == total(fearless, c.LOAN_DEFAULTS) > 0
        # all default with the first instalment; only estates repay
        assert paid(fearless, c.LOAN_REPAYMENT) < 0.01 * paid(fearless, c.LOAN)
        fearful = run(loans__exclusion_value_months=1000.0, **common)
        assert total(fearful, c.LOAN_DEFAULTS_STRATEGIC) < 0.01 * total(fearful, c.LOANS)


class TestAssociations:
    def test_savings_bring_in_households_without_cash(self) -> None:
        with_savings = run(groups__savings=True, groups__pay_together=False)
        assert coverage(with_savings) > coverage(run()) + 0.005
        assert total(with_savings, c.PERSONS_BY_GROUP) > 0

    def test_larger_weekly_sums_pay_for_more(self) -> None:
        small, large = (run(groups__savings=True, groups__weekly_rwf=w) for w in (20.0, 300.0))
        assert total(large, c.PERSONS_BY_GROUP) > 1.5 * total(small, c.PERSONS_BY_GROUP)

    def test_paying_for_all_at_once_takes_longer(self) -> None:
        together, in_turn = (run(groups__savings=True, groups__pay_together=p) for p in (True, False))
        assert total(together, c.PERSONS_BY_GROUP) < total(in_turn, c.PERSONS_BY_GROUP)

    def test_a_higher_threshold_passes_fewer_votes(self) -> None:
        shares = []
        for threshold in (0.3, 0.6, 0.9):
            r = run(
                scheme__enrolment_unit="group",
                groups__vote_threshold=threshold,
                scheme__calendar="fixed",
            )
            shares.append(total(r, c.GROUP_VOTES_PASSED) / total(r, c.GROUP_VOTES))
        assert shares[0] > shares[1] + 0.05 > shares[2] + 0.1

    def test_only_members_of_associations_join_where_they_are_required(self) -> None:
        # associations are too large ever to form, and there are none
        nobody = run(groups__required=True, population__group_share=0.0, groups__forming_size=500)
        assert total(nobody, c.ENROLMENTS, c.GROUPS_FORMED) == 0
        some = run(groups__required=True, population__group_share=0.0, groups__forming_size=5)
        assert total(some, c.GROUPS_FORMED) > 0
        assert 0.1 < coverage(some) < coverage(run())

    def test_a_minimum_that_is_never_met_closes_associations(self) -> None:
        closed = run(groups__minimum_share=1.0, enrolment__intercept=-2.0, scheme__calendar="fixed")
        open_ = run(enrolment__intercept=-2.0, scheme__calendar="fixed")
        assert coverage(closed) < 0.5 * coverage(open_)


class TestTargeting:
    @staticmethod
    def errors(targeting: str, **changes: Any) -> tuple[float, float]:
        r = run(
            subsidy__offered=True,
            subsidy__slots_share=0.2,
            subsidy__targeting=targeting,
            subsidy__capture_share=changes.pop("capture", 0.0),
            **changes,
        )
        return (
            float(r.values("exclusion_error_share").mean()),
            float(r.values("targeting_cgh_ratio").mean()),
        )

    def test_better_information_finds_more_of_the_poor(self) -> None:
        sharp = self.errors("proxy_means", subsidy__proxy_r2=0.9)
        usual = self.errors("community")
        drawn = self.errors("random")
        merit = self.errors("merit", subsidy__merit_correlation=0.6)
        assert sharp[0] < usual[0] < drawn[0] < merit[0]
        assert sharp[1] > usual[1] > drawn[1] > merit[1]
        # a lottery gives the poorest two fifths their share
        assert drawn[1] == pytest.approx(1.0, abs=0.05)

    def test_training_helps_the_poor_to_win_and_consultants_the_others(self) -> None:
        plain = self.errors("merit")[1]
        assert self.errors("merit", subsidy__training=3.0)[1] > plain + 0.1
        assert (
            self.errors("merit", subsidy__consultant_share=0.8, subsidy__consultant_boost=3.0)[1]
            < plain - 0.1
        )

    def test_capture_takes_slots_from_the_poor(self) -> None:
        honest, captured = self.errors("community"), self.errors("community", capture=0.4)
        assert captured[1] < honest[1] - 0.1

    def test_everybody_has_a_slot_under_universal_subsidies(self) -> None:
        r = run(subsidy__offered=True, subsidy__slots_share=0.2, subsidy__targeting="universal")
        # but households founded since the slots were allotted
        assert r.values("subsidised_share")[:, -1].mean() > 0.95

    def test_the_state_s_budget_limits_slots(self) -> None:
        paid_by_state: dict[str, Any] = dict(
            subsidy__offered=True,
            subsidy__slots_share=0.5,
            subsidy__state_share=1.0,
            subsidy__donor_share=0.0,
        )
        free = run(**paid_by_state)
        # 3,000 RWF buy one place: 300 RWF a person buy places for a tenth
        capped = run(subsidy__state_budget_rwf_per_person=300.0, **paid_by_state)
        assert free.values("subsidised_share").mean() == pytest.approx(0.5, abs=0.03)
        assert capped.values("subsidised_share").mean() == pytest.approx(0.1, abs=0.01)


class TestProviders:
    def test_frozen_supply_serves_fewer_as_people_grow(self) -> None:
        growing: dict[str, Any] = {
            "provider__clinicians": {"2010-01": 4000.0, "2012-12": 12_000.0},
            "population__persons": {"2010-01": 10e6, "2012-12": 11e6},
        }
        with_growth, frozen = run(**growing), run(switches__supply_growth=False, **growing)
        visits = [r.values("visits_per_person_year")[:, -1].mean() for r in (with_growth, frozen)]
        assert visits[1] < visits[0]
        assert frozen.values("clinicians_per_1000")[:, -1].mean() == pytest.approx(
            4000 / 11e6 * 1000, rel=0.03
        )

    def test_effort_rises_with_the_payment(self) -> None:
        efforts = [
            run(provider__performance_rwf=rwf).values("provider_effort")[:, -1].mean()
            for rwf in (1.0, 50.0, 500.0)
        ]
        assert efforts[0] < 0.62 < 0.7 < efforts[1] < 0.78 < efforts[2] < 0.9

    def test_pay_for_performance_raises_effort_and_quality(self) -> None:
        paid_for, not_paid = run(provider__performance_rwf=100.0), run()
        for name in ("provider_effort", "quality"):
            assert (paid_for.values(name)[:, -1] > not_paid.values(name)[:, -1]).all()
        assert paid(not_paid, c.PERFORMANCE_STATE, c.PERFORMANCE_DONOR) == 0

    def test_empty_tills_empty_shelves(self) -> None:
        # members' bills are not paid, and members are not turned away for it
        broke: dict[str, Any] = {
            "fund__administration_share": 1.0,
            "fund__refusal_slope": 0.0,
            "provider__drug_cost_share": 0.8,
        }
        results = run(**broke)
        assert results.values("drug_stock")[:, -1].mean() < 0.6
        assert results.values("arrears_months")[:, -1].mean() > 3
        assert (run(switches__arrears_feedback=False, **broke).values("drug_stock") == 1.0).all()

    def test_items_are_induced_by_the_fee_only(self) -> None:
        eager = {"provider__induced_share": 1.0, "provider__target_visits_per_person": 50.0}
        by_fee, by_case = run(**eager), run(provider__payment="case", **eager)
        assert total(by_fee, c.INDUCED_RWF) > 0.2 * total(by_fee, c.CLAIMS_APPROVED_SECTION)
        assert total(by_case, c.INDUCED_RWF) == 0
        assert total(by_case, c.UPCODED_RWF) > 0

    def test_capitation_pays_by_member_and_refers_more(self) -> None:
        by_head, by_fee = run(provider__payment="capitation"), run()
        months = total(by_head, c.INSURED)
        # 1,000 RWF a year in prices of 2011, growing by 9 %
        assert total(by_head, c.CAPITATION_BILLED) == pytest.approx(months * 1000 / 12, rel=0.1)
        rates = [total(r, c.ADMISSIONS) / total(r, c.VISITS_INSURED) for r in (by_head, by_fee)]
        assert rates[0] > rates[1]

    def test_claims_for_visitors_are_settled_between_sections(self) -> None:
        changes = {
            "population__districts": 1,
            "rollout__pilot_districts": 1,
            "scheme__portability_share": 0.3,
        }
        results = run(**changes)
        elsewhere = total(results, c.VISITS_ELSEWHERE) / total(results, c.VISITS_INSURED)
        assert elsewhere == pytest.approx(0.3, abs=0.02)
        assert total(results, c.PORTABLE_SETTLED) > 0.8 * total(results, c.PORTABLE_CLAIMS) > 0


class TestPools:
    def test_without_pools_sections_pay_the_hospital(self) -> None:
        alone, pooled = run(switches__pooling=False), run()
        assert paid(alone, c.CLAIMS_HOSPITAL_SECTION) > 0
        assert paid(alone, c.CLAIMS_HOSPITAL, c.POOL_SHARE, c.POOL_GRANT) == 0
        assert paid(pooled, c.CLAIMS_HOSPITAL_SECTION) == 0

    def test_larger_pools_have_steadier_accounts(self) -> None:
        # twelve sections alone, or one fund for all: claims per member vary less
        changes: dict[str, Any] = dict(
            population__districts=12,
            rollout__pilot_districts=0,
            rollout__pilot_sections=0,
            switches__common_shocks=False,
            fund__pool_share=0.9,
            fund__administration_share=0.0,
            fund__pool_pays_outpatient=True,
        )
        apart, one = run(**changes), run(fund__national_pool=True, **changes)
        late = [r.values("arrears_months", by="district", every="month").max() for r in (apart, one)]
        assert late[1] <= late[0]

    def test_equalisation_moves_money_to_dear_districts_and_keeps_none(self) -> None:
        r = run(
            fund__equalisation_share=1.0, fund__pool_share=0.4, population__districts=6,
            rollout__pilot_districts=0, rollout__pilot_sections=0, provider__staffing_log_sd=1.0,
        )  # fmt: skip
        given_, received = paid(r, c.EQUALISATION_PAID), paid(r, c.EQUALISATION_RECEIVED)
        assert given_ > 0
        assert 0.95 * given_ <= received <= given_

    def test_reinsurance_costs_on_average_what_it_is_loaded_with(self) -> None:
        r = run(fund__quota_share=0.5, fund__pool_share=0.0)
        # half the premiums left for claims, for half the claims
        left = paid(r, c.CONTRIBUTION, c.GROUP_CONTRIBUTION) - paid(r, c.ADMINISTRATION)
        assert paid(r, c.REINSURANCE_PREMIUM) == pytest.approx(0.5 * left, rel=0.01)
        assert paid(r, c.REINSURANCE_RECOVERY) == pytest.approx(
            0.5 * total(r, c.CLAIMS_APPROVED_SECTION), rel=0.01
        )

    def test_break_even_premiums_follow_claims(self) -> None:
        dear, cheap = (
            run(
                households=6000,
                scheme__premium_rule="break_even",
                care__cost_outpatient_rwf=cost,
                scheme__premium_cap_share=1.0,
            )
            for cost in (4000.0, 500.0)
        )
        assert dear.values("premium_factor")[:, -1].mean() > 2 * cheap.values("premium_factor")[:, -1].mean()

    def test_stop_loss_is_no_subsidy_to_growth(self) -> None:
        # membership that grows from nothing is no bad luck
        r = run(
            households=6000, fund__stop_loss=True, fund__stop_loss_loading=0.0, switches__common_shocks=False,
            enrolment__attention_per_month=0.05, fund__pool_share=0.0, fund__administration_share=0.0,
        )  # fmt: skip
        assert paid(r, c.REINSURANCE_PREMIUM) > 0
        assert paid(r, c.REINSURANCE_RECOVERY) < 2.0 * paid(r, c.REINSURANCE_PREMIUM)

    def test_a_schedule_tripled_does_not_triple_a_break_even_premium(self) -> None:
        scenario = world(scheme__premium_rule="break_even", scheme__premium_cap_share=0.2).add_event(
            "2012-01", {"scheme.premium_rwf": {"poorest": 9000, "middle": 9000, "rich": 9000}}
        )
        factors = simulate(scenario, households=HOUSEHOLDS, seed=5).values("premium_factor", every="month")[
            0, :, 0
        ]
        # the premium in francs moves by a fifth at most
        assert factors[24] * 9000 <= 1.2 * factors[23] * 3000 + 1

    def test_a_distrusting_assembly_stops_rises(self) -> None:
        rising: dict[str, Any] = {"scheme__premium_rule": "break_even", "care__cost_outpatient_rwf": 6000.0}
        meek, defiant = run(**rising), run(scheme__premium_veto_slope=50.0, trust__initial=0.0, **rising)
        assert total(meek, c.PREMIUM_VETOES) == 0 < total(defiant, c.PREMIUM_VETOES)
        assert defiant.values("premium_factor")[:, -1].mean() < meek.values("premium_factor")[:, -1].mean()

    @pytest.mark.parametrize(
        ("rule", "sign"),
        [("suspend", c.SECTIONS_SUSPENDED), ("merge", c.SECTIONS_MERGED)],
    )
    def test_what_becomes_of_the_insolvent(self, rule: str, sign: int) -> None:
        r = run(fund__deficit_rule=rule, fund__administration_share=0.9, fund__arrears_limit_months=1.0)
        assert total(r, sign) > 0
        assert total(run(fund__administration_share=0.9), sign) == 0


class TestFraud:
    def test_audit_finds_fraud_and_costs_money(self) -> None:
        blind = run(switches__fraud=True, fraud__audit_hours_per_1000_claims=0.0)
        seeing = run(switches__fraud=True, fraud__audit_hours_per_1000_claims=50.0)
        assert total(blind, c.FRAUD_FOUND_RWF, c.CLAIMS_REJECTED_SECTION) == paid(blind, c.AUDIT) == 0
        # 1 - exp(-0.1 * 50)
        cheated = total(seeing, c.GHOST_RWF, c.INFLATED_RWF)
        assert total(seeing, c.FRAUD_FOUND_RWF) / cheated == pytest.approx(0.993, abs=0.01)
        assert paid(seeing, c.EMBEZZLEMENT) < 0.1 * paid(blind, c.EMBEZZLEMENT)
        # half of what is found for certain is not tried
        tried = cheated / total(blind, c.GHOST_RWF, c.INFLATED_RWF)
        claims = total(seeing, c.CLAIMS_APPROVED_SECTION) / total(blind, c.CLAIMS_APPROVED_SECTION)
        assert tried / claims == pytest.approx(0.5, abs=0.06)
        assert paid(seeing, c.AUDIT) > 0

    def test_scandals_cost_the_scheme_trust_and_the_provider_its_name(self) -> None:
        common: dict[str, Any] = {
            "switches__fraud": True, "fraud__ghost_share": 0.5, "fraud__audit_hours_per_1000_claims": 50.0,
        }  # fmt: skip
        scheme, provider = (run(fraud__blame_provider_share=b, **common) for b in (0.0, 1.0))
        assert scheme.values("trust")[:, -1].mean() < provider.values("trust")[:, -1].mean() - 0.02
        assert provider.values("quality")[:, -1].mean() < scheme.values("quality")[:, -1].mean() - 0.02


class TestDonorsAndState:
    PAYING: ClassVar[dict[str, Any]] = {
        "subsidy__offered": True,
        "subsidy__slots_share": 0.3,
        "donors__pool_grant_rwf": 100.0,
        "donors__assistance_rwf": 20.0,
        "donors__budget_support_rwf": 50.0,
    }

    def test_nothing_comes_after_donors_left(self) -> None:
        r = run(donors__exit_month="2011-07", **self.PAYING)
        flows = r.arrays.flows
        for kind in (c.POOL_GRANT_DONOR, c.ASSISTANCE, c.BUDGET_SUPPORT):
            # the first members have waited by March
            assert (flows[:, 2:18, :, kind].sum(axis=(0, 2)) > 0).all()
            assert flows[:, 18:, :, kind].sum() == 0
        assert r.values("subsidised_share")[:, -1].mean() == 0
        assert r.values("subsidised_share")[:, 0].mean() > 0.25

    def test_a_taper_is_kinder_than_a_cut(self) -> None:
        cut, taper = (
            run(donors__exit_month="2011-01", donors__taper_months=months, **self.PAYING)
            for months in (0, 24)
        )
        assert cut.values("donor_money_rwf")[:, 1:].sum() < taper.values("donor_money_rwf")[:, 1:].sum()
        assert coverage(cut) < coverage(taper)

    def test_fungible_money_leaves_fewer_slots(self) -> None:
        shared: dict[str, Any] = {**self.PAYING, "subsidy__state_share": 0.5, "subsidy__donor_share": 0.5}
        firm, fungible = run(**shared), run(donors__fungibility_share=0.5, **shared)
        # donors' half displaces a quarter of the whole
        ratio = fungible.values("subsidised_share").mean() / firm.values("subsidised_share").mean()
        assert ratio == pytest.approx(0.75, abs=0.02)

    def test_capacity_grows_under_assistance_and_decays_after_it(self) -> None:
        r = run(donors__exit_month="2011-07", **self.PAYING)
        capacity = r.values("admin_capacity", every="month")[0, :, 0]
        assert (np.diff(capacity[:18]) > 0).all()
        assert (np.diff(capacity[18:]) < 0).all()

    def test_conditions_shift_the_package_from_visits_to_wards(self) -> None:
        shifted = run(
            donors__condition_outpatient_share=0.5, donors__condition_hospital_share=1.0, **self.PAYING
        )
        usual = run(**self.PAYING)

        def share(r: Results, patient: int, *claims: int) -> float:
            return paid(r, patient) / (paid(r, patient) + total(r, *claims))

        def of_centre(r: Results) -> float:
            return share(r, c.COPAYMENT_HEALTH_CENTRE, c.CLAIMS_APPROVED_SECTION)

        assert of_centre(shifted) > of_centre(usual) + 0.2
        assert paid(usual, c.COPAYMENT_HOSPITAL) > 0 == paid(shifted, c.COPAYMENT_HOSPITAL)


class TestEveryCombination:
    @given(
        off=st.lists(
            st.sampled_from(
                [
                    "loans.offered", "groups.savings", "switches.groups", "switches.subsidies",
                    "switches.donors", "switches.pooling", "switches.supply_growth", "switches.mandate",
                    "switches.fraud",
                ]
            ),
            unique=True,
        )
    )  # fmt: skip
    @quick
    def test_books_balance_whoever_is_missing(self, off: list[str]) -> None:
        everybody = {
            "loans.offered": True,
            "groups.savings": True,
            "switches.fraud": True,
            "subsidy.offered": True,
            "subsidy.slots_share": 0.2,
            "donors.pool_grant_rwf": 100.0,
            "mandate.compulsory": True,
        }
        scenario = world().replace({**everybody, **dict.fromkeys(off, False)})
        check_all(simulate(scenario, households=100, seed=3))
