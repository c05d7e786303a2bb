"""The engine: the sources and the packages that decide results, as one hash."""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

import numpy as np

from cbhi.kernels.compiling import source_hash

__all__ = ["engine_hash", "engine_sources"]

_PACKAGE = Path(__file__).parent


@functools.cache
def engine_hash() -> str:
    """Return a hash of what decides results, 16 letters: sources, and the versions of Numba and NumPy.

    Results of one scenario, households, seed and survey are equal where it is equal; replicates are joined
    only then.
    """
    digest = hashlib.sha256(f"{source_hash()} {np.__version__}".encode())
    for path in engine_sources():
        digest.update(path.relative_to(_PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def engine_sources() -> list[Path]:
    """Return the files that turn a scenario into results, the kernels apart.

    They are ``simulation.py`` and whatever of the package it imports to be loaded itself, and so on. What is
    imported inside a function comes later: it shows results and does not make them.
    """
    found: set[Path] = set()
    waiting = [_PACKAGE / "simulation.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


def _imported(path: Path) -> list[Path]:
    """Return the files of the package, kernels apart, that a file imports at its top level."""
    names: list[str] = []
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = []
    for name in names:
        package, *parts = name.split(".")
        if package == "cbhi" and parts and parts[0] != "kernels":
            place = _PACKAGE.joinpath(*parts)
            files += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
    return files
