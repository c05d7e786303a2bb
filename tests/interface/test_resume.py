"""A run that is stopped, killed or fails goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi import parts as parts_module
from cbhi import saving
from cbhi.cli import main
from cbhi.cli import run as cli_run
from cbhi.cli.progress import show_progress
from cbhi.parts import Parts
from cbhi.simulation import households_at_start

RUN = ("run", "rwanda-rules", "--households", "200", "--until", "2004-12")
CLI = (sys.executable, "-m", "cbhi.cli")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli_run, "is_compiled", lambda: True)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Folders of uninterrupted runs, by number of replicates."""
    made: dict[int, Path] = {}

    def run(replicates: int) -> Path:
        if replicates not in made:
            made[replicates] = tmp_path_factory.mktemp("straight")
            chosen = cbhi.scenario("rwanda-rules").replace({}, end="2004-12")
            cbhi.simulate(chosen, households=200, replicates=replicates).save(made[replicates])
        return made[replicates]

    return run


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def part_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(".parts/*/replicate-*.npz"))


def same_files(folder: Path, other: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {path.name for path in other.iterdir()}
    same_results(folder, other)


def same_results(folder: Path, other: Path) -> None:
    names = {path.name for path in other.iterdir()}
    assert {path.name for path in folder.iterdir() if path.is_file()} == names
    for name in names - {"run.json"}:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    for a, b in zip(cbhi.load(folder).arrays, cbhi.load(other).arrays, strict=True):
        assert a.tobytes() == b.tobytes()


def stop_after(monkeypatch: pytest.MonkeyPatch, kept: int, error: BaseException) -> None:
    """Let a run fail when it has kept that many replicates more."""
    true, left = Parts.keep, [kept]

    def keep(self: Parts, results: Any) -> None:
        if left[0] == 0:
            raise error
        left[0] -= 1
        true(self, results)

    monkeypatch.setattr(Parts, "keep", keep)


def finishes_with(monkeypatch: pytest.MonkeyPatch, replicates: int, simulated: list[int]) -> None:
    """Resume with that many replicates, and simulate only those that are named."""
    ran: list[int] = []
    true = Parts.keep

    def keep(self: Parts, results: Any) -> None:
        ran.append(int(results.arrays.replicates[0]))
        true(self, results)

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "keep", keep)
        command = (*RUN, "--replicates", str(replicates), "-o", "o", "--resume", "-q")
        assert call(*command).exit_code == 0
    assert sorted(ran) == simulated


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Result:
    """Two of five replicates in folder o."""
    with monkeypatch.context() as patch:
        stop_after(patch, 2, KeyboardInterrupt())
        result = call(*RUN, "--replicates", "5", "--workers", "1", "-o", "o")
    return result


def test_ctrl_c_keeps_and_says_how_to_go_on(interrupted: Result) -> None:
    assert interrupted.exit_code == 130
    assert interrupted.stdout == ""
    assert interrupted.stderr.splitlines()[-2:] == [
        "interrupted: 2 of 5 replicates are finished and kept in 'o'",
        "resume with: cbhi run rwanda-rules --households 200 --replicates 5 --workers 1 --until 2004-12"
        " --output o --resume",
    ]
    assert {path.name for path in Path("o").iterdir()} == {".parts"}
    assert len(part_files(Path("o"))) == 2


def test_the_command_that_is_printed_finishes_the_run(
    interrupted: Result, straight: Callable[[int], Path]
) -> None:
    command = shlex.split(interrupted.stderr.splitlines()[-1].removeprefix("resume with: "))
    assert command[0] == "cbhi"
    result = call(*command[1:])
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[0] == "2 finished replicates found in 'o'"
    assert result.stderr.splitlines()[1].startswith("simulating: 40 %")
    same_files(Path("o"), straight(5))


