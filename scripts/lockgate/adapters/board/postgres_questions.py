"""What the board asks of PostgreSQL where there may be much of it: what serves everywhere, a page of the history."""

from collections.abc import Mapping
from typing import Any

from lockgate.adapters.board.postgres_rows import literal
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.viewer import Viewer

COLUMNS = "id, platform, status, environment, service, commit_hash, version, deployed_at, deployed_by, metadata"
NAMED = f"""
select {COLUMNS} from unnest(%(ids)s::text[]) one
cross join lateral (select * from public.deployments d where d.id = one) named"""  # noqa: S608 - constants
"""One by one, by their key: `id = any (...)` behind a policy is looked for in the index of the services, all of it."""
SERVING = """
select c.service, c.environment, c.standing #>> '{release,version}', c.standing #>> '{release,commit}',
  c.standing #>> '{release,digest}', coalesce(c.standing ->> 'verified' = 'true', false), c.rollout, c.status,
  c.version, to_char(c.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'), coalesce(d.deployed_by, ''),
  -- What the scan of it found came with the rollout that brought it, which need not be the last one.
  case when d.kind = 'deploy' and d.status = 'deployed' then d.metadata -> 'found' else (
    select brought.metadata -> 'found' from public.deployments brought where brought.service = c.service
      and brought.environment = c.environment and brought.digest = c.standing #>> '{release,digest}'
      and jsonb_typeof(brought.metadata -> 'found') = 'object' order by brought.deployed_at desc limit 1) end
from public.deployment_current c left join public.deployments d on d.id = c.rollout
where c.standing is not null order by c.service, c.environment"""
"""In the order of the fields of Serving: there may be thousands, and to read the JSON costs as much as all else."""
_TEXT = "lower(version || ' ' || commit_hash || ' ' || id || ' ' || deployed_by || ' ' || coalesce(metadata ->> 'message', ''))"  # noqa: E501 - the expression of the index, letter by letter
LATEST, LATEST_OF_SOME = 5_000, 1_000
"""Rollouts in which words are looked for first, for who sees every service and for others: 5 to 10 ms."""
METRICS = """
select public.lockgate_metrics(one, %(environment)s, %(since)s, %(until)s, %(period)s)
from unnest(%(services)s::text[]) one"""
BUDGETS = """
select public.lockgate_budgets(one, %(environment)s, %(since)s, %(until)s) from unnest(%(services)s::text[]) one"""
BUSY = """
select one, (select count(*) from public.deployments where service = one and deployed_at >= %(since)s)
from unnest(%(services)s::text[]) one"""
_CONDITIONS = {
    "service": "service = %(service)s",
    "environment": "environment = %(environment)s",
    "status": "status = %(status)s",
    "by": "deployed_by = %(by)s",
    "commit": "commit_hash >= %(commit)s and commit_hash < %(commit)s || 'g'",
    "begins": "deployed_at >= %(begins)s",
    "ends": "deployed_at < %(ends)s",
}


def history(viewer: Viewer, wanted: Filter, page: Page, *, latest: bool) -> tuple[str, dict[str, Any]]:
    """Give the question for the names of one page, and one more, with its parameters.

    With `latest` the words are looked for in the latest ones that fit otherwise: a word that many have is there, and
    the index of all words would give thousands to sort.
    """
    values = {**wanted.to_query(), "begins": wanted.begins, "ends": wanted.ends}
    where = [text for name, text in _CONDITIONS.items() if values.get(name)]
    told: dict[str, Any] = {name: value for name, value in values.items() if value and name in _CONDITIONS}
    if page.at:
        where.append(f"(deployed_at, id) {'>' if page.back else '<'} (%(at)s::timestamptz, %(id)s)")
        told |= {"at": page.at, "id": page.id}
    seen = services(viewer)
    if seen is not None:
        where.append("service = any (%(seen)s)")
        told["seen"] = seen
    source, order = "public.deployments", "asc" if page.back else "desc"
    if wanted.text:
        told["text"] = f"%{literal(wanted.text.lower())}%"
        if latest:
            fits = " and ".join(where) or "true"
            most = LATEST if seen is None else LATEST_OF_SOME
            source = f"(select id, deployed_at, {_TEXT} words from {source} where {fits} order by deployed_at {order}, id {order} limit {most}) d"  # noqa: S608, E501
            where = ["words like %(text)s"]
        else:
            where.append(f"{_TEXT} like %(text)s")
    query = (
        f"select id from {source} where {' and '.join(where) or 'true'} "  # noqa: S608 - constants
        f"order by deployed_at {order}, id {order} limit {page.limit + 1}"
    )
    return query, told


def services(viewer: Viewer) -> list[str] | None:
    """Give the services that somebody may see by both that know it; None for all of them.

    The claims are what the policies of the database go by. One list, not two conditions: the planner takes two for
    independent, and expects a fiftieth of what there is.
    """
    found = [] if viewer.services is None else [viewer.services]
    if viewer.claims is not None:
        about = viewer.claims.get("app_metadata")
        named = about.get("lockgate_services") if isinstance(about, Mapping) else None
        listed = [str(one) for one in named] if isinstance(named, list) else []
        found += [] if "*" in listed else [frozenset(listed)]
    return sorted(frozenset.intersection(*found)) if found else None
