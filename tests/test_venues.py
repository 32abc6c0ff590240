"""A venue is a frozen value of switches; presets are venues, and what they are not is said clearly.

What runs under the new rules needs a core that knows them; the rest is Python's own.
"""

import importlib.util
import pickle
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

import perpcore as pc
from perpcore.cli import main

ROOT = Path(__file__).resolve().parents[1]
DIGESTS = {  # as they were before venues had more than eight rules
    "rocketcoin": "cc72b403b1f5ff44",
    "rocketcoin-300k": "5bbc817f5c3006ac",
    "rocketcoin-consistent": "398f5647c002bf27",
    "reference": "62af34abd2a3df6f",
    "two-books": "bddf4f3f2cdb2316",
    "long-cascade": "5a62a36aadab3767",
}


@pytest.fixture(params=pc.venues.NAMES)
def preset(request) -> pc.Venue:
    return pc.venues.load(request.param)


def refusal(make) -> pc.ScenarioError:
    with pytest.raises(pc.ScenarioError) as caught:
        make()
    return caught.value


@pytest.mark.parametrize("name", DIGESTS)
def test_older_scenarios_keep_their_digests(name):
    assert pc.presets.load(name).digest()[:16] == DIGESTS[name]


def test_toml_pickle_and_hash_give_an_equal_venue(preset):
    for again in (pc.Venue.from_toml(preset.to_toml()), pickle.loads(pickle.dumps(preset))):
        assert again == preset
        assert hash(again) == hash(preset)


def test_a_venue_of_defaults_writes_what_it_always_wrote():
    venue = pc.presets.rocketcoin().venue
    first = {"tiers", "mark", "trigger", "liquidation_order", "unwind", "max_rounds", "insurance_fund"}
    assert set(venue.to_dict()) == first
    assert set(venue.replace({"adl": pc.venues.Adl(), "close_fee": "0.001"}).to_dict()) == {
        *first,
        "adl",
        "close_fee",
    }
    assert venue.replace(close_fee=0, index=pc.venues.SpotIndex(), adl=None) == venue


def test_no_later_field_of_a_scenario_is_written_at_its_default():
    scenario = pc.presets.rocketcoin()
    same = scenario.replace(
        {"round_seconds": 0.0, "settlement_price": None, "positions[0].wallet": "0", "venue.rest": "takeover"}
    )
    assert same.digest() == scenario.digest()
    assert not {"round_seconds", "settlement_price"} & set(scenario.to_dict())
    assert not {"wallet", "margin_mode"} & set(scenario.to_dict()["positions"][0])


def test_every_switch_survives_toml():
    venue = pc.Venue(
        tiers=[pc.Tier(min_notional=0, maintenance_rate=0.05, max_leverage=pc.Uniform(5, 10))],
        open_interest_caps=(1, 2),
        index=pc.venues.SpotIndex(
            price="mid", sources=[pc.venues.IndexSource(weight=2, delay_s=3)], outlier=0.1, drop_outliers=True
        ),
        funding=pc.venues.Funding(average="padded", samples=60, stress_above="0.01", next_in_s=0),
        liquidation_size=pc.venues.Share(share=0.125, cooldown_s=10),
        backstop=pc.venues.Backstop(capital=pc.Uniform(1, 2), isolated=True),
        adl=pc.venues.Adl(rank="size"),
        mark_step=0.05,
    )
    assert pc.Venue.from_toml(venue.to_toml()) == venue
    own = venue.replace(index=pc.venues.OwnMark(average_s=28_800), mark="last")
    assert pc.Venue.from_toml(own.to_toml()) == own


def test_a_dotted_path_reaches_into_every_part(preset):
    changed = preset.replace({"funding.cap": "0.01", "tiers[0].max_leverage": 2, "index.price": "mid"})
    assert (changed.funding.cap, changed.tiers[0].max_leverage) == (Decimal("0.01"), 2)
    assert changed.index.price == "mid"
    assert preset.replace({"funding": None}).funding is None


