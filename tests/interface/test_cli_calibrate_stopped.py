"""The command `cbhi calibrate` ended from outside: its workers end with it, and it says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_cli_calibrate_failures import CALIBRATION, SCENARIO

from cbhi.cli.errors import errors

CLI = (sys.executable, "-m", "cbhi.cli", "calibrate", "mine.toml", "-q", "--executor", "processes")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SCENARIO)
    # so large that it does not end by itself before it is ended
    Path("mine.toml").write_text(CALIBRATION.replace("households = 60", "households = 4000"))


def wait_for(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it was not done in time"
        time.sleep(0.02)


def children(number: int) -> list[int]:
    """Processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


def is_running(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").is_file(), reason="needs a list of processes"
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_command(number: signal.Signals) -> None:
    process = subprocess.Popen([*CLI, "--workers", "2"], stderr=subprocess.PIPE, text=True)
    try:
        answers = Path("out/calibration-mine/checkpoint/answers")
        wait_for(lambda: process.poll() is not None or any(answers.glob("*/*.npz")), 120)
        workers = children(process.pid)
        assert len(workers) >= 2, process.communicate()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        wait_for(lambda: not any(map(is_running, workers)), 10)
    finally:
        process.kill()
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        return
    assert process.returncode == 130, said
    assert said == (
        "interrupted: what was simulated is kept; go on with: cbhi calibrate mine.toml --workers 2"
        " --executor processes --quiet --resume\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_request_to_end_is_heard_as_ctrl_c_by_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with errors():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    with pytest.raises(SystemExit) as caught:
        work()
    assert caught.value.code == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_who_hears_it_already_still_does() -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(True))
    try:
        with errors():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [True]
