"""Template libraries of the machines' side."""
