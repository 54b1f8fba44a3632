"""The page of the rules names tests that exist, for every path."""
import re

import pytest

from worker import PROJECT

PAGE = (PROJECT / "docs/rules.md").read_text()
RULES = {part.split("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
PATHS = [
    "immediate", "digest", "scheduled", "held", "corrected", "withdrawn", "answered", "region moved",
    "subscription changed", "requeued", "resent", "taken over", "hub push", "command", "feed",
]  # fmt: skip


def known_tests():
    swift = "\n".join(path.read_text() for path in (PROJECT / "Tests").rglob("*.swift"))
    python = "\n".join(path.read_text() for path in (PROJECT / "Tests/Acceptance").glob("test_*.py"))
    found = set(re.findall(r"@Test(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?\s*(?:async )?func (\w+)", swift))
    return found | set(re.findall(r"^def (test_\w+)", python, re.M))


KNOWN = known_tests()


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_meets_each_path(rule):
    rows = re.findall(r"^\| ([a-z ]+) \| (.+) \|$", RULES[rule], re.M)
    rows = [(path, cell) for path, cell in rows if path != "path"]
    assert [path for path, _ in rows] == PATHS
    for path, cell in rows:
        reason = cell.removeprefix("cannot occur: ")
        if reason != cell:
            assert len(reason) > 20, path
            continue
        names = re.findall(r"`(\w+)`", cell)
        assert names and cell == ", ".join(f"`{name}`" for name in names), path
        assert not set(names) - KNOWN, path


def test_the_paths_of_the_conformance_tests_are_on_the_page():
    source = (PROJECT / "Tests/StorageConformance/DeliveryPath.swift").read_text()
    cases = " ".join(re.findall(r"^    case ([a-zA-Z, ]+)$", source, re.M)).replace(",", "").split()
    assert {re.sub("([A-Z])", lambda match: " " + match[1].lower(), case) for case in cases} < set(PATHS)
    assert len(cases) == 11
