"""The command `cbhi calibrate` where the machine fails: what it says, and how it goes on."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cbhi.calibration import Calibration, journal
from cbhi.calibration.executors import Workers, lost_a_worker
from cbhi.cli import calibrate as command_of_calibrate
from cbhi.cli import main

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

[[target]]
name = "members"
variable = "coverage_end_share"
period = 2000
value = 0.2
sd = 0.05
kind = "coverage"
"""


GOING_ON = "\nwhat was simulated is kept; go on with: cbhi calibrate mine.toml --quiet --resume\n"


def calibrate(*words: str) -> Result:
    return CliRunner().invoke(main, ["calibrate", "mine.toml", *words])


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SCENARIO)
    Path("mine.toml").write_text(CALIBRATION)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the fit fail once its checkpoint is there."""

    def fail(calibration: Calibration, *_: Any, checkpoint: Path, **__: Any) -> None:
        calibration.evaluator("serial", checkpoint=checkpoint).close()
        raise error

    monkeypatch.setattr(Calibration, "fit", fail)


def test_memory_that_does_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, MemoryError())
    done = calibrate("-q")
    assert done.exit_code == 2
    # the size stands in the file
    assert "error: 60 households do not fit into memory; ask for fewer households, or take" in done.stderr
    assert done.stderr.endswith(GOING_ON)


def killed_workers() -> list[Any]:
    """What executors raise when the system ends a worker."""
    from concurrent.futures.process import BrokenProcessPool

    errors: list[Any] = [BrokenProcessPool("a process was terminated abruptly")]
    with contextlib.suppress(ModuleNotFoundError):
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        errors.append(TerminatedWorkerError("a worker process was killed"))
    with contextlib.suppress(ModuleNotFoundError):
        from distributed.scheduler import KilledWorker

        errors.append(KilledWorker("a task", None, 3))
    return errors


@pytest.mark.parametrize("error", killed_workers(), ids=lambda error: type(error).__name__)
def test_a_worker_that_is_killed(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    fail_with(monkeypatch, error)
    done = calibrate("-q", "--workers", "2")
    assert done.exit_code == 2
    assert "a worker was ended by the system, often for lack of memory; take fewer --workers" in done.stderr
    assert "kept; go on with: cbhi calibrate mine.toml --workers 2 --quiet --resume\n" in done.stderr


def test_other_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ZeroDivisionError("a slip of the program"))
    assert isinstance(calibrate("-q").exception, ZeroDivisionError)


def test_a_real_worker_that_ends() -> None:
    with Workers("processes", 1) as workers, pytest.raises(RuntimeError) as caught:
        list(workers.map(os._exit, [9]))
    assert lost_a_worker(caught.value)


def test_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is named, and how to go on once there is room again."""
    true = journal._write_whole

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".npz":
            raise OSError(28, "No space left on device")
        true(path, content)

    monkeypatch.setattr(journal, "_write_whole", full)
    done = calibrate("-q")
    assert done.exit_code == 2
    assert re.match(r"error: No space left on device: 'out/calibration-mine/checkpoint/.*\.npz'", done.stderr)
    assert done.stderr.endswith(GOING_ON)


def test_before_there_is_a_checkpoint_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error", "somewhere")

    monkeypatch.setattr(Calibration, "fit", fail)
    assert calibrate("-q").stderr == "error: Input/output error: 'somewhere'\n"


def test_interrupted_while_it_simulates(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    done = calibrate("-q")
    assert (done.exit_code, done.stderr) == (130, f"interrupted: {GOING_ON[1:]}")


def fit_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the posterior be found at once, with a checkpoint that stays."""

    class Found:
        """A fit that costs nothing."""

        def __init__(self, evaluator: Any) -> None:
            self.close = evaluator.close

        def posterior(self, **_: Any) -> None:
            return None

    def fit(calibration: Calibration, *_: Any, checkpoint: Path, **__: Any) -> Found:
        return Found(calibration.evaluator("serial", checkpoint=checkpoint))

    monkeypatch.setattr(Calibration, "fit", fit)


def write_with(monkeypatch: pytest.MonkeyPatch, texts: dict[str, str], error: BaseException | None) -> None:
    """Let these results be written, and then an error arise."""

    def write(_: Any, posterior: Any, found: Any, folder: Path, *__: Any) -> dict[str, Any]:
        for name, text in texts.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        if error is not None:
            raise error
        return {"text": "", "json": {}, "files": []}

    monkeypatch.setattr(command_of_calibrate, "_write", write)


def contents(folder: Path) -> dict[str, str]:
    """The text of each file, by its path; files of the lock and of the checkpoint left out."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in files.items() if not name.startswith("checkpoint/")}


FIRST = {
    "run.json": "1",
    "report.md": "1",
    "forecast.csv": "1",
    "calibration.png": "1",
    "posterior/fit.json": "1",
}
SECOND = {"run.json": "2", "report.md": "2", "posterior/fit.json": "2", "posterior/draws": "2"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), None])
def test_results_take_the_place_of_earlier_ones_together(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    fit_nothing(monkeypatch)
    write_with(monkeypatch, FIRST, None)
    assert calibrate("-q", "--no-profiles", "-o", "o").exit_code == 0
    Path("o/mine.txt").write_text("not a result")
    mine = {"mine.txt": "not a result"}
    assert contents(Path("o")) == {**FIRST, **mine}
    write_with(monkeypatch, SECOND, error)
    done = calibrate("-q", "--no-profiles", "-o", "o")
    if error is None:
        # a forecast and a picture that the second run does not have are gone
        assert contents(Path("o")) == {**SECOND, **mine}
        assert not Path("o/checkpoint").exists()
        return
    assert contents(Path("o")) == {**FIRST, **mine}
    said = (
        "interrupted: 'o' was being written"
        if isinstance(error, KeyboardInterrupt)
        else "error: results cannot be written to 'o': No space left on device"
    )
    again = (
        "\nwhat was simulated is kept; go on with: cbhi calibrate mine.toml --no-profiles --output o --quiet"
    )
    assert done.stderr == f"{said}{again} --resume\n"


def test_what_a_killed_run_left_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    fit_nothing(monkeypatch)
    write_with(monkeypatch, SECOND, None)
    Path("o/.saving-x").mkdir(parents=True)
    assert calibrate("-q", "--no-profiles", "-o", "o").exit_code == 0
    assert sorted(path.name for path in Path("o").iterdir()) == ["posterior", "report.md", "run.json"]


def test_a_folder_of_something_else_is_no_checkpoint() -> None:
    Path("o/checkpoint").mkdir(parents=True)
    Path("o/checkpoint/thesis.md").write_text("years of work")
    done = calibrate("-q", "-o", "o")
    assert done.exit_code == 2
    assert "'o/checkpoint' holds 'thesis.md' but no calibration.json; it is no checkpoint" in done.stderr
    assert contents(Path("o/checkpoint")) == {"thesis.md": "years of work"}
