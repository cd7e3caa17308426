"""Vectors of 32 values for Numba: race ``k`` of a block lives in lane ``k``, and kernel code reads like scalar code.

    F   32 x float32     I   32 x int32     M   32 x one bit, what a comparison gives

Every operation becomes one LLVM vector instruction in the function that uses it: 2 AVX-512 or 4 AVX2
registers a value, no call, no memory, whether the values are arguments, results (also in tuples), loop
variables or change in an ``if``. Numba leaves the same loop over lanes scalar, about 4 times slower,
because it cannot prove that the arrays do not overlap.

Semantics, so that a scalar twin can do the same and get the same bits:

- Strict IEEE float32: no fast-math flag, no fused multiply-add. ``a * b + c`` rounds twice on every CPU,
  and a build for AVX2 gives the bits of one for AVX-512. A caller compiled with ``fastmath`` loses that:
  Numba would put the flags on these instructions too.
- A scalar on either side of an operator, of ``where``, ``vmax`` or ``vmin`` stands for 32 equal lanes. It is
  first rounded to float32 beside an F, cut to its low 32 bits beside an I. F and I never mix by themselves.
- ``F / F`` divides by zero as IEEE does (infinity or NaN), it raises nothing.
- Comparisons with NaN are false, only ``!=`` is true. Comparisons of I are signed. Write the vector on the left:
  ``np.float32 < F`` compiles, but NumPy tells the type checker that it is a bool.
- I arithmetic wraps. ``I << n`` and ``I >> n`` are *logical*: ``>>`` shifts zeros in at the top, also for a
  negative lane, unlike Python and NumPy. ``n`` is 0 to 31.
- A mask is no bool: ``if anym(m)``, not ``if m``. A loop variable must start as a vector: ``splat(0.0)``.
- No bounds are checked in ``load``, ``store`` and ``pick``.

Helper functions that take or return vectors: decorate them with ``inlined``. An ``@njit`` helper works too, and a
small one runs as fast; one too large for LLVM to inline (three normals and logistics, 9 arguments) stayed a call: 7 %
slower, though the caller compiled in half the time.
Numba's disk cache watches only the file of the cached kernel: touch that file when this one changes.

Importing this module registers the types with Numba. In plain Python the functions raise NotImplementedError;
the classes ``F``, ``I``, ``M`` are there for annotations.
"""

# The declarations have no body to use their arguments in, and values have no hash.
# ruff: noqa: ARG001, PLW1641
# Numba's own functions have no types.
# mypy: disallow-untyped-calls=False, disallow-untyped-decorators=False

import builtins
import operator
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final, Protocol, TypeVar, overload

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]  # numba's compiler, has no types
from numba.core import cgutils, types
from numba.core.base import BaseContext
from numba.core.datamodel.manager import DataModelManager
from numba.core.errors import TypingError
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, Signature, infer_global, signature
from numba.extending import models, register_jitable, register_model

#: Races that a vector holds. Not a setting: 16 was 1.9 times and 64 was 1.3 times slower when measured on Zen 5.
LANES: Final = 32

Real = float | np.float32
Whole = int | np.integer[Any]
# What a call takes and gives, or None where it has no meaning.
_Typing = Signature | None
_Function = TypeVar("_Function", bound=Callable[..., Any])


class F(Protocol):
    """32 float32 values. For annotations only: values exist in compiled code."""

    _lanes_of_float32: None

    def __add__(self, other: "F | Real", /) -> "F": ...
    def __radd__(self, other: Real, /) -> "F": ...
    def __sub__(self, other: "F | Real", /) -> "F": ...
    def __rsub__(self, other: Real, /) -> "F": ...
    def __mul__(self, other: "F | Real", /) -> "F": ...
    def __rmul__(self, other: Real, /) -> "F": ...
    def __truediv__(self, other: "F | Real", /) -> "F": ...
    def __rtruediv__(self, other: Real, /) -> "F": ...
    def __neg__(self) -> "F": ...
    def __abs__(self) -> "F": ...
    def __lt__(self, other: "F | Real", /) -> "M": ...
    def __le__(self, other: "F | Real", /) -> "M": ...
    def __gt__(self, other: "F | Real", /) -> "M": ...
    def __ge__(self, other: "F | Real", /) -> "M": ...
    def __eq__(self, other: "F | Real", /) -> "M": ...  # type: ignore[override]  # object's gives a bool
    def __ne__(self, other: "F | Real", /) -> "M": ...  # type: ignore[override]  # object's gives a bool


