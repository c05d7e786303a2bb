"""The Rwanda case: its shape comes from mechanisms, its parameters from the fit, its misses are known."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from scipy import stats

import cbhi
from cbhi.calibration import Calibration
from cbhi.checks import check_all
from cbhi.published import published_table
from cbhi.scenarios import scenarios_dir


@pytest.fixture(scope="module")
def rwanda() -> cbhi.Results:
    """At the scenario's own values, the mode of its calibration: no doubt about parameters."""
    point = cbhi.scenario("rwanda").at_point()
    return cbhi.simulate(point, households=8_000, replicates=2, workers=2, seed=4)


@pytest.fixture(scope="module")
def ensemble() -> cbhi.Results:
    """With the first twenty parameter sets, two replicates each."""
    return cbhi.simulate("rwanda", households=2_000, replicates=40, workers=2, seed=4)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return Calibration.read("rwanda")


@pytest.fixture(scope="module")
def sets() -> cbhi.ParameterSets:
    found = cbhi.scenario("rwanda").sets
    assert found is not None
    return found


def at(results: cbhi.Results, name: str, year: str) -> float:
    labels = [label for label, _, _ in results.periods]
    return float(results.values(name)[:, labels.index(year), 0].mean())


def test_identities_hold(rwanda: cbhi.Results) -> None:
    check_all(rwanda)


def test_most_fitted_figures_are_met(rwanda: cbhi.Results, ensemble: cbhi.Results) -> None:
    """By the mode, and by the medians of the ensemble."""
    for results in (rwanda, ensemble):
        table = published_table(results)
        fitted = table[table["use"] == "fit"]
        assert len(fitted) == 18
        assert fitted["within_2_sd"].sum() >= 15


def test_sets_spread_more_than_chance_alone(rwanda: cbhi.Results, ensemble: cbhi.Results) -> None:
    """The band holds doubt about the parameters: runs of one set lie closer to each other than sets do."""
    check_all(ensemble)
    assert (ensemble.n_param_sets, rwanda.n_param_sets) == (20, 1)
    for name, year in (
        ("coverage_administrative_share", "2005"),
        ("coverage_administrative_share", "2012"),
        ("visits_per_person_year", "2010"),
        ("claims_paid_rwf", "2012"),
    ):
        labels = [label for label, _, _ in ensemble.periods]
        # replicates 0 and 1 have the first set, 2 and 3 the second, and so on
        pairs = ensemble.values(name)[:, labels.index(year), 0].reshape(20, 2)
        ratio = 2.0 * pairs.mean(axis=1).var(ddof=1) / pairs.var(axis=1, ddof=1).mean()
        assert ratio > stats.f.ppf(0.99, 19, 20), (name, year)
        share = ensemble.uncertainty(name).set_index("period").loc[year, "share_parameters"]
        assert share == pytest.approx((ratio - 1.0) / (ratio + 1.0), abs=0.02), (name, year)


def test_the_ensemble_holds_most_fitted_figures(ensemble: cbhi.Results) -> None:
    """Published minus drawn, with the errors of the figures, as in a predictive check."""
    table = published_table(ensemble)
    fitted = table[table["use"] == "fit"]
    spread = (fitted["model_p95"] - fitted["model_p05"]) / 3.29
    away = (fitted["published"] - fitted["model_median"]).abs()
    assert (away < 2.0 * np.hypot(spread, fitted["sd"])).sum() >= 17


def test_coverage_rises_as_published(rwanda: cbhi.Results) -> None:
    path = [
        at(rwanda, "coverage_administrative_share", year) for year in ("2003", "2005", "2006", "2008", "2010")
    ]
    assert path[0] < 0.15
    assert path[1] == pytest.approx(0.44, abs=0.16)
    assert path[-1] == pytest.approx(0.91, abs=0.08)
    assert np.all(np.diff(path[:4]) > 0.03)


