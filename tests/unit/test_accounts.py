"""Partners' accounts and what each brings: identities on a run, and arithmetic by hand on small arrays."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cbhi import Results, Scenario, simulate
from cbhi.accounts import (
    ACCOUNT_COLUMNS,
    RESOURCE_COLUMNS,
    accounts_frame,
    lender_frame,
    partners_as_table,
    resources_frame,
)
from cbhi.kernels import codes
from cbhi.layouts import lay_out
from cbhi.limits import break_even_interest
from cbhi.months import parse_month
from cbhi.replicates import begin_replicate

FLOW = {name: kind for kind, (name, *_) in enumerate(codes.FLOWS)}
# payer and payee of every flow by name, as documented in the table of flows
PARTIES = {name: (codes.SECTORS[payer], codes.SECTORS[payee]) for name, payer, payee, _ in codes.FLOWS}
SUBSIDIES = ("subsidy_state", "subsidy_donor", "subsidy_ngo", "subsidy_pool")
SMALL_COUNTRY: dict[str, Any] = {
    "switches.rollout": False,
    "population.districts": 4,
    "population.sections": 40,
    "rollout.pilot_sections": 0,
    "rollout.pilot_districts": 0,
}


@functools.cache
def partners() -> Results:
    """Two years in which every partner pays, lends, saves or is defrauded; two replicates."""
    values = {
        **SMALL_COUNTRY,
        "switches.fraud": True,
        "enrolment.intercept": 0.5,
        "subsidy.offered": True,
        "subsidy.slots_share": 0.2,
        "subsidy.state_share": 0.3,
        "subsidy.donor_share": 0.4,
        "subsidy.cross_subsidy_share": 0.1,
        "loans.offered": True,
        "loans.default_share": 0.1,
        "loans.default_after_months": 2,
        "groups.savings": True,
        "groups.pay_together": False,
        "donors.pool_grant_rwf": 100.0,
        "donors.budget_support_rwf": 50.0,
        "donors.assistance_rwf": 20.0,
        "fund.pool_grant_rwf": 100.0,
        "fund.national_share": 0.05,
        "fund.quota_share": 0.1,
        "fund.deficit_rule": "bail_out",
        "fund.arrears_limit_months": 0.5,
        "provider.performance_rwf": 100.0,
        "provider.performance_donor_share": 0.5,
        "formal.levy_share": 0.05,
        "mandate.compulsory": True,
    }
    s = Scenario(name="partners", start=parse_month("2004-01"), end=parse_month("2005-12"), values=values)
    return simulate(s, households=2000, replicates=2, seed=3)


@functools.cache
def accounts() -> pd.DataFrame:
    return accounts_frame(partners())


@functools.cache
def resources() -> pd.DataFrame:
    return resources_frame(partners())


def at_sample_scale(values: Any, weight: float) -> Any:
    """Whole francs of the sample; a value that is none fails."""
    francs = np.asarray(values, dtype=float) / weight
    whole = np.rint(francs)
    np.testing.assert_allclose(francs, whole, rtol=1e-12, atol=1e-6)
    return whole.astype(np.int64)


def yearly(name: str, results: Results) -> Any:
    """A flow by hand, francs of the sample, shape (replicates, years)."""
    sums = results.arrays.flows[..., FLOW[name]].sum(axis=2)
    return np.stack([sums[:, begin:end].sum(axis=1) for _, begin, end in results.periods], axis=1)


def yearly_tally(name: str, results: Results) -> Any:
    sums = results.arrays.tallies[..., codes.TALLIES.index(name)].sum(axis=2)
    return np.stack([sums[:, begin:end].sum(axis=1) for _, begin, end in results.periods], axis=1)


def brought(partner: str, kind: str, frame: pd.DataFrame | None = None) -> Any:
    """A partner's resource, shape (replicates, years)."""
    frame = resources() if frame is None else frame
    rows = frame[(frame["partner"] == partner) & (frame["kind"] == kind)]
    return rows.pivot(index="replicate", columns="period", values="value").to_numpy()