class I(Protocol):  # noqa: E742  # the field's name beside F and M
    """32 int32 values. For annotations only: values exist in compiled code."""

    _lanes_of_int32: None

    def __add__(self, other: "I | Whole", /) -> "I": ...
    def __radd__(self, other: Whole, /) -> "I": ...
    def __sub__(self, other: "I | Whole", /) -> "I": ...
    def __rsub__(self, other: Whole, /) -> "I": ...
    def __mul__(self, other: "I | Whole", /) -> "I": ...
    def __rmul__(self, other: Whole, /) -> "I": ...
    def __and__(self, other: "I | Whole", /) -> "I": ...
    def __rand__(self, other: Whole, /) -> "I": ...
    def __or__(self, other: "I | Whole", /) -> "I": ...
    def __ror__(self, other: Whole, /) -> "I": ...
    def __xor__(self, other: "I | Whole", /) -> "I": ...
    def __rxor__(self, other: Whole, /) -> "I": ...
    def __lshift__(self, other: "I | Whole", /) -> "I": ...
    def __rshift__(self, other: "I | Whole", /) -> "I": ...
    def __neg__(self) -> "I": ...
    def __invert__(self) -> "I": ...
    def __lt__(self, other: "I | Whole", /) -> "M": ...
    def __le__(self, other: "I | Whole", /) -> "M": ...
    def __gt__(self, other: "I | Whole", /) -> "M": ...
    def __ge__(self, other: "I | Whole", /) -> "M": ...
    def __eq__(self, other: "I | Whole", /) -> "M": ...  # type: ignore[override]  # object's gives a bool
    def __ne__(self, other: "I | Whole", /) -> "M": ...  # type: ignore[override]  # object's gives a bool


class M(Protocol):
    """32 bits, one a lane. For annotations only: values exist in compiled code."""

    _lanes_of_bit: None

    def __and__(self, other: "M | bool", /) -> "M": ...
    def __rand__(self, other: bool, /) -> "M": ...
    def __or__(self, other: "M | bool", /) -> "M": ...
    def __ror__(self, other: bool, /) -> "M": ...
    def __xor__(self, other: "M | bool", /) -> "M": ...
    def __rxor__(self, other: bool, /) -> "M": ...
    def __invert__(self) -> "M": ...


_V = TypeVar("_V", F, I)
_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int32] | npt.NDArray[np.uint32] | npt.NDArray[np.int8] | npt.NDArray[np.uint8]


def inlined(function: _Function) -> _Function:
    """Decorate a helper so that compiled callers contain its code; plain Python still calls it as it is.

    Use it for scalar and vector helpers alike.
    """
    compiled: _Function = register_jitable(forceinline=True)(function)
    return compiled


def _only_compiled(name: str) -> NotImplementedError:
    return NotImplementedError(f"simd.{name}: only inside a function compiled by Numba; call it from an @njit function")


def where(mask: M, a: _V | Real, b: _V | Real) -> _V:
    """``a`` in the lanes of the mask, ``b`` in the others; one of the two may be a scalar."""
    raise _only_compiled("where")


def vmax(a: _V | Real, b: _V | Real) -> _V:
    """``a if a > b else b`` in each lane, exactly: ``b`` when one is NaN or both are zero."""
    raise _only_compiled("vmax")


def vmin(a: _V | Real, b: _V | Real) -> _V:
    """``a if a < b else b`` in each lane, exactly: ``b`` when one is NaN or both are zero."""
    raise _only_compiled("vmin")


def splat(x: Real) -> F:
    """32 equal float32 values."""
    raise _only_compiled("splat")


def isplat(x: Whole) -> I:
    """32 equal int32 values: the low 32 bits of ``x``."""
    raise _only_compiled("isplat")


def msplat(x: bool) -> M:
    """32 equal bits."""
    raise _only_compiled("msplat")


def sqrt(x: F) -> F:
    """Correctly rounded square root, the bits of ``np.sqrt`` on float32; NaN below zero."""
    raise _only_compiled("sqrt")


def tofloat(x: I) -> F:
    """The nearest float32 of each signed lane; exact up to 2**24."""
    raise _only_compiled("tofloat")


def asint(x: F) -> I:
    """The same bits, read as int32."""
    raise _only_compiled("asint")


def asfloat(x: I) -> F:
    """The same bits, read as float32."""
    raise _only_compiled("asfloat")


def anym(m: M) -> bool:
    """Is any lane set."""
    raise _only_compiled("anym")


def bits(m: M) -> int:
    """The mask as an int64, bit ``k`` = lane ``k``; walk it with ``k = ctz(s)`` and ``s &= s - 1`` while ``s``."""
    raise _only_compiled("bits")


