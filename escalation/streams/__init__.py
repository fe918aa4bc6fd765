"""Streams as files and forms describe them."""
