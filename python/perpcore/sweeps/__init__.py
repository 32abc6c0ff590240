"""Many scenarios that differ in a few fields, over the same random numbers: one ensemble a cell.

A cell is a plain job (`cells.py`): the scenario as the core reads it, seed and paths in, the statistics of
its columns out. Who runs it, where and when does not show in the result.
"""

from perpcore.sweeps.cells import CellJob, run_cell
from perpcore.sweeps.result import Sweep
from perpcore.sweeps.running import SweepInterrupted

__all__ = ["CellJob", "Sweep", "SweepInterrupted", "run_cell"]
