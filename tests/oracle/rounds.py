"""What the phases of one round share."""

from __future__ import annotations

from dataclasses import dataclass, field

from .state import Row


@dataclass
class Round:
    """A round under way: its row, its marks, who was liquidated in it, whether somebody cools down."""

    stage: Row
    mark: int
    previous_mark: int
    liquidated: set[int] = field(default_factory=set)
    somebody_waits: bool = False


@dataclass(frozen=True)
class Sent:
    """An order of phase 4 (or what came in its place): lots asked for, by how much its fills freed cash."""

    row: Row
    asked: int = 0
    freed: int = 0
