"""The Django app that wires the others together; it has no models."""

from __future__ import annotations

from django.apps import AppConfig

# Every process that runs Django has to know the Celery app, or what it sends goes to Celery's own default broker.
from config.celery import app as celery_app

__all__ = ["Config", "celery_app"]


class Config(AppConfig):
    name = "config"
    verbose_name = "reviewqueue"
