"""From scenario to arrays: prices, series, sizes, and the calendar of sale."""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import norm
from support import base, quick

from cbhi.kernels import codes
from cbhi.kernels.records import Rule, record_table
from cbhi.months import format_month, parse_month
from cbhi.packing import (
    donor_presence,
    frailty_quantiles,
    gini_to_log_sd,
    household_size_quantiles,
    interpolate,
    pack_calendar,
    pack_fixed,
    pack_rules,
    reporting_periods,
)
from cbhi.scenarios import Scenario, scenario


def run(start: str, end: str, **values: object) -> Scenario:
    changes = {key.replace("__", "."): value for key, value in values.items()}
    return Scenario(name="unit", start=parse_month(start), end=parse_month(end)).replace(changes)


class TestFormulas:
    def test_gini_of_a_lognormal(self) -> None:
        # published anchor of the method: a Gini of 0.49 is a log sd of 0.932
        assert gini_to_log_sd(np.array([0.49]))[0] == pytest.approx(0.932, abs=5e-4)
        for gini in (0.0, 0.2, 0.451, 0.9):
            sd = float(gini_to_log_sd(np.array([gini]))[0])
            assert 2 * norm.cdf(sd / math.sqrt(2)) - 1 == pytest.approx(gini, abs=1e-12)

    def test_series(self) -> None:
        series = {"2005-01": 10.0, "2000-01": 0.0, "2007-01": 10.0}
        at = np.array(
            [parse_month(m) for m in ("1990-01", "2000-01", "2002-07", "2006-05", "2030-01")], float
        )
        np.testing.assert_allclose(interpolate(dict(sorted(series.items())), at), [0, 0, 5, 10, 10])
        assert interpolate({"2005-07": 3.0}, at).tolist() == [3.0] * 5

    @pytest.mark.parametrize("variance", [0.2, 0.4, 1.0, 2.0])
    def test_frailty_is_gamma_with_mean_one(self, variance: float) -> None:
        table = frailty_quantiles(variance).astype(float)
        assert table.mean() == pytest.approx(1.0, abs=1e-6)
        # the upper tail is cut at 1 - 1/8192
        assert table.var() == pytest.approx(variance, rel=0.02)
        law = stats.gamma(1 / variance, scale=variance)
        u = (np.arange(table.size) + 0.5) / table.size
        np.testing.assert_allclose(table[100::500], law.ppf(u)[100::500], rtol=2e-3)
        assert (np.diff(table) >= 0).all()

    def test_no_frailty(self) -> None:
        assert frailty_quantiles(0.0).tolist() == [1.0]

    @pytest.mark.parametrize(
        ("mean", "dispersion", "tolerance"),
        # cut at 12 members: what is lost at the top is stated in the tolerance
        [(1.0, 12.0, 0.0), (3.0, 12.0, 0.002), (4.63, 12.0, 0.01), (6.0, 12.0, 0.05), (4.63, 2.0, 0.12)],
    )
    def test_household_size(self, mean: float, dispersion: float, tolerance: float) -> None:
        table = household_size_quantiles(mean, dispersion)
        assert table.min() >= 1
        assert table.max() <= codes.MEMBER_SLOTS
        assert mean - tolerance - 1e-3 <= table.mean() <= mean + 1e-3
        if mean > 1:
            law = stats.nbinom(dispersion, dispersion / (dispersion + mean - 1))
            for size in range(1, 11):
                assert (table <= size).mean() == pytest.approx(law.cdf(size - 1), abs=1 / table.size)


class TestFixed:
    def test_variances_add_up(self) -> None:
        fx = pack_fixed(run("2004-01", "2004-12", population__district_share_of_variance=0.3), 1, 0)
        assert fx.within_sd**2 == pytest.approx(0.7)
        assert fx.between_sd**2 == pytest.approx(0.3)

    def test_groups(self) -> None:
        fx = pack_fixed(
            run("2004-01", "2004-12", population__group_share=0.25, population__group_size=30.0), 1, 0
        )
        assert (fx.group_share, fx.group_block) == (0.25, 120)
        off = pack_fixed(run("2004-01", "2004-12", switches__groups=False), 1, 0)
        assert (off.group_share, off.group_block) == (0.0, 1)

    def test_bills_have_the_variation_of_a_lognormal(self) -> None:
        fx = pack_fixed(run("2004-01", "2004-12", care__cost_log_sd=0.5), 1, 0)
        law = stats.lognorm(0.5)
        assert fx.cost_cv2 == pytest.approx(law.var() / law.mean() ** 2)

    def test_replicates_differ_in_their_key_only(self) -> None:
        one, two = pack_fixed(base(), 1, 0), pack_fixed(base(), 1, 1)
        assert one.key != two.key
        for name in one._fields:
            if name != "key":
                np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


