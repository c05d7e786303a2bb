"""Finished replicates of a comparison that is not finished, kept beside where its results will be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cbhi.cli.errors import INTERRUPTED, fail
from cbhi.cli.resume import command_to_resume

if TYPE_CHECKING:
    from cbhi.parts import Parts
    from cbhi.results import Results
    from cbhi.scenarios import Scenario

SURVEY = 1_000


class Kept:
    """The finished replicates of every scenario of a comparison; nothing where none is written.

    Parameters
    ----------
    output
        Folder of the comparison, or None.
    chosen
        The scenarios.
    households, seed
        As in ``compare``.
    """

    def __init__(self, output: Path | None, chosen: list[Scenario], households: int | str, seed: int) -> None:
        from cbhi.parts import Parts
        from cbhi.simulation import households_at_start

        self.output = output
        # interviews can be read from files only, so nobody is asked where none are written
        self.survey = 0 if output is None else SURVEY
        self.parts: dict[str, Parts] = {}
        if output is not None:
            for scenario in chosen:
                size = households_at_start(scenario, households)
                self.parts[scenario.fingerprint()] = Parts(output, scenario, size, seed, self.survey)

    def keep(self, results: Results) -> None:
        """Write one finished replicate."""
        if self.parts:
            self.parts[results.scenario.fingerprint()].keep(results)

    def _count(self) -> int:
        return sum(len(parts.numbers()) for parts in self.parts.values())

    def tell(self, quiet: bool) -> list[Results]:
        """Say that an earlier comparison left something; return nothing to take over."""
        number = self._count()
        if number and not quiet:
            click.echo(
                f"{_replicates(number)} of an earlier run in '{self.output}'; --resume uses them", err=True
            )
        return []

    def read(self, quiet: bool) -> list[Results]:
        """Return what is finished, and say what could not be read."""
        found = self._saved()
        for parts in self.parts.values():
            results, problems = parts.read()
            for problem in problems:
                click.echo(f"done again: {problem}", err=True)
            if results is not None:
                found.append(results)
        if not quiet:
            number = sum(results.n_replicates for results in found)
            said = f"{_replicates(number)} found" if number else "nothing to resume"
            click.echo(f"{said} in '{self.output}'", err=True)
        return found

    def _saved(self) -> list[Results]:
        """Return what a comparison that was finished has left, where it is the same but for replicates."""
        from cbhi.comparison.files import saved_folders
        from cbhi.loading import load_with_identity

        found = []
        if self.output is not None:
            for name in saved_folders(self.output):
                try:
                    results, whose = load_with_identity(self.output / name)
                except (ValueError, OSError) as error:
                    click.echo(f"done again: {error}", err=True)
                    continue
                if any(parts.identity == whose for parts in self.parts.values()):
                    found.append(results)
        return found

    @contextlib.contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Say, when a comparison is stopped or fails, how many replicates are kept and how to go on."""
        try:
            yield
        except BaseException as error:
            for parts in self.parts.values():
                with contextlib.suppress(OSError):
                    parts.tidy()
            number = self._count()
            stopped = isinstance(error, KeyboardInterrupt)
            if stopped and self.output is None:
                fail(
                    "interrupted: nothing was written; with -o FOLDER finished replicates are kept",
                    INTERRUPTED,
                )
            if number == 0:
                raise
            told = (
                f"{_replicates(number)} of {len(self.parts)} scenarios kept in '{self.output}'\n"
                f"resume with: {command_to_resume()}"
            )
            if stopped:
                fail(f"interrupted: {told}", INTERRUPTED)
            click.echo(told, err=True)
            raise

    def keep_surplus(self, found: Sequence[Results]) -> None:
        """Keep what a larger comparison has finished, before ``found`` takes its place."""
        from cbhi.comparison.files import saved_folders

        if self.output is not None:
            for name in saved_folders(self.output):
                for parts in self.parts.values():
                    parts.keep_surplus(found[0].arrays.replicates, self.output / name)

    def remove(self, found: Sequence[Results]) -> None:
        """Take the replicates away that a saved comparison holds; others stay."""
        for parts in self.parts.values():
            parts.remove(found[0].arrays.replicates)


def _replicates(number: int) -> str:
    return f"{number} finished replicate{'s' if number != 1 else ''}"
