"""Files that take the place of older ones: all or none, whenever it is stopped."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from cbhi import placing
from cbhi.locks import locked_folder
from cbhi.placing import STAGED, clear_staged, is_unsettled, place_files, reading, settle

FILES = ("a.csv", "b.csv", "old.csv", "new.csv", "record.json")
MARK = "record.json"
OLD = {"a.csv": "old a", "b.csv": "old b", "old.csv": "old only", MARK: "old record"}
NEW = {"a.csv": "new a", "b.csv": "new b", "new.csv": "new only", MARK: "new record"}
MINE = {"notes.txt": "mine"}


class Killed(BaseException):
    """What no handler survives."""


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def prepare(folder: Path) -> Path:
    write(folder, {**OLD, **MINE})
    staged = folder / f"{STAGED}xy"
    write(staged, NEW)
    return staged


class Blade:
    """``os.replace`` that fails at one call, and for good when it kills."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
        self.calls, self.step, self.error = 0, step, error
        self.true = os.replace
        monkeypatch.setattr(os, "replace", self.replace)
        if isinstance(error, Killed):
            for module, name in ((os, "rename"), (os, "unlink"), (shutil, "rmtree")):
                monkeypatch.setattr(module, name, self.guarded(getattr(module, name)))

    def dead(self) -> bool:
        return self.calls >= self.step and isinstance(self.error, Killed)

    def guarded(self, true: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.dead():
                raise self.error
            return true(*arguments, **named)

        return call

    def replace(self, source: Any, target: Any) -> None:
        self.calls += 1
        if self.calls == self.step or self.dead():
            raise self.error
        self.true(source, target)


def stop(folder: Path, step: int, error: BaseException) -> int:
    """Place the new files, stopped at one step; return the number of steps that were taken."""
    staged = prepare(folder)
    with pytest.MonkeyPatch.context() as patch:
        blade = Blade(patch, step, error)
        try:
            place_files(staged, folder, FILES, MARK)
        except type(error):
            pass
    return blade.calls


STEPS = 11  # the folder, four old files aside, four new ones in, the rubbish; one more is never reached


def test_the_number_of_steps(tmp_path: Path) -> None:
    assert stop(tmp_path / "o", 99, Killed()) == STEPS - 1
    assert held(tmp_path / "o") == {**NEW, **MINE}
    assert {path.name for path in (tmp_path / "o").iterdir()} == {*NEW, *MINE}


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_at_any_step(tmp_path: Path, step: int) -> None:
    """Where the mark is, all files are of its run; what was begun is finished by whoever comes next."""
    folder = tmp_path / "o"
    stop(folder, step, Killed())
    found = held(folder)
    if MARK in found:
        assert found in ({**OLD, **MINE}, {**NEW, **MINE})
    else:
        assert is_unsettled(folder)
        everything = [path.read_text() for path in folder.rglob("*") if path.is_file()]
        assert {*OLD.values(), *NEW.values()} <= {*everything}, "nothing is lost"
    with reading(folder):
        whole = OLD if step == 1 else NEW
        assert held(folder) == {**whole, **MINE}
    assert not is_unsettled(folder)
    clear_staged(folder)
    assert {path.name for path in folder.iterdir()} == {*whole, *MINE}


@pytest.mark.parametrize("again", range(1, STEPS))
@pytest.mark.parametrize("step", range(2, STEPS))
def test_killed_again_while_it_is_finished(tmp_path: Path, step: int, again: int) -> None:
    folder = tmp_path / "o"
    stop(folder, step, Killed())
    with pytest.MonkeyPatch.context() as patch:
        Blade(patch, again, Killed())
        with contextlib.suppress(Killed):
            settle(folder)
    settle(folder)
    assert held(folder) == {**NEW, **MINE}


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", range(1, STEPS - 1))
def test_an_error_at_any_step_puts_everything_back(tmp_path: Path, step: int, error: BaseException) -> None:
    folder = tmp_path / "o"
    stop(folder, step, error)
    assert held(folder) == {**OLD, **MINE}
    assert not is_unsettled(folder)


@pytest.mark.parametrize("again", range(1, 13))
def test_killed_while_files_are_put_back(tmp_path: Path, again: int) -> None:
    """An error after six renames, and then the end at any rename of the way back."""
    folder = tmp_path / "o"
    staged = prepare(folder)

    class Both(Blade):
        def replace(self, source: Any, target: Any) -> None:
            if self.calls == 6 and self.step > 6 and not hasattr(self, "failed"):
                self.failed = True
                raise PermissionError(13, "Permission denied")
            super().replace(source, target)

    with pytest.MonkeyPatch.context() as patch:
        Both(patch, 6 + again, Killed())
        with pytest.raises((Killed, PermissionError)):
            place_files(staged, folder, FILES, MARK)
    if MARK in held(folder):
        assert held(folder) == {**OLD, **MINE}
    settle(folder)
    # if it ended before it had turned round, it goes on
    assert held(folder) == {**(NEW if again == 1 else OLD), **MINE}


@pytest.mark.parametrize("old", [OLD, {}])
@pytest.mark.parametrize("again", range(1, 14))
def test_killed_while_all_is_put_back(
    tmp_path: Path, again: int, old: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes after the last rename, so the new mark is in, and then the end."""
    folder = tmp_path / "o"
    staged = prepare(folder)
    for name in OLD.keys() - old.keys():
        (folder / name).unlink()
    true = placing._forward

    def forward(place: Path, plan: Any) -> None:
        true(place, plan)
        blade.calls, blade.step = 0, again
        raise KeyboardInterrupt

    monkeypatch.setattr(placing, "_forward", forward)
    with pytest.MonkeyPatch.context() as patch:
        blade = Blade(patch, 99, Killed())
        with pytest.raises((Killed, KeyboardInterrupt)):
            place_files(staged, folder, FILES, MARK)
    monkeypatch.undo()
    found = held(folder)
    assert MARK not in found or found in ({**old, **MINE}, {**NEW, **MINE})
    settle(folder)
    assert held(folder) == {**(NEW if again == 1 else old), **MINE}


def test_the_next_to_place_files_finishes_first(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    stop(folder, 4, Killed())
    staged = folder / f"{STAGED}next"
    write(staged, {MARK: "third record"})
    place_files(staged, folder, FILES, MARK)
    assert held(folder) == {MARK: "third record", **MINE}
    assert not is_unsettled(folder)


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    staged = prepare(tmp_path / "o")
    (tmp_path / "o" / "new.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"'new\.csv' is a folder"):
        place_files(staged, tmp_path / "o", FILES, MARK)
    assert held(tmp_path / "o") == {**OLD, **MINE}


def deep(folder: Path) -> dict[str, str]:
    """Files of a folder and of those inside it."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("step", range(1, 7))
@pytest.mark.parametrize("error", [Killed(), PermissionError(13, "Permission denied")])
def test_folders_move_with_all_they_hold(tmp_path: Path, step: int, error: BaseException) -> None:
    folder = tmp_path / "o"
    before = {MARK: "old", "fit/old.npz": "old", "fit/both.npz": "old"}
    after = {MARK: "new", "fit/new.npz": "new", "fit/both.npz": "new"}
    for place, files in ((folder, before), (folder / f"{STAGED}xy", after)):
        (place / "fit").mkdir(parents=True)
        write(place, files)
    with pytest.MonkeyPatch.context() as patch:
        Blade(patch, step, error)
        # the sixth step takes away what is left over, which must not succeed
        with (
            pytest.raises(type(error)) if step < 6 or isinstance(error, Killed) else contextlib.nullcontext()
        ):
            place_files(folder / f"{STAGED}xy", folder, (MARK, "fit"), MARK, folders=["fit"])
    settle(folder)
    clear_staged(folder)
    done = step > 1 if isinstance(error, Killed) else step == 6
    assert deep(folder) == (after if done else before)


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    staged = prepare(tmp_path / "o")
    with pytest.raises(NotADirectoryError, match=r"'a\.csv' is a file"):
        place_files(staged, tmp_path / "o", FILES, MARK, folders=["a.csv"])
    assert held(tmp_path / "o") == {**OLD, **MINE}


@pytest.mark.parametrize(
    "plan",
    [
        "[]",
        "{",
        json.dumps({"mark": MARK, "new": ["../out.csv"], "old": []}),
        json.dumps({"mark": MARK, "new": [3], "old": []}),
        json.dumps({"mark": ".hidden", "new": [], "old": []}),
    ],
)
def test_a_plan_that_nobody_here_wrote_is_not_followed(tmp_path: Path, plan: str) -> None:
    place = tmp_path / "o" / ".placing-xy"
    place.mkdir(parents=True)
    write(place, {"plan.json": plan, MARK: "theirs"})
    write(tmp_path, {"out.csv": "mine"})
    settle(tmp_path / "o")
    assert held(tmp_path / "o") == {}
    assert held(tmp_path) == {"out.csv": "mine"}


def test_readers_wait_for_whoever_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that comes between two renames sees the folder when it is whole."""
    folder = tmp_path / "o"
    staged = prepare(folder)
    seen: list[dict[str, str]] = []

    def read() -> None:
        with reading(folder):
            seen.append(held(folder))

    readers: list[threading.Thread] = []
    true = placing._forward

    def forward(place: Path, plan: Any) -> None:
        os.replace(folder / MARK, place / "before" / MARK)
        readers.append(threading.Thread(target=read))
        readers[0].start()
        readers[0].join(0.2)
        assert seen == []
        true(place, plan)

    monkeypatch.setattr(placing, "_forward", forward)
    place_files(staged, folder, FILES, MARK)
    readers[0].join(10)
    assert seen == [{**NEW, **MINE}]


def test_locks_of_folders(tmp_path: Path) -> None:
    with locked_folder(tmp_path / "nowhere") as locked:
        assert not locked
    with locked_folder(tmp_path, shared=True) as one, locked_folder(tmp_path, shared=True) as other:
        assert one
        assert other
    assert list(tmp_path.iterdir()) == []


def test_without_locks_only_who_is_alone_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "o"
    stop(folder, 4, Killed())
    monkeypatch.setattr("cbhi.locks.lock_handle", lambda *_, **__: None)
    settle(folder)
    assert is_unsettled(folder)
    settle(folder, alone=True)
    assert held(folder) == {**NEW, **MINE}
