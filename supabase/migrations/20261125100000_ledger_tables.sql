-- What Lockgate records. Events are only ever added; everything else is derived from them, or is the lease.
-- Works in a Supabase project and in any PostgreSQL from 15 on, where the roles below are made if they are missing.

do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then create role anon nologin noinherit; end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated nologin noinherit; end if;
  if not exists (select from pg_roles where rolname = 'service_role') then create role service_role nologin noinherit bypassrls; end if;
end $$;

-- One row an event. `position` has no gaps and follows the order of commits: whoever has read up to one has missed none.
-- Two events may share a rollout and a number where the lease was taken over meanwhile: the higher fence is the journal's,
-- the other one stays as history.
create table public.deployment_events (
  position    bigint      primary key,
  rollout     text        not null check (length(rollout) between 1 and 200 and rollout !~ '[^[:print:]]'),
  seq         integer     not null check (seq >= 0),
  fence       bigint      not null,
  at          timestamptz not null,
  kind        text        not null check (length(kind) between 1 and 100 and kind !~ '[^[:print:]]'),
  service     text        not null check (length(service) between 1 and 100 and service !~ '[^[:print:]]'),
  environment text        not null check (length(environment) between 1 and 200 and environment !~ '[^[:print:]]'),
  data        jsonb       not null,
  recorded_at timestamptz not null default clock_timestamp(),
  hash        text        not null,
  unique (rollout, seq, fence)
);

-- The end of the hash chain. Its row is locked by every append, so appends are one after the other.
create table public.deployment_chain (
  only_row boolean primary key default true check (only_row),
  position bigint  not null,
  hash     text    not null
);
insert into public.deployment_chain (position, hash) values (0, repeat('0', 64));

-- Where retention has cut the chain: the events up to `position` are gone, on purpose, and the chain goes on from `hash`.
create table public.deployment_anchors (
  position   bigint      primary key,
  hash       text        not null,
  removed    bigint      not null,
  removed_at timestamptz not null default clock_timestamp()
);

create table public.deployment_leases (
  service     text        not null,
  environment text        not null,
  holder      text        not null,
  fence       bigint      not null,
  expires_at  timestamptz not null,
  primary key (service, environment)
);

-- One row a rollout, kept up by every append.
create table public.deployments (
  id           text        primary key,
  platform     text        not null default '',
  status       text        not null default 'in_progress'
               check (status in ('in_progress', 'deployed', 'aborted', 'rolled_back', 'broken')),
  environment  text        not null,
  service      text        not null,
  commit_hash  text        not null default '',
  version      text        not null default '',
  deployed_at  timestamptz not null,
  deployed_by  text        not null default '',
  metadata     jsonb       not null default '{}',
  kind         text        not null default 'deploy',
  digest       text        not null default '',
  standing     jsonb,
  fence        bigint      not null default 0,
  started_at   timestamptz,
  live_at      timestamptz,
  committed_at timestamptz,
  merged_at    timestamptz
);

-- One row a service and environment: what serves there, so that nobody has to search for it.
create table public.deployment_current (
  service     text        not null,
  environment text        not null,
  rollout     text        not null,
  status      text        not null,
  version     text        not null,
  commit_hash text        not null,
  standing    jsonb,
  fence       bigint      not null,
  at          timestamptz not null,
  primary key (service, environment)
);

-- The questions people ask: the latest in an environment, the last hour, by commit, by digest, what is open, what failed,
-- who deployed, and what happened to a service since. `make bench-ledger` asks them. Those that begin with something else
-- end with the service, so that whoever may see few services does not fetch the rows of all of them.
create index deployments_by_place  on public.deployments (service, environment, deployed_at desc, id desc)
  include (kind, status, commit_hash, started_at, live_at, committed_at, merged_at); -- all that metrics need
create index deployments_by_time   on public.deployments (deployed_at desc, id desc, service);
create index deployments_by_commit on public.deployments (commit_hash, deployed_at desc, id desc)
  include (service, environment, kind, status);
create index deployments_by_digest on public.deployments (service, environment, digest, deployed_at desc);
create index deployments_open      on public.deployments (service, environment, deployed_at desc) where status = 'in_progress';
create index deployments_by_service on public.deployments (service, deployed_at desc, id desc);
create index deployments_failed    on public.deployments (deployed_at desc, id desc, service) where status in ('rolled_back', 'broken');
create index deployments_failed_of on public.deployments (service, deployed_at desc, id desc) where status in ('rolled_back', 'broken');
create index deployments_by_person on public.deployments (deployed_by, deployed_at desc, id desc, service);
create index deployments_verified  on public.deployments (service, environment, fence desc) where (standing ->> 'verified') = 'true';
create index events_by_service     on public.deployment_events (service, position);
create index events_by_position    on public.deployment_events (position, service);