def test_awkward_arguments_come_through_the_printed_command(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(monkeypatch, 1, KeyboardInterrupt())
    result = call(
        *RUN, "--replicates", "3", "--set", "scheme.premium_rwf={poorest = 5}", "--set",
        "care.copayment_rwf=0", "-o", "my folder", "-q", "--json", "--format", "dta", "--format", "csv",
    )  # fmt: skip
    assert result.exit_code == 130
    assert result.stdout == ""
    words = shlex.split(result.stderr.splitlines()[-1].removeprefix("resume with: cbhi "))
    assert words == [
        *RUN[:4], "--replicates", "3", "--set", "scheme.premium_rwf={poorest = 5}",
        "--set", "care.copayment_rwf=0", "--until", "2004-12", "--output", "my folder",
        "--format", "dta", "--format", "csv", "--json", "--quiet", "--resume",
    ]  # fmt: skip
    monkeypatch.undo()


def test_without_resume_it_says_what_is_there_and_starts_anew(
    interrupted: Result, straight: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    true = Parts.keep

    def keep(self: Parts, results: Any) -> None:
        ran.append(int(results.arrays.replicates[0]))
        true(self, results)

    monkeypatch.setattr(Parts, "keep", keep)
    result = call(*RUN, "--replicates", "3", "-o", "o")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0] == "2 finished replicates of an earlier run are in 'o'; --resume uses them"
    assert sorted(ran) == [0, 1, 2]
    same_files(Path("o"), straight(3))


def test_fewer_replicates_than_are_finished(
    interrupted: Result, straight: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not needed now stays, and a later run takes it up."""
    result = call(*RUN, "--replicates", "1", "-o", "o", "--resume")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        "1 finished replicate more of this run stays in 'o/.parts'; --replicates 2 --resume uses them"
    )
    assert [path.name for path in part_files(Path("o"))] == ["replicate-000001.npz"]
    same_results(Path("o"), straight(1))
    finishes_with(monkeypatch, 5, [2, 3, 4])
    same_files(Path("o"), straight(5))


@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_a_smaller_run_in_place_of_a_finished_one_loses_nothing(
    resume: tuple[str, ...], straight: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(*RUN, "--replicates", "5", "-o", "o", "-q").exit_code == 0
    result = call(*RUN, "--replicates", "3", "-o", "o", *resume)
    assert result.exit_code == 0
    assert (
        "2 finished replicates more of this run stay in 'o/.parts'; --replicates 5 --resume" in result.stdout
    )
    same_results(Path("o"), straight(3))
    assert len(part_files(Path("o"))) == 2
    finishes_with(monkeypatch, 5, [])
    same_files(Path("o"), straight(5))


def test_a_smaller_run_without_resume_leaves_the_others(
    interrupted: Result, straight: Callable[[int], Path]
) -> None:
    assert call(*RUN, "--replicates", "1", "-o", "o", "-q").exit_code == 0
    assert [path.name for path in part_files(Path("o"))] == ["replicate-000001.npz"]
    same_results(Path("o"), straight(1))


def test_the_surplus_of_another_run_is_not_kept() -> None:
    assert call(*RUN, "--replicates", "2", "-o", "o", "-q").exit_code == 0
    assert call(*RUN, "--replicates", "1", "--seed", "2", "-o", "o", "-q").exit_code == 0
    assert part_files(Path("o")) == []


def test_the_same_command_twice_can_be_loaded(straight: Callable[[int], Path]) -> None:
    for _ in range(2):
        assert call(*RUN, "--replicates", "3", "-o", "o", "--resume", "-q").exit_code == 0
        same_files(Path("o"), straight(3))


@pytest.mark.parametrize("step", [3, 25])
def test_killed_while_files_are_renamed(step: int, straight: Callable[[int], Path]) -> None:
    """The old results have gone aside and the new ones are not all in: the next run or load puts them in."""
    assert call(*RUN, "--replicates", "1", "-o", "o", "-q").exit_code == 0
    code = (
        "import os\n"
        "from cbhi import placing\n"
        "from cbhi.cli import main\n"
        "true, calls = os.replace, []\n"
        "def replace(source, target):\n"
        f"    if '.placing-' in str(source) + str(target): calls.append(1)\n"
        f"    if len(calls) == {step}: os._exit(9)\n"
        "    true(source, target)\n"
        "os.replace = replace\n"
        f"main({[*RUN, '--replicates', '3', '-o', 'o', '-q']!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=200).returncode == 9
    assert not Path("o/run.json").exists()
    assert list(Path("o").glob(".placing-*"))
    assert cbhi.load("o").n_replicates == 3
    result = call(*RUN, "--replicates", "3", "-o", "o", "--resume")
    assert result.exit_code == 0, result.output
    assert "3 finished replicates found" in result.stderr
    same_files(Path("o"), straight(3))


def test_a_smaller_comparison_in_place_of_a_larger_one_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    command = (
        "compare", "rwanda-rules", "--with", "care.copayment_rwf=0", "--households", "100",
        "--until", "2002-12", "-o", "c", "-q", "--replicates",
    )  # fmt: skip
    assert call(*command, "3").exit_code == 0
    before = {path.parent.name: path.read_bytes() for path in Path("c").glob("*/arrays.npz")}
    assert call(*command, "2").exit_code == 0
    assert len(part_files(Path("c"))) == 2
    stop_after(monkeypatch, 0, AssertionError("a replicate is simulated again"))
    result = call(*command, "3", "--resume")
    assert result.exit_code == 0, result.output
    assert part_files(Path("c")) == []
    assert {path.parent.name: path.read_bytes() for path in Path("c").glob("*/arrays.npz")} == before


def test_ctrl_c_after_the_results_are_saved(
    straight: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Parts, "remove", stopped)
    result = call(*RUN, "--replicates", "1", "-o", "o")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "interrupted: the results are complete in 'o'"
    same_results(Path("o"), straight(1))


def test_a_finished_run_is_extended(straight: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(*RUN, "--replicates", "2", "-o", "o", "-q").exit_code == 0
    before = {path.name: path.read_bytes() for path in Path("o").iterdir()}
    with monkeypatch.context() as patch:
        stop_after(patch, 1, KeyboardInterrupt())
        result = call(*RUN, "--replicates", "5", "-o", "o", "--resume", "--workers", "1")
    assert result.exit_code == 130
    assert "interrupted: 3 of 5 replicates are finished and kept in 'o'" in result.stderr
    # what was finished is as it was
    assert {p.name: p.read_bytes() for p in Path("o").iterdir() if p.is_file()} == before
    finishes_with(monkeypatch, 5, [3, 4])
    same_files(Path("o"), straight(5))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--seed", "2"), "2 finished replicates: the seed is 1 there, 2 here"),
        (("--households", "201"), "households are 200 there, 201 here"),
        (("--until", "2005-12"), "the last month is 2004-12 there, 2005-12 here"),
        (("--set", "care.copayment_rwf=77"), "care.copayment_rwf is 200 there, 77 here"),
        (("--set", "switches.trust=false"), "switches.trust is True there, False here"),
    ],
)
def test_other_settings_are_refused(interrupted: Result, changes: tuple[str, ...], said: str) -> None:
    result = call(*RUN, "--replicates", "5", "-o", "o", "--resume", *changes)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: 'o' holds finished replicates of another run only\n")
    assert said in result.stderr
    assert "leave out --resume to start anew" in result.stderr
    assert len(part_files(Path("o"))) == 2
    assert {path.name for path in Path("o").iterdir()} == {".parts"}


def test_a_finished_run_with_other_settings_is_refused_too() -> None:
    assert call(*RUN, "--replicates", "1", "-o", "o", "-q").exit_code == 0
    result = call(*RUN, "--replicates", "2", "-o", "o", "--resume", "--seed", "9")
    assert result.exit_code == 2
    assert "1 finished replicate: the seed is 1 there, 9 here" in result.stderr


def test_another_version_of_the_engine_is_refused(
    interrupted: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbhi.storage.engine_hash", lambda: "changed")
    result = call(*RUN, "--replicates", "5", "-o", "o", "--resume")
    assert result.exit_code == 2
    assert "there, changed here" in result.stderr


def test_a_run_with_other_settings_leaves_the_unfinished_one_alone(
    interrupted: Result, straight: Callable[[int], Path]
) -> None:
    result = call(*RUN, "--replicates", "1", "-o", "o", "--seed", "2")
    assert result.exit_code == 0
    assert "2 finished replicates of runs with other settings stay in 'o" in result.stderr
    assert json.loads(Path("o/run.json").read_text(encoding="utf-8"))["seed"] == 2
    assert len(part_files(Path("o"))) == 2
    assert call(*RUN, "--replicates", "5", "-o", "o", "--resume", "-q").exit_code == 0
    same_files(Path("o"), straight(5))


def test_nothing_to_resume_starts_from_the_beginning(straight: Callable[[int], Path]) -> None:
    result = call(*RUN, "--replicates", "1", "-o", "o", "--resume")
    assert result.exit_code == 0
    assert result.stderr.startswith("nothing to resume in 'o'; starting with the first replicate\n")
    same_files(Path("o"), straight(1))


@pytest.mark.parametrize("damage", ["cut", "flip", "pickle", "other"])
def test_a_damaged_part_is_named_and_done_again(
    interrupted: Result, straight: Callable[[int], Path], damage: str
) -> None:
    first, second = part_files(Path("o"))
    content = first.read_bytes()
    if damage == "cut":
        first.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        middle = len(content) // 2
        first.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "pickle":
        np.savez(first, flows=np.array([object], dtype=object))
    else:
        first.write_bytes(second.read_bytes())
    result = call(*RUN, "--replicates", "5", "-o", "o", "--resume")
    assert result.exit_code == 0, result.stderr
    if damage == "other":  # a whole part under another's name: it says itself which it is
        assert "1 finished replicate found" in result.stderr
    else:
        assert f"done again: '{first}'" in result.stderr
        assert "1 finished replicate found" in result.stderr
    same_files(Path("o"), straight(5))


def test_damaged_results_are_named_and_done_again(straight: Callable[[int], Path]) -> None:
    assert call(*RUN, "--replicates", "2", "-o", "o", "-q").exit_code == 0
    Path("o/arrays.npz").write_bytes(b"nothing")
    result = call(*RUN, "--replicates", "3", "-o", "o", "--resume")
    assert result.exit_code == 0
    assert "done again: 'o/arrays.npz' is damaged, or was changed after the run" in result.stderr
    same_files(Path("o"), straight(3))


# --- real processes ----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_killed(number: int) -> None:
    """Killed in the middle, resumed in another process, equal to a run that was left alone."""
    chosen = cbhi.scenario("rwanda-rules").replace({}, end="2004-12")
    cbhi.simulate(chosen, households=1)  # compiled before the clock starts
    run = (*RUN, "--households", "2000", "--replicates", "16", "--workers", "2", "-o")
    process = subprocess.Popen([*CLI, *run, "o"], stderr=subprocess.PIPE, text=True)
    guard = threading.Timer(200, process.kill)
    guard.start()
    try:
        while len(part_files(Path("o"))) < 3 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(number)
        _, said = process.communicate()
    finally:
        guard.cancel()
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130), said
    done = len(part_files(Path("o")))
    assert 3 <= done < 16
    assert not Path("o/run.json").exists()
    resumed = subprocess.run([*CLI, *run, "o", "--resume"], capture_output=True, text=True, timeout=200)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{done} finished replicates found in 'o'" in resumed.stderr
    cbhi.simulate(chosen, households=2000, replicates=16, workers=2).save("straight")
    same_files(Path("o"), Path("straight"))


def test_killed_while_it_saves(straight: Callable[[int], Path]) -> None:
    """The results of before are whole, or the damage is seen; the next run clears up."""
    code = (
        "import os, signal\n"
        "from cbhi import saving\n"
        "from cbhi.cli import main\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "saving.hash_of_file = die\n"
        f"main({[*RUN, '--replicates', '3', '-o', 'o', '-q']!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=200).returncode == -signal.SIGKILL
    names = {path.name.split("-")[0] for path in Path("o").iterdir()}
    assert names == {".parts", ".running", ".saving"}
    assert len(part_files(Path("o"))) == 3
    result = call(*RUN, "--replicates", "3", "-o", "o", "--resume")
    assert result.exit_code == 0
    assert "3 finished replicates found" in result.stderr
    same_files(Path("o"), straight(3))


# --- disks and folders ------------------------------------------------------------------------------


def test_a_disk_that_is_full_while_replicates_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    true, calls = parts_module.write_arrays, []

    def full(results: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) > 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        true(results, path)

    monkeypatch.setattr(parts_module, "write_arrays", full)
    result = call(*RUN, "--replicates", "5", "-o", "o", "--workers", "1")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-3:] == [
        "2 of 5 replicates are finished and kept in 'o'",
        "resume with: cbhi run rwanda-rules --households 200 --replicates 5 --workers 1 --until 2004-12"
        " --output o --resume",
        "error: a finished replicate cannot be kept in 'o': No space left on device",
    ]
    assert [path.name for path in Path("o").rglob("*") if path.is_file()] == [
        "run.json", "replicate-000000.npz", "replicate-000001.npz"
    ] or len(part_files(Path("o"))) == 2  # fmt: skip
    assert not list(Path("o").rglob(".writing-*"))


def test_a_disk_that_is_full_when_results_are_saved(
    straight: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    assert call(*RUN, "--replicates", "1", "-o", "o", "-q").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(saving, "write_arrays", full)
        result = call(*RUN, "--replicates", "3", "-o", "o")
    assert result.exit_code == 2
    assert "3 of 3 replicates are finished and kept in 'o'\nresume with: " in result.stderr
    assert "error: results cannot be written to 'o': No space left on device" in result.stderr
    assert cbhi.load("o").n_replicates == 1
    result = call(*RUN, "--replicates", "3", "-o", "o", "--resume")
    assert result.exit_code == 0
    assert "simulating: 100 %" in result.stderr
    same_files(Path("o"), straight(3))


def test_a_folder_that_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    true = Parts.keep

    def keep(self: Parts, results: Any) -> None:
        if results.arrays.replicates[0] == 1:
            shutil.rmtree("o")
        true(self, results)

    monkeypatch.setattr(Parts, "keep", keep)
    result = call(*RUN, "--replicates", "3", "-o", "o", "--workers", "1")
    assert result.exit_code == 2
    assert "error: a finished replicate cannot be kept in 'o': the folder is no longer there" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(Path().iterdir()) == []


def test_the_first_replicate_that_cannot_be_kept_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(monkeypatch, 0, OSError(28, "No space left on device"))
    result = call(*RUN, "--replicates", "3", "-o", "o")
    assert result.exit_code == 2
    assert "finished" not in result.stderr.replace("simulating", "")
    assert list(Path().iterdir()) == []


def test_parts_survive_threads_that_write_at_once(tmp_path: Path) -> None:
    chosen = cbhi.scenario("rwanda-rules").replace({}, end="2000-12")
    parts = Parts(tmp_path, chosen, households_at_start(chosen, 30), 1, 1_000)
    results = cbhi.simulate(chosen, households=30, replicates=40, workers=8, keep=parts.keep)
    assert parts.numbers() == set(range(40))
    back, problems = parts.read()
    assert problems == []
    assert back is not None
    for a, b in zip(back.arrays, results.arrays, strict=True):
        assert a.tobytes() == b.tobytes()
    parts.remove(range(0, 40, 2))
    assert parts.numbers() == set(range(1, 40, 2))
    parts.remove(range(40))
    assert list(tmp_path.iterdir()) == []


def test_all_households_is_a_number_here(interrupted: Result) -> None:
    chosen = cbhi.scenario("rwanda-rules")
    assert households_at_start(chosen, "all") > 1_000_000
    assert households_at_start(chosen, 200) == 200
    with pytest.raises(ValueError, match="households must be a whole number or 'all', got 'some'"):
        households_at_start(chosen, "some")


def test_tables_of_all_formats_after_a_resume(interrupted: Result) -> None:
    result = call(*RUN, "--replicates", "5", "-o", "o", "--resume", "--format", "parquet", "-q")
    assert result.exit_code == 0
    read = pd.read_parquet("o/yearly.parquet")
    assert sorted(set(read["replicate"])) == [0, 1, 2, 3, 4]


# --- progress ---------------------------------------------------------------------------------------


def test_time_left_is_reckoned_from_this_sessions_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with show_progress(quiet=False) as tell:
        assert tell is not None
        tell(80, 100)  # from an earlier session
        now[0] += 30.0
        tell(90, 100)  # ten in thirty seconds: as long again
        now[0] += 15.0
        tell(95, 100)
        tell(100, 100)
    assert capsys.readouterr().err.splitlines() == [
        "simulating: 80 %",
        "simulating: 90 %, 30 s left",
        "simulating: 95 %, 15 s left",
        "simulating: 100 %",
    ]
