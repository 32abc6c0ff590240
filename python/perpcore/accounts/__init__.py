"""What happens to an account on a venue: its margin, its changes, and the waterfall if it is due.

Thin over `perpcore.rules` (the formulas, in Rust) and `perpcore.Venue` (which of them the venue follows).
Money is floating point here; the engine's is exact, and `tests/test_account_waterfall.py` holds one to it.
"""

from perpcore.accounts.account import Account
from perpcore.accounts.holdings import Holding, RestingOrder
from perpcore.accounts.steps import Liquidation, Step

__all__ = ["Account", "Holding", "Liquidation", "RestingOrder", "Step"]
