"""A peer: Quart-Trio under Hypercorn with nothing behind it. `python -m bench.quart_alone PORT`."""

from __future__ import annotations

import sys

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart_trio import QuartTrio


def main(port: int) -> None:
    """Answer every `POST /order` with the same few bytes until killed."""
    app = QuartTrio("alone")

    async def order() -> dict[str, int]:
        return {"orderId": 1}

    app.add_url_rule("/order", view_func=order, methods=["POST"])
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_max_requests = 10**9
    trio.run(serve, app, config)


if __name__ == "__main__":
    main(int(sys.argv[1]))
