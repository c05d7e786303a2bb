"""How kernels are joined: each is translated once, and all that a call from Python needs is optimised once.

Numba by itself optimises and translates to machine code every function on its own, then once more as a
part of every function that calls it, and so on up to the loop over months: nine tenths of that work are
thrown away. Here a kernel that another kernel calls stays unoptimised code (a *part*); a kernel that Python
calls collects the parts that it needs, optimises them together and becomes machine code.

What this builds on is Numba's interface for compilers of one's own (``CompilerBase`` and passes) and some
methods of its code libraries, in the versions that ``is_supported`` names.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
from llvmlite import binding
from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core import codegen, compiler, compiler_machinery, typed_passes
from numba.core.registry import cpu_target

from cbhi.kernels import lowering, optimising, remembering
from cbhi.kernels.record_types import arrays_beside_records
from cbhi.kernels.remembering import QuickFlags, quickly

_NEEDED = (
    "_raise_if_finalized",
    "_optimize_functions",
    "_get_module_for_linking",
    "_optimize_final_module",
    "_finalize_final_module",
)
# first and last version of Numba with which all this was tried, and gave the same integers
_TRIED = (0, 63), (0, 68)


def is_supported() -> bool:
    """Say whether this Numba is one that joining kernels was tried with; with others each is compiled alone.

    That takes minutes in place of half a one, and gives the same integers.
    """
    return (
        _TRIED[0] <= numba.version_info.short <= _TRIED[1]
        and all(hasattr(codegen.JITCodeLibrary, name) for name in _NEEDED)
        and hasattr(compiler.Flags, "no_compile")
        and lowering.can_be_shortened()
        and remembering.can_remember()
        and optimising.can_be_helped()
    )


class KernelLibrary(codegen.JITCodeLibrary):
    """The code of a kernel, not optimised function by function."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def add_ir_module(self, ir_module: Any) -> None:
        """Take code over, and let go of what it was written from, for the garbage collector."""
        super().add_ir_module(ir_module)
        for function in ir_module.functions:
            for block in function.blocks:
                block.instructions.clear()
                block.terminator = None


# kernels, as plain functions, that are optimised each on its own; filled as their modules are imported
APART: set[Any] = set()
_PIECES = optimising.Pieces()


class PartLibrary(KernelLibrary):
    """The code of one kernel for other kernels: neither optimised nor translated on its own.

    But for a few (``APART``): with what they call they become a *piece*, optimised while the next are typed.
    """

    piece: optimising.Piece | None = None

    def set_apart(self, function: str) -> None:
        """Have the code optimised and translated from here on, with everything that it calls."""
        parts, others, _ = _needed(self)
        module = _joined([self, *parts])
        for library in others:
            module.link_in(library._get_module_for_linking(), preserve=True)
        _hide_functions(module, [self, *parts], {function})
        self.piece = _PIECES.begin(function, self._codegen, module.as_bitcode())

    def finalize(self) -> None:
        """Close the library; whoever links it links its callees too."""
        self._raise_if_finalized()
        for library in self._linking_libraries:
            self._reload_init.update(library._reload_init)
        self._finalized = True


class WholeLibrary(KernelLibrary):
    """A kernel that Python calls, with everything that it calls."""

    def finalize(self) -> None:
        """Join the parts, each once, optimise them together and translate them to machine code."""
        self._raise_if_finalized()
        exported = {fn.name for fn in self._final_module.functions if not fn.is_declaration}
        parts, others, pieces = _needed(self)
        if parts:
            self._final_module.link_in(_joined(parts))
        # last, because of these the linker takes only what is asked for by then
        for library in others:
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        for library in (*parts, *others):
            self._reload_init.update(library._reload_init)
        _hide_functions(self._final_module, parts, exported)
        self._optimize_final_module()
        self._final_module.verify()
        if pieces:
            codes = _PIECES.gather(pieces)
            states = [
                _kept_state(piece.name, code, [piece.name]) for piece, code in zip(pieces, codes, strict=True)
            ]
            load_pieces(states)
            self._reload_init.add(functools.partial(load_pieces, states))
        self._finalize_final_module()

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Return what is kept in the cache: machine code, and the names of the functions in it.

        Numba keeps the code from before translation too, to link it elsewhere, which nobody does with a whole
        kernel; reading that took a third of a first run.
        """
        self._ensure_finalized()
        names = [fn.name for fn in self._final_module.functions if not fn.is_declaration]
        return _kept_state(self.name, self._get_compiled_object(), names)


def _kept_state(library: str, code: bytes, names: list[str]) -> tuple[str, str, tuple[bytes, bytes]]:
    """Return machine code as Numba keeps it, with the names of the functions in it."""
    empty = "".join(f'define void @"{name}"() {{ ret void }}\n' for name in names)
    return library, "object", (code, binding.parse_assembly(empty).as_bitcode())


_LOADED: list[Any] = []


def load_pieces(states: list[Any]) -> None:
    """Make the machine code of pieces known to that of the kernels that call them, which comes next."""
    target = cpu_target.target_context.codegen()
    _LOADED.extend(target.unserialize_library(state) for state in states)


def _needed(whole: KernelLibrary) -> tuple[list[PartLibrary], list[Any], list[optimising.Piece]]:
    """Return the parts that a library needs, directly or through others, Numba's libraries, and pieces."""
    parts: dict[PartLibrary, None] = {}
    others: dict[Any, None] = {}
    pieces: dict[optimising.Piece, None] = {}
    waiting = list(whole._linking_libraries)
    while waiting:
        library = waiting.pop()
        if not isinstance(library, PartLibrary):
            others[library] = None
        elif library.piece is not None:
            # what it calls is in it, but for other pieces
            pieces |= dict.fromkeys([*_needed(library)[2], library.piece])
        elif library not in parts:
            parts[library] = None
            waiting += library._linking_libraries
    return list(parts), list(others), list(pieces)


