"""Recorded data of venues as scenarios, one module a venue."""

from __future__ import annotations

from perpcore.sources import gate

__all__ = ["gate"]
