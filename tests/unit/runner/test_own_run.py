"""The pod's hold on its run, against refusals of every kind; and statuses that are too large."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.errors import InvalidError
from dspex.pipeline.events import AttemptFailed, RunFinished, RunStarted, StepFinished
from dspex.pipeline.record import Fault, RunRecord, State, StepRecord
from dspex.runner.failure import LostRunError
from dspex.runner.journal import Journal
from dspex.runner.own_run import OwnRun
from dspex.runner.redactor import Redactor
from dspex.runner.reporter import Reporter
from dspex.runner.settings import Settings
from dspex.runner.status import MAX_STATUS, fits, smaller
from fakes.api_server import ApiServer, Pod, refusal
from fakes.objects import plan

UID = "0f6c1d1e-1111-4222-8333-0123456789ab"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = "2026-01-01T00:00:00.000000Z"
SETTINGS = Settings.of(Pod("r", UID, 1).environment)


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    """Serve one run."""
    async with ApiServer() as server:
        server.add_run("r", UID)
        yield server


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[KubeClient]:
    """Talk to it as pod 1."""
    config = ClusterConfig(api.address, token=Pod("r", UID, 1).token)
    async with KubeClient(config, manager="dspex-runner") as client:
        yield client


def refuse_once(api: ApiServer, *answers: web.Response | None) -> None:
    """Give some answers to the next requests; None lets one through."""
    left = list(answers)
    api.before = lambda request, body: left.pop(0) if left else None


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_claim_is_repeated_until_it_is_taken(
    api: ApiServer, client: KubeClient, status: int
) -> None:
    """Whatever was the matter: rights that come late, load, a restart."""
    refuse_once(api, refusal(status, "Whatever", "later"), None, refusal(status, "W", "later"))
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    assert own_run.epoch == 1
    assert len(api.requests) == 4


async def test_a_claim_that_others_forestall_is_made_anew(
    api: ApiServer, client: KubeClient
) -> None:
    """Somebody wrote between reading and claiming."""
    count = 0

    def touch(request: web.Request, body: dict[str, Any]) -> None:
        nonlocal count
        count += 1
        if count == 2:
            api.touch("r")

    api.before = touch
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    assert [status for *_, status in api.requests] == [200, 409, 200, 200]
    assert api.status("r")["runner"]["startTime"] == START


async def test_a_run_that_is_gone_or_another_of_its_name_is_lost(
    api: ApiServer, client: KubeClient
) -> None:
    """There is nothing to write to, and no use in asking again."""
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    api.add_run("r", "another-uid")
    with pytest.raises(LostRunError, match="another run has taken the name"):
        await own_run.read()
    del api.objects["pipelineruns", "r"]
    with pytest.raises(LostRunError, match="gone"):
        await own_run.persist(own_run.read, "read the run")


async def test_a_refused_write_asks_who_has_the_run(api: ApiServer, client: KubeClient) -> None:
    """A refusal alone does not say whether the epoch or the rights are at fault."""
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    status = {"runner": own_run.runner}
    forbidden = refusal(403, "Forbidden", "no rights yet")
    refuse_once(api, forbidden, refusal(503, "Unavailable", "no"))
    await own_run.persist(lambda: own_run.write(status), "write")
    api.objects["pipelineruns", "r"]["status"]["runner"] |= {"epoch": 2, "podUID": "pod-2"}
    refuse_once(api, refusal(403, "Forbidden", "epoch 2 stands"))
    with pytest.raises(LostRunError, match="epoch 2, this is 1"):
        await own_run.persist(lambda: own_run.write(status), "write")
    api.objects.clear()
    refuse_once(api, refusal(403, "Forbidden", "whatever"))
    with pytest.raises(LostRunError, match="gone"):
        await own_run.persist(lambda: own_run.write(status), "write")


async def test_a_write_that_comes_late_is_refused(api: ApiServer, client: KubeClient) -> None:
    """It names the version that its writer saw, so it can't undo the last word."""
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    late: list[dict[str, Any]] = []
    api.before = lambda request, body: late.append(body)
    await own_run.write({"runner": own_run.runner, "outputs": {"x": 1}})
    await own_run.write({"runner": {**own_run.runner, "phase": "Finished"}})
    assert late[0]["metadata"]["resourceVersion"] != late[1]["metadata"]["resourceVersion"]
    assert "outputs" not in api.status("r")


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_will_never_be_taken_is_not_repeated(
    api: ApiServer, client: KubeClient, status: int
) -> None:
    """The caller has to send something else."""
    own_run = OwnRun(client, SETTINGS)
    refuse_once(api, refusal(status, "Invalid", "too much"))
    with pytest.raises(InvalidError):
        await own_run.persist(own_run.read, "read")
    assert len(api.requests) == 1


