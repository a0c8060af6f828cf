"""`python -m bench`: run every measurement, or those named, and print the figures beside their budgets.

A measurement is a module of this folder with a function `measure(scale)` that yields figures; a new one is found by
itself. `scale` is a share of the full size: budgets are meant for 1.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from typing import TYPE_CHECKING

import bench
from bench.figures import show

if TYPE_CHECKING:
    from types import ModuleType


def measurements() -> dict[str, ModuleType]:
    """Every measurement by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.__path__) if not found.name.startswith("_"))
    modules = {name: importlib.import_module(f"bench.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "measure")}


def main(arguments: list[str] | None = None) -> None:
    """Run what the command line names."""
    known = measurements()
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and print figures beside budgets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(known)} (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, e.g. 0.1 (default 1)")
    parser.add_argument("--list", action="store_true", help="say what each one measures, and measure nothing")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}")
    for name in options.names or known:
        print(f"{name}: {(known[name].__doc__ or '').strip().splitlines()[0]}", flush=True)
        if not options.list:
            show(known[name].measure(options.scale))


if __name__ == "__main__":
    main()
