"""Constraints: what they ask of values, and which are refused before anything runs."""

import time
from typing import Any

import pytest

from dspex.errors import SignatureError
from dspex.native.field import Field
from dspex.native.signatures import check_constraints, constraints_from, parse_type
from dspex.native.validation import FORMATS, Validator


def violations(
    type_: str, constraints: dict[str, Any], value: Any, *, strict: bool = False
) -> list[str]:
    """Validate one value of a field named a, and print what was found."""
    made = constraints_from(constraints)
    parsed = parse_type(type_)
    assert check_constraints(parsed, made) == ()
    validator = Validator([Field(name="a", type=parsed, constraints=made)])
    return [str(each) for each in validator.validate({"a": value}, strict=strict).violations]


CASES: list[tuple[str, dict[str, Any], list[Any], list[Any]]] = [
    ("str", {"minLength": 2}, ["ab", "é\U0001f600"], ["a", "\U0001f600"]),
    ("str", {"maxLength": 2}, ["ab", "\U0001f600\U0001f600"], ["abc"]),
    ("str", {"pattern": "b+"}, ["abc"], ["a", ""]),
    ("str", {"pattern": "^b+$"}, ["bb"], ["abb", "bb\n"]),
    ("str", {"format": "date"}, ["2026-11-22"], ["2026-13-22"]),
    ("str", {"enum": ["a", "b"]}, ["a", " A "], ["c"]),
    ("int", {"enum": [1, 2]}, [1, "2"], [3]),
    ("float", {"enum": [1, 2.5]}, [1, 1.0, "2.5"], [2]),
    ("date", {"enum": ["2026-11-22"]}, ["2026-11-22"], ["2026-11-23"]),
    ("int", {"minimum": 1, "maximum": 3}, [1, 3], [0, 4]),
    ("float", {"exclusiveMinimum": 1, "exclusiveMaximum": 2}, [1.5], [1, 2.0]),
    ("int", {"multipleOf": 3}, [0, -3, 9], [1]),
    ("float", {"multipleOf": 0.1}, [0.3, 1, 1e22], [0.35]),
    ("float", {"probability": True}, [0, 1, 0.5], [-0.01, 1.01]),
    ("list[float]", {"probability": True}, [[0.5, 0.5], [0.33, 0.33, 0.33]], [[0.5], [2, -1], []]),
    ("dict[str, float]", {"probability": True}, [{"a": 1}], [{"a": 0.5}, {}]),
    ("float", {"confidence": True}, [0.85, "85%", " 85 % ", "0.85"], [85, "850%", "x%"]),
    ("list[int]", {"minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3]]),
    ("set[int]", {"maxItems": 2}, [[1, 1, 2]], [[1, 2, 3]]),
    ("list[Any]", {"uniqueItems": True}, [[1, True, "1", None]], [[1, 1.0], [[1], [1]]]),
    ("list[str]", {"items": {"maxLength": 1}}, [["a"]], [["ab"]]),
    ("tuple[str, ...]", {"items": {"maxLength": 1}}, [["a"]], [["ab"]]),
    ("list[float]", {"dimension": 3}, [[1, 2, 3]], [[1, 2]]),
    ("list[list[float]]", {"shape": [2, -1]}, [[[1], [2]], [[], []]], [[[1]]]),
    ("list[Any]", {"shape": [1, 1]}, [[[1]]], [[1], [["x"]], [[True]], [[1, 2]]]),
    ("str | None", {"maxLength": 1}, [None, "a"], ["ab"]),
    ("int | str", {"minimum": 3, "maxLength": 1}, [3, "x"], [2, "xx", "33"]),
    ("object", {"schema": {"required": ["a"]}}, [{"a": 1}, '{"a": 1}'], [{}]),
    ("object | None", {"schema": {"type": "object"}}, [None, {}], [3]),
    ("int", {"schema": {"const": 3}}, [3, "3"], [4]),
    ("Any", {"schema": {"type": ["integer", "null"]}}, [3, None], ["3"]),
    (
        "Any",
        {"minLength": 2, "minimum": 2, "minItems": 2},
        [True, "ab", 2, [1, 2], {}],
        ["a", 1, [1]],
    ),
    ("Any", {"probability": True}, [0.5, [0.5, 0.5], {"a": 1}, "x"], [2, [0.5], {"a": 0.5}]),
]


@pytest.mark.parametrize(("type_", "constraints", "good", "bad"), CASES)
def test_values_are_held_against_constraints(
    type_: str, constraints: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    """Good values pass, bad ones have a violation."""
    for value in good:
        assert violations(type_, constraints, value) == [], value
    for value in bad:
        assert violations(type_, constraints, value), value


def test_every_violated_constraint_is_named() -> None:
    """Not only the first one."""
    found = violations("str", {"minLength": 3, "pattern": "^b", "format": "email"}, "a")
    assert found == [
        "a: must have at least 3 characters, not 1, found 'a'",
        "a: must match the pattern ^b, found 'a'",
        "a: must have the format email, found 'a'",
    ]
    found = violations("list[str]", {"maxItems": 1, "items": {"maxLength": 1}}, ["aa", "bb"])
    assert [line.partition(":")[0] for line in found] == ["a[0]", "a[1]"]
    found = violations("list[int]", {"uniqueItems": True}, [1, 2, 1, 2])
    assert found == [
        "a[2]: must differ from item 0, found 1",
        "a[3]: must differ from item 1, found 2",
    ]


def test_strict_takes_no_percent_and_no_other_case() -> None:
    """What coerce reads of a model's answer is a violation there."""
    assert violations("float", {"confidence": True}, "85%", strict=True)
    assert violations("str", {"enum": ["a"]}, "A", strict=True)
    assert violations("float", {"confidence": True}, 0.85, strict=True) == []


def test_text_that_fits_a_union_by_type_is_not_turned_into_something_else() -> None:
    """A string too long stays a string that is too long, though it could be read as an int."""
    assert violations("int | str", {"maxLength": 1}, "12") == [
        "a: must have at most 1 characters, not 2, found '12'"
    ]


FORMAT_VALUES = {
    "date": ("2026-11-22", "2026-11-32"),
    "date-time": ("2026-11-22T21:04:05Z", "2026-11-22"),
    "duration": ("P1D", "1 day"),
    "email": ("a@example.com", "a@"),
    "hostname": ("example.com", "-x-"),
    "idn-email": ("ä@example.com", "ä"),
    "idn-hostname": ("exämple.com", "-ä"),
    "ipv4": ("127.0.0.1", "127.0.0.256"),
    "ipv6": ("::1", "::g"),
    "iri": ("https://exämple.com/ä", "ä ä"),
    "iri-reference": ("/ä", "ä ä"),
    "json-pointer": ("/a/0", "a"),
    "regex": ("^a+$", "("),
    "relative-json-pointer": ("1/a", "/a"),
    "time": ("21:04:05Z", "25:00:00Z"),
    "uri": ("https://example.com", "example"),
    "uri-reference": ("/a", "a b"),
    "uri-template": ("/a/{b}", "/a/{b"),
    "uuid": ("2f1b7a34-52dd-4b4d-9a3c-0a1d5d5a2b5e", "2f1b"),
}


def test_every_format_is_enforced() -> None:
    """A good and a bad text for each format that is offered."""
    assert set(FORMAT_VALUES) == set(FORMATS)
    for name, (good, bad) in FORMAT_VALUES.items():
        assert violations("str", {"format": name}, good) == [], name
        assert violations("str", {"format": name}, bad), name


MISFITS = [
    ("int", {"minLength": 3}, "minLength", "str"),
    ("str", {"minimum": 3}, "minimum", "int or float"),
    ("str", {"minItems": 3}, "minItems", "list"),
    ("list[int]", {"minimum": 3}, "minimum", "int or float"),
    ("list[int]", {"items": {"minLength": 3}}, "items.minLength", "str"),
    ("list[list[int]]", {"items": {"items": {"format": "email"}}}, "items.items.format", "str"),
    ("tuple[int, int]", {"maxItems": 3}, "maxItems", "list"),
    ("bool", {"enum": [True]}, "enum", "str"),
    ("Literal['a']", {"pattern": "a"}, "pattern", "str"),
    ("str", {"uniqueItems": True}, "uniqueItems", "list"),
    ("set[int]", {"uniqueItems": True}, "uniqueItems", "list"),
    ("str", {"probability": True}, "probability", "float"),
    ("list[str]", {"probability": True}, "probability", "float"),
    ("str", {"confidence": True}, "confidence", "int or float"),
    ("list[str]", {"dimension": 3}, "dimension", "list of numbers"),
    ("list[float]", {"shape": [2, 2]}, "shape", "list[list[float]]"),
    ("float", {"shape": [2]}, "shape", "list of lists"),
    ("NoneType", {"schema": {"type": "null"}}, "schema", "any type but None"),
    ("Image", {"maxLength": 3}, "maxLength", "str"),
]


@pytest.mark.parametrize(("type_", "constraints", "path", "expected"), MISFITS)
def test_a_constraint_that_means_nothing_for_its_type_is_refused(
    type_: str, constraints: dict[str, Any], path: str, expected: str
) -> None:
    """The finding names the types that it fits."""
    [finding] = check_constraints(parse_type(type_), constraints_from(constraints))
    assert (finding.code, finding.path) == ("ConstraintMisfit", path)
    assert expected in str(finding.expected)


CONTRADICTIONS = [
    ("str", {"minLength": 3, "maxLength": 2}, "minLength"),
    ("list[int]", {"minItems": 3, "maxItems": 2}, "minItems"),
    ("float", {"minimum": 3, "maximum": 2}, "minimum"),
    ("float", {"minimum": 2, "exclusiveMaximum": 2}, "minimum"),
    ("float", {"exclusiveMinimum": 2, "maximum": 2}, "exclusiveMinimum"),
    ("float", {"exclusiveMinimum": 2, "exclusiveMaximum": 2}, "exclusiveMinimum"),
    ("int", {"minimum": 1.2, "maximum": 1.8}, "minimum"),
    ("int", {"exclusiveMinimum": 1, "exclusiveMaximum": 2}, "minimum"),
    ("list[float]", {"dimension": 3, "minItems": 4}, "minItems"),
    ("list[float]", {"dimension": 3, "maxItems": 2}, "dimension"),
    ("str", {"enum": ["a", "bbb"], "maxLength": 2}, "enum[1]"),
    ("int", {"enum": ["a"]}, "enum[0]"),
    ("int | None", {"enum": [1, "a"]}, "enum[1]"),
]


@pytest.mark.parametrize(("type_", "constraints", "path"), CONTRADICTIONS)
def test_constraints_that_no_value_satisfies_are_refused(
    type_: str, constraints: dict[str, Any], path: str
) -> None:
    """The contradiction is found before anything runs."""
    [finding] = check_constraints(parse_type(type_), constraints_from(constraints))
    assert (finding.code, finding.path) == ("ContradictoryConstraints", path)


@pytest.mark.parametrize(
    ("type_", "constraints"),
    [
        ("int", {"minimum": 1, "maximum": 1}),
        ("int", {"minimum": 1.2, "maximum": 2.8}),
        ("int", {"exclusiveMinimum": -1, "exclusiveMaximum": 1}),
        ("float", {"exclusiveMinimum": 1, "exclusiveMaximum": 1.1}),
        ("str", {"minLength": 2, "maxLength": 2}),
        ("list[float]", {"dimension": 3, "minItems": 3, "maxItems": 3}),
    ],
)
def test_narrow_constraints_are_no_contradiction(type_: str, constraints: dict[str, Any]) -> None:
    """One value is enough."""
    assert check_constraints(parse_type(type_), constraints_from(constraints)) == ()


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)", "look-ahead"),
        ("(?<!a)", "look-behind"),
        ("(a)\\1", "back reference"),
        ("(?<n>a)\\k<n>", "back reference"),
        ("[", "malformed"),
        ("a{3,1}", "malformed"),
        ("((a{100}){100}){100}", "too large"),
    ],
)
def test_patterns_that_can_not_be_matched_in_linear_time_are_refused(
    pattern: str, why: str
) -> None:
    """The finding says why."""
    [finding] = check_constraints(parse_type("str"), constraints_from({"pattern": pattern}))
    assert finding.code == "InvalidPattern"
    assert why in finding.message


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_no_pattern_hangs_on_any_text(pattern: str) -> None:
    """Patterns that take for ever elsewhere end at once on a hundred thousand characters."""
    started = time.process_time()
    violations("str", {"pattern": pattern}, "a" * 100_000 + "!")
    violations("str", {"pattern": pattern}, "x" * 100_000)
    assert time.process_time() - started < 1


