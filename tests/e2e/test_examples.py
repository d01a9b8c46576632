"""The example folders: each lints, graphs and runs, and gives what its README shows."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.command_line import Ran
from fakes.processes import Scene
from fakes.shared_run import once

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(each.parent.name for each in EXAMPLES.glob("*/manifests"))
SIDE_BY_SIDE = 2


def shown(name: str) -> dict[str, Any]:
    """Return the outputs that an example's README shows."""
    text = (EXAMPLES / name / "README.md").read_text()
    found = re.search(r"^```text\n(?P<words>.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{name}/README.md shows no output"
    outputs: dict[str, Any] = yaml.safe_load(found["words"])
    return outputs


async def each_once(folder: Path) -> dict[str, Any]:
    """Run all examples against the recorded answers, two at a time."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / "recorded"), "--port", "0"), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout
    address = re.search(rb"http://(\S+)/<example>", await server.stdout.readline())
    assert address

    async def one(name: str) -> dict[str, Any]:
        async with places, Scene(folder / name) as scene:
            (scene.folder / "manifests").mkdir()
            for file in (EXAMPLES / name).iterdir():
                if file.is_dir() and file.name != "manifests":
                    (scene.folder / file.name).symlink_to(file)
            for file in (EXAMPLES / name / "manifests").iterdir():
                text = file.read_text().replace("localhost:8765", address[1].decode())
                (scene.folder / "manifests" / file.name).write_text(text)
            lint = await scene.run("lint", "-f", "manifests")
            graph = [
                await scene.run("graph", "-f", "manifests", "--pipeline", each, "-o", "text")
                for each in pipelines(name)
            ]
            ran = await scene.run("run", "-f", "manifests", "-o", "json", within=240)
        return {"lint": said(lint), "graph": [said(each) for each in graph], "run": said(ran)}

    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one(name)) for name in NAMES}
    finally:
        server.terminate()
        await server.wait()
    return {name: task.result() for name, task in tasks.items()}


def pipelines(name: str) -> list[str]:
    """Return the names of an example's Pipelines."""
    texts = [file.read_text() for file in sorted((EXAMPLES / name / "manifests").iterdir())]
    return re.findall(r"^kind: Pipeline\nmetadata: \{name: (\S+)\}", "\n".join(texts), re.MULTILINE)


def said(ran: Ran) -> dict[str, Any]:
    """Return what a command printed and how it ended, as JSON."""
    return {"exit": ran.status, "out": ran.out, "words": ran.err}


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each example."""
    made: dict[str, Any] = once(
        tmp_path_factory,
        "examples",
        lambda: asyncio.run(each_once(tmp_path_factory.mktemp("examples"))),
    )
    return made


@pytest.fixture
def ran(examples: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    """The status of the example that a test is about."""
    found = examples[request.param]["run"]
    assert found["exit"] == 0, found["words"]
    status: dict[str, Any] = json.loads(found["out"])["status"]
    return status


def about(name: str) -> pytest.MarkDecorator:
    """Give a test the status of an example."""
    return pytest.mark.parametrize("ran", [name], indirect=True)


@pytest.mark.parametrize("name", NAMES)
def test_it_lints_without_a_word_and_graphs(examples: dict[str, Any], name: str) -> None:
    """No error and no warning; a drawing of each pipeline names it."""
    found = examples[name]
    assert found["lint"]["exit"] == 0, found["lint"]
    assert "warning" not in found["lint"]["out"] + found["lint"]["words"]
    for pipeline, graph in zip(pipelines(name), found["graph"], strict=True):
        assert graph["exit"] == 0, graph
        assert pipeline in graph["out"]


@pytest.mark.parametrize(("ran", "name"), [(name, name) for name in NAMES], indirect=["ran"])
def test_it_gives_what_its_readme_shows(ran: dict[str, Any], name: str) -> None:
    """Outputs and number of model calls."""
    assert ran["outputs"] == json.loads(json.dumps(shown(name), default=str))
    text = (EXAMPLES / name / "README.md").read_text()
    assert f"{ran['usage']['calls']} model calls" in text


@about("call-audit")
def test_a_quote_that_was_never_said_goes_to_a_person(ran: dict[str, Any]) -> None:
    """The rule with an invented quote is named, and the points follow from the verdicts."""
    assert ran["outputs"]["for_a_person"] == ["empathy"]
    assert (ran["outputs"]["points"], ran["outputs"]["possible"]) == (6, 8)
    assert ran["outputs"]["passed"] is True


@about("extraction")
def test_an_answer_against_the_constraints_is_asked_for_again(ran: dict[str, Any]) -> None:
    """One retry, numbers in their pattern, and an invoice that does not add up is found."""
    extract = next(each for each in ran["steps"] if each["name"] == "extract")
    assert extract["attempts"] == 3
    assert all(re.fullmatch("[A-Z]{2}-[0-9]{4}", each) for each in ran["outputs"]["numbers"])
    assert ran["outputs"]["do_not_add_up"] == ["BK-0093"]


@about("ticket-triage")
def test_the_queue_is_in_order_and_only_urgent_tickets_page(ran: dict[str, Any]) -> None:
    """Priorities ascend; the outage and the customer who may leave are paged."""
    queue = [each["priority"] for each in ran["outputs"]["queue"]]
    assert queue == sorted(queue)
    assert [page[:5] for page in ran["outputs"]["pages"]] == ["T-101", "T-103"]


@about("email")
def test_spam_costs_one_call(ran: dict[str, Any]) -> None:
    """Three calls for each other e-mail, and no day or action for spam."""
    kinds = ran["outputs"]["kinds"]
    assert ran["usage"]["calls"] == sum(1 if kind == "spam" else 3 for kind in kinds)
    assert ran["outputs"]["days"][kinds.index("spam")] is None


@about("react-agent")
def test_the_agent_decides_by_what_its_tools_say(ran: dict[str, Any]) -> None:
    """Real observations stand in the trajectory, a tool's error among them."""
    looked_up = ran["outputs"]["looked_up"]
    assert "39.0" in str(looked_up[0]["observation_0"])
    assert "there is no order 12" in looked_up[2]["observation_0"]
    assert ran["outputs"]["refunds"] == "pay back 39.0 EUR"


@about("text-to-sql")
def test_a_query_that_fails_is_mended(ran: dict[str, Any]) -> None:
    """The rows are the database's, of the second query too."""
    by_city, largest = ran["outputs"]["rows"]
    assert by_city == [{"city": "Bergen", "euros": 75.0}, {"city": "Porto", "euros": 90.0}]
    assert largest == [{"name": "Tomas", "euros": 90.0}]
    assert ran["outputs"]["errors"] == []
    assert ran["usage"]["calls"] == 3


@about("rag-qa")
def test_an_answer_that_the_judge_does_not_support_is_withheld(ran: dict[str, Any]) -> None:
    """Two answers with their sources, and one that is not given."""
    assert [each[-7:] for each in ran["outputs"]["answers"]] == [" [loan]", "t know.", " [kids]"]


@about("multi-hop")
def test_the_second_hop_finds_what_the_first_could_not(ran: dict[str, Any]) -> None:
    """Two different texts; the answer stands in the second alone."""
    first, second = ran["outputs"]["notes"]
    assert ran["outputs"]["answer"] in second
    assert ran["outputs"]["answer"] not in first


@about("moderation")
def test_only_unsure_verdicts_are_reviewed(ran: dict[str, Any]) -> None:
    """Four looks and two reviews; where the two differ a person decides."""
    assert ran["usage"]["calls"] == 6
    assert ran["outputs"]["decisions"] == ["allow", "block", "person", "allow"]


@about("relevance")
def test_the_judge_is_compared_with_a_person(ran: dict[str, Any]) -> None:
    """Six verdicts, one of which a person does not share."""
    assert ran["outputs"]["verdicts"] == ["yes", "yes", "no", "no", "yes", "no"]
    assert ran["outputs"]["agreement"] == pytest.approx(5 / 6)
    assert ran["outputs"]["precision_at_3"] == pytest.approx(2 / 3)