class TestRules:
    def test_prices_follow_nominal_growth_in_yearly_steps(self) -> None:
        s = run(
            "2010-06", "2012-02", income__nominal_growth=0.1, care__cost_outpatient_rwf=1_000.0,
            care__user_fee_outpatient_rwf=600.0, care__user_fee_year=2009, provider__wage_year=2012,
            provider__wage_rwf_per_month=60_000.0,
        )  # fmt: skip
        r = pack_rules(s)
        for month, factor in (("2010-06", 1 / 1.1), ("2011-01", 1.0), ("2011-12", 1.0), ("2012-01", 1.1)):
            t = parse_month(month) - s.start
            assert r.cost_outpatient_rwf[t] == pytest.approx(1_000 * factor)
            assert r.cost_admission_rwf[t] == pytest.approx(22_000 * factor)
            assert r.fee_admission_rwf[t] == pytest.approx(22_000 * factor)
            assert r.mean_consumption_rwf[t] == pytest.approx(205_000 * factor)
            assert r.hassle_rwf[t] == pytest.approx(300 * factor)
            assert r.fee_outpatient_rwf[t] == pytest.approx(600 * 1.21 * factor)
            assert r.salary_rwf[t] == pytest.approx(60_000 / 1.1 * factor)
        # premiums, fines and co-payments are set in francs of the day
        assert set(r.copayment_rwf) == {200}
        assert set(r.premium_middle_rwf) == {1_000}

    def test_seasons_peak_and_average(self) -> None:
        s = run("2004-01", "2005-12", income__season_amplitude=0.3, income__season_peak_month=7)
        season = pack_rules(s).season
        assert season[:12].mean() == pytest.approx(1.0)
        assert season.argmax() % 12 == 6
        assert season.max() == pytest.approx(1.3)
        assert season.min() == pytest.approx(0.7)
        off = pack_rules(s.replace({"switches.season": False}))
        assert set(off.season) == set(off.illness_season) == {1.0}

    def test_premium_basis(self) -> None:
        person = pack_rules(
            run("2004-01", "2004-02", scheme__premium_rwf={"poorest": 1, "middle": 2, "rich": 3})
        )
        assert (person.premium_poorest_rwf[0], person.premium_middle_rwf[0], person.premium_rich_rwf[0]) == (
            1,
            2,
            3,
        )
        assert person.premium_by_household[0] == 0
        house = pack_rules(
            run("2004-01", "2004-02", scheme__premium_basis="household", scheme__household_premium_rwf=2_600)
        )
        assert (house.premium_poorest_rwf[0], house.premium_rich_rwf[0]) == (2_600, 2_600)
        assert house.premium_by_household[0] == 1

    def test_capacity_and_distance(self) -> None:
        s = run(
            "2004-01",
            "2006-12",
            population__persons={"2004-01": 1_000_000},
            provider__clinicians={"2004-01": 500.0},
            provider__curative_share=0.3,
            provider__consultations_per_hour=4.0,
            provider__hours_per_year=1500.0,
            provider__adequate_clinicians_per_1000=0.8,
            provider__health_centres={"2004-07": 100.0, "2006-07": 400.0},
        )
        r = pack_rules(s)
        # 500 x 0.3 x 4 x 1,500 = 900,000 a year for a million people
        np.testing.assert_allclose(r.consultations_per_person, 0.9 / 12)
        np.testing.assert_allclose(r.staff_adequacy, 0.5 / 0.8)
        # four times the facilities: half the distance
        assert r.distance_factor[0] == pytest.approx(2.0)
        assert r.distance_factor[-1] == pytest.approx(1.0)
        assert r.distance_factor[13] == pytest.approx(math.sqrt(400 / 250))

    def test_noise_of_the_list(self) -> None:
        r = pack_rules(run("2004-01", "2004-01", subsidy__list_correlation=0.6))
        assert 1 / math.sqrt(1 + r.list_noise[0] ** 2) == pytest.approx(0.6)
        assert pack_rules(run("2004-01", "2004-01", subsidy__list_correlation=1.0)).list_noise[0] == 0.0

    def test_events_hold_from_their_month(self) -> None:
        s = run("2004-01", "2004-12").add_event("2004-05", {"care.copayment_rwf": 350})
        assert pack_rules(s).copayment_rwf[:12].tolist() == [200] * 4 + [350] * 8
        assert pack_calendar(s, pack_rules(s)).reprice.tolist() == [0] * 4 + [1] + [0] * 7

    def test_a_forgotten_column_is_noticed(self) -> None:
        from cbhi.packing import _fill

        with pytest.raises(TypeError, match="intercept"):
            _fill(Rule, 1, {name: 0 for name in record_table(Rule, 1).dtype.names if name != "intercept"})


def at(s: Scenario, month: str) -> int:
    return parse_month(month) - s.start


