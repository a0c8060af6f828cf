"""EVM chains: coins by transactions, calls and balances, tokens by events that balances confirm; and paying."""
