"""LOBSTER files become the arrays that docs/SOURCES.md says; the first line that is wrong is named."""

import gzip
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import perpcore as pc
from perpcore.sources import columns, lobster

FILES = Path(__file__).resolve().parent / "files"
MESSAGES = FILES / "lobster_SYN_message_2.csv"
BOOKS = FILES / "lobster_SYN_orderbook_2.csv"


@pytest.fixture
def spoilt(tmp_path: Path):
    """Both files, a line of one of them changed (or taken out: None)."""

    def spoil(which: str, line: int, new: str | None) -> tuple[Path, Path]:
        paths = []
        for path in (MESSAGES, BOOKS):
            lines = path.read_text().splitlines()
            if which in path.name:
                lines[line - 1 : line] = [] if new is None else [new]
            copy = tmp_path / path.name.replace("lobster_SYN_", "").replace("_2", "")
            copy.write_text("\n".join(lines) + "\n")
            paths.append(copy)
        return paths[0], paths[1]

    return spoil


def test_messages_are_integers() -> None:
    flow = lobster.read(MESSAGES, BOOKS).messages
    assert flow.dtype == lobster.MESSAGE
    assert len(flow) == 23
    assert flow[0].tolist() == (34_200_000_000_001, 0, 1, 100_150, 5, 0)
    assert flow[2].tolist() == (34_200_100_000_000, 12, 25, 100_300, 1, 1)
    assert flow["time"][4] == 34_200_250_000_004
    assert flow["time"][7] == 34_202_632_812_672  # written with 12 decimals: a float's noise
    assert flow[16].tolist() == (34_205_000_000_000, 0, 0, -1, 7, 1)  # a halt


def test_books_are_integers_from_the_best_price_away() -> None:
    day = lobster.read(MESSAGES, BOOKS)
    assert (day.levels, day.name) == (2, MESSAGES.name)
    assert day.book.dtype == lobster.book_dtype(2)
    assert day.book["ask_price"][0].tolist() == [100_300, 100_400]
    assert day.book["bid_size"][3].tolist() == [5, 40]
    assert day.book["ask_price"][18].tolist() == [100_500, lobster.EMPTY]
    assert day.book["ask_size"][18].tolist() == [60, 0]


