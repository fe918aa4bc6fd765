"""The root urls: both sides' pages, and both APIs joined under /api/v1."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
