"""Reading manifests from files as kubectl reads them, with positions."""
