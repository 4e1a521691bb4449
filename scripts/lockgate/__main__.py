"""`python -m lockgate` and the `lockgate` script."""

import sys

from lockgate.usage import answer


def main() -> int:
    """Answer a question about the command itself at once; load the rest only to do something."""
    if text := answer(sys.argv[1:]):
        print(text, end="")
        return 0
    from lockgate import cli  # noqa: PLC0415 - three quarters of the start-up time

    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
