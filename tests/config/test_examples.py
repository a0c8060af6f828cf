"""Proxies, firewall and rules that operators copy are read by the very programs that they are for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "config"


def ran(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What the program says; skipped by name where it is not installed."""
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if path is None:
        pytest.skip(f"{program} is not installed: its example in config/ is NOT checked")
    return subprocess.run([path, *words], capture_output=True, text=True, check=False, timeout=120)


def test_nginx_takes_its_example(tmp_path: Path) -> None:
    """As a site of its own, with a certificate that is made for this."""
    text = (CONFIG / "nginx.conf").read_text().replace("/etc/ssl/exchange", str(tmp_path))
    (tmp_path / "site.conf").write_text(text.replace("/var/log/nginx", str(tmp_path)))
    outer = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n include {tmp_path}/site.conf;\n}}\n"
    (tmp_path / "nginx.conf").write_text(outer)
    key, certificate = str(tmp_path / "privkey.pem"), str(tmp_path / "fullchain.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=exchange.example.org", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    done = ran("nginx", "-t", "-e", str(tmp_path / "error.log"), "-c", str(tmp_path / "nginx.conf"))
    assert done.returncode == 0, done.stderr


def test_prometheus_takes_the_rules() -> None:
    done = ran("promtool", "check", "rules", str(CONFIG / "alerts.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_caddy_takes_its_example() -> None:
    done = ran("caddy", "validate", "--adapter", "caddyfile", "--config", str(CONFIG / "Caddyfile"))
    assert done.returncode == 0, done.stderr


def test_nftables_takes_its_example() -> None:
    done = ran("nft", "-c", "-f", str(CONFIG / "nftables.conf"))
    if "Operation not permitted" in done.stderr:
        pytest.skip("nft may not even check without CAP_NET_ADMIN: config/nftables.conf is NOT checked")
    assert done.returncode == 0, done.stderr


def test_the_firewall_denies_what_it_does_not_name() -> None:
    text = (CONFIG / "nftables.conf").read_text()
    assert len(re.findall(r"policy drop;", text)) == len(re.findall(r"\bhook\b", text)) == 3


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_leaves_idle_connections_before_the_server_does(name: str) -> None:
    """Otherwise a request would now and then meet a connection that is just being closed."""
    from exchange.api.door_limits import DoorLimits
    from exchange.api.web import IDLE_SECONDS

    kept = [int(seconds) for seconds in re.findall(r"keepalive(?:_timeout)? (\d+)s", (CONFIG / name).read_text())]
    assert kept
    assert max(kept) < min(IDLE_SECONDS, DoorLimits().idle)
