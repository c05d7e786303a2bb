"""The command `cbhi calibrate` where the machine fails: what it says, and how it goes on."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cbhi.calibration import Calibration
from cbhi.calibration.executors import Workers, lost_a_worker
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
    assert "error: 60 households do not fit into memory; ask for fewer households\n" in done.stderr


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
    assert "go on with: cbhi calibrate mine.toml --workers 2 --quiet --resume\n" in done.stderr


def test_other_errors_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ZeroDivisionError("a slip of the program"))
    assert isinstance(calibrate("-q").exception, ZeroDivisionError)


def test_a_real_worker_that_ends() -> None:
    with Workers("processes", 1) as workers, pytest.raises(RuntimeError) as caught:
        list(workers.map(os._exit, [9]))
    assert lost_a_worker(caught.value)
