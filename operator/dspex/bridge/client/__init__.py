"""The client of worker pools: resolves, balances, goes round what fails."""
