"""`make demo`: two releases of the storefront go through the real workflow files on this machine; the second is broken.

__main__   the run from its start to its end, and nothing left behind
sandbox    a folder with everything the run needs: this repository's files, the shop as a git repository, ports
act        runs the shop's workflow with act and tells what happens, as events
journal    reads Lockgate's ledger while it is being written
traffic    the load client, and what it saw
facts      what is known of the run: releases, stages, traffic
story      tells the events as they come, and keeps them as facts
results    result.json, the tables at the end, the exit code
page       report.html: the same facts for people who were not there
board      `make demo-board`: the board ships its own next version under open pages
open_page  one such page, without the browser
processes  finds and ends what the run has started
"""
