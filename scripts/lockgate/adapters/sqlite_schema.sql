-- The ledger as SQLite keeps it. Events are only ever added; what is shown is derived from them by views.
create table if not exists events (
  id          text primary key,
  rollout     text    not null,
  seq         integer not null,
  at          text    not null,
  kind        text    not null,
  service     text    not null,
  environment text    not null,
  data        text    not null check (json_valid(data)),
  unique (rollout, seq)
) strict;

create index if not exists events_by_place on events (service, environment, kind, at);

create trigger if not exists events_are_never_changed before update on events
begin select raise(abort, 'events are append-only'); end;

create trigger if not exists events_are_never_removed before delete on events
begin select raise(abort, 'events are append-only'); end;

create table if not exists leases (
  service     text    not null,
  environment text    not null,
  holder      text    not null,
  fence       integer not null,
  expires_at  text    not null,
  primary key (service, environment)
) strict;

create view if not exists deployments as
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
         'baseline',    json_extract(s.data, '$.plan.baseline.release.version')
       )                                                           as metadata
from events s
left join events f on f.rollout = s.rollout and f.kind = 'rollout.finished'
where s.kind = 'rollout.started';
