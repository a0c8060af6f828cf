"""What commands have in common: help with an example, and the folder they work on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

Command: TypeAlias = Callable[[argparse.Namespace], int]
"""Runs a command; the process's exit status."""

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no other name
"""Where `add` puts a command, or a command its verbs."""

DEFAULT_DIR: Final = "data"


def add(
    commands: Commands,
    name: str,
    run: Command,
    about: str,
    example: str,
) -> argparse.ArgumentParser:
    """One more command, with its help and an example."""
    command = commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def dir_option(command: argparse.ArgumentParser, about: str = "the data folder") -> None:
    """`--dir`."""
    command.add_argument("--dir", type=Path, default=Path(DEFAULT_DIR), help=f"{about} (default: {DEFAULT_DIR})")
