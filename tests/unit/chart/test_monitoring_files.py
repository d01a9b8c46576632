"""Alerts, dashboard and docs/operate.md name the same things."""

import json
import re
from collections import Counter

import yaml

from chart.render import CHART, ROOT
from dspex.controllers.metrics import Metrics
from dspex.controllers.world import World

PAGE = (ROOT / "docs" / "operate.md").read_text()
ALERTS = yaml.safe_load((CHART / "files/alerts.yaml").read_text())
DASHBOARD = json.loads((CHART / "files/dashboard.json").read_text())
METRIC = re.compile(r"\b(?:dspex|process)_[a-z_]+")

DOCUMENTED = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))


def asked(expression: str) -> set[str]:
    """Return the metrics that an expression reads, a histogram by its own name."""
    return {name.removesuffix("_bucket") for name in METRIC.findall(expression)}


def test_every_alert_has_its_remedy() -> None:
    """Each has a heading in the page, where its runbook leads, and the page has no other."""
    headings = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert headings == [alert["alert"] for alert in ALERTS]


def test_every_alert_is_whole() -> None:
    """Words for a person, a severity, and time enough not to fire at a restart."""
    for alert in ALERTS:
        assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert set(alert["annotations"]) == {"summary", "description"}
        assert int(alert["for"].removesuffix("m")) >= 5


def test_what_is_asked_is_documented() -> None:
    """Every metric of an alert or a panel stands in the page's table."""
    panels = [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
    ]
    expressions = [*panels, *(alert["expr"] for alert in ALERTS)]
    assert set().union(*map(asked, expressions)) == DOCUMENTED


def test_what_is_documented_is_what_the_operator_shows() -> None:
    """The page's table has each metric of the operator's own, and no other."""
    metrics = Metrics()
    metrics.watch(World(), Counter[str], dict, ())
    shown = {
        f"{each.name}_total" if each.type == "counter" else each.name
        for each in metrics.registry.collect()
        if each.name.startswith("dspex_")
    }
    assert {name for name in DOCUMENTED if name.startswith("dspex_")} == shown


def test_panels_do_not_overlap() -> None:
    """Each place of the dashboard's grid of 24 columns is taken once."""
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
