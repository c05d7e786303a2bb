"""Parameter sets: many values of some parameters that explain the same figures about equally well.

What a fit leaves open is not one number a parameter with an error of its own, but sets of values that belong
together: a high weight of neighbours goes with a low intercept. A scenario that carries sets is simulated
with one after another, so that what is computed of it holds the doubt about its parameters.

A file of sets is a CSV table, one row a set and one column a parameter, with lines at its head that begin
with ``#`` and say in TOML where the sets come from:

.. code-block:: text

    # source = "fitted to the published figures"
    # confidence = "fitted"
    enrolment.inertia,mandate.mobilisation_weight
    1.41,1.5
    1.38,1.56
"""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from cbhi.params import Confidence
from cbhi.scenarios.changes import as_toml, check_value, explain_unknown, known_parameters
from cbhi.words import listed, suggest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["MOST_SETS", "REPLICATES_OF_A_SET", "ParameterSets"]

MOST_SETS = 100_000
REPLICATES_OF_A_SET = 2
"""Replicates in a row that share a set: the difference within them is chance, all else the parameters."""

_MOST_PROBLEMS = 10
# what a file calls the fingerprint of the sets that its own were taken from
_ORIGIN = "origin_fingerprint"
# what all replicates of a run share, and why
_FOR_ALL = {
    "population.household_size": "decides how many real people a simulated one stands for",
    "demography.marriages": "decides how much room there is for families founded on the way",
}


