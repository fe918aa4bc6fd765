"""Geometry of charts, drawn as SVG by templates. Pure."""