def test_an_unknown_format_names_the_nearest() -> None:
    """A format that nothing would enforce is refused."""
    [finding] = check_constraints(parse_type("str"), constraints_from({"format": "e-mail"}))
    assert (finding.code, finding.remedy) == ("UnknownFormat", "write email")
    [finding] = check_constraints(parse_type("str"), constraints_from({"format": "qqqqqqq"}))
    assert "use one of date" in str(finding.remedy)


SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({"type": "strin"}, "strin"),
    ({"minLength": -1}, "-1"),
    ({"$ref": "http://example.com/x"}, "leads out"),
    ({"$ref": "file:///etc/passwd"}, "leads out"),
    ({"$ref": "#/$defs/nope"}, "leads nowhere"),
    ({"$ref": "#nope"}, "leads nowhere"),
    ({"$ref": "#"}, "leads back to itself"),
    ({"$id": "urn:x", "properties": {"a": {"$id": "urn:y", "$ref": "#/$defs/a"}}}, "$id stands"),
    ({"properties": {"a": {"$ref": "#nope"}}}, "leads nowhere"),
    ({"allOf": [{"$dynamicRef": "#a"}], "$dynamicAnchor": "a"}, "leads back to itself"),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$schema must be"),
    ({"pattern": "(?=x)"}, "regex"),
    ({"format": "bogus"}, "bogus"),
]