class TestDonors:
    """Who pays what while donors are there, while they withdraw, and after."""

    # prices of the year of the run, so that amounts are those of the parameters
    YEAR: ClassVar[dict[str, object]] = {"income__reference_year": 2004}

    @pytest.mark.parametrize(
        ("taper", "expected"),
        [
            (0, {"2004-05": 1.0, "2004-06": 0.0, "2004-07": 0.0, "2004-12": 0.0}),
            # in quarters, the first of them gone with the month of exit
            (3, {"2004-05": 1.0, "2004-06": 0.75, "2004-07": 0.5, "2004-08": 0.25, "2004-09": 0.0}),
        ],
    )
    def test_exit_by_hand(self, taper: int, expected: dict[str, float]) -> None:
        s = run(
            "2004-01", "2004-12", donors__exit_month="2004-06", donors__taper_months=taper,
            donors__pool_grant_rwf=120.0, donors__budget_support_rwf=60.0, donors__assistance_rwf=24.0,
            donors__assistance_gain_per_year=0.6, **self.YEAR,
        )  # fmt: skip
        r = pack_rules(s)
        for month, present in expected.items():
            assert donor_presence(s, np.array([parse_month(month)])).tolist() == [present]
            t = at(s, month)
            assert r.pool_grant_donor_rwf[t] == 120.0 * present
            assert r.donor_budget_rwf[t] == pytest.approx(5.0 * present)
            assert r.assistance_rwf[t] == pytest.approx(2.0 * present)
            assert r.assistance_gain[t] == pytest.approx(0.05 * present)

    def test_never(self) -> None:
        s = run("2004-01", "2004-12", donors__taper_months=24)
        assert set(donor_presence(s, np.arange(s.start, s.start + 600))) == {1.0}

    def test_an_exit_before_the_run_leaves_nothing_of_them(self) -> None:
        r = pack_rules(run("2004-01", "2004-12", donors__exit_month="2000-01", donors__pool_grant_rwf=120.0))
        assert set(r.pool_grant_donor_rwf) == {0.0}

    def test_the_switch_is_an_exit_without_taper(self) -> None:
        everything = {
            "donors.pool_grant_rwf": 120.0, "donors.budget_support_rwf": 60.0, "donors.assistance_rwf": 24.0,
            "donors.condition_outpatient_share": 0.3, "donors.condition_hospital_share": 0.5,
            "donors.fungibility_share": 0.5, "fund.pool_grant_rwf": 100.0, "provider.performance_rwf": 90.0,
            "provider.performance_donor_share": 0.4, "subsidy.state_share": 0.5, "subsidy.donor_share": 0.3,
        }  # fmt: skip
        s = run("2004-01", "2004-12").replace(everything)
        switched = pack_rules(s.add_event("2004-06", {"switches.donors": False}))
        gone = pack_rules(s.replace({"donors.exit_month": "2004-06"}))
        for name in Rule.__annotations__:
            np.testing.assert_array_equal(switched[name], gone[name], err_msg=name)
        off = pack_rules(s.replace({"switches.donors": False}))
        for name in (
            "pool_grant_donor_rwf", "donor_budget_rwf", "assistance_rwf", "assistance_gain",
            "outpatient_coinsurance", "subsidy_donor_share", "performance_donor_share",
        ):  # fmt: skip
            assert set(off[name]) == {0.0}, name
            # slots that were given out are paid for to the end of their year
            last = 11 if name == "subsidy_donor_share" else 4
            assert switched[name][last] > 0.0, name
            assert last == 11 or switched[name][5] == 0.0, name

    @pytest.mark.parametrize(
        ("state", "donor", "pool", "fungible", "there", "gone"),
        [
            # four tenths by donors push out two of the state's five: 0.3 + 0.4 + 0.1 by NGOs
            (0.5, 0.4, 0.0, 0.5, (0.3, 0.4, 0.0, 0.8), (0.5, 0.0, 0.0, 0.6)),
            # the state has no more than a tenth to take away
            (0.1, 0.9, 0.0, 0.5, (0.0, 0.9, 0.0, 0.9), (0.1, 0.0, 0.0, 0.1)),
            (0.3, 0.4, 0.1, 0.0, (0.3, 0.4, 0.1, 1.0), (0.3, 0.0, 0.1, 0.6)),
            (0.0, 1.0, 0.0, 0.0, (0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0)),
        ],
    )
    def test_who_bears_a_subsidy(
        self, state: float, donor: float, pool: float, fungible: float,
        there: tuple[float, ...], gone: tuple[float, ...],
    ) -> None:  # fmt: skip
        # slots of a year are paid for to its end, so an exit in July is felt in January
        s = run(
            "2004-01", "2005-12", subsidy__state_share=state, subsidy__donor_share=donor,
            subsidy__cross_subsidy_share=pool, donors__fungibility_share=fungible,
            donors__exit_month="2004-07",
        )  # fmt: skip
        r = pack_rules(s)
        for month, paid in (("2004-06", there), ("2004-12", there), ("2005-01", gone)):
            t = at(s, month)
            *parts, funded = paid
            assert r.subsidy_funded[t] == pytest.approx(funded, abs=1e-12)
            found = [
                float(r[name][t])
                for name in ("subsidy_state_share", "subsidy_donor_share", "subsidy_pool_share")
            ]
            # of the slots that are filled, what each pays for all slots over the part that is filled
            assert found == pytest.approx([part / max(funded, 1e-12) for part in parts])
            if funded > 0:
                ngos = max(0.0, 1.0 - state - donor - pool)
                assert sum(found) + ngos / funded == pytest.approx(1.0)

    def test_donors_commit_themselves_by_membership_year(self) -> None:
        s = run(
            "2004-03", "2006-12", scheme__calendar="fixed", scheme__year_start_month=7,
            subsidy__state_share=0.0, subsidy__donor_share=1.0, donors__exit_month="2005-02",
        )  # fmt: skip
        funded = pack_rules(s).subsidy_funded
        # the run's first months belong to a year already begun
        assert next(format_month(s.start + t) for t in range(s.n_months) if funded[t] == 0) == "2005-07"
        assert set(funded[:16]) == {1.0}

    def test_a_grant_to_the_pool_displaces_the_states(self) -> None:
        changes = dict(donors__fungibility_share=0.6, donors__exit_month="2004-07")
        r = pack_rules(
            run("2004-01", "2004-12", fund__pool_grant_rwf=500.0, donors__pool_grant_rwf=400.0, **changes)
        )
        assert r.pool_grant_rwf[:12].tolist() == pytest.approx([260.0] * 6 + [500.0] * 6)
        # never below nothing
        r = pack_rules(
            run("2004-01", "2004-12", fund__pool_grant_rwf=100.0, donors__pool_grant_rwf=400.0, **changes)
        )
        assert r.pool_grant_rwf[:12].tolist() == [0.0] * 6 + [100.0] * 6

    def test_performance_payments_shrink_by_the_donors_part(self) -> None:
        s = run(
            "2004-01", "2004-12", provider__performance_rwf=200.0, provider__performance_donor_share=0.25,
            donors__exit_month="2004-07", donors__taper_months=1, **self.YEAR,
        )  # fmt: skip
        r = pack_rules(s)
        # the state's 150 go on; of the donors' 50, half in the month between
        for month, total, donors in (
            ("2004-06", 200.0, 50.0),
            ("2004-07", 175.0, 25.0),
            ("2004-08", 150.0, 0.0),
        ):
            t = at(s, month)
            assert r.performance_rwf[t] == pytest.approx(total)
            assert r.performance_rwf[t] * r.performance_donor_share[t] == pytest.approx(donors)
        r = pack_rules(s.replace({"provider.performance_donor_share": 1.0}))
        assert r.performance_rwf[at(s, "2004-08")] == r.performance_donor_share[at(s, "2004-08")] == 0.0

    def test_conditions_last_as_long_as_donors_and_make_odds_stale(self) -> None:
        s = run(
            "2004-01", "2004-12", care__coinsurance_share=0.2, donors__condition_hospital_share=0.5,
            donors__condition_outpatient_share=0.3, donors__exit_month="2004-05", donors__taper_months=1,
        )  # fmt: skip
        r = pack_rules(s)
        assert r.coinsurance_share[:7].tolist() == pytest.approx([0.1] * 4 + [0.15] + [0.2] * 2)
        assert r.outpatient_coinsurance[:7].tolist() == pytest.approx([0.3] * 4 + [0.15] + [0.0] * 2)
        assert np.flatnonzero(pack_calendar(s, r).reprice).tolist() == [4, 5]
        for part in ("hospital", "outpatient"):
            one = s.replace({f"donors.condition_{part}_share": 0.0})
            assert np.flatnonzero(pack_calendar(one, pack_rules(one)).reprice).tolist() == [4, 5]
        none = s.replace({"donors.condition_hospital_share": 0.0, "donors.condition_outpatient_share": 0.0})
        assert not pack_calendar(none, pack_rules(none)).reprice.any()


