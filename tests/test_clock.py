"""The system's clock and its tokens."""

from collections import Counter

from exchange.clock import SystemClock


def test_a_token_has_just_as_many_letters_and_digits_as_asked_for() -> None:
    for chars in (0, 1, 22, 64, 500):
        token = SystemClock().token(chars)
        assert len(token) == chars
        assert token.isalnum() or not token
        assert token.isascii()


def test_every_letter_is_as_likely_as_any_other() -> None:
    """62,000 letters: each some 1,000 times; eight standard deviations to either side are allowed."""
    counts = Counter(SystemClock().token(62_000))
    assert len(counts) == 62
    assert all(750 < count < 1_250 for count in counts.values())


def test_times_are_microseconds_of_this_century() -> None:
    assert 1_700_000_000_000_000 < SystemClock().now() < 4_100_000_000_000_000
