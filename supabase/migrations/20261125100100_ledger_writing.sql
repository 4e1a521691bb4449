-- How the ledger is written: through these functions alone. They run as their owner, with nothing on the search path that
-- a caller could put there; who may call them is said in the next migration.

create function public.lockgate_time(moment timestamptz) returns text
language sql immutable set search_path = '' as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')
$$;

-- What the chain is over: every field, length first, so that no two events read alike. core/chain.py says the same.
create function public.lockgate_hash(previous text, event public.deployment_events) returns text
language sql stable set search_path = '' as $$
  select encode(sha256(convert_to(previous || string_agg(octet_length(convert_to(part, 'UTF8')) || ':' || part, ''), 'UTF8')), 'hex')
  from unnest(array[
    event.position::text, event.rollout, event.seq::text, event.fence::text,
    to_char(event.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
    event.kind, event.service, event.environment, event.data::text]) as part
$$;

create function public.lockgate_lease(lease public.deployment_leases) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('service', lease.service, 'environment', lease.environment, 'holder', lease.holder,
    'fence', lease.fence, 'expires_at', public.lockgate_time(lease.expires_at))
$$;

-- Take the lease, or learn who has it. A fence is the time in milliseconds, or one more than the last: it grows with every
-- holder, and a rollout that had to begin without a lease can be put in its place by the time alone.
create function public.lockgate_acquire(p_service text, p_environment text, p_holder text, p_seconds double precision)
returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  now_is constant timestamptz := clock_timestamp();
  taken public.deployment_leases;
begin
  insert into public.deployment_leases as l values (p_service, p_environment, p_holder,
    floor(extract(epoch from now_is) * 1000)::bigint, now_is + make_interval(secs => p_seconds))
  on conflict (service, environment) do update
    set holder = excluded.holder, fence = greatest(excluded.fence, l.fence + 1), expires_at = excluded.expires_at
    where l.expires_at <= now_is
  returning * into taken;
  if found then return jsonb_build_object('taken', true) || public.lockgate_lease(taken); end if;
  select * into taken from public.deployment_leases where service = p_service and environment = p_environment;
  return jsonb_build_object('taken', false) || public.lockgate_lease(taken);
end $$;

create function public.lockgate_holder(p_service text, p_environment text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select public.lockgate_lease(l) from public.deployment_leases l
  where service = p_service and environment = p_environment and expires_at > clock_timestamp()
$$;

create function public.lockgate_renew(p_service text, p_environment text, p_fence bigint, p_seconds double precision)
returns boolean language plpgsql volatile security definer set search_path = '' as $$
begin
  update public.deployment_leases set expires_at = clock_timestamp() + make_interval(secs => p_seconds)
  where service = p_service and environment = p_environment and fence = p_fence;
  return found;
end $$;

-- Bring the derived rows up to date with one event. Every change is one that gives the same in any order.
create function public.lockgate_derive(event public.deployment_events) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  plan constant jsonb := event.data -> 'plan';
  ended constant boolean := event.kind = 'rollout.finished';
  row_is public.deployments;
begin
  if event.kind not in ('rollout.started', 'rollout.finished', 'happened.shifted') then return; end if;
  insert into public.deployments as d (id, service, environment, deployed_at)
  values (event.rollout, event.service, event.environment, event.at) on conflict (id) do nothing;
  if event.kind = 'happened.shifted' then
    update public.deployments set live_at = least(live_at, event.at) where id = event.rollout;
    return;
  elsif not ended then
    update public.deployments set
      platform = coalesce(event.data ->> 'platform', ''), commit_hash = coalesce(plan #>> '{release,commit}', ''),
      version = coalesce(plan #>> '{release,version}', ''), deployed_by = coalesce(plan ->> 'actor', ''),
      kind = coalesce(event.data #>> '{change,kind}', plan ->> 'kind', 'deploy'), digest = coalesce(plan #>> '{release,digest}', ''),
      started_at = event.at, deployed_at = case when status = 'in_progress' then event.at else deployed_at end,
      committed_at = nullif(event.data #>> '{change,committed_at}', '')::timestamptz,
      merged_at = nullif(event.data #>> '{change,merged_at}', '')::timestamptz,
      metadata = metadata || jsonb_build_object('started_at', public.lockgate_time(event.at),
        'digest', plan #> '{release,digest}', 'artifact', plan #> '{release,artifact}', 'approval', plan -> 'approval',
        'run_url', event.data -> 'run_url', 'kind', plan -> 'kind', 'override', plan -> 'override',
        'baseline', plan #> '{baseline,release,version}')
        || case when metadata ? 'reason_code' then '{}' else '{"reason_code": null, "message": null}'::jsonb end
    where id = event.rollout;
  else
    update public.deployments set
      status = event.data ->> 'outcome', deployed_at = event.at, fence = event.fence,
      standing = nullif(event.data -> 'standing', 'null'),
      metadata = metadata || jsonb_build_object('reason_code', event.data -> 'reason_code', 'message', event.data -> 'message')
    where id = event.rollout and (status = 'in_progress' or fence < event.fence)
      -- Whoever took the rollout over before this says how it ended.
      and not exists (select from public.deployment_events later where later.rollout = event.rollout
        and later.fence > event.fence and later.seq <= event.seq);
  end if;
  select * into row_is from public.deployments where id = event.rollout;
  if row_is.status = 'in_progress' or row_is.standing is null then return; end if;
  insert into public.deployment_current as c
  values (row_is.service, row_is.environment, row_is.id, row_is.status, row_is.version, row_is.commit_hash, row_is.standing,
    row_is.fence, row_is.deployed_at)
  on conflict (service, environment) do update set rollout = excluded.rollout, status = excluded.status,
    version = excluded.version, commit_hash = excluded.commit_hash, standing = excluded.standing, fence = excluded.fence,
    at = excluded.at
    where (c.fence, c.at, c.rollout) <= (excluded.fence, excluded.at, excluded.rollout);
end $$;

-- Add one event to the end of the chain, unless it is there. The caller holds the chain's row.
create function public.lockgate_add(p_event jsonb, p_fence bigint) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  head public.deployment_chain;
  event public.deployment_events;
begin
  if exists (select from public.deployment_events
    where rollout = p_event ->> 'rollout' and seq = (p_event ->> 'seq')::integer and fence = p_fence) then return false; end if;
  update public.deployment_chain set position = position + 1 returning * into head;
  event := jsonb_populate_record(null::public.deployment_events, p_event);
  event.position := head.position;
  event.fence := p_fence;
  event.recorded_at := clock_timestamp();
  event.hash := public.lockgate_hash(head.hash, event);
  insert into public.deployment_events select event.*;
  update public.deployment_chain set hash = event.hash;
  perform public.lockgate_derive(event);
  return true;
end $$;

-- Record one event under the lease: `recorded`, `repeated` or `lost`.
create function public.lockgate_append(p_event jsonb, p_fence bigint) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  -- Shared, so that the lease cannot change hands between this check and the commit.
  perform from public.deployment_leases
  where service = p_event ->> 'service' and environment = p_event ->> 'environment' and fence = p_fence for share;
  if not found then
    return case when exists (select from public.deployment_events where rollout = p_event ->> 'rollout'
      and seq = (p_event ->> 'seq')::integer and fence = p_fence) then 'repeated' else 'lost' end;
  end if;
  perform from public.deployment_chain for update;
  return case when public.lockgate_add(p_event, p_fence) then 'recorded' else 'repeated' end;
end $$;

-- Record what could not be recorded when it happened: [{"event": {...}, "fence": n}, ...]. Nobody has to hold a lease for
-- it any more; how many were new. Whatever a later holder decided stays as it is.
create function public.lockgate_replay(p_entries jsonb) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  entry jsonb;
  added integer := 0;
begin
  perform from public.deployment_chain for update;
  for entry in select value from jsonb_array_elements(p_entries) loop
    if public.lockgate_add(entry -> 'event', (entry ->> 'fence')::bigint) then added := added + 1; end if;
  end loop;
  return added;
end $$;

-- Remove the events at the beginning of the chain that are older than a moment and belong to rollouts that ended, a
-- limited number at once; the derived rows stay. Gives how many, and 0 when there are no more.
create function public.lockgate_forget(p_before timestamptz, p_most integer) returns bigint
language plpgsql volatile security definer set search_path = '' as $$
declare
  cut bigint;
  kept bigint;
  gone bigint;
  last_hash text;
begin
  perform from public.deployment_chain for update;
  select max(position) into cut from (
    select position from public.deployment_events order by position limit p_most) first;
  select min(position) into kept from public.deployment_events e
  where e.position <= cut and (e.at >= p_before
    or exists (select from public.deployments d -- one whose beginning never came cannot go on, and would never end
      where d.id = e.rollout and d.status = 'in_progress' and d.started_at is not null));
  cut := coalesce(kept - 1, cut);
  select hash into last_hash from public.deployment_events where position = cut;
  if not found then return 0; end if;
  perform set_config('lockgate.forgetting', 'yes', true);
  delete from public.deployment_events where position <= cut;
  get diagnostics gone = row_count;
  perform set_config('lockgate.forgetting', '', true);
  insert into public.deployment_anchors (position, hash, removed) values (cut, last_hash, gone);
  return gone;
end $$;

create function public.lockgate_refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' and current_setting('lockgate.forgetting', true) = 'yes' then return old; end if;
  raise exception 'events are append-only' using errcode = '42501';
end $$;
create trigger events_are_never_changed before update or delete on public.deployment_events
  for each row execute function public.lockgate_refuse_change();
create trigger events_are_never_emptied before truncate on public.deployment_events
  for each statement execute function public.lockgate_refuse_change();
