"""Random agents of every kind, sized to a small market."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .scenarios import Scenario, log_uniform, number

if TYPE_CHECKING:
    from .lively import Scales


class Cast:
    """Who acts in one world."""

    def __init__(self, rng: random.Random, scales: Scales, without: set[str], *, ignites: bool) -> None:
        self.rng = rng
        self.scales = scales
        self.without = without
        self.ignites = ignites

    def agents(self) -> list[Scenario]:
        """Some of every kind, in any order."""
        rng = self.rng
        makers = {
            "noise": self._noise,
            "momentum": self._momentum,
            "holders": self._holders,
            "spot_market_maker": self._spot_market_maker,
            "funding_arbitrageur": self._funding_arbitrageur,
            "short_crowd": self._short_crowd,
            "liquidation_hunter": self._liquidation_hunter,
            "whale": self._whale,
            "stock_arbitrageur": self._stock_arbitrageur,
        }
        kinds = [
            kind
            for kind in (*makers, "noise")
            for _ in range(rng.choice((0, 0, 1, 1, 1)))
            if kind not in self.without
        ]
        rng.shuffle(kinds)
        found = []
        for i, kind in enumerate(kinds[:7] or ["noise"]):
            agent = {"kind": kind, "name": f"{kind} {i}"} | makers[kind]()
            first = rng.randint(1, self.scales.steps // 2) if rng.random() < 0.15 and kind != "whale" else 0
            if first:
                agent["from_s"] = self._at(first)
            if rng.random() < 0.15 and kind != "whale":
                agent["until_s"] = self._at(rng.randint(first + 1, self.scales.steps))
            found.append(agent)
        return found

    def _at(self, step: int) -> Any:
        return number(Fraction(self.scales.step) * step, 6)

    def _some(self, options: list[tuple[str, float, Any]]) -> Scenario:
        return {key: value for key, share, value in options if self.rng.random() < share}

    def _margin(self, units: float) -> Scenario:
        """Capital for positions of so many units, more often too little than not; or none."""
        rng = self.rng
        if rng.random() < 0.35:
            return {}
        leverage = rng.choice((1, 5, 20, 20, number(rng.uniform(1, 50), 3)))
        capital = self.scales.money(units * log_uniform(rng, 0.2, 3) / float(leverage))
        return {"capital": capital} | ({"leverage": leverage} if leverage != 1 else {})

    def _per_second(self, per_step: float) -> Any:
        return number(per_step / float(self.scales.step), 4)

    def _law(self, market: str, units: float) -> Any:
        qty = self.scales.qty(market, units)
        if self.rng.random() < 0.5:
            return qty
        return {"dist": "exponential", "mean": qty, "high": number(float(qty) * 6, 6)}

    def _noise(self) -> Scenario:
        rng, scales = self.rng, self.scales
        market = rng.choice(("spot", "spot", "perp"))
        agent: Scenario = {
            "market": market,
            "rate_per_s": self._per_second(rng.uniform(0.2, 4)),
            "qty": self._law(market, log_uniform(rng, 0.1, 1)),
        }
        if rng.random() < 0.7:
            agent["limit_rate_per_s"] = self._per_second(rng.uniform(0.2, 4))
            agent |= self._some(
                [
                    ("limit_gap", 0.7, scales.gap(market, rng.randint(1, 30))),
                    ("lifetime_s", 0.7, scales.some_time(rng, 6)),
                ]
            )
        if market == "spot":
            return agent | {"tokens": scales.qty("spot", log_uniform(rng, 1, 30))}
        return agent | self._margin(rng.uniform(0.5, 5))

    def _momentum(self) -> Scenario:
        rng, scales = self.rng, self.scales
        market, most = rng.choice(("perp", "perp", "spot")), log_uniform(rng, 1, 10)
        agent: Scenario = {
            "market": market,
            "window_s": scales.some_time(rng, 4),
            "threshold": number(log_uniform(rng, 0.0005, 0.02), 5),
            "order_qty": scales.qty(market, most * rng.uniform(0.1, 1)),
            "max_qty": scales.qty(market, most),
        }
        if market == "perp":
            agent |= self._some([("long_only", 0.6, False)]) | self._margin(most)
        return agent

    def _holders(self) -> Scenario:
        rng, scales = self.rng, self.scales
        return {
            "tokens": scales.qty("spot", log_uniform(rng, 2, 40)),
            "elasticity": number(rng.uniform(0.5, 10), 2),
            "order_qty": scales.qty("spot", log_uniform(rng, 0.2, 4)),
        } | self._some([("threshold", 0.4, number(rng.uniform(0, 0.05), 4))])

    def _spot_market_maker(self) -> Scenario:
        rng, scales = self.rng, self.scales
        lean = float(scales.spread("spot", 0.01)) / (scales.unit * rng.uniform(0.5, 10))
        agent: Scenario = {
            "half_spread": scales.gap("spot", rng.randint(1, 4)),
            "levels": rng.choice((1, 2, 5)),
            "level_qty": scales.qty("spot", log_uniform(rng, 0.1, 2)),
            "tokens": scales.qty("spot", log_uniform(rng, 0.5, 20)),
        }
        return agent | self._some(
            [
                ("level_gap", 0.5, scales.gap("spot", rng.randint(1, 5))),
                ("skew", 0.6, number(lean, 9)),
                ("inventory_limit", 0.5, scales.qty("spot", log_uniform(rng, 0.5, 5))),
            ]
        )

    def _funding_arbitrageur(self) -> Scenario:
        rng, scales = self.rng, self.scales
        most = log_uniform(rng, 1, 10)
        low = log_uniform(rng, 1e-7, 1e-3)
        enter = rng.choice((0, number(rng.uniform(-0.001, 0.001), 6), number(low, 8)))
        agent: Scenario = {
            "enter_rate": enter,
            "exit_rate": number(float(enter) - log_uniform(rng, 1e-7, 1e-3), 8),
            "order_qty": scales.qty("perp", most * rng.uniform(0.1, 1)),
            "max_qty": scales.qty("perp", most),
        }
        basis = number(rng.choice((-0.5, rng.uniform(-0.02, 0.003))), 4)
        options = [("lock_s", 0.5, scales.some_time(rng, 4)), ("min_basis", 0.9, basis)]
        return agent | self._some(options) | self._margin(most)

    def _short_crowd(self) -> Scenario:
        rng = self.rng
        agent: Scenario = {
            "rate_per_s": self._per_second(rng.uniform(0.3, 3)),
            "qty": self._law("perp", log_uniform(rng, 0.1, 1.5)),
            "leverage": rng.choice(
                (
                    number(rng.uniform(3, 60), 2),
                    {"dist": "uniform", "low": 2, "high": 50},
                    {"dist": "log_normal", "median": 15, "sigma": 1, "low": 1, "high": 100},
                )
            ),
        }
        return agent | self._some(
            [
                ("side", 0.4, rng.choice(("short", "long"))),
                ("base", 0.6, number(rng.uniform(0, 1), 3)),
                ("slope", 0.6, number(rng.uniform(-2, 20), 2)),
                ("max_accounts", 0.2, rng.randint(1, 5)),
                ("hold_s", 0.5, self._hold()),
            ]
        )

    def _hold(self) -> Any:
        """Some steps, or one that varies; of a tenth of a step one."""
        rng, step = self.rng, float(self.scales.step)
        if rng.random() < 0.5:
            return number(step * rng.choice((0.1, 1, 2, rng.uniform(1, 12))), 6)
        median = number(step * rng.uniform(0.5, 8), 6)
        return {"dist": "log_normal", "median": median, "sigma": 1, "high": number(step * 100, 6)}

    def _liquidation_hunter(self) -> Scenario:
        rng, scales = self.rng, self.scales
        market, most = rng.choice(("perp", "perp", "spot")), log_uniform(rng, 0.5, 6)
        agent: Scenario = {
            "market": market,
            "reach": number(rng.uniform(0.005, 0.15), 4),
            "min_notional": scales.money(log_uniform(rng, 0.01, 3)),
            "order_qty": scales.qty(market, most * rng.uniform(0.1, 1)),
            "max_qty": scales.qty(market, most),
        }
        return agent | (self._margin(most) if market == "perp" else {})

    def _whale(self) -> Scenario:
        rng, scales = self.rng, self.scales
        agent: Scenario = {}
        legs = [("accumulate", "spot"), ("longs", "perp")] + ([("ignite", "spot")] if self.ignites else [])
        chosen = [leg for leg in legs if rng.random() < 0.75] or legs[:1]
        begins = []
        for key, market in chosen:
            begins.append(rng.randint(0, int(scales.steps * 0.6)))
            agent[key] = {"qty": scales.qty(market, log_uniform(rng, 1, 12)), "at_s": self._at(begins[-1])}
            if rng.random() < 0.6:
                agent[key]["over_s"] = self._at(rng.randint(0, min(6, scales.steps - begins[-1])))
        if rng.random() < 0.8:
            leaves: Scenario = {}
            if "ignite" in agent and rng.random() < 0.7:
                leaves["drawdown"] = number(rng.uniform(0.001, 0.05), 4)
            if not leaves or rng.random() < 0.4:
                leaves["at_s"] = self._at(rng.randint(max(begins) + 1, scales.steps - 1))
            if rng.random() < 0.6:
                leaves["over_s"] = self._at(rng.randint(0, 6))
            agent["exit"] = leaves
        return agent | self._margin(6)

    def _stock_arbitrageur(self) -> Scenario:
        rng, scales = self.rng, self.scales
        kappa = scales.unit * log_uniform(rng, 0.3, 20) / (scales.start / 100)
        agent: Scenario = {"kappa": number(kappa, rng.choice((0, 3))) or 1}
        agent |= self._some([("tokens", 0.6, scales.qty("spot", log_uniform(rng, 0.5, 20)))])
        return agent | self._margin(5)
