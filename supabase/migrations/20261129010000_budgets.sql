-- What a release and its rollout measured against their budgets, and the newest finding of its scan: kept beside the
-- rollout, so that neither a page of many places nor a year of releases needs the journals. Where an earlier version
-- wrote the events there is null: not recorded.

-- What the metadata says of the budgets of a rollout that ended, once more, as what is counted quickly: for a page of 4,000
-- rollouts the difference is that of a blink to a wait.
alter table public.deployments
  add column budget_names text[], add column budget_units text[], add column budget_limits double precision[],
  add column budget_values double precision[], add column budget_kept boolean[];

create or replace function public.lockgate_derive(event public.deployment_events) returns void
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
        'baseline', plan #> '{baseline,release,version}', 'found', event.data -> 'found',
        'budgets', jsonb_build_object('release', event.data -> 'budgets', 'rollout', metadata #> '{budgets,rollout}'))
        || case when metadata ? 'reason_code' then '{}' else '{"reason_code": null, "message": null}'::jsonb end
    where id = event.rollout;
  else
    update public.deployments set
      status = event.data ->> 'outcome', deployed_at = event.at, fence = event.fence,
      standing = nullif(event.data -> 'standing', 'null'),
      metadata = metadata || jsonb_build_object('reason_code', event.data -> 'reason_code', 'message', event.data -> 'message',
        'budgets', jsonb_build_object('release', metadata #> '{budgets,release}', 'rollout', event.data -> 'budgets'))
    where id = event.rollout and (status = 'in_progress' or fence < event.fence)
      -- Whoever took the rollout over before this says how it ended.
      and not exists (select from public.deployment_events later where later.rollout = event.rollout
        and later.fence > event.fence and later.seq <= event.seq);
  end if;
  select * into row_is from public.deployments where id = event.rollout;
  if row_is.status <> 'in_progress' and row_is.metadata ? 'budgets' then
    -- A line that is none is passed over.
    update public.deployments set (budget_names, budget_units, budget_limits, budget_values, budget_kept) = (
      select array_agg(line ->> 'name'), array_agg(line ->> 'unit'), array_agg((line ->> 'limit')::double precision),
        array_agg((line ->> 'measured')::double precision), array_agg((line ->> 'kept')::boolean)
      from jsonb_path_query(row_is.metadata, '$.budgets.*[*] ? ((@.kept == true || @.kept == false)
        && @.measured.type() == "number" && @.limit.type() == "number" && @.name.type() == "string"
        && @.unit.type() == "string")') as line)
    where id = event.rollout;
  end if;
  if row_is.status = 'in_progress' or row_is.standing is null then return; end if;
  insert into public.deployment_current as c
  values (row_is.service, row_is.environment, row_is.id, row_is.status, row_is.version, row_is.commit_hash, row_is.standing,
    row_is.fence, row_is.deployed_at)
  on conflict (service, environment) do update set rollout = excluded.rollout, status = excluded.status,
    version = excluded.version, commit_hash = excluded.commit_hash, standing = excluded.standing, fence = excluded.fence,
    at = excluded.at
    where (c.fence, c.at, c.rollout) <= (excluded.fence, excluded.at, excluded.rollout);
end $$;

-- How often each budget was kept, of the rollouts in which it was measured. core/budgets.py says the same in Python, for
-- the embedded ledger; a test holds both to the same answers.
create function public.lockgate_budgets(p_service text, p_environment text, p_since timestamptz, p_until timestamptz)
returns jsonb language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  -- Planned for the values of each call: which index helps depends on what is left empty.
  return (with ended as materialized (
    select d.id, d.service, d.environment, d.version, d.deployed_at, d.budget_names, d.budget_units, d.budget_limits,
      d.budget_values, d.budget_kept
    from public.deployments d
    where d.status <> 'in_progress' and d.started_at is not null and d.kind = 'deploy'
      and d.deployed_at >= p_since and d.deployed_at < p_until
      and (p_service = '' or d.service = p_service) and (p_environment = '' or d.environment = p_environment)
  ), measured as materialized (
    select e.id, e.service, e.environment, e.version, e.deployed_at, line.*
    from ended e cross join lateral unnest(e.budget_names, e.budget_units, e.budget_limits, e.budget_values, e.budget_kept)
      as line (name, unit, may_be, was, kept)
  ), broken as (
    select *, row_number() over (partition by service, environment, name order by deployed_at desc, id desc) as nth
    from measured where not kept
  ), named as (
    select service, environment, name, jsonb_agg(jsonb_build_object('rollout', id, 'version', version, 'measured', was,
      'limit', may_be) order by nth) as breaches
    from broken where nth <= 5 group by service, environment, name
  ), counted as (
    select service, environment, name, count(*) filter (where kept) as kept, count(*) as measured,
      min(was) as least, max(was) as most, max(deployed_at) as at
    from measured group by service, environment, name
  ), newest as ( -- of the few that are it; to sort all of them by their texts would take longer than all the rest
    select distinct on (m.service, m.environment, m.name) m.service, m.environment, m.name, m.unit, m.may_be
    from counted c join measured m on (m.service, m.environment, m.name, m.deployed_at) = (c.service, c.environment, c.name, c.at)
    order by m.service, m.environment, m.name, m.id desc
  ), listed as (
    select service, environment, jsonb_agg(jsonb_build_object('name', name, 'unit', unit, 'limit', may_be, 'kept', kept,
      'measured', measured, 'worst', case unit when 'share' then least else most end,
      'breaches', coalesce(breaches, '[]')) order by name) as budgets
    from counted join newest using (service, environment, name) left join named using (service, environment, name)
    group by service, environment
  ), places as (
    select service, environment, count(*) as rollouts, count(budget_names) as recorded
    from ended group by service, environment
  )
  select coalesce(jsonb_agg(jsonb_build_object('service', service, 'environment', environment, 'rollouts', rollouts,
    'recorded', recorded, 'budgets', coalesce(budgets, '[]')) order by service, environment), '[]')
  from places left join listed using (service, environment));
end $$;
revoke all on function public.lockgate_budgets from public, anon, authenticated, service_role;
grant execute on function public.lockgate_budgets to service_role;
