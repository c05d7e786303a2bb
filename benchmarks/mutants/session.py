"""Runs the tests of one process again and again, each time in a forked child with one function changed.

pytest collects the tests once, so that everything is imported before the first fork. Then each test runs
once in a child of its own, with every statement of the mutated functions marked: how long it takes and what
it reaches. Children share nothing, so a result that one test keeps for the next cannot hide what the next
one reaches.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import random
import resource
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from mutants.changes import Mutant, Target, targets

KILLED, SURVIVED, TIMEOUT, NO_TEST = "killed", "survived", "timeout", "no test"
MEMORY = 8 * 2**30
# a test that takes this many times as long as it should (and at least this many seconds more) hangs
SLOWER, EXTRA = 8.0, 4.0
# all times are of the processor, so that a busy machine changes nothing; by the clock a child may take longer
WAITING = 10.0
_HUNG = 7


@dataclass(frozen=True)
class Plan:
    """What one process is to do."""

    name: str
    modules: tuple[str, ...]
    watched: tuple[str, ...]
    tests: tuple[str, ...]
    sizes: dict[str, int]
    seed: int
    slow: float
    budget: float
    again: bool
    reasoned: tuple[str, ...]
    kept: tuple[str, ...]
    state: Path
    root: Path

    @property
    def results(self) -> Path:
        return self.state / f"{self.name}.jsonl"

    @property
    def touched(self) -> Path:
        return self.state / f"{self.name}.touched.json"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    key: str
    module: str
    function: str
    function_hash: str
    line: int
    operator: str
    outcome: str
    test: str
    tests: int
    seconds: float


def in_child(work: Callable[[], Any], seconds: float) -> tuple[str, Any]:
    """Do some work in a forked child; return how it ended and what it returned.

    It ends "ok", "hung" (its time was up), "crashed" (by a signal) or "broken" (it could not do the work).
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_quiet(seconds)
        code = 1
        try:
            answer = json.dumps(work()).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "ok", json.loads(answer)
    if code in (_HUNG, -signal.SIGPROF, -signal.SIGALRM, -signal.SIGKILL):
        return "hung", None
    return ("crashed" if code < 0 else "broken"), None


