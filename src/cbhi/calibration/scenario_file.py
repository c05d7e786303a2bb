"""A scenario file of what was fitted: the mode as its own values, and the parameter sets beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cbhi.params import parameter_table

if TYPE_CHECKING:
    from cbhi.calibration.fit import Fit

__all__ = ["fitted_scenario_text"]


def fitted_scenario_text(
    fit: Fit, *, name: str, base: str, sets: str, head: Iterable[str] = (), about: str = ""
) -> str:
    """Return a scenario as TOML: each fitted value with its unit and where it comes from, and its sets.

    Parameters
    ----------
    fit
        What was fitted; ``fit.point_values`` are the scenario's own values.
    name, base, about
        Of the scenario.
    sets
        File of the parameter sets, beside the scenario's.
    head
        Comments above everything.
    """
    values, info = fit.point_values, parameter_table()
    lines = [*(f"# {line}" for line in head), f"name = {_text(name)}"]
    if about:
        lines.append(f"about = {_text(about)}")
    lines += [f"base = {_text(base)}", f"parameter_sets = {_text(sets)}"]
    for section in dict.fromkeys(key.split(".")[0] for key in values):
        lines += ["", f"[{section}]"]
        for key, value in values.items():
            if key.startswith(section + "."):
                lines.append(f"{key.split('.', 1)[1]} = {value:.6g}  # {info[key].unit}")
    lines += ["", "[sources]"]
    for key, (source, confidence) in fit.point_sources.items():
        entry = f"{{ source = {_text(source)}, confidence = {_text(confidence)} }}"
        lines.append(f"{_text(key)} = {entry}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a text as TOML writes it; a JSON text is one."""
    return json.dumps(value, ensure_ascii=False)
