"""`python -m perpcore` is the command `perpcore`."""

from perpcore.cli import main

if __name__ == "__main__":
    main(prog_name="python -m perpcore")
