"""A recorded book becomes the scenario that docs/SOURCES.md says; what is no such book is refused by name."""

import copy
import doctest
import json
import math
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import perpcore as pc
from perpcore.sources import gate

FILES = Path(__file__).resolve().parent / "files"
BOOK = FILES / "gate_book_SYN_USDT.json"
CONTRACTS = FILES / "gate_contracts.json"

D = Decimal


@pytest.fixture
def book() -> dict[str, Any]:
    """The synthetic book, parsed, to be spoilt."""
    data: dict[str, Any] = json.loads(BOOK.read_text())
    return data


@pytest.fixture
def spec() -> dict[str, Any]:
    """The synthetic contract, parsed, to be spoilt."""
    data: list[dict[str, Any]] = json.loads(CONTRACTS.read_text())
    return copy.deepcopy(data[0])


def levels(*pairs: tuple[str, int]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((D(price), D(qty)) for price, qty in pairs)


# ---- what it becomes ----


def test_the_perpetual_is_as_recorded() -> None:
    s = gate.scenario(BOOK)
    assert (s.name, s.start_price) == ("SYN_USDT", 1)  # the mark, 1.0004, on the tick
    assert (s.perp.tick_size, s.perp.lot_size) == (D("0.001"), 10)  # a contract is ten tokens
    assert (s.perp.maker_fee, s.perp.taker_fee) == (D("-0.0001"), D("0.0005"))
    asks = levels(("1.001", 310), ("1.005", 400), ("1.02", 500), ("1.05", 1000), ("1.1", 2000), ("1.3", 100))
    bids = levels(("0.999", 200), ("0.99", 300), ("0.95", 1000), ("0.9", 500))
    assert (s.perp.asks, s.perp.bids) == (pc.Levels(levels=asks), pc.Levels(levels=bids))
    assert s.venue == pc.Venue(tiers=(pc.Tier(min_notional=0, maintenance_rate="0.02", max_leverage=10),))


def test_the_spot_book_is_the_perpetuals_scaled() -> None:
    s = gate.scenario(BOOK)
    # Cumulative tokens 310, 710, 1210, 2210, 4210, 4310: half of each, down to ten.
    asks = levels(("1.001", 150), ("1.005", 200), ("1.02", 250), ("1.05", 500), ("1.1", 1000), ("1.3", 50))
    bids = levels(("0.999", 100), ("0.99", 150), ("0.95", 500), ("0.9", 250))
    assert s.spot == pc.Market(
        tick_size="0.001",
        lot_size=10,
        asks=pc.Levels(levels=asks, tail_depth=7180),  # 2155 / 0.3 = 7183.3
        bids=pc.Levels(levels=bids, tail_depth=10_000),  # 1000 / 0.1
    )


def test_levels_below_a_lot_go_to_the_next() -> None:
    s = gate.scenario(BOOK, spot_depth_ratio="0.025", ignition_lift="0.3")
    asks = s.spot.asks
    assert isinstance(asks, pc.Levels)
    # 7.75, 17.75, 30.25, 55.25, 105.25, 107.75
    assert asks.levels == levels(("1.005", 10), ("1.02", 20), ("1.05", 20), ("1.1", 50))


def test_the_open_interest_is_all_short() -> None:
    s = gate.scenario(BOOK)
    # Ten times: 1.1 / 1.02 = 1.0784..; once: 2 / 1.02 = 1.9607..; both inward to the tick.
    ladder = pc.Ladder(side="short", qty=12_000, lump=10, liquidation_price=("1.079", "1.96"))
    assert s.positions == (ladder,)
    assert (s.circulating, s.total_supply) == (120_000, 120_000)


def test_the_market_maker_offers_anew_what_was_on_offer() -> None:
    maker = gate.scenario(BOOK).market_maker
    # Up to 1.2, the venue's band of 20 %: 4210 tokens on 20 levels.
    quote = pc.Quote(side="asks", levels=20, level_gap="0.01", level_qty=210)
    assert maker == pc.MarketMaker(capital=12_000, hedge_ratio=1, quote=quote)


@pytest.mark.parametrize(
    ("push", "tokens"),
    [
        ({}, 2100),  # to 1.10
        ({"ignition_lift": "0.05"}, 1100),
        ({"ignition_lift": "0.5"}, 3580),  # 2150 + 0.2 x 7180 = 3586
        ({"ignition_qty": 700}, 700),
        # 150 at 1.001 and 200 at 1.005 cost 351.15; then 100 at 1.02 cost 102.
        ({"ignition_quote": "453.15"}, 450),
        ({"ignition_quote": "453.14"}, 440),
        # All levels: 2296.15; then x (1.3 + x / 14360) = 400 at x = 301.2.
        ({"ignition_quote": "2696.15"}, 2450),
    ],
)
def test_the_push(push: dict[str, Any], tokens: int) -> None:
    assert gate.scenario(BOOK, **push).ignition == pc.Ignition(qty=tokens)


def test_a_sum_beyond_the_levels_buys_what_it_says() -> None:
    s = gate.scenario(BOOK, ignition_quote=10_000)
    assert s.run().summary["ignition_cost"] == pytest.approx(10_000, rel=0.005)


def test_every_assumption_is_an_argument() -> None:
    s = gate.scenario(
        BOOK,
        contracts=CONTRACTS,
        contract="SYN_USDT",
        spot_depth_ratio=2,
        circulating=50_000,
        total_supply=60_000,
        hedge_ratio="0.3",
        lump=100,
        short_leverage=(2, 5),
        capital=5000,
        insurance_fund=70,
    )
    assert (s.circulating, s.total_supply, s.venue.insurance_fund) == (50_000, 60_000, 70)
    assert (s.market_maker.capital, s.market_maker.hedge_ratio) == (5000, D("0.3"))
    # 1.2 / 1.02 = 1.1764..; 1.5 / 1.02 = 1.4705..
    ladder = pc.Ladder(side="short", qty=12_000, lump=100, liquidation_price=("1.177", "1.47"))
    assert s.positions == (ladder,)
    assert s.ignition.qty == 8420  # 4210 recorded up to 1.10, twice
    assert gate.scenario(BOOK, short_leverage=5).positions[0].liquidation_price == D("1.177")


def test_no_short_breaks_before_the_push(spec: dict[str, Any]) -> None:
    # 50 x at 1.99 % of maintenance breaks at 1.0001 of the start: a tick above it at the earliest.
    spec |= {"maintenance_rate": "0.0199", "leverage_max": "50"}
    prices = gate.scenario(BOOK, contracts=[spec]).positions[0].liquidation_price
    assert prices == (D("1.001"), D("1.96"))


def test_the_float_holds_what_rests(spec: dict[str, Any]) -> None:
    spec["position_size"] = 3
    assert gate.scenario(BOOK, contracts=[spec]).circulating == 2150


def test_what_is_assumed_is_named() -> None:
    s = gate.scenario(BOOK)
    assumed = gate.assumptions(s)
    names = "spot depth, spot market, float, shorts, maintenance, market maker, insurance fund, push"
    assert ", ".join(assumed) == names
    assert assumed["spot depth"].startswith("0.5 tokens rest in spot for each that rests in the perpetual")
    assert "evenly on [1.079, 1.96]" in assumed["shorts"]
    assert s.description.startswith(
        "SYN_USDT from gate_book_SYN_USDT.json: 6 asks and 4 bids of the perpetual"
    )
    assert gate.assumptions(pc.Scenario.from_toml(s.to_toml())) == assumed
    assert "liquidated at 1.177" in gate.scenario(BOOK, short_leverage=5).description


def test_it_runs_and_comes_back_from_toml() -> None:
    s = gate.scenario(BOOK)
    assert pc.Scenario.from_toml(s.to_toml()) == s
    summary = s.run().summary
    assert (summary["ignition_qty"], summary["ignition_cost"]) == (2100, 2231.15)
    assert (summary["fuel_burnt"], summary["stop_reason"]) == (1.0, "quiet")


def test_the_page_about_it_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES.parents[1])
    page = FILES.parents[1] / "docs" / "SOURCES.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 5
    assert done.failed == 0


