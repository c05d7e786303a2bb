"""How long kernels are optimised and become machine code while the next are typed: by a helper process.

Run as a script, this file is that helper. It reads LLVM code from its input and writes machine code to its
output, both with their length before them, by the same steps of the same Numba as here. Without one, because
there is one processor, none can be started, or it fails, the same is done here, with the same result.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from llvmlite import binding
from numba.core import codegen, config

# seconds; a helper that keeps the rest waiting longer for a piece is given up
PATIENCE = 60.0
_STEPS = ("_optimize_final_module", "_unserialize", "_set_compiled_object")
_OPTIONS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "LLVM_REFPRUNE_PASS")
# the helper imports from where this process does, and nothing else
_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "runpy.run_path(sys.argv[2], None, '__main__')"
)


def can_be_helped() -> bool:
    """Say whether this Numba has the steps that a helper takes."""
    return all(hasattr(codegen.JITCodeLibrary, name) for name in _STEPS) and hasattr(
        codegen.JITCPUCodegen, "magic_tuple"
    )


def machine_code(target: Any, code: bytes) -> bytes:
    """Return the machine code of LLVM code, optimised as Numba optimises."""
    library = target.create_library("piece")
    library._final_module = binding.parse_bitcode(code)
    library._optimize_final_module()
    library._final_module.verify()
    return bytes(target._tm.emit_object(library._final_module))


def described(target: Any) -> bytes:
    """Return what machine code depends on: the processor, and how Numba is told to optimise."""
    told = [getattr(config, name) for name in _OPTIONS]
    return json.dumps([target.magic_tuple(), target._data_layout, [str(word) for word in told]]).encode()


def _send(stream: IO[bytes], text: bytes) -> None:
    stream.write(len(text).to_bytes(8, "little"))
    stream.write(text)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    length = int.from_bytes(stream.read(8), "little")
    text = stream.read(length)
    if not text or len(text) < length:
        raise EOFError("the other side has ended")
    return text


class Piece:
    """Code on its way to machine code.

    Attributes
    ----------
    name
        Of the function in it that others call.
    """

    def __init__(self, name: str, target: Any, code: bytes) -> None:
        self.name = name
        self._target = target
        self._code = code
        self._done: bytes | None = None
        self._thread: threading.Thread | None = None

    def give_to(self, helper: Helper) -> None:
        """Let the helper work on it, and go on here."""
        self._thread = threading.Thread(target=self._ask, args=(helper,), daemon=True)
        self._thread.start()

    def _ask(self, helper: Helper) -> None:
        # whatever befalls the helper, the code is still here
        with contextlib.suppress(Exception):
            self._done = helper.answer(self._code)

    def waits_in_vain(self) -> bool:
        """Say whether the helper keeps silent for too long."""
        if self._thread is not None:
            self._thread.join(PATIENCE)
            return self._thread.is_alive()
        return False

    def machine_code(self) -> bytes:
        """Return the machine code, made here if the helper has not sent it."""
        if self._done is None:
            self._done = machine_code(self._target, self._code)
        return self._done


class Helper:
    """A process that makes machine code of pieces, one after the other."""

    def __init__(self, target: Any) -> None:
        self._target = described(target)
        self._turn = threading.Lock()
        self._agrees: bool | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, json.dumps(sys.path), __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def answer(self, code: bytes) -> bytes:
        """Return the machine code of LLVM code."""
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise OSError("a helper without pipes")
        with self._turn:
            if self._agrees is None:
                self._agrees = _receive(out) == self._target
            if not self._agrees:
                raise OSError("the helper would make other machine code")
            _send(into, code)
            return _receive(out)

    def end(self) -> None:
        """End the process; what it has not answered is done here."""
        self._process.kill()
        self._process.wait()
        # a thread may still wait for an answer, which ends now
        with self._turn:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


def is_wanted() -> bool:
    """Say whether a helper can work beside this process: a second processor, and Python to start it with."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    program = Path(sys.executable or "").stem.lower()
    return count > 1 and program.startswith("python") and not getattr(sys, "frozen", False)


class Pieces:
    """The pieces of the kernels that are compiled now, and their helper, started for the first of them."""

    def __init__(self) -> None:
        self._helper: Helper | None = None
        self._tried = False

    def begin(self, name: str, target: Any, code: bytes) -> Piece:
        """Have code optimised, by a helper if there can be one."""
        if not self._tried:
            self._tried = True
            if is_wanted():
                with contextlib.suppress(OSError, ValueError):
                    self._helper = Helper(target)
        piece = Piece(name, target, code)
        if self._helper is not None:
            piece.give_to(self._helper)
        return piece

    def gather(self, pieces: list[Piece]) -> list[bytes]:
        """Return the machine code of pieces, in their order."""
        for piece in pieces:
            if piece.waits_in_vain():
                self.end()
        return [piece.machine_code() for piece in pieces]

    def end(self) -> None:
        """Let the helper go."""
        if self._helper is not None:
            self._helper.end()
        self._helper = None
        self._tried = False


def _serve() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this process decides when it ends
    into, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else goes where the answers go
    target = codegen.JITCPUCodegen("helper")
    _send(out, described(target))
    with contextlib.suppress(EOFError, OSError):
        while True:
            _send(out, machine_code(target, _receive(into)))


if __name__ == "__main__":
    _serve()
