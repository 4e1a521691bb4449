"""The board's pages in a real browser: `make test-browser`.

past       a ledger with a month of rollouts of four services, judged by the real gate
watching   what tests of open pages share
processes  `lockgate board` as a process, which can be killed and comes back
"""