@pytest.mark.parametrize(("schema", "why"), SCHEMAS)
def test_a_schema_that_can_not_be_used_is_refused(schema: dict[str, Any], why: str) -> None:
    """Malformed, remote, looping, of another draft: found before anything runs."""
    [finding] = check_constraints(parse_type("object"), constraints_from({"schema": schema}))
    assert finding.code == "InvalidSchema"
    assert why in finding.message


def test_a_schema_that_multiplies_is_refused() -> None:
    """Thirty doublings of references would be held against one value a billion times."""
    doubled = {
        f"d{index}": {"anyOf": [{"$ref": f"#/$defs/d{index + 1}"}] * 2} for index in range(30)
    }
    schema = {"$defs": {**doubled, "d30": {"type": "object"}}, "$ref": "#/$defs/d0"}
    [finding] = check_constraints(parse_type("object"), constraints_from({"schema": schema}))
    assert "2000 subschemas" in finding.message


@pytest.mark.parametrize(
    "part",
    [
        {"properties": {"x": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}},
        {"allOf": [{"properties": {"x": {"$ref": "#"}}}, {"additionalProperties": {"$ref": "#"}}]},
        {"items": {"anyOf": [{"$ref": "#"}, {"items": {"$ref": "#"}}]}, "contains": {"$ref": "#"}},
        {"prefixItems": [{"$ref": "#"}], "unevaluatedItems": {"$ref": "#"}},
    ],
)
def test_a_recursion_that_doubles_is_refused(part: dict[str, Any]) -> None:
    """Two references to the root for one part of the value are 2^64 at the bottom of it."""
    started = time.process_time()
    [finding] = check_constraints(parse_type("object"), constraints_from({"schema": part}))
    assert finding.code == "InvalidSchema"
    assert "1000000 subschemas" in finding.message
    assert time.process_time() - started < 2