def test_a_venue_cannot_be_changed_and_says_what_differs():
    venue = pc.venues.hyperliquid()
    with pytest.raises(AttributeError, match="immutable"):
        venue.mark = "last"
    assert repr(venue).startswith("Venue(1 tier, mark hyperliquid, mark_ema_s 150, ")
    assert "maintenance_at" not in repr(venue)


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("mark", "meadian", "median"),
        ("contract", "quanto", "inverse"),
        ("liquidation_order", 3, "fillable"),
        ("adl", {"rank": "luck"}, "profit_leverage"),
        ("adl", {"price": "mark"}, "previous_mark"),
        ("funding", {"average": "mean"}, "padded"),
        ("liquidation_size", {"kind": "half"}, "one of all, tiers, share"),
        ("index", {"kind": "oracle"}, "one of spot, own_mark"),
        ("close_fee", "much", "a finite number"),
        ("liquidation_size", {"kind": "share"}, "it must be given"),
        ("backstop", {"vault": 1}, "one of below, capital, isolated"),
    ],
)
def test_an_unknown_value_names_those_allowed(path, value, allowed):
    venue = pc.presets.rocketcoin().venue
    error = refusal(lambda: venue.replace({path: value}))
    assert allowed in str(error)
    assert error.problems[0][0].startswith(path)
    above = refusal(lambda: pc.presets.rocketcoin().replace({f"venue.{path}": value}))
    assert above.problems[0][0].startswith(f"venue.{path}")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("funding.samples", {"funding": {"average": "padded"}}),
        ("funding.samples", {"funding": {"samples": 60}}),
        ("mark", {"index": {"kind": "own_mark", "average_s": 60}}),
        ("index.drop_outliers", {"index": {"kind": "spot", "drop_outliers": True}}),
        ("backstop.isolated", {"backstop": {"isolated": True}}),
        ("open_interest_caps[1]", {"open_interest_caps": [2, 2]}),
    ],
)
def test_fields_that_do_not_go_together_are_refused_wherever_they_stand(field, changes):
    scenario = pc.presets.rocketcoin()
    assert refusal(lambda: scenario.venue.replace(changes)).problems[0][0] == field
    text = msgspec.toml.encode(
        {"tiers": scenario.venue.to_dict()["tiers"], **changes}, enc_hook=float
    ).decode()
    assert refusal(lambda: pc.Venue.from_toml(text)).problems[0][0] == field
    data = scenario.to_dict()
    data["venue"] |= changes
    assert refusal(lambda: pc.Scenario.from_dict(data)).problems[0][0] == f"venue.{field}"


def test_two_misfits_are_told_at_once():
    changes = {"backstop": {"isolated": True}, "open_interest_caps": [2, 1]}
    error = refusal(lambda: pc.presets.rocketcoin().venue.replace(changes))
    assert [field for field, *_ in error.problems] == ["backstop.isolated", "open_interest_caps[1]"]


@pytest.mark.parametrize("leverage", [3, 5, 10, 25, 40])
def test_maintenance_is_half_the_initial_margin_on_hyperliquid(leverage):
    (tier,) = pc.venues.hyperliquid(max_leverage=leverage).tiers
    assert abs(tier.maintenance_rate * 2 * leverage - 1) < Decimal("1e-7")
    assert tier.max_leverage == leverage


def test_dydx_caps_funding_at_six_times_the_spare_margin():
    venue = pc.venues.dydx_v4(max_leverage=10)
    assert venue.tiers[0].maintenance_rate == Decimal("0.05")
    assert venue.funding.cap * 8 == 6 * (Decimal("0.1") - Decimal("0.05"))


def test_dydx_caps_funding_by_the_tiers_it_is_given():
    def tier(rate, leverage, floor=0):
        return pc.Tier(min_notional=floor, maintenance_rate=rate, max_leverage=leverage)

    venue = pc.venues.dydx_v4(tiers=[tier("0.03", 20), tier("0.2", 2, 1_000)])
    assert venue.funding.cap == Decimal("0.015")  # 6 (5 % - 3 %) / 8
    assert venue.funding.replace(cap=None) == pc.venues.dydx_v4().funding.replace(cap=None)
    assert pc.venues.dydx_v4().funding.cap == Decimal("0.075")
    assert pc.venues.load("dydx_v4", **{"funding.interval_h": 2}).funding.interval_h == 2
    assert pc.venues.dydx_v4(tiers=[tier("0.03", 20).to_dict()]).funding.cap == Decimal("0.015")
    assert pc.venues.dydx_v4(tiers=[tier("0.05", 20)]).funding is None
    drawn = [tier("0.03", pc.Uniform(10, 20))]
    assert refusal(lambda: pc.venues.dydx_v4(tiers=drawn)).problems[0][0] == "tiers[0].max_leverage"
    funding = pc.venues.Funding(cap="0.01")
    assert pc.venues.dydx_v4(tiers=drawn, funding=funding).funding == funding


def test_bitmex_steps_are_those_of_its_risk_limits():
    """400 XBT take 1.5 %, 600 XBT 2 %: the page on risk limits."""
    tiers = pc.venues.bitmex_inverse().tiers
    rates = [max(t.maintenance_rate for t in tiers if t.min_notional < held) for held in (180, 400, 600)]
    assert rates == [Decimal("0.005"), Decimal("0.015"), Decimal("0.02")]


def test_deribit_rates_grow_with_each_coin():
    for tier in pc.venues.deribit_inverse().tiers:
        assert tier.maintenance_rate == Decimal("0.01") + Decimal("0.00005") * tier.min_notional


