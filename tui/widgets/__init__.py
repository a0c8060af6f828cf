"""One widget a file; it shows what it is given and fetches nothing."""
