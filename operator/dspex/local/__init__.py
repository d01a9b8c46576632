"""Local mode: worker processes on this machine in place of a cluster."""