def test_population_follows_the_published_series(rwanda: cbhi.Results) -> None:
    series = cbhi.datasets.series("rwanda", "population")
    for year in (2002, 2006, 2010):
        # the series is of mid-year, the model's of December
        published = 0.5 * (series[year] + series[year + 1])
        assert at(rwanda, "persons", str(year)) == pytest.approx(published, rel=0.04)
    assert at(rwanda, "household_size", "2010") == pytest.approx(4.4, abs=0.25)


def test_use_rises_more_than_members_alone_explain(rwanda: cbhi.Results) -> None:
    assert at(rwanda, "visits_per_person_year", "2012") > 2.2 * at(rwanda, "visits_per_person_year", "1999")
    assert at(rwanda, "visits_insured_per_person_year", "2006") > 1.4 * at(
        rwanda, "visits_uninsured_per_person_year", "2006"
    )


@pytest.mark.parametrize(
    ("change", "variable", "year"),
    [
        ({"switches.subsidies": False}, "coverage_end_share", "2006"),
        ({"switches.mobilisation": False}, "coverage_end_share", "2008"),
        ({"switches.peers": False}, "coverage_end_share", "2008"),
        ({"switches.inertia": False}, "coverage_end_share", "2010"),
        ({"fund.administration_share": 0.9}, "coverage_end_share", "2008"),
        ({"fund.administration_share": 0.9}, "visits_per_person_year", "2008"),
        ({"scheme.household_premium_rwf": 10_000}, "coverage_end_share", "2005"),
        (
            {"provider.clinicians": {"1999-07": 4112.0}, "provider.health_centres": {"1999-07": 274.0}},
            "visits_per_person_year",
            "2012",
        ),
    ],
)
def test_a_partner_left_out_is_missed(
    rwanda: cbhi.Results, change: dict[str, object], variable: str, year: str
) -> None:
    """Common random numbers: each of these lowers the figure by more than chance can."""
    without = cbhi.simulate(
        cbhi.scenario("rwanda").at_point().replace(change), households=8_000, replicates=2, workers=2, seed=4
    )
    assert at(without, variable, year) < at(rwanda, variable, year) - 0.015


def test_frozen_supply_puts_the_access_target_out_of_reach() -> None:
    frozen = (
        cbhi.scenario("rwanda")
        .at_point()
        .replace({"provider.clinicians": {"1999-07": 4112.0}, "provider.health_centres": {"1999-07": 274.0}})
    )
    results = cbhi.simulate(frozen, households=8_000, seed=4)
    assert at(results, "visits_per_person_year", "2012") < 0.75


def test_rules_of_later_years_run_to_2018() -> None:
    results = cbhi.simulate(cbhi.scenario("rwanda").replace(end="2018-06"), households=1_000, seed=4)
    check_all(results)
    assert results.periods[-1][0] == "2018"
    flows = results.flows_frame().set_index(["period", "flow"])["value_rwf"]
    assert flows["2014", "levy"] == 0
    assert flows["2017", "levy"] > 0
    # all contributions go up, and the pool pays the health centres
    assert flows["2017", "claims_outpatient"] == 0
    assert flows["2017", "claims_outpatient_pool"] > 0


def test_rows_of_the_rules_match_the_data() -> None:
    rules = cbhi.scenario("rwanda-rules")
    premiums = {
        name: cbhi.datasets.series("rwanda", f"premium_per_person{name}") for name in ("", "_tier2", "_tier3")
    }
    first, last = rules.regimes()[0][1], rules.regimes()[-1][1]
    of_2007 = next(p for month, p in rules.regimes() if month == 12 * 2007)
    assert of_2007.scheme.premium_rwf.middle == premiums[""][2007]
    assert last.scheme.premium_rwf.middle == premiums["_tier2"][2011]
    assert last.scheme.premium_rwf.rich == premiums["_tier3"][2011]
    assert (
        of_2007.care.copayment_rwf
        == cbhi.datasets.series("rwanda", "copay_health_centre", source="ILO")[2007]
    )
    people = cbhi.datasets.series("rwanda", "population")
    assert all(people[int(month[:4])] == persons for month, persons in first.population.persons.items())
    staff = [cbhi.datasets.series("rwanda", name) for name in ("nurses_midwives", "physicians")]
    for year in (2005, 2008, 2010):
        assert first.provider.clinicians[f"{year}-07"] == sum(series[year] for series in staff)
    schemes = cbhi.datasets.series("rwanda", "schemes_open")
    assert first.rollout.schemes["2006-12"] == schemes[2006]


