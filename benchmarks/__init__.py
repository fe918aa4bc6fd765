"""Benchmarks of the hot paths, each next to a raw limit of the same machine in the same run: `make bench`."""
