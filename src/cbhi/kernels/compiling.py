"""The one place where kernels are compiled, and the home of their cache folder.

Kernels are written as plain typed functions and compiled at the foot of their module by
``compile_kernels(globals())``, so that type checkers, coverage and mutation tools see ordinary
functions, and ``NUMBA_DISABLE_JIT=1`` runs the same source in plain Python. How the compiled kernels are put
together is in ``linking``.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import tempfile
from collections.abc import Callable, Collection, Container, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import platformdirs
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock

from cbhi.kernels.linking import APART, PartCompiler, WholeCompiler, is_supported

_VERSION_SALT = "1"
_CONFIG: Any = numba.config


def source_hash() -> str:
    """Return a hash of every kernel source, Numba's version and a salt.

    Numba's own cache does not notice an edit in a file that a kernel calls into, so the cache folder
    carries this hash in its name: an edit of any kernel starts an empty folder.
    """
    digest = hashlib.sha256(f"{_VERSION_SALT} {numba.__version__}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cache_folder() -> str | None:
    """Return where compiled kernels are kept, or None when nothing can be written.

    A folder given by the user (``NUMBA_CACHE_DIR``) comes first, then the user's cache folder, then a
    private temporary folder of this process. The last is never shared, because Numba's cache files are
    pickles and must not be read from a folder that somebody else can write.
    """
    name = f"kernels-{source_hash()}"
    given = str(_CONFIG.CACHE_DIR or "")
    folders = [Path(given) / name] if given else [platformdirs.user_cache_path("cbhi") / name]
    for folder in folders:
        if _writable(folder):
            return str(folder)
    try:
        return tempfile.mkdtemp(prefix="cbhi-kernels-")
    except OSError:
        return None


CACHE_FOLDER: str | None = None if _CONFIG.DISABLE_JIT else _cache_folder()


def _widest(kind: Any) -> Any:
    """Return the type that a number is passed as: constants and short numbers as 8 bytes."""
    types: Any = numba.types
    kind = types.unliteral(kind)
    if kind in types.signed_domain:
        return types.int64
    return types.float64 if kind in types.real_domain else kind


def _compile_once(dispatcher: Any) -> Any:
    """Let calls from other kernels pass numbers in their widest form.

    Otherwise Numba compiles a kernel anew for every constant and every width that it is called with: the
    draws about forty times, a third of all compiling.
    """
    resolve = dispatcher.get_call_template

    def resolve_widest(args: Any, kws: Any) -> Any:
        widest = {name: _widest(kind) for name, kind in kws.items()}
        return resolve(tuple(_widest(kind) for kind in args), widest)

    dispatcher.get_call_template = resolve_widest
    return dispatcher


def _compiled(kernel: FunctionType, counts_references: bool, inlined: bool) -> Any:
    """Return a kernel that Python calls as a whole, and other kernels as a part of themselves."""
    options: dict[str, Any] = {
        "error_model": "numpy",
        "nogil": True,
        "_nrt": counts_references,
        "forceinline": inlined,
    }
    if not is_supported():
        return _kept(_compile_once(numba.njit(**options)(kernel)))
    whole = numba.njit(pipeline_class=WholeCompiler, **options)(kernel)

    # made when another kernel that calls it is compiled, which is seldom
    @functools.cache
    def part() -> Any:
        return _compile_once(numba.njit(pipeline_class=PartCompiler, **options)(kernel))

    whole.get_call_template = lambda args, kws: part().get_call_template(args, kws)
    whole.get_overload = lambda signature: part().get_overload(signature)
    return _kept(whole)


def _kept(dispatcher: Any) -> Any:
    """Let a kernel be kept in the cache folder, which is looked for when Python first calls it."""
    if CACHE_FOLDER is None:
        return dispatcher
    compile_now = dispatcher.compile

    def look_first(signature: Any) -> Any:
        with global_compiler_lock:
            if dispatcher.compile is look_first:
                before = _CONFIG.CACHE_DIR
                _CONFIG.CACHE_DIR = CACHE_FOLDER
                try:
                    dispatcher.enable_caching()
                finally:
                    _CONFIG.CACHE_DIR = before
                dispatcher.compile = compile_now
            return compile_now(signature)

    dispatcher.compile = look_first
    return dispatcher


def needed_kernels(*kernels: Any) -> set[str]:
    """Return the names of compiled kernels and of all that they call, directly or through others.

    Without those whose source goes in the place of every call, which are never compiled themselves.
    """
    found: dict[str, Any] = {}
    waiting = list(kernels)
    while waiting:
        kernel = waiting.pop()
        if _name(kernel) not in found:
            found[_name(kernel)] = kernel
            function = kernel.py_func
            called = (function.__globals__.get(name) for name in function.__code__.co_names)
            waiting += [value for value in called if hasattr(value, "py_func")]
    return {name for name, kernel in found.items() if "inline" not in kernel.targetoptions}


def _name(kernel: Any) -> str:
    return f"{kernel.py_func.__module__}.{kernel.py_func.__name__}"


class _Counter(event.Listener):
    """Hears which kernels have been compiled."""

    def __init__(self, needed: set[str], tell: Callable[[int, int], None]) -> None:
        self.needed = needed
        self.tell = tell
        self.done: set[str] = set()

    def on_start(self, event: Any) -> None:
        pass

    def on_end(self, event: Any) -> None:
        name = _name(event.data["dispatcher"])
        if name in self.needed - self.done:
            self.done.add(name)
            self.tell(len(self.done), len(self.needed))


@contextlib.contextmanager
def told_of_compiling(tell: Callable[[int, int], None], *kernels: Any) -> Iterator[None]:
    """Tell how many kernels have been compiled of those that ``kernels`` need, while the context lasts."""
    with event.install_listener("numba:compile", _Counter(needed_kernels(*kernels), tell)):
        yield


def compile_kernels(
    namespace: dict[str, Any],
    inline: Container[str] = (),
    inlined: Collection[str] = (),
    allocating: Container[str] = (),
    apart: Collection[str] = (),
) -> None:
    """Replace every plain function defined in ``namespace`` by its compiled form.

    Parameters
    ----------
    namespace
        The ``globals()`` of a kernel module, called at its foot. Imported functions are left alone.
    inline
        Functions whose source goes in the place of every call, so that loops over them become vectors.
    inlined
        Functions whose code goes in the place of every call whatever its length: long ones with one caller,
        since an array is seven words to hand over and a bundle of arrays a hundred.
    allocating
        Functions that make arrays of their own. All others do without Numba's counts of references to
        arrays: Python holds every array during a call, and counting all those of a state or a set of buffers
        at each call of a kernel took a third of a run.
    apart
        Kernels, of this module or imported, that are optimised on their own with what they call, by a second
        processor while the next ones are typed: long ones that are called seldom, once a month of a section.
    """
    unknown = sorted({*inlined, *apart} - set(namespace))
    if unknown:
        raise NameError(f"no kernels to put into their callers or apart: {', '.join(unknown)}")
    if _CONFIG.DISABLE_JIT:
        return
    APART.update(getattr(namespace[name], "py_func", namespace[name]) for name in apart)
    for name, value in list(namespace.items()):
        if isinstance(value, FunctionType) and value.__module__ == namespace["__name__"]:
            namespace[name] = (
                numba.njit(error_model="numpy", inline="always")(value)
                if name in inline
                else _compiled(value, name in allocating, name in inlined)
            )
