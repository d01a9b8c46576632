"""Manifests that are too large, too deep, or no manifests at all."""

import io
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.errors import Diagnostic, ManifestError
from dspex.manifests import load

pytestmark = pytest.mark.slow

HEAD = "apiVersion: dspex.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p%d}\nspec:\n  steps:\n"
STEP = '  - name: s%d\n    template: {source: "{{ x }}"}\n    inputs: {x: $(inputs.x)}\n'


def _errors(data: bytes) -> list[Diagnostic]:
    try:
        load(["-"], stdin=io.BytesIO(data))
    except ManifestError as error:
        return list(error.diagnostics)
    return []


HUGE = """
import io, json, time
from dspex.errors import ManifestError
from dspex.manifests import load
from dspex.manifests.limits import MAX_FILE_BYTES

HEAD, STEP = {head!r}, {step!r}

def cut(text):
    return text.encode()[: MAX_FILE_BYTES - 1].rpartition(b"  - name")[0]

cases = {{
    "steps": cut(HEAD % 1 + "".join(STEP % i for i in range(60_000))),
    "documents": cut("---\\n".join((HEAD % i) + (STEP % i) for i in range(30_000))),
    "numbers": b"a: [" + b"1," * 2_400_000 + b"1]",
    "json": b'{{"a": [' + b"1," * 2_400_000 + b"1]}}",
    "strings": b'{{"a": [' + b'"$(a",' * 150_000 + b"1]}}",
    "moderate": (HEAD % 1 + "".join(STEP % 1 for _ in range(9000))).encode(),
    "size": b"x" * (MAX_FILE_BYTES + 1),
}}
answers = {{}}
for name, data in cases.items():
    start = time.process_time()
    try:
        load(["-"], stdin=io.BytesIO(data))
        codes = []
    except ManifestError as error:
        codes = [each.code for each in error.diagnostics]
    answers[name] = [codes, time.process_time() - start]
print(json.dumps(answers))
"""


def test_five_megabytes_end_in_an_error_within_ten_seconds() -> None:
    """A huge file is read up to a bound, then refused.

    CPU time, for other tests run beside; in an interpreter of its own, for coverage's tracer slows.
    """
    script = HUGE.format(head=HEAD, step=STEP)
    # Without coverage's variables: its tracer would measure itself.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    answers = json.loads(done.stdout)
    expected = {
        "steps": "TooManyValues",
        "documents": "TooManyValues",
        "numbers": "TooManyValues",
        "json": "TooManyValues",
        "strings": "MissingField",
        "moderate": "OutOfBounds",
        "size": "FileTooLarge",
    }
    assert {name: code in answers[name][0] for name, code in expected.items()} == dict.fromkeys(
        expected, True
    )
    assert max(seconds for _, seconds in answers.values()) < 10, answers


def test_a_large_template_loads_up_to_its_bound() -> None:
    """One long string is cheap; beyond 64 KiB the field itself refuses it."""
    step = "  - name: a\n    template: {source: '%s'}\n"
    assert _errors((HEAD % 1 + step % ("x" * 65_536)).encode()) == []
    (error,) = _errors((HEAD % 1 + step % ("x" * 65_537)).encode())
    assert (error.code, error.path) == ("OutOfBounds", "spec.steps[0].template.source")


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 100_000,
        '{"a": ' + "[" * 100_000,
        "".join(" " * level + "a:\n" for level in range(1000)),
        "- " * 100_000 + "a",
        "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n"
        + "".join(f"a{i}: &a{i} [[[[[[[[[[*a{i - 1}]]]]]]]]]]\n" for i in range(1, 30)),
    ],
    ids=["flow lists", "flow objects", "json", "block objects", "block lists", "aliases"],
)
def test_deep_nesting_is_refused(text: str) -> None:
    """However the levels are written, the hundredth but one is the last."""
    assert [each.code for each in _errors(text.encode())] == ["TooDeep"]


def test_alias_bombs_are_refused() -> None:
    """Lists that double and double again are not expanded; an anchor can't hold itself."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert [each.code for each in _errors("\n".join(lines).encode())] == ["TooManyAliases"]
    assert [each.code for each in _errors(b"a: &a [*a]")] == ["BadAlias"]
    assert [each.code for each in _errors(b"a: &a {<<: *a}")] == ["BadAlias"]


def test_errors_are_cut_off() -> None:
    """Ten thousand errors in one file end in a word that there are more."""
    errors = _errors(b"a: 1\n" * 10_000)
    assert len(errors) < 300
    assert "TooManyErrors" in [each.code for each in errors]


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a: \x07b",
        "a: 'b",
        "a: *b",
        "%TAG ! x\n---\na: b",
        "a: !!int b",
        "a: !!binary ==",
        "a: .nan",
        "a: -.inf",
        "? [a]\n: b",
        "? {a: b}\n: c",
        "null: 1",
        "a: {<<: [1]}",
        "a: b\n...\nc: d",
        "--- a",
        "{a: b",
        '{"a": 1e999}',
        '{"a": 1} x',
        "@",
        "a: `b`",
    ],
)
def test_malformed_text_is_an_error_with_a_place(text: str) -> None:
    """What is no YAML, or no JSON value, has a line and a column."""
    errors = _errors(text.encode())
    assert errors
    assert all(each.line and each.column and each.file == "-" for each in errors)


FRAGMENTS = st.sampled_from(
    [
        "apiVersion: dspex.dev/v1alpha1\n",
        "kind: Pipeline\n",
        "kind: Pool\n",
        "spec:\n",
        "  steps:\n",
        "  - name: a\n",
        "    if: $(",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "&a ",
        "*a",
        "<<: ",
        "'",
        '"',
        "\n",
        "---\n",
        "$(x)",
        "yes",
        "1.0",
        "!!int ",
        "#",
        "  ",
        "|\n",
        "\t",
        "é",
        "\ud7ff",
        "\x85",
        "metadata: {name: x}\n",
        '{"kind": "Pool"',
        ",",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=30))
def test_any_text_loads_or_is_refused_with_places(parts: list[str]) -> None:
    """Nothing but a ManifestError comes out, and each finding has its file and line."""
    text = "".join(parts).encode("utf-8", "surrogatepass")
    for each in _errors(text):
        assert each.file == "-"
        assert each.line is not None
        assert each.line >= 1
        assert each.render()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    """Bytes that are no text are refused like anything else."""
    assert all(each.line for each in _errors(data))
