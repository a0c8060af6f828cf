"""What passes over the operators' socket, and the only module of the exchange that the dashboard knows.

One JSON object a line. The client sends `Request`s, each with a number of its own; the server answers each with a
`Reply` or a `Refusal` of that number, in order, and sends pushes in between once the client has asked to `watch`.
What may be asked is in `asks`, what is shown in `views`; both are reached through here.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from exchange.admin.act_asks import ActDone, ActList, ActRow, ConfirmAct, ListActs, WithdrawAct
from exchange.admin.ask import MAX_ROWS, Ask, R
from exchange.admin.asks import (
    ASKS,
    AddOperator,
    Attach,
    CloseAlarms,
    CreateAccount,
    CreateKey,
    CreditAccount,
    ExplainDeposit,
    FreezeAccount,
    GetBook,
    GetStatus,
    GetTrades,
    LimitKey,
    ListAccounts,
    ListChains,
    ListDeposits,
    ListKeys,
    ListMarkets,
    ListNetworks,
    ListOperators,
    ListShut,
    ListTierLimits,
    RemoveOperator,
    ResumeChain,
    RevokeKey,
    SetNetwork,
    SetPayoutsShut,
    SetPhase,
    SetTierLimit,
    ShowAccount,
    ShowMarket,
    ShowReserves,
    ShowWallet,
    TailAudit,
    UnlockWallet,
    Watch,
    result_type,
)
from exchange.admin.chain_views import (
    ChainList,
    ChainRow,
    DepositList,
    DepositRow,
    DepositsExplained,
    DepositView,
    ReservesList,
    ReservesRow,
)
from exchange.admin.tier_asks import ListTierFees, SetAccountTier, SetTierFees, TierFeesList, TierFeesRow
from exchange.admin.views import (
    AccountList,
    AccountRow,
    AccountView,
    Attached,
    AuditList,
    AuditRow,
    BalanceRow,
    BookView,
    Closing,
    KeyList,
    KeyMade,
    KeyRow,
    Level,
    MarketList,
    MarketRow,
    MarketRules,
    NetworkList,
    NetworkRow,
    OperatorList,
    OperatorMade,
    OperatorRow,
    Phase,
    PhaseChanged,
    Push,
    Role,
    ShutList,
    ShutRow,
    SideName,
    Status,
    TierLimitList,
    TierLimitRow,
    TradeRow,
    TradesView,
    WalletView,
    Watching,
)
from exchange.admin.withdrawal_asks import (
    ApproveWithdrawal,
    BookWithdrawal,
    ListApprovers,
    ListPayouts,
    ListVelocities,
    ListWithdrawals,
    RegisterApprover,
    RejectWithdrawal,
    ResumePayouts,
    ReturnWithdrawal,
    RevokeApprover,
    SettleWithdrawal,
    SetVelocity,
    ShowWithdrawal,
    StopPayouts,
    WhoAmI,
)
from exchange.admin.withdrawal_views import (
    ApprovalRow,
    Approved,
    ApproverList,
    ApproverRow,
    AttemptView,
    Me,
    PayoutsList,
    PayoutsRow,
    VelocityList,
    VelocityRow,
    WithdrawalList,
    WithdrawalRow,
    WithdrawalView,
)

__all__ = [
    "ASKS",
    "MAX_ASK",
    "MAX_FRAME",
    "MAX_ROWS",
    "AccountList",
    "AccountRow",
    "AccountView",
    "ActDone",
    "ActList",
    "ActRow",
    "AddOperator",
    "ApprovalRow",
    "ApproveWithdrawal",
    "Approved",
    "ApproverList",
    "ApproverRow",
    "Ask",
    "Attach",
    "Attached",
    "AttemptView",
    "AuditList",
    "AuditRow",
    "BalanceRow",
    "BookView",
    "BookWithdrawal",
    "ChainList",
    "ChainRow",
    "CloseAlarms",
    "Closing",
    "ConfirmAct",
    "CreateAccount",
    "CreateKey",
    "CreditAccount",
    "DepositList",
    "DepositRow",
    "DepositView",
    "DepositsExplained",
    "ExplainDeposit",
    "FreezeAccount",
    "FromServer",
    "GetBook",
    "GetStatus",
    "GetTrades",
    "KeyList",
    "KeyMade",
    "KeyRow",
    "Level",
    "LimitKey",
    "ListAccounts",
    "ListActs",
    "ListApprovers",
    "ListChains",
    "ListDeposits",
    "ListKeys",
    "ListMarkets",
    "ListNetworks",
    "ListOperators",
    "ListPayouts",
    "ListShut",
    "ListTierFees",
    "ListTierLimits",
    "ListVelocities",
    "ListWithdrawals",
    "MarketList",
    "MarketRow",
    "MarketRules",
    "Me",
    "NetworkList",
    "NetworkRow",
    "OperatorList",
    "OperatorMade",
    "OperatorRow",
    "PayoutsList",
    "PayoutsRow",
    "Phase",
    "PhaseChanged",
    "Push",
    "Refusal",
    "RegisterApprover",
    "RejectWithdrawal",
    "RemoveOperator",
    "Reply",
    "Request",
    "ReservesList",
    "ReservesRow",
    "ResumeChain",
    "ResumePayouts",
    "ReturnWithdrawal",
    "RevokeApprover",
    "RevokeKey",
    "Role",
    "SetAccountTier",
    "SetNetwork",
    "SetPayoutsShut",
    "SetPhase",
    "SetTierFees",
    "SetTierLimit",
    "SetVelocity",
    "SettleWithdrawal",
    "ShowAccount",
    "ShowMarket",
    "ShowReserves",
    "ShowWallet",
    "ShowWithdrawal",
    "ShutList",
    "ShutRow",
    "SideName",
    "Status",
    "StopPayouts",
    "TailAudit",
    "TierFeesList",
    "TierFeesRow",
    "TierLimitList",
    "TierLimitRow",
    "TradeRow",
    "TradesView",
    "UnlockWallet",
    "VelocityList",
    "VelocityRow",
    "WalletView",
    "Watch",
    "Watching",
    "WhoAmI",
    "WithdrawAct",
    "WithdrawalList",
    "WithdrawalRow",
    "WithdrawalView",
    "clean",
    "decode_frame",
    "decode_request",
    "decode_result",
    "encode",
    "reachable",
    "request",
    "result_type",
]

MAX_ASK: Final = 16_384
"""The longest line that the server reads, in bytes."""

MAX_FRAME: Final = 1_048_576
"""The longest line that the server sends, in bytes."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of `method` with the fields of its `Ask` as `params`."""

    id: int
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """Request `id` was done; `result` is the type that its `Ask` names."""

    id: int
    result: msgspec.Raw


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """Request `id` was not done, and nothing was changed, unless `code` is "unknown". `text` is for people.

    `id` is 0 where the server could not read one, or speaks of the connection as a whole; then it hangs up.
    """

    id: int
    code: str
    text: str


