"""How the kubelet expands `$(NAME)` in the values and arguments of a container."""

from collections.abc import Mapping


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Return what a container sees: `$(NAME)` replaced where there is one, `$$` a dollar sign."""
    made, position = [], 0
    while position < len(text):
        following = text[position + 1 : position + 2]
        end = text.find(")", position)
        if text[position] != "$" or not following:
            made.append(text[position])
            position += 1
        elif following == "$":
            made.append("$")
            position += 2
        elif following == "(" and end > 0:
            name = text[position + 2 : end]
            made.append(variables.get(name, f"$({name})"))
            position = end + 1
        else:
            made.append(f"${following}")
            position += 2
    return "".join(made)


def environment(container: Mapping[str, object], known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a container whose values stand in it.

    Args:
        container: The container.
        known: Values of those that come from elsewhere, by name.
    """
    found: dict[str, str] = {}
    variables = container["env"]
    assert isinstance(variables, list)
    for each in variables:
        value = each.get("value")
        found[each["name"]] = known[each["name"]] if value is None else expand(value, found)
    return found
