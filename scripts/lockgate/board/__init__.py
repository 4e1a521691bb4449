"""The board: an ASGI service that shows what the ledger knows, live. `lockgate board` starts it.

    settings, wiring, assembly   what one board is made of: settings, store, door, feed, cache
    app, server        the application, and the process around it
    door               who is let in, and as whom
    known              every question to the ledger: cached for a moment, and remembered for when it is away
    pages, templates, static   what people see
    api                what programs ask: deployments, problems, badges, the OpenAPI description
    live               events to whoever watches: feed, hub, WebSocket, server-sent events
    health, prometheus how it is
    garbage            when the process looks for what refers to itself
    hardening          headers, hosts, limits, the log of requests

It uses core and adapters, through the ports of `core.board.rows`; nobody but its command uses it.
"""
