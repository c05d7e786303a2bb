"""Simulations of a calibration: executors, chunks, the journal, failures, and a process that is killed."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration_cases import small_calibration

import cbhi
from cbhi.calibration import TooManyFailures, simulating
from cbhi.calibration.evaluating import Evaluator
from cbhi.calibration.executors import Workers, cut
from cbhi.calibration.journal import write_whole
from cbhi.calibration.simulating import Task

POINTS = np.random.default_rng(5).standard_normal((7, 2))


def is_running(number: int) -> bool:
    """Say whether there is a process of that number."""
    return any(process.pid == number and process.is_alive() for process in multiprocessing.active_children())


def wait_for(done: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is done, but not for ever."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it was not done in time"
        time.sleep(0.01)


def ask(evaluator: Evaluator, step: str = "a step") -> bytes:
    """The answers to one batch, as bytes."""
    try:
        return evaluator.runs(step, POINTS).tobytes()
    finally:
        evaluator.close()


@pytest.fixture(scope="module")
def expected() -> bytes:
    return ask(small_calibration().evaluator("serial"))


class TestAnswers:
    def test_are_those_of_the_simulator(self, expected: bytes) -> None:
        calibration = small_calibration()
        answers = np.frombuffer(expected).reshape(7, 2, 3)
        values = {
            "enrolment.intercept": -1.0 + POINTS[3, 0],
            "care.seek_intercept": 0.7 * POINTS[3, 1],
            "care.seek_price": calibration.carried[0].centre,
        }
        results = cbhi.simulate(
            calibration.scenario.replace(values), households=60, seed=3, first_replicate=1, replicates=1
        )
        members = results.values("coverage_end_share")[0, :, 0]
        visits = results.values("visits_per_person_year")[0, :, 0]
        labels = results.period_labels()
        assert answers[3, 1, 0] == members[labels.index("2001")]
        assert answers[3, 1, 1] == visits[labels.index("2000")]
        assert answers[3, 1, 2] == visits[labels.index("2001")]

    @pytest.mark.parametrize(
        ("executor", "workers", "chunk"),
        [("serial", 1, 5), ("threads", 2, 1), ("threads", 3, 5), ("processes", 1, 4)],
    )
    def test_are_the_same_on_every_executor(
        self, executor: str, workers: int, chunk: int, expected: bytes
    ) -> None:
        assert ask(small_calibration().evaluator(executor, workers=workers, chunk=chunk)) == expected

    @pytest.mark.parametrize("executor", ["joblib", "dask"])
    def test_are_the_same_on_executors_of_other_packages(self, executor: str, expected: bytes) -> None:
        pytest.importorskip({"joblib": "joblib", "dask": "distributed"}[executor])
        assert ask(small_calibration().evaluator(executor, workers=2)) == expected

    def test_are_the_same_on_an_executor_that_is_given(self, expected: bytes) -> None:
        with ThreadPoolExecutor(2) as pool:
            assert ask(small_calibration().evaluator(pool)) == expected
            assert list(pool.map(abs, [-1])) == [1]  # it was not closed

    def test_futures_of_a_client_are_gathered(self, expected: bytes) -> None:
        class Client:
            """Hands out futures, as that of dask.distributed does."""

            def __init__(self, pool: ThreadPoolExecutor) -> None:
                self.pool = pool

            def map(self, function: Any, items: Any) -> list[Any]:
                return [self.pool.submit(function, item) for item in items]

            def gather(self) -> None:
                raise AssertionError("answers are taken one by one, so that each is kept when it comes")

        with ThreadPoolExecutor(2) as pool:
            assert ask(small_calibration().evaluator(Client(pool))) == expected

    def test_a_shorter_run_changes_no_earlier_year(self) -> None:
        calibration = small_calibration()
        longer = calibration.replace(scenario=calibration.scenario.replace(end="2003-12", name="small"))
        assert longer.plan().scenario.end == calibration.scenario.end
        both = [one.evaluator("serial") for one in (calibration, longer)]
        assert ask(both[0]) == ask(both[1])

    def test_the_mean_over_replicates_with_carried_parameters_at_their_centres(self, expected: bytes) -> None:
        evaluator = small_calibration().evaluator("serial")
        np.testing.assert_array_equal(
            evaluator("means", POINTS), np.frombuffer(expected).reshape(7, 2, 3).mean(axis=1)
        )
        moved = evaluator.runs("moved", POINTS, np.full((7, 1), 1.5))
        assert (moved.mean(axis=1)[:, 1] != evaluator("means", POINTS)[:, 1]).all()
        assert evaluator.n_simulations == 28

    def test_points_of_the_wrong_shape_are_refused(self) -> None:
        evaluator = small_calibration().evaluator("serial")
        with pytest.raises(ValueError, match=r"points must have the shape \(n, 2\), got \(7, 3\)"):
            evaluator("wide", np.zeros((7, 3)))
        with pytest.raises(ValueError, match="no number"):
            evaluator("broken", np.full((7, 2), np.nan))


class TestWorkers:
    def test_unknown_names_and_missing_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="did you mean 'threads'"):
            Workers("thread")
        with pytest.raises(ValueError, match="or have a map"):
            Workers(object())  # type: ignore[arg-type]
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'cbhi\[dask\]'") as caught:
            Workers("dask")
        assert caught.value.name == "distributed"

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"workers": 0}, r"workers = 0 is outside 1 to 256"),
            ({"workers": 257}, r"workers = 257 is outside 1 to 256"),
            ({"workers": 2.5}, r"workers must be a whole number from 1 to 256, got 2\.5"),
            ({"workers": True}, r"workers must be a whole number from 1 to 256, got True"),
            ({"chunk": -1}, r"chunk = -1 is outside 1 to 1000000"),
            ({"chunk": 0}, r"chunk = 0 is outside 1 to 1000000"),
            ({"chunk": "7"}, r"chunk must be a whole number from 1 to 1000000, got '7'"),
        ],
    )
    def test_numbers_out_of_range(self, tmp_path: Path, given: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            small_calibration().evaluator(checkpoint=tmp_path / "ck", **given)
        assert not (tmp_path / "ck").exists()

    def test_chunks_hold_everything_in_order(self) -> None:
        for n in (1, 3, 64, 501):
            chunks = cut(list(range(n)), 2)
            assert [one for chunk in chunks for one in chunk] == list(range(n))
            assert max(map(len, chunks)) <= 25

    def test_can_be_used_again_after_closing(self) -> None:
        workers = Workers("threads", 2)
        for _ in range(2):
            assert list(workers.map(abs, [-1, -2])) == [1, 2]
            workers.close()

    def test_those_that_nobody_has_end(self) -> None:
        workers = Workers("processes", 1)
        (number,) = workers.map(eval, ["__import__('os').getpid()"])
        assert is_running(number)
        del workers
        wait_for(lambda: not is_running(number))

    def test_those_that_are_closed_in_the_middle_end_at_once(self) -> None:
        workers = Workers("processes", 1)
        (number,) = workers.map(eval, ["__import__('os').getpid()"])
        answers = workers.map(time.sleep, [0.0, 300.0])
        next(answers)
        workers.close()
        assert not is_running(number)

    def test_of_joblib_start_nothing_more_once_they_are_closed(self, tmp_path: Path) -> None:
        pytest.importorskip("joblib")
        workers = Workers("joblib", 2)
        work = "(__import__('time').sleep(0.2), open({!r}, 'w').close())"
        answers = workers.map(eval, [work.format(str(tmp_path / f"{i}")) for i in range(16)])
        next(answers)
        workers.close()
        done = len(list(tmp_path.iterdir()))
        time.sleep(1.0)
        # two may have been under way
        assert len(list(tmp_path.iterdir())) <= done + 2 < 16
        assert list(workers.map(abs, [-1])) == [1]
        workers.close()

    @pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs a mask of signals")
    def test_do_not_hear_of_an_interrupt_even_while_they_start(self) -> None:
        masked = "__import__('signal').SIGINT in __import__('signal').pthread_sigmask(0, [])"
        workers = Workers("processes", 1)
        assert list(workers.map(eval, [masked])) == [True]
        workers.close()
        assert not eval(masked)


def broken(results: Any, targets: Any, places: Any) -> Any:
    """Read targets, but fail for one of two replicates of some points."""
    if results.scenario.values["enrolment.intercept"] > 0.0 and results.arrays.replicates[0] == 1:
        raise ZeroDivisionError("made to fail")
    return np.array([[0.1, 0.2, np.nan if results.scenario.values["care.seek_intercept"] > 1.5 else 0.3]])


class TestFailures:
    def test_are_recorded_and_tolerated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(simulating, "read_targets", broken)
        evaluator = small_calibration(max_failures=0.5).evaluator("serial")
        points = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0], [0.0, 1.0]])
        answers = evaluator("some fail", points)
        assert np.isfinite(answers).all(axis=1).tolist() == [True, False, False, True]
        first, second, _ = evaluator.failures
        assert first.error == "ZeroDivisionError: made to fail"
        assert (first.seed, first.replicate, first.step) == (3, 1, "some fail")
        assert first.values["enrolment.intercept"] == pytest.approx(1.0)
        assert "seed=3, replicate=1" in first.command
        assert second.error == "ArithmeticError: no number for visits 2001"

    def test_too_many_end_the_calibration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(simulating, "read_targets", broken)
        evaluator = small_calibration().evaluator("serial")
        with pytest.raises(TooManyFailures, match=r"2 of 4 simulations failed.*tolerated") as caught:
            evaluator("two fail", np.array([[2.0, 0.0], [2.5, 0.0]]))
        assert len(caught.value.failures) == 2

    @pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left on device")])
    def test_those_of_the_machine_are_no_answers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: bytes
    ) -> None:
        def fail(*_: object) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(simulating, "read_targets", fail)
            with pytest.raises(type(error)):
                ask(small_calibration().evaluator("serial", checkpoint=tmp_path))
        assert not list(tmp_path.rglob("*.npz"))
        assert ask(small_calibration().evaluator("serial", checkpoint=tmp_path)) == expected

    def test_the_command_names_the_file_of_the_scenario(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text('base = "rwanda-rules"\nto = 2002-12-31\n[switches]\nrollout = false\n')
        plan = small_calibration(scenario=path).plan()
        task = Task((-1.0, 0.0, 2.0), 3, 0)
        command = plan.replay(task)
        assert f"cbhi.scenario('{path}')" in command
        code = command.removeprefix('python -c "').removesuffix('"').replace("import cbhi; ", "")
        simulated = simulating.simulate_tasks(plan, [task]).values[0]
        again = simulating.read_targets(eval(code, {"cbhi": cbhi}), plan.targets, plan.places)[0]
        assert again.tolist() == simulated.tolist()
        # a scenario that was made in memory has no name
        assert "YOUR-FILE.toml" in small_calibration().plan().replay(task)

    def test_the_command_repeats_the_simulation(self) -> None:
        calibration = cbhi.Calibration.read("rwanda", households=50)
        plan = calibration.plan()
        values = tuple(prior.centre for prior in (*calibration.priors, *calibration.carried))
        command = plan.replay(Task(values, 1, 0))
        code = command.removeprefix('python -c "').removesuffix('"').replace("import cbhi; ", "")
        again = eval(code, {"cbhi": cbhi})
        simulated = simulating.simulate_tasks(plan, [Task(values, 1, 0)]).values[0]
        assert simulating.read_targets(again, plan.targets, plan.places)[0].tolist() == simulated.tolist()


class TestJournal:
    def test_answers_again_without_simulating(self, tmp_path: Path, expected: bytes) -> None:
        assert ask(small_calibration().evaluator("serial", checkpoint=tmp_path)) == expected
        again = small_calibration().evaluator("serial", checkpoint=tmp_path, chunk=3)
        assert ask(again) == expected
        assert (again.n_answered, again.n_simulations) == (14, 14)
        assert not list(tmp_path.rglob("*.tmp"))

    def test_what_is_missing_is_simulated(self, tmp_path: Path, expected: bytes) -> None:
        ask(small_calibration().evaluator("serial", checkpoint=tmp_path, chunk=3))
        files = sorted(tmp_path.rglob("*.npz"))
        assert len(files) == 5
        files[1].unlink()
        files[3].unlink()
        again = small_calibration().evaluator("serial", checkpoint=tmp_path, chunk=4)
        assert ask(again) == expected
        assert again.n_answered == 8

    def test_failures_are_kept_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(simulating, "read_targets", broken)
        points = np.array([[0.0, 0.0], [2.0, 0.0]])
        told = []
        for _ in range(2):
            evaluator = small_calibration().evaluator("serial", checkpoint=tmp_path)
            evaluator("one fails", points)
            evaluator.close()
            told.append(evaluator.failures)
        assert told[0] == told[1]
        assert len(told[0]) == 1

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"seed": 4}, "seed: 3 there, 4 here"),
            ({"households": 61}, "households: 60 there, 61 here"),
            ({"discrepancy": {"members": 0.5}}, r"targets\.members\.discrepancy: 0\.03 there, 0\.5 here"),
            ({"carried": []}, r"carried\.care\.seek_price: .* there, nothing here"),
        ],
    )
    def test_another_calibration_is_refused(self, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
        small_calibration().evaluator("serial", checkpoint=tmp_path).close()
        with pytest.raises(ValueError, match=f"(?s)belongs to another calibration.*{said}"):
            small_calibration(**changes).evaluator("serial", checkpoint=tmp_path)

    def test_answers_are_not_gone_on_with_unasked(self, tmp_path: Path) -> None:
        ask(small_calibration().evaluator("serial", checkpoint=tmp_path))
        with pytest.raises(ValueError, match="go on with it"):
            small_calibration().evaluator("serial", checkpoint=tmp_path, resume=False)

    def test_what_was_stopped_before_its_head_is_begun_again(self, tmp_path: Path, expected: bytes) -> None:
        (tmp_path / "answers").mkdir()
        (tmp_path / ".x1.tmp").write_text("{")
        assert ask(small_calibration().evaluator("serial", checkpoint=tmp_path)) == expected

    @pytest.mark.parametrize("name", ["thesis.md", "thesis.tmp", ".git", "answers/some-step"])
    def test_a_folder_of_something_else_is_refused(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).mkdir(parents=True)
        with pytest.raises(ValueError, match=r"but no calibration\.json; it is no checkpoint"):
            small_calibration().evaluator("serial", checkpoint=tmp_path)
        assert not (tmp_path / ".lock").exists()

    def test_one_that_nobody_has_keeps_nobody_out(self, tmp_path: Path) -> None:
        first = small_calibration().evaluator("serial", checkpoint=tmp_path)
        itself: list[Any] = [first]
        itself.append(itself)  # as in a traceback, or in the output of a notebook
        del first, itself
        small_calibration().evaluator("serial", checkpoint=tmp_path).close()

    def test_the_same_process_is_told_how_to_let_go(self, tmp_path: Path) -> None:
        first = small_calibration().evaluator("serial", checkpoint=tmp_path)
        with pytest.raises(ValueError, match=r"a fit of this process still uses .*let it go with fit\.close"):
            small_calibration().evaluator("serial", checkpoint=tmp_path)
        first.close()

    def test_another_process_is_waited_for(self, tmp_path: Path) -> None:
        code = (
            "import sys; from calibration_cases import small_calibration\n"
            "kept = small_calibration().evaluator('serial', checkpoint=sys.argv[1])\n"
            "print('locked', flush=True); sys.stdin.read()"
        )
        other = run_code(code, tmp_path, stdin=subprocess.PIPE)
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ValueError, match="another calibration is using the checkpoint"):
            small_calibration().evaluator("serial", checkpoint=tmp_path)
        other.communicate("")
        small_calibration().evaluator("serial", checkpoint=tmp_path).close()

    def test_a_closed_one_locks_again_when_it_is_asked(self, tmp_path: Path, expected: bytes) -> None:
        first = small_calibration().evaluator("serial", checkpoint=tmp_path)
        first.close()
        first.runs("a step", POINTS)
        with pytest.raises(ValueError, match="still uses the checkpoint"):
            small_calibration().evaluator("serial", checkpoint=tmp_path)
        first.close()
        assert ask(small_calibration().evaluator("serial", checkpoint=tmp_path)) == expected

    def test_a_full_disk_is_said_with_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            write_whole(tmp_path / "kept.json", b"{}")
        assert caught.value.filename == str(tmp_path / "kept.json")
        assert caught.value.errno == errno.ENOSPC
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("keep", [0, 10, 300])
    def test_a_damaged_file_is_refused(self, tmp_path: Path, keep: int) -> None:
        ask(small_calibration().evaluator("serial", checkpoint=tmp_path))
        file = next(tmp_path.rglob("*.npz"))
        file.write_bytes(file.read_bytes()[:keep])
        with pytest.raises(ValueError, match=r"is damaged.*delete it, and what it held is simulated again"):
            ask(small_calibration().evaluator("serial", checkpoint=tmp_path))

    def test_changed_numbers_are_noticed(self, tmp_path: Path) -> None:
        ask(small_calibration().evaluator("serial", checkpoint=tmp_path))
        file = next(tmp_path.rglob("*.npz"))
        content = bytearray(file.read_bytes())
        content[200] ^= 1
        file.write_bytes(bytes(content))
        with pytest.raises(ValueError, match="is damaged"):
            ask(small_calibration().evaluator("serial", checkpoint=tmp_path))

    def test_a_file_in_the_wrong_place_is_refused(self, tmp_path: Path) -> None:
        evaluator = small_calibration().evaluator("serial", checkpoint=tmp_path)
        evaluator("one", POINTS[:2])
        evaluator("two", POINTS[2:4])
        evaluator.close()
        one, two = sorted(tmp_path.rglob("answers/*"))[:2]
        for file in two.glob("*.npz"):
            file.replace(one / file.name)
        again = small_calibration().evaluator("serial", checkpoint=tmp_path)
        with pytest.raises(ValueError, match="answers other questions"):
            again("one", POINTS[:2])
        again.close()

    def test_a_head_that_is_damaged_is_refused(self, tmp_path: Path) -> None:
        small_calibration().evaluator("serial", checkpoint=tmp_path).close()
        (tmp_path / "calibration.json").write_text("{")
        with pytest.raises(ValueError, match=r"calibration\.json' is damaged"):
            small_calibration().evaluator("serial", checkpoint=tmp_path)


KILLED = """
import sys
import numpy as np
from calibration_cases import small_calibration

evaluator = small_calibration().evaluator("threads", workers=2, checkpoint=sys.argv[1], chunk=2)
point = np.zeros((40, 2))
for step in range(6):
    # what is asked next depends on what was answered
    point = 0.1 * np.arange(40)[:, None] * evaluator(f"step {step}", point)[:, :2] - 1.0
print(point.tobytes().hex())
"""


def run_code(code: str, *words: object, stdin: int | None = None) -> subprocess.Popen[str]:
    """A process of Python."""
    paths = [str(Path(cbhi.__file__).parents[1]), str(Path(__file__).parent)]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_steps(folder: Path) -> subprocess.Popen[str]:
    """A process that asks one batch after another."""
    return run_code(KILLED, folder)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_is_killed_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = run_steps(tmp_path / "whole")
    for enough in (3, 60):  # the same folder is killed twice
        killed = run_steps(tmp_path / "killed")
        while killed.poll() is None and sum(1 for _ in (tmp_path / "killed").rglob("*.npz")) < enough:
            time.sleep(0.002)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
    resumed = run_steps(tmp_path / "killed")
    end, _ = resumed.communicate()
    expected, _ = whole.communicate()
    assert end == expected
    assert len(end) > 1000
