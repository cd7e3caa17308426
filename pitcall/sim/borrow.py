"""Arrays without reference counts, for functions compiled by Numba.

Numba counts references to an array at many of its uses inside branches and loops, atomically: in the
kernel that was a third of the time (12.1 against 8.5 ns per car-lap). A borrowed array has no owner to
count for; the function that borrows must hold the real one for as long (an argument is held by the
caller).
"""

# Numba's own functions have no types.
# mypy: disallow-untyped-calls=False, disallow-untyped-decorators=False

from collections.abc import Callable, Sequence
from typing import TypeVar

from llvmlite import ir  # type: ignore[import-untyped]  # numba's compiler, has no types
from numba.core import types
from numba.core.base import BaseContext
from numba.core.typing.templates import Signature
from numba.extending import intrinsic, overload

_Array = TypeVar("_Array")
_Emit = Callable[[BaseContext, ir.IRBuilder, Signature, Sequence[ir.Value]], ir.Value]


def borrowed(array: _Array) -> _Array:
    """The same array, uncounted; in plain Python the array itself."""
    return array


@intrinsic
def _borrow(typingctx: object, array: types.Type) -> tuple[Signature, _Emit]:  # noqa: ARG001  # numba passes it
    def emit(context: BaseContext, builder: ir.IRBuilder, sig: Signature, args: Sequence[ir.Value]) -> ir.Value:
        view = context.make_array(sig.args[0])(context, builder, value=args[0])
        for owner in ("meminfo", "parent"):
            setattr(view, owner, getattr(view, owner).type(None))
        return view._getvalue()  # noqa: SLF001  # how numba's own array code does it

    return array(array), emit


@overload(borrowed)
def _borrowed(array: types.Type) -> Callable[[types.Type], types.Type]:  # noqa: ARG001  # for any array
    def compiled(array: types.Type) -> types.Type:
        return _borrow(array)  # type: ignore[call-arg]  # numba adds the first argument

    return compiled