def test_parsed_or_from_a_path(book: dict[str, Any], spec: dict[str, Any]) -> None:
    named = gate.scenario(BOOK)
    for other in (
        gate.scenario(str(BOOK), contracts=str(CONTRACTS)),
        gate.scenario(book, contracts=spec),
        gate.scenario(book, contracts=json.loads(CONTRACTS.read_text()), contract="SYN_USDT"),
    ):
        assert other.replace(description="") == named.replace(description="")


def test_fractions_of_a_contract(spec: dict[str, Any], book: dict[str, Any]) -> None:
    spec["order_size_min"] = "0.1"
    book["asks"][0]["s"] = 30.5
    s = gate.scenario(book, contracts=spec)
    assert s.perp.lot_size == 1
    assert isinstance(s.perp.asks, pc.Levels)
    assert s.perp.asks.levels[0] == (D("1.001"), 305)


# ---- what is refused ----


def test_more_tokens_than_can_be_counted(book: dict[str, Any]) -> None:
    book["bids"][0]["s"] = 10**20
    refused("bids.levels[0]", book=book, contracts=CONTRACTS, contract="SYN_USDT")


def refused(*pieces: str, **arguments: Any) -> None:
    """One ScenarioError, with every piece in what it says."""
    with pytest.raises(pc.ScenarioError) as caught:
        gate.scenario(arguments.pop("book", BOOK), **arguments)
    text = str(caught.value)
    assert caught.value.problems
    for piece in pieces:
        assert piece in text, text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("price,size\n1,2\n", "valid JSON"),
        ("", "valid JSON"),
        ('{"asks": [{"p": "1", "s": NaN}]}', "valid JSON"),
        ("\xff\xfe", "valid JSON"),
        ("[" * 100_000, "valid JSON"),
        ("[1, 2]", "an order book of Gate's futures API"),
        ('{"name": "SYN_USDT"}', "an order book of Gate's futures API"),
    ],
)
def test_a_file_that_is_not_a_book(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "SYN_USDT.json"
    path.write_bytes(text.encode("latin-1"))
    refused("SYN_USDT.json", said, book=path, contracts=CONTRACTS)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused("book", "none.json", "can be read", book=tmp_path / "none.json", contracts=CONTRACTS)
    refused("contracts", "none.json", "can be read", contracts=tmp_path / "none.json")
    refused("book", "can be read", book=tmp_path, contracts=CONTRACTS)


NUMBER = "a finite number"


@pytest.mark.parametrize(
    ("side", "spoilt", "said"),
    [
        ("asks", None, "asks: nothing is not allowed: it must be given"),
        ("bids", [], "bids: [] is not allowed: at least one level"),
        ("asks", "1.0", "expected `array`"),
        ("asks", [["1.001", 3]], "asks[0]"),
        ("asks", [{"p": "1.001"}], "asks[0].s: nothing is not allowed: it must be given"),
        ("bids", [{"s": 1}], "bids[0].p: nothing is not allowed: it must be given"),
        ("asks", [{"p": "dear", "s": 1}], "asks[0].p: 'dear'"),
        ("asks", [{"p": None, "s": 1}], "asks[0].p"),
        ("asks", [{"p": "NaN", "s": 1}], f"asks[0].p: NaN is not allowed: {NUMBER}"),
        ("asks", [{"p": "Infinity", "s": 1}], f"asks[0].p: Infinity is not allowed: {NUMBER}"),
        ("asks", [{"p": "1.001", "s": math.nan}], f"asks[0].s: nan is not allowed: {NUMBER}"),
        ("asks", [{"p": "1.001", "s": 10**40}], "asks[0].s: 1"),
        ("asks", [{"p": "1e30", "s": 1}], f"asks[0].p: 1E+30 is not allowed: {NUMBER}"),
        ("asks", [{"p": "1.001", "s": -5}], "asks[0].s: -5 is not allowed: a positive multiple of 1"),
        ("asks", [{"p": "1.001", "s": 0}], "asks[0].s: 0 is not allowed: a positive multiple of 1"),
        ("asks", [{"p": "1.001", "s": 2.5}], "asks[0].s: 2.5 is not allowed: a positive multiple"),
        ("asks", [{"p": "1.0015", "s": 5}], "asks[0].p: 1.0015 is not allowed: a positive multiple of"),
        ("bids", [{"p": "-0.999", "s": 5}], "bids[0].p: -0.999 is not allowed: a positive multiple of"),
        ("asks", [{"p": "1.001", "s": 5}] * 2, "asks[1].p: 1.001 is not allowed: above the level before"),
        ("bids", [{"p": "0.999", "s": 5}] * 2, "bids[1].p: 0.999 is not allowed: below the level before"),
        ("bids", [{"p": "1.001", "s": 5}], "bids[0].p: 1.001 is not allowed: below the best ask, 1.001"),
    ],
)
def test_a_spoilt_book(tmp_path: Path, book: dict[str, Any], side: str, spoilt: Any, said: str) -> None:
    if spoilt is None:
        del book[side]
    else:
        book[side] = spoilt
    refused(said, book=book, contracts=CONTRACTS, contract="SYN_USDT")
    if "nan" not in said:  # JSON has none
        path = tmp_path / "SYN_USDT.json"
        path.write_text(json.dumps(book))
        refused("SYN_USDT.json: ", said, book=path, contracts=CONTRACTS)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("quanto_multiplier", None, "nothing is not allowed: it must be given"),
        ("quanto_multiplier", "0", "0 is not allowed: more than 0"),
        ("order_price_round", "-0.001", "-0.001 is not allowed: more than 0"),
        ("order_price_deviate", "x", "'x'"),
        ("mark_price", "NaN", NUMBER),
        ("position_size", 0, "more than 0"),
        ("position_size", "1.5", "a multiple of 1"),
        ("maintenance_rate", "0", "more than 0 and at most 0.99"),
        ("maintenance_rate", "1", "more than 0 and at most 0.99"),
        ("leverage_max", "0.5", "at least leverage_min and less than 1 / maintenance_rate = 50"),
        ("leverage_max", "50", "at least leverage_min and less than 1 / maintenance_rate = 50"),
        ("taker_fee_rate", "1.5", "between -1 and 1"),
        ("maker_fee_rate", "-1", "between -1 and 1"),
        ("order_size_min", [], "expected `decimal`"),
    ],
)
def test_a_spoilt_contract(tmp_path: Path, spec: dict[str, Any], field: str, value: Any, said: str) -> None:
    if value is None:
        del spec[field]
    else:
        spec[field] = value
    path = tmp_path / "specs.json"
    path.write_text(json.dumps([spec]))
    refused(f"specs.json: SYN_USDT: {field}: ", said, contracts=path)


