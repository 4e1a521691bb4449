"""Measurements. Each is a command that prints a table, and fails where a promise is not kept."""

import lockgate as lockgate  # first: it says what of requests' warnings is not meant for it
