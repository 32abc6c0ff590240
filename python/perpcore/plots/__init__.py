"""Pictures of a run (extra ``plot``).

Every method of `RunPlots` draws one panel on the axes it is given, or on new ones, and returns them;
`RunPlots.figure` puts the three on one page. `series`, `agents` and `heat_map` show what a run through time
records, `sweep` a grid of scenarios, `facts` a price series. Matplotlib is read when the first
picture is drawn.
"""

from perpcore.plots.market_facts import facts
from perpcore.plots.rounds import RunPlots
from perpcore.plots.sweeps import sweep
from perpcore.plots.through_time import agents, heat_map, series

__all__ = ["RunPlots", "agents", "facts", "heat_map", "series", "sweep"]
