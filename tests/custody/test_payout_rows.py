"""What is kept of drafts."""

from exchange.custody.payouts.rows import _draft, encode_draft
from exchange.custody.port import Draft, Payment


def test_a_draft_of_more_wei_than_64_bits_hold_is_kept_exactly() -> None:
    draft = Draft("d", "ETH", b"\x00\xff", (Payment("w", "0x", 10**24 + 1),), ("0x:1",), 10**20)
    assert _draft.decode(encode_draft(draft)) == draft
