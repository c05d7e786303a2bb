"""The checkpoint of a calibration: a journal of everything that was simulated.

The algorithms are functions of what simulations answer and of seeds, and hold no state worth saving. So a
calibration that was stopped, at whatever moment, is resumed by running it again: it asks the same questions
in the same order, the journal answers those that were answered before, and the rest is simulated.

A folder holds ``calibration.json``, what decides the answers, and ``answers/``, a folder for each batch with
one file for each chunk. A batch is known by its name and by what it asks. A file is written under a temporary
name and renamed, so a file that is there is whole. Files are zips of plain arrays; nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import json
import os
import re
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cbhi.calibration.simulating import Answers, Task
from cbhi.locks import lock_handle
from cbhi.storage import read_json

__all__ = ["Journal", "differences", "digest_of", "write_whole"]

FORMAT_VERSION = 1
_HEAD = "calibration.json"
_ANSWERS = "answers"
_LOCK = ".lock"
_UNFINISHED = ".tmp"
_SHOWN = 6
_DAMAGE = (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all: a temporary name, then a rename.

    Parameters
    ----------
    path
        Where it belongs; its folder exists.
    content
        Its bytes.

    Raises
    ------
    OSError
        When it cannot be written; names the file.
    """
    try:
        _write_whole(path, content)
    except OSError as error:
        # of a full disk the system says nothing but that it is full
        raise OSError(error.errno or 0, error.strerror or str(error), str(path)) from error


def _write_whole(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


# locks that this process holds: process, device and file, by open file
_held: dict[int, tuple[int, int, int]] = {}


class Journal:
    """Answers kept in a folder, for one calibration.

    The folder is locked until the journal is closed, or nobody has it any more; asked again, a closed one
    locks its folder again.

    Parameters
    ----------
    folder
        Made where it is missing.
    identity
        What decides the answers: plain values by name. ``None`` values are left out of comparisons.
    resume
        Whether to go on with what the folder holds; without it, a folder that holds answers is refused.

    Raises
    ------
    ValueError
        When the folder belongs to another calibration (the message says what differs), holds answers and
        ``resume`` is off, is damaged, or is in use, by another process or this one.
    """

    def __init__(self, folder: str | Path, identity: Mapping[str, Any], *, resume: bool = True) -> None:
        self.folder = Path(folder)
        self._identity = json.loads(json.dumps({"format": FORMAT_VERSION, **identity}))
        self._let_go: Callable[[], Any] | None = None
        self._hold(resume)

    def _hold(self, resume: bool = True) -> None:
        """Lock the folder and look at what it holds, unless that was done."""
        if self._let_go is not None:
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"'{self.folder}' is a file; a checkpoint needs a folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._refuse_foreign()
        # not by close alone: a fit that nobody has any more keeps nobody out
        self._let_go = weakref.finalize(self, _release, _take(self.folder))
        try:
            self._open(resume)
        except BaseException:
            self.close()
            raise

    def _open(self, resume: bool) -> None:
        head = self.folder / _HEAD
        if head.is_file():
            found = differences(read_json(head), self._identity)
            if found:
                listed = "\n".join(f"  {line}" for line in found[:_SHOWN])
                more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
                raise ValueError(
                    f"the checkpoint in '{self.folder}' belongs to another calibration; choose another"
                    f" folder, or calibrate as it did:\n{listed}{more}"
                )
            if not resume and any(self._batches()):
                raise ValueError(
                    f"'{self.folder}' holds a checkpoint of this calibration; go on with it (resume), or"
                    " choose another folder"
                )
            return
        (self.folder / _ANSWERS).mkdir(exist_ok=True)
        write_whole(head, (json.dumps(self._identity, indent=1, sort_keys=True) + "\n").encode())

    def _refuse_foreign(self) -> None:
        """Refuse a folder of something else, which must not be removed as a checkpoint is at the end."""
        if (self.folder / _HEAD).is_file():
            return
        for path in sorted(self.folder.iterdir()):
            # what was stopped before it wrote its head leaves these
            begun = path.name == _ANSWERS and path.is_dir() and not any(path.iterdir())
            unfinished = path.name.startswith(".") and path.name.endswith(_UNFINISHED)
            if not (begun or unfinished or path.name == _LOCK):
                raise ValueError(
                    f"'{self.folder}' holds '{path.name}' but no {_HEAD}; it is no checkpoint, or a damaged"
                    " one: choose another folder, or empty it"
                )

    def _batches(self) -> list[Path]:
        return sorted((self.folder / _ANSWERS).glob("*/*.npz"))

    def answered(self, step: str, tasks: Sequence[Task]) -> list[tuple[int, Answers]]:
        """Return what was answered before of a batch: (first row, answers) of each chunk.

        Parameters
        ----------
        step
            Name of the batch.
        tasks
            All that the batch asks for.

        Raises
        ------
        ValueError
            When a file is damaged, or holds answers to other questions.
        """
        self._hold()
        folder = self._folder_of(step, tasks)
        found = []
        for path in sorted(folder.glob("*.npz")) if folder.is_dir() else ():
            first, answers, of = _read(path)
            if of != digest_of(tasks) or first + len(answers.errors) > len(tasks):
                raise ValueError(
                    f"'{path}' answers other questions than step '{step}' asks; it does not belong there:"
                    " delete it, and what is missing is simulated again"
                )
            found.append((first, answers))
        return found

    def keep(self, step: str, tasks: Sequence[Task], first: int, answers: Answers) -> None:
        """Write the answers to some tasks of a batch, the rows from ``first`` on."""
        self._hold()
        folder = self._folder_of(step, tasks)
        folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            values=answers.values,
            errors=np.array(answers.errors, dtype=np.str_),
            first=np.int64(first),
            digest=np.array(digest_of(tasks)),
        )
        last = first + len(answers.errors)
        write_whole(folder / f"rows-{first:06d}-{last:06d}.npz", buffer.getvalue())

    def close(self) -> None:
        """Let others use the folder."""
        if self._let_go is not None:
            self._let_go()
            self._let_go = None

    def _folder_of(self, step: str, tasks: Sequence[Task]) -> Path:
        # known by what is asked, so that a step that asks for other points finds nothing of these
        words = re.sub(r"[^a-z0-9]+", "-", step.lower()).strip("-")[:60]
        return self.folder / _ANSWERS / f"{words}-{digest_of(tasks)[:16]}"


