"""Recorded flow through the engine's book becomes the published book; where not, the line is named."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from perpcore.cli import main
from perpcore.sources import binance, levels, lobster, tardis
from perpcore.sources.lobster_flow import Flow, Unseen
from perpcore.sources.lobster_replay import _rows

FILES = Path(__file__).resolve().parent / "files"
LOBSTER = (FILES / "lobster_SYN_message_2.csv", FILES / "lobster_SYN_orderbook_2.csv")
BINANCE = (FILES / "binance_depth_SYNUSDT.json", FILES / "binance_diffs.jsonl")

Day = Callable[[dict[int, dict[str, int]]], lobster.Day]


@pytest.fixture
def day() -> Day:
    """The synthetic day, some messages (by line) changed."""

    def change(messages: dict[int, dict[str, int]]) -> lobster.Day:
        read = lobster.read(*LOBSTER)
        for line, fields in messages.items():
            for name, value in fields.items():
                read.messages[line - 1][name] = value
        return read

    return change


# ---- LOBSTER ----


def test_the_synthetic_day_is_met(day: Day) -> None:
    found = lobster.replay(day({}))
    for count in (found.stepwise, found.persistent):
        assert (count.steps, count.unmoved, count.mismatches, count.first) == (19, 3, 0, None)
    assert found.unseen == Unseen(
        opening_shares=140,
        entered=2,  # line 8: 40 were held at 10.00, 45 come back; line 16: 60 at 10.05
        entered_shares=65,
        left=1,  # line 9: 20 were held at 9.99, 12 come back
        left_shares=8,
        cancels=4,
        cancelled_shares=12 + 40 + 60 + 12,
        executions=1,
        executed_shares=50,
        relabelled=1,  # line 23: 15 at 10.04 are of known orders, yet another is deleted
        relabelled_shares=15,
        in_turn=4,
        out_of_turn=1,  # line 13: order 16 stands behind unseen volume
    )


@pytest.mark.parametrize(
    ("line", "fields", "stepwise"),
    [
        (2, {"size": 11}, True),  # a new order of another size
        (2, {"side": 1}, True),  # ... on the other side, where it would trade
        (3, {"price": 100_400}, True),
        (14, {"size": 6}, True),
        (6, {"size": 2}, True),
        (6, {"price": 100_100}, True),  # an execution that is not at the best price
        (10, {"size": 9}, True),
        (11, {"price": 99_800}, True),  # a cancel where nothing rests
        (7, {"kind": 1}, True),  # what moves nothing is said to be an order
        (9, {"kind": 5}, True),  # ... and an order to move nothing
        (15, {"size": 71}, True),  # more is executed than rests
        (16, {"order": 13}, False),  # of a level an order that is gone
    ],
)
def test_a_message_that_does_not_lead_to_the_book_is_named(
    day: Day, line: int, fields: dict[str, int], stepwise: bool
) -> None:
    found = lobster.replay(day({line: fields}))
    if stepwise:
        assert found.stepwise.first == line
        assert found.persistent.first == line
        assert found.stepwise.mismatches == 1  # the next starts from the published book
        assert found.mismatches >= 2
    else:  # identities may be mistaken, volumes not: a level's sum is all that a book shows
        assert found.mismatches == 0


def test_a_published_book_that_crosses_is_a_mismatch(day: Day) -> None:
    read = day({})
    read.book["bid_price"][1, 0] = 100_300
    found = lobster.replay(read)
    assert (found.stepwise.first, found.persistent.first) == (2, 2)


def test_a_persistent_book_does_not_take_what_it_could_have_seen(day: Day) -> None:
    read = day({})
    read.book["bid_size"][5:, 0] += 1  # a share more at the best bid, from line 6 on
    found = lobster.replay(read)
    assert found.persistent.first == 6
    assert found.persistent.mismatches >= 1


def test_progress_is_told(day: Day) -> None:
    told: list[int] = []
    lobster.replay(day({}), progress=told.append)
    assert sum(told) == 2 * 23


def _final_volume(read: lobster.Day) -> tuple[int, int]:
    """What rests at the end, and what should by the counts and the messages."""
    unseen = Unseen()
    flow, rows = Flow(read.levels, unseen), _rows(read, None)
    _, before = next(rows)
    flow.open(before)
    moved = 0
    for message, after in rows:
        if message.kind <= 4:
            moved += message.size if message.kind == 1 else -message.size
            assert flow.apply(message)
        assert flow.settle(before, after)
        before = after
    resting = sum(sum(flow.engine.depth(side, 1_000_000)[1]) for side in (0, 1))
    return int(resting), unseen.opening_shares + unseen.entered_shares - unseen.left_shares + moved


def test_volume_is_conserved(day: Day) -> None:
    resting, expected = _final_volume(day({}))
    assert resting == expected == 23 + 12 + 3


@pytest.mark.parametrize(("depth", "steps"), [(1, 55_070), (5, 153_490)])
def test_a_real_day_is_met(shared: Path, depth: int, steps: int) -> None:
    read = lobster.read(shared / "data" / "lobster" / f"LOBSTER_SampleFile_AMZN_2012-06-21_{depth}.zip")
    found = lobster.replay(read)
    for count in (found.stepwise, found.persistent):
        assert (count.steps, count.unmoved, count.mismatches) == (steps, 2_444, 0)
    assert found.unseen.in_turn + found.unseen.out_of_turn == 8_974
    assert found.unseen.in_turn > 0.97 * 8_974


def test_volume_of_a_real_day_is_conserved(shared: Path) -> None:
    read = lobster.read(shared / "data" / "lobster" / "LOBSTER_SampleFile_AMZN_2012-06-21_1.zip")
    resting, expected = _final_volume(read)
    assert resting == expected


# ---- levels ----


def test_the_synthetic_diffs_lead_to_their_book() -> None:
    updates = binance.chain(
        binance.read_snapshot(BINANCE[0]), binance.read_diffs(BINANCE[1], symbol="SYNUSDT")
    )
    found = levels.replay(updates)
    assert (found.snapshots, found.steps, found.compared, found.mismatches) == (1, 3, 4, 0)
    book = levels.LevelBook()
    for update in range(4):
        assert book.apply(updates.rows[updates.rows["update"] == update])
    prices, qty = book.depth(levels.BUY)
    assert [str(price * updates.tick_size) for price in prices.tolist()] == [
        "1.505",
        "1.500",
        "1.495",
        "1.470",
    ]
    assert [str(q * updates.lot_size) for q in qty.tolist()] == ["2.25", "12.00", "20.50", "1.00"]
    assert book.depth(levels.SELL, 1)[0].tolist() == [1510]


def test_a_snapshot_replaces_the_book() -> None:
    found = levels.replay(tardis.read(FILES / "tardis_incremental_book_L2.csv"))
    assert (found.snapshots, found.steps, found.skipped, found.mismatches) == (2, 3, 1, 0)
    assert (found.bids, found.asks, str(found.best_bid), str(found.best_ask)) == (1, 1, "1.60", "1.61")


def test_levels_that_cross_are_a_mismatch_until_they_do_not() -> None:
    updates = tardis.read(FILES / "tardis_incremental_book_L2.csv")
    row = np.flatnonzero((updates.rows["side"] == 1) & (updates.rows["qty"] == 0))[0]
    updates.rows["qty"][row] = 7000  # the ask at 1.51 stays while a bid comes there
    found = levels.replay(updates)
    assert (found.first, found.mismatches) == (2, 2)  # it lasts until the next snapshot
    assert found.best_bid == tardis.read(FILES / "tardis_incremental_book_L2.csv").tick_size * 160


def test_a_crossing_level_enters_when_its_way_is_free() -> None:
    book = levels.LevelBook()

    def rows(*given: tuple[int, int, int]) -> np.ndarray:
        made = np.zeros(len(given), levels.LEVEL)
        for i, (side, price, qty) in enumerate(given):
            made[i]["side"], made[i]["price"], made[i]["qty"] = side, price, qty
        return made

    assert book.apply(rows((levels.SELL, 10, 5), (levels.BUY, 9, 5)))
    assert not book.apply(rows((levels.BUY, 10, 3)))
    assert book.depth(levels.BUY)[0].tolist() == [9]
    assert book.apply(rows((levels.SELL, 10, 0)))
    assert [part.tolist() for part in book.depth(levels.BUY)] == [[10, 9], [3, 5]]
    assert book.apply(rows((levels.BUY, 10, 1), (levels.BUY, 10, 2)))  # the last one counts
    assert book.depth(levels.BUY, 1)[1].tolist() == [2]


@pytest.mark.parametrize(("symbol", "steps"), [("SUSHI", 252), ("AKRO", 188), ("KEEP", 132)])
def test_a_real_stream_chains_without_a_gap(shared: Path, symbol: str, steps: int) -> None:
    folder, name = shared / "data" / "books", f"{symbol}USDT"
    start = binance.read_snapshot(folder / f"binance_um_depth1000_{name}_20210722.json")
    diffs = binance.read_diffs(folder / "binance_um_depthdiff_20210722.jsonl", symbol=name)
    found = levels.replay(binance.chain(start, diffs))
    assert (found.snapshots, found.steps, found.compared, found.mismatches) == (1, steps, steps + 1, 0)
    assert found.best_bid is not None
    assert found.best_ask is not None
    assert found.best_bid < found.best_ask


# ---- the command line ----


def _call(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["replay", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_shows_a_verdict() -> None:
    code, out, err = _call("lobster", *LOBSTER)
    assert (code, err) == (0, "")  # no bar where nobody looks
    assert "23 messages, 2 levels" in out
    assert "persistent            19           3           0" in out
    assert out.endswith("ok: every published book was met\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_a_terminal_sees_a_bar() -> None:
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    command = [sys.executable, "-c", "from perpcore.cli import main; main()", "replay", "lobster"]
    done = subprocess.run([*command, *map(str, LOBSTER)], stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    drawn = os.read(ours, 4096)
    os.close(ours)
    assert b"0%|" in drawn
    assert b"messages/s" in drawn
    assert b"|" not in done.stdout


def test_the_command_gives_json() -> None:
    code, out, _ = _call("lobster", *LOBSTER, "--json")
    verdict = json.loads(out)
    assert (code, verdict["mismatches"], verdict["stepwise"]["steps"]) == (0, 0, 19)
    assert verdict["unseen"]["entered_shares"] == 65
    code, out, _ = _call("binance", *BINANCE, "--symbol", "SYNUSDT", "--json")
    verdict = json.loads(out)
    assert (code, verdict["steps"], verdict["mismatches"], verdict["best_ask"]) == (0, 3, 0, "1.510")


def test_a_mismatch_is_an_exit_code(tmp_path: Path) -> None:
    spoilt = tmp_path / "message.csv"
    spoilt.write_text(LOBSTER[0].read_text().replace("34204,2,12,5,", "34204,2,12,6,"))
    code, out, _ = _call("lobster", spoilt, LOBSTER[1])
    assert code == 1
    assert "the first at message.csv:14" in out
    assert "not ok: 2 published books were not met" in out


def test_levels_on_the_command_line(tmp_path: Path) -> None:
    code, out, _ = _call("binance", *BINANCE, "--symbol", "SYNUSDT")
    assert code == 0
    assert "snapshots 1, diffs 3" in out
    assert "1 before it were passed over" in out
    code, out, _ = _call("tardis", FILES / "tardis_incremental_book_L2.csv")
    assert code == 0
    assert "at the end 1 bids and 1 asks, best 1.60 x 1.61" in out
    crossed = tmp_path / "crossed.csv"
    text = (FILES / "tardis_incremental_book_L2.csv").read_text()
    crossed.write_text(text.replace("false,ask,1.51,0", "false,ask,1.51,1"))
    code, out, _ = _call("tardis", crossed)
    assert code == 1
    assert "mismatches 2, the first at update 2" in out


def test_a_wrong_file_is_said_on_stderr(tmp_path: Path) -> None:
    code, out, err = _call("binance", *BINANCE)
    assert (code, out) == (3, "")
    assert err == (
        "perpcore: symbol: None is not allowed: it must be given:"
        " binance_diffs.jsonl holds SYNUSDT, TOCUSDT\n"
    )
    copy = tmp_path / "message.csv"
    shutil.copy(LOBSTER[0], copy)
    copy.write_text(copy.read_text().replace("34201,4,", "34201,9,"))
    code, out, err = _call("lobster", copy, LOBSTER[1])
    assert (code, out) == (3, "")
    assert err == "perpcore: message.csv:6: type '9' is not allowed: 1 to 7\n"
