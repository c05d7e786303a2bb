"""Record every keyed draw of a run, in a process of its own with the compiler off, and judge it.

Compiled kernels cannot be watched. The child process runs the same source in plain Python, wraps the
functions that evaluate draws, and looks at three things: that different addresses have different counters;
that no two households, sections or districts ask at one address; and that two decisions never look at one
draw, unless it is meant (``SHARED``). It reads one request a line and answers with one line.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cbhi.kernels import codes
from cbhi.scenarios import Scenario
from cbhi.storage import scenario_from_plain, scenario_to_plain

__all__ = ["SHARED", "Recorded", "record_draws", "serve"]

_CHILD = "import numba; numba.config.DISABLE_JIT = True\nfrom cbhi.testing.recorder import serve\nserve()\n"

SHARED = {
    codes.DRAW_TASTE: "a vote, a decision and its explanation look at one taste of the year",
    codes.DRAW_TASTE_MEMBER: "a decision and its explanation look at one taste of the year",
    codes.DRAW_LIST: "its second number orders random slots on the list, and slots for all",
    codes.DRAW_LOAN: "its four numbers are luck, when luck turns, resolve, and the lot among applications",
    codes.DRAW_ELSEWHERE: "its first number says whether, the others where a contact goes",
    codes.DRAW_SUPPLY: "its first number is the place in the queue, the others refusal and cost",
    codes.DRAW_GROUP: "the luck of an association is shared by its members",
}
"""Draws that more than one function looks at on purpose, and why."""
# what asks: the local name under which a kernel holds it
_HOUSEHOLD, _SECTION, _DISTRICT = "hh", "sec", "dist"
# an association stands in its section
_LAST_OF_HOUSEHOLDS, _LAST_OF_SECTIONS = 39, 59


@dataclass
class Recorded:
    """What a run asked for.

    Attributes
    ----------
    draws
        Evaluations of the generator.
    addresses
        Different addresses among them.
    problem
        What is wrong, or an empty text.
    """

    draws: int = 0
    addresses: int = 0
    problem: str = ""
    _counters: dict[tuple[int, ...], tuple[int, ...]] = field(default_factory=dict, repr=False)
    _askers: dict[tuple[int, ...], tuple[int, str]] = field(default_factory=dict, repr=False)

    def note(self, address: tuple[int, ...], counter: tuple[int, ...], entity: int, function: str) -> None:
        """Note one evaluation at an address, by an entity and a function."""
        self.draws += 1
        known = self._counters.setdefault(counter, address)
        if known != address:
            self._complain(f"two addresses have one counter: {_words(known)} and {_words(address)}")
        asker, first = self._askers.setdefault(address, (entity, function))
        if asker != entity and asker and entity:
            self._complain(f"two of a kind ask at one address: {_words(address)}, in {first} and {function}")
        if first != function and address[4] not in SHARED:
            self._complain(f"two decisions look at one draw: {_words(address)}, {first} and {function}")
        self.addresses = len(self._askers)

    def _complain(self, problem: str) -> None:
        self.problem = self.problem or problem


def _words(address: tuple[int, ...]) -> str:
    names = ("section", "household", "member", "month", "decision", "index")
    return ", ".join(f"{name} {number}" for name, number in zip(names, address, strict=True))


def record_draws(scenario: Scenario, households: int, seed: int) -> Recorded:
    """Run one replicate with the compiler off and return what its draws were.

    Parameters
    ----------
    scenario
        What is run.
    households
        Households at the start; a hundred household-months take about a tenth of a second.
    seed
        Seed of the draws.

    Returns
    -------
    Recorded
        Counts, and the first problem.

    Raises
    ------
    RuntimeError
        When the run fails with the compiler off; the message has its last lines.
    """
    answer = _child().ask({"scenario": scenario_to_plain(scenario), "households": households, "seed": seed})
    return Recorded(answer["draws"], answer["addresses"], answer["problem"])


class _Child:
    """The process with the compiler off."""

    def __init__(self) -> None:
        # open as long as the process lives
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        atexit.register(self.close)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            self._errors.seek(0)
            said = self._errors.read().strip()[-2000:]
            self.close()
            _child.cache_clear()
            raise RuntimeError(f"the run with the compiler off failed:\n{said}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        atexit.unregister(self.close)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()
        self._errors.close()


@functools.cache
def _child() -> _Child:
    return _Child()


def serve() -> None:
    """Answer requests on the standard input until it ends; the child process runs this."""
    watched = _wrap_draws()
    for line in sys.stdin:
        request = json.loads(line)
        watched.at = Recorded()
        _run(scenario_from_plain(request["scenario"]), request["households"], request["seed"])
        found = watched.at
        answer = {"draws": found.draws, "addresses": found.addresses, "problem": found.problem}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _run(scenario: Scenario, households: int, seed: int) -> None:
    from cbhi.replicates import run_between
    from cbhi.testing.examples import begin

    run_between(begin(scenario, households, seed), 0, scenario.n_months)


@dataclass
class _Watched:
    at: Recorded = field(default_factory=Recorded)


def _wrap_draws() -> _Watched:
    """Put a recorder around the draws that every module has imported; return where it writes."""
    import cbhi.simulation  # noqa: F401  all that draws is loaded now
    from cbhi.kernels import draws

    watched = _Watched()

    def recorded(original: Callable[..., Any]) -> Callable[..., Any]:
        def asked(key: Any, *address: int) -> Any:
            _note(watched.at, address, sys._getframe(1))
            return original(key, *address)

        return asked

    def counted(*address: int) -> Any:
        _note(watched.at, address, sys._getframe(1))
        return draws.counter(*address)

    fill_blocks, draw_households = draws.fill_blocks, draws.draw_households

    def filled(
        key: Any, section: int, month: int, decision: int, n: int, addresses: Any, uniforms: Any
    ) -> None:
        function = sys._getframe(1).f_code.co_name
        for word in addresses[:n]:
            ordinal, index, member = draws.parts_of(int(word))
            watched.at.note(*_address(section, ordinal, member, month, decision, index), 0, function)
        fill_blocks(key, section, month, decision, n, addresses, uniforms)

    def drawn(
        households: Any, start: int, n: int, key: Any, section: int, month: int, decision: int, *u: Any
    ) -> None:
        function = sys._getframe(1).f_code.co_name
        for h in range(start, start + n):
            row = households[h]
            address = _address(section, int(row.ordinal), draws.NOBODY, month, decision, 0)
            watched.at.note(*address, _place(row), function)
        draw_households(households, start, n, key, section, month, decision, *u)

    whole: dict[str, tuple[Any, Any]] = {
        "block": (draws.block, recorded(draws.block)),
        "uniform": (draws.uniform, recorded(draws.uniform)),
        "counter": (draws.counter, counted),
        "fill_blocks": (fill_blocks, filled),
        "draw_households": (draw_households, drawn),
    }

    for name, module in list(sys.modules.items()):
        if not name.startswith("cbhi.") or module is draws or name.startswith("cbhi.testing"):
            continue
        for word, (original, wrapped) in whole.items():
            if getattr(module, word, None) is original:
                setattr(module, word, wrapped)
    return watched


def _address(*address: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return an address in plain numbers, and its counter."""
    from cbhi.kernels.draws import counter

    plain = tuple(int(number) for number in address)
    return plain, tuple(int(word) for word in counter(*plain))


def _place(row: Any) -> int:
    """Return where in memory a record stands, or 0 if it is none."""
    from cbhi.kernels.columns import Row

    return row._table.address + row._index if isinstance(row, Row) else 0


def _note(recorded: Recorded, address: tuple[int, ...], frame: Any) -> None:
    plain, words = _address(*address)
    recorded.note(plain, words, _entity(plain[4], frame), f"{frame.f_code.co_name}")


def _entity(decision: int, frame: Any) -> int:
    """Return where in memory the household, section or district stands that a draw is for, or 0."""
    name = _DISTRICT
    if decision <= _LAST_OF_HOUSEHOLDS:
        name = _HOUSEHOLD
    elif decision <= _LAST_OF_SECTIONS:
        name = _SECTION
    for at in (frame, frame.f_back):
        place = _place(at.f_locals.get(name))
        if place:
            return place
    return 0
