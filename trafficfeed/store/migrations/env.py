"""Alembic's entry: run the migrations on the connection, and in the transaction, that `database.upgrade` holds."""

from alembic import context

from trafficfeed.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
