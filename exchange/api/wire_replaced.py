"""The reply to a cancel-replace."""

from __future__ import annotations

import msgspec

from exchange.api.wire_lists import CancelledList
from exchange.api.wire_orders import Acknowledged, Cancelled, Placed


class Failed(msgspec.Struct, frozen=True):
    """The half of a cancel-replace that was refused."""

    code: int
    msg: str


class Replaced(msgspec.Struct, frozen=True, rename="camel"):
    """Both halves of a cancel-replace."""

    cancel_result: str
    new_order_result: str
    cancel_response: Cancelled | CancelledList | Failed
    new_order_response: Acknowledged | Placed | Failed | None
