"""Write a comparison to a folder: the differences, and each scenario's results in a folder of its own.

Everything is written to a hidden folder inside the target and then moved into place.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.saving import save_results

if TYPE_CHECKING:
    from cbhi.comparison import Comparison

__all__ = ["COMPARISON_FILES", "folder_names", "save_comparison"]

COMPARISON_FILES = ("differences.csv", "summary.txt", "comparison.json")
_FORMAT = 1


def folder_names(comparison: Comparison) -> list[str]:
    """Return the folder of each scenario: its number and the letters and digits of its name."""
    words = [re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-") for one in comparison.scenarios]
    return [f"{number}-{word[:60].strip('-')}".rstrip("-") for number, word in enumerate(words, start=1)]


def save_comparison(comparison: Comparison, directory: Path) -> Path:
    """Write differences, summary and every scenario's results; see ``Comparison.save``."""
    names = folder_names(comparison)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=directory) as place:
            staged = Path(place)
            frame = comparison.to_frame()
            frame.to_csv(staged / "differences.csv", index=False, lineterminator="\n")
            (staged / "summary.txt").write_text(f"{comparison.summary()}\n", encoding="utf-8")
            record = json.dumps(_record(comparison, names), indent=2, ensure_ascii=False)
            (staged / "comparison.json").write_text(f"{record}\n", encoding="utf-8")
            for name, results in zip(names, comparison.results, strict=True):
                save_results(results, staged / name)
            for name in names:
                _move_folder(staged / name, directory / name)
            for file in COMPARISON_FILES:
                os.replace(staged / file, directory / file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            error.errno or 0, f"the comparison cannot be written to '{directory}': {reason}"
        ) from error
    return directory


def _move_folder(source: Path, target: Path) -> None:
    """Move a folder of results; where there is one already, its results make way and other files stay."""
    if not target.exists():
        os.replace(source, target)
        return
    for file in sorted(source.iterdir()):
        os.replace(file, target / file.name)


def _record(comparison: Comparison, names: list[str]) -> dict[str, Any]:
    """Return what was compared."""
    first = comparison.results[0]
    tolerance = comparison.tolerance
    return {
        "format_version": _FORMAT,
        "against": first.scenario.name,
        "scenarios": [
            {"name": one.scenario.name, "fingerprint": one.scenario.fingerprint(), "folder": name}
            for name, one in zip(names, comparison.results, strict=True)
        ],
        "seed": first.seed,
        "households": first.households,
        "replicates": first.n_replicates,
        "periods": list(comparison.periods()),
        "tolerance": None
        if tolerance is None
        else {
            "variable": tolerance.variable,
            "period": tolerance.period,
            "wanted": tolerance.wanted,
            "reached": tolerance.reached,
            "met": tolerance.met,
        },
    }
