"""Run the examples of the documentation, and fill in what they print.

    python docs/examples.py            # run every page that shows output, rewrite what is stale
    python docs/examples.py --check    # write nothing; exit 1 and name what is stale

Blocks of a page run one after another in one new folder, as a reader would type them:

- ``python`` blocks share their names;
- ``bash`` blocks are commands ``cbhi ...``, one a line; ``# exit code 2`` at the end of a line says what is
  expected of it, else 0;
- a ``toml`` block whose first line is ``# NAME.toml`` becomes that file.

A ``text`` block after ``<!-- printed -->`` holds what the block before it prints;
``<!-- printed :12 -4: -->`` keeps its first twelve lines and the last four. A block after
``<!-- no-run: the reason -->`` is not run.
"""

from __future__ import annotations

import argparse
import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
_NO_RUN = re.compile(r"<!-- no-run(?::(?P<why>[^>]*))? -->\s*\Z")
_PRINTED = re.compile(r"<!-- printed(?P<lines>(?: -?\d*:-?\d*)*) -->\s*\Z")
_FILE = re.compile(r"# (?P<name>[\w.-]+\.toml)\b")
_EXIT_CODE = re.compile(r"\s+# exit code (\d+)\s*$")
_PYTHON = ("python", "py", "pycon")
_SHELL = ("bash", "sh", "console")
_WIDTH = "100"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes
    ----------
    language
        As written after the fence.
    body
        Its text.
    line
        Line of the page on which the body starts.
    start, end
        Where the body stands in the text of the page.
    no_run
        Why it must not run; ``None`` where it may. An empty text is a mark without a reason.
    shows
        For a block of output: the slices of lines that it keeps, empty for all; ``None`` for other blocks.
    """

    language: str
    body: str
    line: int
    start: int
    end: int
    no_run: str | None
    shows: tuple[slice, ...] | None

    @property
    def runs(self) -> bool:
        """Whether it is an example rather than an illustration."""
        if self.no_run is not None:
            return False
        named = self.language == "toml" and _FILE.match(self.body) is not None
        return self.language in (*_PYTHON, *_SHELL) or named


@dataclass(frozen=True)
class Size:
    """How large simulations may be, whatever the page says; ``None`` leaves them as they are."""

    households: int | None = None
    replicates: int | None = None

    def cap(self, asked: Any, most: int | None) -> Any:
        """Return what is asked for, or the most that is allowed."""
        if most is None or (isinstance(asked, int) and asked <= most):
            return asked
        return most


def pages() -> list[Path]:
    """Return all pages, the README first."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for match in FENCE.finditer(text):
        before = text[: match.start()]
        marker, printed = _NO_RUN.search(before), _PRINTED.search(before)
        yield Block(
            language=match["language"],
            body=match["body"],
            line=text.count("\n", 0, match.start("body")) + 1,
            start=match.start("body"),
            end=match.end("body"),
            no_run=None if marker is None else (marker["why"] or "").strip(),
            shows=None if printed is None else tuple(_slice(part) for part in printed["lines"].split()),
        )


def _slice(text: str) -> slice:
    first, last = (int(part) if part else None for part in text.split(":"))
    return slice(first, last)


def excerpt(printed: str, shows: tuple[slice, ...]) -> str:
    """Return the lines of an output that a page keeps, with dots where some are left out."""
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    if not shows:
        return "\n".join(lines) + "\n"
    kept = sorted({place for part in shows for place in range(len(lines))[part]})
    shown: list[str] = []
    for before, place in zip([-1, *kept], kept, strict=False):
        if place > before + 1:
            shown.append("...")
        shown.append(lines[place])
    if kept and kept[-1] < len(lines) - 1:
        shown.append("...")
    return "\n".join(shown) + "\n"


# --- running ------------------------------------------------------------------------------------------


def _capped(function: Callable[..., Any], size: Size) -> Callable[..., Any]:
    """Return a public function or class that simulates at most what ``size`` allows."""

    def smaller(*arguments: Any, **options: Any) -> Any:
        if options.get("population") is None:  # which says itself how many households there are
            options["households"] = size.cap(options.get("households", 20_000), size.households)
        if "replicates" in options or function.__name__ in ("compare", "solve"):
            options["replicates"] = size.cap(options.get("replicates", 10), size.replicates)
        return function(*arguments, **options)

    return smaller


@contextlib.contextmanager
def _small(size: Size) -> Iterator[None]:
    import cbhi

    with contextlib.ExitStack() as stack:
        if size.households is not None:
            for name in ("simulate", "compare", "solve", "Simulator"):
                smaller = _capped(getattr(cbhi, name), size)
                stack.enter_context(mock.patch.object(cbhi, name, smaller))
        yield


