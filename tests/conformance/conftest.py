"""The table at the end: which venue's topics pass, fail, or have no place."""

from collections import Counter, defaultdict
from typing import Any

OUTCOMES = ("passed", "failed", "skipped")
SKIPPED = "Skipped: "


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    unsupported = []
    for outcome in OUTCOMES:
        for report in terminalreporter.stats.get(outcome, []):
            place = dict(report.user_properties).get("vector")
            if place is None or report.when != "call":
                continue
            counts[tuple(place)][outcome] += 1
            if outcome == "skipped":
                reason = str(report.longrepr[2]).removeprefix(SKIPPED).removeprefix("not supported: ")
                unsupported.append(f"{report.nodeid.rpartition('::')[2]}: {reason}")
    if not counts:
        return
    terminalreporter.section("conformance")
    line = "{:<16} {:<28} {:>7} {:>7} {:>14}".format
    terminalreporter.line(line("venue", "topic", "passed", "failed", "not supported"))
    for (venue, topic), count in sorted(counts.items()):
        terminalreporter.line(line(venue, topic, *(count[outcome] or "" for outcome in OUTCOMES)))
    total = sum(counts.values(), Counter())
    terminalreporter.line(line("all", "", *(total[outcome] for outcome in OUTCOMES)))
    if unsupported:
        terminalreporter.line("\nnot supported:")
        for text in sorted(unsupported):
            terminalreporter.line(f"  {text}")
