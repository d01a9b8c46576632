"""What stands in the cluster for Pools and runs: a struct in, a dict out, no I/O."""
