"""From the words of a command line to a scenario, or to a line that says what is wrong."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from perpcore.scenario import Scenario


class Failure(click.ClickException):
    """What went wrong, a line a problem."""

    def show(self, file: Any = None) -> None:
        """Write each line to stderr, with who says so in front."""
        for line in self.message.splitlines():
            click.echo(f"perpcore: {line}", file=file, err=file is None)


class NotFoundError(Failure):
    """The command line names what is not there or can't be used."""

    exit_code = 2


class RefusedError(Failure):
    """The scenario is not allowed."""

    exit_code = 3


class FailedError(Failure):
    """The run failed, or its picture could not be written."""

    exit_code = 4


@contextmanager
def _named(source: object) -> Iterator[None]:
    """Put the name of the file before each of its problems."""
    from perpcore import ScenarioError

    try:
        yield
    except ScenarioError as error:
        name = Path(str(source)).name  # a loader may have said it already
        lines = (line.removeprefix(f"{name}: ") for line in str(error).splitlines())
        raise RefusedError("\n".join(f"{source}: {line}" for line in lines)) from None
    except OSError as error:
        raise NotFoundError(f"{source}: cannot be read: {error.strerror or error}") from None


def load_scenario(text: str, *, contracts: str | None = None, contract: str | None = None) -> Scenario:
    """Find the scenario that a user named.

    Parameters
    ----------
    text : str
        A preset, a ``.toml`` file, or a ``.json`` file that holds a recorded order book.
    contracts, contract : str, optional
        For a recorded book: the file of contracts, and which of them.
    """
    from perpcore import presets
    from perpcore.scenario import Scenario

    path = Path(text)
    kind = path.suffix.lower()
    recorded = kind == ".json"
    if not recorded and (contracts is not None or contract is not None):
        raise click.UsageError("--contracts and --contract go with a recorded order book (a .json file)")
    if kind not in (".toml", ".json"):
        if text in presets.NAMES:
            return presets.load(text)
        raise NotFoundError(unknown(text, presets.NAMES))
    for file in (path, Path(contracts)) if contracts else (path,):
        if not file.is_file():
            what = "is a directory, not a file" if file.is_dir() else "there is no such file"
            raise NotFoundError(f"{file}: {what}")
    with _named(path):
        if recorded:
            from perpcore.sources import gate

            return gate.scenario(path, contracts=contracts, contract=contract)
        return Scenario.from_toml(_text(path))


def _text(path: Path) -> str:
    """What a file says; one that says nothing, or nothing legible, is refused."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RefusedError(f"{path}: not a text file in UTF-8, so not a scenario in TOML") from None
    if not text.strip():
        raise RefusedError(
            f"{path}: the file is empty; `perpcore presets rocketcoin` prints one to start from"
        )
    return text


def unknown(text: str, names: tuple[str, ...]) -> str:
    """Why `text` is no scenario, and which name was probably meant."""
    path = Path(text)
    if path.exists():
        what = "is a directory" if path.is_dir() else "ends in neither .toml nor .json"
        return f"{text}: {what}; a scenario is a preset, a .toml file or a recorded order book (.json)"
    close = difflib.get_close_matches(text.lower(), names, 1)
    hint = f"; did you mean {close[0]}?" if close else f": one of {', '.join(names)}, or a file"
    return f"there is no preset or file {text!r}{hint}"


def under(scenario: Scenario, venue: str | None, *, defaults: bool = False) -> Scenario:
    """Put the scenario under the rules of a venue.

    Parameters
    ----------
    scenario : Scenario
    venue : str, optional
        Name of a preset; the scenario's own rules if not given.
    defaults : bool
        With the preset's own tiers and insurance fund.
    """
    if venue is None:
        if defaults:
            raise click.UsageError("--venue-defaults goes with --venue")
        return scenario
    from perpcore import venues

    if venue not in venues.NAMES:
        raise NotFoundError(unknown_venue(venue))
    with _named("--venue"):
        return scenario.replace(venue=venues.load(venue, like=None if defaults else scenario.venue))


def unknown_venue(name: str) -> str:
    """Why `name` is no venue, and which was probably meant."""
    from perpcore import venues

    close = difflib.get_close_matches(name.lower(), venues.NAMES, 1)
    hint = f"; did you mean {close[0]}?" if close else f": one of {', '.join(venues.NAMES)}"
    return f"there is no venue {name!r}{hint}"


def changed(scenario: Scenario, settings: tuple[str, ...]) -> Scenario:
    """Apply the ``PATH=VALUE`` of the command line, all of them before anything is checked."""
    if not settings:
        return scenario
    from perpcore.scenario import Scenario

    data = scenario.to_dict()
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path.strip(" .[]"):
            raise click.UsageError(
                f"--set {setting!r}: PATH=VALUE is wanted, as in market_maker.hedge_ratio=0.3"
            )
        _put(data, path.strip(), _value(value.strip()))
    with _named("--set"):
        return Scenario.from_dict(data)


def _value(text: str) -> Any:
    """As TOML has it, where it is TOML; otherwise the word itself."""
    if not text:
        return None
    try:
        read = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, RecursionError):  # not TOML, or a number too long, or nested too deeply
        return text
    return read["value"] if len(read) == 1 else text


def _put(data: Any, path: str, value: Any) -> None:
    """Set what stands at `path`; whether the last name is one is for the scenario to say."""
    from perpcore._structs import entries, position

    names = [name for name in re.split(r"[.\[\]]+", path) if name]
    for i, name in enumerate(names):
        here, last = ".".join(names[:i]) or "a scenario", i == len(names) - 1
        if isinstance(data, list):
            called = [item.get("name") if isinstance(item, dict) else None for item in data]
            at = position(name, called)
            if at is None:
                raise RefusedError(f"--set {path}: {here} has no entry {name!r}: {entries(called)}")
            key: Any = at
        elif isinstance(data, dict):
            key = name
        else:
            raise RefusedError(f"--set {path}: {here} is {data}, it has no field {name!r}")
        if last:
            data[key] = value
        else:
            data = data[key] if isinstance(data, list) else data.setdefault(key, {})
