"""A furnished exchange to look at: two funded traders, three markets, a house maker, recorded order flow."""

from exchange.demo.furnished import Demo

__all__ = ["Demo"]