@dataclass(frozen=True, eq=False)
class ParameterSets:
    """Equally weighted sets of values of some parameters; immutable.

    The order of the sets carries no information: they are drawn independently or shuffled, so the first few
    are a fair choice of all.

    Attributes
    ----------
    keys
        Full keys of the parameters, each a real number (no switch, choice, whole number or series).
    values
        Shape (sets, keys), in the units of the parameters; cannot be written into.
    about
        Where they come from, as texts: ``source`` and ``confidence`` are shown with the parameters, and
        whatever else is worth keeping (command, versions, data).
    origin
        Fingerprint of the sets that these were taken from; their own if not given. Sets with some keys left
        out (``without``) keep it, and a comparison pairs them with each other.

    Raises
    ------
    ValueError
        For keys that are unknown, given twice or no real numbers, for no sets, and for values that are not
        finite or out of range: key, set, range and unit.
    """

    keys: tuple[str, ...]
    values: NDArray[np.float64]
    about: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    def __post_init__(self) -> None:
        keys = tuple(str(key) for key in self.keys)
        values = np.array(self.values, dtype=np.float64)
        problems = _wrong_keys(keys)
        if values.ndim != 2 or values.shape[1] != len(keys):
            problems.append(f"values have the shape {values.shape}, not (sets, {len(keys)} keys)")
        elif not 1 <= len(values) <= MOST_SETS:
            problems.append(f"there are {len(values):,} sets; from 1 to {MOST_SETS:,} are allowed")
        about = {str(name): str(text) for name, text in self.about.items()}
        if (wrong := _wrong_confidence(about)) is not None:
            problems.append(wrong)
        if not problems:
            problems += [f"set {row}: {text}" for row, _, text in _out_of_range(keys, values)]
        if problems:
            raise ValueError("\n".join(f"parameter sets: {problem}" for problem in problems))
        values.flags.writeable = False
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "about", MappingProxyType(about))
        object.__setattr__(self, "origin", self.origin or self._hash())

    def __len__(self) -> int:
        """Return the number of sets."""
        return int(self.values.shape[0])

    def __getitem__(self, number: int) -> dict[str, float]:
        """Return one set, key to value; numbers run from 0."""
        return dict(zip(self.keys, self.values[number].tolist(), strict=True))

    def __iter__(self) -> Iterator[dict[str, float]]:
        """Return each set in turn."""
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Say whether both hold the same values of the same keys in the same order."""
        return isinstance(other, ParameterSets) and self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        """Return a number that equal sets share."""
        return hash(self.fingerprint())

    def __repr__(self) -> str:
        """Return one line: how many sets, of what."""
        named = listed(self.keys[:3]) + (", ..." if len(self.keys) > 3 else "")
        return f"<ParameterSets: {len(self)} sets of {len(self.keys)} parameters: {named or 'none'}>"

    def __reduce__(self) -> Any:
        return ParameterSets, (self.keys, np.array(self.values), dict(self.about), self.origin)

    def _hash(self) -> str:
        digest = hashlib.sha256("\n".join(self.keys).encode())
        digest.update(np.ascontiguousarray(self.values, dtype="<f8").tobytes())
        return digest.hexdigest()[:16]

    @functools.cached_property
    def _fingerprint(self) -> str:
        # sets that hold no key any more still decide which replicates belong together
        return hashlib.sha256(f"{self._hash()} {self.origin} {len(self)}".encode()).hexdigest()[:16]

    def fingerprint(self) -> str:
        """Return a hash of keys, values and origin; what is said about them does not count."""
        return self._fingerprint

    def of_replicate(self, replicate: int) -> int:
        """Return the number of the set that a replicate of a run is simulated with.

        Two replicates in a row share a set; when all have been used, it begins anew. It depends on the number
        of the replicate alone, so that replicates can be added to a run.

        Parameters
        ----------
        replicate
            Number of the replicate, from 0.
        """
        return replicate // REPLICATES_OF_A_SET % len(self)

    def without(self, keys: Iterable[str]) -> ParameterSets:
        """Return the sets without some keys, whose values are then decided elsewhere.

        Parameters
        ----------
        keys
            Full keys; those that the sets do not have make no difference.
        """
        gone = set(keys)
        kept = [place for place, key in enumerate(self.keys) if key not in gone]
        if len(kept) == len(self.keys):
            return self
        named = tuple(self.keys[place] for place in kept)
        return ParameterSets(named, self.values[:, kept], self.about, self.origin)

    def first(self, number: int) -> ParameterSets:
        """Return the first so many sets, which are as fair a choice of all as any.

        Parameters
        ----------
        number
            From 1 to the number of sets.

        Raises
        ------
        ValueError
            When there are not so many.
        """
        if not 1 <= number <= len(self):
            raise ValueError(f"number must be a whole number from 1 to {len(self)} sets, got {number!r}")
        return ParameterSets(self.keys, self.values[:number], self.about)

    def quantiles(self, key: str, probabilities: Sequence[float] = (0.05, 0.5, 0.95)) -> list[float]:
        """Return quantiles of one parameter over the sets.

        Parameters
        ----------
        key
            One of ``keys``.
        probabilities
            From 0 to 1.

        Raises
        ------
        ValueError
            When the sets do not have the key.
        """
        if key not in self.keys:
            raise ValueError(
                f"the sets have no '{key}'{suggest(key, self.keys)}; there are {listed(self.keys)}"
            )
        found = np.quantile(self.values[:, self.keys.index(key)], list(probabilities))
        return [float(value) for value in found]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a set and one column a parameter; the index is the number of the set."""
        import pandas as pd

        index = pd.RangeIndex(len(self), name="param_set")
        return pd.DataFrame(np.array(self.values), columns=list(self.keys), index=index)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON; ``from_dict`` reads them."""
        return {
            "about": dict(self.about),
            "origin": self.origin,
            "keys": list(self.keys),
            "values": self.values.tolist(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ParameterSets:
        """Return the sets that ``as_dict`` wrote.

        Raises
        ------
        ValueError
            When something is missing, of the wrong kind or not allowed.
        """
        try:
            keys = tuple(content["keys"])
            values = np.array(content["values"], dtype=float).reshape(len(content["values"]), len(keys))
            return cls(keys, values, content["about"], str(content["origin"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"parameter sets cannot be read: {error}") from None

    @classmethod
    def read(cls, path: str | Path) -> ParameterSets:
        """Read a file of sets.

        Parameters
        ----------
        path
            A CSV file: lines of TOML behind ``#``, a row with keys, then one row a set.

        Returns
        -------
        ParameterSets

        Raises
        ------
        ValueError
            With every problem of the file: line, column, allowed range and unit.
        OSError
            When it cannot be read.
        """
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{file.name}: not a UTF-8 text; save the file with encoding UTF-8") from None
        return _parse(file.name, text)

    def write(self, path: str | Path) -> Path:
        """Write the sets to a file that ``read`` reads back, bit for bit.

        Parameters
        ----------
        path
            The file, best named ``*.csv``; replaced if it is there, under a temporary name first.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OSError
            When it cannot be written; what was there before stays.
        """
        target = Path(path)
        said = dict(self.about)
        if self.origin != self._hash():
            said[_ORIGIN] = self.origin
        head = [f"# {_bare(name)} = {as_toml(text)}" for name, text in said.items()]
        rows = [",".join(self.keys), *(",".join(map(repr, row)) for row in self.values.tolist())]
        temporary = target.with_name(f".writing-{target.name}")
        try:
            temporary.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        return target


def _wrong_keys(keys: tuple[str, ...]) -> list[str]:
    """Return what is wrong with the keys, one line each."""
    problems = []
    for place, key in enumerate(keys):
        info = known_parameters().get(key)
        if key in keys[:place]:
            problems.append(f"'{key}' is there twice")
        elif info is None:
            problems.append(explain_unknown(key))
        elif not isinstance(info.default, float):
            problems.append(
                f"'{key}' is no real number; sets hold real numbers only, such as 'enrolment.inertia'"
            )
        elif key in _FOR_ALL:
            problems.append(
                f"'{key}' {_FOR_ALL[key]}, which all replicates of a run share; give it in the scenario"
            )
    return problems


def _wrong_confidence(about: Mapping[str, str]) -> str | None:
    """Return what is wrong with the confidence that is claimed, if anything."""
    words = get_args(Confidence)
    given = about.get("confidence")
    if given is None or given in words:
        return None
    return f"confidence must be one of {listed(map(repr, words), 'or')}, got {given!r}{suggest(given, words)}"


def _out_of_range(keys: tuple[str, ...], values: NDArray[np.float64]) -> list[tuple[int, str, str]]:
    """Return (set, key, what is wrong) of values that are not allowed; at most ten."""
    found = []
    for place, key in enumerate(keys):
        column, info = values[:, place], known_parameters()[key]
        low = -np.inf if info.low is None else info.low
        high = np.inf if info.high is None else info.high
        for row in np.flatnonzero(~(np.isfinite(column) & (column >= low) & (column <= high))):
            value = float(column[row])
            said = [p.text for p in check_value(key, value)] if np.isfinite(value) else []
            text = said[0] if said else f"{key} must be a finite number [{info.unit}], got {value:g}"
            found.append((int(row), key, text))
    return sorted(found)[:_MOST_PROBLEMS]


def _bare(name: str) -> str:
    """Return a name as TOML has it before an equals sign."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