def test_definitions_that_double_down_the_value_are_refused() -> None:
    """Without recursion too: each level is held against twice as many as the one above."""
    doubled = {
        f"d{index}": {"properties": {"x": {"allOf": [{"$ref": f"#/$defs/d{index + 1}"}] * 2}}}
        for index in range(30)
    }
    schema = {"$defs": {**doubled, "d30": {}}, "$ref": "#/$defs/d0"}
    [finding] = check_constraints(parse_type("object"), constraints_from({"schema": schema}))
    assert "1000000 subschemas" in finding.message


def test_a_schema_with_too_many_parts_is_refused() -> None:
    """Two hundred properties that each refer to the same large definition."""
    schema = {
        "$defs": {"hub": {"allOf": [{"$ref": "#/$defs/leaf"}] * 450}, "leaf": {"not": {"not": {}}}},
        "properties": {f"p{index}": {"$ref": "#/$defs/hub"} for index in range(200)},
    }
    [finding] = check_constraints(parse_type("object"), constraints_from({"schema": schema}))
    assert "200000 subschemas together" in finding.message


def test_a_schema_nested_without_end_is_refused() -> None:
    """Depth is bounded before the schema reaches the compiler."""
    schema: dict[str, Any] = {}
    for _ in range(400):
        schema = {"not": schema}
    [finding] = check_constraints(parse_type("object"), constraints_from({"schema": schema}))
    assert "256" in finding.message


