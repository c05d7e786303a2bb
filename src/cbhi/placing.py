"""Put finished files into a folder in place of older ones: all of them or none, whenever it is stopped.

The files are written to a hidden folder ``.saving-*`` inside the target. When they are whole, that folder is
renamed to ``.placing-*``; from then on whoever comes next can finish the work, for each file lies in one
place only: a new one in ``.placing-*`` or in the target, an old one in the target or in
``.placing-*/before``. One file is the mark: it goes first and comes last, so that a target that holds it
holds one run's files only. An error puts the old files back, under the name ``.returning-*``. It is about
programs that are killed; what a loss of power leaves of files just written is up to the system.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cbhi.locks import locked_folder

__all__ = ["STAGED", "clear_staged", "is_unsettled", "place_files", "reading", "settle"]

STAGED = ".saving-"
"""How the names of hidden folders begin in which files are written."""
_PLACING, _RETURNING = ".placing-", ".returning-"
_PLAN, _BEFORE = "plan.json", "before"


class _Plan(NamedTuple):
    """What is to be moved: names of files, the mark among them."""

    mark: str
    new: tuple[str, ...]
    old: tuple[str, ...]

    @property
    def others(self) -> list[str]:
        """All files but the mark, each once."""
        return [file for file in dict.fromkeys((*self.new, *self.old)) if file != self.mark]


def place_files(
    staged: Path, directory: Path, files: Iterable[str], mark: str, *, folders: Iterable[str] = ()
) -> None:
    """Move finished files into a folder; those of the same run that are there already make way.

    Whoever else places or reads files there (``reading``) waits for it where the system has locks.

    Parameters
    ----------
    staged
        Folder inside ``directory`` whose name begins with ``STAGED``, with the new files; it is used up.
    directory
        Where they belong.
    files
        Names of all files of which none may stay from before; others are left alone.
    mark
        The one of them that says that the files are there.
    folders
        Those of ``files`` that are folders, which are moved with all they hold.

    Raises
    ------
    OSError
        When a file cannot be moved; the folder then holds what it held before.
    """
    names, whole = tuple(files), frozenset(folders)
    with locked_folder(directory):
        _settle(directory)
        for file in names:
            if (directory / file).is_dir() and file not in whole:
                raise IsADirectoryError(21, f"'{file}' is a folder")
            if (directory / file).is_file() and file in whole:
                raise NotADirectoryError(20, f"'{file}' is a file")
        plan = _Plan(
            mark,
            tuple(file for file in names if (staged / file).exists()),
            tuple(file for file in names if (directory / file).exists()),
        )
        (staged / _BEFORE).mkdir()
        (staged / _PLAN).write_text(json.dumps(plan._asdict()), encoding="utf-8")
        placing = directory / (_PLACING + staged.name.removeprefix(STAGED))
        try:
            os.replace(staged, placing)
            _forward(placing, plan)
        except BaseException:
            # what fails here is finished by whoever comes next
            with contextlib.suppress(OSError):
                if placing.exists():
                    _turn_back(placing, plan)
            raise
        _discard(placing)


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Finish what was stopped while it placed files in a folder, and keep others from it meanwhile.

    Raises
    ------
    OSError
        When what was stopped cannot be finished.
    """
    if is_unsettled(directory):
        settle(directory)
    with locked_folder(directory, shared=True):
        yield


def is_unsettled(directory: Path) -> bool:
    """Say whether files are being placed in a folder, or whoever did so was stopped."""
    return any(True for kind in (_PLACING, _RETURNING) for _ in directory.glob(f"{kind}*/{_PLAN}"))


def settle(directory: Path, *, alone: bool = False) -> None:
    """Finish what was stopped while it placed files in a folder, after waiting for who still does.

    Parameters
    ----------
    directory
        The folder.
    alone
        The caller knows that nobody else places files there; otherwise nothing is touched where the system
        has no locks.

    Raises
    ------
    OSError
        When a file cannot be moved.
    """
    with locked_folder(directory) as locked:
        if locked or alone:
            _settle(directory)


def clear_staged(directory: Path) -> None:
    """Remove files that were not written to their end; nobody else may be writing there."""
    for path in directory.glob(f"{STAGED}*"):
        shutil.rmtree(path, ignore_errors=True)


def _settle(directory: Path) -> None:
    for kind, move in ((_PLACING, _forward), (_RETURNING, _back)):
        for place in sorted(directory.glob(f"{kind}*")):
            if (plan := _read_plan(place / _PLAN)) is not None:
                move(place, plan)
                _discard(place)


def _read_plan(path: Path) -> _Plan | None:
    """Return a plan that names plain files only, or None."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        plan = _Plan(content["mark"], tuple(content["new"]), tuple(content["old"]))
        names = (plan.mark, *plan.new, *plan.old)
        plain = all(Path(name).name == name and not name.startswith(".") for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return plan if plain else None


def _forward(place: Path, plan: _Plan) -> None:
    """Move old files aside and new ones in, from wherever it was stopped."""
    target, before = place.parent, place / _BEFORE

    def put_aside(file: str) -> None:
        if file in plan.old and not (before / file).exists() and (target / file).exists():
            os.replace(target / file, before / file)

    def put_in(file: str) -> None:
        if (place / file).exists():
            os.replace(place / file, target / file)

    put_aside(plan.mark)
    for file in plan.others:
        put_aside(file)
        put_in(file)
    put_in(plan.mark)


def _back(place: Path, plan: _Plan) -> None:
    """Move new files out again and old ones back, from wherever it was stopped."""
    target, before = place.parent, place / _BEFORE

    def take_out(file: str) -> None:
        if file in plan.new and not (place / file).exists() and (target / file).exists():
            os.replace(target / file, place / file)

    def put_back(file: str) -> None:
        if (before / file).exists():
            os.replace(before / file, target / file)

    take_out(plan.mark)
    for file in plan.others:
        take_out(file)
        put_back(file)
    put_back(plan.mark)


def _turn_back(placing: Path, plan: _Plan) -> None:
    returning = placing.with_name(_RETURNING + placing.name.removeprefix(_PLACING))
    os.replace(placing, returning)
    _back(returning, plan)
    _discard(returning)


def _discard(place: Path) -> None:
    """Take away what is left when all is in its place; what cannot be taken away is hidden."""
    rubbish = place.with_name(STAGED + place.name.partition("-")[2])
    with contextlib.suppress(OSError):
        os.replace(place, rubbish)
        shutil.rmtree(rubbish, ignore_errors=True)