@pytest.mark.parametrize("name", pc.venues.NAMES)
def test_a_preset_takes_tiers_leverage_fund_and_other_fields(name):
    tiers = pc.MarginTiers(tiers=(pc.Tier(min_notional=0, maintenance_rate=0.1, max_leverage=4),))
    venue = pc.venues.load(name, tiers=tiers, insurance_fund=7, mark="last")
    assert (venue.tiers, venue.insurance_fund, venue.mark) == (tiers.tiers, 7, "last")
    assert max(tier.max_leverage for tier in pc.venues.load(name, max_leverage=2).tiers) == 2
    assert refusal(lambda: pc.venues.load(name, max_leverage=0.5)).problems[0][0] == "max_leverage"
    assert "did you mean mark" in str(refusal(lambda: pc.venues.load(name, marc="last")))


@pytest.mark.parametrize("name", pc.venues.NAMES)
def test_tiers_and_a_leverage_at_once_are_refused(name):
    tiers = pc.presets.rocketcoin().venue.tiers
    error = refusal(lambda: pc.venues.load(name, tiers=tiers, max_leverage=3))
    assert error.problems == [("max_leverage", "3", "nothing where tiers are given: they say it")]


def test_tiers_of_presets_rise(preset):
    assert pc.MarginTiers(tiers=preset.tiers).deductions[0] == 0


def test_like_keeps_what_is_the_scenarios():
    like = pc.presets.rocketcoin().venue.replace(max_rounds=7, liquidations_per_round=3)
    venue = pc.venues.load("okx", like=like)
    assert venue.tiers == like.tiers
    assert (venue.insurance_fund, venue.max_rounds, venue.liquidations_per_round) == (1_000_000, 7, 3)
    assert venue.close_fee == Decimal("0.0005")


def test_an_unknown_preset_names_the_one_meant():
    assert "did you mean hyperliquid" in str(refusal(lambda: pc.venues.load("hyperliqid")))


