"""The Django app that wires the others together; it has no models."""

from django.apps import AppConfig


class Config(AppConfig):
    name = "config"
    verbose_name = "reviewqueue"
