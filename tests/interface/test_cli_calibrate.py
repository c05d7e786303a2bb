"""The command `cbhi calibrate`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi.calibration import Posterior
from cbhi.cli import main
from cbhi.saving import check_folder
from cbhi.scenarios import ParameterSets

SCENARIO = """
name = "small"
base = "rwanda-rules"
to = 2001-12-31
[switches]
rollout = false
"""

CALIBRATION = """
name = "Small"
scenario = "small.toml"
country = ""
households = 60
replicates = 1

[explored.enrolment.intercept]
prior = "normal"
mean = -1.0
sd = 1.0
source = "a test"
confidence = "assumption"

[explored.care.seek_intercept]
prior = "normal"
mean = 0.0
sd = 0.7
source = "a test"
confidence = "assumption"

[[target]]
name = "members"
variable = "coverage_end_share"
period = 2000
value = 0.2
sd = 0.05
kind = "coverage"

[[target]]
name = "visits"
variable = "visits_per_person_year"
period = 2000
value = 0.4
sd = 0.05
kind = "visits"

[[target]]
name = "later visits"
variable = "visits_per_person_year"
period = 2001
value = 0.4
sd = 0.05
kind = "visits"
"""


def calibrate(*words: str) -> Result:
    return CliRunner().invoke(main, ["calibrate", *words])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SCENARIO)
    Path("mine.toml").write_text(CALIBRATION)
    return "mine.toml"


@pytest.mark.slow
def test_writes_report_sets_scenario_draws_and_record(file: str) -> None:
    done = calibrate(file, "--sets", "20", "--workers", "2", "--no-profiles", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["n_param_sets"], said["n_targets"], said["failures"]) == (20, 3, 0)
    assert said["effective_size"] >= 400
    assert said["posterior"]["enrolment.intercept"]["p05"] < said["posterior"]["enrolment.intercept"]["p95"]
    folder = Path(said["folder"])
    assert folder == Path("out/calibration-mine")
    for name in said["files"]:
        assert (folder / name).exists(), name
    assert not (folder / "checkpoint").exists()
    sets = ParameterSets.read(folder / "parameter-sets.csv")
    assert (len(sets), sets.keys) == (20, ("enrolment.intercept", "care.seek_intercept"))
    assert sets.about["command"] == "cbhi calibrate mine.toml --workers 2 --sets 20 --no-profiles --json"
    draws = pd.read_csv(folder / "draws.csv")
    assert draws["weight"].sum() == pytest.approx(1.0)
    record = json.loads((folder / "run.json").read_text())
    assert record["identity"]["targets"]["visits"]["value"] == 0.4
    assert "small" in (folder / "report.md").read_text().lower()
    # the fitted scenario stands wherever a scenario can
    fitted = cbhi.scenario(folder / "scenario.toml")
    assert fitted.sets == sets
    results = cbhi.simulate(fitted, households=60, replicates=4)
    assert results.n_param_sets == 2
    # its own values are the mode, and say so
    best = fitted.at_point()
    for key, value in record["mode"].items():
        assert best.values[key] == pytest.approx(value, rel=1e-5)
        source = best.source_of(key)
        assert source is not None
        assert source[0].startswith("mode of the calibration; prior: ")
    again = Posterior.load(folder / "posterior").scenario(4).at_point()
    assert {key: again.values[key] for key in record["mode"]} == pytest.approx(record["mode"], rel=1e-5)
    # its own figures, not those of the country whose rules it has
    assert sets.about["source"] == f"fitted to {record['n_targets']} published figures of Small"


@pytest.mark.slow
def test_fits_the_earlier_years_and_scores_the_later(file: str) -> None:
    done = calibrate(file, "--fit-until", "2000", "--predict-until", "2001", "-o", "early")
    assert done.exit_code == 0, done.output
    assert pd.read_csv("early/forecast.csv")["target"].tolist() == ["later visits"]
    record, report = json.loads(Path("early/run.json").read_text()), Path("early/report.md").read_text()
    assert record["n_targets"] == 2
    # profiles have a say, and are kept: the same report can be rendered from the folder
    posterior = Posterior.load("early/posterior")
    assert posterior.profiles is not None
    assert posterior.report().profiles is not None
    assert f"> {record['says']}\n" in report
    # the forecast is in the report, which says that later figures were looked at
    assert "what was said of the later ones" in report
    assert "the forecast is scored by them" in report


def test_options_that_mean_nothing_together_are_refused(file: str) -> None:
    for options, said in (
        (("--predict-until", "2001"), "needs --fit-until"),
        (("--fit-until", "2001", "--predict-until", "2001"), "must reach beyond the fit"),
        (("--sbc", "2", "--fit-until", "2000", "--predict-until", "2001"), "leave --predict-until out"),
        (("--targets-sd-factor", "nan"), "the factor on errors must be above 0"),
    ):
        done = calibrate(file, *options)
        assert done.exit_code != 0
        assert said in done.output + (done.stderr or "")


def test_a_checkpoint_of_another_calibration_is_refused(file: str) -> None:
    kept = cbhi.Calibration.read(file).evaluator("serial", checkpoint="kept")
    kept.close()
    done = calibrate(file, "--households", "61", "--checkpoint", "kept", "--resume", "-q")
    assert done.exit_code == 2
    assert "belongs to another calibration" in done.stderr
    assert "households: 60 there, 61 here" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rwnda",), "did you mean 'rwanda'"),
        (("none.toml",), "the file 'none.toml' does not exist"),
        (("mine.toml", "--predict-until", "2001"), "--predict-until needs --fit-until"),
        (("mine.toml", "--fit-until", "2001", "--predict-until", "2000"), "must reach beyond the fit"),
        (("mine.toml", "--targets-sd-factor", "0"), "the factor on errors must be above 0"),
        (("mine.toml", "--fit-until", "1999"), "there are no targets"),
    ],
)
def test_what_is_wrong_is_said(file: str, words: tuple[str, ...], said: str) -> None:
    done = calibrate(*words, "-q")
    assert done.exit_code == 2, done.output
    assert said in done.stderr


@pytest.mark.parametrize("mark", ["arrays.npz", "comparison.json"])
def test_results_of_another_kind_are_not_spoilt(mark: str, file: str) -> None:
    Path("there").mkdir()
    Path("there", mark).write_text("kept", encoding="utf-8")
    result = calibrate(file, "-o", "there", "-q")
    assert result.exit_code == 2
    assert f"'there' holds a {'run' if mark == 'arrays.npz' else 'comparison'} ({mark})" in result.stderr
    assert [path.name for path in Path("there").iterdir()] == [mark]


def test_a_run_does_not_spoil_a_calibration(tmp_path: Path) -> None:
    for name in ("run.json", "draws.csv"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="holds a calibration, which results of a run would spoil"):
        check_folder(tmp_path)


def test_files_of_the_users_own_are_not_written_over(file: str) -> None:
    Path("mine").mkdir()
    for name in ("report.md", "forecast.csv"):
        Path("mine", name).write_text("mine", encoding="utf-8")
    result = calibrate(file, "-o", "mine", "-q")
    assert result.exit_code == 2
    assert "'mine' holds report.md and forecast.csv, which no calibration wrote there" in result.stderr
    assert sorted(path.name for path in Path("mine").iterdir()) == ["forecast.csv", "report.md"]


def test_a_run_that_was_killed_while_it_was_saved_is_finished_first(file: str) -> None:
    """Its marks are not in place yet; afterwards they are, and are seen."""
    staged = Path("there", ".placing-run.json")
    (staged / "before").mkdir(parents=True)
    names = ["arrays.npz", "run.json"]
    for name in names:
        (staged / name).write_text("a run's", encoding="utf-8")
    plan = {"mark": "run.json", "new": names, "old": []}
    (staged / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    result = calibrate(file, "-o", "there", "-q")
    assert result.exit_code == 2
    assert "'there' holds a run (arrays.npz)" in result.stderr
    assert Path("there", "run.json").read_text(encoding="utf-8") == "a run's"


def test_a_run_does_not_keep_a_stopped_calibration_from_going_on(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="holds a calibration that was stopped"):
        check_folder(tmp_path)


def test_a_missing_package_is_said(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = calibrate(file, "--executor", "dask", "-q")
    assert done.exit_code == 3
    assert "distributed is not installed; pip install 'cbhi[dask]'" in done.stderr