def test_a_contract_on_coins_is_refused() -> None:
    refused("gate_contracts.json: SYN_USD: type: 'inverse' is not allowed: 'direct'", contract="SYN_USD")


def test_an_unknown_contract_is_told_what_comes_close() -> None:
    refused("'SYM_USDT'", "3 contracts of gate_contracts.json", "did you mean SYN_USDT", contract="SYM_USDT")
    refused("did you mean SYN_USDT or", contract="syn_usdt")
    refused("contract: 'BTC'", "ASYN_USDT, SYN_USD, SYN_USDT", contract="BTC")
    refused("contract: ['SYN_USDT']", "one of the 3 contracts", contract=["SYN_USDT"])


def test_another_contracts_book_is_refused(spec: dict[str, Any]) -> None:
    spec["mark_price"] = "2"
    refused(
        "asks[0].p: 1.001", "within order_price_deviate of the mark price of SYN_USDT, 2", contracts=[spec]
    )


@pytest.mark.parametrize(
    "spoilt", ["[]", "{}", "3", '["SYN_USDT"]', '[{"id": 1}]', '{"asks": [], "bids": []}']
)
def test_a_file_that_holds_no_contracts(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "specs.json"
    path.write_text(spoilt)
    refused("specs.json: ", "contracts of Gate's futures API: a list of objects with a name", contracts=path)


def test_contracts_are_found_beside_the_book_or_asked_for(tmp_path: Path, book: dict[str, Any]) -> None:
    path = tmp_path / "SYN_USDT.json"
    shutil.copy(BOOK, path)
    refused(
        "contracts: None",
        "it must be given unless one *contracts*.json lies beside",
        "there is none",
        book=path,
    )
    shutil.copy(CONTRACTS, tmp_path / "may_contracts.json")
    assert gate.scenario(path).name == "SYN_USDT"
    shutil.copy(CONTRACTS, tmp_path / "contracts_june.json")
    refused("2 of them are there (contracts_june.json, may_contracts.json)", book=path)
    refused("contracts: None", "it must be given when the book is not a file", book=book)


def test_the_contract_is_in_the_file_name_or_asked_for(tmp_path: Path, book: dict[str, Any]) -> None:
    for name, said in (
        ("book.json", "unless the name of book.json contains one contract's name: none does"),
        ("SYN_USDTX.json", "none does"),
        ("SYN_USDT_and_ASYN_USDT.json", "SYN_USDT, ASYN_USDT do"),
    ):
        path = tmp_path / name
        shutil.copy(BOOK, path)
        refused("contract: None is not allowed: it must be given", said, book=path, contracts=CONTRACTS)
        assert gate.scenario(path, contracts=CONTRACTS, contract="SYN_USDT").name == "SYN_USDT"
    refused("contract: None", "a book that is not a file", book=book, contracts=CONTRACTS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"spot_depth_ratio": 0}, "spot_depth_ratio: 0 is not allowed: more than 0"),
        ({"spot_depth_ratio": math.nan}, f"spot_depth_ratio: nan is not allowed: {NUMBER}"),
        ({"spot_depth_ratio": "deep"}, f"spot_depth_ratio: 'deep' is not allowed: {NUMBER}"),
        (
            {"spot_depth_ratio": "0.001"},
            "spot_depth_ratio: 0.001 is not allowed: enough to leave at least a lot",
        ),
        (
            {"ignition_lift": "0.0001"},
            "ignition_lift: 0.0001 is not allowed: enough to buy a lot at the best spot",
        ),
        ({"ignition_quote": 5}, "ignition_quote: 5 is not allowed: enough to buy a lot"),
        ({"ignition_qty": 0}, "ignition_qty: 0 is not allowed: more than 0"),
        ({"ignition_qty": 5}, "ignition.qty: 5"),
        (
            {"ignition_qty": 10, "ignition_lift": 1},
            "ignition_qty and ignition_lift: 10, 1 is not allowed: only one",
        ),
        ({"short_leverage": 20}, "short_leverage: 20 to 20 is not allowed: rising, from 1 to 10"),
        ({"short_leverage": (5, 2)}, "short_leverage: 5 to 2 is not allowed: rising, from 1 to 10"),
        ({"short_leverage": (1, 2, 3)}, "short_leverage: (1, 2, 3) is not allowed: a number or a pair"),
        ({"lump": 5}, "positions[0].lump: 5"),
        ({"circulating": -10}, "circulating: -10"),
        ({"hedge_ratio": -1}, "market_maker.hedge_ratio: -1"),
        ({"capital": math.inf}, "capital: inf"),
        ({"insurance_fund": -1}, "insurance_fund: -1"),
    ],
)
def test_a_spoilt_argument(arguments: dict[str, Any], said: str) -> None:
    refused(said, **arguments)
