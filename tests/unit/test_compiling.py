"""The cache of compiled kernels: it notices edits and never stops a run."""

from __future__ import annotations

import gc
import operator
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from llvmlite import ir as llvm
from numba.core import event

from cbhi.kernels import compiling, linking, lowering, month, optimising, remembering

PROBE = (
    "from cbhi.kernels import compiling, money; "
    "assert money.split_bill(1000, 200, 0.1) == (280, 720); "
    "print(compiling.CACHE_FOLDER)"
)


def fresh(**changes: str | None) -> str:
    """Compile and call one kernel in a process of its own; return its cache folder."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "0"}
    for name, value in changes.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestHash:
    def copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "kernels"
        shutil.copytree(Path(compiling.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(compiling, "__file__", str(folder / "compiling.py"))
        return folder

    def test_changes_with_any_kernel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        here = compiling.source_hash()
        folder = self.copy(tmp_path, monkeypatch)
        assert compiling.source_hash() == here
        seen = {here}
        for name in ("money.py", "codes.py", "compiling.py", "month.py"):
            path = folder / name
            path.write_text(path.read_text() + "\n# edited\n")
            seen.add(compiling.source_hash())
        (folder / "money.py").rename(folder / "monies.py")
        seen.add(compiling.source_hash())
        assert len(seen) == 6

    def test_changes_with_numba(self, monkeypatch: pytest.MonkeyPatch) -> None:
        here = compiling.source_hash()
        monkeypatch.setattr(compiling.numba, "__version__", "0.0.0")
        assert compiling.source_hash() != here


class TestFolder:
    def test_carries_the_hash(self) -> None:
        assert compiling.CACHE_FOLDER is None or compiling.source_hash() in compiling.CACHE_FOLDER

    def test_a_folder_given_is_used(self, tmp_path: Path) -> None:
        folder = Path(fresh(NUMBA_CACHE_DIR=str(tmp_path)))
        assert folder.parent == tmp_path
        assert list(folder.rglob("*split_bill*.nbc"))

    def test_a_second_process_finds_it(self, tmp_path: Path) -> None:
        folder = Path(fresh(NUMBA_CACHE_DIR=str(tmp_path)))
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb*")}
        assert Path(fresh(NUMBA_CACHE_DIR=str(tmp_path))) == folder
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb*")} == before

    def test_an_unwritable_folder_is_survived(self, tmp_path: Path) -> None:
        # a file where a folder is wanted stops everybody, even an administrator
        blocked = tmp_path / "blocked"
        blocked.write_text("")
        folder = Path(fresh(NUMBA_CACHE_DIR=str(blocked / "below"), TMPDIR=str(tmp_path)))
        assert folder.parent == tmp_path
        assert blocked.read_text() == ""

    def test_no_home_is_survived(self, tmp_path: Path) -> None:
        fresh(HOME=None, XDG_CACHE_HOME=None, NUMBA_CACHE_DIR=None, TMPDIR=str(tmp_path))

    def test_an_unwritable_home_is_survived(self, tmp_path: Path) -> None:
        blocked = tmp_path / "blocked"
        blocked.write_text("")
        folder = Path(
            fresh(HOME=str(blocked), XDG_CACHE_HOME=str(blocked), NUMBA_CACHE_DIR=None, TMPDIR=str(tmp_path))
        )
        assert folder.is_relative_to(tmp_path)
        assert folder.name.startswith("cbhi-kernels-")

    def test_nowhere_to_write_means_no_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def refuse(*_: object, **__: object) -> str:
            raise OSError("read-only")

        monkeypatch.setattr(tempfile, "mkdtemp", refuse)
        monkeypatch.setattr(compiling, "_writable", lambda folder: False)
        assert compiling._cache_folder() is None


class TestCompile:
    def test_functions_of_the_module_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        source = (
            "from math import floor\nfrom os.path import join\n"
            "def halve(x: float) -> float:\n    return x / 2\nCONSTANT = 3\n"
        )
        namespace = {"__name__": "probe"}
        exec(source, namespace)
        compiling.compile_kernels(namespace)
        assert namespace["halve"](3.0) == 1.5
        assert hasattr(namespace["halve"], "py_func")
        assert not hasattr(namespace["join"], "py_func")
        assert namespace["CONSTANT"] == 3

    def test_division_by_zero_does_not_raise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        namespace = {"__name__": "probe"}
        exec("def divide(x, y):\n    return x / y\n", namespace)
        compiling.compile_kernels(namespace)
        assert namespace["divide"](1.0, 0.0) == float("inf")

    def test_inlined_functions_compute_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        namespace: dict[str, Any] = {"__name__": "probe"}
        exec("def halve(x):\n    return x / 2\ndef quarter(x):\n    return halve(halve(x))\n", namespace)
        compiling.compile_kernels(namespace, inlined=("halve",))
        assert namespace["quarter"](3.0) == 0.75
        assert namespace["halve"].targetoptions["forceinline"]
        assert not namespace["quarter"].targetoptions.get("forceinline", False)

    def test_only_those_that_make_arrays_count_references(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        namespace: dict[str, Any] = {"__name__": "probe", "np": np}
        exec(
            "def zeros(n):\n    return np.zeros(n)\ndef count(x):\n    return x.size + x[0]\n"
            "def both(n):\n    return count(zeros(n)) + n\n",
            namespace,
        )
        compiling.compile_kernels(namespace, allocating=("zeros", "both"))
        assert {name: namespace[name].targetoptions["_nrt"] for name in ("zeros", "count", "both")} == {
            "zeros": True, "count": False, "both": True,
        }  # fmt: skip
        assert namespace["both"](5) == 10
        assert namespace["count"](np.ones(3)) == 4

    def test_inlined_functions_must_exist(self) -> None:
        with pytest.raises(NameError, match="thirds"):
            compiling.compile_kernels({"__name__": "probe"}, inlined=("thirds",))

    def test_switched_off_leaves_plain_python(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", "from cbhi.kernels import money; print(type(money.to_francs).__name__)"],
            env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == "function"


JOINED = """
import gc
from cbhi.kernels import compiling, linking, remembering
import {module}
told = []
with compiling.told_of_compiling(lambda done, needed: told.append((done, needed)), {kernel}):
    {call}
