"""Benchmarks on a real cluster: `make bench-cluster`. Floors are bare Jobs in the same run."""
