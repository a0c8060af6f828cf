"""People: users, credentials, sessions, API keys, cases, tickets and notices."""
