"""Exports of labelled data."""
