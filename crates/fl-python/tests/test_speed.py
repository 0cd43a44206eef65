"""What the binding adds, counted and not timed: copies and memory."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np, robust_fl as rf
x = np.empty((20, 2_000_000), np.float32)
# Row by row, so that no larger matrix has been there before.
for row in x:
    row[:] = np.random.default_rng(0).normal(size=row.size)
# Threads and code are there before anything is counted.
rf.aggregate(x[:, :100].copy(), "geometric-median", 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
out, report = rf.aggregate(x, "geometric-median", 2, full=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, out.nbytes, x.nbytes, report.copied)
"""


LISTS = PROGRAM.replace('rf.aggregate(x, "geo', 'rf.aggregate([{"a": row[:9], "b": row[9:]} for row in x], "geo').replace(
    "out.nbytes", "4 * x.shape[1]"
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count in other units")
@pytest.mark.parametrize("program", [PROGRAM, LISTS])
def test_memory_is_one_output(program):
    """The greatest memory of a process, Rust's and Python's, around the first call: no second matrix, of lists neither."""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    kibibytes, output, matrix, copied = said.stdout.split()
    assert copied == "None"
    grown = int(kibibytes) * 1024
    # Of lists also the tiles that they are read through.
    assert grown <= 2 * int(output) + (16 << 20) < int(matrix) / 4
