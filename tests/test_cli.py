"""The command line: what a person reads, what a script reads, what both are told when something is wrong."""

import json
import math
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import perpcore as pc
from perpcore.cli import main
from perpcore.cli.table import HEAD, TAIL, WIDTH, agent_table, stage_table
from perpcore.cli.verdict import facts, verdict

SCRIPT = Path(sysconfig.get_path("scripts")) / "perpcore"
SLOW = {"market_maker.hedge_ratio": 0.4, "venue.liquidations_per_round": 100}  # 300 rounds and some


def perpcore(*arguments: str, code: int = 0) -> Result:
    """Run a command in this process; its exit code must be `code`."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def refused(*arguments: str, code: int) -> list[str]:
    """What a command says on stderr when it fails; nothing on stdout, no traceback."""
    result = perpcore(*arguments, code=code)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()


def rows(text: str) -> list[list[str]]:
    """Rounds of a table: what stands between its rules."""
    first, second = (i for i, line in enumerate(text.splitlines()) if re.fullmatch("─+|-+", line))
    return [line.split() for line in text.splitlines()[first + 1 : second]]


def number(cell: str) -> float:
    return 0.0 if cell == "-" else float(cell.replace(",", ""))


def assert_every_round_is_told(run: pc.Run, text: str) -> None:
    """Every round has its row, or a line says which have none."""
    told: list[int] = []
    for cells in rows(text):
        if cells[0] == "...":
            left = re.search(r"([\d,]+) rounds left out \(([\d,]+) to ([\d,]+)\)", " ".join(cells))
            assert left, cells
            count, first, last = (int(number(x)) for x in left.groups())
            assert count == last - first + 1
            told.extend(range(first, last + 1))
        else:
            told.append(0 if cells[0] == "push" else int(number(cells[0])))
    assert told == run.stages["round"].tolist()


# ---- the table ----


def test_the_squeeze_of_rocketcoin_as_a_person_reads_it() -> None:
    text = perpcore("run", "rocketcoin").stdout
    table = rows(text)
    assert [row[0] for row in table] == ["push", "1", "2", "3", "4", "5"]
    assert [row[2] for row in table] == ["11.00", "12.00", "13.90", "18.14", "19.67", "19.67"]
    assert table[3][3:6] == ["38,535", "385,350", "5,356,365"]
    (total,) = (line.split() for line in text.splitlines() if line.startswith("total"))
    assert total[1:5] == ["78,764", "787,640", "10,945,842", "173,280"]
    words = " ".join(text.split())
    for said in (
        "A purchase of 20,000 tokens for 210,100 moved spot from 10.00 to 11.00",
        "19.67, 1.97 times the start, in 5 rounds",
        "78,764 accounts with 787,640 tokens liquidated: 100 % of the named positions",
        "10,945,842 bought: 52.1 times the push",
        "the market maker 3,796,214",
        "the insurance fund 845,810",
        "the scenario's traders 2,223,632",
        "It stopped at 19.67 because no position was left",
    ):
        assert said in words


def test_columns_that_say_nothing_are_not_shown() -> None:
    plain = perpcore("run", "rocketcoin").stdout
    assert not re.search("stop-losses|taken over|venue loss|perp last", plain)
    limited = perpcore("run", "rocketcoin", "--set", "venue.liquidation_order=limit_at_bankruptcy").stdout
    assert "taken over" in limited
    assert "bad debt" not in limited
    quiet = perpcore("run", "rocketcoin", "--set", "ignition.qty=100").stdout
    assert "liquidated ─" not in quiet
    assert "Nobody was liquidated" in quiet
    assert "\ntotal" not in quiet


def test_cells_are_the_runs_own_figures() -> None:
    scenario = pc.presets.rocketcoin(reading="300k")
    run = scenario.run(seed=1)
    table = np.array([[number(cell) for cell in row[1:]] for row in rows(stage_table(run))[1:]])
    stages = run.stages
    shown = ("mark", "spot_last", "liquidated_accounts", "liquidated_qty", "liquidated_notional", "hedge_qty")
    for column, name in enumerate(shown):
        np.testing.assert_allclose(table[:, column], stages[name][1:], atol=0.5, rtol=0, err_msg=name)
    used = 100 * np.cumsum(stages["spot_volume"])[1:] / 1_000_000
    np.testing.assert_allclose(table[:, 6], used, atol=0.05)


def wide() -> pc.Scenario:
    """A run in which every column says something."""
    base = pc.presets.rocketcoin()
    return base.replace(
        {
            "ignition.qty": 25_000,
            "positions": (
                pc.Ladder(side="short", qty=200_000, lump=10, liquidation_price=(11, 13)),
                pc.Ladder(
                    side="short", qty=200_000, lump=10, liquidation_price=(18, 22), stop_price=(11, 14)
                ),
            ),
            "market_maker.capital": 300_000,
            "market_maker.hedge_ratio": 0.6,
            "perp.taker_fee": 0.0005,
            "venue.insurance_fund": 1000,
            "venue.liquidations_per_round": 900,
        }
    )


def test_what_does_not_fit_is_named() -> None:
    run = wide().run(seed=1)
    text = stage_table(run)
    lines = text.splitlines()
    assert len({len(line) for line in lines if line[:5].strip().isdecimal()}) == 1  # aligned
    assert "Not shown for want of width: " in text
    assert lines[-1].endswith("(see --json).")
    assert "the market maker among them" in verdict(run)
    assert "stop-loss orders over" in verdict(run)


def test_long_runs_are_abbreviated_and_say_so() -> None:
    run = pc.presets.rocketcoin(reading="consistent").replace(SLOW).run(seed=1)
    count = len(run.stages)
    assert count > 300
    short, full = stage_table(run), stage_table(run, all_rounds=True)
    assert len(rows(short)) == HEAD + 1 + TAIL
    assert f"... {count - HEAD - TAIL:,} rounds left out" in short
    assert "--all-rounds" in short
    assert len(rows(full)) == count
    for text in (short, full):
        assert_every_round_is_told(run, text)
    settings = [word for path, value in SLOW.items() for word in ("--set", f"{path}={value}")]
    assert full in perpcore("run", "rocketcoin-consistent", "--all-rounds", *settings).stdout


worlds = st.fixed_dictionaries(
    {
        "market_maker.hedge_ratio": st.sampled_from([0, 0.1, 0.3, 0.6, 1]),
        "market_maker.capital": st.sampled_from([50_000, 10_000_000]),
        "ignition.qty": st.integers(1, 60_000),
        "circulating": st.sampled_from([100_000, 1_000_000]),
        "perp.taker_fee": st.sampled_from([0, 0.0005]),
        "venue.insurance_fund": st.sampled_from([0, 10_000]),
        "venue.liquidation_order": st.sampled_from(["market", "limit_at_bankruptcy"]),
        "venue.unwind": st.sampled_from(["hold", "at_once"]),
        "venue.liquidations_per_round": st.sampled_from([None, 7, 300]),
        "venue.max_rounds": st.sampled_from([1, 40, 100_000]),
    }
)


@given(changes=worlds)
@settings(max_examples=60)
def test_every_round_of_any_run_is_told(changes: dict[str, Any]) -> None:
    ladder = pc.Ladder(side="short", qty=40_000, lump=100, liquidation_price=(10.5, 13))
    run = pc.presets.rocketcoin().replace({**changes, "positions": (ladder,)}).run(seed=1)
    text = stage_table(run)
    assert_every_round_is_told(run, text)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "nan" not in text + verdict(run)
    assert verdict(run).count("\n") == 3


def test_who_paid_is_the_summarys_own_figures() -> None:
    base = pc.presets.rocketcoin().replace({"venue.liquidation_order": "limit_at_bankruptcy"})
    for fund in (0, 10**9):
        run = base.replace({"venue.insurance_fund": fund}).run(seed=1)
        summary, words, stages = run.summary, verdict(run), run.stages
        assert f"the scenario's traders {-summary['positions_pnl']:,.0f}" in words
        tokens = stages["liquidated_qty"].sum() + stages["taken_over_qty"].sum()
        assert f"{tokens:,.0f} tokens liquidated or taken over" in words
        short = summary["insurance_fund_shortfall"]
        assert (short > 0) == (fund == 0)
        assert (short > 0) == ("beyond what it can pay" in words)
        assert not short or f"took over stand {short:,.0f} beyond" in words


def test_a_sale_reads_as_a_sale() -> None:
    base = pc.presets.rocketcoin()
    run = base.replace(
        {
            "spot.bids": pc.Linear(depth=20_000),
            "market_maker.quote.side": "bids",
            "market_maker.spot_inventory": 300_000,
            "positions": (pc.Ladder(side="long", qty=100_000, lump=10, liquidation_price=(7, 9)),),
            "ignition": pc.Ignition(side="sell", qty=21_000),
        }
    ).run(seed=1)
    text, words = stage_table(run), verdict(run)
    assert "spot bids" in text
    assert -run.summary["hedge_qty"] > 0
    assert f"{run.summary['hedge_qty']:,.0f}" in text
    assert words.startswith("A sale of 21,000 tokens")
    assert " sold: " in words
    assert "bought" not in words


# ---- JSON ----


@pytest.mark.parametrize("name", sorted(set(pc.presets.NAMES) - {"altseason"}))  # a month: 7 s each
def test_json_is_the_run(name: str) -> None:
    read = json.loads(
        perpcore("run", name, "--json", "--seed", "7", "--path", "3").stdout, parse_constant=pytest.fail
    )
    scenario = pc.presets.load(name)
    run = scenario.run(seed=7, path=3, keep="everything" if scenario.time is None else "liquidations")
    sampled = {"series", "agents", "heat_map"} if scenario.time is not None else set()
    assert read.keys() == {"scenario", "digest", "seed", "path", "summary", "stages"} | sampled
    assert (read["scenario"], read["digest"]) == (name, scenario.digest())
    assert (read["seed"], read["path"]) == (7, 3)
    assert read["summary"] == dict(run.summary)
    assert {key: [row[key] for row in read["stages"]] for key in read["stages"][0]} == {
        key: column.tolist() for key, column in run.stages.to_numpy().items()
    }


def test_json_has_null_for_what_is_no_number(tmp_path: Path) -> None:
    # No position is named, and no share of nothing is a number.
    file = tmp_path / "bare.toml"
    bare = pc.presets.rocketcoin().replace(positions=())
    file.write_text(bare.to_toml(), encoding="utf-8")
    assert math.isnan(bare.run(seed=1).summary["fuel_burnt"])
    result = perpcore("run", str(file), "--json")
    assert json.loads(result.stdout, parse_constant=pytest.fail)["summary"]["fuel_burnt"] is None
    assert "nan" not in perpcore("run", str(file)).stdout.lower()


def test_the_seed_names_the_world() -> None:
    base = ("run", "rocketcoin-consistent", "--json", "--set", "market_maker.hedge_ratio=0.4")
    poisson = (*base, "--set", "positions[0].placement=poisson")

    def stages(*options: str) -> Any:
        return json.loads(perpcore(*poisson, *options).stdout)["stages"]

    assert stages("--seed", "1") == stages() != stages("--seed", "2")
    assert stages("--path", "1") != stages()


# ---- changes ----


def test_changes_apply_together_and_in_toml() -> None:
    # Either alone is refused: a ladder has one of notional and qty.
    removed, given_ = "positions[0].notional=", "positions[0].qty=1_000"
    refused("check", "rocketcoin", "--set", removed, code=3)
    refused("check", "rocketcoin", "--set", given_, code=3)
    perpcore("check", "rocketcoin", "--set", removed, "--set", given_)
    price = json.loads(
        perpcore("run", "rocketcoin", "--json", "--set", "positions[0].liquidation_price=[11, 11]").stdout
    )
    assert price["summary"]["final_price"] == 19.67


@pytest.mark.parametrize(
    ("setting", "named", "hint"),
    [
        ("market_maker.hedge_ration=0.3", "market_maker.hedge_ration", "did you mean hedge_ratio?"),
        ("foo.bar=1", "foo", "one of start_price"),
        ("positions[99].qty=1", "positions[99].qty", "from 0 to 9"),
        ("name.x=1", "name.x", "no field 'x'"),
        ("market_maker.hedge_ratio=nan", "market_maker.hedge_ratio", "finite"),
        ("market_maker.hedge_ratio=NaN", "market_maker.hedge_ratio", "finite"),
        ("positions[\u00b2].qty=1", "positions[\u00b2].qty", "from 0 to 9"),
        (f"start_price={'1' * 5000}", "start_price", "finite"),
        (f"start_price={'[' * 5000}{']' * 5000}", "start_price", "finite"),
        ("ignition.qty=1e18", "ignition.qty", "1 to 9007199254740992"),
        ("venue.liquidation_order=limit", "venue.liquidation_order", "limit_at_bankruptcy"),
        ("spot.asks.depth=-5", "spot.asks.depth", "-5"),
    ],
)
def test_a_change_that_is_not_allowed(setting: str, named: str, hint: str) -> None:
    (line,) = refused("run", "rocketcoin", "--set", setting, code=3)
    assert line.startswith("perpcore: --set")
    assert f" {named}: " in line
    assert hint in line


def test_what_is_used_wrongly_is_code_2() -> None:
    for setting in ("foo", "=3", "...=3"):
        assert "PATH=VALUE" in refused("run", "rocketcoin", "--set", setting, code=2)[-1]
    assert ".json" in refused("run", "rocketcoin", "--contract", "X", code=2)[-1]


# ---- files ----


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are no scenario, each in its own way."""
    good = pc.presets.rocketcoin().to_toml()
    (tmp_path / "empty.toml").write_bytes(b" \n")
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    (tmp_path / "broken.toml").write_text("a = = 3")
    (tmp_path / "nan.toml").write_text(good.replace("qty = 20000", "qty = nan"))
    (tmp_path / "two.toml").write_text(
        good.replace("qty = 20000", "qty = 1e18").replace("circulating = 1000000", "circulating = -1")
    )
    (tmp_path / "unknown.toml").write_text("colour = 'red'\n" + good)
    (tmp_path / "nobook.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "dir.toml").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "problems"),
    [
        ("none.toml", 2, ["no such file"]),
        ("none.json", 2, ["no such file"]),
        ("dir.toml", 2, ["directory"]),
        ("", 2, ["directory"]),
        ("notes.txt", 2, ["neither .toml nor .json"]),
        ("empty.toml", 3, ["empty"]),
        ("binary.toml", 3, ["UTF-8"]),
        ("broken.toml", 3, ["line 1"]),
        ("nan.toml", 3, ["ignition.qty: NaN"]),
        ("two.toml", 3, ["circulating: -1", "ignition.qty: 1000000000000000000"]),
        ("unknown.toml", 3, ["colour"]),
        ("nobook.json", 3, ["asks and bids"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_file_that_is_no_scenario(
    command: str, name: str, code: int, problems: Sequence[str], folder: Path
) -> None:
    lines = refused(command, str(folder / name), code=code)
    assert len(lines) == len(problems)
    for line, problem in zip(lines, problems, strict=True):
        assert line.startswith(f"perpcore: {folder / name}: ")
        assert not name or line.count(name) == 1
        assert problem in line


def test_an_unknown_preset_is_guessed() -> None:
    assert refused("run", "rocketcon", code=2) == [
        "perpcore: there is no preset or file 'rocketcon'; did you mean rocketcoin?"
    ]
    (line,) = refused("presets", "zzz", code=2)
    assert all(name in line for name in pc.presets.NAMES)


def test_a_recorded_book_runs(shared: Path) -> None:
    book = shared / "data" / "books" / "gate_book100_OMG_USDT_20230524.json"
    if not book.is_file():
        pytest.skip("real data: the recorded books are not here")
    text = perpcore("check", str(book)).stdout
    assert text.startswith("ok: OMG_USDT\n")
    contracts = book.with_name("gate_contracts_20230524.json")
    result = perpcore("run", str(book), "--json", "--contracts", str(contracts), "--contract", "OMG_USDT")
    assert json.loads(result.stdout)["summary"] == dict(pc.sources.gate.scenario(book).run(seed=1).summary)
    (line,) = refused("run", str(book), "--contract", "FOO", code=3)
    assert "FOO" in line


# ---- presets and check ----


def test_presets_are_listed_and_printed() -> None:
    listed = perpcore("presets").stdout
    for name in pc.presets.NAMES:
        assert re.search(rf"^{name}  +\S", listed, re.MULTILINE)
        printed = perpcore("presets", name).stdout
        assert pc.Scenario.from_toml(printed) == pc.presets.load(name)
        tomllib.loads(printed)


def before_anything_moves(scenario: pc.Scenario) -> tuple[float, int]:
    """Tokens and accounts, as the core builds them: a push of one token reaches nobody."""
    accounts = scenario.replace({"ignition.qty": 1}).run(seed=1).accounts
    theirs = accounts["account"] >= 8
    return np.abs(accounts["position_qty"][theirs]).sum(), theirs.sum()


@pytest.mark.parametrize(
    "ladder",
    [
        pc.Ladder(side="short", qty=1_234, lump=100, liquidation_price=(11, 15)),
        pc.Ladder(side="short", qty=1_234, liquidation_price=11),
        pc.Ladder(side="short", notional=100_000, lump=7, liquidation_price=(11, 15)),
        pc.Ladder(side="short", notional=100_000, lump=7, leverage=(2, 5)),
        pc.Ladder(side="short", notional=100_000, lump=7, leverage=3, entry_price="9.5"),
        pc.Ladder(side="short", notional=1, lump=7, liquidation_price=11),
    ],
)
def test_check_counts_a_ladder_as_the_core_does(ladder: pc.Ladder) -> None:
    scenario = pc.presets.rocketcoin().replace(positions=(ladder,))
    tokens, count = before_anything_moves(scenario)
    plural = "" if count == 1 else "s"
    assert facts(scenario)[0][1].startswith(f"{tokens:,.0f} tokens in {count:,} account{plural},")


@pytest.mark.parametrize("name", ["rocketcoin", "rocketcoin-300k", "rocketcoin-consistent"])
def test_check_counts_what_the_core_builds(name: str, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(perpcore("presets", name).stdout, encoding="utf-8")
    text = perpcore("check", str(file)).stdout
    scenario = pc.presets.load(name)
    tokens, count = before_anything_moves(scenario)
    assert text.startswith(f"ok: {name}\n")
    assert f"{tokens:,.0f} tokens in {count:,} accounts, {10 * tokens:,.0f} at the start" in text
    assert scenario.digest() in text
    assert ("210,100" in text) == (scenario.ignition.qty <= 20_200)  # lifts spot by 10 %


# ---- how it ends ----


def test_an_error_of_the_run_is_code_4(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise pc.RunError("account 8: cost left its 64 bits")

    monkeypatch.setattr("perpcore._core.run", broken)
    assert refused("run", "rocketcoin", code=4) == [
        "perpcore: the run failed: account 8: cost left its 64 bits"
    ]


def test_codes_of_the_real_script(tmp_path: Path) -> None:
    def code(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([SCRIPT, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    assert code("run", "rocketcoin")[0] == 0
    assert code("run")[0] == 2
    assert code("run", "rocketcoin", "--set", "spot.tick_size=0") == (3, "")
    documented = code("run", "--help")[1]
    assert all(re.search(rf"^\s+{known}\s+\w", documented, re.MULTILINE) for known in (0, 2, 3, 4, 130))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_is_code_130(tmp_path: Path) -> None:
    # The engine is interrupted where it works; how long it works does not matter here.
    program = (
        "import os, signal, sys, perpcore._core as core\n"
        "from perpcore.cli import main\n"
        "core.run = lambda *a, **k: os.kill(os.getpid(), signal.SIGINT) or signal.pause()\n"
        "main(['run', 'rocketcoin'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "perpcore: interrupted\n")


def test_a_terminal_without_box_letters_is_no_reason_to_fail(tmp_path: Path) -> None:
    file = tmp_path / "ünïcode.toml"
    file.write_text(pc.presets.rocketcoin().replace(name="R\x1b[31m\u2603").to_toml(), encoding="utf-8")
    environment = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [SCRIPT, "run", file.name], cwd=tmp_path, capture_output=True, env=environment, check=True
    )
    text = done.stdout.decode("latin-1")
    assert "-----" in text
    assert "19.67" in text
    assert "\x1b" not in text  # neither from the name nor as a colour


def test_where_agents_trade_forced_rounds_are_shown_and_who_earned_what():
    run = pc.presets.funding_trap().run(seed=1)
    shown = stage_table(run)
    assert "rounds in which nobody was forced" in shown
    forced = run.stages["liquidated_accounts"] + run.stages["taken_over_qty"] > 0
    for number in run.stages["round"][forced]:
        assert f"\n{number:>6,} " in shown or f"\n{number:,} " in shown
    lines = agent_table(run).splitlines()
    profits = [float(line.split()[-1].replace(",", "")) for line in lines[2:]]
    assert profits == sorted(profits, reverse=True)
    assert len(lines) == 3 + len(run.scenario.agents)  # the market maker beside them
