"""Refusals that a list of all ``raise`` statements showed no test to meet (``benchmarks/raises.py``)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cbhi
from cbhi import limits, plots
from cbhi.cli import main as cli
from cbhi.comparison import Comparison, compare
from cbhi.params import Parameters
from cbhi.parts import Parts
from cbhi.results import Results, join_results
from cbhi.scenarios import Scenario, ScenarioError
from cbhi.scenarios.files import read_month
from cbhi.simulation import load_scenario
from cbhi.solving import solve
from cbhi.solving.words import save_solution
from cbhi.verification.mean_field import Step, mean_field_path
from cbhi.verification.windows import windowed_scenario


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate(cbhi.scenario("rwanda-rules").replace({}, end="2002-12"), households=20)


@pytest.fixture(scope="module")
def compared() -> Comparison:
    base = cbhi.scenario("rwanda-rules").replace({}, end="2002-12", name="a")
    return compare(base, base.replace({}, name="b"), households=20, replicates=1)


class TestSeriesByMonth:
    @pytest.mark.parametrize(
        ("series", "words"),
        [
            ({}, "at least one entry"),
            ({"2004-13": 0.1}, "'2004-13' is not a month"),
            ({"2004": 0.1}, "'2004' is not a month"),
            ({"2004-01": 0.1, "2005-01": -0.1}, "formal.share"),
        ],
    )
    def test_of_a_scenario(self, series: dict[str, float], words: str) -> None:
        with pytest.raises(ScenarioError, match=words):
            Scenario(name="x", start=24_000, end=24_011, values={"formal.share": series})


class TestResults:
    def test_unknown_detail(self, results: Results) -> None:
        with pytest.raises(ValueError, match="every must be 'year' or 'month', got 'week'"):
            results.values("trust", every="week")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="every must be 'year', 'month' or 'both', got 'week'"):
            results.to_frame(every="week")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="village"):
            results.groups("village")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="village"):
            results.values("trust", by="village")  # type: ignore[arg-type]

    def test_unknown_names(self, results: Results) -> None:
        for ask in (results.values, results.to_frame):
            with pytest.raises(ValueError, match="unknown variable 'trst'; did you mean 'trust'"):
                ask("trst")

        with pytest.raises(ValueError, match="unknown variable 'trst'; did you mean 'trust'"):
            results.span_values("trst", "2000", "2001")

    def test_a_replicate_is_not_joined_with_itself(self, results: Results) -> None:
        with pytest.raises(ValueError, match="the same replicate is in both results"):
            join_results([results, results])


class TestComparison:
    def test_nothing_asked_for(self, compared: Comparison) -> None:
        with pytest.raises(ValueError, match="names is empty; leave it out"):
            compared.summary([])
        with pytest.raises(ValueError, match="periods is empty; leave it out"):
            compared.summary(periods=[])

    def test_unknown_name_of_a_table(self, compared: Comparison) -> None:
        with pytest.raises(ValueError, match="unknown variable 'trst'; did you mean 'trust'"):
            compared.summary(["trust", "trst"])

    def test_nothing_in_common(self, compared: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers = iter(range(100))
        monkeypatch.setattr(Results, "groups", lambda self, by: [f"district {next(numbers)}"])
        with pytest.raises(ValueError, match="the scenarios have no district in common"):
            compared.difference("trust", by="district")


@pytest.mark.parametrize("chosen", [7, None, ["rwanda"]])
def test_what_is_no_scenario(chosen: Any) -> None:
    with pytest.raises(ValueError, match="a scenario, its name or its file is wanted, got "):
        load_scenario(chosen)


@pytest.mark.parametrize("value", [True, 1.5, [2011], {}])
def test_what_is_no_month(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a month; write it like 2011-07-01"):
        read_month(value)


class TestSolving:
    def test_an_open_end_is_asked_for(self) -> None:
        with pytest.raises(ValueError, match=r"scheme\.premium_rwf.* has no natural end; give high="):
            solve(
                "rwanda-rules", "scheme.premium_rwf", goal="coverage_end_share>=0.5", high=float("inf"),
                households=20, replicates=1,
            )  # fmt: skip

    def test_an_answer_without_a_place(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match=r"the solution cannot be written to '.*inside'"):
            save_solution(None, tmp_path / "file" / "inside")  # type: ignore[arg-type]


class TestWithoutMatplotlib:
    """What draws says what is missing and how to install it."""

    def test_every_way_to_draw(self, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
        # as on a machine without it, whatever other tests have imported
        for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        for draw in (
            lambda: plots.plot_headline(results),
            lambda: plots.plot_variable(results, "trust"),
            lambda: plots.new_panels(2),
        ):
            with pytest.raises(ModuleNotFoundError, match="pip install"):
                draw()


class TestLimits:
    def test_claims_that_do_not_sum_to_one(self) -> None:
        with pytest.raises(ValueError, match=r"^claims_pmf must be probabilities that sum to 1"):
            limits.ruin_lattice_within(4, 1, [0.5, 0.0, 0.4], 10)
        with pytest.raises(ValueError, match=r"^claims_pmf must be probabilities that sum to 1"):
            limits.ruin_lattice_within(4, 1, [0.5, 0.0, 0.6], 10)
        # as much as ten periods can reach need not sum to one
        limits.ruin_lattice_within(4, 1, [0.5, 0.0, 0.4, *[0.0] * 20], 10)

    def test_cover_worth_no_more_than_rounding(self) -> None:
        with pytest.raises(ValueError, match="cover is worth more than rounding"):
            limits.rothschild_stiglitz(1.0, 1e-4, low_risk=1e-9, high_risk=2e-9, relative_risk_aversion=1e-3)


class TestCommands:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["runn"], "run"),
            (["run", "rwanda", "-o", "."], "the output folder has no name"),
            (["run", "rwanda", "--population", "."], "the folder of the population has no name"),
            (
                ["run", "rwanda", "--population", "x", "--households", "50"],
                "--households beside --population: the table says how many there are",
            ),
            (["compare", "rwanda", "--with", "care.copayment_rwf"], "--with"),
            (["compare", "rwanda", "--with", "care.copayment_rwf=0, =5"], "--with"),
            (["verify", "no-such-case"], "no-such-case"),
        ],
    )
    def test_are_refused_in_words(
        self, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        found = CliRunner().invoke(cli, words)
        assert found.exit_code == 2
        assert said in found.output
        assert "Traceback" not in found.output

    def test_a_row_of_the_table_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from cbhi import verification
        from cbhi.verification import known_cases, report

        name = next(iter(known_cases()))

        class Row:
            ok = False

        monkeypatch.setattr(verification, "run_cases", lambda *given: [Row()])
        monkeypatch.setattr(report, "records_of_rows", lambda rows: [{"ok": row.ok} for row in rows])
        found = CliRunner().invoke(cli, ["verify", name, "--json", "--quiet"])
        assert found.exit_code == 1
        assert '"ok": false' in found.output


class TestWorldsOfVerification:
    def test_a_mean_field_needs_shares(self) -> None:
        with pytest.raises(ValueError, match="weight must hold a share >= 0 for each of the 2 classes"):
            mean_field_path([0.0, 1.0], [0.5, 0.6], [Step(0.0)], peers=0.0, inertia=0.0)
        with pytest.raises(ValueError, match="weight must hold"):
            mean_field_path([0.0, 1.0], [1.5, -0.5], [Step(0.0)], peers=0.0, inertia=0.0)
        with pytest.raises(ValueError, match="season 1: attention and registered are shares from 0 to 1"):
            mean_field_path([0.0], [1.0], [Step(0.0), Step(0.0, attention=1.1)], peers=0.0, inertia=0.0)

    @pytest.mark.parametrize("length", [1, 14])
    def test_windows_of_two_to_thirteen_months(self, length: int) -> None:
        with pytest.raises(
            ValueError, match=f"membership years last 2 to 13 months here, got length = {length}"
        ):
            windowed_scenario({}, 3, length=length)


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({}, "a series needs at least one entry"),
        ({"2004-13": 0.1}, "'2004-13' is not a month"),
        ({"2004-01": -0.1}, "a series holds no negative values"),
    ],
)
def test_a_series_of_the_parameters_themselves(series: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Parameters.model_validate({"formal": {"share": series}})


def test_a_replicate_of_another_run_is_not_taken(tmp_path: Path) -> None:
    chosen = cbhi.scenario("rwanda-rules").replace({}, end="2001-12")
    one, other = (Parts(tmp_path, chosen, 20, seed, 0) for seed in (1, 2))
    cbhi.simulate(chosen, households=20, seed=2, survey=0, keep=other.keep)
    assert one.read() == (None, [])
    one.folder.mkdir()
    foreign = one.folder / "replicate-000000.npz"
    foreign.write_bytes((other.folder / "replicate-000000.npz").read_bytes())
    found, problems = one.read()
    assert found is None
    assert problems == [f"'{foreign}' belongs to another run"]