class TestAccounts:
    def test_the_run_moves_money_of_every_partner(self) -> None:
        flows = accounts()[~accounts()["item"].isin(("opening", "closing"))]
        moved = flows.groupby("partner")["value_rwf"].agg(lambda values: values.abs().sum())
        assert set(moved.index) == set(codes.SECTORS)
        assert (moved > 0).all()

    def test_opening_plus_items_is_closing_to_the_franc(self) -> None:
        assert tuple(accounts().columns) == ACCOUNT_COLUMNS
        frame = accounts().assign(francs=at_sample_scale(accounts()["value_rwf"], partners().weight))
        seen = 0
        for place, account in frame.groupby(["replicate", "period", "partner"]):
            by_item = account.set_index("item")["francs"]
            assert by_item.index.is_unique, place
            items = by_item.drop(["opening", "closing"])
            assert by_item["opening"] + items.sum() == by_item["closing"], place
            seen += 1
        assert seen == 2 * 2 * len(codes.SECTORS)

    def test_a_year_opens_with_what_the_last_one_closed_with(self) -> None:
        def balances(item: str, period: str) -> Any:
            rows = accounts()[(accounts()["item"] == item) & (accounts()["period"] == period)]
            return rows.set_index(["replicate", "partner"])["value_rwf"]

        pd.testing.assert_series_equal(balances("closing", "2004"), balances("opening", "2005"))
        first = balances("opening", "2004")
        # before the first month only households hold money, and nobody outside owes anything
        assert set(first[first != 0].index.get_level_values("partner")) == {"households"}
        stocks = partners().arrays.stocks[:, 0, :, codes.HOUSEHOLDS].sum(axis=1)
        held = at_sample_scale(first.xs("households", level="partner"), partners().weight)
        assert held.tolist() == stocks.tolist()

    def test_what_one_pays_another_receives(self) -> None:
        flows = accounts()[~accounts()["item"].isin(("opening", "closing"))]
        sums = flows.groupby(["replicate", "period", "item"])["value_rwf"].agg(["sum", "count", "max"])
        assert (sums["sum"] == 0).all()
        assert (sums["count"] == 2).all()
        for name, (payer, payee) in PARTIES.items():
            rows = flows[flows["item"] == name]
            received = rows[rows["partner"] == payee]
            assert set(received["counterpart"]) == {payer}, name
            assert set(rows[rows["partner"] == payer]["counterpart"]) == {payee}, name
            found = received.pivot(index="replicate", columns="period", values="value_rwf")
            expected = yearly(name, partners())
            assert at_sample_scale(found, partners().weight).tolist() == expected.tolist(), name

    def test_purposes_are_those_of_the_flows(self) -> None:
        purposes = dict(zip(accounts()["item"], accounts()["purpose"], strict=True))
        assert purposes.pop("opening") == purposes.pop("closing") == "balance"
        assert purposes == {name: purpose for name, _, _, purpose in codes.FLOWS}


MONEY = {
    "households": (
        "contribution", "copayment_health_centre", "copayment_hospital", "fee_health_centre", "fee_hospital"
    ),
    "groups": ("group_contribution",),
    "pools": ("subsidy_pool",),
    "government": (
        "subsidy_state", "pool_grant", "bail_out_section", "bail_out_pool", "performance_state", "salaries"
    ),
    "donors": ("subsidy_donor", "pool_grant_donor", "performance_donor", "budget_support", "assistance"),
    "ngos": ("subsidy_ngo",),
    "formal_insurers": ("levy",),
    "reinsurers": ("reinsurance_recovery",),
}  # fmt: skip


