"""Where the coins lie: sweeps, spills and refills between deposit, hot and cold addresses."""