assert gc.isenabled()
print(told, sorted(compiling.needed_kernels({kernel})))
"""


class TestJoining:
    def run(self, tmp_path: Path, **words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", JOINED.format(**words)],
            env={**os.environ, "NUMBA_DISABLE_JIT": "0", "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def test_what_is_compiled_is_told_and_only_what_is_called_is_kept(self, tmp_path: Path) -> None:
        words = {
            "module": "cbhi.kernels.money as money",
            "kernel": "money.split_bill",
            "call": "assert money.split_bill(1000, 200, 0.1) == (280, 720)",
        }
        names = "['cbhi.kernels.money.split_bill', 'cbhi.kernels.money.to_francs']"
        assert self.run(tmp_path, **words) == f"[(1, 2), (2, 2)] {names}"
        # the callee is a part of its caller and has no file of its own
        assert {path.name.split("-")[0] for path in tmp_path.rglob("*.nbc")} == {"money.split_bill"}
        # from the cache nothing is compiled
        assert self.run(tmp_path, **words) == f"[] {names}"

    def test_this_numba_can_join_kernels(self) -> None:
        # where it cannot, kernels are compiled each on its own: right, but four times as slow
        assert linking.is_supported()

    @pytest.mark.parametrize(("short", "tried"), [((0, 62), False), ((0, 63), True), ((0, 69), False)])
    def test_only_versions_that_were_tried_join_kernels(
        self, short: tuple[int, int], tried: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(linking.numba, "version_info", linking.numba.version_info._replace(short=short))
        assert linking.is_supported() is tried

    def test_without_joining_kernels_still_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        monkeypatch.setattr(compiling, "is_supported", lambda: False)
        source = "def half(x):\n    return x / 2\n\n\ndef quarter(x):\n    return half(half(x))\n"
        namespace: dict[str, Any] = {"__name__": "probe"}
        exec(source, namespace)
        compiling.compile_kernels(namespace)
        assert namespace["quarter"](3.0) == 0.75
        assert namespace["half"].signatures  # compiled for itself, as a callee


class TestLowering:
    def compiled(self, source: str, monkeypatch: pytest.MonkeyPatch, **words: Any) -> dict[str, Any]:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        namespace: dict[str, Any] = {"__name__": "probe", "np": np}
        exec(source, namespace)
        plain = dict(namespace)
        compiling.compile_kernels(namespace, **words)
        return {"plain": plain, **namespace}

    def test_items_of_arrays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = (
            "def move(a, b, c, x, i):\n"
            "    a[i] += x\n"
            "    b[i, -1] = a[i - 1] * 2\n"
            "    c[i, 0, i] = c[-1, i, -i] + b[0, i]\n"
            "    b[-1][0] = a[0]\n"
            "    a[1:3] = x + 1\n"
            "    return a[-1] + b[i][i] + c[i, i, i] + c[i][i][i]\n"
        )
        names = self.compiled(source, monkeypatch)
        for dtypes in (("i8", "f8", "i8"), ("i2", "f4", "f8"), ("u1", "i4", "i8")):
            for i in (0, 1):
                results = []
                for move in (names["move"], names["plain"]["move"]):
                    a, b, c = (
                        np.arange(3 ** (k + 1), dtype=kind).reshape((3,) * (k + 1)) + 1
                        for k, kind in enumerate(dtypes)
                    )
                    results.append([move(a, b, c, 2, i), *a.tolist(), *b.ravel(), *c.ravel()])
                assert results[0] == results[1]

    def test_other_arrays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = (
            "def mixed(a, true, i):\n"
            "    true[i] = a[i, 0] > a[0, i]\n"
            "    a[i, 1] = true[i] + a[i, 1]\n"
            "    return a[i, 1]\n"
        )
        names = self.compiled(source, monkeypatch)
        for i in (0, 1, 2):
            results = []
            for mixed in (names["mixed"], names["plain"]["mixed"]):
                a, true = np.asfortranarray(np.arange(9.0).reshape(3, 3)), np.zeros(6, bool)[::2]
                results.append([mixed(a, true, i), *a.ravel(), *true])
            assert results[0] == results[1]

    def test_variables_of_branches_and_loops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = (
            "def walk(n):\n"
            "    total, last = 0, 1\n"
            "    for i in range(n):\n"
            "        if i % 3 == 0:\n"
            "            part = i * last\n"
            "        else:\n"
            "            part, last = last, i\n"
            "        total += part\n"
            "    return total, last\n"
            "def sums(n):\n"
            "    kept = np.zeros(1)\n"
            "    for i in range(n):\n"
            "        new = np.full(3, float(i))\n"
            "        if i % 2 == 0:\n"
            "            kept = new\n"
            "    return kept\n"
        )
        names = self.compiled(source, monkeypatch, allocating=("sums",))
        for n in range(7):
            assert names["walk"](n) == names["plain"]["walk"](n)
            assert names["sums"](n).tolist() == names["plain"]["sums"](n).tolist()

    def test_says_where_it_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise numba.core.errors.LoweringError("no way", None)

        monkeypatch.setattr(lowering.KernelLower, "lower_assign", fail)
        names = self.compiled("def fails(x):\n    return x + 1\n", monkeypatch)
        with pytest.raises(numba.core.errors.LoweringError, match=r"no way\s.*lowering"):
            names["fails"](1)


APART = """
from cbhi.kernels.compiling import compile_kernels

