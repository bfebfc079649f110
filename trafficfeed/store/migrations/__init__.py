"""Alembic migrations, run by `database.upgrade`; each is frozen and imports nothing of ours but the time type."""
