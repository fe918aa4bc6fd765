"""The Django app that wires the other apps together; it has no models."""

from __future__ import annotations

from django.apps import AppConfig

# Every Django process must load the Celery app; otherwise it would send tasks to Celery's default broker.
from config.celery import app as celery_app

__all__ = ["Config", "celery_app"]


class Config(AppConfig):
    name = "config"
    verbose_name = "reviewqueue"
