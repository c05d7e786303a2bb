"""``cbhi check``, ``diff``, ``show``, ``new``, ``schema`` and what ``--set`` says, as a user calls them."""

from __future__ import annotations

import datetime
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from cbhi.cli import main
from cbhi.scenarios import scenario, scenario_names, scenarios_dir
from cbhi.scenarios.changes import flat_values, known_parameters, sections
from cbhi.scenarios.diff import differences
from cbhi.scenarios.schema import scenario_schema
from cbhi.scenarios.templates import COMMON, scenario_template
from cbhi.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
LARGE = ROOT / "tests" / "data" / "large_scenario.toml"
sys.path.insert(0, str(ROOT / "benchmarks"))
import corruptions  # noqa: E402


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def refused(result: Result) -> list[str]:
    """Exit 2, nothing printed but the message; its lines."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()


def write(text: str, name: str = "mine.toml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


MINE = 'base = "rwanda"\n[care]\ncopayment_rwf = 100\n[[event]]\nfrom = 2011-01-01\nloans.offered = false\n'


class TestCheck:
    def test_a_file_that_can_be_run_is_ok(self) -> None:
        result = call("check", write(MINE))
        assert result.exit_code == 0
        assert result.stdout == (
            "mine.toml: ok, differs from rwanda in 1 value at the start and 1 later change;"
            " 200 parameter sets of 19 parameters\n"
        )

    def test_an_event_that_the_base_undoes_is_noted(self) -> None:
        text = 'name = "x"\nbase = "rwanda"\n[[event]]\nfrom = 2005-01-01\nscheme.premium_rwf.rich = 5000\n'
        said = call("check", write(text)).stdout
        assert (
            "note: scheme.premium_rwf.rich = 5000 from 2005-01 holds until 2006-12: an event of Rwanda"
            in said
        )
        for_good = text.replace("[[event]]\nfrom = 2005-01-01\n", "[scheme]\n").replace("scheme.p", "p")
        assert "holds until" not in call("check", write(for_good)).stdout

    def test_shipped_names_and_notes(self) -> None:
        result = call("check", "rwanda", "rwanda-rules")
        assert result.exit_code == 0
        assert result.stdout.startswith(
            "rwanda: ok, differs from rwanda-rules in 20 values at the start and 0 later changes;"
            " 200 parameter sets of 19 parameters"
        )
        assert "rwanda-rules: note: event of 2015-07" in result.stdout
        assert call("check", "rwanda", "-q").stdout == ""

    def test_options_that_do_nothing_are_notes_and_no_errors(self) -> None:
        event = "[[event]]\nfrom = 2010-01-01\nfraud.ghost_share = 0.2\n"
        result = call("check", write(MINE + event))
        assert result.exit_code == 0
        assert (
            "mine.toml: note: fraud.ghost_share has no effect while switches.fraud = false" in result.stdout
        )

    def test_every_file_is_checked_and_the_bad_ones_are_told(self) -> None:
        Path("other").mkdir()
        bad = write("base = 'rwanda'\n[loans]\nofferd = true\n[care]\ncopayment_rwf = -1\n", "bad.toml")
        result = call("check", bad, write(MINE), "other/none.toml")
        assert result.exit_code == 2
        assert result.stdout.startswith("mine.toml: ok")
        assert result.stderr.splitlines() == [
            "error: bad.toml has 2 problems",
            "  bad.toml:3: unknown key 'loans.offerd'; did you mean 'loans.offered'?",
            "  bad.toml:5: care.copayment_rwf = -1 is outside 0 to 1000000 [RWF per contact]",
            "error: other/none.toml has 1 problem",
            "  the file 'other/none.toml' does not exist",
        ]


class TestSet:
    def test_each_change_is_told_with_its_option(self) -> None:
        options = ("loans.offerd=true", "care.copayment_rwf=2,000", "fund=3", "scheme.calendar=fixd")
        arguments = [word for option in options for word in ("--set", option)]
        lines = refused(call("run", "rwanda", *arguments, "--until", "2018-13"))
        assert lines[0] == "error: the command line has 5 problems"
        told = {line.strip().split(": ")[0] for line in lines[1:]}
        assert told == {*(f"--set {option}" for option in options), "--until 2018-13"}
        assert not Path("out").exists()

    def test_all_that_are_no_changes(self) -> None:
        lines = refused(call("run", "rwanda", "--set", "x", "--set", "=3"))
        assert len(lines) == 3
        assert "write KEY=VALUE" in lines[1]

    def test_a_broken_sum_names_the_option(self) -> None:
        _, line = refused(call("run", "rwanda", "--set", "subsidy.state_share=0.9"))
        assert line.startswith(
            "  --set subsidy.state_share=0.9: subsidy.state_share 0.9 + subsidy.donor_share 1"
        )

    def test_an_unknown_scenario(self) -> None:
        _, line = refused(call("run", "rwnda"))
        assert "did you mean 'rwanda'? shipped: rwanda and rwanda-rules" in line


class TestDiff:
    def test_what_differs_with_unit_and_source(self) -> None:
        result = call("diff", "rwanda", write(MINE))
        assert result.exit_code == 0
        assert "Rwanda and mine: 2 differences" in result.stdout
        # a value written in a scenario ends what the base's events do to it
        assert re.search(r"start +care\.copayment_rwf +200 +100 +RWF per contact\n", result.stdout)
        assert re.search(r"2011-01 +loans\.offered +true +false +on/off\n", result.stdout)
        assert (
            "care.copayment_rwf: copay_health_centre:2007:1 (published) | given in mine.toml" in result.stdout
        )
        assert "copay_health_centre" not in call("diff", "rwanda", "mine.toml", "--no-sources").stdout

    def test_the_same_is_said_to_be_the_same(self) -> None:
        result = call("diff", "rwanda", write('name = "twin"\nbase = "rwanda"\n'))
        assert result.exit_code == 0
        assert "are the same" in result.stdout
        assert differences(scenario("mine.toml"), scenario("rwanda")) == []

    def test_json_holds_the_same_rows(self) -> None:
        content = json.loads(call("diff", "rwanda", write(MINE), "--json").stdout)
        assert content["scenarios"] == ["Rwanda", "mine"]
        assert [(d["from"], d["key"], d["values"]) for d in content["differences"]] == [
            ("start", "care.copayment_rwf", [200, 100]),
            ("2011-01", "loans.offered", [True, False]),
        ]

    def test_applying_the_differences_at_the_start_removes_them(self) -> None:
        one, other = scenario("rwanda-rules"), scenario("rwanda")
        found = differences(one, other)
        assert len(found) == 20  # the parameter sets, and a value of each of their 19 parameters
        assert other.sets is not None
        assert {d.key for d in found} == {"parameter_sets", *other.sets.keys}
        moved = one.replace({d.key: d.values[1] for d in found if d.key != "parameter_sets"})
        assert [d.key for d in differences(moved, other)] == ["parameter_sets"]
        assert differences(moved.with_sets(other.sets), other) == []
        assert [(d.key, d.values[::-1]) for d in differences(other, one)] == [
            (d.key, d.values) for d in found
        ]

    def test_differences_come_change_and_end(self) -> None:
        one = scenario("rwanda")
        other = one.add_event("2005-01", {"care.copayment_rwf": 0})
        ends = next(e.month for e in one.events if "care.copayment_rwf" in e.changes)
        assert [(d.month, d.values) for d in differences(one, other)] == [
            ("2005-01", (200, 0)),
            ("2007-01", (200, 200)),
        ]
        assert ends == 12 * 2007
        # an event that says what holds anyway is none
        assert differences(one, one.add_event("2005-01", {"care.copayment_rwf": 200})) == []

    def test_the_span_counts(self) -> None:
        one = scenario("rwanda")
        (found,) = differences(one, one.replace(end="2011-06"))
        assert (found.key, found.values) == ("to", ("2012-06", "2011-06"))

    def test_a_misspelt_name(self) -> None:
        assert "did you mean 'rwanda'" in refused(call("diff", "rwanda", "rwandaa"))[1]


class TestShow:
    def test_sections(self) -> None:
        lines = call("show").stdout.splitlines()
        assert [line.split()[0] for line in lines[4 : 4 + len(sections())]] == list(sections())

    @pytest.mark.parametrize("key", sorted(known_parameters()))
    def test_every_parameter(self, key: str) -> None:
        text = call("show", key).stdout
        info = known_parameters()[key]
        assert " ".join(text.split()).startswith(f"{key}: {info.title} ---")
        assert re.search(rf"\nunit +{re.escape(info.unit)}\n", text)
        assert re.search(rf"\nan event can change it +{'yes' if info.datable else 'no'}\n", text)
        assert "Source of the default: " in text

    def test_values_over_time_are_those_of_the_run(self) -> None:
        text = call("show", "loans.offered", write(MINE)).stdout
        rows = re.findall(r"^mine, (\d{4}-\d\d) to (\d{4}-\d\d) +(\w+)$", text, re.MULTILINE)
        assert rows == [
            ("1999-07", "2005-12", "false"), ("2006-01", "2010-12", "true"), ("2011-01", "2012-06", "false")
        ]  # fmt: skip

    def test_a_section_lists_its_keys(self) -> None:
        text = call("show", "loans").stdout
        for key in known_parameters():
            assert (key in text) == key.startswith("loans.")
        assert "The results have a variable 'loans' too" in text
        assert "scheme.premium_rwf.rich" in call("show", "scheme.premium_rwf").stdout

    def test_a_part_of_a_name(self) -> None:
        assert call("show", "copayment_rwf").stdout.startswith("care.copayment_rwf: ")
        text = call("show", "offered").stdout
        assert "subsidy.offered" in text
        assert "loans.offered" in text

    @pytest.mark.parametrize("name", sorted(set(VARIABLES) - {"loans"}))
    def test_every_variable_of_the_results(self, name: str) -> None:
        if name in sections():
            return
        text = call("show", name).stdout
        assert VARIABLES[name].about in " ".join(text.split())
        assert re.search(rf"\nunit +{re.escape(VARIABLES[name].unit)}\n", text)

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("loans.offerd", "did you mean 'loans.offered'?"),
            ("laons", "did you mean 'loans'?"),
            ("coverge_share", "did you mean the variable 'coverage_share'?"),
            ("care.months", "belongs to [loans]"),
            ("qqqq", "nothing is called 'qqqq'; `cbhi show` lists all sections"),
        ],
    )
    def test_unknown_words(self, word: str, said: str) -> None:
        (line,) = refused(call("show", word))
        assert said in line


class TestNew:
    @pytest.mark.parametrize("base", scenario_names())
    def test_the_file_is_valid_as_it_is(self, base: str) -> None:
        assert call("new", "my-scheme.toml", "--from", base).exit_code == 0
        result = call("check", "my-scheme.toml")
        sets = "; 200 parameter sets of 19 parameters" if base == "rwanda" else ""
        assert result.stdout == f"my-scheme.toml: ok, the same as {base}{sets}\n"
        made = scenario("my-scheme.toml")
        assert made.name == "my scheme"
        assert differences(made, scenario(base)) == []

    def test_and_with_every_setting_taken_out_of_its_comment(self) -> None:
        text = scenario_template(scenario("rwanda"), "rwanda", "all")
        live = re.sub(r"^#(?=[^ :])", "", text, flags=re.MULTILINE)
        made = scenario(write(live))
        assert flat_values(made.regimes()[0][1]) == flat_values(scenario("rwanda").regimes()[0][1])
        assert set(COMMON) <= set(made.values)
        assert len(made.events) > 0

    def test_a_name_a_base_beside_it_and_a_schema(self) -> None:
        write(MINE)
        Path("sub").mkdir()
        assert call("schema", "-o", "sub/cbhi.schema.json").exit_code == 0
        result = call("new", "sub/next.toml", "--from", "mine.toml", "--name", 'A "new" one')
        assert result.exit_code == 0, result.stderr
        text = Path("sub/next.toml").read_text(encoding="utf-8")
        assert text.startswith("#:schema cbhi.schema.json\n")
        assert 'base = "../mine.toml"' in text
        assert scenario("sub/next.toml").name == 'A "new" one'
        assert sorted(path.name for path in Path("sub").iterdir()) == ["cbhi.schema.json", "next.toml"]

    def test_it_overwrites_nothing(self) -> None:
        write("kept")
        (line,) = refused(call("new", "mine.toml"))
        assert line == "error: 'mine.toml' is there already and is not overwritten; choose another name"
        assert Path("mine.toml").read_text(encoding="utf-8") == "kept"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("mine",), "a scenario file ends in .toml; write mine.toml"),
            (("none/mine.toml",), "there is no folder 'none'"),
            (("mine.toml", "--from", "rwnda"), "did you mean 'rwanda'?"),
            (("mine.toml", "--name", " "), "--name needs a text on one line"),
        ],
    )
    def test_bad_input_writes_nothing(self, arguments: tuple[str, ...], said: str) -> None:
        assert said in "\n".join(refused(call("new", *arguments)))
        assert list(Path().iterdir()) == []


def with_texts_for_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: with_texts_for_dates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_texts_for_dates(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def loaded(path: Path) -> Any:
    return with_texts_for_dates(tomllib.loads(path.read_text(encoding="utf-8")))


class TestSchema:
    def test_is_a_schema_and_is_what_the_command_prints(self) -> None:
        jsonschema.Draft202012Validator.check_schema(scenario_schema())
        assert json.loads(call("schema").stdout) == scenario_schema()

    @pytest.mark.parametrize(
        "file", [*(scenarios_dir() / f"{n}.toml" for n in scenario_names()), LARGE], ids=lambda f: f.name
    )
    def test_scenarios_keep_it(self, file: Path) -> None:
        jsonschema.validate(loaded(file), scenario_schema(), cls=jsonschema.Draft202012Validator)

    @pytest.mark.parametrize(
        "text",
        [
            "nonsense = 1",
            "[care]\ncopaymnt_rwf = 1",
            "[care]\ncopayment_rwf = -1",
            "[care]\ncopayment_rwf = 1.5",
            "[care]\ncoinsurance_share = 15",
            "[scheme]\ncalendar = 'fixd'",
            "[scheme]\npremium_rwf = { poorst = 1 }",
            "[loans]\noffered = 1",
            "[formal]\nshare = { 2004 = 0.1 }",
            "[formal]\nshare = { 2004-07 = 0.6 }",
            "[donors]\nexit_month = '2010-13'",
            "from = '2011-13-01'",
            "[[event]]\nloans.offered = true",
            "[[event]]\nfrom = 2011-01-01",
            "[[event]]\nfrom = 2011-01-01\npopulation.districts = 3",
            "[sources]\n'care.copayment_rwf' = { source = 'x', confidence = 'certain' }",
            "[sources]\n'care.copay' = { source = 'x', confidence = 'published' }",
        ],
    )
    def test_mistakes_break_it(self, text: str) -> None:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(
                with_texts_for_dates(tomllib.loads(text)),
                scenario_schema(),
                cls=jsonschema.Draft202012Validator,
            )

    def test_it_says_unit_and_range_of_every_key(self) -> None:
        properties = scenario_schema()["properties"]
        for key, info in known_parameters().items():
            here: Any = {"properties": properties}
            for part in key.split("."):
                here = here["properties"][part]
            assert f"[{info.unit}]" in here["description"]
            assert (here.get("minimum"), here.get("maximum")) == (info.low, info.high)


def test_damaged_files_are_refused_once_in_the_right_line(tmp_path: Path) -> None:
    """The short form of benchmarks/corruptions.py."""
    found = corruptions.outcomes(68, seed=20, folder=tmp_path)
    assert {o.corruption.kind for o in found} >= {"contradictory event", "bracket missing", "key given twice"}
    misses = [
        (o.corruption.kind, o.corruption.line, o.problems) for o in found if not (o.refused and o.right_line)
    ]
    assert misses == []
    typos = [o for o in found if o.corruption.meant]
    assert sum(o.right_word for o in typos) >= 0.95 * len(typos)
