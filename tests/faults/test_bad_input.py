"""What a person may hand to the command line: refused or failed in words, within seconds."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.processes import Scene

WITHIN = 20.0
"""Seconds, of which a busy machine takes most for starting Python."""

HEAD = "apiVersion: dspex.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
HI = "template: {source: hi}"
TEN = "[1,2,3,4,5,6,7,8,9,10]"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


def steps(*lines: str, inputs: str = "") -> str:
    """Return a pipeline of steps."""
    return HEAD + inputs + "  steps:\n" + "".join(f"  - {line}\n" for line in lines)


def fan_out(depth: int, width: int) -> str:
    """Return pipelines that name each other: width to the power of depth steps."""
    manifests = []
    for level in range(depth):
        names = [f"{{name: s{i}, pipelineRef: {{name: p{level + 1}}}}}" for i in range(width)]
        manifests.append(steps(*names).replace("name: p}", f"name: p{level}}}"))
    manifests.append(steps(f"{{name: s, {HI}}}").replace("name: p}", f"name: p{depth}}}"))
    return "---\n".join(manifests)


REFUSED = {
    "no YAML": ("a: [1,\nb: {", ":3:1: this is no YAML"),
    "tabs": (HEAD + "\tsteps: []\n", "indent with spaces"),
    "a key twice": (HEAD + "  steps: []\n  steps: []\n", "stands already in line 5"),
    "no text": ("\0\x01\x02", "a character that YAML does not allow"),
    "an object of Python": ("!!python/object/apply:os.system [id]\n", "object"),
    "an anchor in itself": ("&a [*a]\n", "contains itself"),
    "an alias bomb": (
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n"
            for a, b in zip("abcdef", "bcdefg", strict=True)
        ),
        "aliases repeat more than",
    ),
    "deep": ("[" * 100_000, "nested deeper than 100 levels"),
    "deep JSON": ('{"a":' * 100_000, "nested deeper than 100 levels"),
    "5 MB": ("a: " + "x" * 5_100_000, "larger than 5 MB"),
    "many values": ("a: [" + "1," * 1_000_000 + "1]", "more than"),
    "wrong types": (HEAD + "  inputs: 5\n  steps: hello\n  timeouts: []\n", "3 errors"),
    "an unknown field": (HEAD + "  stepz: []\n", "remedy: write steps"),
    "an unclosed expression": (
        steps("{name: s, template: {source: x}, inputs: {a: $(max(1, 2))}}"),
        "is not closed",
    ),
    "257 steps": (steps(*[f"{{name: s{i}, {HI}}}" for i in range(257)]), "at most 256"),
    "65 inputs": (
        steps(
            f"{{name: s, {HI}}}",
            inputs="  inputs:\n" + "".join(f"  - {{name: i{i}, type: str}}\n" for i in range(65)),
        ),
        "at most 64",
    ),
    "a long expression": (
        steps(f'{{name: s, {HI}, if: "$({"1+" * 2100}1 > 0)"}}'),
        "at most 4096 characters",
    ),
    "a deep expression": (
        steps(f'{{name: s, {HI}, if: "$({"(" * 500}true{")" * 500})"}}'),
        "nested more than",
    ),
    "a long template": (steps(f'{{name: s, template: {{source: "{"x" * 65_537}"}}}}'), "65536"),
    "a cycle": (
        steps(
            "{name: a, template: {source: '{{ x }}'}, inputs: {x: $(steps.b.outputs.text)}}",
            "{name: b, template: {source: '{{ x }}'}, inputs: {x: $(steps.a.outputs.text)}}",
        ),
        "a → b → a",
    ),
    "a pipeline in itself": (steps("{name: a, pipelineRef: {name: p}}"), "p → p"),
    "pipelines ten deep": (fan_out(10, 1), "more than 8 pipelines inside each other"),
    "a million steps of sub-pipelines": (fan_out(4, 30), "has 1647930 steps"),
    "a pattern that backtracks": (
        steps(
            f"{{name: s, {HI}}}",
            inputs=f'  inputs:\n  - {{name: x, type: str, pattern: "^(a+)+$", default: "{"a" * 40}b"}}\n',
        ),
        "must match the pattern",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_manifest_is_refused_at_its_place(scene: Scene, case: str) -> None:
    """Exit 2 with file and line, the finding, and no trace."""
    text, words = REFUSED[case]
    file = scene.write(text)
    ran = await scene.run("lint", "-f", file, within=WITHIN)
    assert ran.status == 2, ran
    assert words in ran.err
    assert f"{file}:" in ran.err
    assert len(ran.err) < 20_000


LOOP = "{% for i in range(90000) %}"
MAPS = "".join(f"{TEN}.map(a{i}, " for i in range(7)) + "1" + ")" * 7
FAILED = {
    "a loop without end": (
        f"template: {{source: '{LOOP * 2}{{% endfor %}}{{% endfor %}}'}}",
        "TemplateLimitExceeded",
    ),
    "an endless output": (
        f"template: {{source: '{{% for i in range(20000) %}}{'x' * 200}{{% endfor %}}'}}",
        "TemplateLimitExceeded",
    ),
    "an expression that explodes": (
        f'transform: {{name: json, config: {{mode: Format}}}}, inputs: {{value: "$({MAPS})"}}',
        "ExpressionFailed",
    ),
    "a division by zero": (
        "template: {source: '{{ x }}'}, inputs: {x: $(1 / 0)}",
        "divide by zero",
    ),
    "more items than allowed": (
        f'{HI}, forEach: {{items: "$({TEN})", maxItems: 5}}',
        "maxItems allows 5",
    ),
    "a repetition without end": (
        f"{HI}, repeat: {{until: $(false), maxIterations: 1000}}",
        "RepeatExhausted",
    ),
}


@pytest.mark.parametrize("case", FAILED)
async def test_what_only_a_run_can_find_fails_the_run(scene: Scene, case: str) -> None:
    """Exit 1 with the step's reason and a remedy, and no trace."""
    step, words = FAILED[case]
    file = scene.write(steps(f"{{name: s, {step}}}"))
    ran = await scene.run("run", "-f", file, within=WITHIN)
    assert ran.status == 1, ran
    assert words in ran.err
    assert "remedy: " in ran.err