def ctz(x: Whole) -> int:
    """Number of trailing zero bits of a whole number that is not zero (of zero: undefined)."""
    raise _only_compiled("ctz")


@overload
def load(a: _Floats, i: Whole) -> F: ...
@overload
def load(a: _Ints, i: Whole) -> I: ...
def load(a: _Floats | _Ints, i: Whole) -> F | I:
    """The 32 elements from flat offset ``i`` of a contiguous array.

    float32 gives F; int32, uint32 (same bits), int8 and uint8 (widened) give I.
    """
    raise _only_compiled("load")


@overload
def store(a: _Floats, i: Whole, v: F) -> None: ...
@overload
def store(a: _Ints, i: Whole, v: I) -> None: ...
def store(a: _Floats | _Ints, i: Whole, v: F | I) -> None:
    """Write 32 elements from flat offset ``i`` of a contiguous array: the inverse of ``load``.

    An 8-bit element keeps the low 8 bits of its lane.
    """
    raise _only_compiled("store")


@overload
def pick(a: _Floats, at: Whole, rows: _Ints, i: Whole) -> F: ...
@overload
def pick(a: _Ints, at: Whole, rows: _Ints, i: Whole) -> I: ...
def pick(a: _Floats | _Ints, at: Whole, rows: _Ints, i: Whole) -> F | I:
    """Lane ``k`` is element ``k`` of row ``rows[i + k]``; rows of 32 elements from flat offset ``at`` of ``a``.

    ``rows`` is int32, ``a`` as for ``load``. 2 x 32 scalar loads: half the time of the gather instruction when measured
    on Zen 5, and less than with row numbers that are taken out of a vector.
    """
    raise _only_compiled("pick")


class Vector(types.Type):
    """Numba's type of a vector; ``F_TYPE``, ``I_TYPE`` and ``M_TYPE`` are all there are."""

    def __init__(self, name: str, scalar: types.Type) -> None:
        self.scalar = scalar
        super().__init__(f"{name}({LANES} x {scalar})")


F_TYPE: Final = Vector("F", types.float32)
I_TYPE: Final = Vector("I", types.int32)
M_TYPE: Final = Vector("M", types.boolean)

_I1, _I8, _I32, _I64 = (ir.IntType(n) for n in (1, 8, 32, 64))
_LLVM: Final = {
    F_TYPE: ir.VectorType(ir.FloatType(), LANES),
    I_TYPE: ir.VectorType(_I32, LANES),
    M_TYPE: ir.VectorType(_I1, LANES),
}
_BYTES: Final = ir.VectorType(_I8, LANES)
#: How an element becomes a lane, and back: vector, LLVM vector in memory, its instruction for widening.
_ELEMENTS: Final = {
    types.float32: (F_TYPE, _LLVM[F_TYPE], None),
    types.int32: (I_TYPE, _LLVM[I_TYPE], None),
    types.uint32: (I_TYPE, _LLVM[I_TYPE], None),
    types.int8: (I_TYPE, _BYTES, "sext"),
    types.uint8: (I_TYPE, _BYTES, "zext"),
}
_FITS: Final[dict[types.Type, Any]] = {
    types.float32: (types.Float, types.Integer),
    types.int32: types.Integer,
    types.int64: types.Integer,
    types.boolean: types.Boolean,
}


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: DataModelManager, kind: Vector) -> None:
        super().__init__(manager, kind, _LLVM[kind])


#: What each function or operator takes and gives: (argument types, result type), filled by ``_define``.
_MEANINGS: Final[dict[Callable[..., Any], list[tuple[tuple[types.Type, ...], types.Type]]]] = {}


class _Template(AbstractTemplate):
    """Type inference from ``_MEANINGS``; Numba converts the arguments to the signature's types."""

    key: Any

    def generic(self, args: Sequence[types.Type], kws: dict[str, types.Type]) -> _Typing:
        for takes, gives in _MEANINGS[type(self).key]:  # self.key would be a bound method
            if not kws and len(args) == len(takes) and all(map(_fits, args, takes)):
                return _signature(gives, *takes)
        return None


def _fits(actual: types.Type, formal: types.Type) -> bool:
    return actual == formal if isinstance(formal, Vector) else isinstance(actual, _FITS[formal])


def _signature(result: types.Type, *arguments: types.Type) -> Signature:
    made: Signature = signature(result, *arguments)
    return made


