"""`python -m storefront`: serve on PORT, as LOCKGATE_VERSION."""

import os

import uvicorn

from storefront.app import make_app

KEEP_ALIVE_SECONDS = 75
"""Longer than the proxy in front keeps an idle connection, so that it is never the shop that hangs up first."""
GRACE_SECONDS = 20
"""Longest time to finish what was begun when asked to stop."""


def main() -> None:
    """Serve until asked to stop."""
    uvicorn.run(
        make_app(os.environ.get("LOCKGATE_VERSION", "dev")),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
