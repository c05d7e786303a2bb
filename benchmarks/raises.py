"""List every ``raise`` in the package that no test reaches.

    python benchmarks/raises.py                        # all tests but those of kernels, which raise nothing
    python benchmarks/raises.py tests/limits tests/unit/test_solve.py --json raises.json

Lines are those that ``coverage`` sees run in this process: what only a process started by a test reaches does
not count. Exits 1 when something is raised nowhere, or when a test fails.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "cbhi"


@dataclass(frozen=True)
class Raise:
    """A place where an error is raised."""

    path: str
    line: int
    last_line: int
    text: str


def _is_refusal(node: ast.AST) -> bool:
    """Return whether a statement raises something for a caller to read.

    A bare ``raise`` passes on what came; a private exception steers the code that catches it; an
    ``AssertionError`` says that something impossible has happened.
    """
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    name = ast.unparse(kind).rpartition(".")[2]
    is_private_class = name.startswith("_") and name[1:2].isupper()
    return not is_private_class and name != "AssertionError"


def raises(path: Path) -> list[Raise]:
    """Return the statements of a file that raise something for a caller to read, in order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        Raise(str(path.relative_to(ROOT)), node.lineno, node.end_lineno or node.lineno, ast.unparse(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and _is_refusal(node)
    ]
    return sorted(found, key=lambda one: one.line)


def default_tests() -> list[str]:
    """Return all test files but those of single kernels and of the published figures."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [
        str(f.relative_to(ROOT))
        for f in files
        if not f.name.startswith(("test_kernels_", "test_mutants_kernels")) and f.parent.name != "replication"
    ]


def main(words: list[str] | None = None) -> int:
    """Run tests under coverage and list the errors that none of them meets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("tests", nargs="*", help="test files or folders (default: all but those of kernels)")
    parser.add_argument("--json", type=Path, help="write what was found for machines")
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="add what earlier runs kept")
    parser.add_argument("--keep", type=Path, help="keep the lines that were run in this file")
    parser.add_argument("--no-tests", action="store_true", help="run no tests: only report what --data says")
    given = parser.parse_args(words)
    watch = coverage.Coverage(
        data_file=str(given.keep) if given.keep else None, source=[str(PACKAGE)], config_file=False
    )
    failed = 0
    if not given.no_tests:
        watch.erase()
        watch.start()
        tests = given.tests or default_tests()
        failed = int(pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT), *tests]))
        watch.stop()
        if given.keep:
            watch.save()
    data = [watch.get_data()]
    for path in given.data:
        data.append(coverage.CoverageData(basename=str(path)))
        data[-1].read()
    everywhere = [one for path in sorted(PACKAGE.rglob("*.py")) for one in raises(path)]
    missed = []
    for one in everywhere:
        run = {line for one_run in data for line in one_run.lines(str(ROOT / one.path)) or ()}
        if not run & set(range(one.line, one.last_line + 1)):
            missed.append(one)
    for one in missed:
        print(f"{one.path}:{one.line}: {' '.join(one.text.split())[:140]}")
    print(f"{len(everywhere) - len(missed)} of {len(everywhere)} raise statements are reached")
    if given.json:
        found = {"raises": len(everywhere), "missed": [asdict(one) for one in missed]}
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
