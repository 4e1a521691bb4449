-- How the watch of a rollout that goes on looks so far: for whoever looks on, and for nothing else. One row a place, written
-- over every few seconds; it is no event and not in the chain, and the verdict that follows is.

create table public.deployment_watches (
  service     text        not null,
  environment text        not null,
  rollout     text        not null,
  watch       text        not null,
  at          timestamptz not null,
  report      jsonb       not null check (octet_length(report::text) < 500000),
  primary key (service, environment)
);
revoke all on public.deployment_watches from public, anon, authenticated, service_role;
alter table public.deployment_watches enable row level security;
create policy named_services on public.deployment_watches for select to authenticated using (
  (select '*' = any (public.lockgate_services())) or service = any ((select public.lockgate_services())::text[]));
grant select on public.deployment_watches to authenticated, service_role;

-- Note how it looks; of a rollout that does not go on nothing is noted.
create function public.lockgate_watch(p_note jsonb) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into public.deployment_watches as w
  select d.service, d.environment, d.id, p_note ->> 'watch', (p_note ->> 'at')::timestamptz, p_note -> 'report'
  from public.deployments d where d.id = p_note ->> 'rollout' and d.status = 'in_progress'
  on conflict (service, environment) do update
    set rollout = excluded.rollout, watch = excluded.watch, at = excluded.at, report = excluded.report
    where w.at <= excluded.at;
  return found;
end $$;
revoke all on function public.lockgate_watch from public, anon, authenticated, service_role;
grant execute on function public.lockgate_watch to service_role;
