"""Filters for pages that show what strangers sent."""