def _be_quiet(seconds: float) -> None:
    """Silence this child, bound its memory, and end it when its time is up."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, lambda *_: os._exit(_HUNG))
    signal.signal(signal.SIGALRM, lambda *_: os._exit(_HUNG))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    # whoever waits for what never comes uses no time of the processor
    signal.setitimer(signal.ITIMER_REAL, WAITING * seconds)


def _passes(item: pytest.Item, after: pytest.Item | None) -> bool:
    """Run one test in this process and return whether it passed (or was skipped)."""
    failed: list[str] = []

    class Listener:
        @staticmethod
        def pytest_runtest_logreport(report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid)

    listener = Listener()
    item.config.pluginmanager.register(listener)
    try:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
    finally:
        item.config.pluginmanager.unregister(listener)
    return not failed


class Runner:
    """A pytest plugin that runs mutants in place of tests."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.say = say
        self.targets: list[Target] = [t for m in plan.watched for t in targets(m)]
        self.first: dict[str, int] = {}
        n = 0
        for target in self.targets:
            self.first[target.key] = n
            n += target.n_statements
        self.hits = bytearray(n)
        self.items: dict[str, pytest.Item] = {}
        self.seconds: dict[str, float] = {}
        self.reached: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.kills: dict[str, Counter[str]] = defaultdict(Counter)

    def _keep(self) -> None:
        """Make once, before the first fork, what the plan names: runs that no mutant here can change."""
        modules: dict[str, Any] = {}
        for item in self.items.values():
            module = getattr(item, "module", None)
            modules[getattr(module, "__name__", "")] = module
        for name in self.plan.kept:
            place, _, function = name.rpartition(".")
            if place in modules:
                getattr(modules[place], function)()

    # ---------------------------------------------------------------- what each test reaches

    def _measure(self, item: pytest.Item) -> Any:
        began = time.process_time()
        passed = _passes(item, None)
        seconds = time.process_time() - began
        found: dict[str, list[int]] = {}
        for target in self.targets:
            start = self.first[target.key]
            mine = self.hits[start : start + target.n_statements]
            if any(mine):
                found[target.key] = [k for k, hit in enumerate(mine) if hit]
        return {"passed": passed, "seconds": seconds, "found": found}

    def _touched(self) -> None:
        """Run each test once with marked statements, or read what an earlier run found."""
        known: dict[str, Any] = {}
        if self.plan.touched.exists():
            known = json.loads(self.plan.touched.read_text())
        keys = {target.key for target in self.targets}
        fresh: dict[str, Any] = {}
        files: dict[Path, str] = {}
        began, n_run = time.perf_counter(), 0
        for target in self.targets:
            target.watch(self.hits, self.first[target.key])
        for nodeid, item in self.items.items():
            if item.path not in files:
                files[item.path] = hashlib.sha256(item.path.read_bytes()).hexdigest()[:12]
            old = known.get(nodeid)
            if (
                old
                and old["file"] == files[item.path]
                and set(old["found"]) <= keys
                and (old["ended"] != "hung" or old["seconds"] >= self.plan.slow)
            ):
                fresh[nodeid] = old
                continue
            ended, answer = in_child(functools.partial(self._measure, item), self.plan.slow)
            answer = answer or {"passed": False, "seconds": self.plan.slow, "found": {}}
            fresh[nodeid] = {**answer, "file": files[item.path], "ended": ended}
            n_run += 1
        for target in self.targets:
            target.put(target.original)
        _write(self.plan.touched, json.dumps(fresh))
        for nodeid, one in fresh.items():
            if not one["passed"]:
                continue
            self.seconds[nodeid] = one["seconds"]
            for key, statements in one["found"].items():
                for statement in statements:
                    self.reached[key, statement].append(nodeid)
        slow = sum(one["ended"] == "hung" for one in fresh.values())
        failed = [n for n, one in fresh.items() if not one["passed"] and one["ended"] != "hung"]
        self.say(
            f"{self.plan.name}: {len(self.seconds)} tests serve; {slow} take over {self.plan.slow:g} s and "
            f"are left out; {n_run} measured in {time.perf_counter() - began:.0f} s"
        )
        if failed:
            self.say(f"{self.plan.name}: left out because they fail unchanged: {', '.join(failed)}")

    # ---------------------------------------------------------------- mutants

    def _chosen(self) -> Iterator[Mutant]:
        """Yield the sampled mutants of all modules, spread evenly over the run."""
        spread: list[tuple[float, Mutant]] = []
        counts: dict[str, list[int]] = {}
        by_module: dict[str, list[Mutant]] = {m: [] for m in self.plan.modules}
        for target in self.targets:
            if target.module.__name__ in by_module:
                by_module[target.module.__name__].extend(target.mutants())
        for module, mutants in by_module.items():
            mutants.sort(key=lambda m: hashlib.sha256(f"{self.plan.seed} {m.key}".encode()).digest())
            n = min(self.plan.sizes.get(module, 0), len(mutants))
            counts[module] = [len(mutants), n]
            offset = random.Random(module).random()
            spread += [((k + offset) / n, mutant) for k, mutant in enumerate(mutants[:n])]
        _write(self.plan.state / f"{self.plan.name}.counts.json", json.dumps(counts))
        for _, mutant in sorted(spread, key=lambda pair: pair[0]):
            yield mutant

    def _tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that reach a mutant: those that killed its neighbours first, then the quick."""
        key = f"{mutant.module}:{mutant.function}:{mutant.function_hash}"
        kills = self.kills[key]
        own = mutant.module.rpartition(".")[2].strip("_")
        return sorted(
            self.reached.get((key, mutant.statement), ()),
            key=lambda t: (-kills[t] / (0.05 + self.seconds[t]), self.seconds[t] * (1 if own in t else 2)),
        )

    def _within_budget(self, tests: Sequence[str]) -> list[str]:
        left, chosen = self.plan.budget, []
        for test in tests:
            if self.seconds[test] <= left:
                chosen.append(test)
                left -= self.seconds[test]
        return chosen

    def _try(self, mutant: Mutant) -> Outcome:
        reaching = self._tests_for(mutant)
        tests = self._within_budget(reaching)
        began = time.perf_counter()
        outcome, test = NO_TEST, ""
        if reaching:
            seconds = sum(self.seconds[t] for t in tests)
            ended, answer = in_child(lambda: self._run(mutant, tests), SLOWER * seconds + EXTRA)
            if ended == "hung":
                outcome = TIMEOUT
            elif ended == "crashed":
                outcome = KILLED
            elif ended == "broken":
                raise RuntimeError(f"the child could not try {mutant.key}")
            elif answer:
                outcome, test = KILLED, answer
                self.kills[f"{mutant.module}:{mutant.function}:{mutant.function_hash}"][test] += 1
            else:
                outcome = SURVIVED
        return Outcome(
            mutant.key,
            mutant.module,
            mutant.function,
            mutant.function_hash,
            mutant.line,
            mutant.operator,
            outcome,
            test,
            len(tests),
            round(time.perf_counter() - began, 3),
        )

    def _run(self, mutant: Mutant, tests: Sequence[str]) -> str:
        """Apply a mutant and return the first test that fails, or nothing."""
        mutant.apply()
        for k, test in enumerate(tests):
            after = self.items[tests[k + 1]] if k + 1 < len(tests) else None
            limit = SLOWER * self.seconds[test] + EXTRA
            signal.setitimer(signal.ITIMER_PROF, limit)
            if not _passes(self.items[test], after):
                return test
        return ""

    def _earlier(self) -> dict[str, Outcome]:
        """Return outcomes of an earlier run that still hold: of the same key and the same source."""
        return {outcome.key: outcome for outcome in read_results(self.plan.results)}

    @staticmethod
    def pytest_collection() -> None:
        """Before tests are imported: a failing example need not be made small, that it fails is enough."""
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", phases=phases, report_multiple_bugs=False)
        settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run mutants in place of the collected tests."""
        self.items = {item.nodeid: item for item in session.items}
        self._keep()
        self._touched()
        earlier = self._earlier()
        began, tally = time.perf_counter(), Counter[str]()
        with self.plan.results.open("a", encoding="utf-8") as results:
            for mutant in self._chosen():
                old = earlier.get(mutant.key)
                valid = old is not None and old.function_hash == mutant.function_hash
                settled = not self.plan.again or mutant.key in self.plan.reasoned
                if old and valid and (settled or old.outcome in (KILLED, TIMEOUT)):
                    if old.test:
                        key = f"{mutant.module}:{mutant.function}:{mutant.function_hash}"
                        self.kills[key][old.test] += 1
                    continue
                outcome = self._try(mutant)
                results.write(json.dumps(asdict(outcome)) + "\n")
                results.flush()
                tally[outcome.outcome] += 1
                if tally.total() % 50 == 0:
                    each = (time.perf_counter() - began) / tally.total()
                    self.say(f"{self.plan.name}: {dict(tally)}, {each:.2f} s each")
        self.say(f"{self.plan.name}: done, {dict(tally)} in {time.perf_counter() - began:.0f} s")
        return True


def read_results(path: Path) -> Iterable[Outcome]:
    """Yield the outcomes in a file, the latest of a mutant last; a line cut short by a kill is skipped."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError, TypeError):
                yield Outcome(**json.loads(line))


def _write(path: Path, text: str) -> None:
    half = path.with_suffix(path.suffix + ".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def run(plan: Plan, say: Callable[[str], None]) -> int:
    """Run a plan in this process; return pytest's exit code."""
    tests = [str(plan.root / test) for test in plan.tests]
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--rootdir", str(plan.root)]
    return int(pytest.main([*arguments, *tests], plugins=[Runner(plan, say)]))