class TestPartners:
    """Rules of lenders, associations, pools and fraud, and their switches."""

    @pytest.mark.parametrize(
        ("key", "value", "column", "expected"),
        [
            ("loans.offered", True, "loans_offered", 1),
            ("loans.borrowers", "members", "loans_to_members", 1),
            ("loans.borrowers", "everyone", "loans_to_members", 0),
            ("loans.liability", "joint", "joint_liability", 1),
            ("loans.liability", "individual", "joint_liability", 0),
            ("loans.months", 7, "loan_months", 7),
            ("loans.interest_share_per_year", 0.31, "loan_interest", 0.31),
            ("loans.fee_share", 0.07, "loan_fee_share", 0.07),
            ("loans.default_share", 0.09, "loan_default_share", 0.09),
            ("loans.district_correlation", 0.17, "loan_district_correlation", 0.17),
            ("loans.group_correlation", 0.23, "loan_group_correlation", 0.23),
            ("loans.default_after_months", 4, "loan_default_after", 4),
            ("loans.exclusion_months", 13, "loan_exclusion_months", 13),
            ("loans.exclusion_value_months", 2.5, "loan_exclusion_value", 2.5),
            ("loans.social_sanction_months", 1.5, "loan_social_sanction", 1.5),
            ("loans.joint_cap", 3.5, "loan_joint_cap", 3.5),
            ("loans.equity_rwf_per_person", 70.0, "lender_equity_rwf", 70.0),
            ("loans.borrowing_limit", 2.5, "lender_borrowing_limit", 2.5),
            ("loans.capital_ratio", 0.4, "lender_capital_ratio", 0.4),
            ("loans.liquidity_share", 0.35, "lender_liquidity_share", 0.35),
            ("loans.deposit_interest_share_per_year", 0.02, "lender_deposit_interest", 0.02),
            ("loans.borrowing_interest_share_per_year", 0.11, "lender_borrowing_interest", 0.11),
            ("loans.operating_cost_per_year", 0.21, "lender_operating_cost", 0.21),
            ("groups.savings", True, "group_savings", 1),
            # 300 a week are 15,600 a year and 1,300 a month
            ("groups.weekly_rwf", 300.0, "group_saving_rwf", 1_300.0),
            ("groups.pay_together", False, "group_pays_together", 0),
            ("groups.minimum_share", 0.6, "group_minimum_share", 0.6),
            ("groups.vote_threshold", 0.7, "group_vote_threshold", 0.7),
            ("groups.required", True, "group_required", 1),
            ("groups.forming_size", 11, "group_forming_size", 11),
            ("groups.meeting_hours_per_month", 2.5, "group_meeting_hours", 2.5),
            ("fraud.audit_effect", 0.3, "audit_effect", 0.3),
            ("fraud.audit_hour_rwf", 700.0, "audit_hour_rwf", 700.0),
            ("fraud.blame_provider_share", 0.8, "blame_provider_share", 0.8),
            ("fraud.trust_loss", 0.9, "trust_fraud", 0.9),
            ("donors.capacity_decay_per_year", 0.6, "capacity_decay", 0.05),
            ("donors.capacity_effect", 0.25, "capacity_effect", 0.25),
            ("fund.quota_share", 0.15, "quota_share", 0.15),
            ("fund.stop_loss", True, "stop_loss", 1),
            ("fund.stop_loss_retention", 1.4, "stop_loss_retention", 1.4),
            ("fund.stop_loss_loading", 0.33, "stop_loss_loading", 0.33),
            ("fund.stop_loss_cv", 0.45, "stop_loss_cv", 0.45),
            ("fund.deficit_rule", "merge", "deficit_rule", codes.DEFICIT_MERGE),
            ("scheme.premium_rule", "break_even", "premium_break_even", 1),
            ("scheme.portability_share", 0.12, "portability_share", 0.12),
            ("provider.payment", "capitation", "payment", codes.PAY_CAPITATION),
            # 1,200 a year are 100 a month
            ("provider.capitation_rwf", 1_200.0, "capitation_rwf", 100.0),
            ("provider.target_visits_per_person", 0.6, "target_visits", 0.05),
            # half the cases at twice the price: bills half as dear again
            ("provider.case_upcoding_share", 0.5, "case_upcoding", 0.5),
            ("provider.committed_share", 0.35, "committed_share", 0.35),
            ("provider.reserve_months", 1.5, "reserve_months", 1.5),
            ("subsidy.targeting", "hybrid", "targeting", codes.TARGET_HYBRID),
        ],
    )  # fmt: skip
    def test_a_parameter_reaches_its_rule_and_no_other(
        self, key: str, value: object, column: str, expected: float
    ) -> None:
        other = {"members": "everyone", "everyone": "members", "joint": "individual", "individual": "joint"}
        s = run("2004-01", "2004-01", income__reference_year=2004)
        if key in ("loans.borrowers", "loans.liability"):
            s = s.replace({key: other[str(value)]})
        before, after = pack_rules(s), pack_rules(s.replace({key: value}))
        assert after[column][0] == pytest.approx(expected)
        moved = {name for name in Rule.__annotations__ if after[name][0] != before[name][0]}
        # deposits need somebody to hold them
        assert moved == {column, *({"group_deposits"} if key == "loans.offered" else ())}

    def test_deposits_need_a_lender(self) -> None:
        for offered, wanted, expected in ((True, True, 1), (True, False, 0), (False, True, 0)):
            r = pack_rules(run("2004-01", "2004-01", loans__offered=offered, groups__deposits=wanted))
            assert r.group_deposits[0] == expected

    def test_what_is_in_prices_of_the_reference_year_grows(self) -> None:
        s = run(
            "2004-12", "2005-01", income__reference_year=2004, income__nominal_growth=0.25,
            donors__budget_support_rwf=12.0, donors__assistance_rwf=12.0, provider__performance_rwf=10.0,
        )  # fmt: skip
        r = pack_rules(s)
        for name in (
            "lender_equity_rwf", "group_saving_rwf", "audit_hour_rwf", "capitation_rwf", "performance_rwf",
            "donor_budget_rwf", "assistance_rwf", "drug_cost_rwf",
        ):  # fmt: skip
            assert r[name][0] > 0, name
            assert r[name][1] == pytest.approx(1.25 * r[name][0]), name

    def test_without_associations_nothing_of_theirs_is_left(self) -> None:
        changes: dict[str, object] = dict(
            groups__savings=True, groups__required=True, groups__minimum_share=0.6,
            scheme__enrolment_unit="group",
        )  # fmt: skip
        on = pack_rules(run("2004-01", "2004-01", **changes))[0]
        assert (on.group_savings, on.group_required, on.group_minimum_share) == (1, 1, 0.6)
        assert on.enrolment_unit == codes.UNIT_GROUP
        off = pack_rules(run("2004-01", "2004-01", switches__groups=False, **changes))[0]
        assert (off.group_savings, off.group_required, off.group_minimum_share) == (0, 0, 0.0)
        # nobody could vote: households decide
        assert off.enrolment_unit == codes.UNIT_HOUSEHOLD
        persons = pack_rules(
            run("2004-01", "2004-01", switches__groups=False, scheme__enrolment_unit="person")
        )
        assert persons.enrolment_unit[0] == codes.UNIT_PERSON

    def test_fraud_is_a_switch(self) -> None:
        columns = {
            "card_lending": 0.05,
            "ghost_share": 0.03,
            "billing_fraud_share": 0.04,
            "embezzled_share": 0.02,
            "honest_rejection": 0.01,
            "audit_hours": 0.005,  # five hours for a thousand claims
        }
        s = run("2004-01", "2004-12", fraud__honest_rejection_share=0.01, fraud__billing_share=0.04)
        off = pack_rules(s)
        on = pack_rules(s.add_event("2004-06", {"switches.fraud": True}))
        for name, value in columns.items():
            assert set(off[name]) == {0.0}, name
            assert on[name][:12].tolist() == pytest.approx([0.0] * 5 + [value] * 7), name
        others = [n for n in Rule.__annotations__ if n not in columns]
        assert all((off[name] == on[name]).all() for name in others)

    def test_without_pooling_sections_pay_hospitals_and_nothing_goes_up(self) -> None:
        changes = dict(
            fund__pool_share=0.3, fund__national_share=0.2, fund__equalisation_share=0.5,
            fund__national_pool=True, fund__pool_pays_outpatient=True,
        )  # fmt: skip
        names = (
            "pool_share",
            "national_share",
            "equalisation_share",
            "national_pool",
            "pool_pays_outpatient",
        )
        on = pack_rules(run("2004-01", "2004-01", **changes))[0]
        assert [on[name] for name in names] == [0.3, 0.2, 0.5, 1, 1]
        assert (on.sections_pay_hospital, on.sections_per_fund) == (0, 403.0)
        off = pack_rules(run("2004-01", "2004-01", switches__pooling=False, **changes))[0]
        assert [off[name] for name in names] == [0, 0, 0, 0, 0]
        assert (off.sections_pay_hospital, off.sections_per_fund) == (1, 1.0)

    def test_sections_whose_bills_one_fund_pays(self) -> None:
        s = (
            run("2004-01", "2004-12", population__sections=60, population__districts=12)
            .replace({"rollout.pilot_sections": 0})
            .add_event("2004-03", {"fund.pool_pays_outpatient": True})
            .add_event("2004-05", {"fund.national_pool": True})
            .add_event("2004-07", {"fund.pool_pays_outpatient": False})
        )
        r = pack_rules(s)
        # each its own; sixty over twelve districts; all; a national pool of hospital bills is no such fund
        assert r.sections_per_fund[:12].tolist() == [1.0] * 2 + [5.0] * 2 + [60.0] * 2 + [1.0] * 6

    def test_frozen_supply(self) -> None:
        changes = dict(
            population__persons={"2004-01": 1_000_000, "2006-01": 2_000_000},
            provider__clinicians={"2003-01": 300.0, "2005-01": 700.0},
            provider__health_centres={"2004-07": 100.0, "2006-07": 400.0},
            provider__hire_share=0.2,
            provider__post_hazard=0.3,
        )
        grows = pack_rules(run("2004-01", "2006-12", **changes))
        frozen = pack_rules(run("2004-01", "2006-12", switches__supply_growth=False, **changes))
        # the 500 of the start, half-way up the series, for ever more people
        for t, people in ((0, 1_000_000), (12, 1_500_000), (24, 2_000_000), (35, 2_000_000)):
            assert frozen.clinicians_per_person[t] == pytest.approx(500 / people)
            for name in ("staff_adequacy", "consultations_per_person"):
                assert frozen[name][t] / frozen[name][0] == pytest.approx(1_000_000 / people), name
        assert grows.clinicians_per_person[12] == pytest.approx(700 / 1_500_000)
        # a quarter of the facilities in the end: twice the distance, then as now
        assert set(frozen.distance_factor[:36]) == {2.0}
        assert grows.distance_factor[[0, 35]].tolist() == [2.0, 1.0]
        for name in ("hire_share", "posting_response", "post_hazard"):
            assert set(frozen[name]) == {0.0}, name
            assert grows[name][0] > 0, name

    @pytest.mark.parametrize("r", [0.0, 0.25, 0.6, 0.95])
    def test_merit_follows_consumption_as_stated(self, r: float) -> None:
        g = float(pack_rules(run("2004-01", "2004-01", subsidy__merit_correlation=r)).merit_gradient[0])
        # skill is g z + e: its covariance with z over its sd
        assert g / math.sqrt(g * g + 1.0) == pytest.approx(r)

    @pytest.mark.parametrize("r2", [0.1, 0.5, 1.0])
    def test_a_proxy_explains_as_much_as_stated(self, r2: float) -> None:
        changes: dict[str, object] = dict(subsidy__proxy_r2=r2, subsidy__capture_share=0.08)
        r = pack_rules(run("2004-01", "2004-01", **changes))
        assert 1.0 / (1.0 + r.proxy_noise[0] ** 2) == pytest.approx(r2)
        assert r.capture_share[0] == 0.08
        perfect = pack_rules(run("2004-01", "2004-01", switches__targeting_errors=False, **changes))
        assert perfect.proxy_noise[0] == perfect.list_noise[0] == perfect.capture_share[0] == 0.0

    def test_what_is_fixed_for_a_run(self) -> None:
        fx = pack_fixed(
            run("2004-01", "2004-12", provider__faith_based_share=0.3, donors__capacity_initial=0.2), 1, 0
        )
        assert (fx.faith_based_share, fx.capacity_initial) == (0.3, 0.2)


