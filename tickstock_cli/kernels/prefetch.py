"""Asks for memory before it is needed.

State of a ticker that had no row for a while has left the cache, and a kernel waits for each line of it. A kernel that
goes from ticker to ticker asks for the lines of a later one, and finds them there when it comes to it.
"""

from __future__ import annotations

import importlib
from typing import Any

import numba
from numpy.typing import NDArray

from tickstock_cli.kernels.machine_code import config

TICKERS_AHEAD = 8
"""How many tickers before its own turn the state of one is asked for; and half as many, what the state points to."""


def _prefetch(_typing_context: Any, array: Any, place: Any) -> Any:  # noqa: ARG001 - numba passes all arguments
    """Return the signature of ``prefetch``, and the function that writes its machine code."""
    # What only compiling needs is imported here: a run with kept machine code starts sooner.
    ir: Any = importlib.import_module("llvmlite.ir")
    types: Any = numba.types
    signature = types.void(array, types.int64)

    def write(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        cgutils: Any = importlib.import_module("numba.core.cgutils")
        make_array: Any = importlib.import_module("numba.np.arrayobj").make_array
        to_bytes, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        held = make_array(array)(context, builder, arguments[0])
        distance = builder.mul(arguments[1], builder.extract_value(held.strides, 0))
        line = builder.gep(builder.bitcast(held.data, to_bytes), [distance])
        kind = ir.FunctionType(ir.VoidType(), [to_bytes, number, number, number])
        instruction = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_write, soon_again, data = number(1), number(3), number(1)
        builder.call(instruction, [line, to_write, soon_again, data])
        return context.get_dummy_value()

    return signature, write


def _do_nothing(array: NDArray[Any], place: int) -> None:
    """Stand in for ``prefetch`` where kernels are not compiled."""


prefetch: Any = _do_nothing if config.DISABLE_JIT else numba.extending.intrinsic(_prefetch)
"""Ask for the element of an array at a place of its first axis, without waiting for it. No result depends on it."""
