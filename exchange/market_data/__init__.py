"""Depth, candles and tickers: built from committed events, and can be rebuilt from them."""