# files -------------------------------------------------------------------------------------------------


def _parse(name: str, text: str) -> ParameterSets:
    """Return the sets of a file's text, or say everything that is wrong with it."""
    lines = list(enumerate(text.splitlines(), start=1))
    head = [(number, line[1:].strip()) for number, line in lines if line.startswith("#")]
    table = [(number, line) for number, line in lines if line.strip() and not line.startswith("#")]
    about, problems = _read_head(name, head)
    if len(table) < 2:
        problems.append(f"{name}: there are no sets; wanted are a row with keys, then one row a set")
        raise ValueError("\n".join(problems))
    cells = [(number, next(csv.reader([line]))) for number, line in table]
    at, keys = cells[0][0], tuple(key.strip() for key in cells[0][1])
    problems += [f"{name}:{at}: {problem}" for problem in _wrong_keys(keys)]
    values, where, wrong = _read_rows(name, keys, cells[1:])
    problems += wrong
    if not problems:
        numbers = np.array(values, dtype=float).reshape(len(values), len(keys))
        for row, key, problem in _out_of_range(keys, numbers):
            problems.append(f"{name}:{where[row]}: column {keys.index(key) + 1}: {problem}")
    if problems:
        raise ValueError("\n".join(problems))
    origin = about.pop(_ORIGIN, "")
    if origin and not re.fullmatch("[0-9a-f]{16}", origin):
        raise ValueError(
            f"{name}: {_ORIGIN} = '{origin}' must be 16 of 0 to 9 and a to f: a fingerprint that was written"
            " here, not a text; leave the line out"
        )
    try:
        return ParameterSets(keys, numbers, about, origin)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _read_head(name: str, head: list[tuple[int, str]]) -> tuple[dict[str, str], list[str]]:
    """Return what the lines behind ``#`` say, and what is wrong with them; plain remarks are passed over."""
    about: dict[str, str] = {}
    problems = []
    for number, line in head:
        if "=" not in line:
            continue
        try:
            said = tomllib.loads(line)
        except tomllib.TOMLDecodeError as error:
            problems.append(f'{name}:{number}: not TOML ({error}); example: # source = "fitted to ..."')
            continue
        about |= {key: value if isinstance(value, str) else as_toml(value) for key, value in said.items()}
    return about, problems


def _read_rows(
    name: str, keys: tuple[str, ...], rows: list[tuple[int, list[str]]]
) -> tuple[list[list[float]], list[int], list[str]]:
    """Return the values of each row, its line, and what is wrong; at most ten problems."""
    values: list[list[float]] = []
    where: list[int] = []
    problems: list[str] = []
    for number, cells in rows:
        if len(cells) != len(keys):
            problems.append(f"{name}:{number}: {len(cells)} values for {len(keys)} keys")
            continue
        row = []
        for place, (key, cell) in enumerate(zip(keys, cells, strict=True), start=1):
            try:
                row.append(float(cell))
            except ValueError:
                said = f"{key} must be a number, got '{cell.strip()}'"
                problems.append(f"{name}:{number}: column {place}: {said}")
        values.append(row)
        where.append(number)
    return values, where, problems[:_MOST_PROBLEMS]
