"""The operator: watches the kinds, decides, and executes what was decided."""
