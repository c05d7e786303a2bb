"""Exit codes, and what a user can mend turned into one message."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click

CHECK_FAILED, BAD_INPUT, MISSING_PACKAGE, INTERRUPTED = 1, 2, 3, 130


# which extra of the package brings an optional module
_EXTRAS = {
    "matplotlib": "plot", "pyarrow": "io", "openpyxl": "io", "joblib": "joblib", "distributed": "dask",
    "arviz": "bayes",
}  # fmt: skip


def fail(message: str, code: int) -> NoReturn:
    """Print a message on standard error and end with the exit code."""
    click.echo(message, err=True)
    raise SystemExit(code)


NOTHING = "nothing was written"


class Outcome:
    """What is true of the files of a command when it ends before its time, and how large its simulations are.

    Attributes
    ----------
    said
        What is true of the files.
    households
        Of a simulation; None where it is not known.
    checkpoint
        Folder of what is kept until the results are complete; None where there is none.
    """

    def __init__(self, households: int | str | None = None) -> None:
        self.said = NOTHING
        self.households = households
        self.checkpoint: Path | None = None

    @contextlib.contextmanager
    def writing(self, folder: Path | None) -> Iterator[None]:
        """Say, from here on, that the folder is being written, and then that it is complete.

        Parameters
        ----------
        folder
            Where the command writes; None where it writes nothing.
        """
        if folder is not None:
            self.said = f"'{folder}' was being written"
        yield
        if folder is not None:
            self.said = f"the results are complete in '{folder}'"
            self.checkpoint = None

    def of_memory(self) -> str:
        """Say that memory does not suffice."""
        known = self.households is not None
        what = f"{self.households} households do not fit" if known else "the simulation does not fit"
        return f"{what} into memory; ask for fewer households"


def of_system(error: OSError) -> str:
    """Return what the system says, and of which file."""
    where = f": '{error.filename}'" if error.filename else ""
    return f"{error.strerror or error}{where}"


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let a request to end take the way of Ctrl-C: workers are stopped, and what is kept is said."""
    import signal
    import threading

    alone = threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield  # who runs this program hears it, or does not want to
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def errors(households: int | str | None = None) -> Iterator[Outcome]:
    """Turn what a user can mend into one message and an exit code; everything else keeps its traceback.

    A request to end (SIGTERM, as from the system or a batch queue) is heard as Ctrl-C is.
    """
    outcome = Outcome(households)
    try:
        with _ended_as_by_ctrl_c():
            yield outcome
    except KeyboardInterrupt:
        fail(f"interrupted: {outcome.said}", INTERRUPTED)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        fail(f"error: {error.name} is not installed; pip install 'cbhi[{extra}]'", MISSING_PACKAGE)
    except ValueError as error:
        fail(f"error: {error}", BAD_INPUT)
    except OSError as error:
        fail(f"error: {of_system(error)}", BAD_INPUT)
    except MemoryError:
        fail(f"error: {outcome.of_memory()}", BAD_INPUT)
