-- What Lockgate asks the ledger.

-- The journal of a rollout: what nobody who took the rollout over has replaced.
create function public.lockgate_events(p_rollout text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('rollout', e.rollout, 'seq', e.seq, 'at', public.lockgate_time(e.at),
    'kind', e.kind, 'service', e.service, 'environment', e.environment, 'data', e.data) order by e.seq), '[]')
  from public.deployment_events e
  where e.rollout = p_rollout and not exists (select from public.deployment_events later
    where later.rollout = e.rollout and later.fence > e.fence and later.seq <= e.seq)
$$;

create function public.lockgate_unfinished(p_service text, p_environment text) returns text
language sql stable security definer set search_path = '' as $$
  select id from public.deployments where service = p_service and environment = p_environment and status = 'in_progress'
    and started_at is not null
  order by deployed_at desc limit 1
$$;

create function public.lockgate_standing(p_service text, p_environment text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select standing from public.deployment_current where service = p_service and environment = p_environment
$$;

create function public.lockgate_verified(p_service text, p_environment text) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(standing order by fence desc, deployed_at desc, id desc), '[]') from public.deployments
  where service = p_service and environment = p_environment and (standing ->> 'verified') = 'true'
$$;

create function public.lockgate_rolled_back(p_service text, p_environment text, p_digest text) returns boolean
language sql stable security definer set search_path = '' as $$
  select coalesce((select status in ('rolled_back', 'broken') from public.deployments
    where service = p_service and environment = p_environment and digest = p_digest and status <> 'in_progress'
    order by deployed_at desc limit 1), false)
$$;

create function public.lockgate_deployments(p_service text, p_environment text, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  -- Planned for the values of each call: which index helps depends on what is left empty.
  return coalesce((select jsonb_agg(public.lockgate_shown(d) order by deployed_at desc, id desc)
    from (select * from public.deployments
      where (p_service = '' or service = p_service) and (p_environment = '' or environment = p_environment)
      order by deployed_at desc, id desc limit p_limit) d), '[]');
end $$;

create function public.lockgate_shown(d public.deployments) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', d.id, 'platform', d.platform, 'status', d.status, 'environment', d.environment,
    'service', d.service, 'commit_hash', d.commit_hash, 'version', d.version, 'deployed_by', d.deployed_by,
    'deployed_at', public.lockgate_time(d.deployed_at), 'metadata', d.metadata)
$$;

-- The raw chain, for `lockgate ledger export` and `verify`: `data` as the very text that the hash is over.
create function public.lockgate_export(p_after bigint, p_limit integer) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('position', e.position, 'rollout', e.rollout, 'seq', e.seq, 'fence', e.fence,
    'at', public.lockgate_time(e.at), 'kind', e.kind, 'service', e.service, 'environment', e.environment,
    'data', e.data::text, 'hash', e.hash) order by e.position), '[]')
  from (select * from public.deployment_events where position > p_after order by position limit p_limit) e
$$;

create function public.lockgate_chain() returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('position', c.position, 'hash', c.hash, 'first', coalesce(a.position, 0),
    'first_hash', coalesce(a.hash, repeat('0', 64)))
  from public.deployment_chain c left join lateral
    (select position, hash from public.deployment_anchors order by position desc limit 1) a on true
$$;
