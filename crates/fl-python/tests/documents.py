"""The README's examples in one program, and the docstrings' ones."""

import doctest
import importlib
import json
import os
import pkgutil
import re
import sys
import tempfile
import time
from pathlib import Path

import robust_fl



def run(name: str, text: str) -> None:
    """A program that is an example."""
    if "import torch" in text and not os.environ.get("ROBUST_FL_ALL"):
        print(f"{name} is left out: it needs PyTorch")
        return
    begun = time.monotonic()
    program = Path(name).with_suffix(".py")
    program.write_text(text, encoding="utf-8")
    exec(compile(text, str(program), "exec"), {"__name__": "__main__"})
    print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)


package = Path(__file__).parent.parent
os.chdir(tempfile.mkdtemp())
blocks = re.findall(r"```python\n(.*?)```", (package / "README.md").read_text(encoding="utf-8"), re.DOTALL)
# A source that functions can be read from, as in a notebook.
program = Path("readme.py")
program.write_text("\n".join(blocks), encoding="utf-8")
exec(compile(program.read_text(encoding="utf-8"), str(program), "exec"), {"__name__": "readme"})
failed = 0
for module in pkgutil.walk_packages(robust_fl.__path__, "robust_fl."):
    if module.name.rpartition(".")[2] in ("__main__", "torch", "_native"):
        continue
    if module.name.startswith("robust_fl.flower"):
        # It needs Flower, and its examples need a federation: they are tests.
        continue
    failed += doctest.testmod(importlib.import_module(module.name)).failed
failed += doctest.testmod(robust_fl).failed
for notebook in sorted((package.parent.parent / "examples" / "python").glob("*.ipynb")):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    run(notebook.name, text)
for example in sorted((package.parent.parent / "examples" / "python").glob("*.py")):
    run(example.name, example.read_text(encoding="utf-8"))
sys.exit(failed > 0)