def sale(s: Scenario) -> dict[str, tuple[bool, bool, str, str]]:
    cal = pack_calendar(s, pack_rules(s))
    return {
        format_month(s.start + t): (
            bool(c.is_open),
            bool(c.before_start),
            format_month(int(c.sale_from)),
            format_month(int(c.sale_until)),
        )
        for t, c in enumerate(cal)
    }


class TestCalendar:
    def rwanda(self) -> Scenario:
        """The dates of Rwanda's calendar, without the rest of its rules."""
        return (
            run("2006-01", "2012-12", scheme__calendar="rolling")
            .add_event("2007-01", {"scheme.calendar": "fixed", "scheme.year_start_month": 1})
            .add_event("2011-01", {"scheme.year_start_month": 7, "scheme.open_months_before": 2})
        )

    def test_rolling(self) -> None:
        s = self.rwanda()
        cal = pack_calendar(s, pack_rules(s))
        assert cal.is_rolling.tolist() == [1] * 12 + [0] * 72
        assert cal.is_open[:12].tolist() == [1] * 12
        assert cal.before_start[:12].sum() == 0

    def test_windows(self) -> None:
        windows = sale(self.rwanda())
        # on sale until June for the running year, from August for the next
        for month in ("2008-01", "2008-06"):
            assert windows[month] == (True, False, "2008-01", "2009-01")
        assert not windows["2008-07"][0]
        for month in ("2008-08", "2008-12"):
            assert windows[month] == (True, True, "2009-01", "2010-01")

    def test_the_year_of_eighteen_months(self) -> None:
        windows = sale(self.rwanda())
        for month in ("2010-01", "2010-06"):
            assert windows[month] == (True, False, "2010-01", "2011-07")
        for month in ("2009-08", "2009-12"):
            assert windows[month] == (True, True, "2010-01", "2011-07")
        # nothing is on sale from July 2010 to April 2011
        closed = [m for m in windows if "2010-07" <= m <= "2011-04"]
        assert len(closed) == 10
        assert not any(windows[m][0] for m in closed)
        for month in ("2011-05", "2011-06"):
            assert windows[month] == (True, True, "2011-07", "2012-07")
        for month in ("2011-07", "2011-12"):
            assert windows[month] == (True, False, "2011-07", "2012-07")
        assert not windows["2012-01"][0]
        assert windows["2012-05"] == (True, True, "2012-07", "2013-07")

    def test_membership_years_end_before_the_next_begins(self) -> None:
        s = self.rwanda()
        cal = pack_calendar(s, pack_rules(s))
        ends = [format_month(s.start + int(t)) for t in np.flatnonzero(cal.year_ends)]
        assert ends == ["2006-12", "2007-12", "2008-12", "2009-12", "2011-06", "2012-06"]
        begins = [format_month(s.start + int(t)) for t in np.flatnonzero(cal.allocate)]
        assert begins == ["2006-01", "2007-01", "2008-01", "2009-01", "2010-01", "2011-07", "2012-07"]

    def test_reporting_years(self) -> None:
        s = self.rwanda().replace(end="2012-06")
        periods = reporting_periods(s, pack_calendar(s, pack_rules(s)))
        months = {
            label: (format_month(s.start + b), format_month(s.start + e - 1)) for label, b, e in periods
        }
        assert months["2006"] == ("2006-01", "2006-12")
        assert months["2010"] == ("2010-01", "2010-12")
        assert months["2011"] == ("2011-01", "2011-06")
        assert months["2012"] == ("2011-07", "2012-06")
        # every month is in exactly one, the last may be short
        spans = [(b, e) for _, b, e in periods]
        assert spans[0][0] == 0
        assert spans[-1][1] == s.n_months
        assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))

    def test_price_is_that_of_the_year_on_sale(self) -> None:
        s = self.rwanda()
        cal = pack_calendar(s, pack_rules(s))
        at = {
            format_month(s.start + t): format_month(s.start + int(c.price_month)) for t, c in enumerate(cal)
        }
        assert at["2006-04"] == "2006-04"
        assert at["2008-05"] == "2008-01"
        assert at["2008-10"] == "2009-01"
        assert at["2011-05"] == "2011-07"
        assert at["2012-12"] == "2012-07"

    def test_the_shipped_scenario_has_these_dates(self) -> None:
        windows = sale(scenario("rwanda-rules"))
        assert windows["2010-03"] == (True, False, "2010-01", "2011-07")
        assert not windows["2010-09"][0]
        assert windows["2011-06"] == (True, True, "2011-07", "2012-07")

    def test_a_run_that_starts_inside_a_year(self) -> None:
        windows = sale(run("2008-04", "2008-12", scheme__calendar="fixed"))
        assert windows["2008-04"] == (True, False, "2008-01", "2009-01")
        assert windows["2008-09"] == (True, True, "2009-01", "2010-01")

    @pytest.mark.parametrize(
        ("start", "end"),
        [("2006-01", "2010-12"), ("2006-01", "2011-03"), ("2008-05", "2012-12"), ("2010-09", "2011-02")],
    )
    def test_windows_do_not_depend_on_where_a_run_begins_or_ends(self, start: str, end: str) -> None:
        whole = sale(self.rwanda())
        for month, window in sale(self.rwanda().replace(start=start, end=end)).items():
            assert window == whole[month], month

    def test_lists(self) -> None:
        s = run("2004-01", "2012-12", subsidy__refresh_years=3).add_event(
            "2006-01", {"subsidy.offered": True}
        )
        cal = pack_calendar(s, pack_rules(s))
        years = [(s.start + int(t)) // 12 for t in np.flatnonzero(cal.refresh_list)]
        assert {2004, 2006, 2007, 2010} <= set(years)

    def test_another_way_of_targeting_needs_a_fresh_list(self) -> None:
        s = run("2004-01", "2009-12", subsidy__refresh_years=50, subsidy__offered=True)

        def lists(s: Scenario) -> list[str]:
            cal = pack_calendar(s, pack_rules(s))
            return [format_month(s.start + int(t)) for t in np.flatnonzero(cal.refresh_list)]

        assert lists(s) == ["2004-01"]
        # at the next membership year, or with it
        s = s.add_event("2006-05", {"subsidy.targeting": "random"})
        assert lists(s) == ["2004-01", "2007-01"]
        assert lists(s.add_event("2008-01", {"subsidy.targeting": "merit"})) == [
            "2004-01", "2007-01", "2008-01"
        ]  # fmt: skip

    def test_district_years_start_in_january(self) -> None:
        s = run("2004-05", "2006-03")
        cal = pack_calendar(s, pack_rules(s))
        assert [format_month(s.start + int(t)) for t in np.flatnonzero(cal.new_year)] == [
            "2004-05",
            "2005-01",
            "2006-01",
        ]

    @pytest.mark.parametrize(
        ("start", "changes", "expected"),
        [
            # in January while cover rolls, whenever the run begins
            ("2004-05", {}, ["2005-01", "2006-01", "2007-01"]),
            # in August, when the next calendar year goes on sale; a run that begins while one is on sale
            # sets them at once, one that begins between two sales waits
            (
                "2004-05",
                {"scheme.calendar": "fixed"},
                ["2004-05", "2004-08", "2005-08", "2006-08", "2007-08"],
            ),
            ("2004-07", {"scheme.calendar": "fixed"}, ["2004-08", "2005-08", "2006-08", "2007-08"]),
            (
                "2004-07",
                {"scheme.calendar": "fixed", "scheme.open_months_before": 0, "scheme.year_start_month": 10},
                ["2004-10", "2005-10", "2006-10", "2007-10"],
            ),
        ],
    )
    def test_premiums_are_set_when_a_sale_begins(
        self, start: str, changes: dict[str, object], expected: list[str]
    ) -> None:
        s = run(start, "2007-12").replace(changes)
        cal = pack_calendar(s, pack_rules(s))
        assert [format_month(s.start + int(t)) for t in np.flatnonzero(cal.sets_premium)] == expected

    def test_premiums_are_set_once_for_each_year_sold(self) -> None:
        s = self.rwanda()
        cal = pack_calendar(s, pack_rules(s))
        months = [format_month(s.start + int(t)) for t in np.flatnonzero(cal.sets_premium)]
        assert months == ["2006-01", "2007-01", "2007-08", "2008-08", "2009-08", "2011-05", "2012-05"]
        sold = cal.sale_from[(cal.sets_premium == 1) & (cal.is_rolling == 0)]
        assert sorted(sold) == sorted(set(cal.sale_from[(cal.is_open == 1) & (cal.is_rolling == 0)]))

    @given(
        st.integers(0, 11), st.integers(1, 12), st.integers(0, 11), st.integers(1, 12), st.integers(1, 40),
        st.integers(1, 12), st.integers(0, 30),
    )  # fmt: skip
    @quick
    def test_what_is_sold_always_has_a_future(
        self, first: int, begins: int, before: int, after: int, months: int, later: int, when: int
    ) -> None:
        before = min(before, 12 - after)
        start = parse_month("2004-01") + first
        s = Scenario(
            name="unit",
            start=start,
            end=start + months - 1,
            values={
                "scheme.calendar": "fixed", "scheme.year_start_month": begins,
                "scheme.open_months_before": before, "scheme.open_months_after": after,
            },
        ).add_event(format_month(start + when), {"scheme.year_start_month": later})  # fmt: skip
        rules = pack_rules(s)
        cal = pack_calendar(s, rules)
        for t, c in enumerate(cal):
            if not c.is_open:
                continue
            now = start + t
            assert c.sale_from < c.sale_until <= c.sale_from + 24
            if c.before_start:
                assert 0 < c.sale_from - now <= before
            else:
                assert 0 <= now - c.sale_from < after
                assert now < c.sale_until
            assert 0 <= c.price_month < rules.size
        assert cal.closes[-1] == 1
        labels = reporting_periods(s, cal)
        assert sum(e - b for _, b, e in labels) == s.n_months
