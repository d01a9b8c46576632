"""Environment variables that a Pool gives its workers."""

import pytest
from pydantic import ValidationError

from dspex.api.crd import custom_resource_definition
from dspex.api.kinds import KINDS
from dspex.api.variable import EnvVar
from fakes.oracles import apiserver_verdicts

NAMES = {"SHOP_URL": True, "HOME": True, "_DSPEX_X": True, "DSPEX": True, "DSPEX_": False}
TAKEN = ["DSPEX_MODEL_API_KEY", "DSPEX_WORKER_TOKEN", "DSPEX_POD_NAME"]


@pytest.mark.parametrize("name", TAKEN)
def test_names_of_dspexs_own_variables_are_taken(name: str) -> None:
    """One that the worker reads would otherwise be ignored, or take the place of the true one."""
    with pytest.raises(ValidationError) as caught:
        EnvVar.model_validate({"name": name, "value": "x"})
    (broken,) = caught.value.errors()[0]["ctx"]["broken"]
    assert (broken.message, broken.field) == ("names that begin with DSPEX_ are taken", ("name",))
    assert broken.remedy == "choose another name"


def test_model_and_api_server_agree_on_names() -> None:
    """`kubectl apply` refuses what the command line refuses."""
    names = {**NAMES, **dict.fromkeys(TAKEN, False)}
    base = {"apiVersion": "dspex.dev/v1alpha1", "kind": "Pool", "metadata": {"name": "x"}}
    questions = [
        {
            "kind": "Pool",
            "object": {
                **base,
                "spec": {"model": {"name": "m"}, "env": [{"name": name, "value": "x"}]},
            },
        }
        for name in names
    ]
    _, verdicts = apiserver_verdicts([custom_resource_definition(KINDS["Pool"])], questions)
    assert [not each["errors"] for each in verdicts] == list(names.values())
    for name, good in names.items():
        if good:
            assert EnvVar.model_validate({"name": name, "value": "x"}).name == name