def _define(
    function: Callable[..., Any],
    result: types.Type,
    takes: tuple[Any, ...],
    emit: Callable[..., ir.Value],
    *,
    scalars: bool = False,
) -> None:
    """Give ``function`` a meaning: ``emit(builder, *values)`` writes it; ``scalars`` may stand for vectors."""

    def lower(_context: BaseContext, builder: ir.IRBuilder, sig: Signature, args: Sequence[ir.Value]) -> ir.Value:
        values = [
            _broadcast(builder, value, formal) if isinstance(formal, Vector) and actual != formal else value
            for value, actual, formal in zip(args, sig.args, takes, strict=True)
        ]
        return emit(builder, *values)

    for spelling in _spellings(takes) if scalars else [takes]:
        _MEANINGS.setdefault(function, []).append((spelling, result))
        lower_builtin(function, *spelling)(lower)


def _spellings(takes: tuple[Vector, ...]) -> list[tuple[types.Type, ...]]:
    """Each of the last two arguments as a vector or a scalar; one of two stays a vector."""
    choices = [(v,) if at < len(takes) - 2 else (v, v.scalar) for at, v in enumerate(takes)]
    return [spelling for spelling in product(*choices) if len(takes) == 1 or takes[-1] in spelling]


def _broadcast(builder: ir.IRBuilder, x: ir.Value, vector: Vector) -> ir.Value:
    undefined = ir.Constant(_LLVM[vector], ir.Undefined)
    first = builder.insert_element(undefined, x, _I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_LLVM[I_TYPE], [0] * LANES))


def _instruction(name: str) -> Callable[..., ir.Value]:
    """Emit the builder's instruction of that name, without flags."""
    return lambda builder, *values: getattr(builder, name)(*values)


def _comparison(vector: Vector, sign: str) -> Callable[..., ir.Value]:
    # Unordered is true for NaN, as != is in Python.
    name = "icmp_signed" if vector is I_TYPE else "fcmp_unordered" if sign == "!=" else "fcmp_ordered"
    return lambda builder, a, b: getattr(builder, name)(sign, a, b)


def _pick(vector: Vector, sign: str) -> Callable[..., ir.Value]:
    """``a if a <sign> b else b``."""
    compare = _comparison(vector, sign)
    return lambda builder, a, b: builder.select(compare(builder, a, b), a, b)


def _convert(name: str, vector: Vector) -> Callable[..., ir.Value]:
    return lambda builder, x: getattr(builder, name)(x, _LLVM[vector])


