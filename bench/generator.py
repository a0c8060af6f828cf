"""The load generators of `bench/load`, in C so that they are never the bottleneck: compiled when first needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

SOURCES: Final = Path(__file__).parent / "load"
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onebox-bench"

OK: Final = 200
UNANSWERED: Final = -1
NOT_SENT: Final = 0


class Run(msgspec.Struct):
    """What became of a script. `replies[c][i]`: status and microseconds of connection c's request i."""

    seconds: float
    sent: int
    cpu_seconds: float
    replies: list[list[tuple[int, int]]]

    def count(self, status: int) -> int:
        """How many requests were answered so."""
        return sum(reply[0] == status for peer in self.replies for reply in peer)

    def latency(self, share: float) -> float:
        """Milliseconds within which that share of all good replies came."""
        times = sorted(reply[1] for peer in self.replies for reply in peer if reply[0] == OK)
        return times[min(len(times) - 1, int(len(times) * share))] / 1000 if times else float("nan")


def cache() -> Path:
    """Where compiled generators and peers live between runs."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    return _CACHE


def compiled(name: str) -> Path:
    """The program of `load/<name>.c`, built anew whenever a source has changed."""
    sources = b"".join(source.read_bytes() for source in sorted(SOURCES.iterdir()))
    program = cache() / f"{name}-{hashlib.sha256(sources).hexdigest()[:12]}"
    if not program.exists():
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise SystemExit("bench: the load generators need a C compiler (gcc or cc), and none was found")
        fresh = program.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-O2", "-o", str(fresh), str(SOURCES / f"{name}.c"), "-lm"], check=True)
        fresh.rename(program)
    return program


def run_program(command: Sequence[str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a generator; what it has to complain about is shown, and its failure raised."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=timeout)
    for line in done.stderr.splitlines()[:3]:
        print(f"    {line}", flush=True)
    done.check_returncode()
    return done


def send(
    kind: str,
    port: int,
    path: str,
    requests: Sequence[Sequence[bytes]],
    *,
    in_flight: int,
    seconds: float,
    rate: float = 0,
) -> Run:
    """Send each connection its requests, `in_flight` unanswered at a time or at `rate` a second in all."""
    program = compiled("orders")
    with tempfile.TemporaryDirectory() as scratch:
        script, results = Path(scratch) / "script", Path(scratch) / "results"
        _write(script, requests)
        where = [kind, "127.0.0.1", str(port), path, str(script), str(results)]
        command = [str(program), *where, str(in_flight), str(seconds), str(rate)]
        done = run_program(command, seconds + 60)
        elapsed, sent, cpu = done.stdout.split()
        return Run(float(elapsed), int(sent), float(cpu), _read(results, requests))


def _write(script: Path, requests: Sequence[Sequence[bytes]]) -> None:
    with script.open("wb") as file:
        file.write(struct.pack("<I", len(requests)))
        for peer in requests:
            file.write(struct.pack("<I", len(peer)))
            file.writelines(struct.pack("<I", len(request)) + request for request in peer)


def _read(results: Path, requests: Sequence[Sequence[bytes]]) -> list[list[tuple[int, int]]]:
    rows = struct.iter_unpack("<iI", results.read_bytes())
    return [[(status, micros) for _, (status, micros) in zip(peer, rows, strict=False)] for peer in requests]
