"""The benches that need the product: importing them reads its settings, so each runs as a process of its own."""

import django

django.setup()
