"""The command ``fl-cli``, which the wheel brings along."""

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command with this process's arguments."""
    # Python's own handler would wait for the command to end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
