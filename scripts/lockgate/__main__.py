"""`python -m lockgate` and the `lockgate` script."""

import sys

from lockgate.usage import answer

INTERRUPTED = 130
"""As in core.reasons, which is not loaded when this is needed."""


def main() -> int:
    """Answer a question about the command itself at once; load the rest only to do something."""
    if text := answer(sys.argv[1:]):
        print(text, end="")
        return 0
    try:
        from lockgate import cli  # noqa: PLC0415 - three quarters of the start-up time

        return cli.main()
    except KeyboardInterrupt:
        # While it was loading, or a second time while `cli` was telling of the first.
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main())
