"""Lockgate: ship a containerised web service through health gates, with verified rollback.

The map: `core` decides (pure), `adapters` act (one outside thing each), `engine` runs a rollout between the two,
`commands` glue a stage together, `cli` reads the command line. Imports point one way only:
cli -> commands -> engine -> adapters -> core.
"""

__version__ = "0.1.0"
