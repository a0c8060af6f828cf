"""From a block to a credit: following a chain, writing down what came, and telling the ledger once."""
