"""A year of deployments, made in the database by itself: ten events each, of 500 services in 4 environments."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import sql

SERVICES, PLACES = 500, 2000
CHUNK = 100_000
DEPLOYMENT = """
select i, 'service-' || lpad((i %% 500)::text, 3, '0') as service,
  (array['production', 'staging', 'test', 'demo'])[1 + (i %% 2000) / 500] as environment,
  now() - (%(count)s::int - i) * (interval '365 days' / %(count)s::int) as at,
  case when i > %(count)s::int - 100 then 'in_progress' when abs(hashint4(i)) %% 100 < 4 then 'rolled_back'
    when abs(hashint4(i)) %% 100 < 5 then 'broken' when abs(hashint4(i)) %% 100 < 10 then 'aborted'
    else 'deployed' end as status,
  md5('commit' || i) || substr(md5('more' || i), 1, 8) as commit,
  'sha256:' || md5('digest' || i) || md5('and' || i) as digest
from generate_series(%(first)s::int, %(last)s::int) i"""
DEPLOYMENTS = f"""
insert into public.deployments
select 'r' || lpad(i::text, 8, '0'), 'azure-container-apps', status, environment, service, commit, '1.' || i, at,
  'person-' || i %% 997,
  jsonb_build_object('started_at', at - interval '4 minutes', 'digest', digest, 'reason_code', 'ok',
    'message', 'deployed', 'run_url', 'https://github.com/owner/name/actions/runs/' || i,
    'approval', 'person-' || i %% 31, 'kind', 'deploy', 'override', '', 'baseline', ''),
  'deploy', digest,
  case when status = 'deployed' then jsonb_build_object('revision', 'rev-' || i, 'verified', true, 'release',
    jsonb_build_object('service', service, 'version', '1.' || i, 'commit', commit, 'digest', digest,
      'artifact', 'image:registry.example/' || service || '@' || digest)) end,
  extract(epoch from at)::bigint * 1000, at - interval '4 minutes', at - interval '2 minutes',
  at - interval '5 hours' - i %% 70 * interval '1 hour', at - interval '1 hour'
from ({DEPLOYMENT}) d"""  # noqa: S608 - constants
EVENTS = f"""
with told as materialized (
  select *, jsonb_build_object('revision', 'rev-' || i, 'passed', true, 'reason_code', 'ok', 'message', status,
    'commit', commit, 'digest', digest) as data, md5('event' || i) as half
  from ({DEPLOYMENT}) d)
insert into public.deployment_events
select (i::bigint - 1) * 10 + seq + 1, 'r' || lpad(i::text, 8, '0'), seq, extract(epoch from at)::bigint * 1000,
  at - (9 - seq) * interval '25 seconds',
  (array['rollout.started', 'intended.deploy_preview', 'happened.previewed', 'intended.analyse',
    'analysed.pre_promotion', 'happened.judged', 'intended.shift', 'happened.shifted', 'happened.retired',
    'rollout.finished'])[seq + 1],
  service, environment, data, at, half || md5(half || seq)
from told, generate_series(0, 9) seq"""  # noqa: S608 - constants
CURRENT = """
insert into public.deployment_current
select distinct on (service, environment)
  service, environment, id, status, version, commit_hash, standing, fence, deployed_at
from public.deployments where standing is not null order by service, environment, deployed_at desc"""
CHAIN = """
update public.deployment_chain set (position, hash) =
  (select position, hash from public.deployment_events order by position desc limit 1)"""


def fill(db: Any, deployments: int, say: Callable[[str], None]) -> str:
    """Fill the tables; give how large they are. The hashes are no chain: nobody verifies these rows."""
    with _without_indexes(db, say):
        for first in range(1, deployments + 1, CHUNK):
            told = {"first": first, "last": min(first + CHUNK - 1, deployments), "count": deployments}
            db.execute(DEPLOYMENTS, told)
            db.execute(EVENTS, told)
        say("rows are there; making the indexes")
    db.execute(CURRENT)
    db.execute(CHAIN)
    db.execute("vacuum analyze")
    size = db.execute(
        "select pg_size_pretty(sum(pg_total_relation_size(oid))) from pg_class "
        "where relname like 'deployment%' and relkind = 'r'"
    ).fetchone()
    return str(size[0])


@contextmanager
def _without_indexes(db: Any, say: Callable[[str], None]) -> Iterator[None]:
    """Take every index away while the block runs, and make each again as it was."""
    constraints = db.execute(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
        "where contype in ('p', 'u') "
        "and conrelid in ('public.deployment_events'::regclass, 'public.deployments'::regclass)"
    ).fetchall()
    indexes = db.execute(
        "select i.relname, pg_get_indexdef(i.oid) from pg_index x join pg_class i on i.oid = x.indexrelid "
        "where not x.indisunique "
        "and x.indrelid in ('public.deployment_events'::regclass, 'public.deployments'::regclass)"
    ).fetchall()
    for table, name, _ in constraints:
        db.execute(sql.SQL("alter table {} drop constraint {}").format(sql.SQL(table), sql.Identifier(name)))
    for name, _ in indexes:
        db.execute(sql.SQL("drop index public.{}").format(sql.Identifier(name)))
    yield
    for table, name, text in constraints:
        db.execute(
            sql.SQL("alter table {} add constraint {} {}").format(sql.SQL(table), sql.Identifier(name), sql.SQL(text))
        )
    for _, text in indexes:
        db.execute(sql.SQL(text))
    say(f"{len(constraints) + len(indexes)} indexes made")
