"""Predictions: a table by year and by month, and what made it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cbhi import ParameterSets, Results, scenario, simulate
from cbhi.cli import main
from cbhi.predictions import BY_MONTH, NET_PER_MEMBER, PREDICTED, PREDICTION_FILES, predictions

ROOT = Path(__file__).resolve().parents[2]
YEARS = ("2013", "2014")
SIZES = ["--households", "250", "--replicates", "4", "--until", "2014-06"]


@pytest.fixture(scope="module")
def run() -> Results:
    return simulate(scenario("rwanda").replace({}, end="2014-06"), households=250, replicates=4)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "table"
    done = CliRunner().invoke(main, ["predict", "rwanda", *SIZES, "-q", "-o", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def test_every_figure_is_a_quantile_of_the_run(run: Results) -> None:
    frame = predictions(run, "2012-07", "2014-06").to_frame()
    labels = run.period_labels()
    for name, _ in PREDICTED:
        part = frame[(frame["outcome"] == name) & frame["period"].isin(YEARS)].set_index("period")
        assert list(part.index) == list(YEARS)
        if name == NET_PER_MEMBER:
            people = run.values("persons") * run.values("coverage_end_share")
            net = run.values("scheme_net_income_rwf")
            values = np.divide(net, people, out=np.full_like(net, np.nan), where=people > 0)
        else:
            values = run.values(name)
        for year in YEARS:
            expected = np.quantile(values[:, labels.index(year), 0], [0.05, 0.5, 0.95])
            assert part.loc[year, ["p05", "median", "p95"]].tolist() == pytest.approx(expected.tolist())
    months = frame[frame["period"].str.len() == 7]
    assert months["period"].tolist() == run.period_labels("month")[-24:]
    closing = run.values(BY_MONTH, every="month")[:, -1, 0]
    assert months["median"].iloc[-1] == pytest.approx(np.median(closing))


def test_the_close_of_a_year_is_its_last_month(run: Results) -> None:
    frame = predictions(run, "2012-07", "2014-06").to_frame()
    coverage = frame[frame["outcome"] == BY_MONTH].set_index("period")["median"]
    assert coverage["2014"] == coverage["2014-06"]


def test_the_command_writes_what_python_computes(run: Results, written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == sorted(PREDICTION_FILES)
    table = pd.read_csv(written / "predictions.csv", dtype={"period": str})
    pd.testing.assert_frame_equal(table, predictions(run, "2012-07", "2014-06").to_frame())
    record = json.loads((written / "predictions.json").read_text())
    assert record["from"] == "2012-07"
    assert record["to"] == "2014-06"
    assert record["replicates"] == 4
    assert record["versions"]["cbhi"]
    # of the program that runs the tests, which may have been given no argument
    assert record["command"].split()[0] == "cbhi"
    text = (written / "predictions.txt").read_text()
    assert "Nobody has compared these figures with what happened" in " ".join(text.split())
    assert "made by" in text


def test_what_cannot_be_written_leaves_nothing_behind(
    run: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        predictions(run, "2012-07", "2014-06").save(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_one_parameter_set_is_said_to_be_one(run: Results) -> None:
    point = scenario("rwanda").at_point().replace({}, end="2014-06")
    alone = simulate(point, households=250, replicates=3)
    notes = " ".join(predictions(alone, "2012-07", "2014-06").summary().notes)
    assert "chance alone" in notes
    assert "with 2 parameter sets" in " ".join(predictions(run, "2012-07", "2014-06").summary().notes)


def test_bands_hold_what_parameter_sets_say() -> None:
    values = np.repeat([[0.1], [0.9]], 2, axis=0)
    sets = ParameterSets(keys=("enrolment.attention_per_month",), values=values)
    chosen = scenario("rwanda").replace({}, end="2013-06").with_sets(sets)
    run = simulate(chosen, households=250, replicates=8)
    found = predictions(run, "2012-07", "2013-06")
    assert found.n_param_sets == 4
    frame = found.to_frame()
    row = frame[(frame["outcome"] == "coverage_end_share") & (frame["period"] == "2013")].iloc[0]
    # attention of 0.1 and 0.9 a month are far apart, and chance is small beside it
    assert row["share_parameters"] > 0.8
    assert row["p95"] - row["p05"] > 0.2
    notes = " ".join(found.summary().notes)
    assert "parameters and chance" in notes
    assert "chance alone" not in notes


def test_the_page_of_the_documentation_is_made_of_the_folder(written: Path) -> None:
    spec = importlib.util.spec_from_file_location("docs_predictions", ROOT / "docs" / "predictions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.page(written)
    assert (written / "predictions.txt").read_text().rstrip() in page
    assert "2012-07 to 2014-06" in page
    assert "parameters and chance" in " ".join(page.split())


def test_json_holds_every_figure(tmp_path: Path, written: Path) -> None:
    done = CliRunner().invoke(main, ["predict", "rwanda", *SIZES, "--json", "-q", "-o", str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    content = json.loads(done.output)
    table = pd.read_csv(written / "predictions.csv")
    assert len(content["predictions"]) == len(table)
    assert content["n_param_sets"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "2012-08", "--until", "2014-06"], "no span of whole reporting years"),
        (["--until", "2013-09"], "no span of whole reporting years"),
        (["--since", "soon"], "--since soon"),
        (["--until", "2012-06"], "later --until"),
    ],
)
def test_what_is_no_span_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    call = ["predict", "rwanda", "--households", "250", "--replicates", "1", "-q", "-o", str(tmp_path / "p")]
    done = CliRunner().invoke(main, [*call, *options])
    assert done.exit_code == 2
    assert words in done.output
