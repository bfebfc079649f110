"""What is kept: orders and their versions, the audit log, the outbox, certificates."""
