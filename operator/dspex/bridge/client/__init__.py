"""The client of worker pools: resolves, balances, goes round what fails."""

from dspex.bridge.client.balancer import Balancer
from dspex.bridge.client.endpoint import Endpoint, Resolver
from dspex.bridge.client.pool_client import PoolClient
from dspex.bridge.client.pools import Pools
from dspex.bridge.client.service import ServiceResolver
from dspex.bridge.client.token import Token, TokenFile

__all__ = [
    "Balancer",
    "Endpoint",
    "PoolClient",
    "Pools",
    "Resolver",
    "ServiceResolver",
    "Token",
    "TokenFile",
]
