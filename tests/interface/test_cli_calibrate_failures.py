"""The command `cbhi calibrate` where the machine fails: what it says, and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cbhi.calibration import Calibration
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
