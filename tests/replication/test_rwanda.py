"""The Rwanda case: its shape comes from mechanisms, its parameters from the fit, its misses are known."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import cbhi
from cbhi.checks import check_all
from cbhi.published import published_table
from cbhi.scenarios import scenarios_dir

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rwanda() -> cbhi.Results:
    return cbhi.simulate("rwanda", households=8_000, replicates=2, workers=2, seed=4)


@pytest.fixture(scope="module")
def fit_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_rwanda", ROOT / "benchmarks" / "fit_rwanda.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["fit_rwanda"] = module
    spec.loader.exec_module(module)
    return module


def at(results: cbhi.Results, name: str, year: str) -> float:
    labels = [label for label, _, _ in results.periods]
    return float(results.values(name)[:, labels.index(year), 0].mean())


def test_identities_hold(rwanda: cbhi.Results) -> None:
    check_all(rwanda)


def test_most_fitted_figures_are_met(rwanda: cbhi.Results) -> None:
    table = published_table(rwanda)
    fitted = table[table["use"] == "fit"]
    assert len(fitted) == 18
    assert fitted["within_2_sd"].sum() >= 15


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
        cbhi.scenario("rwanda").replace(change), households=8_000, replicates=2, workers=2, seed=4
    )
    assert at(without, variable, year) < at(rwanda, variable, year) - 0.015


def test_frozen_supply_puts_the_access_target_out_of_reach() -> None:
    frozen = cbhi.scenario("rwanda").replace(
        {"provider.clinicians": {"1999-07": 4112.0}, "provider.health_centres": {"1999-07": 274.0}}
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


def test_fitted_values_lie_in_their_documented_ranges(fit_script: ModuleType) -> None:
    values = cbhi.scenario("rwanda").values
    for free in fit_script.FREE:
        assert free.low <= values[free.key] <= free.high, free.key
        assert cbhi.scenario("rwanda").sources[free.key][1] == "fitted"


def test_the_fit_reads_fit_rows_only_and_improves(
    fit_script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short version of the fit: one Gauss-Newton step from the priors lowers the objective."""
    rows = fit_script.targets()
    used = cbhi.datasets.fit_rows("rwanda")
    assert [row[0] for row in rows] == list(used["key"])
    objective = fit_script.Objective("rwanda-rules", households=2_000, replicates=1, workers=2)
    start = np.zeros(len(fit_script.FREE))
    before = objective(start)
    jacobian = objective.jacobian(start)
    step = np.linalg.lstsq(jacobian, -before, rcond=None)[0]
    # a clipped step from a linearised start: a clear gain, not the optimum
    after = objective(np.clip(step, -1.5, 1.5))
    assert after @ after < 0.9 * (before @ before)
