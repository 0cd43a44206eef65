"""Writes the stubs of the modules that are made from the registry: ``python -m robust_fl._stubs FOLDER``."""

import sys
from pathlib import Path

from . import _native
from ._parts import _BASES, _MODULES, _python, class_name

_TYPES = {
    "whole number": "int", "number": "float", "true or false": "bool", "text": "str",
    "list of numbers": "Sequence[float]", "list of whole numbers": "Sequence[int]",
}


def _type(kind: str, choices: list[str], default: object) -> str:
    plain, optional, _ = kind.partition(", may be left out")
    if choices:
        found = "Literal[" + ", ".join(f'"{choice}"' for choice in choices) + "]"
    else:
        found = _TYPES.get(plain, "Any")
    return found + " | None" if found != "Any" and (optional or default is None) else found


def stub(category: str) -> str:
    """The stub of a category's module."""
    base = _BASES[category].__name__
    lines = [
        "# Written by python -m robust_fl._stubs from the registry.",
        "from collections.abc import Sequence",
        "from typing import Any, Literal",
        "",
        f"from ._parts import {base}",
        "",
        "__all__: list[str]",
    ]
    for part in _native.catalogue():
        if part["category"] != category:
            continue
        settings = [
            f"{_python(name)}: {_type(kind, choices, default)} = ..."
            for name, kind, choices, default in part["settings"]
        ]
        given = ", ".join(["self", "*", *settings] if settings else ["self"])
        lines += ["", f"class {class_name(part['name'])}({base}):", f"    def __init__({given}) -> None: ..."]
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    """Writes all of them."""
    for category, module in _MODULES.items():
        (folder / f"{module}.pyi").write_text(stub(category), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
