"""What happens below zero: funds, deleveraging and shared losses, as calls of `pc.rules`.

Which call it is follows from the names that a case's inputs have; nothing is computed here.
"""

from __future__ import annotations

import numpy as np

import perpcore as pc

from .inputs import Inputs, Values, answered, either, picked
from .registry import NotSupported, topic

r = pc.rules


@topic("insurance_fund")
def insurance_fund(exchange: str, inputs: Inputs) -> Values:
    return answered(
        inputs,
        ("bust_quote fill_quote max_liquidation_fee", fee),
        ("spread_to_mmr mmf bankrupt_at", spread),
        ("side bust fill", change),
        ("side bust fills", change),
        ("short margin", closed_out),
        ("long margin", closed_out),
        ("short deposit", closed_out),
        ("long deposit", closed_out),
        exchange=exchange,
    )


def fee(_: str, x: Inputs) -> Values:
    quotes = {"bankruptcy_quote": x["bust_quote"], "fill_quote": x["fill_quote"]}
    return {"fund_delta": r.fund_fee(**quotes, max_fee_rate=x["max_liquidation_fee"])}


def spread(_: str, x: Inputs) -> Values:
    found = r.liquidation_spread(
        spread_ratio=x["spread_to_mmr"], maintenance_rate=x["mmf"], margin_left=x["bankrupt_at"]
    )
    return {"max_spread": found.widest, "fund_covers": found.fund_covers}


def change(_: str, x: Inputs) -> Values:
    prices = {"bankruptcy_price": x["bust"], "fill_price": either(x, "fills", "fill")}
    each = r.insurance_fund_change(side=x["side"], **prices)
    total = r.insurance_fund_change(side=x["side"], **prices, **picked(x, qty="qty"))
    ways = np.where(np.asarray(each) < 0, "deduct", "add").tolist()
    return {"per_unit": each, "total": total, "direction": ways}


def closed_out(_: str, x: Inputs) -> Values:
    side = "long" if "long" in x else "short"
    marks = np.ravel(either(x, "mark", "px"))
    before = x.get("entry", marks[0])
    terms = picked(x, risk_factor="rf", slippage="slip", fund="pool", fill_price="fill", fee_rate="fee")
    margin = either(x, "margin", "deposit")
    found = r.take_over(
        side=side, qty=x[side], margin=margin, previous_price=before, price=marks[-1], **terms
    )
    return {
        "mtm_loss": found.loss,
        "maintenance": found.maintenance,
        "to_insurance": found.to_fund,
        "closed_out": found.closed_out,
        "pool_after": found.fund,
    }


@topic("loss_socialisation")
def loss_socialisation(exchange: str, inputs: Inputs) -> Values:
    return answered(
        inputs,
        ("loss long_base short_base", by_token),
        ("loss deposits", by_deposit),
        ("owed available winners", cut_winners),
        ("loser_short entry mark loser_margin winners", losers),
        ("loser_long entry mark loser_margin winners", losers),
        exchange=exchange,
    )


def by_token(_: str, x: Inputs) -> Values:
    per_base, shares = r.loss_per_unit(loss=x["loss"], units=[x["long_base"], x["short_base"]], decimals=6)
    return {"per_base": per_base, "long_loss": shares[0], "short_loss": shares[1]}


def by_deposit(_: str, x: Inputs) -> Values:
    found = r.loss_per_unit(loss=x["loss"], units=np.ravel(x["deposits"]))
    return {"interest_delta": found.per_unit}


def cut_winners(_: str, x: Inputs) -> Values:
    winners = x["winners"]
    names = list(winners) if isinstance(winners, dict) else []
    gains = list(winners.values()) if isinstance(winners, dict) else winners
    found = r.share_loss(
        owed=x["owed"], available=x["available"], gains=gains, whole=True, **picked(x, fund="insurance")
    )
    cuts = {f"{name}_haircut": cut for name, cut in zip(names, found.cuts, strict=False)}
    return {"shortfall": found.shortfall, "payouts": found.payouts, "insurance_after": found.fund, **cuts}


def losers(exchange: str, x: Inputs) -> Values:
    side = "short" if "loser_short" in x else "long"
    marked = r.take_over(
        side=side,
        qty=x[f"loser_{side}"],
        margin=x["loser_margin"],
        previous_price=x["entry"],
        price=x["mark"],
    )
    return cut_winners(exchange, x | {"owed": marked.loss, "available": x["loser_margin"]})


@topic("adl_rank")
def adl_rank(exchange: str, inputs: Inputs) -> Values:
    return answered(
        inputs,
        ("accounts", queue),
        ("avg_fund_8h pct", threshold),
        ("side exit_notional pnl", profit_on_exit),
        exchange=exchange,
    )


def queue(_: str, x: Inputs) -> Values:
    names, accounts = list(x["accounts"]), list(x["accounts"].values())
    if not all({"score", "qty"} <= set(account) for account in accounts):
        raise NotSupported("accounts without a score: each venue's score has inputs of its own")
    found = r.adl_order(score=[a["score"] for a in accounts], qty=[a["qty"] for a in accounts])
    ranked = [names[i] for i in found.order]
    return {
        "order": [int(name) if name.isdecimal() else name for name in ranked],
        "light_percent": found.lights,
    }


def threshold(_: str, x: Inputs) -> Values:
    terms = picked(x, share="pct", floor="floor")
    return {"threshold": r.adl_threshold(average_fund=x["avg_fund_8h"], **terms)}


def profit_on_exit(_: str, x: Inputs) -> Values:
    terms = {"side": x["side"], "profit": x["pnl"], "exit_notional": x["exit_notional"]}
    return {"pnl_pct": r.profit_share(**terms, basis="exit"), "pnl_pct_entry": r.profit_share(**terms)}


@topic("adl_settlement")
def adl_settlement(exchange: str, inputs: Inputs) -> Values:
    if inputs and all(name.endswith("_adl") for name in inputs):
        # All of a queue in notional, price 1: as much is liquidated as it closes, however much there was.
        found = r.deleverage(side="long", qty=1e300, price=1.0, queue_qty=list(inputs.values()))
        return {"liquidated_notional": found.closed}
    return answered(
        inputs,
        ("queue liquidation_qty bankruptcy_price", fills),
        ("bankrupt offset", settled),
        ("bankrupt offsets", settled),
        exchange=exchange,
    )


def fills(_: str, x: Inputs) -> Values:
    names, sizes = zip(*x["queue"], strict=True)
    side = x.get("side", "long")  # what is filled depends on no side
    found = r.deleverage(
        side=side, qty=x["liquidation_qty"], price=x["bankruptcy_price"], queue_qty=list(sizes)
    )
    filled = [[name, qty] for name, qty in zip(names, found.fills, strict=True) if qty > 0]
    rest = {f"remaining_{name}": left for name, left in zip(names, found.queue_left, strict=True)}
    return {"fills": filled, "unfilled": found.left, **rest}


def settled(_: str, x: Inputs) -> Values:
    (asset,) = (name for name in x["bankrupt"] if name != "usdc")
    qty = x["bankrupt"][asset]
    others = x.get("offset", {})
    sizes = np.abs(x["offsets"] if "offsets" in x else [others[asset]])
    found = r.deleverage(
        side=int(np.sign(qty)),
        qty=abs(qty),
        cash=x["bankrupt"]["usdc"],
        queue_qty=sizes,
        queue_cash=others.get("usdc", 0.0),
    )
    return {
        "offset_usdc_after": found.queue_cash[0],
        "bankrupt_usdc_after": found.cash,
        "usdc_gain_each": found.queue_cash,
    }
