"""The page on the calibration says what the shipped parameter sets are, in generated words and numbers."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import cbhi
from cbhi.calibration import Prior, Target
from cbhi.calibration.posterior import Posterior
from cbhi.calibration.verdicts import Verdict, explain_verdicts

ROOT = Path(__file__).resolve().parents[2]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_calibration", ROOT / "docs" / "calibration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = _script()
TEXT = script.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def kept() -> dict[str, dict[str, Any]]:
    return script.read_kept()


def test_the_page_is_what_the_kept_files_say(kept):
    assert script.render(TEXT, kept) == TEXT, "run: python docs/calibration.py"


def test_every_part_of_the_page_is_generated():
    found = re.findall(r"<!-- from docs/calibration.py: (\w+) -->", TEXT)
    assert sorted(found) == sorted(script.PARTS)


def test_another_number_or_sentence_makes_the_page_stale(kept):
    other = json.loads(json.dumps(kept))
    other["fit"]["says"] += " And more."
    assert script.render(TEXT, other) != TEXT
    other = json.loads(json.dumps(kept))
    other["fit"]["tables"]["fit"]["rows"][0][5] += "9"
    assert script.render(TEXT, other) != TEXT


def test_a_part_that_was_not_made_yet_says_what_makes_it(kept):
    page = script.render(TEXT, {"fit": kept["fit"]})
    for command in script.COMMANDS.values():
        assert f"Not on this page yet. It is made by `{command}`." in page


def test_a_page_without_a_part_is_refused(kept):
    with pytest.raises(ValueError, match="has no part 'says'"):
        script.render(TEXT.replace("docs/calibration.py: says", "docs/calibration.py: sayz"), kept)


def test_the_page_is_about_the_sets_that_are_shipped(kept):
    run, settings = kept["fit"]["run"], kept["fit"]["settings"]
    shipped = cbhi.scenario("rwanda")
    about = dict(shipped.sets.about)
    assert run["n_param_sets"] == len(shipped.sets) >= 200
    assert run["command"] == about["command"]
    for name in ("seed", "households", "replicates", "failures"):
        assert str(run[name]) == about[name]
    for name in ("cbhi", "engine", "numpy", "scenario_fingerprint", "simulations", "pilot_replicates"):
        assert str(settings[name]) == about[name]
    size = f"{run['effective_size']:.0f} ({run['method']})"
    assert about["draws"] == f"{run['n_param_sets']} equally weighted of an effective {size}"
    point = {row["key"]: row["value"] for row in shipped.at_point().provenance()}
    for key, value in run["mode"].items():
        assert point[key] == pytest.approx(value, rel=1e-5), key


def test_priors_and_figures_of_the_page_are_those_of_the_shipped_calibration(kept):
    calibration = cbhi.Calibration.read("rwanda")
    for name, carried in (("priors", False), ("carried", True)):
        mine = [prior for prior in kept["fit"]["priors"] if prior["carried"] is carried]
        theirs = getattr(calibration, name)
        assert [prior["key"] for prior in mine] == [prior.key for prior in theirs]
        assert [prior["source"] for prior in mine] == [prior.source for prior in theirs]
        assert [prior["numbers"] for prior in mine] == [dict(prior.numbers) for prior in theirs]
    targets = kept["fit"]["targets"]
    assert [target["name"] for target in targets] == [target.name for target in calibration.targets]
    assert [target["sd"] for target in targets] == [target.sd for target in calibration.targets]


def test_the_sentence_is_made_from_the_verdicts_and_quoted_as_it_is(kept):
    fit = kept["fit"]
    verdicts = [
        Verdict(
            one["key"],
            one["verdict"],
            one["spread_left"],
            math.nan,
            math.nan,
            one["moved_by"],
            one["carried"],
        )
        for one in fit["verdicts"]
    ]
    assert fit["says"] == explain_verdicts(verdicts, len(fit["targets"]), "Rwanda")
    assert f"\n> {fit['says']}\n" in TEXT
    for one in fit["verdicts"]:
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| {one['key']}"))
        assert f"| {one['verdict']} |" in row


def test_what_is_kept_of_a_calibration_is_what_its_folder_holds(tmp_path, posterior):
    posterior.save(tmp_path / "posterior")
    run = dict.fromkeys(script._RECORDED, 1) | {"extra": 2, "command": "cbhi calibrate small"}
    (tmp_path / "run.json").write_text(json.dumps(run))
    found = script.distil_fit(tmp_path)
    assert "extra" not in found["run"]
    assert found["says"] == posterior.explain()
    assert set(found["tables"]) == set(script.PARTS_OF_REPORT)
    assert found["information"] == pytest.approx(posterior.fit.identifiability().information)
    json.dumps(found, allow_nan=False)
    Posterior(fit=posterior.fit, draws=posterior.draws).save(tmp_path / "posterior")
    with pytest.raises(ValueError, match="holds no profiles"):
        script.distil_fit(tmp_path)


def test_studies_forecasts_and_rivals_are_kept_small_and_shown(tmp_path, kept):
    (tmp_path / "study.txt").write_text("How often intervals held the truth\n  a  90.0 %\n")
    (tmp_path / "study.csv").write_text("quantity,covered_90,ks_p\na,0.9,\n")
    study = script.distil_study(tmp_path)
    assert study["rows"] == [{"quantity": "a", "covered_90": 0.9, "ks_p": None}]
    said = {
        "command": f"cbhi calibrate rwanda --sbc 2 -o {tmp_path / 'two'}",
        "wall_seconds": 120.0,
        "rows": [],
    }
    (tmp_path / "study.json").write_text(json.dumps(said))
    # the time of a command that found its sets finished is not that of the study
    command = "`cbhi calibrate rwanda --sbc 2 -o out/two`"
    assert script._study(script.distil_study(tmp_path)).endswith(f"{command}.")
    assert script._study({"text": "as kept before", "run": {"command": "c", "wall_seconds": 2.7}}).endswith(
        "`c`."
    )
    sets = "set,quantity,seconds\n0,a,90.0\n0,b,90.0\n1,a,110.0\n1,b,110.0\n2,a,\n2,b,\n"
    (tmp_path / "sets.csv").write_text(sets)
    timed = script.distil_study(tmp_path)
    assert timed["run"]["sets_timed"] == 2
    assert script._study(timed).endswith(f"{command}, 100 s of one worker a set.")
    (tmp_path / "sets.csv").write_text("set,quantity,seconds\n0,a,\n")
    assert script._study(script.distil_study(tmp_path)).endswith(f"{command}.")

    head = "target,period,published,sd,median,p05,p95,inside_90,crps,crps_carried_forward,unit\n"
    rows = [
        "cbhi_coverage_pop:2009:1,2009,0.86,0.06,0.8626,0.7284,0.9746,True,0.307,0.338,share",
        "cbhi_claims:2012:1,2012,17.01e9,2.5e9,8.64e9,2.92e9,14.68e9,False,2.543,,RWF",
    ]
    (tmp_path / "forecast.csv").write_text(head + "\n".join(rows) + "\n")
    run = {"command": "c", "finished": "2026-01-02T03", "households": 1000, "replicates": 1, "seed": 1}
    run |= {"n_targets": 9, "forecast": {"skill": 0.25, "coverage_90": 0.5}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    forecast = script._forecast(script.distil_forecast(tmp_path))
    assert (
        "| members, official, % | 2009 | 86.0 | 6.0 | 86.3 | 72.8 to 97.5 | yes | 0.31 | 0.34 |" in forecast
    )
    assert "| payments for care, bn RWF | 2012 | 17.01 | 2.50 | 8.64 | 2.92 to 14.68 | **no** |" in forecast
    assert "1 of 2 later figures lie inside" in forecast
    assert "the 1 with an earlier figure of their kind the mean score is 25 % better" in forecast

    rivals = {"command": "r", "date": "d", "versions": {"cma": "4"}, "rows": [{"gap": 1.0}]}
    rivals["musts"] = [{"met": False, "what": "ten times"}]
    (tmp_path / "rivals.json").write_text(json.dumps(rivals))
    (tmp_path / "rivals.md").write_text("| a |\n|---|\n| 1 |\n\n- met\n")
    shown = script._rivals(script.distil_rivals(tmp_path / "rivals.json"))
    assert shown.startswith("| a |\n|---|\n| 1 |\n\n- **missed**: ten times")


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    """Return a small posterior of the pilot with profiles."""
    calibration = cbhi.Calibration(
        cbhi.scenario("rwanda-rules").replace({"switches.rollout": False}, end="2001-12", name="small"),
        [Prior.normal("care.seek_intercept", 0.0, 0.7, source="a", confidence="assumption")],
        [
            Target(
                f"visits {year}", "visits_per_person_year", year, 0.4, 0.05, kind="visits", source="made up"
            )
            for year in ("2000", "2001")
        ],
        households=60,
        replicates=1,
        seed=3,
    )
    fit = calibration.fit("serial")
    return replace(fit.posterior(min_ess=100), profiles=fit.profiles())
