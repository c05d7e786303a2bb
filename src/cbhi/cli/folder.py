"""The folder of the results: its name, and a lock that keeps other runs out."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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
            _take(lock)
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
            lock.unlink(missing_ok=True)
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()  # refuses where something was written


def _take(lock: Path) -> None:
    """Write this process into the lock file; replace a lock whose process is gone."""
    for _ in range(2):
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if _is_held(lock):
                raise
            lock.unlink(missing_ok=True)
            continue
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {platform.node()}\n")
        return
    raise FileExistsError(lock)


def _is_held(lock: Path) -> bool:
    """Say whether the process named in the lock may still run; when in doubt, yes."""
    try:
        number, host = lock.read_text(encoding="ascii").rstrip("\n").split(" ", 1)
        pid = int(number)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    if os.name != "posix" or host != platform.node():
        return True
    if pid == os.getpid():
        return False  # a number used again: this process has not taken the lock
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
