"""Figures for managers: throughput, errors, costs."""