def half(x):
    if x < 0:
        raise ValueError("less than nothing")
    return x / 2

def quarter(x):
    return half(half(x))

def eighth(x):
    return quarter(half(x)) + quarter(0.0)

compile_kernels(globals(), apart=("half", "quarter"))
"""


class TestApart:
    """Kernels that are optimised on their own, by a helper process or here."""

    @pytest.fixture(autouse=True)
    def two_processors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        monkeypatch.setattr(linking, "APART", set(linking.APART))
        monkeypatch.setattr(compiling, "APART", linking.APART)
        monkeypatch.setattr(optimising, "is_wanted", lambda: True)

    def eighth(self) -> Any:
        namespace: dict[str, Any] = {"__name__": "probe"}
        exec(APART, namespace)
        return namespace["eighth"]

    def helped(self, monkeypatch: pytest.MonkeyPatch) -> int:
        """Compile with pieces and return how many of them a helper made."""
        here = []

        def made_here(target: Any, code: bytes) -> bytes:
            here.append(code)
            return own(target, code)

        own = optimising.machine_code
        monkeypatch.setattr(optimising, "machine_code", made_here)
        eighth = self.eighth()
        assert eighth(4.0) == 0.5
        with pytest.raises(ValueError, match="less than nothing"):
            eighth(-1.0)
        assert linking._PIECES._helper is None
        assert len(here) <= 2
        return 2 - len(here)

    def test_a_helper_makes_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.helped(monkeypatch) == 2

    def test_it_makes_the_same_machine_code(self) -> None:
        target = numba.core.registry.cpu_target.target_context.codegen()
        codes = [
            f'target triple = "{numba.core.codegen.ll.get_process_triple()}"\n'
            f"define i64 @f(i64 %x) {{ %y = mul i64 %x, {k}\n %z = add i64 %y, %y\n ret i64 %z }}".encode()
            for k in (3, 5)
        ]
        codes = [numba.core.codegen.ll.parse_assembly(code.decode()).as_bitcode() for code in codes]
        helper = optimising.Helper(target)
        try:
            for code in (*codes, codes[0]):
                assert helper.answer(code) == optimising.machine_code(target, code)
        finally:
            helper.end()
        assert helper._process.poll() is not None
        with pytest.raises((OSError, ValueError)):
            helper.answer(codes[0])

    @pytest.mark.parametrize(
        "start",
        ["raise SystemExit", "import os; os.abort()", "print('nothing')", "import time; time.sleep(600)"],
    )
    def test_a_helper_that_fails_is_done_without(self, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(optimising, "_START", start)
        monkeypatch.setattr(optimising, "PATIENCE", 0.3)
        assert self.helped(monkeypatch) == 0

    def test_a_helper_that_ends_half_way_is_done_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        start = optimising._START.replace("runpy.run_path(", "own = runpy.run_path(").replace(
            "__main__", "own"
        )
        once = (
            "; own['_send'].__globals__['codegen']; import os; out = os.fdopen(1, 'wb'); "
            "target = own['codegen'].JITCPUCodegen('helper'); own['_send'](out, own['described'](target)); "
            "own['_receive'](sys.stdin.buffer); out.write(bytes([200, 0, 0])); out.flush(); sys.exit(1)"
        )
        monkeypatch.setattr(optimising, "_START", start + once)
        assert self.helped(monkeypatch) == 0

    def test_a_helper_for_another_processor_is_done_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(optimising, "described", lambda target: b"another")
        assert self.helped(monkeypatch) == 0

    def test_no_helper_can_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError("no processes")

        monkeypatch.setattr(optimising.subprocess, "Popen", refuse)
        assert self.helped(monkeypatch) == 0

    def test_one_processor_has_no_helper(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(optimising, "is_wanted", lambda: False)
        monkeypatch.setattr(optimising, "Helper", None)
        assert self.helped(monkeypatch) == 0

    def test_an_interrupted_compilation_leaves_no_helper(self, monkeypatch: pytest.MonkeyPatch) -> None:
        helpers = []

        def interrupt(piece: Any) -> bytes:
            helpers.append(linking._PIECES._helper)
            raise KeyboardInterrupt

        eighth = self.eighth()
        with monkeypatch.context() as interrupted:
            interrupted.setattr(optimising.Piece, "machine_code", interrupt)
            with pytest.raises(KeyboardInterrupt):
                eighth(4.0)
        assert helpers[0]._process.poll() is not None
        assert self.eighth()(4.0) == 0.5

    def test_they_are_kept_with_their_caller(self, tmp_path: Path) -> None:
        (tmp_path / "probe.py").write_text(APART)
        code = (
            "import probe\nfrom cbhi.kernels import compiling\ntold = []\n"
            "with compiling.told_of_compiling(lambda *counts: told.append(counts), probe.eighth):\n"
            "    assert probe.eighth(4.0) == 0.5\nprint(told)\n"
        )
        told = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", code],
                env={
                    **os.environ,
                    "NUMBA_DISABLE_JIT": "0",
                    "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
                    "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            told.append(done.stdout.strip())
        assert told == ["[(1, 3), (2, 3), (3, 3)]", "[]"]
        assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1

    def test_wanted_beside_a_second_processor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
        assert not optimising.is_wanted()
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
        assert optimising.is_wanted()
        monkeypatch.setattr(sys, "executable", "/usr/bin/some-server")
        assert not optimising.is_wanted()
        monkeypatch.setattr(sys, "executable", None)
        assert not optimising.is_wanted()

    def test_they_must_exist(self) -> None:
        with pytest.raises(NameError, match="thirds"):
            compiling.compile_kernels({"__name__": "probe"}, apart=("thirds",))

    def test_those_of_the_engine_exist(self) -> None:
        names = {function.__name__ for function in linking.APART}
        assert names >= {"start_of_month", "treat_section", "pass_anniversaries"}
        assert names <= {name.rsplit(".")[-1] for name in compiling.needed_kernels(month.run_months)}


class TestMemory:
    def test_is_gone_after_compiling(self) -> None:
        before = numba.types.BaseFunction.get_call_type
        with remembering.quickly():
            assert numba.types.BaseFunction.get_call_type is not before
            assert not gc.isenabled()
        assert numba.types.BaseFunction.get_call_type is before
        assert gc.isenabled()

    def test_is_gone_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "CACHE_FOLDER", None)
        before = numba.types.BaseFunction.get_call_type
        namespace: dict[str, Any] = {"__name__": "probe"}
        exec("def wrong(x):\n    return x + 'text'\n", namespace)
        compiling.compile_kernels(namespace)
        with pytest.raises(numba.TypingError):
            namespace["wrong"](1)
        assert numba.types.BaseFunction.get_call_type is before
        assert gc.isenabled()

    def test_remembers_the_same_answers(self) -> None:
        kinds = numba.types
        context = numba.core.registry.cpu_target.typing_context
        add = context.resolve_value_type(operator.add)
        for pair in ((kinds.int64, kinds.int64), (kinds.int8, kinds.float32), (kinds.float64, kinds.int16)):
            plain = add.get_call_type(context, pair, {})
            with remembering.quickly():
                assert add.get_call_type(context, pair, {}) == plain
                assert add.get_call_type(context, pair, {}) is add.get_call_type(context, pair, {})

    def test_finds_the_variables_that_numba_finds(self) -> None:
        def busy(a: Any, b: Any) -> Any:
            for i, (left, right) in enumerate(zip(a, b)):  # noqa: B905
                a[i] = max(left, right, key=abs) if i else {"x": left}["x"]
                b[i : i + 2, 0] += [left, right][i % 2]
            return a, (b, None)

        found = 0
        for block in numba.core.compiler.run_frontend(busy).blocks.values():
            for statement in block.body:
                ours = remembering._rec_list_vars(statement, statement.__dict__)
                assert ours == statement.list_vars()
                found += len(ours)
        assert found > 100
        before = numba.core.ir.Inst._rec_list_vars
        with remembering.quickly():
            assert numba.core.ir.Inst._rec_list_vars is not before
        assert numba.core.ir.Inst._rec_list_vars is before

    def test_nothing_is_left_in_numba(self) -> None:
        before = [getattr(owner, name) for owner, name, _ in remembering._IN_PLACE]
        with remembering.quickly(), remembering.quickly():
            for owner, name, quick in remembering._IN_PLACE:
                assert getattr(owner, name) is quick
        assert [getattr(owner, name) for owner, name, _ in remembering._IN_PLACE] == before

    def test_instructions_read_as_llvmlite_writes_them(self) -> None:
        def written() -> str:
            module = llvm.Module("probe")
            whole, real = llvm.IntType(64), llvm.DoubleType()
            pair = llvm.LiteralStructType([whole, real])
            function = llvm.Function(module, llvm.FunctionType(whole, [whole, real]), 'odd "name"')
            builder = llvm.IRBuilder(function.append_basic_block("entry"))
            place = builder.alloca(pair, name="x")
            value = builder.insert_value(llvm.Constant(pair, llvm.Undefined), function.args[0], 0, name="x")
            builder.store(value, place)
            loaded = builder.load(builder.gep(place, [llvm.IntType(32)(0)] * 2, inbounds=True), name="x")
            loaded.set_metadata("invariant.load", module.add_metadata([]))
            more = builder.add(loaded, whole(3), name="x", flags=("nsw",))
            real_sum = builder.fadd(function.args[1], real(0.5), flags=("fast",))
            with builder.if_then(builder.fcmp_ordered("<", real_sum, real(0.0))):
                builder.call(function, [more, real_sum], name="x")
            builder.ret(builder.select(builder.icmp_signed("<", more, whole(7)), more, loaded))
            return str(module)

        plain = written()
        with remembering.quickly():
            assert written() == plain

    def test_sizes_of_types(self) -> None:
        context = numba.core.registry.cpu_target.target_context
        word = llvm.IntType(64)
        named = llvm.global_context.get_identified_type("probe of a size")
        named.set_body(word, word)
        with remembering.quickly():
            for _ in range(2):
                assert context.get_abi_sizeof(llvm.LiteralStructType([llvm.IntType(8), word])) == 16
                assert context.get_abi_sizeof(named) == 16
                assert context.get_abi_sizeof(word.as_pointer()) == 8

    def test_who_listens_to_numba_hears_it(self) -> None:
        with event.install_recorder("numba:run_pass") as heard, remembering.quickly():
            event.start_event("numba:run_pass", data={})
            event.end_event("numba:run_pass", data={})
            event.start_event("numba:llvm_lock")
            event.end_event("numba:llvm_lock")
        assert len(heard.buffer) == 2

    def test_flags_compare_by_what_is_set(self) -> None:
        plain = numba.core.compiler.Flags()
        quick = remembering.QuickFlags(plain)
        assert quick == plain
        assert hash(quick) == hash(plain)
        other = quick.copy()
        assert other == quick
        other.nrt = True
        assert other != quick
        assert isinstance(other, remembering.QuickFlags)
