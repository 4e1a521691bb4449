"""How soon rules see a bad release, and how often they fail a healthy one: `python -m bench.gates`.

`streams` makes samples; `rules`, `kayenta` and `mixtures` judge them; `measure` runs and sums up, `text` writes. The
questions, one table each: `compare` (rules against each other and the bound), `bursts` (what a minimum span buys),
`choice` (why this test), `tuned` (a threshold rule set with knowledge of traffic and fault).
"""
