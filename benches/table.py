"""The README's benchmark tables: what criterion and pytest-benchmark left of their last run.

That of `pc.rules` is one by itself, and can be made alone:

python -m pytest benches/bench_rules.py --benchmark-only --benchmark-json=RULES.json
python benches/table.py --only rules --pytest RULES.json --write README.md
"""

import argparse
import json
import sys
from pathlib import Path

from reporting import deliver, load, where

ROOT = Path(__file__).resolve().parents[1]
UNITS = {"s": 1e9, "ms": 1e6, "µs": 1e3, "ns": 1.0}

RULES = "bench_rules.py"

Row = tuple[str, float, float, int | None]  # name, median and mean in ns, elements


def of_criterion(folder: Path) -> list[Row]:
    rows = []
    for path in sorted(folder.glob("**/new/estimates.json")):
        estimates = json.loads(path.read_text())
        benchmark = json.loads(path.with_name("benchmark.json").read_text())
        median, mean = (estimates[name]["point_estimate"] for name in ("median", "mean"))
        elements = (benchmark["throughput"] or {}).get("Elements")
        rows.append((benchmark["full_id"], median, mean, elements))
    return rows


def of_pytest(path: Path, *, rules: bool) -> list[Row]:
    """Those of the rules or the others; one of many elements says how many in `extra_info["elements"]`."""
    rows = []
    for each in json.loads(path.read_text())["benchmarks"]:
        if (Path(each["fullname"].partition("::")[0]).name == RULES) != rules:
            continue
        name = each["name"].removeprefix("bench_").replace("_", " ")
        median, mean = (1e9 * each["stats"][name] for name in ("median", "mean"))
        rows.append((name, median, mean, each["extra_info"].get("elements")))
    return rows


def duration(ns: float) -> str:
    """Three digits and a unit."""
    unit = next((unit for unit, length in UNITS.items() if ns >= length), "ns")
    number = ns / UNITS[unit]
    return f"{number:,.{max(0, 3 - len(str(int(number))))}f} {unit}"


def rate(a_second: float) -> str:
    """In millions, thousands or ones."""
    unit, length = next((pair for pair in (("M", 1e6), ("k", 1e3)) if a_second >= pair[1]), ("", 1.0))
    return f"{a_second / length:,.1f} {unit}".strip()


def table(head: str, rows: list[Row]) -> list[str]:
    """The last two columns are there if a bench has many elements."""
    heads = [head, "median", "mean", "an element", "elements a second"]
    heads = heads if any(elements for *_, elements in rows) else heads[:3]
    text = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for name, median, mean, elements in rows:
        each = [duration(median / elements), rate(1e9 * elements / median)] if elements else ["", ""]
        cells = [name, duration(median), duration(mean), *each]
        text.append("| " + " | ".join(cells[: len(heads)]) + " |")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--criterion", type=Path, default=ROOT / "target" / "criterion", help="its folder")
    parser.add_argument("--pytest", type=Path, required=True, help="what --benchmark-json wrote")
    parser.add_argument("--write", type=Path, metavar="README.md", help="puts the tables between its marks")
    parser.add_argument("--only", choices=("bench", "rules"), help="one of the tables")
    options = parser.parse_args()
    if options.only != "rules":
        rust, python = of_criterion(options.criterion), of_pytest(options.pytest, rules=False)
        if not rust:
            sys.exit(f"{options.criterion}: no results of criterion, run `cargo bench` first")
        text = [*table("Rust", rust), "", *table("Python", python), "", where([load()])]
        deliver(options.write, "bench", "\n".join(text))
    if options.only != "bench":
        rules = of_pytest(options.pytest, rules=True)
        if not rules and options.only:
            sys.exit(f"{options.pytest}: no results of {RULES}")
        if rules:  # `nox -s bench -- -k NAME` may have left them out
            deliver(options.write, "rules", "\n".join([*table("`pc.rules`", rules), "", where([load()])]))


if __name__ == "__main__":
    main()
