"""Operators and what they did: add one, list them, remove one, read the audit trail."""

from __future__ import annotations

from exchange.admin import wire
from exchange.admin.house import House, Refused
from exchange.admin.methods.accounts import checked_limit
from exchange.core.units import MAX_STORED
from exchange.office.operators import Operator, OperatorRefused, Role
from exchange.office.trail import Entry


async def add_operator(house: House, ask: wire.AddOperator) -> wire.OperatorMade:
    """A new operator; the TOTP secret is in this reply and nowhere else."""
    try:
        new = house.operators.add(ask.name, ask.uid, Role(ask.role))
    except OperatorRefused as refused:
        raise Refused("operator_refused", str(refused)) from refused
    return wire.OperatorMade(_row(new.operator), new.uri)


async def list_operators(house: House, _ask: wire.ListOperators) -> wire.OperatorList:
    """All operators, removed ones too, by name."""
    return wire.OperatorList(tuple(map(_row, house.operators.list())))


async def remove_operator(house: House, ask: wire.RemoveOperator) -> wire.OperatorRow:
    """Let an operator attach no more; his open sessions do nothing more, and end within a second."""
    try:
        return _row(house.operators.remove(ask.name))
    except OperatorRefused as refused:
        raise Refused("operator_refused", str(refused)) from refused


async def tail_audit(house: House, ask: wire.TailAudit) -> wire.AuditList:
    """The newest entries of the audit trail, or those after a number."""
    limit = checked_limit(ask.limit)
    if ask.after > MAX_STORED:
        raise Refused("bad_params", "no entry has so large a number. Nothing was changed.")
    entries = house.trail.tail(limit) if ask.after < 0 else house.trail.after(ask.after, limit)
    return wire.AuditList(tuple(map(_entry, entries)))


def _row(operator: Operator) -> wire.OperatorRow:
    role: wire.Role = operator.role.value
    return wire.OperatorRow(operator.name, operator.uid, role, operator.created, operator.removed)


def _entry(entry: Entry) -> wire.AuditRow:
    return wire.AuditRow(
        seq=entry.seq,
        time=entry.time,
        operator=wire.clean(entry.operator),
        uid=entry.uid,
        act=entry.act,
        stage=entry.stage,
        method=wire.clean(entry.method),
        detail=wire.clean(entry.detail),
    )
