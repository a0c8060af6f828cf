"""One function per endpoint, free of any web framework: (caller, request) -> reply."""
