"""How the phases of a market are called here, and what each means for traders."""

from __future__ import annotations

from typing import Final

from exchange.admin.wire import Phase

PHASE_NAME: Final[dict[Phase, str]] = {
    "PRE_OPEN": "not yet open",
    "OPEN": "open",
    "POST_ONLY": "post-only",
    "CANCEL_ONLY": "cancel-only",
    "HALTED": "halted",
}

PHASE_EFFECT: Final[dict[Phase, str]] = {
    "PRE_OPEN": "no orders yet",
    "OPEN": "everything goes in",
    "POST_ONLY": "nothing that takes",
    "CANCEL_ONLY": "no new orders",
    "HALTED": "no orders, no cancels",
}

PHASE_VERB: Final[dict[Phase, str]] = {
    "PRE_OPEN": "Close",
    "OPEN": "Open",
    "POST_ONLY": "Make post-only",
    "CANCEL_ONLY": "Make cancel-only",
    "HALTED": "Halt",
}

WILL_HAPPEN: Final[dict[Phase, str]] = {
    "PRE_OPEN": "New orders are refused, cancels work. Resting orders stay and do not trade.",
    "OPEN": "New orders of every kind go in, match and trade at once against the resting ones. Cancels work.",
    "POST_ONLY": "Only post-only orders (LIMIT_MAKER) go in, so nothing trades. Cancels work. Resting orders stay.",
    "CANCEL_ONLY": "New orders are refused, cancels work, so nothing trades. Resting orders stay.",
    "HALTED": "New orders AND cancels are refused, so nothing trades: traders cannot take their orders out. "
    "Resting orders stay as they are.",
}
"""What an operator is told before it is done."""
