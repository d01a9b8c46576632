"""The operator's port: what the kubelet and Prometheus ask."""

import aiohttp
import pytest

from dspex.controllers.health import health_app, serve
from dspex.controllers.metrics import Metrics


async def test_the_port_tells_health_readiness_and_metrics() -> None:
    """Readiness follows what it is told; being alive needs nothing but an answer."""
    ready = False
    metrics = Metrics()
    runner = await serve(health_app(metrics, lambda: ready), "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:

            async def ask(path: str) -> tuple[int, str]:
                async with session.get(path) as reply:
                    return reply.status, await reply.text()

            assert await ask("/healthz") == (200, "ok\n")
            assert await ask("/readyz") == (503, "the kinds are not listed yet\n")
            ready = True
            assert await ask("/readyz") == (200, "ok\n")
            metrics.leader.set(1)
            status, text = await ask("/metrics")
            assert status == 200
            assert "\ndspex_leader 1.0\n" in text
            assert (await ask("/other"))[0] == 404
    finally:
        await runner.cleanup()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://{host}:{port}/healthz")