def test_zip_gz_and_windows_lines_hold_the_same(tmp_path: Path) -> None:
    plain = lobster.read(MESSAGES, BOOKS)
    archive = tmp_path / "day.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in (BOOKS, MESSAGES):
            out.writestr(f"folder/{path.name}", path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
        out.writestr("readme.txt", "message orderbook")
    pressed = [tmp_path / f"{path.name}.gz" for path in (MESSAGES, BOOKS)]
    for path, copy in zip((MESSAGES, BOOKS), pressed, strict=True):
        copy.write_bytes(gzip.compress(path.read_bytes().rstrip()))
    for day in (lobster.read(archive), lobster.read(*pressed)):
        assert np.array_equal(day.messages, plain.messages)
        assert np.array_equal(day.book, plain.book)


def test_a_file_in_pieces_is_the_same_file(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lobster.read(MESSAGES, BOOKS)
    monkeypatch.setattr(columns, "PIECE", 100)
    pieces = lobster.read(MESSAGES, BOOKS)
    assert np.array_equal(whole.messages, pieces.messages)
    assert np.array_equal(whole.book, pieces.book)


@pytest.mark.parametrize(
    ("which", "line", "new", "said"),
    [
        (
            "message",
            3,
            "34200.1,1,12,25,100300",
            "message.csv:3: 5 fields is not allowed: 6: time, type, order",
        ),
        ("message", 3, "", "message.csv:3: 1 field is not allowed: 6: time"),
        ("message", 3, "34200.1,1,12,25,100300,-1,", "message.csv:3: 7 fields is not allowed: 6"),
        (
            "message",
            1,
            "time,type,id,size,price,direction",
            "message.csv:1: time 'time' is not allowed: a decimal",
        ),
        ("message", 3, "x,1,12,25,100300,-1", "message.csv:3: time 'x' is not allowed: a decimal number"),
        ("message", 3, "1e30,1,12,25,100300,-1", "message.csv:3: time '1e30' is not allowed"),
        ("message", 3, "nan,1,12,25,100300,-1", "message.csv:3: time 'nan' is not allowed"),
        ("message", 3, "34200.1,8,12,25,100300,-1", "message.csv:3: type '8' is not allowed: 1 to 7"),
        (
            "message",
            3,
            "34200.1,1,0,25,100300,-1",
            "message.csv:3: order id '0' is not allowed: the number of",
        ),
        (
            "message",
            3,
            "34200.1,1,12,0,100300,-1",
            "message.csv:3: size '0' is not allowed: 1 or more shares",
        ),
        (
            "message",
            3,
            "34200.1,1,12,2.5,100300,-1",
            "message.csv:3: size '2.5' is not allowed: a whole number",
        ),
        ("message", 3, "34200.1,1,12,1_0,100300,-1", "message.csv:3: size '1_0' is not allowed: a decimal"),
        ("message", 3, "34200.1,1,12,,100300,-1", "message.csv:3: size '' is not allowed: a decimal number"),
        (
            "message",
            3,
            "34200.1,1,12,-,100300,-1",
            "message.csv:3: size '-' is not allowed: a decimal number",
        ),
        ("message", 3, "34200.1,1,12,5-3,100300,-1", "message.csv:3: size '5-3' is not allowed: a decimal"),
        (
            "message",
            3,
            "34200.1,1,12,25,-5,-1",
            "message.csv:3: price '-5' is not allowed: 1 to 9,999,999,998",
        ),
        (
            "message",
            3,
            "34200.1,1,12,25,100300,0",
            "message.csv:3: direction '0' is not allowed: one of 1, -1",
        ),
        ("message", 3, "34199,1,12,25,100300,-1", "message.csv:3: a time before that of the line above"),
        (
            "message",
            23,
            None,
            "message.csv:23: the end of the file is not allowed: a message before each of 23",
        ),
        (
            "orderbook",
            23,
            None,
            "orderbook.csv:23: the end of the file is not allowed: a book after each of 23",
        ),
        ("orderbook", 1, "1,2,3", "orderbook.csv:1: 3 fields is not allowed: four for each level"),
        (
            "orderbook",
            9,
            "1,2,3,4",
            "orderbook.csv:9: 4 fields is not allowed: 8: ask price 1, ask size 1, bid",
        ),
        (
            "orderbook",
            9,
            "100300,75,100000,45,100400,40,100000,12",
            "orderbook.csv:9: bid price 2 '100000' is not allowed: a price beyond the level before it",
        ),
        (
            "orderbook",
            9,
            "100300,75,100000,45,100400,0,99900,12",
            "orderbook.csv:9: ask size 2 '0' is not allowed: 1 or more shares, 0 at no level",
        ),
        (
            "orderbook",
            9,
            "9999999999,0,100000,45,100400,40,99900,12",
            "orderbook.csv:9: ask price 2 '100400' is not allowed: a price beyond",
        ),
        (
            "orderbook",
            9,
            "100300,75,100000,45,100400,40,0,12",
            "orderbook.csv:9: bid price 2 '0' is not allowed: a price, or the mark of no level",
        ),
    ],
)
def test_the_wrong_line_is_named(spoilt, which: str, line: int, new: str | None, said: str) -> None:
    with pytest.raises(pc.ScenarioError) as caught:
        lobster.read(*spoilt(which, line, new))
    assert said in str(caught.value)
    assert caught.value.problems[0][0] == f"{which}.csv:{line}"


def test_the_first_wrong_line_of_a_later_piece(spoilt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "PIECE", 100)
    with pytest.raises(pc.ScenarioError, match=r"message\.csv:20: size 'x'"):
        lobster.read(*spoilt("message", 20, "34208,1,15,x,100400,-1"))


def test_files_that_are_no_such_files(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK no")
    bare = tmp_path / "bare.zip"
    with zipfile.ZipFile(bare, "w") as out:
        out.writestr("a_message_1.csv", "")
    pressed = tmp_path / "no.csv.gz"
    pressed.write_bytes(b"no")
    for arguments, said in (
        ((empty, BOOKS), "empty.csv:1: an empty file is not allowed: LOBSTER messages"),
        ((MESSAGES, empty), "empty.csv:1: an empty file is not allowed: LOBSTER order books"),
        ((tmp_path / "none.csv", BOOKS), "a file that can be read"),
        ((tmp_path / "none.zip",), "a file that can be read"),
        ((bad,), "bad.zip: its content is not allowed: a zip archive that can be read"),
        ((bare,), "bare.zip: its content is not allowed: an archive with one *orderbook*.csv: 0 are in it"),
        ((pressed, BOOKS), "no.csv.gz: its content is not allowed: gzip"),
        ((MESSAGES,), "orderbook: None is not allowed: given with a file of messages"),
        ((bare, BOOKS), "left out with a .zip"),
    ):
        with pytest.raises(pc.ScenarioError) as caught:
            lobster.read(*arguments)
        assert said in str(caught.value)


@pytest.mark.parametrize(("levels", "rows", "steps"), [(1, 57_515, 55_070), (5, 155_935, 153_490)])
def test_a_real_day_is_read_in_seconds(shared: Path, levels: int, rows: int, steps: int) -> None:
    start = time.perf_counter()
    day = lobster.read(shared / "data" / "lobster" / f"LOBSTER_SampleFile_AMZN_2012-06-21_{levels}.zip")
    assert time.perf_counter() - start < 10  # some 0.6 s; a loaded machine is no defect
    assert (len(day.messages), day.levels) == (rows, levels)
    assert np.count_nonzero(day.messages["kind"][1:] <= 4) == steps
    assert (day.book["ask_price"][:, 0] > day.book["bid_price"][:, 0]).all()
    assert (day.book["ask_price"] % 100 == 0).all()
