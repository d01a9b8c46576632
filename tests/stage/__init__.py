"""What the tests on a real cluster stand on: kubectl, the installed chart, namespaces, a stub model."""
