"""What the kubelet and Prometheus ask: /healthz, /readyz, /metrics."""

from collections.abc import Callable

from aiohttp import web

from dspex.controllers.metrics import Metrics


def health_app(metrics: Metrics, ready: Callable[[], bool]) -> web.Application:
    """Return the application for the operator's own port.

    Args:
        metrics: Shown at /metrics.
        ready: Says whether the operator works, or stands by; /readyz is 503 until then.
    """

    async def healthz(_: web.Request) -> web.Response:
        # That it answers at all says that the event loop turns.
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the kinds are not listed yet\n")

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show)
    return app


async def serve(
    app: web.Application, host: str, port: int, *, shutdown: float = 1.0
) -> web.AppRunner:
    """Open a port; `cleanup` of what is returned closes it."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=shutdown)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