def _joined(parts: list[PartLibrary]) -> Any:
    """Return the code of the parts in one module: joined by pairs, as a link costs by the size of both."""
    modules = [part._final_module.clone() for part in parts]
    while len(modules) > 1:
        for left, right in zip(modules[::2], modules[1::2], strict=False):
            left.link_in(right)
        modules = modules[::2]
    return modules[0]


def _hide_functions(module: Any, parts: list[PartLibrary], exported: set[str]) -> None:
    """Make the parts' functions private to the module, so that copies nobody calls are dropped."""
    names = {fn.name for part in parts for fn in part._final_module.functions if not fn.is_declaration}
    for name in names - exported:
        module.get_function(name).linkage = "internal"
    own = {gv.name for part in parts for gv in part._final_module.global_variables}
    for gv in module.global_variables:
        # Numba's link to a function's Python objects, which kernels do not use
        if gv.name in own and gv.name.startswith("_ZN08NumbaEnv"):
            gv.linkage = "internal"


@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=False)
class OfferToCallers(compiler_machinery.LoweringPass):
    """Make a part known to the compiler under a name of its own, since it has no machine code."""

    _name = "offer_to_callers"

    def __init__(self) -> None:
        compiler_machinery.LoweringPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Register the library of the part as what a call resolves to."""
        lowered = state["cr"]
        # what Numba makes of a function without a way in from Python
        handle = _dynfunc.make_function(
            lowered.fndesc.lookup_module(), state.func_id.func_name, "", 0, lowered.env, (state.library,)
        )
        lowered = lowered._replace(cfunc=handle)
        state.targetctx.insert_user_function(lowered.cfunc, lowered.fndesc, [state.library])
        state["cr"] = lowered
        if state.func_id.func in APART:
            state.library.set_apart(lowered.fndesc.mangled_name)
        return True


# for closures and for arithmetic with whole arrays, which kernels do without
_NEEDLESS = ("InlineClosureLikes", "NopythonRewrites")


class KernelCompiler(compiler.CompilerBase):
    """Numba's compiler with a memory of types."""

    def __init__(self, typingctx: Any, targetctx: Any, library: Any, args: Any, *rest: Any) -> None:
        return_type, flags, locals_ = rest
        super().__init__(typingctx, targetctx, library, args, return_type, QuickFlags(flags), locals_)
        self.state.typingctx = remembering.remembering(typingctx)

    def compile_extra(self, func: Any) -> Any:
        """Compile a function with what shortens Numba's work, and with what it may assume of memory."""
        with quickly(), arrays_beside_records():
            return super().compile_extra(func)

    def needed_passes(self) -> Any:
        """Return Numba's passes without those that find nothing in kernels."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [of for of in passes.passes if of[0].__name__ not in _NEEDLESS]
        if not self.state.flags.debuginfo:
            own = lowering.KernelLowering, lowering.KernelLowering._name
            passes.passes = [own if of[0] is typed_passes.NativeLowering else of for of in passes.passes]
        return passes


class PartCompiler(KernelCompiler):
    """The compiler of kernels for other kernels."""

    def define_pipelines(self) -> list[Any]:
        """Return Numba's passes, with a library that stays a part."""
        state = self.state
        state.library = PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        state.flags.no_cpython_wrapper = True
        state.flags.no_cfunc_wrapper = True
        passes = self.needed_passes()
        translated = next(of for of, _ in passes.passes if issubclass(of, typed_passes.NativeLowering))
        passes.add_pass_after(OfferToCallers, translated)
        passes.finalize()
        return [passes]


class WholeCompiler(KernelCompiler):
    """The compiler of kernels that Python calls."""

    def compile_extra(self, func: Any) -> Any:
        """Compile a function, beside a helper."""
        try:
            return super().compile_extra(func)
        finally:
            _PIECES.end()

    def define_pipelines(self) -> list[Any]:
        """Return Numba's passes, with a library that joins parts."""
        state = self.state
        state.library = WholeLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return [self.needed_passes()]