def _smaller_command(words: list[str], size: Size) -> list[str]:
    """Return a command line that simulates at most what ``size`` allows; click takes the last of two."""
    if size.households is None or words[0] not in ("run", "compare", "solve"):
        return words
    more = []
    for option, most in (("--households", size.households), ("--replicates", size.replicates)):
        if option == "--households" and "--population" in words:
            continue
        asked = [words[i + 1] for i, word in enumerate(words[:-1]) if word == option]
        number = int(asked[-1].replace("_", "")) if asked and asked[-1] != "all" else 10**9
        more += [option, str(size.cap(number, most))]
    return [*words, *more]


def _run_shell(body: str, size: Size, place: str) -> str:
    """Run commands one after another; return what they print."""
    from click.testing import CliRunner

    from cbhi.cli import main

    printed = ""
    for line in body.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        expected = _EXIT_CODE.search(line)
        words = shlex.split(_EXIT_CODE.sub("", line).removeprefix("$ "), comments=True)
        if words[0] != "cbhi":
            raise AssertionError(f"{place}: only cbhi is run here; say why not: <!-- no-run: the reason -->")
        outcome = CliRunner().invoke(main, _smaller_command(words[1:], size))
        if outcome.exception is not None and not isinstance(outcome.exception, SystemExit):
            raise outcome.exception
        code = int(expected[1]) if expected else 0
        if outcome.exit_code != code:
            raise AssertionError(f"{place}: {line}\nended with {outcome.exit_code}:\n{outcome.output}")
        # progress is of the moment; what is wrong is part of the page
        printed += outcome.stdout + ("" if outcome.exit_code == 0 else outcome.stderr)
    return printed


def _run_python(block: Block, names: dict[str, Any], page: Path, place: str) -> str:
    """Run Python in the names of the page; return what it prints."""
    if ">>>" in block.body:
        example = doctest.DocTestParser().get_doctest(block.body, names, place, page.name, block.line)
        report: list[str] = []
        failed = doctest.DocTestRunner(verbose=False).run(example, out=report.append, clear_globs=False)
        if failed.failed:
            raise AssertionError("".join(report))
        names.update(example.globs)
        return ""
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        exec(compile("\n" * (block.line - 1) + block.body, str(page), "exec"), names)
    return written.getvalue()


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        with mock.patch.dict(os.environ, {"COLUMNS": _WIDTH, "NO_COLOR": "1"}):
            yield
    finally:
        os.chdir(before)


def run_page(page: Path, folder: Path, size: Size = Size()) -> list[tuple[Block, str]]:
    """Run the examples of a page in a folder.

    Parameters
    ----------
    page
        Its file.
    folder
        Where files are written; empty at the start.
    size
        Most that is simulated.

    Returns
    -------
    list of (Block, str)
        Each block of output, with what the example before it printed.
    """
    names: dict[str, Any] = {"__name__": "docs"}
    printed = ""
    shown = []
    name = page.relative_to(ROOT).as_posix()
    with _inside(folder), _small(size):
        for block in blocks(page.read_text(encoding="utf-8")):
            place = f"{name}:{block.line}"
            if block.no_run == "":
                raise AssertionError(f"{place}: say why it does not run: <!-- no-run: the reason -->")
            if block.shows is not None:
                shown.append((block, printed))
            elif not block.runs:
                continue
            elif block.language in _PYTHON:
                printed = _run_python(block, names, page, place)
            elif block.language in _SHELL:
                printed = _run_shell(block.body, size, place)
            else:
                file = _FILE.match(block.body)
                assert file is not None
                (folder / file["name"]).write_text(block.body, encoding="utf-8")
    return shown


def refilled(page: Path) -> str:
    """Return a page with its outputs made anew, at the sizes that it names."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        shown = run_page(page, Path(folder))
    for block, printed in reversed(shown):
        text = text[: block.start] + excerpt(printed, block.shows or ()) + text[block.end :]
    return text


def main() -> int:
    """Run the pages that show output; return the exit code."""
    parser = argparse.ArgumentParser(description="Fill in what the examples of the documentation print.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    parser.add_argument("page", nargs="*", type=Path, help="pages; all that show output if none is named")
    arguments = parser.parse_args()
    stale = 0
    for page in [path.resolve() for path in arguments.page] or pages():
        text = page.read_text(encoding="utf-8")
        if all(block.shows is None for block in blocks(text)) or (new := refilled(page)) == text:
            continue
        stale += 1
        sys.stdout.write(f"{page.relative_to(ROOT)}: {'stale' if arguments.check else 'rewritten'}\n")
        if not arguments.check:
            page.write_text(new, encoding="utf-8")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
