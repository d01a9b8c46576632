"""The webhook's server: real TLS, verified by its clients, while certificates come and change."""

import asyncio
import dataclasses
import io
import json
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dspex.controllers import webhook as module
from dspex.controllers.admission import admit
from dspex.controllers.metrics import Metrics
from dspex.controllers.operator import Operator
from dspex.controllers.settings import Settings
from dspex.controllers.webhook import MAX_BODY, SLOTS, Webhook
from dspex.kube.config import ClusterConfig
from dspex.kube.kind import PIPELINE_RUN, SIGNATURE
from fakes.certificates import HOST, Authority, Mounted, key_text
from fakes.items import item, signature
from fakes.kube_server import KubeServer
from fakes.processes import eventually
from fakes.reviews import question

QUICK = 0.01
"""Seconds between two looks at the certificate, where they are to come by themselves."""

NEVER = 3600.0


class Client:
    """An API server's client: it trusts one authority, and keeps its connection."""

    def __init__(self, session: aiohttp.ClientSession, url: str, host: str | None) -> None:
        self.session = session
        self.url = url
        self._host = host

    async def post(self, body: bytes) -> tuple[int, str]:
        """Send a body; return status and text."""
        async with self.session.post(
            self.url, data=io.BytesIO(body), server_hostname=self._host
        ) as reply:
            return reply.status, await reply.text()

    async def ask(self, review: Any) -> dict[str, Any]:
        """Send a question; return the response."""
        status, text = await self.post(json.dumps(review).encode())
        assert status == 200, text
        answer = json.loads(text)
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        response: dict[str, Any] = answer["response"]
        return response


class Scene:
    """A mounted Secret, and what is served and asked with it."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.mounted = Mounted(folder)
        self.authority = Authority()
        self.metrics = Metrics()
        self._stack = stack

    def settings(self, **given: Any) -> Settings:
        """Return the settings of an operator."""
        folder = str(self.mounted.folder)
        own = Settings(host="127.0.0.1", port=0, webhook_port=0, certificates=folder)
        return dataclasses.replace(own, **given)

    async def serve(self, **given: Any) -> Webhook:
        """Begin to serve."""
        made = Webhook(self.settings(), self.metrics, **{"interval": NEVER} | given)
        return await self._stack.enter_async_context(made)

    async def client(
        self, served: Webhook, trust: ssl.SSLContext | None = None, host: str | None = HOST
    ) -> Client:
        """Make a client with no connection yet."""
        assert served.address is not None
        connector = aiohttp.TCPConnector(ssl=trust or self.authority.trust())
        session = aiohttp.ClientSession(connector=connector)
        await self._stack.enter_async_context(session)
        return Client(session, f"https://127.0.0.1:{served.address[1]}/validate", host)

    async def ready(self, **given: Any) -> tuple[Webhook, Client]:
        """Serve with a certificate, and make a client."""
        self.mounted.put(*self.authority.pair())
        served = await self.serve(**given)
        return served, await self.client(served)

    def counted(self, kind: str, result: str) -> float | None:
        """Return how many questions had a result."""
        labels = {"kind": kind, "result": result}
        return self.metrics.registry.get_sample_value("dspex_admissions_total", labels)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Yield a scene without a certificate."""
    async with AsyncExitStack() as stack:
        yield Scene(tmp_path / "webhook", stack)


GOOD = question(SIGNATURE, signature("s"))
BAD = question(SIGNATURE, signature("s", "question -> answer: lisst[str]"))


async def test_it_answers_over_tls_that_the_client_verifies(scene: Scene) -> None:
    """As the API server asks: for the Service's name; what is wrong is refused with its place."""
    _, client = await scene.ready()
    assert await client.ask(GOOD) == {"uid": "0d5e-1", "allowed": True}
    response = await client.ask(BAD)
    assert response["allowed"] is False
    assert response["status"]["code"] == 422
    assert "    question -> answer: lisst[str]\n" in response["status"]["message"]


async def test_a_client_that_asks_for_no_name_is_served(scene: Scene) -> None:
    """By address there is no SNI in the handshake."""
    served, _ = await scene.ready()
    client = await scene.client(served, host=None)
    assert (await client.ask(GOOD))["allowed"]


async def test_a_client_of_another_authority_turns_away(scene: Scene) -> None:
    """So the tests' clients do verify."""
    served, _ = await scene.ready()
    stranger = await scene.client(served, Authority().trust())
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await stranger.ask(GOOD)
    elsewhere = await scene.client(served, host="other.svc")
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await elsewhere.ask(GOOD)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls_get_the_certificate(
    scene: Scene, version: ssl.TLSVersion
) -> None:
    """Their handshakes take it at different moments."""
    served, _ = await scene.ready()
    trust = scene.authority.trust()
    trust.minimum_version = trust.maximum_version = version
    assert (await (await scene.client(served, trust)).ask(GOOD))["allowed"]