def test_the_command_lists_venues_and_prints_their_toml():
    listed = CliRunner().invoke(main, ["venues"], env={"COLUMNS": "110"})
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines() if line[0] != " "] == [*pc.venues.NAMES]
    for name in pc.venues.NAMES:
        assert pc.Venue.from_toml(CliRunner().invoke(main, ["venues", name]).output) == pc.venues.load(name)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["venues", "binanz_usdtm"], 2, "did you mean binance_usdtm?"),
        (["run", "rocketcoin", "--venue", "mtgox"], 2, "there is no venue 'mtgox'"),
        (["run", "rocketcoin", "--venue-defaults"], 2, "--venue-defaults goes with --venue"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_venue(arguments, code, said):
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code
    assert said in done.output


def page():
    """The script that writes the tables of docs/VENUES.md."""
    spec = importlib.util.spec_from_file_location("venues_page", ROOT / "docs" / "venues.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_presets_as_they_are():
    made, text = page(), (ROOT / "docs" / "VENUES.md").read_text(encoding="utf-8")
    assert made.written(text, "switches", made.switches()) == text
    assert all(f"| `{name}` |" in text for name in pc.venues.NAMES)


def test_the_tests_in_rust_have_the_presets_as_they_are():
    made = page()
    assert made.RULES.read_text(encoding="utf-8") == made.rules(), "python docs/venues.py --write"


# ---- what needs a core that knows the rules ----


@pytest.mark.parametrize("name", pc.venues.NAMES)
def test_rocketcoin_runs_under_a_venue_by_its_name(name):
    scenario = pc.presets.rocketcoin().replace({"ignition.qty": 20_200})
    scenario = scenario.replace(venue=pc.venues.load(name, like=scenario.venue))
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
    run = scenario.run(seed=1)
    # Two of three parts of Hyperliquid's mark are the perpetual's book: without bids, its last trade.
    assert (run.summary["liquidated_accounts"] > 0) == (name != "hyperliquid")
    assert len(run.adl) == run.summary["adl_accounts"]
    assert run.adl["qty"].sum() == run.summary["adl_qty"]


@pytest.mark.parametrize("mark", ["mid", "impact_mid", "hyperliquid", "ema_basis", "median", "mean_of_mids"])
def test_a_mark_made_of_quotes_hears_of_the_push(mark):
    """The quotes follow spot after the mark was read: the run is not over before it has read them."""
    quote = pc.Quote(side="both", level_qty=1_000_000, around="spot_mid", half_spread="0.01")
    changes = {"market_maker.quote": quote, "ignition.qty": 100_000, "venue.mark": mark, "round_seconds": 1}
    run = pc.presets.rocketcoin().replace(changes).run(seed=1)
    assert (run.summary["liquidated_accounts"], run.summary["final_price"]) == (78_764, 23.67)


def test_the_command_puts_a_scenario_under_a_venue():
    shown = CliRunner().invoke(main, ["run", "rocketcoin", "--venue", "bybit", "--set", "ignition.qty=20200"])
    assert shown.exit_code == 0, shown.output
    assert "with the rules of bybit, ignition.qty=20200" in shown.output
    many = ["monte-carlo", "rocketcoin", "--paths", "2", "--venue", "okx", "--venue-defaults"]
    assert CliRunner().invoke(main, many).exit_code == 0


@pytest.mark.parametrize("table", ["squeeze", "deleveraged"])
def test_the_page_shows_the_tables_as_they_run(table):
    made, text = page(), (ROOT / "docs" / "VENUES.md").read_text(encoding="utf-8")
    assert made.written(text, table, getattr(made, table)()) == text


def test_every_table_of_the_page_is_held_to_it():
    assert page().TABLES == ("switches", "squeeze", "deleveraged")


def test_deleveraged_accounts_count_closings():
    """Of the page's squeeze: every one of thousands is the rest of the market's."""
    rocketcoin = pc.presets.rocketcoin().replace({"ignition.qty": 20_200, "venue.insurance_fund": 20_000})
    run = rocketcoin.replace(venue=pc.venues.load("bybit", like=rocketcoin.venue)).run(seed=1)
    assert set(run.adl["account"]) == {4}
    assert run.summary["adl_accounts"] == len(run.adl) == 15_587
    assert run.summary["adl_accounts"] == run.stages["adl_accounts"].sum()


def test_later_fields_of_scenario_and_ladder_reach_the_core():
    cross = pc.Ladder(side="short", qty=100, lump=10, leverage=5, margin_mode="cross", wallet=40)
    changes = {"round_seconds": 1, "settlement_price": 9.5, "positions": [cross]}
    scenario = pc.presets.rocketcoin().replace(changes)
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
    assert scenario.run(seed=1).summary["liquidated_accounts"] == 0
    isolated = scenario.replace({"positions[0].margin_mode": "isolated", "positions[0].wallet": 0})
    assert isolated.digest() != scenario.digest()


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("insurance_fund", -1, "0"),
        ("close_fee", 0.2, "0.1"),
        ("liquidation_fee", -0.1, "0"),
        ("fillable_spread", -1, "0"),
        ("bankruptcy_adjustment", 0.5, "1"),
        ("liquidation_size", {"kind": "share", "share": 0}, "more than 0"),
        ("liquidation_size", {"kind": "share", "share": 0.5, "cooldown_s": -1}, "0"),
        ("liquidation_size", {"kind": "tiers", "tiers": 0}, "1"),
        ("backstop", {"below": 1.5}, "1"),
        ("adl", {"drawdown": 2}, "1"),
        ("funding", {"interval_h": 0}, "0"),
        ("mark_step", -1, "0"),
        ("mark_ema_s", -1, "0"),
    ],
)
def test_the_core_says_which_figures_are_allowed(path, value, allowed):
    error = refusal(lambda: pc.presets.rocketcoin().replace({f"venue.{path}": value}))
    assert error.problems[0][0].startswith(f"venue.{path}")
    assert allowed in error.problems[0][2]
    assert "unknown field" not in str(error)


@pytest.mark.parametrize(
    ("rule", "second", "most"),
    [
        ("marginal", "0.95", "0.04"),
        ("whole_position", "0.95", "0.04"),
        # From 0.05 at 0 to 0.5 at 1,000 maintenance grows by 0.5 + 0.45 at the end.
        ("linear", "0.5", "0.04"),
    ],
)
@pytest.mark.parametrize("at", ["mark", "entry"])
def test_maintenance_and_closing_fee_do_not_outgrow_the_notional(rule, second, most, at):
    rows = ((0, "0.05", 5), (1_000, second, 1))
    tiers = [pc.Tier(min_notional=n, maintenance_rate=r, max_leverage=x) for n, r, x in rows]
    allowed = {"tiers": tiers, "tier_rule": rule, "close_fee": most, "maintenance_at": at}
    scenario = pc.presets.rocketcoin().replace({"venue.tiers": tiers, "positions": []})
    assert scenario.replace({f"venue.{name}": value for name, value in allowed.items()})
    over = allowed | {"close_fee": str(Decimal(most) + Decimal("1e-9"))}
    error = refusal(lambda: scenario.replace({f"venue.{name}": value for name, value in over.items()}))
    assert [field for field, *_ in error.problems] == ["venue.tiers[1].maintenance_rate"]
    assert "close_fee" in error.problems[0][2]
    assert "0.99 of the notional" in error.problems[0][2]
