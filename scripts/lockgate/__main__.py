"""`python -m lockgate` and the `lockgate` script."""

from lockgate.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
