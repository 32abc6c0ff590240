"""What the scripts that render tables share: where a run ran, how times are written, marks in Markdown."""

import os
import platform
import re
import statistics
import sys
from pathlib import Path


def load() -> str:
    """The load average of the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def processor() -> str:
    names = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def where(loads: list[str]) -> str:
    """Processor, cores that may be used, load average before and after, or after alone."""
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    before = f"{loads[0]} before, " if len(loads) > 1 else ""
    return f"{processor()}, core {cores}, load average {before}{loads[-1]} after."


def spread(times: list[float], digits: int) -> str:
    """Minimum / median."""
    return f"{min(times):,.{digits}f} / {statistics.median(times):,.{digits}f}"


def ratio(above: list[float], below: list[float]) -> str:
    """That of the minima / of the medians."""
    return f"{min(above) / min(below):.2f} / {statistics.median(above) / statistics.median(below):.2f}"


def write(path: Path, name: str, text: str) -> None:
    """Put the text between the marks `<!-- name: made by ... -->` and `<!-- name: end -->`."""
    marks = re.compile(rf"(<!-- {name}: made by [^\n]* -->\n).*(<!-- {name}: end -->)", re.DOTALL)
    new, found = marks.subn(lambda match: f"{match[1]}\n{text.strip()}\n\n{match[2]}", path.read_text())
    if not found:
        sys.exit(f"{path}: no marks <!-- {name}: made by ... --> and <!-- {name}: end -->")
    path.write_text(new)


def deliver(path: Path | None, name: str, text: str) -> None:
    """Print the text, and write it where it is wanted."""
    print(text)
    if path:
        write(path, name, text)
