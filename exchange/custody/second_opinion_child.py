"""The other opinion on addresses: a process of its own that knows none of our derivation (`second_opinion`)."""

from __future__ import annotations

import sys

import msgspec

from exchange.custody.second_opinion import Question

NOT_INSTALLED = 3


def main() -> int:
    """A question on stdin, addresses on stdout, as JSON."""
    try:
        from bitcoinlib.encoding import pubkeyhash_to_addr_bech32  # noqa: PLC0415  # 0.4 s and files, here alone
        from bitcoinlib.keys import HDKey  # noqa: PLC0415
    except ImportError:
        return NOT_INSTALLED
    from eth_keys.datatypes import PublicKey  # noqa: PLC0415

    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    account = HDKey(key=question.key, chain=question.code, is_private=False, network="bitcoin", witness_type="segwit")
    branch = account.child_public(question.branch)
    told = []
    for index in range(question.count):
        key = branch.child_public(index)
        if question.prefix:
            told.append(pubkeyhash_to_addr_bech32(key.hash160, prefix=question.prefix))
        else:
            told.append(PublicKey(bytes.fromhex(key.public_uncompressed_hex)[1:]).to_checksum_address())
    sys.stdout.buffer.write(msgspec.json.encode(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