def reporter_of(client: KubeClient, own_run: OwnRun) -> Reporter:
    """Make a reporter that heeds nothing."""
    redactor = Redactor({}, salt=UID)
    empty = plan("steps: [{name: one, template: {source: x}}]")
    journal = Journal(client, own_run, SETTINGS, empty, redactor)
    return Reporter(client, own_run, SETTINGS, journal, redactor, lambda run: None)


def failed(name: str, size: int) -> StepFinished:
    """Make the end of a step that has much to say."""
    fault = Fault(
        reason="ModuleFailed",
        message="m" * size,
        traceback="t" * size,
        details={"items": ["d" * size] * 20},
    )
    record = StepRecord(name=name, kind="dspy", state=State.FAILED, message="m" * size, error=fault)
    return StepFinished(time=NOW, record=record)


async def test_a_status_that_is_too_large_is_cut_before_it_is_refused(
    api: ApiServer, client: KubeClient
) -> None:
    """Two thousand steps with tracebacks: states and messages stay, the rest goes."""
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    reporter = reporter_of(client, own_run)
    reporter(RunStarted(time=NOW, run="r", pipeline="p", digest="d", steps=()))
    for number in range(1000):
        reporter(failed(f"s{number}", 3000))
    await reporter.write_progress()
    steps = api.status("r")["steps"]
    assert len(steps) == 1000
    assert steps[0]["error"]["reason"] == "ModuleFailed"
    assert "traceback" not in steps[0]["error"]
    assert len(api.requests) == 3


async def test_a_refused_status_is_sent_with_less_until_the_last_word_is_in(
    api: ApiServer, client: KubeClient
) -> None:
    """The run ends in any case."""
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    reporter = reporter_of(client, own_run)
    reporter(failed("one", 10))
    record = RunRecord(state=State.FAILED, reason="StepsFailed", message="m", outputs=None)
    reporter(RunFinished(time=NOW, record=record))

    def strict(request: web.Request, body: dict[str, Any]) -> web.Response | None:
        steps = body.get("status", {}).get("steps")
        return refusal(422, "Invalid", "status.steps: no") if steps else None

    api.before = strict
    await reporter.write_last()
    assert api.status("r")["runner"]["reason"] == "StepsFailed"
    api.before = lambda request, body: refusal(422, "Invalid", "nothing will do")
    with pytest.raises(InvalidError):
        await reporter.write_last()


async def test_large_outputs_take_another_name_where_theirs_is_taken(
    api: ApiServer, client: KubeClient
) -> None:
    """A former run of the same name has left some; a write that came through once is no other's."""
    own_run = OwnRun(client, SETTINGS)
    await own_run.claim(START)
    outputs = {"text": "x" * 70_000}
    record = RunRecord(state=State.SUCCEEDED, reason="Succeeded", message="", outputs=outputs)

    async def write() -> str:
        reporter = reporter_of(client, own_run)
        reporter(RunFinished(time=NOW, record=record))
        await reporter.write_last()
        return str(api.status("r")["outputsRef"]["name"])

    assert await write() == "r-outputs"
    assert await write() == "r-outputs"

    def not_ours(request: web.Request, body: Any) -> web.Response | None:
        theirs = request.method == "PATCH" and request.path.endswith("/r-outputs")
        return refusal(403, "Forbidden", "the owner can't be changed") if theirs else None

    api.before = not_ours
    assert await write() == f"r-{UID[-12:]}-outputs"


async def test_failed_attempts_are_logged(
    client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """With step, item and attempt."""
    reporter = reporter_of(client, OwnRun(client, SETTINGS))
    fault = Fault(reason="Timeout", message="too slow")
    event = AttemptFailed(time=NOW, step="s", item=3, attempt=2, error=fault, retry_in=None)
    reporter(event)
    [line] = caplog.records
    assert (line.__dict__["step"], line.__dict__["item"], line.__dict__["attempt"]) == ("s", 3, 2)
    reporter.mute()
    reporter(event)
    assert len(caplog.records) == 1


def test_the_least_of_a_status_always_fits() -> None:
    """Whatever the message is."""
    status = {"runner": {"epoch": 1, "message": "m" * MAX_STATUS}, "steps": [], "outputs": {}}
    *_, least = smaller(status)
    assert fits(least)
    assert set(least) == {"runner"}
