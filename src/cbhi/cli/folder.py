"""The folder of the results: its name, and a lock that keeps other runs out."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cbhi.locks import lock_handle

if TYPE_CHECKING:
    from cbhi.scenarios import Scenario


LOCK = ".running"


def default_folder(chosen: Scenario, until: str | None) -> Path:
    """Return the folder of a scenario\'s results, ``out/`` and its name."""
    words = re.sub(r"[^a-z0-9]+", "-", chosen.name.lower()).strip("-") or "results"
    return Path("out") / (words[:80].strip("-") + (f"-to-{until}" if until else ""))


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Make the folder and keep other runs out of it; leave no empty folder behind."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"'{folder}' is a file; results need a folder")
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    lock = folder / LOCK
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = _take(lock)
        except FileExistsError:
            raise ValueError(
                f"another run is writing to '{folder}'; choose another folder with -o, or delete '{lock}'"
                " if no run is under way"
            ) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise ValueError(f"results cannot be written to '{folder}': {reason}") from None
        try:
            yield
        finally:
            _give_back(lock, handle)
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()  # refuses where something was written


@contextlib.contextmanager
def placed(folder: Path, mark: str, optional: Iterable[str] = ()) -> Iterator[Path]:
    """Give a hidden folder to write into, and put what it holds in place together (``cbhi.placing``).

    Parameters
    ----------
    folder
        Where the results belong.
    mark
        The file that says that all are there.
    optional
        Files of which none may stay from before, whether they are written now or not.

    Raises
    ------
    OSError
        When the results cannot be written; the folder then holds what it held before.
    """
    from cbhi.placing import STAGED, place_files

    try:
        with tempfile.TemporaryDirectory(prefix=STAGED, dir=folder, ignore_cleanup_errors=True) as name:
            staged = Path(name)
            yield staged
            written = sorted(staged.iterdir())
            folders = [path.name for path in written if path.is_dir()]
            names = dict.fromkeys([*(path.name for path in written), *optional])
            place_files(staged, folder, names, mark, folders=folders)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno or 0, f"results cannot be written to '{folder}': {reason}") from error


def _take(lock: Path) -> int:
    """Write this process into the lock file and hold it; return its handle.

    The file is locked by the system as well, so a lock whose process was killed is free, and of two processes
    that find one such, one gets it. Where there are no such locks, nobody else's file is replaced.
    """
    while True:
        try:
            handle, new = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644), True
        except FileExistsError:
            try:
                handle, new = os.open(lock, os.O_RDWR), False
            except FileNotFoundError:
                continue  # given back meanwhile
        try:
            locked = lock_handle(handle)
            if locked is False or (locked is None and not new):
                raise FileExistsError(lock)
            if not _is_at(lock, handle):
                os.close(handle)  # it was given back before it was locked
                continue
            if not new and not _is_left_over(handle):
                raise FileExistsError(lock)
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, f"{os.getpid()} {platform.node()}\n".encode())
        except BaseException:
            os.close(handle)
            raise
        return handle


def _give_back(lock: Path, handle: int) -> None:
    """Remove the lock file if it is still this process's own, and let it go."""
    own = _is_at(lock, handle)
    if sys.platform == "win32":
        os.close(handle)  # there, a file that is open cannot be removed
    with contextlib.suppress(OSError):
        if own:
            lock.unlink(missing_ok=True)
    if sys.platform != "win32":
        os.close(handle)


def _is_at(lock: Path, handle: int) -> bool:
    """Say whether the file that is open is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False


def _is_left_over(handle: int) -> bool:
    """Say whether a process of this machine left the lock file that is free now; when in doubt, no.

    Another machine's may still run: some file systems do not tell each other of locks.
    """
    text = os.read(handle, 1_000).decode("utf-8", errors="replace").rstrip("\n")
    number, _, host = text.partition(" ")
    return text == "" or (number.isdecimal() and host == platform.node())
