"""An exchange in one process: matches orders, keeps the ledger, serves traders and operators."""