def test_schemas_may_refer_to_themselves_through_the_value() -> None:
    """A tree is described by a reference to its own root, an anchor or a path."""
    for reference in ("#", "#node", "#/$defs/n"):
        schema = {
            "$anchor": "node",
            "$defs": {"n": {"$ref": "#"}},
            "properties": {"left": {"$ref": reference}, "value": {"type": "integer"}},
            "dependentSchemas": {"value": {"required": ["value"]}},
            "oneOf": [{"minProperties": 0}],
        }
        assert violations("object", {"schema": schema}, {"left": {"left": {"value": 1}}}) == []
        [found] = violations("object", {"schema": schema}, {"left": {"left": {"value": "x"}}})
        assert found.startswith('a.left.left.value: "x" is not of type "integer"')


def test_constants_in_a_schema_are_no_schemas() -> None:
    """A constant that looks like a reference is a constant."""
    schema = {
        "properties": {"$id": {"type": "string"}, "enum": {"type": "integer"}},
        "required": ["kind"],
        "default": {"$ref": "nowhere"},
        "anyOf": [{"enum": [{"$id": "x", "kind": 1}]}, {"const": {"$ref": "x", "kind": 2}}],
    }
    assert violations("object", {"schema": schema}, {"$id": "x", "kind": 1}) == []
    assert violations("object", {"schema": schema}, {"$ref": "x", "kind": 2}) == []
    assert violations("object", {"schema": schema}, {"kind": 3})


def test_findings_of_items_begin_below_items() -> None:
    """Patterns and schemas of items are compiled too."""
    made = constraints_from({"items": {"pattern": "["}})
    [finding] = check_constraints(parse_type("list[str] | None"), made)
    assert (finding.code, finding.path) == ("InvalidPattern", "items.pattern")


def test_a_validator_of_constraints_that_were_not_checked_says_so() -> None:
    """A plan that was tampered with raises a user's error, not a crash of a library."""
    field = Field(name="a", type=parse_type("str"), constraints=constraints_from({"pattern": "["}))
    with pytest.raises(SignatureError):
        Validator([field]).validate({"a": "x"})
