"""Whoever might come to the ledger's tables and functions from outside, and what each of them tries."""

import http.client
import json
from urllib.parse import urlsplit

READABLE = ("deployment_events", "deployments", "deployment_current", "deployment_leases", "deployment_watches")
INTERNAL = ("deployment_chain", "deployment_anchors")
ASKING = {
    "holder": {"p_service": "shop", "p_environment": "production"},
    "events": {"p_rollout": "r1"},
    "unfinished": {"p_service": "shop", "p_environment": "production"},
    "standing": {"p_service": "shop", "p_environment": "production"},
    "verified": {"p_service": "shop", "p_environment": "production"},
    "rolled_back": {"p_service": "shop", "p_environment": "production", "p_digest": "x"},
    "deployments": {"p_service": "", "p_environment": "", "p_limit": 5},
    "export": {"p_after": 0, "p_limit": 5},
    "chain": {},
    "budgets": {"p_service": "", "p_environment": "", "p_since": "2026-01-01", "p_until": "2026-12-01"},
    "metrics": {
        "p_service": "",
        "p_environment": "",
        "p_since": "2026-01-01",
        "p_until": "2027-01-01",
        "p_period": "day",
    },
}
EVENT = {"rollout": "evil", "seq": 0, "at": "2026-11-01T00:00:00Z", "kind": "x", "service": "shop",
         "environment": "production", "data": {}}  # fmt: skip
WRITING = {
    "acquire": {"p_service": "till", "p_environment": "evil", "p_holder": "evil", "p_seconds": 1},
    "renew": {"p_service": "shop", "p_environment": "production", "p_fence": 1, "p_seconds": 1},
    "append": {"p_event": EVENT, "p_fence": 1},
    "replay": {"p_entries": []},
    "watch": {"p_note": {"rollout": "r1", "watch": "bake", "at": "2026-11-01T00:00:00Z", "report": {}}},
    "forget": {"p_before": "2000-01-01", "p_most": 1},
}
INSIDE = {
    "add": {"p_event": EVENT, "p_fence": 1},
    "derive": {"event": {}},
    "hash": {"previous": "", "event": {}},
    "lease": {"lease": {}},
    "shown": {"d": {}},
    "time": {"moment": "2026-11-01"},
    "refuse_change": {},
    "notify": {},
}
"""Functions that only the others call."""
TOKEN = {"services": {}, "bounds": {}}
"""They tell whoever calls them what is in the own token; the policies need them."""
DOOR = "at the door"


def visitors(keys):
    """Give every kind of visitor: (who, the key of the project that is sent, the token of the person)."""
    named = {"app_metadata": {"lockgate_services": ["shop"]}}
    head, body, _ = keys.mint("service_role").split(".")
    return {
        "nobody (no key)": (None, None),
        "a key that was never one": ("sb_secret_" + "x" * 22, None),
        "a service_role token with another signature": (f"{head}.{body}.AAAA", None),
        "a service_role token signed by nobody (`alg: none`)": (keys.unsigned("service_role"), None),
        "an expired service_role token": (keys.mint("service_role", seconds=-3600), None),
        "a token for the role postgres": (keys.mint("postgres"), None),
        "a token that names no role": (keys.mint(None), None),
        "`anon`, by its token": (keys.mint("anon"), None),
        "`anon`, by an `sb_publishable_` key": (keys.publishable, None),
        "`authenticated`, named nowhere": (keys.publishable, keys.mint("authenticated")),
        "`authenticated`, who names services in the own `user_metadata`": (
            keys.publishable, keys.mint("authenticated", user_metadata={"lockgate_services": ["*"]}),
        ),
        "`authenticated`, whose `app_metadata` is no list": (
            keys.publishable, keys.mint("authenticated", app_metadata={"lockgate_services": "*"}),
        ),
        "`authenticated`, of the service shop": (keys.publishable, keys.mint("authenticated", **named)),
        "`authenticated`, of every service": (
            keys.publishable, keys.mint("authenticated", app_metadata={"lockgate_services": ["*"]}),
        ),
        "`service_role`, by its token": (keys.mint("service_role"), None),
        "`service_role`, by an `sb_secret_` key": (keys.secret, None),
    }  # fmt: skip


class Visitor:
    """One of them, over one connection."""

    def __init__(self, project, key, person):
        self._connection = http.client.HTTPConnection(urlsplit(project.url).netloc, timeout=10)
        self._headers = {"Content-Type": "application/json"} | ({"apikey": key} if key else {})
        if token := person or (key if key and not key.startswith("sb_") else None):
            self._headers["Authorization"] = f"Bearer {token}"

    def asks(self, method, path, body=None):
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, f"/rest/v1/{path}", sent, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def reads(self, table):
        """Read a table; say what came of it in a word."""
        status, rows = self.asks("GET", f"{table}?select=*")
        if status != 200:
            return self._refusal(status, rows)
        services = sorted({row["service"] for row in rows if "service" in row})
        return f"{len(rows)} rows of {', '.join(services)}" if services else ("nothing" if not rows else "everything")

    def writes(self, table):
        """Add, change and remove a row; say what came of each."""
        evil, which = (
            ({"position": 9}, "position=gte.0") if table in INTERNAL else ({"service": "evil"}, "service=eq.shop")
        )
        tries = [("POST", table, evil), ("PATCH", f"{table}?{which}", evil), ("DELETE", f"{table}?{which}", None)]
        return {self._refusal(*self.asks(*one)) for one in tries}

    def calls(self, function, arguments):
        status, answer = self.asks("POST", f"rpc/lockgate_{function}", arguments)
        return "may" if status in {200, 204} else self._refusal(status, answer)

    def close(self):
        self._connection.close()

    def _refusal(self, status, answer):
        if status == 401 and (answer or {}).get("code") in {"401", "PGRST301", "PGRST303", "42704"}:
            return DOOR
        if status in {401, 403} and answer["code"] == "42501":
            return f"refused ({status})"
        return f"{status} {answer}"


GRANT = "grant all on public.deployment_events to public"
STATEMENTS = [
    "truncate public.deployment_events",
    "delete from public.deployment_events",
    "select set_config('lockgate.forgetting', 'yes', false); delete from public.deployment_events",
    "update public.deployment_chain set hash = repeat('0', 64)",
    "insert into public.deployment_anchors (position, hash, removed) values (9, 'x', 9)",
    "alter table public.deployment_events disable trigger all",
    "alter table public.deployment_events disable row level security",
    "drop trigger events_are_never_changed on public.deployment_events",
    "set session_replication_role = replica",
    "drop policy named_services on public.deployments",
    "create policy mine on public.deployments using (true)",
    "create or replace function public.lockgate_add(p_event jsonb, p_fence bigint) returns boolean language sql as 'select true'",
    "alter function public.lockgate_add(jsonb, bigint) security invoker",
    GRANT,
    "create trigger mine before insert on public.deployment_events execute function public.lockgate_refuse_change()",
    "do $$ begin lock table public.deployment_events; end $$",
    "copy public.deployment_events to program 'true'",
    "select pg_read_file('/etc/passwd')",
    "alter publication supabase_realtime drop table public.deployments",
    "set role postgres",
]
"""What somebody with a connection of the role's own might try, beside what REST can say."""
