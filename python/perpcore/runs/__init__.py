"""Runs that outgrow a process or a machine: shards in a directory, resumed, shared out and read back.

A directory holds `manifest.json`, which says what is run, and a Parquet file for every finished shard. A
shard is whole or not there, and a pure function of the manifest and its number: whoever writes it, and
however often it was begun, its bytes are the same.
"""

from perpcore.runs.ray_executor import RayExecutor
from perpcore.runs.results import Results, read_results
from perpcore.runs.shards import Done, Job, run_shard

__all__ = ["Done", "Job", "RayExecutor", "Results", "read_results", "run_shard"]
