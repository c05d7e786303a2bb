"""The import rule, and what no module of the package may do."""

from __future__ import annotations

import ast
import configparser
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "cbhi"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}

# what only the command line may use: printing, the clock, the environment
CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (full name, line) of what is imported: ``from a import b`` gives both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield str(node.module), node.lineno
                yield f"{node.module}.{alias.name}", node.lineno


def dotted(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (text, line) of every dotted name, such as ``np.random``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node), node.lineno


def called(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (text, line) of every function called by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            yield ast.unparse(node.func), node.lineno


def randomness(tree: ast.AST) -> list[str]:
    """Chance from anywhere but keyed draws."""
    names = [(n, line) for n, line in imported(tree) if n.split(".")[0] in ("random", "secrets")]
    names += [(n, line) for n, line in imported(tree) if n.startswith("numpy.random")]
    names += [(n, line) for n, line in dotted(tree) if n in ("np.random", "numpy.random")]
    return [f"line {line}: {name}" for name, line in names]


def unseeded(tree: ast.AST) -> list[str]:
    """Chance whose seed is not said; tables of people and queues of their own may be drawn from a seed."""
    names = [(n, line) for n, line in imported(tree) if n.split(".")[0] in ("random", "secrets")]
    names += [(n, line) for n, line in imported(tree) if n.startswith("numpy.random")]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        says = [*node.args, *(word for word in node.keywords if word.arg in ("seed", "key"))]
        seeded = node.func.attr in ("Generator", "Philox", "PCG64", "default_rng") and says
        if ast.unparse(node.func.value) == "np.random" and not seeded:
            names.append((ast.unparse(node), node.lineno))
    return [f"line {line}: {name}" for name, line in names]


def world(tree: ast.AST) -> list[str]:
    """Printing, the clock and the environment."""
    names = [(n, line) for n, line in imported(tree) if n.split(".")[0] == "time"]
    names += [(n, line) for n, line in imported(tree) if n in ENVIRONMENT]
    names += [(n, line) for n, line in dotted(tree) if n in ENVIRONMENT]
    names += [
        (n, line) for n, line in called(tree) if n in ("print", "breakpoint", "input") or n.endswith(CLOCKS)
    ]
    return [f"line {line}: {name}" for name, line in names]


def pickling(tree: ast.AST) -> list[str]:
    """Reading or writing pickles, which run code when read."""
    barred = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
    # these two hand out work and read no file
    harmless = ("joblib.Parallel", "joblib.delayed")
    found = [(n, line) for n, line in imported(tree) if n.split(".")[0] in barred and n not in harmless]
    from_joblib = {line for n, line in imported(tree) if n in harmless}
    return [f"line {line}: {n}" for n, line in found if not (n == "joblib" and line in from_joblib)]


def undocumented(tree: ast.Module) -> list[str]:
    """Public functions, classes and methods without a docstring; a protocol's members need none."""
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                found.append(f"line {node.lineno}: {node.name}")
            if isinstance(node, ast.ClassDef) and "Protocol" not in map(ast.unparse, node.bases):
                found += [
                    f"line {inner.lineno}: {node.name}.{inner.name}"
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef)
                    and not inner.name.startswith("_")
                    and not ast.get_docstring(inner)
                ]
    return found


def test_import_contracts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # the linter adds the working folder to the path and sets up logging
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(ROOT)
    caplog.set_level(logging.ERROR)
    failed = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True, no_logo=True)
    assert not failed, capsys.readouterr().out


def test_every_module_below_the_command_line_is_barred_from_terminals_and_drawing() -> None:
    """A new module has to be added to the contracts that list modules one by one."""
    top = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    top -= {"__init__", "__main__"}
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    modules = {f"cbhi.{name}" for name in top}

    def listed(contract: str, option: str) -> set[str]:
        names = contracts[f"importlinter:contract:{contract}"][option].split()
        return {name for name in names if name.startswith("cbhi.")}

    assert listed("terminal", "source_modules") == modules - {"cbhi.cli"}
    assert listed("matplotlib", "source_modules") == modules - {"cbhi.plots"}
    assert listed("bare-kernels", "forbidden_modules") == modules - {"cbhi.kernels"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_chance_comes_from_keyed_draws_only(name: str) -> None:
    # what the engine is compared with must not share its draws, nor must what chooses its parameters
    independent = name.startswith(("cbhi.verification.", "cbhi.calibration."))
    assert (unseeded if independent else randomness)(TREES[name]) == []


def test_chance_without_a_seed_is_found() -> None:
    for text in (
        "np.random.default_rng()",
        "np.random.normal(3)",
        "import random",
        "from numpy.random import rand",
    ):
        assert unseeded(ast.parse(text))
    assert not unseeded(ast.parse("np.random.default_rng(3).normal()"))
    assert not unseeded(ast.parse("np.random.Generator(np.random.Philox(seed))"))


@pytest.mark.parametrize("name", sorted(name for name in MODULES if not name.startswith("cbhi.cli")))
def test_nothing_below_the_command_line_prints_or_reads_clock_or_environment(name: str) -> None:
    # The cache folder of compiled kernels is found by platformdirs, which does read the environment: where a
    # user's caches go is the one thing there that the environment may decide, and it decides no result.
    assert world(TREES[name]) == []


def test_only_the_cache_folder_asks_where_users_keep_things() -> None:
    users = {name for name, tree in TREES.items() for n, _ in imported(tree) if n.startswith("platformdirs")}
    assert users == {"cbhi.kernels.compiling"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_reads_or_writes_pickles(name: str) -> None:
    assert pickling(TREES[name]) == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_public_function_has_a_docstring(name: str) -> None:
    assert undocumented(TREES[name]) == []


@pytest.mark.parametrize(
    ("finds", "source"),
    [
        (randomness, "import random"),
        (randomness, "from numpy.random import default_rng"),
        (randomness, "from numpy import random"),
        (randomness, "x = np.random.normal()"),
        (world, "print(1)"),
        (world, "import time"),
        (world, "from time import monotonic"),
        (world, "x = datetime.datetime.now()"),
        (world, "x = datetime.now(UTC)"),
        (world, "x = date.today()"),
        (world, "x = os.environ['HOME']"),
        (world, "from os import getenv"),
        (pickling, "import pickle"),
        (pickling, "from pickle import loads"),
        (undocumented, "def f():\n    return 1"),
        (undocumented, "class A:\n    'doc'\n    def f(self):\n        return 1"),
    ],
)
def test_the_searches_find_what_they_search(finds, source: str) -> None:
    assert finds(ast.parse(source))
