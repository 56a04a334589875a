"""Run in a process of its own: imports one real bindings wheel and writes down all it offers, as JSON.

python reader.py WHEEL_FOLDER TARGET
"""

import json
import sys
from pathlib import Path

METHODS = (
    "instancemethod",
    "builtin_function_or_method",
    "function",
    "staticmethod",
    "method_descriptor",
    "wrapper_descriptor",
)


def member(value):
    kind = type(value).__name__
    if isinstance(value, property):
        setter = value.fset.__doc__ or "(any)" if value.fset else None
        return {"kind": "property", "doc": (value.fget.__doc__ if value.fget else "") or "", "setter": setter}
    if kind in METHODS:
        return {"kind": "method", "doc": value.__doc__ or ""}
    return {"kind": "value"}


def described(value):
    if isinstance(value, type):
        return {
            "kind": "class",
            "bases": [base.__name__ for base in value.__mro__[1:]],
            "enum": {name: int(item) for name, item in getattr(value, "__members__", {}).items()},
            "members": {name: member(item) for name, item in vars(value).items()},
        }
    if type(value).__name__ in METHODS:
        return {"kind": "function", "doc": value.__doc__ or ""}
    # Such as float16, a short name for DataType.HALF.
    return {"kind": "alias", "of": [type(value).__name__, getattr(value, "name", "")]}


def main(wheel, target):
    sys.path.insert(0, wheel)
    import tensorrt_bindings as real

    public = {name: described(value) for name, value in vars(real).items() if not name.startswith("_")}
    Path(target).write_text(json.dumps({"version": real.__version__, "names": public}))


if __name__ == "__main__":
    main(*sys.argv[1:])
