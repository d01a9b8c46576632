"""The operator's life: it leads, stands by, takes over, and ends in good order or at once."""

import asyncio
import http.client
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dspex.controllers import __main__ as command
from dspex.controllers.decision import Decision, Note
from dspex.controllers.leadership import take_signals
from dspex.controllers.registration import Registration
from dspex.controllers.watch import REFLECTED, WRITTEN
from dspex.controllers.world import World
from dspex.kube.kind import EVENT, LEASE, SIGNATURE, Kind
from fakes.asks import watches, writes
from fakes.cluster import Cluster, Object
from fakes.cluster_server import ClusterServer
from fakes.items import item, signature
from fakes.operator_thread import OperatorThread

pytestmark = pytest.mark.slow

WATCHED = len((*WRITTEN, *REFLECTED))
SPACE = "dspex-system"


@pytest.fixture
def server() -> Iterator[ClusterServer]:
    """Serve an empty cluster."""
    with ClusterServer(Cluster()) as made:
        yield made


def kinds(by: str, **more: Any) -> dict[Kind, Registration]:
    """Return a controller for Signatures that writes who it is."""

    def decide(found: Object, _: World, __: Any) -> Decision:
        note = Note("Seen", f"{by} saw {found['spec']['signature']}")
        return Decision(status={"digest": by}, notes=(note,), **more)

    return {SIGNATURE: Registration(kind=SIGNATURE, decide=decide)}


def digest(cluster: Cluster, name: str = "a") -> str:
    """Return what the status of a Signature says."""
    found = cluster.item(SIGNATURE, "shop", name) or {}
    return str(found.get("status", {}).get("digest", ""))


def holder(cluster: Cluster) -> str | None:
    """Return who holds the Lease, an empty string for nobody; None where there is none."""
    found = cluster.item(LEASE, SPACE, "dspex")
    return None if found is None else str(found["spec"].get("holderIdentity", ""))


