"""Every way to say no, in order of precedence, with its public code and text.

The texts are part of the interface: clients of the dialect match them letter by letter. Where several reasons hold,
the one that stands first here is given.
"""

from __future__ import annotations

from enum import Enum
from typing import Self


class Reject(Enum):
    """A refusal: (public code, text). Nothing was changed."""

    code: int
    text: str

    def __new__(cls, code: int, text: str) -> Self:
        """Keep the pair as the value and its parts as attributes; the name keeps equal pairs apart."""
        member = object.__new__(cls)
        member._value_ = (len(cls.__members__), code, text)
        member.code = code
        member.text = text
        return member

    # the exchange as a whole
    QUEUE_FULL = (
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    )
    STORAGE_LOW = -1016, "This service is no longer available."
    INTERNAL = -1000, "An unknown error occurred while processing the request."

    # who and where
    UNKNOWN_MARKET = -1121, "Invalid symbol."
    UNKNOWN_ACCOUNT = -2015, "Invalid API-key, IP, or permissions for action."
    ACCOUNT_FROZEN = -2010, "This action is disabled on this account."
    MARKET_NOT_OPEN = -1013, "Market is closed."
    POST_ONLY = -2010, "This symbol is restricted to LIMIT_MAKER orders."

    # what was asked
    MISSING_PRICE = -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."
    MISSING_STOP_PRICE = -1102, "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed."
    MISSING_QUANTITY = -1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."
    BAD_COMBINATION = -1106, "A parameter was sent that this order type does not take."
    BAD_ICEBERG = -2010, "Unsupported order combination"
    BAD_CLIENT_ID = -1100, "Illegal characters found in parameter 'newClientOrderId'."
    BAD_LIST_CLIENT_ID = -1100, "Illegal characters found in parameter 'listClientOrderId'."
    BAD_LIST = -1106, "The orders of a list do not go together: their number, market, side or quantity."
    LIST_ORDER_TYPE = -1158, "Order type not supported in OCO."
    WORKING_ORDER_TYPE = -1116, "Invalid orderType."
    BOTH_ARE_LIMITS = -1168, "At least one OCO order must be contingent."
    LIMIT_NOT_BELOW = -1165, "A limit order in a buy OCO must be below."
    LIMIT_NOT_ABOVE = -1166, "A limit order in a sell OCO must be above."
    STOP_LOSS_NOT_ABOVE = -1196, "A stop loss order in a buy OCO must be above."
    STOP_LOSS_NOT_BELOW = -1197, "A stop loss order in a sell OCO must be below."
    TAKE_PROFIT_NOT_BELOW = -1198, "A take profit order in a buy OCO must be below."
    TAKE_PROFIT_NOT_ABOVE = -1199, "A take profit order in a sell OCO must be above."
    PRICE_FILTER = -1013, "Filter failure: PRICE_FILTER"
    LOT_SIZE = -1013, "Filter failure: LOT_SIZE"
    MARKET_LOT_SIZE = -1013, "Filter failure: MARKET_LOT_SIZE"
    ICEBERG_EXCEEDS = -2010, "IcebergQty exceeds QTY."
    ICEBERG_PARTS = -1013, "Filter failure: ICEBERG_PARTS"
    TRAILING_DELTA = -1013, "Filter failure: TRAILING_DELTA"
    NOTIONAL = -1013, "Filter failure: NOTIONAL"
    PRICE_BAND = -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"
    MAX_ORDERS = -1013, "Filter failure: MAX_NUM_ORDERS"
    MAX_ALGO_ORDERS = -1013, "Filter failure: MAX_NUM_ALGO_ORDERS"
    MAX_ICEBERG_ORDERS = -1013, "Filter failure: MAX_NUM_ICEBERG_ORDERS"
    MAX_POSITION = -1013, "Filter failure: MAX_POSITION"
    MAX_ORDER_LISTS = -1013, "Filter failure: MAX_NUM_ORDER_LISTS"

    # rules, people and transfers: asked by operators and by custody, not by traders
    UNKNOWN_ASSET = -1200, "No such asset."
    UNKNOWN_NETWORK = -4018, "This asset does not travel over that network."
    NAME_TAKEN = -1201, "That name, code or symbol is already in use."
    BAD_RULES = -1202, "These rules cannot be listed."
    NETWORK_IN_USE = (
        -1208,
        "Contract and decimals of a network in use cannot change: close it and let it run empty.",
    )
    SAME_PHASE = -1203, "The market is in that state already."
    DUPLICATE_REFERENCE = -1204, "That reference was booked before."
    BAD_AMOUNT = -1205, "The amount must be a whole number of atoms above zero that fits the ledger."
    UNKNOWN_TRANSFER = -1206, "No such deposit or withdrawal."
    BAD_TRANSITION = -1207, "The deposit or withdrawal cannot go from its present state to that one."
    WITHDRAWALS_CLOSED = -4019, "Current asset is not open for withdrawal."
    PAYOUTS_SHUT = -4019, "Withdrawals of this asset are stopped for now."
    TOO_FINE = -4021, "The amount has more decimals than the network can carry."
    BELOW_MINIMUM = -4022, "The amount is below the smallest withdrawal."
    FEE_CHANGED = -2405, "The network's fee has changed meanwhile. Look again."
    DAY_LIMIT = -4023, "Within 24 hours, the withdrawal exceeds the maximum amount."
    MONTH_LIMIT = -4023, "Within 30 days, the withdrawal exceeds the maximum amount."

    # against the state of things
    DUPLICATE_CLIENT_ID = -2010, "Duplicate order sent."
    DUPLICATE_LIST_ID = -2010, "Duplicate order sent."
    LIST_PRICES = -2010, "The relationship of the prices for the orders is not correct."
    WOULD_TRIGGER = -2010, "Stop price would trigger immediately."
    WOULD_TAKE = -2010, "Order would immediately match and take."
    INSUFFICIENT_FUNDS = -2010, "Account has insufficient balance for requested action."
    UNKNOWN_LIST = -2011, "Unknown order list sent."
    UNKNOWN_ORDER = -2011, "Unknown order sent."
    KEY_REUSED = -2401, "That idempotencyKey was used before, for something else."
    TOO_MANY_KEYS = -2402, "Too many idempotency keys are alive; wait until older ones expire, or do without."
    TOO_MANY_SESSIONS = -2403, "Too many connections of this account cancel on disconnect."
    NOT_ARMED = -2404, "This connection does not cancel on disconnect."
    NO_OPEN_ORDERS = -2011, "Unknown order sent."
    CANCEL_RESTRICTED = -2011, "Order was not canceled due to cancel restrictions."
    AMEND_UNKNOWN = -2038, "Unknown order sent."
    AMEND_WRONG_NAME = -2039, "Client order ID is not correct for this order ID."
    AMEND_INCREASES = -2038, "Order amend (quantity increase) is not supported."
    AMEND_NOTHING = -2038, "The requested action would change no state; rejecting"
    AMEND_FILLED = -2038, "The order was executed beyond that quantity already."
    MAX_AMENDMENTS = -2038, "Filter failure: MAX_NUM_ORDER_AMENDS"