def _take(folder: Path) -> int:
    """Lock the folder, where the system can; return the open file that holds the lock."""
    handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    own = _of_this_process(handle)
    locked = lock_handle(handle)
    if locked is False and own in _held.values():
        gc.collect()  # fits refer to themselves, so one that nobody has may still be there
        locked = lock_handle(handle)
    if locked is False:
        os.close(handle)
        raise ValueError(
            f"a fit of this process still uses the checkpoint in '{folder}'; let it go with fit.close(), or"
            " choose another folder"
            if own in _held.values()
            else f"another calibration is using the checkpoint in '{folder}'; wait, or choose another"
        )
    _held[handle] = own
    return handle


def _release(handle: int) -> None:
    # a copy of this process that was forked off closes its own copy of the file, and unlocks nothing
    _held.pop(handle, None)
    os.close(handle)


def _of_this_process(handle: int) -> tuple[int, int, int]:
    """Return what tells an open file of this process from others."""
    about = os.fstat(handle)
    return os.getpid(), about.st_dev, about.st_ino


def digest_of(tasks: Sequence[Task]) -> str:
    """Return a hash of what is asked for, exact to the bit."""
    digest = hashlib.sha256()
    for task in tasks:
        digest.update(np.asarray(task.values, dtype=np.float64).tobytes())
        digest.update(f"{task.seed} {task.replicate};".encode())
    return digest.hexdigest()


def _read(path: Path) -> tuple[int, Answers, str]:
    """Return first row, answers and digest of the questions of one file."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            values = np.asarray(file["values"], dtype=np.float64)
            errors = tuple(str(text) for text in file["errors"])
            first, digest = int(file["first"]), str(file["digest"])
        if values.ndim != 2 or len(errors) != len(values) or first < 0:
            raise ValueError("its arrays do not belong together")
    except _DAMAGE as error:
        raise ValueError(
            f"'{path}' is damaged ({error}); delete it, and what it held is simulated again"
        ) from None
    return first, Answers(values, errors), digest


def differences(kept: Mapping[str, Any], asked: Mapping[str, Any], at: str = "") -> list[str]:
    """Return one line for each value that differs between what a folder holds and what is asked for.

    Parameters
    ----------
    kept, asked
        Plain values by name, tables inside each other.
    at
        Name of the table around.
    """
    found = []
    for name in dict.fromkeys((*kept, *asked)):
        before, now = kept.get(name), asked.get(name)
        where = f"{at}.{name}" if at else name
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += differences(before, now, where)
        elif before != now:
            found.append(f"{where}: {_short(before)} there, {_short(now)} here")
    return found


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
