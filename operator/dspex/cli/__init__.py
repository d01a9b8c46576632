"""The `dspex` command."""
