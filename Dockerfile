# Lockgate as an image. By default it serves the board; with arguments it is the command line, for self-hosted runners and
# for CI systems other than GitHub:
#
#   docker build -t lockgate .
#   docker run --rm --network host --read-only -v "$PWD:/work:ro" lockgate
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" lockgate validate
#
# It holds Lockgate alone. Trivy is 174 MB, Caddy and git are not small either: `scan` needs trivy on the PATH (mount it into
# /usr/local/bin), the local target needs caddy, and without git the commit comes from GITHUB_SHA, the version from
# LOCKGATE_VERSION. Behind a private certificate authority, build with --secret id=ca_bundle,src=FILE.
ARG BASE=python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254

FROM ${BASE} AS build
WORKDIR /build
COPY . .
# The first command makes the environment as everywhere else; the second puts the package itself into it, instead of a
# link to this directory, which stays behind.
RUN --mount=type=secret,id=ca_bundle,target=/run/secrets/ca_bundle \
    if [ -s /run/secrets/ca_bundle ]; then export SSL_CERT_FILE=/run/secrets/ca_bundle; fi; \
    python3 -I scripts/bootstrap.py --into /bootstrap --venv /opt/lockgate --extra board --extra redis --extra telemetry \
    && UV_PROJECT_ENVIRONMENT=/opt/lockgate /bootstrap/bin/uv sync --locked --extra board --extra redis --extra telemetry --no-editable --compile-bytecode --quiet

FROM ${BASE}
LABEL org.opencontainers.image.title=lockgate \
      org.opencontainers.image.licenses=MIT
COPY --from=build /opt/lockgate /opt/lockgate
# /tmp for tools that insist on a home: the user is nobody in particular, and may be any other by --user.
ENV PATH=/opt/lockgate/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The base brings Python's own modules uncompiled, and whoever runs them may not write: each start would compile them all.
# -I, so that the variable above is not heard here.
RUN ["python", "-Ic", "import lockgate.cli, lockgate.commands.board, lockgate.board.app, lockgate.board.assembly, lockgate.board.server, lockgate.board.hardening.patience, lockgate.adapters.board.postgres, lockgate.adapters.board.wakes, lockgate.adapters.sqlite_ledger, psycopg_pool, uvicorn.lifespan.on, uvicorn.loops.auto, uvicorn.protocols.websockets.websockets_sansio_impl, urllib.request"]
WORKDIR /work
USER 10001:10001
# Alive, not ready: a ledger that is away is no reason to begin again.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-Ic", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7171/livez', timeout=2)"]
EXPOSE 7171
ENTRYPOINT ["lockgate"]
CMD ["board", "--no-open"]
