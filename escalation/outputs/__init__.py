"""Searching outputs, and the status, content and history of a single one."""
