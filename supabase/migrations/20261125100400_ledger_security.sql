-- Who may do what. `anon` may nothing. `authenticated` reads the services that its token names. `service_role` reads, and
-- writes through the functions alone: even it cannot touch a row. Supabase grants much by default; all of it is taken back.

revoke all on public.deployment_events, public.deployment_chain, public.deployment_anchors, public.deployment_leases,
  public.deployments, public.deployment_current from public, anon, authenticated, service_role;

alter table public.deployment_events  enable row level security;
alter table public.deployment_chain   enable row level security;
alter table public.deployment_anchors enable row level security;
alter table public.deployment_leases  enable row level security;
alter table public.deployments        enable row level security;
alter table public.deployment_current enable row level security;

-- The services a person may see: `app_metadata.lockgate_services` of the token, a list of names, or ["*"]. Nobody can
-- change the app_metadata of an own account; an administrator sets it.
create function public.lockgate_services() returns text[]
language sql stable set search_path = '' as $$
  select coalesce(array_agg(name), '{}') from jsonb_array_elements_text(case jsonb_typeof(nullif(
      current_setting('request.jwt.claims', true), '')::jsonb #> '{app_metadata,lockgate_services}')
    when 'array' then current_setting('request.jwt.claims', true)::jsonb #> '{app_metadata,lockgate_services}'
    else '[]' end) as name
$$;

-- Between which two names all of them are: what an index can tell of a row without fetching it.
create function public.lockgate_bounds() returns text[]
language sql stable security definer set search_path = '' as $$
  select case when '*' = any (public.lockgate_services()) then array['', greatest(
      (select max(service) from public.deployment_events), (select max(service) from public.deployments),
      (select max(service) from public.deployment_leases))]
    else (select array[min(name), max(name)] from unnest(public.lockgate_services()) as name) end
$$;

-- Every question is asked once a query, not once a row. The third stands alone, so that the planner takes half of the rows
-- for readable: with a guess as low as for `service = any (...)` it would read everything before it sorts out a page.
do $$
declare name text;
begin
  foreach name in array array['deployment_events', 'deployments', 'deployment_current', 'deployment_leases'] loop
    execute format('create policy named_services on public.%I for select to authenticated using ('
      'service >= (select (public.lockgate_bounds())[1]) and service <= (select (public.lockgate_bounds())[2]) and ('
      '(select ''*'' = any (public.lockgate_services())) or service = any ((select public.lockgate_services())::text[])))', name);
    execute format('grant select on public.%I to authenticated, service_role', name);
  end loop;
end $$;
grant select on public.deployment_chain, public.deployment_anchors to service_role;

do $$
declare one regprocedure;
begin
  for one in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'public' and p.proname like 'lockgate\_%' loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', one);
  end loop;
end $$;
grant execute on function
  public.lockgate_acquire, public.lockgate_holder, public.lockgate_renew, public.lockgate_append, public.lockgate_replay,
  public.lockgate_forget, public.lockgate_events, public.lockgate_unfinished, public.lockgate_standing,
  public.lockgate_verified, public.lockgate_rolled_back, public.lockgate_deployments, public.lockgate_export,
  public.lockgate_chain, public.lockgate_metrics to service_role;
-- The policies call them as the person who asks; they tell nothing but what is in the own token, or that all may be seen.
grant execute on function public.lockgate_services, public.lockgate_bounds to authenticated;
grant usage on schema public to authenticated, service_role;

-- For Supabase Realtime. In a plain PostgreSQL the publication is made, where the owner may.
do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
  alter publication supabase_realtime add table public.deployment_events, public.deployments, public.deployment_current;
exception when insufficient_privilege then
  raise notice 'lockgate: this user may not publish the tables; Realtime will not see them';
end $$;
