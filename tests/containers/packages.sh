#!/usr/bin/env bash
# Unpacks Debian packages into a directory and installs nothing: programs that this machine does not have, or not so new.
#
#   packages.sh DIRECTORY PACKAGE...
#
# Debian 12 has no buildx and an old docker. Those of Debian 13 run on its C library; apt checks them against the signatures
# of Debian, in lists of its own. Elsewhere the machine's own sources are used.
set -euo pipefail

directory=$(realpath -m "${1:?a directory for the packages}")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sources() {
  local ID='' VERSION_ID=''
  # shellcheck source=/dev/null
  . /etc/os-release
  if [[ $ID != debian || ${VERSION_ID:-99} -ge 13 ]]; then return; fi
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' \
    >"$work/sources.list"
  : >"$work/status"
  cat >"$work/apt.conf" <<CONF
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache::archives "$work/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
CONF
  export APT_CONFIG=$work/apt.conf
  apt-get update -qq
}

sources
mkdir -p "$work/packages" "$directory"
cd "$work/packages"
apt-get download -qq "$@"
for package in ./*.deb; do dpkg-deb --extract "$package" "$directory"; done
