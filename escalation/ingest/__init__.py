"""Outputs as they arrive: typed, stored once, and announced to routing."""
