"""Whether it all agrees: chains, books and ledger; and what anybody may check of our debts."""
