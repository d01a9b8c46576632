"""Amounts of processor, memory and accelerators, as Kubernetes writes them."""

import re
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from dspex.api.base import ApiModel, refuse
from dspex.api.rule import Rule
from dspex.api.scheduling import LabelKey, LabelMap

QUANTITY_PATTERN: Final = (
    r"^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e[0-9]{1,2})?$"
)
MAX_QUANTITY: Final = 32
MAX_RESOURCES: Final = 16
MAX_GPUS: Final = 64

_QUANTITY: Final = re.compile(QUANTITY_PATTERN)
_PLAIN: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_DECIMAL: Final = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_COMPARED: Final = (
    "quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name])))"
)


def _quantity(value: int | str) -> int | str:
    if isinstance(value, str) and not _QUANTITY.fullmatch(value):
        raise refuse(
            f"{value!r} is no amount",
            expected="an amount such as 2, 500m, 512Mi or 4Gi",
            remedy="write a number, with a unit of Kubernetes if it has one",
        )
    return value


def _are_resources(amounts: dict[str, int | str] | None) -> bool:
    return all(name in _PLAIN or "/" in name for name in amounts or ())


def _fit(resources: "Resources") -> bool:
    limits = resources.limits or {}
    both = [
        (name, amount(asked), amount(limits[name]))
        for name, asked in (resources.requests or {}).items()
        if name in limits
    ]
    return all(asked == most if "/" in name else asked <= most for name, asked, most in both)


def _known(field: str) -> Rule:
    return Rule(
        cel=f"!has(self.{field}) || self.{field}.all(name, name == 'cpu' || name == 'memory' || "
        "name == 'ephemeral-storage' || name.contains('/'))",
        message="resources are cpu, memory, ephemeral-storage, and devices such as nvidia.com/gpu",
        check=lambda resources: _are_resources(getattr(resources, field)),
        field=field,
        remedy="write the resource's full name",
    )


Quantity = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=MAX_QUANTITY)],
    AfterValidator(_quantity),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "type": ["integer", "string"],
            "minimum": 0,
            "maxLength": MAX_QUANTITY,
            "pattern": QUANTITY_PATTERN,
        }
    ),
]
"""An amount: 2, 500m, 512Mi, 4Gi."""

Amounts = Annotated[dict[LabelKey, Quantity], Field(max_length=MAX_RESOURCES)]
"""Amounts by the resource's name."""


class Resources(ApiModel):
    """What a container asks for, and the most that it gets."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _known("requests"),
        _known("limits"),
        Rule(
            cel="!has(self.requests) || !has(self.limits) || self.requests.all(name, "
            "!(name in self.limits) || (name.contains('/') "
            f"? {_COMPARED} == 0 : {_COMPARED} <= 0))",
            message="a request can't be more than its limit; for a device both are the same",
            check=_fit,
            field="requests",
            remedy="lower the request, or leave it out",
        ),
    )

    requests: Amounts | None = Field(
        default=None,
        description="What the scheduler keeps free for it: cpu, memory, ephemeral-storage, or a "
        "device such as nvidia.com/gpu, each with an amount such as 500m or 4Gi.",
    )
    limits: Amounts | None = Field(
        default=None,
        description="The most that it gets. Beyond its cpu it is slowed, beyond its memory it is "
        "killed (OOMKilled).",
    )


class Gpu(ApiModel):
    """The accelerators of each worker."""

    count: Annotated[int, Field(ge=0, le=MAX_GPUS)] | None = Field(
        default=None,
        description="Accelerators of each worker. Default: 1 with profile Neural, else 0.",
    )
    resource_name: LabelKey | None = Field(
        default=None,
        description="The device's name as its plug-in gives it. Default: nvidia.com/gpu.",
    )
    node_selector: LabelMap | None = Field(
        default=None,
        description="Labels of nodes with the wanted kind of accelerator, beside the Pool's own "
        "nodeSelector. It counts only where there are accelerators.",
    )


def amount(quantity: int | str) -> Decimal:
    """Return what an amount comes to: bytes, processors or pieces.

    Raises:
        ValueError: If it is none.
    """
    if isinstance(quantity, int):
        return Decimal(quantity)
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no amount")
    unit = match[2] or ""
    number = Decimal(quantity.removesuffix(unit))
    if unit in _BINARY:
        return number * Decimal(2) ** _BINARY[unit]
    return number.scaleb(int(unit[1:]) if unit.startswith("e") else _DECIMAL[unit])
