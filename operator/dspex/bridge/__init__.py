"""The bridge: the client side of worker pools, and the protocol that both sides speak."""
