"""`manage.py restrict_role NAME`: what the application's database role may do, and no more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql

INSERT_ONLY = (
    "reviewqueue_event",
    "escalation_route",
    "escalation_policy",
    "escalation_policyrequest",
    "escalation_activation",
)


class Command(BaseCommand):
    help = "Grant a database role what the application needs; of the tables that are evidence, reading and inserting."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="A role that exists and owns nothing.")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        role = sql.Identifier(name)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            if cursor.fetchone() is None:
                raise CommandError(f"There is no role {name!r}: CREATE ROLE {name} LOGIN PASSWORD '…' makes it.")
            for statement in (
                "GRANT USAGE ON SCHEMA public TO {role}",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
                "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
            ):
                cursor.execute(sql.SQL(statement).format(role=role))
            for table in INSERT_ONLY:
                cursor.execute(
                    sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}").format(
                        table=sql.Identifier(table), role=role
                    )
                )
        self.stdout.write(f"{name} may use the tables; of {', '.join(INSERT_ONLY)} only read and insert.")
