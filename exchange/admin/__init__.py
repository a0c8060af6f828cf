"""The operators' Unix socket: methods, roles, four eyes and the audit trail."""