def taken(by: str, **spec: Any) -> Object:
    """Make a Lease that somebody holds."""
    times = {"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 15}
    return item(LEASE, "dspex", SPACE, spec={"holderIdentity": by, **times, **spec})


def leads(operator: OperatorThread) -> bool:
    """Say whether an operator tells that it leads."""
    return "\ndspex_leader 1.0\n" in operator.get("/metrics")[1]


# Election.


def test_a_standby_takes_over(server: ClusterServer) -> None:
    """It is ready and writes nothing as long as it stands by; then the Lease is its own."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with (
        OperatorThread(server.config, kinds("first"), identity="first") as first,
        OperatorThread(server.config, kinds("second"), identity="second") as second,
    ):
        first.until(lambda: leads(first) or leads(second))
        if leads(second):
            first, second = second, first
        leader, standby = first.identity, second.identity
        cluster.until(lambda: digest(cluster) == leader)
        assert holder(cluster) == leader
        assert not leads(second)
        assert second.get("/readyz") == (200, "ok\n")
        first.stop()
        assert first.join() == 0
        assert holder(cluster) in ("", standby)
        cluster.until(lambda: digest(cluster) == standby)
        assert holder(cluster) == standby
        assert leads(second)
    assert holder(cluster) == ""


def test_a_standby_takes_over_from_one_that_fell_silent(server: ClusterServer) -> None:
    """Once its Lease has run out: nobody gave it up."""
    cluster = server.cluster
    cluster.add(signature("a"))
    cluster.add(taken("dead", leaseDurationSeconds=1))
    with OperatorThread(server.config, kinds("first")):
        cluster.until(lambda: digest(cluster) == "first")
        assert holder(cluster) == "first"


def test_a_standby_ends_without_touching_the_lease(server: ClusterServer) -> None:
    """Of another it is not its own to give up; it has not watched anything."""
    cluster = server.cluster
    cluster.add(taken("other"))
    with OperatorThread(server.config, kinds("first")) as operator:
        cluster.until(lambda: cluster.asked)
        operator.stop()
        assert operator.join() == 0
    assert holder(cluster) == "other"
    assert cluster.writes() == []
    assert not [each for each in cluster.asked if watches(each)]


def test_a_lease_that_says_nothing_is_free(server: ClusterServer) -> None:
    """As `kubectl create` leaves one."""
    cluster = server.cluster
    cluster.add(signature("a"))
    cluster.add(item(LEASE, "dspex", SPACE))
    with OperatorThread(server.config, kinds("first")):
        cluster.until(lambda: digest(cluster) == "first")
        assert holder(cluster) == "first"


def test_nobody_leads_whose_election_failed(server: ClusterServer) -> None:
    """A fault in it ends the operator: it must not go on without the Lease."""
    cluster = server.cluster
    cluster.add(taken("other", leaseDurationSeconds="soon"))
    operator = OperatorThread(server.config, kinds("first"))
    with pytest.raises(ValueError, match="soon"), operator:
        operator.join()
    assert not [each for each in cluster.asked if each.path == SIGNATURE.path()]


def test_an_operator_that_is_alone_asks_for_no_lease(server: ClusterServer) -> None:
    """Where election is off it leads at once."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with OperatorThread(server.config, kinds("first"), elect=False) as operator:
        cluster.until(lambda: digest(cluster) == "first")
        assert leads(operator)
    assert operator.code == 0
    assert not [each for each in cluster.asked if each.path.startswith("/apis/coordination")]


# Ends.


def test_the_end_is_quick_while_somebody_keeps_a_connection(server: ClusterServer) -> None:
    """Prometheus does: the Lease must not wait for it."""
    with OperatorThread(server.config, kinds("first")) as operator:
        operator.lead()
        connection = http.client.HTTPConnection(*operator.operator.address)
        connection.request("GET", "/metrics")
        assert connection.getresponse().read()
        began = time.monotonic()
        operator.stop()
        server.cluster.until(lambda: holder(server.cluster) == "")
        assert time.monotonic() - began < 4.0
        assert operator.join() == 0
        connection.close()


def test_a_lost_lease_ends_everything_at_once(server: ClusterServer) -> None:
    """What is being worked on is broken off, nothing more is written, and the exit code is 1."""
    cluster = server.cluster
    for name in ("a", "b"):
        cluster.add(signature(name))
    server.hold(writes("/signatures/b/status"))
    with OperatorThread(server.config, kinds("first")) as operator:
        cluster.until(lambda: digest(cluster) and server.waiting)
        cluster.until(lambda: [each for each in cluster.asked if writes("/events")(each)])
        cluster.edit(LEASE, SPACE, "dspex", {"spec": {"holderIdentity": "other"}})
        before = cluster.writes()
        assert operator.join(within=9.0) == 1
        server.release()
        cluster.until(lambda: not server.waiting)
    assert cluster.writes() == before
    assert (holder(cluster), digest(cluster, "b")) == ("other", "")


def test_a_lease_that_is_lost_while_it_ends_breaks_the_work_off(server: ClusterServer) -> None:
    """Another may lead already: what still waits for an answer is not waited for."""
    cluster = server.cluster
    cluster.add(signature("a"))
    server.hold(writes("/signatures/a/status"))
    with OperatorThread(server.config, kinds("first")) as operator:
        cluster.until(lambda: server.waiting)
        operator.stop()
        cluster.edit(LEASE, SPACE, "dspex", {"spec": {"holderIdentity": "other"}})
        assert operator.join(within=8.0) == 0
        server.release()
        cluster.until(lambda: not server.waiting)
    assert holder(cluster) == "other"
    assert digest(cluster) == ""


def test_a_watch_that_fails_for_good_ends_the_operator(
    server: ClusterServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A kind that was deleted: the next process waits for it. The Lease is given up."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with OperatorThread(server.config, kinds("first")) as operator:
        cluster.until(lambda: digest(cluster) and server.streams == WATCHED)
        with cluster.changed:
            cluster.served.discard(SIGNATURE)
        server.break_watches()
        assert operator.join() == 1
    assert holder(cluster) == ""
    assert "ends, for the watch ended" in caplog.text


def test_the_work_at_hand_is_finished(
    server: ClusterServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits is left to the next leader; Events are written, then the Lease is given up."""
    cluster = server.cluster
    cluster.add(signature("a"))
    status, events = writes("/signatures/a/status"), writes("/events")
    server.hold(status)
    server.hold(events)
    with (
        caplog.at_level(logging.INFO),
        OperatorThread(server.config, kinds("first")) as operator,
    ):
        cluster.until(lambda: server.waiting)
        operator.stop()
        operator.until(lambda: "ends, as it was told to" in caplog.text)
        cluster.add(signature("b"))
        server.release(status)
        cluster.until(lambda: any(map(events, server.waiting)))
        server.release(events)
        assert operator.join() == 0
    assert [_last(each.path) for each in cluster.writes()][-3:] == ["status", "events", "dspex"]
    assert (digest(cluster, "a"), digest(cluster, "b"), holder(cluster)) == ("first", "", "")


def _last(path: str) -> str:
    return path.rpartition("/")[2]


# The process.


@contextmanager
def process(folder: Path, address: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start the operator as its image does; end it at the end."""
    kubeconfig = folder / "kubeconfig"
    named = {
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "t-1"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    kubeconfig.write_text(json.dumps({"current-context": "x", **named}))
    variables = {
        "KUBECONFIG": str(kubeconfig),
        "DSPEX_HOST": "127.0.0.1",
        "DSPEX_PORT": "0",
        "DSPEX_WEBHOOK_PORT": "0",
        "DSPEX_WEBHOOK_CERTIFICATES": str(folder),
        "POD_NAME": "pod-1",
        **environment,
    }
    made = subprocess.Popen(
        [sys.executable, "-m", "dspex.controllers"],
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield made
    finally:
        if made.poll() is None:
            made.kill()
        made.communicate()


def test_a_signal_ends_the_process_in_order(server: ClusterServer, tmp_path: Path) -> None:
    """The watch goes on until the work is finished; Event and Lease follow; the code is 0."""
    cluster = server.cluster
    cluster.add(signature("a"))
    server.hold(writes("/signatures/a/status"))
    with process(tmp_path, server.address) as made:
        assert made.stderr is not None
        cluster.until(lambda: server.waiting and server.streams == WATCHED, 60.0)
        assert holder(cluster) == "pod-1"
        made.send_signal(signal.SIGTERM)
        told = next(line for line in made.stderr if "ends, as it was told to" in line)
        assert json.loads(told)["level"] == "info"
        assert server.streams == WATCHED
        server.release()
        _, rest = made.communicate(timeout=30)
        assert made.returncode == 0, rest
    assert cluster.condition(SIGNATURE, "shop", "a", "Ready")["status"] == "True"
    assert [_last(each.path) for each in cluster.writes()][-3:] == ["status", "events", "dspex"]
    assert holder(cluster) == ""
    assert [each for (kind, _, _), each in cluster.objects.items() if kind == EVENT]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_each_signal_that_ends_it_is_taken(number: signal.Signals) -> None:
    """Whatever it did before."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, lambda: None)
    take_signals(stop)
    try:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            await stop.wait()
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DSPEX_PORT", "http", "DSPEX_PORT"),
        ("KUBECONFIG", "/nowhere/kubeconfig", "/nowhere/kubeconfig"),
    ],
)
def test_a_process_that_is_told_nonsense_says_so(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    words: str,
) -> None:
    """Exit code 2, in plain words without a traceback."""
    monkeypatch.setattr(command, "set_up_logs", lambda _: None)
    monkeypatch.setattr(sys, "setrecursionlimit", lambda _: None)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv(variable, value)
    assert command.main() == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