class TestResources:
    def test_money_is_the_sum_of_the_flows_named(self) -> None:
        assert tuple(resources().columns) == RESOURCE_COLUMNS
        assert set(resources()[resources()["kind"] == "money"]["partner"]) == set(MONEY)
        for partner, names in MONEY.items():
            assert all(PARTIES[name][0] == partner for name in names)
            expected = sum(yearly(name, partners()) for name in names)
            found = at_sample_scale(brought(partner, "money"), partners().weight)
            assert found.tolist() == expected.tolist(), partner
            assert expected.sum() > 0, partner

    def test_credit(self) -> None:
        weight = partners().weight
        lent = at_sample_scale(brought("lenders", "credit"), weight)
        assert lent.tolist() == yearly("loan", partners()).tolist()
        # of claims, what is owed at the end of each year, whoever owes it
        owed = ("payables_sections", "payables_sections_hospital", "payables_pools")
        stocks = partners().arrays.stocks.sum(axis=2)[:, [12, 24]]
        expected = sum(stocks[..., codes.STOCKS.index(name)] for name in owed)
        waiting = brought("health_centres", "credit") + brought("hospitals", "credit")
        assert at_sample_scale(waiting, weight).tolist() == expected.tolist()
        assert expected.min() > 0

    def test_providers_wait_for_what_sections_and_pools_owe_them(self) -> None:
        # pools owe 100, of it 40 to health centres
        run = by_hand(
            stocks={
                codes.STOCK_PAYABLES_SECTION: 5, codes.STOCK_PAYABLES_SECTION_HOSPITAL: 7,
                codes.STOCK_PAYABLES_POOL: 100, codes.STOCK_POOL_OWES_CENTRES: 40,
            },
        )  # fmt: skip
        frame = resources_frame(run)
        assert brought("health_centres", "credit", frame).tolist() == [[450.0]]
        assert brought("hospitals", "credit", frame).tolist() == [[670.0]]

    def test_everybody_enrolled_is_counted_with_one_partner(self) -> None:
        persons = resources()[resources()["kind"] == "persons enrolled"]
        total = persons.groupby(["replicate", "period"])["value"].sum().unstack().to_numpy()
        expected = yearly_tally("persons_enrolled", partners()) * partners().weight
        np.testing.assert_allclose(total, expected, rtol=1e-12)
        for partner in ("households", "groups", "lenders", "pools", "government", "donors", "ngos"):
            assert (persons[persons["partner"] == partner]["value"].sum()) > 0, partner
        # what cash, savings and loans enrol is counted in heads
        for partner, means in (("households", "cash"), ("groups", "group"), ("lenders", "loan")):
            heads = at_sample_scale(brought(partner, "persons enrolled"), partners().weight)
            assert heads.tolist() == yearly_tally(f"persons_by_{means}", partners()).tolist()

    def test_subsidised_people_are_divided_by_who_paid(self) -> None:
        paid = {name: yearly(name, partners()) for name in SUBSIDIES}
        whole = sum(paid.values())
        subsidised = yearly_tally("persons_by_subsidy", partners()) * partners().weight
        payers = {"subsidy_state": "government", "subsidy_donor": "donors", "subsidy_ngo": "ngos"}
        for name, partner in {**payers, "subsidy_pool": "pools"}.items():
            expected = subsidised * paid[name] / whole
            np.testing.assert_allclose(brought(partner, "persons enrolled"), expected, rtol=1e-12)
        # as the rules divide it: 0.3, 0.4 and 0.1, the rest by NGOs, but for francs that cannot be divided
        # and what the state bears for an empty pool
        np.testing.assert_allclose(brought("donors", "persons enrolled") / subsidised, 0.4, atol=0.002)
        np.testing.assert_allclose(brought("ngos", "persons enrolled") / subsidised, 0.2, atol=0.002)

    def test_targeting_is_a_share_of_these(self) -> None:
        for partner in ("households", "groups", "lenders", "pools", "government", "donors", "ngos"):
            shares, persons = brought(partner, "targeting"), brought(partner, "persons enrolled")
            assert (np.isnan(shares) == (persons == 0)).all(), partner
            assert ((shares >= 0) & (shares <= 1))[persons > 0].all(), partner
        means = {"households": "cash", "groups": "group", "lenders": "loan", "donors": "subsidy"}
        for partner, by in means.items():
            heads, poor = (yearly_tally(f"{who}_by_{by}", partners()) for who in ("persons", "poor"))
            known = heads > 0
            np.testing.assert_allclose(
                brought(partner, "targeting")[known], poor[known] / heads[known], rtol=1e-12
            )
        # slots go to the poorest by the community's list, cash does not ask
        assert (brought("donors", "targeting") > 2 * brought("households", "targeting")).all()

    def test_nobody_enrolled_has_no_targeting(self) -> None:
        s = Scenario(
            name="closed",
            start=parse_month("2004-01"),
            end=parse_month("2004-06"),
            values={**SMALL_COUNTRY, "switches.rollout": True, "rollout.schemes": {"2010-01": 0.0}},
        )
        frame = resources_frame(simulate(s, households=50))
        assert frame[frame["kind"] == "persons enrolled"]["value"].eq(0).all()
        assert frame[frame["kind"] == "targeting"]["value"].isna().all()

    def test_hours_by_hand(self) -> None:
        """Nobody is born, marries or moves, so that members and staff of the start are those of the year."""
        s = Scenario(
            name="hours",
            start=parse_month("2004-01"),
            end=parse_month("2005-06"),
            values={
                **SMALL_COUNTRY,
                "switches.demography": False,
                "population.persons": {"2004-01": 1_000_000},
                "provider.clinicians": {"2004-01": 500.0},
                "provider.hours_per_year": 1200.0,
                "provider.staffing_log_sd": 0.0,
                "provider.posting_response": 0.0,
                "groups.savings": True,
                "groups.meeting_hours_per_month": 3.0,
            },
        )
        results = simulate(s, households=500, seed=4)
        layout = lay_out(s, 500)
        state = begin_replicate(s, layout, 4, 0).state
        members = int((state.households["group"] != codes.NO_GROUP).sum())
        people = int(state.households["n_members"].sum())
        frame = results.resources_frame()
        # a full year, and half a one
        meetings = members * 3.0 * results.weight
        assert brought("groups", "hours", frame)[0].tolist() == pytest.approx([12 * meetings, 6 * meetings])
        clinicians = people * results.weight * 500 / 1_000_000
        hours = brought("health_centres", "hours", frame)[0]
        assert hours.tolist() == pytest.approx([1200 * clinicians, 600 * clinicians])
        assert brought("section_funds", "hours", frame)[0].tolist() == [0.0, 0.0]
        assert 200 < members < 300

    def test_audit_takes_five_hours_for_a_thousand_claims(self) -> None:
        claims = yearly_tally("visits_insured", partners()) + yearly_tally("visits_borrowed_card", partners())
        hours = brought("section_funds", "hours") / partners().weight
        # bills below the co-payment leave no claim
        assert (hours <= 0.005 * claims + 1e-9).all()
        assert (hours >= 0.7 * 0.005 * claims).all()


