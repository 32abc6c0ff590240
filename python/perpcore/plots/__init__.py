"""Pictures of a run (extra ``plot``).

`RunPlots.price`, `depth` and `cost` draw one panel on the axes they are given, or on new ones, and return
them; `RunPlots.figure` puts the three on one page. `series`, `agents` and `heat_map`, also methods of
`RunPlots`, show what a run through time records, `sweep` a grid of scenarios, `facts` a price series.
Matplotlib is read when the first picture is drawn.
"""

from perpcore.plots.market_facts import facts
from perpcore.plots.rounds import RunPlots
from perpcore.plots.sweeps import sweep
from perpcore.plots.through_time import agents, heat_map, series

__all__ = ["RunPlots", "agents", "facts", "heat_map", "series", "sweep"]
