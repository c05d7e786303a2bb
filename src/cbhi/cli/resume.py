"""What ``cbhi run`` says and does about finished replicates of a run that is not finished."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from cbhi.cli.errors import INTERRUPTED, fail

if TYPE_CHECKING:
    from cbhi.parts import Parts
    from cbhi.results import Results


def find_finished(parts: Parts, resume: bool, quiet: bool) -> Results | None:
    """Return the finished replicates that this run takes over, and say what else is there.

    Raises
    ------
    ValueError
        When they are asked for, and only those of another run are there; says what differs.
    """
    if not resume:
        if not quiet:
            _tell_what_is_there(parts)
        return None
    finished, problems = parts.read()
    for problem in problems:
        click.echo(f"done again: {problem}", err=True)
    if finished is not None:
        if not quiet:
            click.echo(f"{_number(finished.n_replicates)} found in '{parts.directory}'", err=True)
        return finished
    others = parts.others()
    if others and not problems:
        lines = [f"'{parts.directory}' holds finished replicates of another run only"]
        for number, differences in others:
            lines.append(f"  {_number(number)}: {'; '.join(differences)}")
        lines.append("  resume with the same settings, or leave out --resume to start anew")
        raise ValueError("\n".join(lines))
    if not quiet:
        click.echo(f"nothing to resume in '{parts.directory}'; starting with the first replicate", err=True)
    return None


def _tell_what_is_there(parts: Parts) -> None:
    own, others = len(parts.numbers()), parts.count_others()
    if own:
        there = f"{_number(own)} of an earlier run {'are' if own > 1 else 'is'} in '{parts.directory}'"
        click.echo(f"{there}; --resume uses them", err=True)
    if others:
        click.echo(
            f"{_number(others)} of runs with other settings stay in '{parts.folder.parent}', for their own"
            " --resume; delete the folder if it is not needed",
            err=True,
        )


def tell_what_stays(parts: Parts) -> str:
    """Return in words which replicates of the run are kept beside its results, or an empty text."""
    numbers = parts.numbers()
    if not numbers:
        return ""
    return (
        f"{_number(len(numbers))} more of this run stay{'s' if len(numbers) == 1 else ''} in"
        f" '{parts.folder.parent}'; --replicates {max(numbers) + 1} --resume uses them"
    )


@contextlib.contextmanager
def keep_what_is_finished(parts: Parts, finished: Results | None, replicates: int) -> Iterator[None]:
    """Say, when a run is stopped or fails, how many replicates are kept and how to go on."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            parts.tidy()
        numbers = parts.numbers()
        if finished is not None:
            numbers |= {int(number) for number in finished.arrays.replicates}
        done = sum(number < replicates for number in numbers)
        if done == 0:
            raise
        told = f"{done} of {replicates} replicates are finished and kept in '{parts.directory}'"
        again = f"resume with: {command_to_resume()}"
        if isinstance(error, KeyboardInterrupt):
            fail(f"interrupted: {told}\n{again}", INTERRUPTED)
        click.echo(f"{told}\n{again}", err=True)
        raise


def _number(replicates: int) -> str:
    return f"{replicates} finished replicate{'s' if replicates != 1 else ''}"


def command_to_resume() -> str:
    """Return the command line that was given, with --resume."""
    context = click.get_current_context()
    words = ["cbhi", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params[name]
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE or name == "resume":
            continue
        if isinstance(parameter, click.Argument):
            words += [str(one) for one in value] if isinstance(value, tuple) else [str(value)]
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            names = parameter.opts if value else parameter.secondary_opts
            words += names[-1:]
        else:
            values = value if parameter.multiple else (value,)
            words += [word for one in values for word in (parameter.opts[-1], str(one))]
    return shlex.join([*words, "--resume"])
