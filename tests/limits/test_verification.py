"""The engine in limits that theory knows: every case of ``cbhi verify``, and that its rows could fail."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cbhi.verification import Row, chosen_cases, known_cases, run_cases
from cbhi.verification import core as verification
from cbhi.verification.core import Case, case, exact_row, mean_row
from cbhi.verification.report import named, records_of_rows, show_number, table_of_rows, verdict

CASES = known_cases()
PAGE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"


def read_page() -> dict[str, set[tuple[str, ...]]]:
    """Return what the page says of each case: name, closed form, simulated value, standard error."""
    said: dict[str, set[tuple[str, ...]]] = {}
    for line in PAGE.read_text().splitlines():
        if (found := re.search(r"`test_case\[(.*)\]` \|$", line)) is not None:
            cells = [cell.strip() for cell in line.split("|")]
            said.setdefault(found[1], set()).add((*cells[2:6],))
    return said


SHOWN = read_page()


def shown(row: Row) -> tuple[str, ...]:
    error = "exact" if row.standard_error == 0.0 else show_number(row.standard_error)
    return named(row), show_number(row.closed_form), show_number(row.simulated), error


@pytest.mark.parametrize("name", list(CASES))
def test_case(name: str) -> None:
    rows = run_cases([name], workers=2)
    assert rows
    for row in rows:
        assert row.agrees, f"{row.name}: {row.simulated} is not {row.closed_form} (s.e. {row.standard_error})"
        # a formula that is wrong by 5 %, or whose constants are, must not pass here
        assert row.notices, f"{row.name}: s.e. {row.standard_error} is too large to notice an error of 5 %"
        for wrong in row.wrong or (1.05 * row.closed_form, 0.95 * row.closed_form):
            assert not replace(row, closed_form=wrong, wrong=()).agrees
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    # the page is written by docs/verification.py; it is stale when the engine gives other values
    assert {shown(row) for row in rows} == SHOWN.get(name), "run docs/verification.py"


def test_the_page_shows_every_case_and_no_other() -> None:
    assert set(SHOWN) == set(CASES)


def test_every_limit_of_the_issue_is_met() -> None:
    numbers = {part.strip() for one in CASES.values() for part in one.limit.split(",")}
    wanted = {f"V{n}" for n in (1, 2, 3, 6, 8, 9, 10, 11, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23)}
    assert wanted <= numbers, sorted(wanted - numbers)


class TestRow:
    row = Row("a row", "V1", closed_form=10.0, simulated=10.2, standard_error=0.06)

    def test_within_four_standard_errors(self) -> None:
        assert self.row.agrees
        assert self.row.ok
        assert not replace(self.row, simulated=10.25).agrees
        assert verdict(replace(self.row, simulated=10.25)) == "MISSES"

    def test_too_blunt_to_notice_an_error(self) -> None:
        blunt = replace(self.row, standard_error=0.2)
        assert blunt.agrees
        assert not blunt.notices
        assert not blunt.ok
        assert verdict(blunt) == "BLIND"

    def test_an_exact_row_has_to_be_equal(self) -> None:
        row = exact_row("exact", 3.0, 3.0)
        assert row.ok
        assert not replace(row, simulated=3.0 + 1e-6).ok
        assert replace(row, simulated=3.0 + 1e-6, resolution=1e-5).ok

    def test_a_zero_needs_to_know_what_would_be_wrong(self) -> None:
        row = Row("zero", "V2", 0.0, 0.01, 0.01)
        assert row.agrees
        assert not row.notices  # 5 % of nothing is nothing
        assert replace(row, wrong=(0.2,)).ok

    def test_what_did_not_run_is_not_ok(self) -> None:
        row = replace(self.row, simulated=math.nan)
        assert not row.ok
        assert verdict(row) == "DID NOT RUN"

    def test_mean_of_independent_values(self) -> None:
        row = mean_row("mean", 2.0, np.array([1.0, 2.0, 3.0, 2.0]))
        assert row.simulated == 2.0
        assert row.standard_error == pytest.approx(math.sqrt(2.0 / 3.0) / 2.0)


class TestCases:
    def test_an_unknown_name_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(ValueError, match=r"no case 'linear-markt'; did you mean 'linear-market'\?"):
            run_cases(["linear-markt"])

    def test_a_limit_stands_for_its_cases(self) -> None:
        assert chosen_cases(["v13", "waits"]) == [n for n, one in CASES.items() if "V13" in one.limit]
        with pytest.raises(ValueError, match=r"there is no case 'V99'(.|\n)*limits: V1, V2"):
            chosen_cases(["V99"])

    def test_two_cases_of_one_name_are_refused(self) -> None:
        with pytest.raises(ValueError, match="two cases 'linear-market'"):
            case("linear-market", "V1")(lambda workers: [])

    def test_a_case_that_breaks_off_fails_and_the_others_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(workers: int) -> list[Row]:
            raise RuntimeError("no")

        fine = Case("fine", "V2", "fine", "", lambda workers: [exact_row("fine", 1.0, 1.0)])
        monkeypatch.setattr(
            verification, "_CASES", {"bad": Case("bad", "V1", "Bad.", "", broken), "fine": fine}
        )
        bad, good = run_cases()
        assert not bad.ok
        assert "RuntimeError: no" in bad.name
        assert good.ok

    def test_progress_counts_cases(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fine = Case("fine", "V2", "fine", "", lambda workers: [])
        monkeypatch.setattr(verification, "_CASES", {"fine": fine})
        seen: list[tuple[int, int]] = []
        run_cases(progress=lambda done, total: seen.append((done, total)))
        assert seen == [(0, 1), (1, 1)]


class TestReport:
    rows = (
        Row("one", "V1", 10.0, 10.1, 0.05, unit="share", case="a"),
        Row("two", "V1", 0.5, 0.5, 0.0, case="a"),
        Row("three", "V2", 1.0, 2.0, 0.01, case="b"),
        Row("four", "V3", math.nan, math.nan, math.nan, case="c"),
    )

    def test_table(self) -> None:
        text = table_of_rows(self.rows).as_text(140)
        assert "2 of 4 rows are ok." in text
        assert "+2.0 s.e." in text
        assert "exact" in text
        assert "MISSES" in text
        assert "DID NOT RUN" in text

    def test_records_are_plain(self) -> None:
        records = records_of_rows(self.rows)
        assert [r["ok"] for r in records] == [True, True, False, False]
        assert records[3]["simulated"] is None
        assert records[0]["test"] == "tests/limits/test_verification.py::test_case[a]"
        needed = {"name", "closed_form", "simulated", "standard_error", "ok"}
        assert all(needed <= set(r) for r in records)


class TestCommand:
    @staticmethod
    def call(*arguments: str) -> SimpleNamespace:
        from click.testing import CliRunner

        from cbhi.cli import main

        done: Any = CliRunner().invoke(main, ["verify", *arguments])
        return SimpleNamespace(code=done.exit_code, out=done.stdout, err=done.stderr)

    def test_json_and_exit_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        good = Case("good", "V1", "good", "", lambda workers: [exact_row("good", 1.0, 1.0)])
        bad = Case("bad", "V2", "bad", "", lambda workers: [exact_row("bad", 1.0, 1.1)])
        monkeypatch.setattr(verification, "_CASES", {"good": good})
        done = self.call("--json", "-q")
        assert done.code == 0
        assert json.loads(done.out)[0]["ok"] is True
        monkeypatch.setattr(verification, "_CASES", {"good": good, "bad": bad})
        done = self.call("-q")
        assert done.code == 1
        assert "MISSES" in done.out
        assert "0 of 1 rows are ok" in done.out

    def test_an_unknown_case(self) -> None:
        done = self.call("linear-markt")
        assert done.code == 2
        assert "did you mean 'linear-market'?" in done.err

    def test_list(self) -> None:
        done = self.call("--list")
        assert done.code == 0
        assert len(done.out.splitlines()) == len(CASES)
        done = self.call("V1", "--list", "--json")
        assert {one["limit"] for one in json.loads(done.out)} == {"V1"}
