-- Delivery metrics: how often, how fast, how often wrong, how long until right again. core/metrics.py says the same in
-- Python, for the embedded ledger; a test holds both to the same answers. Definitions: docs/metrics.md.

create function public.lockgate_metrics(
  p_service text, p_environment text, p_since timestamptz, p_until timestamptz, p_period text
) returns jsonb language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  -- Planned for the values of each call: which index helps depends on what is left empty.
  return (with places as (
    select d.id, d.service, d.environment, d.kind, d.status, d.commit_hash, d.deployed_at, d.live_at, d.committed_at, d.merged_at
    from public.deployments d
    where d.status <> 'in_progress' and d.started_at is not null and d.deployed_at >= p_since
      and (p_service = '' or d.service = p_service) and (p_environment = '' or d.environment = p_environment)
  ), replaced as (
    -- What took the place of a deployment or broke in it, also after the time that is asked for.
    select id, lead(kind) over following as by_kind, lead(deployed_at) over following as at
    from places where (status, kind) in (('deployed', 'deploy'), ('broken', 'deploy'), ('deployed', 'rollback'))
    window following as (partition by service, environment order by deployed_at, id)
  ), ended as materialized ( -- or each look for an earlier deployment would be made three times
    select d.service, d.environment, d.status, d.deployed_at,
      (date_trunc(p_period, d.deployed_at at time zone 'UTC'))::date::text as bucket,
      coalesce(d.live_at, d.deployed_at) as began,
      d.committed_at, d.merged_at,
      d.status = 'deployed' and d.commit_hash <> '' and exists (
        select from public.deployments before
        where before.commit_hash = d.commit_hash and before.service = d.service and before.environment = d.environment
          and before.kind = 'deploy' and before.status = 'deployed'
          and (before.deployed_at, before.id) < (d.deployed_at, d.id)) as repeated,
      case when d.status = 'deployed' and r.by_kind = 'rollback' then r.at end as returned_at,
      case d.status when 'rolled_back' then d.deployed_at when 'broken' then (
        select min(later.deployed_at) from public.deployments later
        where later.service = d.service and later.environment = d.environment
          and later.status in ('deployed', 'rolled_back') and later.deployed_at > d.deployed_at) end as restored
    from places d left join replaced r using (id)
    where d.kind = 'deploy' and d.deployed_at < p_until
  ), measured as (
    select *, status in ('rolled_back', 'broken') or returned_at is not null as failed,
      case when status = 'deployed' and not repeated and committed_at <= deployed_at
        then extract(epoch from deployed_at - committed_at)::double precision end as from_commit,
      case when status = 'deployed' and not repeated and merged_at <= deployed_at
        then extract(epoch from deployed_at - merged_at)::double precision end as from_merge,
      case when began <= coalesce(returned_at, restored)
        then extract(epoch from coalesce(returned_at, restored) - began)::double precision end as to_restore
    from ended
  ), counted as (
    select service, environment, bucket,
      count(*) filter (where status = 'deployed') as deployed,
      count(returned_at) as returned,
      count(*) filter (where status = 'rolled_back') as rolled_back,
      count(*) filter (where status = 'broken') as broken,
      count(*) filter (where status = 'aborted') as aborted,
      count(*) filter (where repeated) as repeated,
      count(from_commit) as lead_commit_n,
      percentile_cont(0.5) within group (order by from_commit) as lead_commit,
      count(from_merge) as lead_merge_n,
      percentile_cont(0.5) within group (order by from_merge) as lead_merge,
      count(to_restore) as restore_n,
      percentile_cont(0.5) within group (order by to_restore) as restore,
      count(*) filter (where failed and to_restore is null) as open
    from measured group by grouping sets ((service, environment, bucket), (service, environment))
  )
  select coalesce(jsonb_agg(jsonb_build_object('service', service, 'environment', environment, 'bucket', bucket,
    'deployed', deployed, 'returned', returned, 'rolled_back', rolled_back, 'broken', broken, 'aborted', aborted, 'repeated', repeated,
    'lead_commit', jsonb_build_object('n', lead_commit_n, 'median', lead_commit),
    'lead_merge', jsonb_build_object('n', lead_merge_n, 'median', lead_merge),
    'restore', jsonb_build_object('n', restore_n, 'median', restore), 'open', open)
    order by service, environment, bucket nulls first), '[]')
  from counted);
end $$;
