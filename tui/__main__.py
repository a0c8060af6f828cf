"""`python -m tui SOCKET` is `exchange tui --socket SOCKET`."""

from __future__ import annotations

import sys

from tui.app import main

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m tui SOCKET\n")
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
