"""Every way the doors say no: HTTP status, code and text of the dialect.

Clients match codes, and some texts letter by letter, so both are part of the interface. What the core refuses is
translated by one table; what never reaches the core (parameters, signatures, limits) is worded here.
"""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.core.rejects import Reject


class Refusal(msgspec.Struct, frozen=True):
    """What a refused request is answered with. `retry_after` (seconds) becomes a header unless 0.

    `details` is JSON that stands beside code and text, as `data`. `reason` is the core's name for it. `skew` is by how
    many microseconds a request's timestamp was ahead of our clock, where that is why.
    """

    code: int
    text: str
    status: int = 400
    retry_after: int = 0
    details: msgspec.Raw | None = None
    reason: str = ""
    skew: int | None = None


class Refused(Exception):
    """Carries a refusal from where it is found to the door that answers it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


_STATUS: Final = {
    Reject.QUEUE_FULL: 503,
    Reject.STORAGE_LOW: 503,
    Reject.INTERNAL: 500,
    Reject.UNKNOWN_ACCOUNT: 401,
}
"""HTTP status of what the core refuses, where it is not 400."""


def refusal_of(reject: Reject) -> Refusal:
    """How a refusal of the core leaves the house."""
    return Refusal(reject.code, reject.text, _STATUS.get(reject, 400), reason=reject.name)


# the exchange as a whole
INTERNAL: Final = refusal_of(Reject.INTERNAL)
NO_SUCH_ROUTE: Final = Refusal(-1020, "This operation is not supported.", 404)
WRONG_METHOD: Final = Refusal(-1020, "This operation is not supported.", 405)
BODY_TOO_LARGE: Final = Refusal(-1108, "Parameter 'body' overflowed.", 413)
BODY_TOO_SLOW: Final = Refusal(-1007, "Timeout waiting for the request body.", 408)
HEAD_TOO_SLOW: Final = Refusal(-1007, "Timeout waiting for the request headers.", 408)
HEAD_TOO_LARGE: Final = Refusal(-1108, "Parameter 'headers' overflowed.", 431)
TARGET_TOO_LONG: Final = Refusal(-1108, "Parameter 'target' overflowed.", 414)
EXPECTATION_FAILED: Final = Refusal(-1130, "Data sent for parameter 'Expect' is not valid.", 417)
MALFORMED: Final = Refusal(-1130, "Data sent for parameter 'request' is not valid.")
WRONG_CONTENT_TYPE: Final = Refusal(-1130, "Data sent for parameter 'Content-Type' is not valid.", 415)
NO_MICROSECONDS: Final = Refusal(-1020, "X-MBX-TIME-UNIT: MICROSECOND is not supported.")
BAD_TIME_UNIT: Final = Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")

# who asks
BAD_KEY_FORMAT: Final = Refusal(-2014, "API-key format invalid.", 401)
BAD_KEY: Final = Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
BAD_SIGNATURE: Final = Refusal(-1022, "Signature for this request is not valid.")
TOO_LATE: Final = Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
TOO_EARLY: Final = Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
BAD_RECV_WINDOW: Final = Refusal(-1131, "recvWindow must be less than 60000")

# what was asked
ILLEGAL_SOMEWHERE: Final = Refusal(-1100, "Illegal characters found in a parameter.")
TOO_MANY_PARAMETERS: Final = Refusal(-1101, "Too many parameters sent for this endpoint.")
DUPLICATE_PARAMETER: Final = Refusal(-1101, "Duplicate values for a parameter detected.")
BAD_TIME_IN_FORCE: Final = Refusal(-1115, "Invalid timeInForce.")
BAD_ORDER_TYPE: Final = Refusal(-1116, "Invalid orderType.")
BAD_SIDE: Final = Refusal(-1117, "Invalid side.")
BAD_INTERVAL: Final = Refusal(-1120, "Invalid interval.")
BAD_SYMBOL: Final = refusal_of(Reject.UNKNOWN_MARKET)
BAD_SYMBOL_STATUS: Final = Refusal(-1122, "Invalid symbolStatus.")
BAD_LISTEN_KEY: Final = Refusal(-1125, "This listenKey does not exist.")
TOO_LONG_AGO: Final = Refusal(-1127, "More than 24 hours between startTime and endTime.")
BAD_CANCEL_RESTRICTION: Final = Refusal(-1145, "Invalid cancelRestrictions")
BAD_PREVENTION: Final = Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
BAD_RESPONSE_TYPE: Final = Refusal(-1136, "Invalid newOrderRespType.")
BAD_TICKER_TYPE: Final = Refusal(-1139, "Invalid ticker type.")
DUPLICATE_SYMBOLS: Final = Refusal(-1151, "Symbol is present multiple times in the list.")
TOO_MANY_SYMBOLS: Final = Refusal(-1101, "Too many values sent for parameter 'symbols', maximum allowed up to 100.")
WRONG_STATUS: Final = Refusal(-1220, "The symbol's status does not match the requested symbolStatus.")
NO_REFERENCE_PRICE: Final = Refusal(-2043, "This symbol doesn't have a reference price.")
BAD_COMBINATION: Final = Refusal(-1128, "Combination of optional parameters invalid.")
NO_SUCH_LIST: Final = Refusal(-2013, "Order list does not exist.")
NO_SUCH_ORDER: Final = Refusal(-2013, "Order does not exist.")
NO_PEG: Final = Refusal(-2010, "Pegged orders are not supported for this symbol.")
PRICE_FILTER: Final = refusal_of(Reject.PRICE_FILTER)
LOT_SIZE: Final = refusal_of(Reject.LOT_SIZE)
NOTIONAL: Final = refusal_of(Reject.NOTIONAL)

REPLACE_HALF_FAILED: Final = Refusal(-2021, "Order cancel-replace partially failed.", 409)
REPLACE_FAILED: Final = Refusal(-2022, "Order cancel-replace failed.")

# money that comes and goes
NO_COIN: Final = Refusal(-4018, "We don't have this asset.")
NO_NETWORK: Final = refusal_of(Reject.UNKNOWN_NETWORK)
DEPOSITS_CLOSED: Final = Refusal(-4019, "Current asset is not open for deposit.")
KEY_TOO_NEW: Final = Refusal(-4016, "This API-key is too new to withdraw with: it has to wait after it was made.")
NO_SUCH_WITHDRAWAL: Final = Refusal(-4029, "The withdrawal record doesn't exist.")
CANCEL_TOO_LATE: Final = Refusal(-4031, "Cancellation failed: it has ended, or may be on its way already.")
NOT_LISTED: Final = Refusal(-4035, "This address is not on the whitelist. Please join and try again.")
ADDRESS_TOO_NEW: Final = Refusal(-4036, "The new address is on the whitelist, and has to wait there before it is used.")
ADDRESSES_FULL: Final = Refusal(-4034, "There is no room for more addresses. Remove one.")
SPAN_OF_90_DAYS: Final = Refusal(-4047, "Time interval must be within 0-90 days")
WITHDRAWAL_NAME_USED: Final = Refusal(-4011, "This withdrawOrderId was used before.")


def illegal_address(why: str) -> Refusal:
    """Not an address of that network, or none that can be paid to."""
    return Refusal(-4033, f"illegal address: {why}")


def illegal(name: str, legal: str) -> Refusal:
    """The value of `name` does not match the pattern `legal`."""
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def too_many(expected: int, received: int) -> Refusal:
    """The endpoint takes fewer parameters than were sent."""
    return Refusal(-1101, f"Too many parameters; expected '{expected}' and received '{received}'.")


def missing(name: str) -> Refusal:
    """The endpoint cannot do without `name`."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def neither(first: str, second: str) -> Refusal:
    """One of the two must be sent."""
    return Refusal(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def not_here(what: str) -> Refusal:
    """Something that the dialect has and this exchange has not: refused by its name."""
    return Refusal(-1020, f"This operation is not supported. Not here: {what}.")


def unread(known: int, sent: int, unknown: str) -> Refusal:
    """`unknown` is a parameter that this endpoint does not have: refused by name, never dropped in silence."""
    text = f"Not all sent parameters were read; read '{known}' parameter(s) but was sent '{sent}'."
    return Refusal(-1104, f"{text} Unknown or not supported: '{unknown}'.")


def empty(name: str) -> Refusal:
    """`name` was sent without a value."""
    return Refusal(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> Refusal:
    """`name` does not go with what else was asked."""
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def overflowed(name: str) -> Refusal:
    """The number is larger than anything here can be."""
    return Refusal(-1108, f"Parameter '{name}' overflowed.")


def too_precise(name: str) -> Refusal:
    """More decimal places than the unit has."""
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def invalid(name: str) -> Refusal:
    """A well-formed value that means nothing here."""
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def too_much_weight(limit: int, retry_after: int) -> Refusal:
    """The address has used up its weight for this minute."""
    text = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return Refusal(-1003, text, 429, retry_after)


def banned(until_ms: int, retry_after: int) -> Refusal:
    """The address went on after being told to wait."""
    text = (
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )
    return Refusal(-1003, text, 418, retry_after)


def too_many_orders(limit: int, interval: str, retry_after: int) -> Refusal:
    """The account has placed all the orders that the interval allows."""
    text = f"Too many new orders; current limit is {limit} orders per {interval}."
    return Refusal(-1015, text, 429, retry_after)


def too_many_attempts(limit: int, interval: str, retry_after: int) -> Refusal:
    """The address has tried to connect as often as the interval allows."""
    text = f"Too many connection attempts from IP; current limit is {limit} per '{interval}'."
    return Refusal(-1034, text, 429, retry_after)