async def test_a_pipeline_at_every_bound_runs(scene: Scene) -> None:
    """256 steps are not too many."""
    file = scene.write(steps(*[f"{{name: s{i}, {HI}}}" for i in range(256)]))
    ran = await scene.run("run", "-f", file, within=WITHIN)
    assert ran.status == 0, ran.err
    assert "succeeded" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run",), "-f manifests/"),
        (("run", "-f", "none.yaml"), "none.yaml: can't be read"),
        (("runn",), "runn"),
        (("run", "-f", "."), "holds no *.yaml"),
        (("run", "-f", "p.yaml", "-o", "xml"), "xml"),
        (("run", "-f", "p.yaml", "--input-file", "none.json"), "none.json"),
        (("run", "-f", "p.yaml", "-i", "x=1"), "x"),
    ],
)
async def test_a_bad_command_line_is_status_2(
    scene: Scene, arguments: tuple[str, ...], words: str
) -> None:
    """What is wrong is named."""
    if "p.yaml" in arguments:
        scene.write(steps(f"{{name: s, {HI}}}"), "p.yaml")
    ran = await scene.run(*arguments, within=WITHIN)
    assert ran.status == 2, ran
    assert words in ran.err


async def test_a_missing_key_prints_the_flag_that_gives_it(scene: Scene) -> None:
    """The demo on a real model without its key; the flag can be copied."""
    folder = scene.folder / "triage"
    shutil.copytree(Path(__file__).parents[2] / "examples" / "triage", folder)
    pool = folder / "pool.yaml"
    key = "name: openai/gpt-4o-mini\n    apiKeySecretRef: {name: llm, key: api-key}"
    pool.write_text(pool.read_text().replace("embedded: true", key))
    ran = await scene.run("run", "-f", folder, within=WITHIN)
    assert ran.status == 2, ran
    assert f"{pool}:" in ran.err
    assert "--secret llm/api-key=env:" in ran.err
