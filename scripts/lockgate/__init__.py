"""Lockgate: ship a containerised web service through health gates, with verified rollback.

The map: `core` decides (pure), `adapters` act (one outside thing each), `engine` runs a rollout between the two,
`commands` glue a stage together, `cli` reads the command line. Imports point one way only:
cli -> commands -> engine -> adapters -> core.
"""

import warnings

# What requests says where charset-normalizer is missing, as it is here: pyproject.toml has the reason.
warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")

__version__ = "0.1.0"
