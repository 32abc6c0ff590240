"""Prices and funding: vectors of those topics as calls of `pc.rules`.

Which call it is follows from the names that a case's inputs have; nothing is computed here.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import numpy as np

import perpcore as pc

from . import cases_deleveraging  # noqa: F401 (it registers its topics)
from .inputs import UNKNOWN, Inputs, Values, answered, either, picked
from .registry import NotSupported, topic

r = pc.rules

PRICES = ("prices", "values")


# ---- mark, index, impact ----


@topic("mark_price")
def mark_price(exchange: str, inputs: Inputs) -> Values:
    if "weights" in inputs:
        return weighted_mark(exchange, inputs)
    return answered(
        inputs,
        ("index funding_rate time next_funding", fair),
        ("index funding_rate hours_to_funding", fair),
        ("funding_rate per_day", lambda _, x: {"fair_basis_rate": basis_of_a_year(x)}),
        ("p1 p2 last", lambda _, x: {"mark": r.median_price(prices=[x["p1"], x["p2"], x["last"]])}),
        exchange=exchange,
    )


def basis_of_a_year(x: Inputs) -> Any:
    return r.fair_basis_rate(funding_rate=x["funding_rate"], per_day=x["per_day"])


def fair(_: str, x: Inputs) -> Values:
    hours = x["hours_to_funding"] if "hours_to_funding" in x else until(x["time"], x["next_funding"])
    terms = {"index_price": x["index"], "funding_rate": x["funding_rate"], "hours_to_funding": hours}
    terms |= picked(x, interval_h="interval") | picked(x, interval_h="interval_h")
    price = r.fair_price(**terms)
    return {"fair_basis": r.fair_basis(**terms), "mark": price, "p1": price}


def until(now: str, then: str) -> float:
    """Hours from one time of day to the next time it is another."""
    start, end = (datetime.fromisoformat(f"2000-01-01T{text}") for text in (now, then))
    return ((end - start) % timedelta(days=1)) / timedelta(hours=1)


def weighted_mark(exchange: str, x: Inputs) -> Values:
    found: Values = {}
    listed = either(x, *PRICES)
    if listed is None:
        listed = []
        for name, value in x.items():
            if name.endswith("_twap"):  # pairs of a price and how long it held
                value = found[name.removesuffix("_twap")] = averaged(value)
            if name not in ("weights", "ages", "max_age"):
                listed.append(value)
    options = picked(x, ages="ages", max_age="max_age")
    price = r.weighted_price(prices=listed, weights=x["weights"], whole=exchange == "vega", **options)
    return found | {"mark": price}


def averaged(pairs: list[list[float]]) -> Any:
    prices, durations = np.transpose(pairs)
    return r.weighted_price(prices=prices, weights=durations, whole=True)


@topic("index_price")
def index_price(exchange: str, inputs: Inputs) -> Values:
    if "prices" not in inputs:
        return crossed(inputs)
    prices, cap = inputs["prices"], inputs.get("cap")
    found = {"median": r.median_price(prices=prices)}
    options = picked(inputs, weights="weights", cap="cap", ages="ages", max_age="max_age")
    found["index"] = r.index_price(prices=prices, **options)
    if cap is not None:
        found["capped"] = r.capped_prices(prices=prices, cap=cap)
        found["capped_top"], found["capped_bottom"] = found["capped"].max(), found["capped"].min()
    return found


def crossed(inputs: Inputs) -> Values:
    """`a_b` and `b_c` give `a_c`."""
    pairs = {tuple(name.split("_")): value for name, value in inputs.items() if name.count("_") == 1}
    for (base, middle), first in pairs.items():
        for (other, quote), second in pairs.items():
            if middle == other:
                price = r.cross_price(base_price=first, quote_price=second)
                return {f"{base}_{quote}": price, "index": price}
    raise NotSupported(f"{UNKNOWN}: {', '.join(inputs)}")


@topic("impact_price")
def impact_price(exchange: str, inputs: Inputs) -> Values:
    return answered(
        inputs,
        ("im_at_max_leverage", impact_notional),
        ("bids asks index", book_premium),
        ("asks notional", lambda _, x: {"impact": impact(x["asks"], x["notional"])}),
        ("bids notional", lambda _, x: {"impact": impact(x["bids"], x["notional"])}),
        exchange=exchange,
    )


def impact_notional(_: str, x: Inputs) -> Values:
    found = r.impact_notional(initial_rate=x["im_at_max_leverage"], **picked(x, base="base"))
    return {"impact_notional": found}


def impact(levels: list[list[float]], notional: float) -> Any:
    """Of levels of size and price."""
    sizes, prices = np.transpose(levels) if levels else ([], [])
    return r.impact_price(prices=prices, sizes=sizes, notional=notional)


def book_premium(_: str, x: Inputs) -> Values:
    notional = either(x, "impact_notional", "notional")
    bid, ask = impact(x["bids"], notional), impact(x["asks"], notional)
    premiums = [
        r.premium_index(impact_bid=bid, impact_ask=ask, index_price=x["index"], ppm=ppm)
        for ppm in (True, False)
    ]
    return {"impact_bid": bid, "impact_ask": ask, "premium_ppm": premiums[0], "premium": premiums[1]}


# ---- funding ----


@topic("funding_rate")
def funding_rate(exchange: str, inputs: Inputs) -> Values:
    return answered(
        inputs,
        ("samples price", index_delta),
        ("internal external", lambda _, x: averages(x)),
        ("internal_twap external_twap", lambda _, x: oracle_payment(x)),
        ("mark_twap oracle_twap", divergence),
        ("oracle_twap tier", divergence),
        ("quote_rate_day base_rate_day", interest),
        ("index mark deadband", dead_band),
        ("index perp divisor", by_divisor),
        ("premium", clamped),
        ("impact_bid", clamped),
        ("impact_ask", clamped),
        ("interest_8h", flat),
        exchange=exchange,
    )


def index_delta(_: str, x: Inputs) -> Values:
    terms = picked(
        x,
        expected="expected_samples",
        default="default_funding_ppm",
        cap="cap_ppm",
        hours="tick_h",
        units="units",
    )
    return {"index_delta": r.funding_index_delta(premiums=ppm(x["samples"]), price=x["price"], **terms)}


def ppm(samples: str | list[float]) -> list[float]:
    """Samples as a list, or as a text like "60 x 1000 ppm" that repeats them."""
    if not isinstance(samples, str):
        return samples
    found = re.findall(r"(\d+)\s*x\s*([-+]?\d+)", samples)
    if not found:
        raise NotSupported(f"samples: {samples!r} is no text like '60 x 1000 ppm'")
    return [float(value) for count, value in found for _ in range(int(count))]


def averages(x: Inputs) -> Values:
    internal, external = averaged(x["internal"]), averaged(x["external"])
    found = {"internal_twap": internal, "external_twap": external}
    return found | oracle_payment(x | found)


def oracle_payment(x: Inputs) -> Values:
    names = {
        "interest": "interest",
        "years": "dt_years",
        "clamp": "clamp",
        "scaling": "scaling",
        "lower_rate": "lower_rate_bound",
        "upper_rate": "upper_rate_bound",
    }
    terms = {"internal_twap": x["internal_twap"], "external_twap": x["external_twap"], **picked(x, **names)}
    return r.twap_payment(**terms)._asdict()


def divergence(_: str, x: Inputs) -> Values:
    oracle, whole = x["oracle_twap"], "mark_twap" not in x or "buffer" in x  # prices in integers
    limit = x.get("max_div")
    of_oracle = re.fullmatch(r"oracle\s*/\s*(\d+(?:\.\d+)?)", limit) if isinstance(limit, str) else None
    if "tier" in x:
        limit = r.max_divergence(oracle_twap=oracle, tier=x["tier"], whole=whole)
    elif of_oracle:
        limit = r.max_divergence(oracle_twap=oracle, tier=float(of_oracle[1]), whole=whole)
    elif isinstance(limit, str):
        raise NotSupported(f"max_div: {limit!r} is no number and no text like 'oracle/33'")
    if "mark_twap" not in x:
        return {"max_div": limit}
    terms = picked(x, hours="period_h", buffer="buffer", offset="offset")
    rate = r.twap_funding_rate(
        mark_twap=x["mark_twap"], oracle_twap=oracle, limit=limit, whole=whole, **terms
    )
    return {"max_div": limit, "rate": rate}


def interest(_: str, x: Inputs) -> Values:
    terms = picked(x, per_day="intervals")
    return {
        "interest": r.interest_rate(quote_rate=x["quote_rate_day"], base_rate=x["base_rate_day"], **terms)
    }


def premium_of(price: float, index: float) -> Any:
    """A single price is both sides."""
    return r.premium_index(impact_bid=price, impact_ask=price, index_price=index)


def dead_band(_: str, x: Inputs) -> Values:
    rate = r.funding_rate(
        premium=premium_of(x["mark"], x["index"]), clamp=x["deadband"], **picked(x, cap="cap")
    )
    return {"current_funding": rate, "rate": rate}


def by_divisor(_: str, x: Inputs) -> Values:
    premium, divisor = premium_of(x["perp"], x["index"]), x["divisor"]
    raw = r.funding_rate(premium=premium, divisor=divisor)
    return {"raw": raw, "capped": r.funding_rate(premium=premium, divisor=divisor, **picked(x, cap="cap"))}


def clamped(exchange: str, x: Inputs) -> Values:
    premium = x.get("premium")
    if premium is None:
        index = either(x, "oracle", "index")
        sides = picked(x, impact_bid="impact_bid", impact_ask="impact_ask")
        premium = r.premium_index(index_price=index, **sides)
    terms = picked(x, interest="interest", clamp="clamp", cap="cap")
    rate = r.funding_rate(premium=premium, **terms, **picked(x, divisor="divisor"))
    eighth = r.funding_rate(premium=premium, **terms, divisor=8)
    uncapped = terms | {"cap": None} if exchange == "hyperliquid" else terms  # its cap is of an hour
    whole = r.funding_rate(premium=premium, **uncapped)
    return {"premium": premium, "rate": rate, "rate_8h": whole, "rate_1h": eighth}


def flat(_: str, x: Inputs) -> Values:
    """Where the premium does not leave the flat zone."""
    rate = x["interest_8h"]
    return {"rate_1h": r.funding_rate(premium=rate, interest=rate, divisor=8)}


@topic("funding_payment")
def funding_payment(exchange: str, inputs: Inputs) -> Values:
    return answered(
        inputs,
        ("internal_twap external_twap", lambda _, x: oracle_payment(x)),
        ("long_base short_base rate fee_pool", payout),
        ("qty_usd rate index", in_coin),
        ("qty rate mark", cash),
        ("qty rates mark", cash),
        ("qty rate oracle", cash),
        exchange=exchange,
    )


def payout(_: str, x: Inputs) -> Values:
    terms = picked(x, pool_floor="fee_pool_floor", share="share")
    found = r.capped_funding(
        long_qty=x["long_base"], short_qty=x["short_base"], rate=x["rate"], pool=x["fee_pool"], **terms
    )
    return {"long_rate": found.long_rate, "short_rate": found.short_rate, "fee_pool_after": found.pool}


def in_coin(_: str, x: Inputs) -> Values:
    """An amount without a side is what the receiver of a positive rate gets."""
    terms = {"side": x.get("side", "short"), "qty": x["qty_usd"], "funding_rate": x["rate"]}
    coin = r.funding_payment(**terms, price=x["index"], contract="inverse")
    return {"usd": r.funding_payment(**terms, price=1.0), "btc": coin, "coin": coin}


def cash(_: str, x: Inputs) -> Values:
    rates, prices = np.asarray(either(x, "rates", "rate")), either(x, "oracle", "mark")
    terms = picked(x, share="time_ratio")
    paid = r.funding_payment(side=x["side"], qty=x["qty"], price=prices, funding_rate=rates, **terms)
    name = "long" if x["side"] in (1, "long") else "short"
    total = float(np.sum(paid))
    return {f"received_by_{name}": total, f"cash_to_{name}": total, "cash": total}
