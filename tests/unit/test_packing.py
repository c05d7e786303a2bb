"""From scenario to arrays: prices, series, sizes, and the calendar of sale."""

from __future__ import annotations

import itertools
import math

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

    def test_district_years_start_in_january(self) -> None:
        s = run("2004-05", "2006-03")
        cal = pack_calendar(s, pack_rules(s))
        assert [format_month(s.start + int(t)) for t in np.flatnonzero(cal.new_year)] == [
            "2004-05",
            "2005-01",
            "2006-01",
        ]

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
