"""A family's account as files."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.formats import write_table

if TYPE_CHECKING:
    from cbhi.family import Family

__all__ = ["FILES", "as_dict", "save_family"]

_TABLES = ("months", "payments", "choices", "members")
FILES = (*(f"{name}.csv" for name in _TABLES), "account.txt", "family.json")
"""Everything that is written."""


def as_dict(family: Family) -> dict[str, Any]:
    """Return everything as plain values; see ``Family.as_dict``."""
    tables = {
        name: json.loads(getattr(family, name).to_json(orient="records", double_precision=15))
        for name in _TABLES
    }
    return {
        "scenario": family.scenario.name,
        "fingerprint": family.scenario.fingerprint(),
        "households": family.households,
        "seed": family.seed,
        "replicate": family.replicate,
        "chosen": family.chosen,
        "who": family.who,
        "ended": family.ended,
        **tables,
    }


def save_family(family: Family, directory: Path) -> Path:
    """Write tables and account; see ``Family.save``."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=directory) as place:
            staged = Path(place)
            _write_all(family, staged)
            for file in FILES:
                os.replace(staged / file, directory / file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            error.errno or 0, f"the family's account cannot be written to '{directory}': {reason}"
        ) from error
    return directory


def _write_all(family: Family, folder: Path) -> None:
    for name in _TABLES:
        write_table(getattr(family, name), folder / f"{name}.csv")
    parts = [family.summary().as_text(), family.story(), *(str(table) for table in family.decisions())]
    (folder / "account.txt").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    text = json.dumps(as_dict(family), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "family.json").write_text(f"{text}\n", encoding="utf-8")