FromServer = Reply | Refusal | Status | PhaseChanged | BookView | TradesView | Closing

_from_server = msgspec.json.Decoder(FromServer)
_request = msgspec.json.Decoder(Request)


def encode(frame: Request | FromServer) -> bytes:
    """One line."""
    return msgspec.json.encode(frame) + b"\n"


def request(number: int, ask: Ask[Any]) -> bytes:
    """The line that asks `ask` as request `number`."""
    return encode(Request(number, ask.method, msgspec.Raw(msgspec.json.encode(ask))))


def decode_request(line: bytes) -> Request:
    """A line that a client sent. Raises `msgspec.DecodeError`."""
    return _request.decode(line)


def decode_frame(line: bytes) -> FromServer:
    """A line that the server sent. Raises `msgspec.DecodeError`."""
    frame: FromServer = _from_server.decode(line)
    return frame


def decode_result(ask: Ask[R], reply: Reply) -> R:
    """The typed result in the reply to `ask`. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(reply.result, type=result_type(type(ask)))


def clean(text: str) -> str:
    """`text` with everything that could move a terminal's cursor, colour it or turn its writing round made visible."""
    return "".join(
        char if char == " " or unicodedata.category(char)[0] not in "CZ" else f"\\u{ord(char):04x}" for char in text
    )


@contextmanager
def reachable(socket: Path) -> Iterator[str]:
    """A path to bind or connect `socket` by, valid inside the block: the kernel takes 107 bytes at most."""
    if len(os.fsencode(socket)) < 108:
        yield str(socket)
        return
    folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)
