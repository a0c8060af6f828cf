"""The signer's vault: how it stands, and opening it with a passphrase that only the signer itself can read."""

from __future__ import annotations

from exchange.admin import wire
from exchange.admin.house import House, Refused
from exchange.custody import signing
from exchange.custody.signer.client import SignerGone
from exchange.custody.signer.wire import Looked


async def show_wallet(house: House, _ask: wire.ShowWallet) -> wire.WalletView:
    """How the signer stands."""
    try:
        return _view(await house.signer.look())
    except SignerGone as gone:
        raise Refused("signer_gone", f"{gone}. Nothing was changed.") from gone


async def unlock_wallet(house: House, ask: wire.UnlockWallet) -> wire.WalletView:
    """Relay a sealed passphrase to the signer."""
    try:
        sealed = bytes.fromhex(ask.sealed)
        answer = await house.signer.unlock(sealed)
    except ValueError as error:
        raise Refused("bad_params", "the sealed passphrase is no hexadecimal text. Nothing was changed.") from error
    except SignerGone as gone:
        raise Refused("signer_gone", f"{gone}. Nothing was changed.") from gone
    if isinstance(answer, signing.Refused):
        raise Refused("signer_refused", answer.reason)
    return _view(answer)


def _view(looked: Looked) -> wire.WalletView:
    return wire.WalletView(
        unlocked=looked.unlocked,
        memory_locked=looked.memory_locked,
        box=looked.box.hex(),
        proof=looked.proof.hex(),
        rows=looked.rows,
        head=looked.head,
        chains=looked.chains,
        approvers=looked.approvers,
    )
