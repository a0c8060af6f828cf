"""The traders' side: two doors to the same endpoints."""
