"""`python -m tests.fuzz.one TARGET ENGINE CASES SEED`: fuzz one parser with one engine, in a process of its own.

Prints a line of JSON: how many cases were tried and how many the parser took. Ends with another code than 0, and the
document, at the first exception that a parser may not raise.
"""

import json
import os
import sys
import time
import traceback

from tests.fuzz.mutate import document

BATCH = 5000
"""Hypothesis remembers what it tried in a batch; more at once would only cost memory."""
SLOW = 2.0
"""Seconds that no document of this size may take: a parser that can be made to hang is broken too."""


class Run:
    """Counts, and stops at the first bug."""

    def __init__(self, name: str) -> None:
        from tests.fuzz.targets import BY_NAME  # noqa: PLC0415 - after the engine instrumented what is imported

        self.target = BY_NAME[name]
        self.cases = self.taken = 0
        self.slowest = 0.0

    def case(self, program: bytes) -> None:
        from tests.fuzz.targets import attempt  # noqa: PLC0415 - see above

        text = document(program, self.target.seeds)
        self.cases += 1
        began = time.process_time()
        try:
            self.taken += attempt(self.target, text)
            spent = time.process_time() - began
            assert spent < SLOW, f"took {spent:.1f} s"
        except Exception:
            print(f"{self.target.name}: program {program.hex()}\ndocument {text[:2000]!r}", file=sys.stderr)
            raise
        self.slowest = max(self.slowest, spent)

    def tell(self) -> None:
        print(json.dumps({"cases": self.cases, "taken": self.taken, "slowest": round(self.slowest, 3)}), flush=True)


def by_hypothesis(name: str, cases: int, start: int) -> None:
    """Vary the programs by hypothesis, in batches with seeds of their own."""
    from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: PLC0415 - only this engine
    from hypothesis import strategies as st  # noqa: PLC0415

    run = Run(name)
    batch = 0
    while run.cases < cases:
        size = min(BATCH, cases - run.cases)

        @seed(start + batch)
        @settings(
            max_examples=size,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(st.binary(min_size=8, max_size=48))
        def vary(program: bytes) -> None:
            run.case(program)

        vary()
        batch += 1
    run.tell()


def by_atheris(name: str, cases: int, start: int) -> None:
    """Vary the programs by libFuzzer, led by which lines of the parser they reach."""
    import atheris  # noqa: PLC0415 - only this engine

    with atheris.instrument_imports(include=["lockgate"]):
        run = Run(name)

    def vary(program: bytes) -> None:
        try:
            run.case(program)
        except BaseException:  # noqa: BLE001 - libFuzzer would end with a trace of its own
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(77)
        if run.cases >= cases:
            run.tell()
            os._exit(0)  # libFuzzer counts its own warm-up, and knows no exact end

    atheris.Setup([sys.argv[0], "-max_len=48", f"-seed={start + 1}", "-verbosity=0", "-print_final_stats=0"], vary)
    atheris.Fuzz()


if __name__ == "__main__":
    _name, _engine, _cases, _seed = sys.argv[1:]
    {"hypothesis": by_hypothesis, "atheris": by_atheris}[_engine](_name, int(_cases), int(_seed))
