"""Chains and keys: deposits that are credited once, withdrawals that are paid once. Submits commands; sees no State."""
