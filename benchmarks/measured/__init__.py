"""Benchmarks of the product. Importing them loads the settings, so each runs in its own process."""

import django

django.setup()
