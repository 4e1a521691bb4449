#!/usr/bin/env bash
# Starts or stops a docker daemon of its own, where nothing like systemd does it. Needs root, and dockerd on the PATH.
#
#   dockerd.sh start DIRECTORY [STORE]  prints the DOCKER_HOST to use; everything the daemon writes is in DIRECTORY
#   dockerd.sh stop DIRECTORY           ends the daemon and removes DIRECTORY
#
# With a STORE, `classic` or `containerd`, images are kept there, beside another daemon whose network is left alone.
set -euo pipefail

action=${1:?start or stop}
directory=${2:?a directory for the daemon}
store=${3:-}
socket=$directory/docker.sock
pidfile=$directory/docker.pid

start() {
  mkdir -p "$directory"
  # Its own network, for the usual one may be taken by whatever this machine runs in.
  local options=(--bip 172.31.255.1/24)
  if [[ -n $store ]]; then
    # An address for docker0 only where none is; `--bridge none` would even remove it.
    if [[ -e /sys/class/net/docker0 ]]; then options=(); fi
    options+=(--iptables=false --ip6tables=false --config-file "$directory/daemon.json")
    printf '{"features": {"containerd-snapshotter": %s}}\n' \
      "$([[ $store == containerd ]] && echo true || echo false)" >"$directory/daemon.json"
  fi
  dockerd --data-root "$directory/data" --exec-root "$directory/exec" --host "unix://$socket" --pidfile "$pidfile" \
    "${options[@]}" >"$directory/log" 2>&1 </dev/null &
  local pid=$! attempt
  for attempt in $(seq 150); do
    if docker --host "unix://$socket" ps --quiet >/dev/null 2>&1; then
      echo "unix://$socket"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  echo "dockerd did not start (attempt $attempt); the end of its log:" >&2
  tail -n 20 "$directory/log" >&2
  kill "$pid" 2>/dev/null || true
  return 1
}

stop() {
  local pid
  if pid=$(cat "$pidfile" 2>/dev/null) && kill "$pid" 2>/dev/null; then
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  fi
  rm -rf "$directory"
}

case $action in
  start) start ;;
  stop) stop ;;
  *)
    echo "usage: dockerd.sh start|stop DIRECTORY [STORE]" >&2
    exit 2
    ;;
esac
