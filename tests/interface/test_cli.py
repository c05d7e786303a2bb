"""The command ``cbhi``: what it prints, what it writes, how it ends."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi import parts, saving
from cbhi.cli import main
from cbhi.cli import run as cli_run
from cbhi.cli import selftest as cli_selftest
from cbhi.cli.folder import claim
from cbhi.kernels.codes import SECTORS
from cbhi.published import published_table
from cbhi.saving import FILES
from cbhi.simulation import Interrupted

SMALL = ("--households", "100", "--replicates", "2")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cbhi.cli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(result: Result, *said: str) -> None:
    """Exit 2, one message on standard error, no traceback, nothing printed, nothing written."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for text in said:
        assert text in result.stderr
    assert [path.name for path in Path().iterdir() if path.name != "kept"] == []


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run once as a user would, in an empty folder."""
    place = tmp_path_factory.mktemp("user")
    done = subprocess.run(
        [sys.executable, "-m", "cbhi.cli", "run", "rwanda-rules", *SMALL, "--workers", "2"],
        capture_output=True,
        text=True,
        cwd=place,
        timeout=300,
    )
    return done, place


def test_a_run_prints_the_published_table_and_writes_its_folder(
    ran: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, place = ran
    assert done.returncode == 0, done.stderr
    folder = place / "out" / "rwanda-rules-only"
    assert files(folder) == set(FILES)
    assert "Rwanda, rules only: published figures beside the model (2 runs of 100 households)" in done.stdout
    assert "fitted figures within two standard errors" in done.stdout
    assert f"written to {Path('out/rwanda-rules-only')} in" in done.stdout
    assert "coverage.png" in done.stdout
    assert "simulating: 100 %" in done.stderr
    assert "simulating" not in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_what_is_written_is_what_simulate_returns(
    ran: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    folder = ran[1] / "out" / "rwanda-rules-only"
    results = cbhi.simulate("rwanda-rules", households=100, replicates=2)
    read = pd.read_csv(folder / "yearly.csv", dtype={"period": str})
    expected = results.to_frame(every="year")
    assert list(read["variable"]) == list(expected["variable"])
    assert np.allclose(read["value"], expected["value"], rtol=1e-12, equal_nan=True)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["replicates"] == 2
    assert record["wall_seconds"] > 0
    assert record["started"].endswith("+00:00")


def test_a_run_prints_what_each_partner_brings(
    ran: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, place = ran
    lines = done.stdout.splitlines()
    begin = next(
        i for i, line in enumerate(lines) if line.startswith("Partners in 2012, 2011-07 to 2012-06 (")
    )
    assert lines[begin - 1] == ""
    # between rules: two lines of heads, and the rows
    assert all(set(lines[begin + n]) == {"-"} for n in (1, 4, 5 + len(SECTORS)))
    assert lines[begin + 2].split() == [
        "partner", "holds", "received", "paid", "brings", "lends", "enrols", "of", "these", "hours"
    ]  # fmt: skip
    rows = lines[begin + 5 : begin + 5 + len(SECTORS)]
    assert [row[:15].strip() for row in rows] == [name.replace("_", " ") for name in SECTORS]
    assert [line[:6] for line in lines[begin + 6 + len(SECTORS) :][:2]] == ["holds:", "brings"]
    assert lines[begin + 8 + len(SECTORS)] == ""
    # the numbers are those of the files
    accounts = pd.read_csv(place / "out/rwanda-rules-only/accounts.csv", dtype={"period": str})
    year = accounts[accounts["period"] == "2012"]
    for name, row in zip(SECTORS, rows, strict=True):
        closing = year[(year["partner"] == name) & (year["item"] == "closing")]["value_rwf"].median()
        holds = row[len("formal insurers") :].split()[0]
        assert float(holds.replace(",", "")) == pytest.approx(closing / 1e6, abs=0.51)


PARTNERS_OFF = {
    "loans.offered=false": ("loan", "lender_equity", "lender_borrowing", "group_deposit"),
    "groups.savings=false": ("group_saving", "group_contribution", "deposit_interest"),
    "switches.groups=false": ("group_saving", "group_contribution", "deposit_interest"),
    "switches.subsidies=false": ("subsidy_state", "subsidy_donor", "subsidy_ngo", "subsidy_pool"),
    "switches.donors=false": (
        "subsidy_donor", "pool_grant_donor", "performance_donor", "budget_support", "assistance"
    ),
    "switches.mandate=false": ("penalty",),
    "switches.supply_growth=false": ("own_wages",),
    "switches.pooling=false": ("pool_share", "national_share", "pool_grant", "pool_grant_donor", "levy"),
    "provider.performance_rwf=0.0": ("performance_state", "performance_donor"),
}  # fmt: skip


@pytest.fixture(scope="module")
def rwanda(tmp_path_factory: pytest.TempPathFactory) -> pd.Series[float]:
    """What each flow moves in a small run of the shipped scenario as it is."""
    results = cbhi.simulate("rwanda", households=500, replicates=1)
    return results.flows_frame().groupby("flow")["value_rwf"].sum()


@pytest.mark.parametrize("partner", PARTNERS_OFF)
def test_one_line_takes_one_partner_away(partner: str, rwanda: pd.Series[float]) -> None:
    result = call("run", "rwanda", "--households", "500", "--replicates", "1", "--set", partner)
    assert result.exit_code == 0, result.output
    assert "\nPartners in 2012, 2011-07 to 2012-06 (" in result.stdout
    (folder,) = Path("out").iterdir()
    assert files(folder) == set(FILES)
    flows = pd.read_csv(folder / "flows.csv").groupby("flow")["value_rwf"].sum()
    for name in PARTNERS_OFF[partner]:
        assert flows[name] == 0, name
    if partner != "switches.supply_growth=false":
        # which are not nothing while it is there
        assert rwanda[list(PARTNERS_OFF[partner])].sum() > 0
    # and the scheme goes on
    assert flows["contribution"] > 0
    assert flows["salaries"] > 0


def test_supply_of_the_start_stays_for_ever_more_people() -> None:
    arguments = ("run", "rwanda", "--households", "500", "--replicates", "1", "-q")
    assert call(*arguments, "--set", "switches.supply_growth=false", "-o", "frozen").exit_code == 0
    assert call(*arguments, "-o", "growing").exit_code == 0
    staff = {}
    for folder in ("frozen", "growing"):
        yearly = pd.read_csv(f"{folder}/yearly.csv", dtype={"period": str}).set_index(["variable", "period"])
        staff[folder] = yearly["value"].loc["clinicians_per_1000"]
    # both begin with 4,112 nurses, midwives and physicians
    assert staff["frozen"].iloc[0] == pytest.approx(staff["growing"].iloc[0], rel=0.02)
    # half a year around 8,170,000 people, at the end a year around 10,700,000
    assert staff["frozen"].iloc[-1] / staff["frozen"].iloc[0] == pytest.approx(8.17 / 10.70, rel=0.03)
    assert staff["growing"].iloc[-1] > 1.5 * staff["growing"].iloc[0]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from cbhi.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'numba', 'pandas', 'scipy', 'pydantic', 'rich', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("run", "household", "list", "selftest"):
        assert f"\n  {name} " in done.stdout


def test_version() -> None:
    assert cbhi.__version__ in call("--version").stdout


def test_json_is_all_there_is_on_standard_output() -> None:
    result = call("run", "rwanda-rules", *SMALL, "--seed", "4", "--json", "-o", "here")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    results = cbhi.simulate("rwanda-rules", households=100, replicates=2, seed=4)
    assert summary["fingerprint"] == results.scenario.fingerprint()
    assert (summary["seed"], summary["households"], summary["replicates"]) == (4, 100, 2)
    assert summary["output"] == "here"
    assert summary["files"] == [name for name in FILES if Path("here", name).exists()]
    yearly = pd.DataFrame(summary["yearly"]).set_index(["variable", "period"])
    places = [label for label, _, _ in results.periods]
    for name in ("coverage_end_share", "claims_paid_rwf"):
        values = results.values(name)[:, places.index("2010"), 0]
        assert yearly.loc[(name, "2010"), "median"] == pytest.approx(np.median(values))
        assert yearly.loc[(name, "2010"), "p95"] == pytest.approx(np.quantile(values, 0.95))
    table = published_table(results)
    fitted = table[table["use"] == "fit"]
    published = summary["published"]
    assert published["fitted"] == len(fitted)
    assert published["fitted_within_2_sd"] == fitted["within_2_sd"].fillna(False).sum() > 0
    assert published["fitted_within_2_sd"] + len(published["misses"]) == len(fitted)
    assert [row["key"] for row in published["rows"]] == list(table["key"])
    assert {type(row["within_2_sd"]) for row in published["rows"]} == {bool, type(None)}


def test_quiet_prints_nothing() -> None:
    result = call("run", "rwanda-rules", *SMALL, "-q")
    assert (result.exit_code, result.output) == (0, "")
    assert files(Path("out/rwanda-rules-only")) == set(FILES)


def test_a_second_run_into_the_folder_replaces_the_first() -> None:
    for seed in ("1", "2"):
        assert call("run", "rwanda-rules", *SMALL, "-q", "--seed", seed, "-o", "o").exit_code == 0
    assert files(Path("o")) == set(FILES)
    assert json.loads(Path("o/run.json").read_text(encoding="utf-8"))["seed"] == 2


def test_set_and_until_change_the_run() -> None:
    result = call(
        "run", "rwanda-rules", "--households", "50", "--replicates", "1", "-q",
        "--set", "care.copayment_rwf=250", "--set", "scheme.calendar=fixed",
        "--set", "switches.trust = false", "--set", "scheme.premium_rwf={poorest = 0, rich = 9}",
        "--until", "2013-06",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    (folder,) = Path("out").iterdir()
    assert folder.name.startswith("rwanda-rules-only-care-copayment-rwf-250-")
    assert folder.name.endswith("-to-2013-06")
    said = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
    assert said["end"] == "2013-06"
    assert said["values"]["care.copayment_rwf"] == 250
    assert said["values"]["scheme.calendar"] == "fixed"
    assert said["values"]["switches.trust"] is False
    assert said["values"]["scheme.premium_rwf.poorest"] == 0
    assert said["values"]["scheme.premium_rwf.rich"] == 9
    monthly = pd.read_csv(folder / "monthly.csv")
    assert monthly["period"].max() == "2013-06"


def test_a_scenario_from_a_file_without_country() -> None:
    Path("kept").mkdir()
    Path("kept/mine.toml").write_text('name = "Mine & yours"\nfrom = 2000-01-01\nto = 2001-12-31\n')
    result = call("run", "kept/mine.toml", "--households", "50", "--replicates", "1")
    assert result.exit_code == 0, result.stderr
    assert "Mine & yours: the years" in result.stdout
    assert "published" not in result.stdout
    assert files(Path("out/mine-yours")) == set(FILES) - {"published.csv"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rwanda-rulse",), ("error: ", "did you mean 'rwanda-rules'?")),
        (("nothing.toml",), ("error: ", "the file 'nothing.toml' does not exist")),
        (("rwanda-rules", "--set", "care.copaymnt_rwf=0"), ("did you mean 'care.copayment_rwf'?",)),
        (("rwanda-rules", "--set", "care.copayment_rwf=2,000"), ("must be a whole number, got '2,000'",)),
        (("rwanda-rules", "--set", "subsidy.slots_share=20"), ("outside 0 to 1", "20 % is written 0.2")),
        (("rwanda-rules", "--set", "care.copayment_rwf"), ("write KEY=VALUE",)),
        (("rwanda-rules", "--set", "care.copayment_rwf="), ("write KEY=VALUE",)),
        (("rwanda-rules", "--set", "a.b=1", "--set", "a.b=2"), ("--set a.b is given twice",)),
        (("rwanda-rules", "--until", "2013"), ("'2013' is not a month",)),
        (("rwanda-rules", "--until", "1990-01"), ("before it starts in 1999-07",)),
        (("rwanda-rules", "--households", "0"), ("is not a whole number from 1 to",)),
        (("rwanda-rules", "--households", "some"), ("'some' is not a whole number", "or 'all'")),
        (("rwanda-rules", "--replicates", "0"), ("'0' is not a whole number from 1 to",)),
        (("rwanda-rules", "--seed", "-1"), ("'-1' is not a whole number from 0 to",)),
        (("rwanda-rules", "--workers", "1.5"), ("'1.5' is not a whole number from 1 to",)),
        (("rwanda-rules", "--household", "10"), ("--households",)),
        (("rwanda-rules", "-o", "/dev/null/x"), ("results cannot be written to", "Not a directory")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input(arguments: tuple[str, ...], said: tuple[str, ...]) -> None:
    refused(call("run", *arguments), *said)


def test_all_households_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def note(*_: Any, **arguments: Any) -> None:
        asked.update(arguments)
        raise ValueError("enough")

    monkeypatch.setattr(cbhi, "simulate", note)
    refused(call("run", "rwanda-rules", "--households", "all"), "enough")
    assert asked["households"] == "all"


def test_output_into_a_file() -> None:
    Path("kept").write_text("mine")
    refused(call("run", "rwanda-rules", *SMALL, "-o", "kept"), "error: 'kept' is a file")
    assert Path("kept").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
def test_output_where_nobody_can_write() -> None:
    refused(
        call("run", "rwanda-rules", *SMALL, "-o", "/proc/x"), "error: results cannot be written to '/proc/x'"
    )


def test_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "write_arrays", full)
    result = call("run", "rwanda-rules", *SMALL, "-q", "-o", "a/b")
    refused(result, "error: a finished replicate cannot be kept in 'a/b': No space left on device")


def test_memory_that_does_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    def large(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(cbhi, "simulate", large)
    refused(call("run", "rwanda-rules", "--households", "9000000"), "9000000 households do not fit")


@pytest.mark.parametrize(("form", "package"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_a_missing_optional_package_is_said_before_anything_is_simulated(
    monkeypatch: pytest.MonkeyPatch, form: str, package: str
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("simulated")

    monkeypatch.setattr(cbhi, "simulate", never)
    monkeypatch.setitem(sys.modules, package, None)
    result = call("run", "rwanda-rules", *SMALL, "-q", "--format", form)
    assert result.exit_code == 3
    assert result.stderr == f"error: {package} is not installed; pip install 'cbhi[io]'\n"
    assert files(Path()) == set()


def test_a_missing_optional_package_while_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("no", name="pyarrow.parquet")

    monkeypatch.setattr(saving, "save_results", missing)
    result = call("run", "rwanda-rules", *SMALL, "-q", "-o", "o")
    assert result.exit_code == 3
    assert "pip install 'cbhi[io]'" in result.stderr
    # what was simulated is not lost
    assert "2 of 2 replicates are finished and kept in 'o'" in result.stderr
    assert files(Path("o")) == {".parts"}


def test_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    result = call("run", "rwanda-rules", *SMALL, "--format", "xlsx", "--format", "dta", "--json", "-o", "o")
    assert result.exit_code == 0
    listed = json.loads(result.stdout)["files"]
    assert set(listed) == files(Path("o"))
    assert {"results.xlsx", "yearly.dta", "yearly.csv"} <= set(listed)
    assert "yearly.parquet" not in listed
    same = pd.read_stata("o/yearly.dta")["value"].to_numpy()
    assert np.array_equal(same, cbhi.load("o").to_frame(every="year")["value"].to_numpy(), equal_nan=True)


def test_more_rows_than_a_workbook_holds_is_said_first(monkeypatch: pytest.MonkeyPatch) -> None:
    refused(
        call("run", "rwanda-rules", "--replicates", "1000", "--format", "xlsx"),
        "error: a sheet of a workbook holds 1,048,575 rows", "replicates fit, or use another format",
    )  # fmt: skip
    refused(call("run", "rwanda-rules", "--format", "xls"), "'xls' is not one of 'csv', 'parquet', 'xlsx'")


# --- two runs, one folder ----------------------------------------------------------------------------


def test_a_folder_in_use_is_refused() -> None:
    Path("kept").mkdir()
    code = (
        "from pathlib import Path\n"
        "from cbhi.cli.folder import _take\n"
        "_take(Path('kept/.running'))\n"
        "input('held')"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    try:
        assert other.stdout.read(4) == "held"
        refused(call("run", "rwanda-rules", *SMALL, "-o", "kept"), "another run is writing to 'kept'", "-o")
        assert files(Path("kept")) == {".running"}
        assert Path("kept/.running").read_text() == f"{other.pid} {platform.node()}\n"
    finally:
        other.kill()
        other.communicate()
    # its process was killed, so what it left holds nobody up
    assert files(Path("kept")) == {".running"}
    assert call("run", "rwanda-rules", *SMALL, "-q", "-o", "kept").exit_code == 0
    assert files(Path("kept")) == set(FILES)


@pytest.mark.parametrize("content", ["12\n", "x y\n", "999999 another-machine\n"])
def test_a_lock_in_doubt_is_respected(content: str) -> None:
    Path("kept").mkdir()
    Path("kept/.running").write_text(content)
    refused(call("run", "rwanda-rules", *SMALL, "-o", "kept"), "another run is writing to 'kept'")
    assert Path("kept/.running").read_text() == content


def test_a_lock_that_was_never_written_holds_nobody_up() -> None:
    Path("kept").mkdir()
    Path("kept/.running").touch()
    assert call("run", "rwanda-rules", *SMALL, "-q", "-o", "kept").exit_code == 0


def test_of_many_that_find_a_stale_lock_one_gets_it() -> None:
    """Each takes the lock again and again; nobody is ever inside with another."""
    Path("kept").mkdir()
    inside, most, taken = [0], [0], [0]
    guard = threading.Lock()

    def enter() -> None:
        for _ in range(200):
            try:
                with claim(Path("kept")):
                    with guard:
                        inside[0] += 1
                        taken[0] += 1
                        most[0] = max(most[0], inside[0])
                    with guard:
                        inside[0] -= 1
                    # as if it had been killed: the file stays, the lock goes
                    Path("kept/.stale").write_text(f"999999 {platform.node()}\n")
                    os.replace("kept/.stale", "kept/.running")
            except ValueError:
                pass

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert taken[0] > 8


def test_only_ones_own_lock_is_given_back() -> None:
    with claim(Path("o")):
        Path("o/.running").unlink()
        Path("o/.running").write_text("1 another\n")
    assert Path("o/.running").read_text() == "1 another\n"


def test_without_locks_of_the_system_no_lock_file_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cbhi.cli.folder.lock_handle", lambda handle: None)
    with claim(Path("o")), pytest.raises(ValueError, match="another run is writing to 'o'"), claim(Path("o")):
        pass
    assert files(Path()) == set()


def test_the_lock_is_held_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    true = cbhi.simulate

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(Path("o/.running").read_text())
        return true(*arguments, **named)

    monkeypatch.setattr(cbhi, "simulate", watched)
    assert call("run", "rwanda-rules", *SMALL, "-q", "-o", "o").exit_code == 0
    assert seen
    assert seen[0].split()[0] == str(os.getpid())
    assert ".running" not in files(Path("o"))


# --- interrupted; tests/interface/test_resume.py has what is kept and how a run goes on ----------------


def test_interrupted_before_anything_was_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise Interrupted(None)

    monkeypatch.setattr(cli_run, "is_compiled", lambda: True)
    monkeypatch.setattr(cbhi, "simulate", stopped)
    result = call("run", "rwanda-rules", "-o", "o")
    assert result.exit_code == 130
    assert "interrupted: nothing was written" in result.stderr
    assert files(Path()) == set()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_in_a_real_run() -> None:
    cbhi.simulate("rwanda-rules", households=1)  # compiled before the clock starts
    process = subprocess.Popen(
        [sys.executable, "-m", "cbhi.cli", "run", "rwanda-rules", "--households", "300",
         "--replicates", "20000", "--workers", "2", "-o", "o"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    guard = threading.Timer(200, process.kill)
    guard.start()
    try:
        assert process.stderr is not None
        lines = [process.stderr.readline()]
        while "left" not in lines[-1]:
            lines.append(process.stderr.readline())
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate()
    finally:
        guard.cancel()
    assert process.returncode == 130, rest
    assert "of 20000 replicates are finished and kept in 'o'" in rest
    assert "resume with: cbhi run rwanda-rules --households 300 --replicates 20000" in rest
    assert "Traceback" not in rest
    assert files(Path("o")) == {".parts"}
    assert 0 < len(list(Path("o").rglob("replicate-*.npz"))) < 20000


# --- progress ----------------------------------------------------------------------------------------


def on_a_terminal(arguments: list[str], no_color: bool = False, **changes: str) -> bytes:
    """Run Python with a pseudo-terminal as its standard error; return what it shows there."""
    import pty

    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | changes
    if no_color:
        environment["NO_COLOR"] = "1"
    done = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert done.wait() == 0, shown.decode()
    return shown


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("no_color", "has_codes"), [(False, True), (True, False)])
def test_progress_on_a_terminal(no_color: bool, has_codes: bool) -> None:
    shown = on_a_terminal(["-m", "cbhi.cli", "run", "rwanda-rules", *SMALL, "-o", "o"], no_color)
    assert b"simulating" in shown
    assert (b"\x1b[" in shown) is has_codes


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("no_color", [False, True])
def test_compiling_on_a_terminal(no_color: bool, tmp_path: Path) -> None:
    code = (
        "from cbhi.cli.progress import show_compiling\n"
        "from cbhi.kernels.money import split_bill\n"
        "with show_compiling(quiet=False):\n"
        "    split_bill(1000, 200, 0.1)\n"
        "with show_compiling(quiet=True):\n"
        "    split_bill(1000, 200, 1)\n"
    )
    cache = str(tmp_path / "empty")
    shown = on_a_terminal(["-c", code], no_color, NUMBA_CACHE_DIR=cache, NUMBA_DISABLE_JIT="0")
    assert shown.count(b"compiling the engine, once") == 1
    # a bill and its rounding, of some hundreds
    assert (re.search(rb"2 of [1-9][0-9]{2} kernels", shown) is not None) is not no_color


def test_the_first_run_says_that_it_compiles(tmp_path: Path) -> None:
    code = "from cbhi.cli.progress import is_compiled; print(is_compiled())"

    def compiled(**environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
        )
        return done.stdout.strip()

    cbhi.simulate("rwanda-rules", households=1)
    assert compiled() == "True"
    assert compiled(NUMBA_CACHE_DIR=str(tmp_path / "empty")) == "False"
    assert compiled(NUMBA_DISABLE_JIT="1", NUMBA_CACHE_DIR=str(tmp_path / "empty")) == "True"


def test_compiling_is_announced_and_done_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    true = cbhi.simulate

    def watched(scenario: Any, **named: Any) -> Any:
        calls.append(named["households"])
        return true(scenario, **named)

    monkeypatch.setattr(cli_run, "is_compiled", lambda: False)
    monkeypatch.setattr(cbhi, "simulate", watched)
    result = call("run", "rwanda-rules", *SMALL, "-o", "o")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == "compiling the engine, once; half a minute, more on one processor"
    assert calls == [1, 100]
    assert call("run", "rwanda-rules", *SMALL, "-q", "-o", "o").stderr == ""


# --- list and selftest -------------------------------------------------------------------------------


def test_list_names_every_scenario_with_its_span() -> None:
    result = call("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(cbhi.scenario_names())
    rules = next(line for line in lines if line.startswith("rwanda-rules "))
    assert "1999-07 to 2012-06" in rules
    assert len(rules.split("2012-06")[1].strip()) > 5


def test_selftest_passes() -> None:
    done = command("selftest")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert all(line.endswith(": ok") for line in lines)


def test_selftest_notices_wrong_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    counter, key, words = cli_selftest._PHILOX[0]
    monkeypatch.setattr(cli_selftest, "_PHILOX", ((counter, key, (*words[:3], 1)),))
    result = call("selftest")
    assert result.exit_code == 1
    assert "published vectors: FAILED" in result.stdout
    assert "1 of 5 failed" in result.stdout


def test_selftest_notices_money_that_vanishes_and_workers_that_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = cli_selftest._small_run

    def tampered(workers: int) -> Any:
        results = true(workers)
        if workers == 1:
            flows = results.arrays.flows.copy()
            flows[0, 5, 0, 0] += 1
            return dataclasses.replace(results, arrays=results.arrays._replace(flows=flows))
        return results

    monkeypatch.setattr(cli_selftest, "_small_run", tampered)
    result = call("selftest")
    assert result.exit_code == 1
    assert "money and members balance in every month: FAILED" in result.stdout
    assert "1 and 2 workers give the same numbers: FAILED (ValueError: 'flows' differs)" in result.stdout


# --- a folder of one's own ---------------------------------------------------------------------------


def test_files_of_ones_own_are_not_overwritten() -> None:
    Path("mine").mkdir()
    Path("mine/yearly.csv").write_text("my own work")
    result = call("run", "rwanda-rules", *SMALL, "-o", "mine")
    assert result.exit_code == 2
    assert "error: 'mine' holds yearly.csv, which no run of cbhi wrote there" in result.stderr
    assert Path("mine/yearly.csv").read_text() == "my own work"
    assert files(Path("mine")) == {"yearly.csv"}
    Path("both").mkdir()
    Path("both/comparison.json").write_text("{}")
    assert "'both' holds a comparison" in call("run", "rwanda-rules", *SMALL, "-o", "both").stderr
    Path("other").mkdir()
    Path("other/notes.txt").write_text("other files stay")
    assert call("run", "rwanda-rules", *SMALL, "-q", "-o", "other").exit_code == 0
    assert Path("other/notes.txt").exists()
