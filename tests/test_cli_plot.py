"""The command line's --plot: which page, a picture whole or not at all, said before the run what can't be."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import perpcore as pc
from perpcore.cli import main

LIVE = {"time": pc.Time(step_s=1, horizon_s=1200), "ignition.at_s": 600}


def perpcore(*arguments: str, code: int = 0) -> Result:
    """Run a command in this process; its exit code must be `code`."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


def failed(*arguments: str, code: int) -> list[str]:
    """What a command says on stderr when it fails before it shows anything."""
    result = perpcore(*arguments, code=code)
    assert result.stdout == ""
    return result.stderr.splitlines()


def test_a_picture_beside_the_json(tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    result = perpcore("run", "rocketcoin", "--json", "--plot", str(picture))
    json.loads(result.stdout)
    assert result.stderr == f"picture: {picture}\n"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_which_page_the_command_draws(tmp_path: Path) -> None:
    live, picture = tmp_path / "live.toml", tmp_path / "out.png"
    live.write_text(pc.presets.rocketcoin().replace(LIVE).to_toml())
    drawn = []
    for page in ([], ["--page", "series"], ["--page", "rounds"], ["--page", "heat_map"]):
        result = perpcore("run", str(live), "--json", "--plot", str(picture), *page)
        drawn.append((picture.read_bytes(), json.loads(result.stdout)["stages"]))
    (series, some), (same, _), (all_rounds, everything), (ahead, _) = drawn
    assert series == same
    assert len({series, all_rounds, ahead}) == 3
    assert len(some) == 4 < len(everything)
    assert all(row in everything for row in some)
    result = perpcore("run", str(live), "--json", "--all-rounds")
    assert json.loads(result.stdout)["stages"] == everything
    (line,) = failed("run", "rocketcoin", "--page", "agents", "--plot", "out.png", code=2)
    assert "rounds only" in line
    calm = ["run", str(live), "--set", "ignition.qty=1", "--json", "--plot", str(picture)]
    assert json.loads(perpcore(*calm).stdout)["stages"] == []
    assert picture.read_bytes() not in (series, all_rounds, ahead)


@pytest.mark.parametrize(
    ("name", "why"), [("out.xyz", ".png"), ("no/out.png", "no directory"), ("dir.png", "is a directory")]
)
def test_a_picture_that_cannot_be_is_refused_before_the_run(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "dir.png").mkdir()
    (line,) = failed("run", "rocketcoin", "--plot", str(tmp_path / name), code=2)
    assert str(tmp_path) in line
    assert why in line


def test_a_picture_that_fails_leaves_the_table_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    picture = tmp_path / "out.png"
    result = perpcore("run", "rocketcoin", "--plot", str(picture), code=4)
    assert "19.67" in result.stdout
    assert result.stderr == f"perpcore: --plot: cannot write {picture}: No space left on device\n"
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (line,) = failed("run", "rocketcoin", "--plot", "out.png", code=2)
    assert "pip install perpcore[plot]" in line
