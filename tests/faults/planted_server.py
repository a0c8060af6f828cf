"""`python -m tests.faults.planted_server MUTANT COMMAND...`: the real command line, with a bug planted in it."""

from __future__ import annotations

import sys

from exchange.cli import main
from tests.faults.mutants import planted

if __name__ == "__main__":
    with planted(sys.argv[1]):
        sys.exit(main(sys.argv[2:]))
