from decimal import Decimal
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Fill",
    "OrderBook",
    "OrderError",
    "OrderResult",
    "PerpcoreError",
    "RunError",
    "RunResult",
    "ScenarioError",
    "Table",
    "__version__",
    "bankruptcy_price",
    "check",
    "depth",
    "liquidation_price",
    "run",
    "tier_deductions",
]

__version__: str

_Number = str | int | float | Decimal

class PerpcoreError(Exception): ...

class ScenarioError(PerpcoreError):
    problems: list[tuple[str, str, str]]

class OrderError(PerpcoreError): ...
class RunError(PerpcoreError): ...

@final
class Fill:
    @property
    def price(self) -> float: ...
    @property
    def qty(self) -> float: ...
    @property
    def maker_id(self) -> int: ...
    @property
    def maker(self) -> int: ...

@final
class OrderResult:
    @property
    def id(self) -> int | None: ...
    @property
    def filled(self) -> float: ...
    @property
    def remaining(self) -> float: ...
    @property
    def fills(self) -> list[Fill]: ...

@final
class OrderBook:
    def __new__(cls, *, tick_size: _Number, lot_size: _Number) -> OrderBook: ...
    def limit(
        self,
        side: Literal["buy", "sell"],
        *,
        price: _Number,
        qty: _Number,
        owner: int = 0,
        tif: Literal["gtc", "ioc", "fok", "post_only"] = "gtc",
    ) -> OrderResult: ...
    def market(self, side: Literal["buy", "sell"], *, qty: _Number, owner: int = 0) -> OrderResult: ...
    def cancel(self, id: int) -> float: ...
    def reduce(self, id: int, qty: _Number) -> float: ...
    @property
    def best_bid(self) -> float | None: ...
    @property
    def best_ask(self) -> float | None: ...
    @property
    def last_price(self) -> float | None: ...
    def depth(
        self, side: Literal["bid", "ask"], *, levels: int = 10
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...

@final
class Table:
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def column(self, name: str) -> NDArray[Any] | tuple[NDArray[np.uint8], list[str]]: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

@final
class RunResult:
    def table(self, name: str, *, exact: bool = False) -> Table: ...
    def summary(self, *, exact: bool = False) -> dict[str, Any]: ...

def check(scenario: str) -> None: ...
def run(scenario: str, *, seed: int, path: int = 0) -> RunResult: ...
def depth(scenario: str, *, levels: int, exact: bool = False) -> Table: ...
def liquidation_price(
    qty: NDArray[np.float64],
    entry_price: NDArray[np.float64],
    margin: NDArray[np.float64],
    tiers: list[tuple[float, float, float]],
) -> NDArray[np.float64]: ...
def bankruptcy_price(
    qty: NDArray[np.float64], entry_price: NDArray[np.float64], margin: NDArray[np.float64]
) -> NDArray[np.float64]: ...
def tier_deductions(tiers: list[tuple[_Number, _Number, _Number]]) -> list[str]: ...
