"""What the README shows is what the command prints."""

import re
from pathlib import Path

from click.testing import CliRunner

from perpcore.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_table_of_rocketcoin_is_what_the_command_prints():
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    printed = CliRunner().invoke(main, ["run", "rocketcoin", "--seed", "1"], env={"COLUMNS": "110"})
    assert printed.exit_code == 0
    assert [line.rstrip() for line in printed.output.splitlines()] == shown.splitlines()
