"""The API server's client over HTTP: paths, patches, and errors that say what was asked."""

from collections.abc import AsyncIterator

import pytest

from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.errors import (
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    KubeError,
    NotFoundError,
)
from dspex.kube.kind import CONFIG_MAP, KINDS, LEASE, PIPELINE_RUN, Kind
from fakes.kube_server import KubeServer

ITEM = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "shop", "uid": "u-1"},
    "data": {"k": "v"},
}


@pytest.fixture
async def server() -> AsyncIterator[KubeServer]:
    """Yield a server in memory."""
    async with KubeServer() as made:
        yield made


@pytest.fixture
async def client(server: KubeServer) -> AsyncIterator[KubeClient]:
    """Yield a client with a token."""
    config = ClusterConfig(server.address, token="t-1")
    async with KubeClient(config, manager="tests") as made:
        yield made


async def test_an_object_is_created_read_listed_and_deleted(
    server: KubeServer, client: KubeClient
) -> None:
    """The verbs meet at one path, with the token on each request."""
    await client.create(ITEM)
    found = await client.get(CONFIG_MAP, "shop", "a")
    assert found["data"] == {"k": "v"}
    assert [page.items async for page in client.pages(CONFIG_MAP, "shop")] == [[found]]
    await client.delete(CONFIG_MAP, "shop", "a")
    assert await client.find(CONFIG_MAP, "shop", "a") is None
    assert {headers["Authorization"] for _, _, headers in server.seen} == {"Bearer t-1"}
    assert server.seen[0][:2] == ("POST", "/api/v1/namespaces/shop/configmaps")


async def test_deleting_what_is_gone_or_another_is_no_error(
    server: KubeServer, client: KubeClient
) -> None:
    """The uid guards a namesake: it stays."""
    await client.delete(CONFIG_MAP, "shop", "never")
    await client.create(ITEM)
    await client.delete(CONFIG_MAP, "shop", "a", uid="u-2")
    assert await client.find(CONFIG_MAP, "shop", "a") is not None
    await client.delete(CONFIG_MAP, "shop", "a", uid="u-1")
    assert server.objects == {}


async def test_patches_say_what_they_are(server: KubeServer, client: KubeClient) -> None:
    """Apply and merge differ in their content type; a status patch goes to the subresource."""
    await client.apply(ITEM)
    await client.merge(PIPELINE_RUN, "shop", "r", {}, "status")
    (_, applied, first), (_, merged, second) = server.seen
    assert first["Content-Type"] == "application/apply-patch+yaml"
    assert second["Content-Type"] == "application/merge-patch+json"
    assert applied == "/api/v1/namespaces/shop/configmaps/a"
    assert merged == "/apis/dspex.dev/v1alpha1/namespaces/shop/pipelineruns/r/status"


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [
        (403, ForbiddenError, False),
        (404, NotFoundError, False),
        (409, ConflictError, False),
        (410, ExpiredError, False),
        (422, InvalidError, False),
        (429, KubeError, True),
        (503, KubeError, True),
    ],
)
async def test_refusals_have_a_kind_and_the_servers_words(
    server: KubeServer, client: KubeClient, status: int, kind: type[KubeError], transient: bool
) -> None:
    """What was asked, and why it was refused, stand in the message."""
    server.refuse.append((status, {"message": "no such luck", "reason": "Why"}))
    with pytest.raises(kind, match="GET /api/v1/namespaces/shop/configmaps/a: no such luck") as got:
        await client.get(CONFIG_MAP, "shop", "a")
    assert (got.value.status, got.value.reason, got.value.transient) == (status, "Why", transient)


async def test_an_answer_that_is_no_json_is_quoted(server: KubeServer, client: KubeClient) -> None:
    """A proxy's page in place of the API server's answer."""
    server.refuse.append((502, "<html>bad gateway</html>"))
    with pytest.raises(KubeError, match="bad gateway"):
        await client.raw("/readyz")


async def test_a_server_that_is_away_is_a_transient_error() -> None:
    """Nobody listens: status 0, and the request is counted."""
    async with KubeClient(ClusterConfig("http://127.0.0.1:1"), manager="tests") as client:
        with pytest.raises(KubeError, match="GET /readyz") as got:
            await client.raw("/readyz")
        assert got.value.transient
        assert client.requests == {("GET", 0): 1}


async def test_a_client_that_is_not_open_says_so() -> None:
    """A fault of ours, not of the server."""
    with pytest.raises(RuntimeError, match="async with"):
        await KubeClient(ClusterConfig("http://127.0.0.1:1"), manager="tests").raw("/")


async def lines(server: KubeServer, client: KubeClient, *parts: bytes) -> list[bytes]:
    """Return the lines that a client reads of an answer that comes in these parts."""
    server.streams["/watched"] = list(parts)
    return [line async for line in client.lines("/watched", {"watch": "true"})]


async def test_lines_come_whole_however_long_and_however_cut(
    server: KubeServer, client: KubeClient
) -> None:
    """A run's object may have a mebibyte; a line that was not ended is not taken for one."""
    long = b"x" * 2**20
    got = await lines(server, client, b"one\ntw", b"o\n" + long, long + b"\nbroken o")
    assert got == [b"one", b"two", long * 2]
    assert server.seen[-1][2]["Authorization"] == "Bearer t-1"
    assert client.requests == {("GET", 200): 1}


async def test_watches_take_no_place_of_other_requests(
    server: KubeServer, client: KubeClient
) -> None:
    """Fifty of them are open, and a request goes through."""
    server.streams["/watched"] = [b"seen\n", None]
    watches = [client.lines("/watched", {}) for _ in range(50)]
    assert [await anext(each) for each in watches] == [b"seen"] * 50
    await client.create(ITEM)
    for each in watches:
        await each.aclose()


async def test_lines_that_are_refused_say_why(server: KubeServer, client: KubeClient) -> None:
    """As every other request does."""
    server.refuse.append((410, {"message": "too old", "reason": "Expired"}))
    with pytest.raises(ExpiredError, match="GET /watched: too old"):
        await lines(server, client)


async def test_a_watch_without_a_word_counts_as_dead(
    server: KubeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that a firewall forgot tells of no end."""
    monkeypatch.setattr("dspex.kube.client.SILENCE", 0.05)
    server.streams["/watched"] = [b"seen\n", None]
    async with KubeClient(ClusterConfig(server.address), manager="tests") as client:
        watch = client.lines("/watched", {})
        assert await anext(watch) == b"seen"
        with pytest.raises(KubeError, match=r"GET /watched: .*[Tt]imeout") as got:
            await anext(watch)
    assert got.value.transient


async def test_lines_of_a_client_that_is_not_open_say_so() -> None:
    """A fault of ours, not of the server."""
    client = KubeClient(ClusterConfig("http://127.0.0.1:1"), manager="tests")
    with pytest.raises(RuntimeError, match="async with"):
        await anext(client.lines("/watched", {}))


def test_every_kind_is_found_by_its_manifest() -> None:
    """Version and kind lead back to the kind; paths differ."""
    for kind in KINDS:
        assert Kind.of({"apiVersion": kind.version, "kind": kind.name}) is kind
    assert len({kind.path() for kind in KINDS}) == len(KINDS)
    assert LEASE.path("n", "l") == "/apis/coordination.k8s.io/v1/namespaces/n/leases/l"
