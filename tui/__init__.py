"""The operators' dashboard: a client of the admin socket and nothing else."""
