"""`manage.py restrict_role NAME`: limit the application's database role to the rights it needs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql

# Tables that a trigger protects from changes. This role may not even try to change them.
_INSERT_ONLY_TABLES = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' ORDER BY 1"


class Command(BaseCommand):
    help = (
        "Grant a database role the rights the application needs: append-only tables allow only reading and inserting."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="an existing role that owns nothing")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        role = sql.Identifier(name)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            if cursor.fetchone() is None:
                raise CommandError(
                    f"The role {name!r} does not exist. Create it with: CREATE ROLE {name} LOGIN PASSWORD '…'"
                )
            for statement in (
                "GRANT USAGE ON SCHEMA public TO {role}",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
                "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
            ):
                cursor.execute(sql.SQL(statement).format(role=role))
            cursor.execute(_INSERT_ONLY_TABLES)
            insert_only = [table for (table,) in cursor.fetchall()]
            for table in insert_only:
                cursor.execute(
                    sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}").format(
                        table=sql.Identifier(table), role=role
                    )
                )
        self.stdout.write(
            f"Granted {name} the rights the application needs. Read and insert only: {', '.join(insert_only)}."
        )
