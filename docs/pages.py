"""What the scripts that make pages share."""

from __future__ import annotations

from pathlib import Path

END = "<!-- end -->"


def written(page: str, script: str, name: str, made: str) -> str:
    """The page with this between its marks."""
    mark = f"<!-- {name}: made by docs/{script} --write -->"
    before, found, rest = page.partition(mark)
    if not found:
        raise ValueError(f"the page has no {mark}")
    return f"{before}{mark}\n\n{made}\n\n{END}{rest.partition(END)[2]}"


def deliver(file: Path, script: str, made: dict[str, str], *, write: bool) -> None:
    """Print what was made, or put it into the page."""
    if not write:
        print("\n\n".join(made.values()))
        return
    page = file.read_text(encoding="utf-8")
    for name, text in made.items():
        page = written(page, script, name, text)
    file.write_text(page, encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
