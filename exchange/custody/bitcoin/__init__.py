"""Bitcoin and its kin: reading blocks by their own hashes, and paying by PSBTs that show every previous transaction."""
