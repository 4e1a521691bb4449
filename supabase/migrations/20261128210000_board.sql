-- What the board asks of the ledger: a word whenever something was added, and an index for each filter of its history.

-- A wake-up, never the data: whoever listens reads on from the position it has. Appends are one after the other already,
-- so the lock that a notification takes at commit costs them nothing.
create function public.lockgate_notify() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform pg_notify('lockgate_events', '');
  return null;
end $$;
revoke all on function public.lockgate_notify from public, anon, authenticated, service_role;
create trigger events_are_announced after insert on public.deployment_events
  for each statement execute function public.lockgate_notify();

create index deployments_by_environment on public.deployments (environment, deployed_at desc, id desc);
create index deployments_by_status on public.deployments (status, deployed_at desc, id desc);

-- For a search of any part of a version, commit, rollout, name or message. Where the extension cannot be had, such a
-- search reads the rows of the time that is asked for, and is slower.
do $$
begin
  if exists (select from pg_namespace where nspname = 'extensions') then
    create extension if not exists pg_trgm with schema extensions;
  else
    create extension if not exists pg_trgm with schema public;
  end if;
  execute format('create index deployments_by_words on public.deployments using gin ((lower(version || '' '' || commit_hash '
    '|| '' '' || id || '' '' || deployed_by || '' '' || coalesce(metadata ->> ''message'', ''''))) %I.gin_trgm_ops)',
    (select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm'));
exception when insufficient_privilege or undefined_file or feature_not_supported then
  raise notice 'lockgate: pg_trgm is not available; the search of the board will be slow';
end $$;
