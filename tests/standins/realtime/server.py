"""Phoenix channels with `postgres_changes`: what the publication holds, and what row-level security lets each one see.

The original reads the write-ahead log; here triggers on the published tables tell that a row changed. Each subscriber
gets it as the role of the own token reads it, or not at all.
"""

import asyncio
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
from aiohttp import WSMsgType, web
from psycopg import sql

from tests.standins.postgrest.keys import Refusal

INSTALL = """
create schema standin;
create function standin.tell() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('standin', json_build_object('table', tg_table_name, 'type', tg_op,
    'key', (select jsonb_object_agg(name, to_jsonb(new) ->> name) from unnest(tg_argv) as name))::text);
  return null;
end $$;
grant usage on schema standin to public;
do $$
declare one record;
begin
  for one in select t.tablename, (select string_agg(quote_literal(a.attname), ', ') from pg_index i
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
      where i.indisprimary and i.indrelid = format('%I.%I', t.schemaname, t.tablename)::regclass) as keys
    from pg_publication_tables t where t.pubname = 'supabase_realtime' loop
    execute format('create trigger standin after insert or update on public.%I for each row execute function standin.tell(%s)',
      one.tablename, one.keys);
  end loop;
end $$"""


class Realtime:
    """One project's Realtime, beside its REST API."""

    def __init__(self, project, owner_dsn):
        self._project = project
        self._dsn = owner_dsn
        self._subscribers = {}
        with psycopg.connect(owner_dsn, autocommit=True) as db:
            db.execute(INSTALL)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        with psycopg.connect(self._dsn, autocommit=True) as db:
            db.execute("drop schema standin cascade")

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        app = web.Application()
        app.router.add_get("/realtime/v1/websocket", self._socket)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/realtime/v1"
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as db:
            await db.execute("listen standin")
            told = asyncio.create_task(self._tell(db))
            self._ready.set()
            await self._stop.wait()
            told.cancel()
            with suppress(asyncio.CancelledError):
                await told
        for socket in list(self._subscribers):
            await socket.close()
        await runner.cleanup()

    async def _tell(self, db):
        async for notice in db.notifies():
            change = json.loads(notice.payload)
            for socket, topics in list(self._subscribers.items()):
                for topic, (claims, bindings) in list(topics.items()):
                    await self._deliver(socket, topic, claims, bindings, change)

    async def _deliver(self, socket, topic, claims, bindings, change):
        wanted = [(number, one) for number, one in bindings if self._matches(one, change)]
        row = await asyncio.to_thread(self._seen, claims, change) if wanted else None
        ids = [number for number, one in wanted if row and _passes(one, row)]
        if ids:
            data = {
                "schema": "public", "table": change["table"], "type": change["type"], "errors": None, "record": row,
                "commit_timestamp": datetime.now(UTC).isoformat(),
                "columns": [{"name": name, "type": "text"} for name in row],
            }  # fmt: skip
            await _send(socket, topic, "postgres_changes", {"ids": ids, "data": data})

    def _seen(self, claims, change):
        """Give the row as this subscriber may read it."""
        where = [
            sql.SQL("{}::text = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in change["key"].items()
        ]
        query = sql.SQL("select to_jsonb(t) from public.{} t where {}").format(
            sql.Identifier(change["table"]), sql.SQL(" and ").join(where)
        )
        try:
            found = self._project.run(claims, lambda cursor: cursor.execute(query).fetchone())
        except psycopg.Error:
            return None
        return found and found[0]

    @staticmethod
    def _matches(binding, change):
        return binding.get("table") in {None, "*", change["table"]} and binding["event"] in {"*", change["type"]}

    async def _socket(self, request):
        try:
            claims = self._project.keys.claims(request.query.get("apikey", ""))
        except Refusal:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._subscribers[socket] = {}
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._hear(socket, claims, json.loads(message.data))
        finally:
            del self._subscribers[socket]
        return socket

    async def _hear(self, socket, claims, said):
        topic, payload = said["topic"], said["payload"]
        answer = {"status": "ok", "response": {}}
        bindings = []
        if said["event"] == "phx_join":
            asked = payload["config"].get("postgres_changes", [])
            bindings = [(1000 + number, one) for number, one in enumerate(asked)]
            try:
                person = self._project.keys.claims(payload["access_token"]) if payload.get("access_token") else claims
            except Refusal as error:
                answer = {"status": "error", "response": {"reason": error.body["message"]}}
            else:
                self._subscribers[socket][topic] = (person, bindings)
                answer["response"] = {"postgres_changes": [{"id": number, **one} for number, one in bindings]}
        elif said["event"] == "phx_leave":
            self._subscribers[socket].pop(topic, None)
        await _send(socket, topic, "phx_reply", answer, ref=said["ref"])
        if bindings and answer["status"] == "ok":
            told = {"status": "ok", "extension": "postgres_changes", "message": "Subscribed to PostgreSQL"}
            await _send(socket, topic, "system", {**told, "channel": topic.removeprefix("realtime:")})


async def _send(socket, topic, event, payload, *, ref=None):
    with suppress(ConnectionError):
        await socket.send_json({"topic": topic, "event": event, "payload": payload, "ref": ref})


def _passes(binding, row):
    name, _, value = (binding.get("filter") or "").partition("=eq.")
    return not name or str(row.get(name)) == value
