"""What the README shows is what the command prints."""

import re
from pathlib import Path

from click.testing import CliRunner

import perpcore as pc
from perpcore.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_rocketcoin_is_what_the_command_prints():
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    printed = CliRunner().invoke(main, ["run", "rocketcoin", "--seed", "1"], env={"COLUMNS": "110"})
    assert printed.exit_code == 0
    assert [line.rstrip() for line in printed.output.splitlines()] == shown.splitlines()


def test_the_agent_of_the_readme_makes_what_it_says():
    section = README.partition("## Your own agent")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {"pc": pc}
    exec(code, names)
    shown = re.findall(r"^(sim\..*?) +# (.+)$", code, re.MULTILINE)
    assert [said for _, said in shown] == ["(19.72, 43600.0)", "19.72"]
    for expression, said in shown:
        assert repr(eval(expression, names)) == said


def test_the_book_of_the_readme_burns_what_it_says():
    section = README.partition("## A book of real accounts")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {"pc": pc}
    exec(code, names)
    ((expression, said),) = re.findall(r"^(int\(crash.*?) +# (.+)$", code, re.MULTILINE)
    assert repr(eval(expression, names)) == said


def test_the_sweep_of_the_readme_finds_what_it_says():
    section = README.partition("## Many scenarios")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {"pc": pc, "scenario": pc.presets.rocketcoin()}
    exec(code, names)
    ((expression, said),) = re.findall(r"^(map_\.grid.*?) +# (.+)$", code, re.MULTILINE)
    assert repr(eval(expression, names)) == said


def test_every_bench_of_the_rules_has_a_row():
    source = (ROOT / "benches" / "bench_rules.py").read_text(encoding="utf-8")
    names = [name.replace("_", " ") for name in re.findall(r"^def bench_(\w+)", source, re.MULTILINE)]
    table = README.partition("<!-- rules: made by")[2].partition("<!-- rules: end -->")[0]
    rows = re.findall(r"^\| ([\w ]+?)(?:\[\d+\])? \|", table, re.MULTILINE)
    assert names
    assert set(rows) == set(names)
    assert "load average" in table
