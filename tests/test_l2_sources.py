"""Binance, Tardis and ccxt become the rows that docs/SOURCES.md says; what is wrong is named."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import perpcore as pc
from perpcore.sources import binance, ccxt, columns, levels, tardis

FILES = Path(__file__).resolve().parent / "files"
DEPTH, DIFFS = FILES / "binance_depth_SYNUSDT.json", FILES / "binance_diffs.jsonl"
TARDIS = FILES / "tardis_incremental_book_L2.csv"
CCXT, BOOKS = FILES / "ccxt_book.json", FILES / "ccxt_books.jsonl"

D = Decimal
Spoil = Callable[..., Path]


@pytest.fixture
def spoilt(tmp_path: Path) -> Spoil:
    """A copy of a file in which a text stands for another."""

    def spoil(path: Path, old: str, new: str) -> Path:
        text = path.read_text()
        assert old in text
        copy = tmp_path / path.name
        copy.write_text(text.replace(old, new, 1))
        return copy

    return spoil


def refused(said: str, read: Callable[..., object], *arguments: object, **options: object) -> str:
    """The field of the refusal, whose text contains `said`."""
    with pytest.raises(pc.ScenarioError) as caught:
        read(*arguments, **options)
    assert said in str(caught.value)
    return str(caught.value.problems[0][0])


def in_units(updates: levels.Updates) -> list[tuple[int, str, Decimal, Decimal]]:
    return [
        (
            int(row["update"]),
            "ba"[row["side"]],
            row["price"].item() * updates.tick_size,
            row["qty"].item() * updates.lot_size,
        )
        for row in updates.rows
    ]


# ---- Binance ----


def test_a_depth_snapshot() -> None:
    read = binance.read_snapshot(DEPTH, symbol="SYNUSDT")
    assert read.last_update == 100
    assert read.updates.rows.dtype == levels.LEVEL
    assert (read.updates.tick_size, read.updates.lot_size) == (D("0.005"), D("0.5"))
    assert in_units(read.updates) == [
        (0, "b", D("1.5"), 10),
        (0, "b", D("1.495"), D("20.5")),
        (0, "b", D("1.48"), 3),
        (0, "a", D("1.505"), 7),
        (0, "a", D("1.51"), 4),
    ]
    assert read.updates.rows["time"][0] == 1_700_000_000_010_000_000
    assert read.updates.rows["snapshot"].all()


def test_diffs_of_one_symbol() -> None:
    diffs = binance.read_diffs(DIFFS, symbol="SYNUSDT")
    assert diffs.messages["line"].tolist() == [1, 2, 5, 6]
    assert diffs.messages["previous"].tolist() == [90, 95, 103, 107]
    assert diffs.messages["received"].tolist() == [
        1_700_000_000_001_000_000,
        1_700_000_000_020_125_000,
        0,  # without an envelope
        0,
    ]
    assert in_units(diffs.updates)[1:4] == [
        (1, "b", D("1.5"), 12),
        (1, "b", D("1.48"), 0),
        (1, "a", D("1.505"), 0),
    ]
    assert len(binance.read_diffs(DIFFS, symbol="TOCUSDT").messages) == 1


def test_units_may_be_given() -> None:
    read = binance.read_snapshot(DEPTH, tick_size="0.001", lot_size=0.25)
    assert read.updates.rows["price"].tolist() == [1500, 1495, 1480, 1505, 1510]
    assert read.updates.rows["qty"].tolist() == [40, 82, 12, 28, 16]
    field = refused(
        "price 1.495 is not allowed: a multiple of tick_size 0.01",
        binance.read_snapshot,
        DEPTH,
        tick_size="0.01",
    )
    assert field == "binance_depth_SYNUSDT.json: bids[1]"
    field = refused(
        "qty 2.25 is not allowed: a multiple of lot_size 0.5",
        binance.read_diffs,
        DIFFS,
        symbol="SYNUSDT",
        lot_size="0.5",
    )
    assert field == "binance_diffs.jsonl:5"
    refused("tick_size: 0 is not allowed: more than 0", binance.read_snapshot, DEPTH, tick_size=0)
    refused("lot_size: 'x' is not allowed", binance.read_snapshot, DEPTH, lot_size="x")


def test_the_chain_is_on_one_grid() -> None:
    updates = binance.chain(binance.read_snapshot(DEPTH), binance.read_diffs(DIFFS, symbol="SYNUSDT"))
    assert (updates.tick_size, updates.lot_size, updates.symbol) == (D("0.001"), D("0.25"), "SYNUSDT")
    assert np.unique(updates.rows["update"]).tolist() == [0, 1, 2, 3]
    assert (1, "b", D("1.5"), D(12)) in in_units(updates)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        (
            '"pu": 103',
            '"pu": 104',
            5,
            "pu 104 is not allowed: 103, the u of line 2: diffs between them are missing, a gap",
        ),
        ('"pu": 107', '"pu": 100', 6, "pu 100 is not allowed: 107, the u of line 5: out of order"),
        (
            '"U": 109, "u": 109, "pu": 107',
            '"U": 105, "u": 107, "pu": 103',
            6,
            "u 107 is not allowed: a diff that is not there yet: line 5 has it, a duplicate",
        ),
        (
            '"U": 96',
            '"U": 101',
            2,
            "U 101 is not allowed: at most lastUpdateId, 100: diffs between them are missing",
        ),
    ],
)
def test_a_broken_chain_is_named(spoilt: Spoil, old: str, new: str, line: int, said: str) -> None:
    diffs = binance.read_diffs(spoilt(DIFFS, old, new), symbol="SYNUSDT")
    assert refused(said, binance.chain, binance.read_snapshot(DEPTH), diffs) == f"binance_diffs.jsonl:{line}"


def test_diffs_that_all_end_before_the_snapshot(spoilt: Spoil) -> None:
    late = binance.read_snapshot(spoilt(DEPTH, '"lastUpdateId": 100', '"lastUpdateId": 110'))
    diffs = binance.read_diffs(DIFFS, symbol="SYNUSDT")
    field = refused("u 109 is not allowed: at least lastUpdateId, 110", binance.chain, late, diffs)
    assert field == "binance_diffs.jsonl:6"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('"u": 103,', '"u": "103",', 2, "a message of Binance's streams (Expected `int`"),
        ('"pu": 95, ', "", 2, "missing required field `pu`"),
        ('{"e": "depthUpdate", "E": 1700000000041', '{"e" 5', 5, "a message of Binance's streams"),
        ('["1.505", "0"]', '["1.505"]', 2, "Expected `array` of length 2"),
        ('["1.505", "0"]', '["1,505", "0"]', 2, "price '1?505' is not allowed: a decimal number"),
        ('["1.505", "0"]', '["1.505", "-1"]', 2, "qty -1 is not allowed: 0 or more"),
        ('["1.505", "0"]', '["0.0", "1"]', 2, "price 0 is not allowed: more than 0"),
        ('"U": 96, "u": 103', '"U": 104, "u": 103', 2, "U 104 is not allowed: at most u, 103"),
        ('"recv": 1700000000.020125', '"recv": "x"', 2, "a message of Binance's streams"),
    ],
)
def test_a_wrong_diff_is_named(spoilt: Spoil, old: str, new: str, line: int, said: str) -> None:
    field = refused(said, binance.read_diffs, spoilt(DIFFS, old, new), symbol="SYNUSDT")
    assert field == f"binance_diffs.jsonl:{line}"


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ('"1.495"', '"1.505"', ": bids[1]", "price 1.505 is not allowed: beyond the level before it"),
        (
            '["1.505", "7"]',
            '["1.500", "7"]',
            ": asks[0]",
            "price 1.5 is not allowed: above the best bid, 1.5: the book is crossed",
        ),
        ('"20.5"', '"0"', ": bids[1]", "qty 0 is not allowed: more than 0"),
        ('"20.5"', '""', ": bids[1]", "qty '' is not allowed: a decimal number"),
        ('"20.5"', '"5\\n6"', ": bids[1]", "qty '?' is not allowed: a decimal number"),
        ('"asks": [', '"asks": 5, "x": [', ": asks", "a depth snapshot of Binance (Expected `array`"),
        ('"asks": [', '"asks" [', ":3", "a depth snapshot of Binance (JSON is malformed"),
        ('"lastUpdateId": 100, ', "", ":1", "missing required field `lastUpdateId`"),
    ],
)
def test_a_wrong_snapshot_is_named(spoilt: Spoil, old: str, new: str, field: str, said: str) -> None:
    assert (
        refused(said, binance.read_snapshot, spoilt(DEPTH, old, new)) == f"binance_depth_SYNUSDT.json{field}"
    )


def test_whose_diffs(tmp_path: Path) -> None:
    refused("symbol: None is not allowed: it must be given", binance.read_diffs, DIFFS)
    refused(
        "one of the 2 in binance_diffs.jsonl; did you mean SYNUSDT?",
        binance.read_diffs,
        DIFFS,
        symbol="SYNUSD",
    )
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text('{"e": "aggTrade", "s": "SYNUSDT"}\n\n')
    assert refused("at least one depthUpdate event", binance.read_diffs, nothing) == "nothing.jsonl:1"


# ---- Tardis ----


def test_tardis_rows() -> None:
    read = tardis.read(TARDIS)
    assert (read.symbol, read.tick_size, read.lot_size) == ("SYN-PERP", D("0.01"), D("0.001"))
    assert read.rows["update"].tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5]
    assert read.rows["snapshot"].tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0]
    assert read.rows[5].tolist() == (1_700_000_002_000_000_000, 1_700_000_002_000_300_000, 2, 151, 1, 0, 0)


def test_tardis_compressed_and_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pressed = tmp_path / "book.csv.gz"
    pressed.write_bytes(gzip.compress(TARDIS.read_bytes()))
    assert np.array_equal(tardis.read(pressed).rows, tardis.read(TARDIS).rows)
    monkeypatch.setattr(columns, "PIECE", 100)
    assert np.array_equal(tardis.read(pressed).rows, tardis.read(TARDIS).rows)


def test_tardis_of_several_symbols(spoilt: Spoil) -> None:
    two = spoilt(TARDIS, "synex,SYN-PERP,1700000003", "synex,TOC-PERP,1700000003")
    refused(
        "symbol: None is not allowed: it must be given: the file holds SYN-PERP, TOC-PERP", tardis.read, two
    )
    read = tardis.read(two, symbol="SYN-PERP")
    assert read.rows["update"].tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 3, 4]
    assert len(tardis.read(two, symbol="TOC-PERP").rows) == 1
    field = refused("the end of the file is not allowed: rows of TIC", tardis.read, two, symbol="TIC")
    assert field == "tardis_incremental_book_L2.csv:13"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("exchange,symbol", "symbol,exchange", 1, "is not allowed: the header exchange,symbol,timestamp"),
        ("false,ask,1.51,0", "no,ask,1.51,0", 6, "is_snapshot 'no' is not allowed: one of false, true"),
        ("false,ask,1.51,0", "false,sell,1.51,0", 6, "side 'sell' is not allowed: one of bid, ask"),
        ("false,ask,1.51,0", "false,ask,1.51", 6, "7 fields is not allowed: 8: exchange, symbol"),
        ("false,ask,1.51,0", "false,ask,1.5.1,0", 6, "price '1.5.1' is not allowed: a decimal number"),
        ("false,ask,1.51,0", "false,ask,1.51,-4", 6, "qty -4 is not allowed: 0 or more"),
        ("false,ask,1.51,0", "false,ask,-1.51,0", 6, "price -1.51 is not allowed: more than 0"),
        ("false,ask,1.51,0", "false,ask,1.51,inf", 6, "amount 'inf' is not allowed: a decimal number"),
        (
            "false,ask,1.51,0",
            "false,ask,1.51,1234567890123456789",
            6,
            "is not allowed: a decimal number of at most 18",
        ),
        (
            "1700000003000400",
            "1700000003000400.5",
            9,
            "local_timestamp '1700000003000400.5' is not allowed: a whole",
        ),
        (
            "1700000003000400",
            "1700000001000400",
            9,
            "local_timestamp is not allowed: not before that of the row above",
        ),
    ],
)
def test_a_wrong_row_is_named(spoilt: Spoil, old: str, new: str, line: int, said: str) -> None:
    assert refused(said, tardis.read, spoilt(TARDIS, old, new)) == f"tardis_incremental_book_L2.csv:{line}"


def test_tardis_off_the_grid_names_the_line_of_the_file(spoilt: Spoil) -> None:
    two = spoilt(TARDIS, "synex,SYN-PERP,1700000000", "synex,TOC-PERP,1700000000")
    field = refused("qty 20.5", tardis.read, two, symbol="SYN-PERP", lot_size=1)
    assert field == "tardis_incremental_book_L2.csv:4"


def test_tardis_without_rows(tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text(",".join(tardis.COLUMNS) + "\n")
    assert refused("rows below the header", tardis.read, bare) == "bare.csv:2"
    bare.write_text("")
    assert refused("nothing is not allowed: the header", tardis.read, bare) == "bare.csv:1"


# ---- ccxt ----


def test_a_ccxt_book_from_file_and_from_python() -> None:
    read = ccxt.read(CCXT)
    assert (read.symbol, read.tick_size, read.lot_size) == ("SYN/USDT:USDT", D("0.005"), D("1e-7"))
    assert in_units(read)[2:4] == [(0, "b", D("1.48"), D("3e-7")), (0, "a", D("1.505"), 7)]
    assert read.rows["time"][0] == 1_700_000_000_123_000_000
    again = ccxt.read(json.loads(CCXT.read_text()))
    assert np.array_equal(read.rows, again.rows)
    empty = ccxt.read({"bids": [], "asks": [[1.1, 2]], "symbol": None})
    assert (empty.symbol, in_units(empty), empty.rows["time"][0]) == ("", [(0, "a", D("1.1"), 2)], 0)


def test_a_sequence_of_ccxt_books() -> None:
    read = ccxt.read(BOOKS)
    assert read.rows["update"].tolist() == [0, 0, 1, 1, 1]
    assert read.rows["time"].tolist() == [1_700_000_000_000_000_000] * 2 + [0] * 3
    found = levels.replay(read)
    assert (found.snapshots, found.compared, found.mismatches, found.best_bid) == (2, 2, 0, D("1.6"))
    books = [json.loads(line) for line in BOOKS.read_text().splitlines()]
    assert np.array_equal(ccxt.read(books).rows, read.rows)


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        (
            '["1.50", "9"]',
            '["1.70", "9"]',
            "ccxt_books.jsonl:2: bids[1]",
            "price 1.7 is not allowed: beyond",
        ),
        ('["1.61", "2"]', '["1.60", "2"]', "ccxt_books.jsonl:2: asks[0]", "the book is crossed"),
        ('["1.61", "2"]', '["1.61"]', "ccxt_books.jsonl:2: asks[0]", "is not allowed: [price, amount]"),
        ('["1.61", "2"]', '["1.61", null]', "ccxt_books.jsonl:2: asks[0]", "is not allowed: numbers"),
        ('["1.61", "2"]', '["1.61", true]', "ccxt_books.jsonl:2: asks[0]", "is not allowed: numbers"),
        (
            '["1.61", "2"]',
            '["1.61", "two"]',
            "ccxt_books.jsonl:2: asks[0]",
            "amount 'two' is not allowed: a decimal",
        ),
        ('"asks": [["1.61", "2"]]', '"ask": 1', "ccxt_books.jsonl:2", "an order book of ccxt"),
        (
            "null}",
            "-1}",
            "ccxt_books.jsonl:2",
            "timestamp -1 is not allowed: milliseconds since 1970, or nothing",
        ),
        ("null}", "null", "ccxt_books.jsonl:2", "is not allowed: valid JSON"),
    ],
)
def test_a_wrong_ccxt_book_is_named(spoilt: Spoil, old: str, new: str, field: str, said: str) -> None:
    assert refused(said, ccxt.read, spoilt(BOOKS, old, new)) == field


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "books: [] is not allowed: at least one"),
        (5, "books: 5 is not allowed: an order book of ccxt"),
        ([5], "books[0]: 5 is not allowed: an order book of ccxt"),
        ({"bids": [[float("nan"), 1]], "asks": []}, "book: bids[0]: price 'nan' is not allowed"),
        ({"bids": [[1, 2]], "asks": [[3, -1]]}, "book: asks[0]: qty -1 is not allowed: 0 or more"),
        (
            [{"symbol": "A", "bids": [], "asks": []}, {"symbol": "B", "bids": [], "asks": []}],
            "books[1]: symbol 'B' is not allowed: 'A', that of the first book",
        ),
    ],
)
def test_what_is_no_ccxt_book(source: Any, said: str) -> None:
    refused(said, ccxt.read, source)


def test_broken_json_is_named_by_its_line(spoilt: Spoil) -> None:
    assert refused("valid JSON", ccxt.read, spoilt(CCXT, '"asks":', "asks:")) == "ccxt_book.json:4"


# ---- what they share ----


def test_a_price_beyond_the_engines_is_an_error_not_a_mismatch() -> None:
    far = ccxt.read({"bids": [[1, 1]], "asks": [[2**41, 1]]})
    with pytest.raises(pc.OrderError, match="price"):
        levels.replay(far)


def test_a_finer_grid_and_no_other() -> None:
    read = binance.read_snapshot(DEPTH).updates
    finer = read.on(D("0.001"), D("0.1"))
    assert in_units(finer) == in_units(read)
    refused("price unit: 0.002 is not allowed", read.on, D("0.002"), D("0.1"))


def test_numbers_are_exact() -> None:
    given = "0.1 -12.50 000.5 1e3 +7 123456789012345678 0.000000000000000001 1E-18 .5 5.".split()
    read = columns.column_of(given, "x", str)
    found = [D(d).scaleb(-p) for d, p in zip(read.digits.tolist(), read.places.tolist(), strict=True)]
    assert found == [D(text) for text in given]


@pytest.mark.parametrize(
    "bad",
    [*"- 1- --1 1.2.3 0x1 1_0 nan 1e19 1e-19 ٣ 1,2 1234567890123456789".split(), "", " 1", "1 ", "1\n2"],
)
def test_what_is_no_number(bad: str) -> None:
    assert refused("a decimal number", columns.column_of, ["1", bad], "x", "row {}".format) == "row 1"
