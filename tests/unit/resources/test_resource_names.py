"""Names of children, Jobs and audiences."""

import re
import uuid

import pytest

from dspex.resources import names

LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
UID = "0b9d5c1e-93b6-4b53-8ee7-2c2f3d0a9f11"


@pytest.mark.parametrize("owner", ["small", "a" * 63, "7b-models", "x" * 42 + "-" * 3 + "y", "9"])
@pytest.mark.parametrize("suffix", ["", "keys"])
def test_a_childs_name_serves_for_every_kind(owner: str, suffix: str) -> None:
    """A Service's name is the narrowest, and a pod's gets seventeen characters more."""
    name = names.child_name(owner, UID, suffix)
    assert LABEL_1035.fullmatch(name), name
    assert len(name) <= names.MAX_CHILD_NAME
    assert name.endswith(suffix)


def test_children_of_owners_that_look_alike_differ() -> None:
    """Long names with one beginning, and an owner made anew, have children of their own."""
    uids = [str(uuid.UUID(int=number)) for number in range(50)]
    assert len({names.child_name("a" * 63, uid) for uid in uids}) == 50
    assert names.child_name("small", UID).startswith("small-")


def test_a_jobs_name_is_the_one_that_the_policies_read() -> None:
    """Up to 36 characters of the run, then the last twelve of its uid."""
    policy = re.compile(rf".{{1,36}}-{UID[-12:]}-[a-z0-9]{{5}}")
    for run in ("support-1", "r" * 63, "r" * 35 + "-" + "s" * 20):
        job = names.job_name(run, UID)
        assert policy.fullmatch(f"{job}-abcde"), job
        assert "--" not in job
        assert len(names.plan_name(job)) <= 63


def test_an_audience_and_a_host_name_the_namespace() -> None:
    """A token for one namespace's pool is of no use in another."""
    assert names.audience("shop", "small") == "dspex.dev/shop/small"
    assert names.service_host("small-1", "shop") == "small-1.shop.svc"
