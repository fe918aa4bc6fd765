"""Measures the hot paths, each beside a raw limit of the same machine in the same run: `make bench`."""