def by_hand(
    stocks: dict[int, int] | None = None,
    opening: dict[int, int] | None = None,
    flows: dict[int, int] | None = None,
    tallies: dict[int, int] | None = None,
    **loans: float,
) -> Any:
    """A year of one district in arrays written by hand; a person stands for ten."""
    arrays = SimpleNamespace(
        flows=np.zeros((1, 12, 1, codes.N_FLOWS), dtype=np.int64),
        stocks=np.zeros((1, 13, 1, codes.N_STOCKS), dtype=np.int64),
        tallies=np.zeros((1, 12, 1, codes.N_TALLIES), dtype=np.int64),
        gauges=np.zeros((1, 12, 1, codes.N_GAUGES)),
        replicates=np.array([0]),
    )
    for code, value in (opening or {}).items():
        arrays.stocks[0, 0, 0, code] = value
    for code, value in (stocks or {}).items():
        arrays.stocks[0, 12, 0, code] = value
    for code, value in (flows or {}).items():
        # in two months of the year
        arrays.flows[0, [2, 9], 0, code] = value // 2, value - value // 2
    for code, value in (tallies or {}).items():
        arrays.tallies[0, [0, 11], 0, code] = value // 2, value - value // 2
    s = Scenario(
        name="hand",
        start=parse_month("2004-01"),
        end=parse_month("2004-12"),
        values={f"loans.{key}": value for key, value in loans.items()},
    )
    return SimpleNamespace(arrays=arrays, scenario=s, periods=(("2004", 0, 12),), weight=10.0)


