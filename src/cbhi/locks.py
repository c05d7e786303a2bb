"""Locks on files and folders that the system takes away when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["lock_handle", "locked_folder"]


def lock_handle(handle: int, *, shared: bool = False, wait: bool = False) -> bool | None:
    """Lock an open file or folder until it is closed or the process ends.

    Parameters
    ----------
    handle
        What ``os.open`` returned.
    shared
        Together with others that lock it as shared; otherwise alone.
    wait
        Wait for whoever holds it.

    Returns
    -------
    bool or None
        Whether it is locked now; None where the system, or the file system, has no such locks.
    """
    if sys.platform == "win32":
        return None
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextlib.contextmanager
def locked_folder(folder: Path, *, shared: bool = False) -> Iterator[bool]:
    """Lock a folder, after waiting for whoever holds it; nothing is written for it.

    Parameters
    ----------
    folder
        The folder.
    shared
        Together with others that lock it as shared; otherwise alone.

    Yields
    ------
    bool
        Whether it is locked: some systems have no such locks.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield lock_handle(handle, shared=shared, wait=True) is True
    finally:
        os.close(handle)