def _intrinsic(name: str) -> Callable[..., ir.Value]:
    """Call LLVM's intrinsic ``name`` on one F; it becomes an instruction."""

    def emit(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
        kind = ir.FunctionType(x.type, [x.type])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32"), [x])

    return emit


def _define_operators() -> None:
    arithmetic = {
        F_TYPE: {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv"},
        I_TYPE: dict.fromkeys(("add", "sub", "mul", "xor"), "")
        | {"and_": "", "or_": "", "lshift": "shl", "rshift": "lshr"},
        M_TYPE: {"and_": "", "or_": "", "xor": ""},
    }
    for vector, names in arithmetic.items():
        for name, instruction in names.items():
            emit = _instruction(instruction or name)
            in_place = "i" + name.removesuffix("_")
            for function in (getattr(operator, name), getattr(operator, in_place)):
                _define(function, vector, (vector, vector), emit, scalars=True)
    for vector in (F_TYPE, I_TYPE):
        for name, sign in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.items():
            emit = _comparison(vector, sign)
            _define(getattr(operator, name), M_TYPE, (vector, vector), emit, scalars=True)
    _define(operator.neg, F_TYPE, (F_TYPE,), _instruction("fneg"))
    _define(operator.neg, I_TYPE, (I_TYPE,), _instruction("neg"))
    _define(operator.invert, I_TYPE, (I_TYPE,), _instruction("not_"))
    _define(operator.invert, M_TYPE, (M_TYPE,), _instruction("not_"))
    _define(builtins.abs, F_TYPE, (F_TYPE,), _intrinsic("fabs"))


def _define_functions() -> None:
    for vector in (F_TYPE, I_TYPE):
        _define(where, vector, (M_TYPE, vector, vector), _instruction("select"), scalars=True)
        _define(vmax, vector, (vector, vector), _pick(vector, ">"), scalars=True)
        _define(vmin, vector, (vector, vector), _pick(vector, "<"), scalars=True)
    for function, vector in ((splat, F_TYPE), (isplat, I_TYPE), (msplat, M_TYPE)):
        _define(function, vector, (vector,), lambda _, x: x, scalars=True)
    _define(sqrt, F_TYPE, (F_TYPE,), _intrinsic("sqrt"))
    _define(tofloat, F_TYPE, (I_TYPE,), _convert("sitofp", F_TYPE))
    _define(asint, I_TYPE, (F_TYPE,), _convert("bitcast", I_TYPE))
    _define(asfloat, F_TYPE, (I_TYPE,), _convert("bitcast", F_TYPE))
    _define(bits, types.int64, (M_TYPE,), lambda b, m: b.zext(b.bitcast(m, _I32), _I64))
    _define(anym, types.boolean, (M_TYPE,), lambda b, m: b.icmp_unsigned("!=", b.bitcast(m, _I32), _I32(0)))

    _define(ctz, types.int64, (types.int64,), lambda b, x: b.cttz(x, _I1(1)))


def _element(name: str, array: types.Type) -> Vector:
    """The vector that holds the array's elements. Raises TypingError, which names the array, where none does."""
    if not isinstance(array, types.Array) or array.layout != "C" or array.dtype not in _ELEMENTS:
        wanted = "a contiguous array of float32, int32, uint32, int8 or uint8"
        raise TypingError(f"simd.{name}: needs {wanted}, got {array}")
    return _ELEMENTS[array.dtype][0]


@infer_global(load)
class _Load(AbstractTemplate):
    def generic(self, args: Sequence[types.Type], _kws: dict[str, types.Type]) -> _Typing:
        array, index = args
        element = _element("load", array)
        return _signature(element, array, types.intp) if isinstance(index, types.Integer) else None


@infer_global(store)
class _Store(AbstractTemplate):
    def generic(self, args: Sequence[types.Type], _kws: dict[str, types.Type]) -> _Typing:
        array, index, vector = args
        fits = _element("store", array) == vector and array.mutable and isinstance(index, types.Integer)
        return _signature(types.none, array, types.intp, vector) if fits else None


@infer_global(pick)
class _Pick(AbstractTemplate):
    def generic(self, args: Sequence[types.Type], _kws: dict[str, types.Type]) -> _Typing:
        array, at, rows, index = args
        element, numbers = _element("pick", array), isinstance(rows, types.Array) and rows.dtype == types.int32
        fits = numbers and isinstance(at, types.Integer) and isinstance(index, types.Integer)
        return _signature(element, array, types.intp, rows, types.intp) if fits else None


def _at(
    context: BaseContext, builder: ir.IRBuilder, sig: Signature, args: Sequence[ir.Value]
) -> tuple[ir.Value, ir.Type, str | None]:
    """Pointer to the vector at offset ``args[1]`` of array ``args[0]``, and how its elements are stored."""
    array = context.make_array(sig.args[0])(context, builder, args[0])
    _, stored, widen = _ELEMENTS[sig.args[0].dtype]
    return builder.bitcast(builder.gep(array.data, [args[1]]), stored.as_pointer()), stored, widen


@lower_builtin(load, types.Array, types.Integer)
def _lower_load(context: BaseContext, builder: ir.IRBuilder, sig: Signature, args: Sequence[ir.Value]) -> ir.Value:
    pointer, stored, widen = _at(context, builder, sig, args)
    value = builder.load(pointer, align=1 if stored is _BYTES else 4)
    return getattr(builder, widen)(value, _LLVM[I_TYPE]) if widen else value


@lower_builtin(store, types.Array, types.Integer, Vector)
def _lower_store(context: BaseContext, builder: ir.IRBuilder, sig: Signature, args: Sequence[ir.Value]) -> ir.Value:
    pointer, stored, widen = _at(context, builder, sig, args)
    value = builder.trunc(args[2], stored) if widen else args[2]
    builder.store(value, pointer, align=1 if stored is _BYTES else 4)
    return context.get_dummy_value()


@lower_builtin(pick, types.Array, types.Integer, types.Array, types.Integer)
def _lower_pick(context: BaseContext, builder: ir.IRBuilder, sig: Signature, args: Sequence[ir.Value]) -> ir.Value:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    rows = context.make_array(sig.args[2])(context, builder, args[2])
    _, stored, widen = _ELEMENTS[sig.args[0].dtype]
    value = ir.Constant(stored, ir.Undefined)
    for lane in range(LANES):
        # Atomic, which costs nothing here: else LLVM loads a vector and takes it apart, or makes it a gather.
        row = builder.load_atomic(builder.gep(rows.data, [builder.add(args[3], _I64(lane))]), "monotonic", 4)
        offset = builder.add(args[1], builder.mul(builder.sext(row, _I64), _I64(LANES)))
        element = builder.load(builder.gep(array.data, [builder.add(offset, _I64(lane))]))
        value = builder.insert_element(value, element, _I32(lane))
    return getattr(builder, widen)(value, _LLVM[I_TYPE]) if widen else value


_define_operators()
_define_functions()
for _function in _MEANINGS:
    infer_global(_function)(_Template)