def test_no_fitted_value_is_dated() -> None:
    """No year-specific factor: what was fitted holds in every year."""
    content = tomllib.loads((scenarios_dir() / "rwanda.toml").read_text(encoding="utf-8"))
    assert "event" not in content
    fitted = {key for key, entry in content["sources"].items() if entry["confidence"] == "fitted"}
    changed = {key for event in cbhi.scenario("rwanda").events for key in event.changes}
    assert fitted
    assert not fitted & changed


def test_the_shipped_sets_are_of_the_shipped_calibration(
    sets: cbhi.ParameterSets, calibration: Calibration
) -> None:
    """Their head says what would make them again, and nothing of that has changed."""
    assert len(sets) >= 200
    assert sets.keys == calibration.keys
    about = dict(sets.about)
    assert about["command"] == "cbhi calibrate rwanda"
    assert about["confidence"] == "fitted"
    assert about["scenario_fingerprint"] == calibration.scenario.fingerprint()
    for name in ("seed", "households", "replicates"):
        assert int(about[name]) == getattr(calibration, name)
    assert about["source"] == f"fitted to {len(calibration.targets)} published figures of Rwanda"
    assert [target.name for target in calibration.targets] == list(cbhi.datasets.fit_rows("rwanda")["key"])
    # the scenario's own values come from the same run, and both name the engine they were fitted with
    head = (scenarios_dir() / "rwanda.toml").read_text(encoding="utf-8").splitlines()[1]
    assert f"engine {about['engine']}, seed {about['seed']}, {about['households']} households" in head


def test_shipped_sets_lie_where_their_priors_allow(
    sets: cbhi.ParameterSets, calibration: Calibration
) -> None:
    frame, scenario = sets.to_frame(), cbhi.scenario("rwanda")
    for prior in (*calibration.priors, *calibration.carried):
        low, high = prior.bounds
        drawn = frame[prior.key].to_numpy()
        assert (drawn > low).all(), prior.key
        assert (drawn < high).all(), prior.key
        assert len(np.unique(drawn)) > 0.9 * len(drawn), prior.key
        # the standardised prior is N(0, 1); a posterior is nowhere wider, and none lies in its tails
        z = prior.to_z(drawn)
        assert np.abs(z).max() < 4.5, prior.key
        assert z.std() < 1.3, prior.key
        assert low < scenario.values[prior.key] < high, prior.key
        assert scenario.source_of(prior.key)[1] == "fitted", prior.key


def test_the_scenario_s_own_values_are_in_the_midst_of_its_sets(
    sets: cbhi.ParameterSets, calibration: Calibration
) -> None:
    values, frame = cbhi.scenario("rwanda").values, sets.to_frame()
    for prior in (*calibration.priors, *calibration.carried):
        z = prior.to_z(frame[prior.key].to_numpy())
        mode = float(prior.to_z(np.array(values[prior.key])))
        assert abs(mode - z.mean()) < 0.5 * z.std(), prior.key


def test_figures_narrow_what_was_believed(sets: cbhi.ParameterSets, calibration: Calibration) -> None:
    """At least one direction is known far better than its prior had it, and no more than the figures can."""
    frame = sets.to_frame()
    z = np.stack([prior.to_z(frame[prior.key].to_numpy()) for prior in calibration.priors])
    variances = np.linalg.eigvalsh(np.cov(z))
    assert variances[0] < 0.05
    informed = float(np.clip(1.0 - variances, 0.0, 1.0).sum())
    assert 2.0 < informed < min(len(calibration.priors), len(calibration.targets))
