"""What the README shows is what the command prints."""

import re
from pathlib import Path

from click.testing import CliRunner

from perpcore.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_rocketcoin_is_what_the_command_prints():
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    printed = CliRunner().invoke(main, ["run", "rocketcoin", "--seed", "1"], env={"COLUMNS": "110"})
    assert printed.exit_code == 0
    assert [line.rstrip() for line in printed.output.splitlines()] == shown.splitlines()


def test_every_bench_of_the_rules_has_a_row():
    source = (ROOT / "benches" / "bench_rules.py").read_text(encoding="utf-8")
    names = [name.replace("_", " ") for name in re.findall(r"^def bench_(\w+)", source, re.MULTILINE)]
    table = README.partition("<!-- rules: made by")[2].partition("<!-- rules: end -->")[0]
    rows = re.findall(r"^\| ([\w ]+?)(?:\[\d+\])? \|", table, re.MULTILINE)
    assert names
    assert set(rows) == set(names)
    assert "load average" in table