class TestLenders:
    def test_a_year_by_hand(self) -> None:
        # 200 owed at first; 1,000 lent, 640 repaid and 160 struck out: 400 owed at the end
        run = by_hand(
            opening={codes.STOCK_LOANS: 200},
            stocks={
                codes.STOCK_LOANS: 400, codes.LENDERS: 70, codes.STOCK_GROUP_DEPOSITS: 50,
                codes.STOCK_LENDER_BORROWING: 30,
            },
            flows={codes.LOAN: 1_000, codes.LOAN_REPAYMENT: 640},
            tallies={codes.LOAN_WRITTEN_OFF: 160, codes.LOAN_MONTHS: 50, codes.LOAN_MONTHS_LATE: 4},
            borrowing_interest_share_per_year=0.08, operating_cost_per_year=0.12, interest_share_per_year=0.3,
        )  # fmt: skip
        (row,) = lender_frame(run).to_dict("records")
        assert (row["replicate"], row["period"]) == (0, "2004")
        assert (row["money_rwf"], row["loans_rwf"], row["deposits_rwf"], row["borrowing_rwf"]) == (
            700, 4_000, 500, 300
        )  # fmt: skip
        assert row["equity_rwf"] == 3_900
        assert (row["lent_rwf"], row["written_off_rwf"]) == (10_000, 1_600)
        # of the 800 that fell due a fifth was lost
        assert row["loss_share"] == pytest.approx(0.2)
        assert row["late_share"] == pytest.approx(0.08)
        # 1.2 must come back from four fifths of the francs
        assert row["break_even_rate"] == pytest.approx(1.2 / 0.8 - 1.0)
        assert row["break_even_rate"] == pytest.approx(break_even_interest(0.08, 0.12, 0.2))
        assert row["interest_rate"] == 0.3

    def test_where_all_is_lost_no_rate_will_do(self) -> None:
        run = by_hand(flows={codes.LOAN: 100}, tallies={codes.LOAN_WRITTEN_OFF: 100})
        (row,) = lender_frame(run).to_dict("records")
        assert row["loss_share"] == 1.0
        assert np.isnan(row["break_even_rate"])

    def test_without_a_lender_there_is_nothing_and_no_error(self) -> None:
        (row,) = lender_frame(by_hand()).to_dict("records")
        money = [value for name, value in row.items() if str(name).endswith("_rwf")]
        assert money == [0.0] * 7
        assert all(np.isnan(row[name]) for name in ("loss_share", "late_share", "break_even_rate"))

    def test_equity_is_what_was_paid_in_and_earned(self) -> None:
        run = partners()
        frame = lender_frame(run)
        assert len(frame) == 4
        plus = ("lender_equity", "loan_interest")
        minus = ("lender_interest", "deposit_interest", "lender_operating_cost")
        earned = sum(yearly(name, run) for name in plus) - sum(yearly(name, run) for name in minus)
        expected = (earned - yearly_tally("loan_written_off", run)).cumsum(axis=1)
        found = frame.pivot(index="replicate", columns="period", values="equity_rwf")
        assert at_sample_scale(found, run.weight).tolist() == expected.tolist()
        assert (yearly_tally("loan_written_off", run) > 0).all()

    def test_losses_of_the_run(self) -> None:
        run = partners()
        frame = lender_frame(run)
        lost = yearly_tally("loan_written_off", run)
        loss = frame.pivot(index="replicate", columns="period", values="loss_share").to_numpy()
        # what fell due was repaid or struck out
        np.testing.assert_allclose(loss, lost / (yearly("loan_repayment", run) + lost), rtol=1e-12)
        assert ((loss > 0) & (loss < 1)).all()
        for row in frame.to_dict("records"):
            assert row["break_even_rate"] == pytest.approx((1 + 0.08 + 0.15) / (1 - row["loss_share"]) - 1)

    def test_rules_of_the_year_it_closes(self) -> None:
        s = partners().scenario
        late = s.add_event("2005-12", {"loans.interest_share_per_year": 0.5})
        run = SimpleNamespace(
            arrays=partners().arrays, scenario=late, periods=partners().periods, weight=partners().weight
        )
        rates = lender_frame(run).groupby("period")["interest_rate"].unique()
        assert rates["2004"].tolist() == [0.15]
        assert rates["2005"].tolist() == [0.5]


