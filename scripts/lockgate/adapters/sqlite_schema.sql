-- The ledger as SQLite keeps it. Events are only ever added; what is shown is derived from them, and kept beside them.
-- Two events may share a rollout and a number where the lease was taken over meanwhile: the higher fence is the journal's.
create table if not exists events (
  position    integer primary key,
  rollout     text    not null,
  seq         integer not null,
  fence       integer not null,
  at          text    not null,
  kind        text    not null,
  service     text    not null,
  environment text    not null,
  data        text    not null check (json_valid(data)),
  hash        text    not null,
  unique (rollout, seq, fence)
) strict;

create trigger if not exists events_are_never_changed before update on events
begin select raise(abort, 'events are append-only'); end;

create trigger if not exists events_are_never_removed before delete on events
when old.position > (select ifnull(max(position), 0) from anchors)
begin select raise(abort, 'events are append-only'); end;

-- Where the retention has cut the chain, and what was known about the rollouts before it.
create table if not exists anchors (
  position integer primary key,
  hash     text    not null,
  removed  integer not null
) strict;

create table if not exists chain (
  only_row integer primary key check (only_row = 1),
  position integer not null,
  hash     text    not null
) strict;
insert or ignore into chain values (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

create table if not exists leases (
  service     text    not null,
  environment text    not null,
  holder      text    not null,
  fence       integer not null,
  expires_at  text    not null,
  primary key (service, environment)
) strict;

-- One row a rollout, as the view `told` says it: brought up to date with its events, and left when the retention removes them.
create table if not exists rollouts (
  id text primary key, platform text, status text, environment text, service text, commit_hash text, version text,
  deployed_at text, deployed_by text, metadata text, digest text, kind text, standing text, fence integer, live_at text,
  committed_at text, merged_at text
) strict;
create index if not exists rollouts_by_time    on rollouts (deployed_at, id);
create index if not exists rollouts_by_service on rollouts (service, deployed_at, id);
create index if not exists rollouts_by_place   on rollouts
  (service, environment, deployed_at, id, kind, status, commit_hash, live_at, committed_at, merged_at); -- all that metrics need
create index if not exists rollouts_by_status  on rollouts (status, deployed_at, id);
create index if not exists rollouts_by_person  on rollouts (deployed_by, deployed_at, id);
create index if not exists rollouts_by_commit  on rollouts (commit_hash);
create index if not exists rollouts_by_digest  on rollouts (service, environment, digest, deployed_at);
create index if not exists rollouts_standing   on rollouts (service, environment, fence, deployed_at, id)
  where standing is not null;
create index if not exists rollouts_open       on rollouts (service, environment, deployed_at) where status = 'in_progress';

create view if not exists journal as
select e.* from events e where not exists
  (select 1 from events l where l.rollout = e.rollout and l.fence > e.fence and l.seq <= e.seq);

create view if not exists told as
select s.rollout                                                   as id,
       json_extract(s.data, '$.platform')                          as platform,
       coalesce(json_extract(f.data, '$.outcome'), 'in_progress')  as status,
       s.environment                                               as environment,
       s.service                                                   as service,
       json_extract(s.data, '$.plan.release.commit')               as commit_hash,
       json_extract(s.data, '$.plan.release.version')              as version,
       coalesce(f.at, s.at)                                        as deployed_at,
       json_extract(s.data, '$.plan.actor')                        as deployed_by,
       json_object(
         'started_at',  s.at,
         'digest',      json_extract(s.data, '$.plan.release.digest'),
         'artifact',    json_extract(s.data, '$.plan.release.artifact'),
         'approval',    json_extract(s.data, '$.plan.approval'),
         'run_url',     json_extract(s.data, '$.run_url'),
         'reason_code', json_extract(f.data, '$.reason_code'),
         'message',     json_extract(f.data, '$.message'),
         'kind',        json_extract(s.data, '$.plan.kind'),
         'override',    json_extract(s.data, '$.plan.override'),
         'baseline',    json_extract(s.data, '$.plan.baseline.release.version'),
         'found',       json_extract(s.data, '$.found'),
         'budgets',     json_object('release', json_extract(s.data, '$.budgets'), 'rollout', json_extract(f.data, '$.budgets'))
       )                                                           as metadata,
       json_extract(s.data, '$.plan.release.digest')               as digest,
       coalesce(json_extract(s.data, '$.change.kind'), json_extract(s.data, '$.plan.kind'), 'deploy') as kind,
       json_extract(f.data, '$.standing')                          as standing,
       ifnull(f.fence, 0)                                          as fence,
       (select min(l.at) from events l where l.rollout = s.rollout and l.kind = 'happened.shifted') as live_at,
       nullif(json_extract(s.data, '$.change.committed_at'), '')   as committed_at,
       nullif(json_extract(s.data, '$.change.merged_at'), '')      as merged_at
from events s
left join journal f on f.rollout = s.rollout and f.kind = 'rollout.finished'
where s.kind = 'rollout.started';

create view if not exists deployments as
select id, platform, status, environment, service, commit_hash, version, deployed_at, deployed_by, metadata from rollouts;
