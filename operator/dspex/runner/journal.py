"""Checkpoints: what is finished and was paid for, kept in PipelineRunData of the run.

A journal is a text of JSON lines, cut into chunks `<job>-<n>` of one object each. Text, because
the API server would change what JSON means to Python (1.0 comes back as 1); lines, because a
process that is killed half way through one then leaves no more than a line that can't be read. A
process only ever writes into chunks that it has made itself.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from dspex.kube.client import KubeClient, Object
from dspex.kube.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from dspex.kube.kind import RUN_DATA
from dspex.pipeline.events import Event, ItemFinished, StepFinished
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import State, StepRecord
from dspex.runner.kept import ItemLine, Kept, Line, StepLine, costly_steps, paths
from dspex.runner.log import logger
from dspex.runner.own_run import OwnRun
from dspex.runner.redactor import Redactor
from dspex.runner.settings import Settings

CHUNK: Final = 64 * 1024
"""Characters of one chunk. A chunk is written again as it grows, so it stays small; and no text
of that length has more than the 512 KiB that one object may hold, however it is escaped."""

MAX_CHUNKS: Final = 10_000
"""Chunks that are read at most."""


class Journal:
    """Notes what is finished, and writes it when asked to.

    Args:
        client: The API server.
        own_run: Whose it is.
        settings: Name the chunks.
        plan: Says which steps are worth it.
        redactor: Keeps sensitive values out.
        first: The number of the first chunk to write: how many a former process left.
    """

    def __init__(
        self,
        client: KubeClient,
        own_run: OwnRun,
        settings: Settings,
        plan: Plan,
        redactor: Redactor,
        first: int = 0,
    ) -> None:
        self._client = client
        self._own_run = own_run
        self._settings = settings
        self._redactor = redactor
        self._costly = costly_steps(plan)
        self._over_items = {path for path, step in paths(plan, plan) if step.for_each is not None}
        self._lines: list[str] = []
        self._number = first
        self._text = "\n" if first else ""
        self._version = ""
        self._broken = False

    @property
    def pending(self) -> bool:
        """Whether there is something that is not written yet."""
        return bool(self._lines)

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        line = self._line(event)
        if line is not None and not self._broken:
            value = self._redactor.conceal(msgspec.to_builtins(line))
            self._lines.append(msgspec.json.encode(value).decode() + "\n")

    async def write(self) -> None:
        """Write what is pending; returns when the API server has it all."""
        lines, self._lines = self._lines, []
        rest = "".join(lines)
        while rest:
            room = CHUNK - len(self._text)
            if room <= 0:
                self._turn("")
                continue
            try:
                await self._put(self._text + rest[:room])
            except ConflictError:
                # Somebody else's by now, or a request that was given up for lost has come through.
                # All of it stands once more in the next chunk: reading it twice does no harm.
                self._turn("\n")
                rest = "".join(lines)
                continue
            except InvalidError as error:
                logger.error("checkpoints can't be written, a new pod begins anew: %s", error)
                self._broken = True
                return
            rest = rest[room:]

    def _turn(self, text: str) -> None:
        self._number += 1
        self._text, self._version = text, ""

    async def _put(self, text: str) -> None:
        name = chunk_name(self._settings, self._number)
        spec = {"runRef": {"name": self._settings.run}, "checkpoint": {"log": text}}
        metadata: dict[str, Any] = {"name": name, "namespace": self._settings.namespace}

        async def put() -> Object:
            if not self._version:
                return await self._client.create(
                    {
                        "apiVersion": RUN_DATA.version,
                        "kind": RUN_DATA.name,
                        "metadata": {**metadata, "ownerReferences": [self._own_run.owner]},
                        "spec": spec,
                    }
                )
            patch = {"metadata": {"resourceVersion": self._version}, "spec": spec}
            return await self._client.merge(RUN_DATA, metadata["namespace"], name, patch)

        item = await self._own_run.persist(put, f"write checkpoint {name}")
        self._version = item["metadata"]["resourceVersion"]
        self._text = text

    def _line(self, event: Event) -> Line | None:
        match event:
            case ItemFinished(step=step, kept=kept) if kept is not None:
                if step in self._costly:
                    return ItemLine(step=step, index=event.item, record=kept)
            case StepFinished(record=record) if record.state is State.SUCCEEDED or (
                # An inner step that failed may be tried again with the step around it.
                record.state is State.FAILED and "/" not in record.name
            ):
                return self._step_line(record)
        return None

    def _step_line(self, record: StepRecord) -> StepLine | None:
        top = record.name.partition("/")[0]
        if top not in self._costly:
            return None
        if record.name not in self._costly:
            return StepLine(record=dataclasses.replace(record, outputs=None), brief=True)
        if record.outputs is not None and record.name in self._over_items:
            # Its items stand there already.
            bare = dataclasses.replace(record, outputs=None)
            return StepLine(record=bare, fields=tuple(record.outputs))
        return StepLine(record=record)


async def read_journal(
    client: KubeClient, own_run: OwnRun, settings: Settings, redactor: Redactor
) -> tuple[Kept, int]:
    """Read what former processes have written; gives the number of their chunks too."""
    texts: list[str] = []
    for number in range(MAX_CHUNKS):
        text = await _read_chunk(client, own_run, settings, number)
        if text is None:
            break
        texts.append(text)
    return Kept(_lines("".join(texts), redactor)), len(texts)


async def _read_chunk(
    client: KubeClient, own_run: OwnRun, settings: Settings, number: int
) -> str | None:
    name = chunk_name(settings, number)

    async def read() -> Object | None:
        try:
            return await client.merge(RUN_DATA, settings.namespace, name, {})
        except NotFoundError:
            return None
        except ForbiddenError as error:
            # Not this run's: nothing of it comes after.
            logger.warning("checkpoint %s can't be read: %s", name, error)
            return None

    item = await own_run.persist(read, f"read checkpoint {name}")
    return None if item is None else str((item["spec"].get("checkpoint") or {}).get("log", ""))


def _lines(text: str, redactor: Redactor) -> Iterator[Line]:
    for line in text.split("\n"):
        if not line:
            continue
        try:
            yield msgspec.convert(redactor.reveal(msgspec.json.decode(line)), _LINE)
        except (msgspec.MsgspecError, ValueError):
            # Cut short by the end of the process that wrote it.
            logger.warning("a checkpoint of %d characters can't be read", len(line))


def chunk_name(settings: Settings, number: int) -> str:
    """Return the name of one chunk's PipelineRunData."""
    return f"{settings.job}-{number}"


_LINE: Final[Any] = StepLine | ItemLine