class TestTable:
    def test_cells_are_medians_of_the_frames(self) -> None:
        table = partners_as_table(partners(), "2004")
        rows = table.rows
        span = "Partners in 2004, 2004-01 to 2004-12"
        assert table.title == f"{span} (medians; money in million RWF, people and hours in thousands)"
        assert table.heads[1] == ("", "at the end", "", "", "", "", "people", "poorest", "given")
        assert [row[0] for row in rows] == [name.replace("_", " ") for name in codes.SECTORS]
        run, weight = partners(), partners().weight
        for name, (_, holds, received, paid, *_) in zip(codes.SECTORS, rows, strict=True):
            sector = codes.SECTORS.index(name)
            closing = run.arrays.stocks[:, 12, :, sector].sum(axis=1)
            assert float(holds.replace(",", "")) == pytest.approx(np.median(closing) * weight / 1e6, abs=0.51)
            gains = sum(yearly(flow, run)[:, 0] for flow, (_, payee) in PARTIES.items() if payee == name)
            gives = sum(yearly(flow, run)[:, 0] for flow, (payer, _) in PARTIES.items() if payer == name)
            for cell, francs in ((received, gains), (paid, gives)):
                assert float(cell.replace(",", "")) == pytest.approx(
                    np.median(francs) * weight / 1e6, abs=0.51
                )
        brings = {row[0].replace(" ", "_"): row[4:] for row in rows}
        for name, cells in brings.items():
            for cell, kind, factor in zip(
                cells,
                ("money", "credit", "persons enrolled", "targeting", "hours"),
                (1e-6, 1e-6, 1e-3, 100.0, 1e-3),
                strict=True,
            ):
                found = brought(name, kind)
                if found.size == 0 or np.isnan(found[:, 0]).all():
                    assert cell == "", (name, kind)
                else:
                    assert cell.endswith("%") == (kind == "targeting")
                    value = float(cell.rstrip("%").replace(",", ""))
                    assert value == pytest.approx(np.nanmedian(found[:, 0]) * factor, abs=0.51)

    def test_the_last_year_if_not_told(self) -> None:
        assert partners_as_table(partners()) == partners_as_table(partners(), "2005")
        assert partners_as_table(partners()) != partners_as_table(partners(), "2004")

    def test_an_unknown_year_names_those_there_are(self) -> None:
        with pytest.raises(
            ValueError, match="'2012' is not a reporting year of this run; there are: 2004, 2005"
        ):
            partners_as_table(partners(), "2012")

    def test_columns_widen_together(self) -> None:
        small, large = by_hand(), by_hand(stocks={codes.HOSPITALS: 123_456_789_012_345})
        # "1,234,567,890" against "at the end"
        wider = partners_as_table(large).width - partners_as_table(small).width
        assert wider == 13 - len("at the end")
        assert "1,234,567,890" in str(partners_as_table(large))
        assert len(str(partners_as_table(small)).split("\n")) == 8 + len(codes.SECTORS)

    def test_partners_that_are_absent(self) -> None:
        cells = {row[0]: list(row[1:]) for row in partners_as_table(by_hand()).rows}
        assert cells["lenders"] == ["0", "0", "0", "", "0", "0", "", ""]
        assert cells["groups"] == ["0", "0", "0", "0", "", "0", "", "0"]
        assert cells["national pool"] == ["0", "0", "0", "", "", "", "", ""]
        assert cells["donors"] == ["0", "0", "0", "0", "", "0", "", ""]
