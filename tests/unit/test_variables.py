"""Variables of the partners against the arrays of a run, by hand, and the identities between them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from cbhi import Results, Scenario, simulate
from cbhi.kernels import codes
from cbhi.months import parse_month
from cbhi.strata import stratified_names
from cbhi.variables import _EXPENSES, _INCOME, VARIABLES, YEARLY_ONLY

SCHEME = (codes.SECTION_FUNDS, codes.POOLS, codes.NATIONAL_POOL)
RULES: dict[str, dict[str, Any]] = {
    "everybody pays": {},
    "sections merge": {"fund.deficit_rule": "merge"},
    "premiums break even": {"scheme.premium_rule": "break_even"},
    "no pools": {"switches.pooling": False},
    "one pool": {"fund.national_pool": True, "fund.pool_pays_outpatient": True, "fund.pool_share": 0.9},
}


@functools.cache
def run(rules: str = "everybody pays") -> Results:
    """Two years in small districts; a change of calendar leaves the second year open at both ends."""
    values = {
        "switches.rollout": False,
        "switches.fraud": True,
        "population.districts": 4,
        "population.sections": 40,
        "rollout.pilot_sections": 0,
        "rollout.pilot_districts": 0,
        "enrolment.intercept": 0.5,
        "subsidy.offered": True,
        "subsidy.slots_share": 0.2,
        "subsidy.state_share": 0.3,
        "subsidy.donor_share": 0.4,
        "subsidy.cross_subsidy_share": 0.1,
        "loans.offered": True,
        "loans.default_share": 0.3,
        "loans.default_after_months": 2,
        "loans.equity_rwf_per_person": 5.0,
        "groups.savings": True,
        "groups.pay_together": False,
        "groups.minimum_share": 0.6,
        "donors.pool_grant_rwf": 100.0,
        "donors.budget_support_rwf": 50.0,
        "donors.assistance_rwf": 20.0,
        "fund.pool_grant_rwf": 100.0,
        "fund.national_share": 0.05,
        "fund.equalisation_share": 0.5,
        "fund.quota_share": 0.1,
        "fund.stop_loss": True,
        "fund.stop_loss_retention": 0.5,
        "fund.deficit_rule": "bail_out",
        "fund.arrears_limit_months": 0.2,
        "care.need_per_person_year": 7.0,
        "provider.target_visits_per_person": 20.0,
        "provider.performance_rwf": 100.0,
        "provider.performance_donor_share": 0.5,
        "formal.levy_share": 0.05,
        "mandate.compulsory": True,
        "scheme.portability_share": 0.1,
    }
    s = Scenario(name=rules, start=parse_month("2004-01"), end=parse_month("2005-12"), values=values)
    return simulate(s.replace(RULES[rules]), households=2000, replicates=2, seed=5)


@pytest.fixture(params=list(RULES))
def results(request: pytest.FixtureRequest) -> Results:
    return run(str(request.param))


def by_year(values: Any, results: Results) -> Any:
    """Sums over the months of each year, shape (replicates, years)."""
    return np.stack([values[:, begin:end].sum(axis=1) for _, begin, end in results.periods], axis=1)


def tally(results: Results, name: str) -> Any:
    """A tally of the year."""
    return by_year(results.arrays.tallies[..., codes.TALLIES.index(name)].sum(axis=2), results).astype(float)


def last(results: Results, name: str) -> Any:
    """A tally of the last month of the year."""
    values = results.arrays.tallies[..., codes.TALLIES.index(name)].sum(axis=2)
    return values[:, [end - 1 for _, _, end in results.periods]].astype(float)


def flow(results: Results, *names: str) -> Any:
    kinds = [kind for kind, (name, *_) in enumerate(codes.FLOWS) if name in names]
    assert len(kinds) == len(names), names
    return by_year(results.arrays.flows[..., kinds].sum(axis=(2, 3)), results).astype(float)


def stock(results: Results, name: str) -> Any:
    """What is held at the end of the year."""
    values = results.arrays.stocks[..., codes.STOCKS.index(name)].sum(axis=2)
    return values[:, [end for _, _, end in results.periods]].astype(float)


def mean_gauge(results: Results, name: str) -> Any:
    values = results.arrays.gauges[..., codes.GAUGES.index(name)].sum(axis=2)
    return by_year(values, results) / tally(results, "persons")


def value(results: Results, name: str) -> Any:
    return results.values(name)[:, :, 0]


# counted in people, events or francs: at national scale
COUNTS: dict[str, Any] = {
    "loans": lambda r: tally(r, "loans"),
    "loans_rwf": lambda r: flow(r, "loan"),
    "loans_outstanding_rwf": lambda r: stock(r, "loans_outstanding"),
    "loans_written_off_rwf": lambda r: tally(r, "loan_written_off"),
    "lender_equity_rwf": lambda r: (
        stock(r, "lenders") + stock(r, "loans_outstanding")
        - stock(r, "group_deposits") - stock(r, "lender_borrowing")
    ),
    "group_savings_rwf": lambda r: stock(r, "groups") + stock(r, "group_deposits"),
    "enrolled_by_loan": lambda r: tally(r, "persons_by_loan"),
    "enrolled_by_group": lambda r: tally(r, "persons_by_group"),
    "induced_rwf": lambda r: tally(r, "induced_rwf"),
    "claims_rejected_rwf": lambda r: tally(r, "claims_rejected_section"),
    "fraud_rwf": lambda r: tally(r, "ghost_rwf") + tally(r, "inflated_rwf"),
    "embezzled_rwf": lambda r: flow(r, "embezzlement"),
    "donor_money_rwf": lambda r: flow(
        r, "subsidy_donor", "pool_grant_donor", "performance_donor", "budget_support", "assistance"
    ),
    "state_money_rwf": lambda r: flow(
        r, "subsidy_state", "pool_grant", "bail_out_section", "bail_out_pool", "performance_state", "salaries"
    ),
    "reserves_rwf": lambda r: stock(r, "section_funds") + stock(r, "pools") + stock(r, "national_pool"),
    "arrears_rwf": lambda r: (
        stock(r, "payables_sections") + stock(r, "payables_sections_hospital") + stock(r, "payables_pools")
    ),
    "contributions_rwf": lambda r: flow(r, "contribution", "group_contribution"),
    "claims_approved_rwf": lambda r: (
        tally(r, "claims_approved_section") + tally(r, "claims_approved_section_hospital")
        + tally(r, "claims_approved_pool")
    ),
}  # fmt: skip
SHARES: dict[str, Any] = {
    "loans_refused_share": lambda r: (
        tally(r, "loans_refused") / (tally(r, "loans_refused") + tally(r, "loans"))
    ),
    "loans_late_share": lambda r: tally(r, "loan_months_late") / tally(r, "loan_months"),
    "enrolled_by_cash_share": lambda r: tally(r, "persons_by_cash") / tally(r, "persons_enrolled"),
    "enrolled_by_loan_share": lambda r: tally(r, "persons_by_loan") / tally(r, "persons_enrolled"),
    "enrolled_by_group_share": lambda r: tally(r, "persons_by_group") / tally(r, "persons_enrolled"),
    "enrolled_by_subsidy_share": lambda r: tally(r, "persons_by_subsidy") / tally(r, "persons_enrolled"),
    "group_votes_passed_share": lambda r: tally(r, "group_votes_passed") / tally(r, "group_votes"),
    "slots_to_poorest_40_share": lambda r: last(r, "bottom40_slots") / last(r, "slots_used"),
    "provider_effort": lambda r: mean_gauge(r, "provider_effort"),
    "admin_capacity": lambda r: mean_gauge(r, "admin_capacity"),
}
RATES: dict[str, Any] = {
    "loan_defaults_per_loan_year": lambda r: 12 * tally(r, "loan_defaults") / tally(r, "loan_months"),
    "visits_elsewhere_per_person_year": lambda r: (
        12 * tally(r, "visits_elsewhere") / tally(r, "person_months")
    ),
    "premium_factor": lambda r: mean_gauge(r, "premium_factor"),
    "targeting_cgh_ratio": lambda r: last(r, "bottom40_slots") / last(r, "slots_used") / 0.4,
}


class TestByHand:
    @pytest.mark.parametrize("name", COUNTS)
    def test_counts(self, name: str) -> None:
        expected = COUNTS[name](run()) * run().weight
        np.testing.assert_allclose(value(run(), name), expected, rtol=1e-12)
        # a lender that loses a third of its loans may have less than nothing
        assert (expected != 0 if name == "lender_equity_rwf" else expected > 0).all()

    @pytest.mark.parametrize("name", [*SHARES, *RATES])
    def test_shares_and_rates(self, name: str) -> None:
        found = value(run(), name)
        np.testing.assert_allclose(found, {**SHARES, **RATES}[name](run()), rtol=1e-12)
        assert (found > 0).all()
        if name in SHARES:
            assert (found <= 1).all()
            assert (found < 1).any()

    def test_what_happens_under_other_rules_only(self) -> None:
        # premiums stay those of the schedule unless sections set them
        np.testing.assert_allclose(value(run(), "premium_factor"), 1.0)
        moved = value(run("premiums break even"), "premium_factor")
        np.testing.assert_allclose(moved[:, 0], 1.0)
        assert (np.abs(moved[:, 1] - 1.0) > 0.01).all()
        assert not value(run(), "sections_merged").any()
        assert value(run("sections merge"), "sections_merged").sum() > 0

    def test_sections_merged_are_simulated_sections(self) -> None:
        # people stand for others, sections do not
        merged = run("sections merge")
        assert merged.weight > 1
        np.testing.assert_array_equal(value(merged, "sections_merged"), tally(merged, "sections_merged"))

    def test_by_district_counts_add_up(self) -> None:
        for name in COUNTS:
            parts = run().values(name, by="district")
            assert parts.shape[2] == 4
            np.testing.assert_allclose(parts.sum(axis=2), value(run(), name), rtol=1e-9, err_msg=name)

    @pytest.mark.parametrize("name", ["enrolled_by_loan", "enrolled_by_group"])
    def test_by_quintile_counts_add_up(self, name: str) -> None:
        assert name in stratified_names("quintile")
        parts = run().values(name, by="quintile")
        np.testing.assert_allclose(parts.sum(axis=2), value(run(), name), rtol=1e-12)

    @pytest.mark.parametrize(("every", "by"), [
        ("year", "all"), ("month", "all"), ("year", "district"), ("month", "district"), ("year", "sex"),
    ])  # fmt: skip
    def test_all_at_once_are_those_one_by_one(self, every: Any, by: Any) -> None:
        found = dict(run().all_values(every, by))
        wanted = stratified_names(by) if by == "sex" else VARIABLES
        assert list(found) == [name for name in wanted if every == "year" or name not in YEARLY_ONLY]
        for name, values in found.items():
            np.testing.assert_array_equal(values, run().values(name, every=every, by=by), err_msg=name)

    @pytest.mark.parametrize(("every", "by"), [("week", "all"), ("year", "village"), ("month", "sex")])
    def test_what_cannot_be_had_is_refused(self, every: Any, by: Any) -> None:
        with pytest.raises(ValueError, match=r"every must be|village|by year there are"):
            list(run().all_values(every, by))

    def test_by_month_counts_add_up(self) -> None:
        for name in ("loans_rwf", "enrolled_by_group", "donor_money_rwf", "fraud_rwf"):
            months = run().values(name, every="month")[:, :, 0]
            assert months.shape[1] == 24
            np.testing.assert_allclose(
                months.reshape(2, 2, 12).sum(axis=2), value(run(), name), rtol=1e-12, err_msg=name
            )


class TestIdentities:
    def test_means_of_enrolment_add_up_to_one(self, results: Results) -> None:
        means = [value(results, f"enrolled_by_{by}_share") for by in ("cash", "loan", "group", "subsidy")]
        assert (tally(results, "persons_enrolled") > 0).all()
        np.testing.assert_allclose(sum(means), 1.0, rtol=1e-12)
        monthly = np.sum(
            [
                results.values(f"enrolled_by_{by}_share", every="month", by="district")
                for by in ("cash", "loan", "group", "subsidy")
            ],
            axis=0,
        )
        enrolled = results.arrays.tallies[..., codes.PERSONS_ENROLLED] > 0
        np.testing.assert_allclose(monthly[enrolled], 1.0, rtol=1e-12)
        assert np.isnan(monthly[~enrolled]).all()

    def test_default_rates_of_insured_and_others_make_the_total(self, results: Results) -> None:
        insured, months = tally(results, "loan_months_insured"), tally(results, "loan_months")
        assert (insured > 0).all()
        assert (insured < months).all()
        share = insured / months
        total = share * value(results, "loan_defaults_insured_per_loan_year") + (1 - share) * value(
            results, "loan_defaults_uninsured_per_loan_year"
        )
        np.testing.assert_allclose(total, value(results, "loan_defaults_per_loan_year"), rtol=1e-12)
        by_hand = 12 * tally(results, "loan_defaults_insured") / insured
        np.testing.assert_allclose(value(results, "loan_defaults_insured_per_loan_year"), by_hand)

    def test_targeting(self, results: Results) -> None:
        poor, slots, persons = last(results, "poor"), last(results, "slots_used"), last(results, "persons")
        hit = last(results, "poor_with_slot")
        differential = hit / poor - (slots - hit) / (persons - poor)
        np.testing.assert_allclose(value(results, "targeting_differential_share"), differential, rtol=1e-9)
        # a community's list is better than a lottery: more slots below than people, poor before others
        share = last(results, "bottom40") / persons
        np.testing.assert_allclose(share, 0.4, atol=0.05)
        assert (value(results, "targeting_cgh_ratio") > 1).all()
        assert (differential > 0).all()
        # coverage of the poor is what exclusion leaves
        np.testing.assert_allclose(hit / poor, 1.0 - value(results, "exclusion_error_share"), rtol=1e-9)

    def test_everybody_with_a_slot_is_no_targeting(self) -> None:
        s = run().scenario.replace(
            {
                "subsidy.slots_share": 1.0, "subsidy.targeting": "universal",
                "switches.formal_sector": False, "switches.demography": False,
            },
            end="2004-12",
        )  # fmt: skip
        everybody = simulate(s, households=300)
        assert (last(everybody, "slots_used") == last(everybody, "persons")).all()
        np.testing.assert_allclose(value(everybody, "targeting_differential_share"), 0.0, atol=1e-12)
        share = last(everybody, "bottom40") / last(everybody, "persons")
        np.testing.assert_allclose(value(everybody, "targeting_cgh_ratio"), share / 0.4)

    def test_without_partners_there_is_nothing(self) -> None:
        s = Scenario(name="alone", start=parse_month("2004-01"), end=parse_month("2004-12"))
        alone = simulate(s.replace({"switches.rollout": False}), households=100)
        for name in (
            "loans", "loans_rwf", "lender_equity_rwf", "group_savings_rwf", "fraud_rwf", "enrolled_by_loan",
            "enrolled_by_group", "donor_money_rwf", "embezzled_rwf",
        ):  # fmt: skip
            assert not value(alone, name).any(), name
        for name in (
            "loans_refused_share", "loans_late_share", "loan_defaults_per_loan_year",
            "group_votes_passed_share", "targeting_cgh_ratio", "slots_to_poorest_40_share",
        ):  # fmt: skip
            assert np.isnan(value(alone, name)).all(), name
        assert (value(alone, "enrolled_by_cash_share") == 1.0).all()


class TestNetIncome:
    """Net income is what moves the scheme's reserves, but for what rescues a fund."""

    BAIL_OUTS = ("bail_out_section", "bail_out_pool")

    def test_flows_across_the_border_of_the_scheme_are_counted_once(self) -> None:
        """What enters or leaves funds and pools is income, expense or a bail-out; nothing else is."""
        into = {
            kind
            for kind, (_, payer, payee, _) in enumerate(codes.FLOWS)
            if payee in SCHEME and payer not in SCHEME
        }
        out_of = {
            kind
            for kind, (_, payer, payee, _) in enumerate(codes.FLOWS)
            if payer in SCHEME and payee not in SCHEME
        }
        rescues = {codes.BAIL_OUT_SECTION, codes.BAIL_OUT_POOL}
        assert sorted(_INCOME) == sorted(into - rescues)
        assert sorted(_EXPENSES) == sorted(out_of)

    def test_it_is_the_change_of_reserves_before_bail_outs(self, results: Results) -> None:
        """reserves(end) - reserves(start) = income - expenses + bail-outs, to the franc of the sample."""
        reserves = results.arrays.stocks[..., list(SCHEME)].sum(axis=(2, 3))
        change = np.stack(
            [reserves[:, end] - reserves[:, begin] for _, begin, end in results.periods], axis=1
        )
        net = value(results, "scheme_net_income_rwf") / results.weight
        np.testing.assert_allclose(net + flow(results, *self.BAIL_OUTS), change, rtol=1e-12, atol=1e-3)
        held = value(results, "reserves_rwf")
        np.testing.assert_allclose(held, reserves[:, [12, 24]] * results.weight, rtol=1e-12)

    def test_cash_and_accrual_differ_by_what_is_owed_more(self, results: Results) -> None:
        """net income = surplus + change of claims unpaid; a bail-out pays claims and is no income."""
        names = ("payables_sections", "payables_sections_hospital", "payables_pools")
        kinds = [codes.STOCKS.index(name) for name in names]
        owed = results.arrays.stocks[..., kinds].sum(axis=(2, 3))
        change = np.stack([owed[:, end] - owed[:, begin] for _, begin, end in results.periods], axis=1)
        net, surplus = (
            value(results, f"scheme_{name}_rwf") / results.weight for name in ("net_income", "surplus")
        )
        np.testing.assert_allclose(surplus + change, net, rtol=1e-12, atol=1e-3)
        assert (change != 0).any()
        others = flow(results, "administration", "audit", "embezzlement", "reinsurance_premium")
        income = value(results, "scheme_income_rwf") / results.weight
        approved = COUNTS["claims_approved_rwf"](results)
        np.testing.assert_allclose(surplus, income - approved - others, rtol=1e-9, atol=1e-3)

    def test_it_is_income_less_expenses_by_name(self, results: Results) -> None:
        income = flow(
            results, "contribution", "group_contribution", "subsidy_state", "subsidy_donor", "subsidy_ngo",
            "pool_grant", "pool_grant_donor", "levy", "reinsurance_recovery",
        )  # fmt: skip
        expenses = flow(
            results, "claims_outpatient", "claims_outpatient_pool", "claims_hospital",
            "claims_hospital_section", "administration", "audit", "embezzlement", "reinsurance_premium",
        )  # fmt: skip
        scale = results.weight
        np.testing.assert_allclose(value(results, "scheme_income_rwf"), income * scale, rtol=1e-12)
        net = value(results, "scheme_net_income_rwf")
        np.testing.assert_allclose(net, (income - expenses) * scale, rtol=1e-9, atol=1e-3)
        # the parts of both that have variables of their own
        np.testing.assert_allclose(
            value(results, "claims_paid_rwf") + value(results, "administration_rwf"),
            expenses * scale - flow(results, "audit", "embezzlement", "reinsurance_premium") * scale,
            rtol=1e-12,
        )

    def test_the_runs_meet_bail_outs_recoveries_and_claims_of_every_kind(self) -> None:
        kinds = {
            "everybody pays": (*self.BAIL_OUTS, "reinsurance_recovery", "reinsurance_premium", "audit"),
            "sections merge": ("merged_up", "claims_outpatient_pool"),
            "no pools": ("claims_hospital_section", "bail_out_section"),
            "one pool": ("claims_outpatient_pool", "claims_hospital", "pool_share"),
        }
        for rules, names in kinds.items():
            for name in names:
                assert flow(run(rules), name).sum() > 0, (rules, name)


def test_every_variable_has_values_of_its_unit() -> None:
    for name, variable in VARIABLES.items():
        found = value(run(), name)
        assert found.shape == (2, 2), name
        assert not np.isinf(found).any(), name
        if variable.unit == "share" and not name.endswith("differential_share"):
            known = found[~np.isnan(found)]
            assert ((known >= 0) & (known <= 1)).all(), name