async def test_questions_are_counted_and_timed(scene: Scene) -> None:
    """By kind and result."""
    _, client = await scene.ready()
    for review in (GOOD, GOOD, BAD):
        await client.ask(review)
    assert scene.counted("Signature", "allowed") == 2
    assert scene.counted("Signature", "refused") == 1
    value = scene.metrics.registry.get_sample_value
    assert value("dspex_admission_seconds_count", {"kind": "Signature"}) == 3


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xff", b"[]", b'{"kind": "Pod"}', b"[" * 9999])
async def test_garbage_is_status_400_in_words(scene: Scene, body: bytes) -> None:
    """No traceback, and the server goes on."""
    _, client = await scene.ready()
    status, text = await client.post(body)
    assert status == 400
    assert "this is no question that the webhook can answer" in text
    assert "remedy: " in text
    assert "Traceback" not in text
    assert (await client.ask(GOOD))["allowed"]


async def test_a_body_that_is_too_large_is_not_read_to_its_end(scene: Scene) -> None:
    """It is 413 with the bound; one just below is judged."""
    _, client = await scene.ready()
    status, text = await client.post(b" " * (MAX_BODY + 1))
    assert status == 413
    assert str(MAX_BODY) in text
    spec = {"pipelineRef": {"name": "main"}, "inputs": {"a": "x" * (MAX_BODY - 2000)}}
    response = await client.ask(question(PIPELINE_RUN, item(PIPELINE_RUN, "r", spec=spec)))
    assert "expected: at most 524288 bytes" in response["status"]["message"]


async def test_other_ways_in_are_none(scene: Scene) -> None:
    """One path, one method; nothing of the health port."""
    _, client = await scene.ready()
    async with client.session.get(client.url, server_hostname=HOST) as reply:
        assert reply.status == 405
    for path in ("/metrics", "/"):
        url = client.url.replace("/validate", path)
        async with client.session.post(url, data=b"{}", server_hostname=HOST) as reply:
            assert reply.status == 404


async def test_slow_bodies_do_not_keep_others_out_for_long(scene: Scene) -> None:
    """Each has its time, then its slot is free, however many begin and never end."""
    served, client = await scene.ready(read=0.2)
    assert served.address is not None
    head = f"POST /validate HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\n{{".encode()
    slow = [
        await asyncio.open_connection(
            *served.address, ssl=scene.authority.trust(), server_hostname=HOST
        )
        for _ in range(SLOTS)
    ]
    for _, writer in slow:
        writer.write(head)
    answers = [await reader.readline() for reader, _ in slow]
    assert [b" 408 " in line for line in answers] == [True] * SLOTS
    assert (await client.ask(GOOD))["allowed"]
    for _, writer in slow:
        writer.close()
        await writer.wait_closed()


async def test_a_fault_of_its_own_admits_with_a_warning(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be there at the next try as well, and nobody could mend it in the object."""

    def broken(_: Any) -> Any:
        raise ZeroDivisionError("as asked")

    monkeypatch.setattr(module, "admit", broken)
    _, client = await scene.ready()
    response = await client.ask(GOOD)
    assert response["allowed"] is True
    [warning] = response["warnings"]
    assert "a fault of its own" in warning
    assert len(warning) <= 256
    assert scene.counted("Signature", "fault") == 1
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ZeroDivisionError)


async def test_the_event_loop_turns_while_it_judges(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judgement that takes its time keeps neither probes nor the Lease waiting."""
    judging, go_on = threading.Event(), threading.Event()

    def slow(review: Any) -> Any:
        judging.set()
        assert go_on.wait(30)
        return admit(review)

    monkeypatch.setattr(module, "admit", slow)
    _, client = await scene.ready()
    asking = asyncio.create_task(client.ask(GOOD))
    await eventually(judging.is_set)
    assert not asking.done()
    go_on.set()
    assert (await asking)["allowed"]


async def test_who_hangs_up_is_not_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the API server has given up is not judged any more, so that others get their turn."""
    judged: list[str] = []
    judging, go_on = threading.Event(), threading.Event()

    def slow(review: Any) -> Any:
        judged.append(review.key.name)
        judging.set()
        assert go_on.wait(30)
        return admit(review)

    monkeypatch.setattr(module, "admit", slow)
    served, client = await scene.ready()
    first = asyncio.create_task(client.ask(question(SIGNATURE, signature("first"))))
    await eventually(judging.is_set)
    impatient = await scene.client(served)
    second = asyncio.create_task(impatient.ask(question(SIGNATURE, signature("second"))))
    await eventually(lambda: served.waiting == 2)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await impatient.session.close()
    await eventually(lambda: served.waiting == 1)
    go_on.set()
    assert (await first)["allowed"]
    assert (await client.ask(question(SIGNATURE, signature("third"))))["allowed"]
    assert judged == ["first", "third"]


# The certificate


async def test_a_new_pair_serves_new_connections_and_old_ones_go_on(scene: Scene) -> None:
    """By itself, soon after the kubelet has swapped the folder; nothing is dropped."""
    served, old = await scene.ready(interval=QUICK)
    assert (await old.ask(GOOD))["allowed"]
    stop = asyncio.Event()

    async def keep_asking() -> int:
        count = 0
        while not stop.is_set():
            assert (await old.ask(GOOD))["allowed"]
            count += 1
        return count

    asking = asyncio.create_task(keep_asking())
    former, scene.authority = scene.authority, Authority()
    scene.mounted.put(*scene.authority.pair())
    async with asyncio.timeout(20):
        while True:
            fresh = await scene.client(served)
            try:
                assert (await fresh.ask(GOOD))["allowed"]
                break
            except aiohttp.ClientConnectorCertificateError:
                continue
    late = await scene.client(served, former.trust())
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await late.ask(GOOD)
    stop.set()
    assert await asking > 0
    assert (await old.ask(GOOD))["allowed"]


def mixed(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a pair whose halves do not belong together."""
    return one[0], other[1]


def half(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a pair whose certificate is not written to its end."""
    return pair[0][: len(pair[0]) // 2], pair[1]


def locked(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a pair whose key has a password."""
    return pair[0], key_text(ec.generate_private_key(ec.SECP256R1()), "secret")


BROKEN: dict[str, Callable[[Authority], tuple[bytes, bytes]]] = {
    "of two pairs": lambda authority: mixed(authority.pair(), authority.pair()),
    "half": lambda authority: half(authority.pair()),
    "empty": lambda _: (b"", b""),
    "with a password": lambda authority: locked(authority.pair()),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_pair_leaves_the_old_one(
    scene: Scene, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    """It is logged once, not at each look; the next good pair is taken."""
    served, client = await scene.ready()
    assert (await client.ask(GOOD))["allowed"]
    scene.mounted.put(*BROKEN[case](scene.authority))
    for _ in range(3):
        await served.look()
    assert (await (await scene.client(served)).ask(GOOD))["allowed"]
    [line] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "are no certificate with its key" in line.getMessage()
    assert "the one before stays" in line.getMessage()
    scene.authority = Authority()
    scene.mounted.put(*scene.authority.pair())
    await served.look()
    assert (await (await scene.client(served)).ask(GOOD))["allowed"]
    assert (await client.ask(GOOD))["allowed"]


async def test_a_pair_that_goes_leaves_the_old_one(scene: Scene) -> None:
    """A Secret that is deleted and made anew may be seen in between."""
    served, _ = await scene.ready()
    (scene.mounted.folder / "..data").unlink()
    await served.look()
    assert (await (await scene.client(served)).ask(GOOD))["allowed"]


async def test_without_a_certificate_there_is_no_webhook_until_one_comes(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """That is allowed, so it is no more than an info, said once; then it begins by itself."""
    caplog.set_level(logging.INFO, "dspex")
    served = await scene.serve(interval=QUICK)
    for _ in range(3):
        await served.look()
    assert served.address is None
    [line] = caplog.records
    assert (line.levelno, line.getMessage()) == (
        logging.INFO,
        f"no webhook is served: {scene.mounted.folder} has no tls.crt and tls.key",
    )
    scene.mounted.put(*scene.authority.pair())
    await eventually(lambda: served.address is not None)
    assert (await (await scene.client(served)).ask(GOOD))["allowed"]


async def test_without_a_folder_there_is_none(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """The working directory is not taken for one."""
    caplog.set_level(logging.INFO, "dspex")
    async with Webhook(scene.settings(certificates=""), scene.metrics, interval=QUICK) as served:
        assert served.address is None
    assert "no folder is given" in caplog.text


async def test_a_port_that_is_taken_is_told_and_tried_again(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator goes on without its webhook, which an error in its log says once."""
    scene.mounted.put(*scene.authority.pair())
    other = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    settings = scene.settings(webhook_port=port)
    async with Webhook(settings, scene.metrics, interval=QUICK) as served:
        for _ in range(3):
            await served.look()
        assert served.address is None
        [line] = [each for each in caplog.records if each.levelno == logging.ERROR]
        assert "no webhook is served" in line.getMessage()
        other.close()
        await other.wait_closed()
        await eventually(lambda: served.address is not None)
        assert (await (await scene.client(served)).ask(GOOD))["allowed"]


# The operator


async def test_a_standby_serves_it_too(scene: Scene) -> None:
    """The Service chooses among all operators, so it does not wait for the Lease."""
    scene.mounted.put(*scene.authority.pair())
    async with KubeServer() as server:
        server.refuse.extend([(403, {"message": "as asked"})] * 10_000)
        operator = Operator(scene.settings(identity="standby"), ClusterConfig(server.address), {})
        running = asyncio.create_task(operator.run())
        await eventually(lambda: operator.webhook.address is not None)
        client = await scene.client(operator.webhook)
        assert (await client.ask(GOOD))["allowed"]
        host, port = operator.address
        async with client.session.get(f"http://{host}:{port}/metrics") as reply:
            text = await reply.text()
        assert 'dspex_admissions_total{kind="Signature",result="allowed"} 1.0' in text
        assert "dspex_leader 0.0" in text
        operator.stop.set()
        assert await running == 0
        assert operator.webhook.address is None
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.ask(GOOD)
