#!/usr/bin/env bash
# Unpacks Debian packages into a directory and installs nothing: programs that this machine does not have, or not so new.
#
#   packages.sh DIRECTORY PACKAGE...
#
# Debian 12 has no buildx and an old docker. Those of Debian 13 run on its C library. Elsewhere the machine's own sources are
# used. Either way apt keeps lists of its own for this, so that anybody may run it, and checks every package's signature.
set -euo pipefail

directory=$(realpath -m "${1:?a directory for the packages}")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

write_config() {
  local ID='' VERSION_ID=''
  # shellcheck source=/dev/null
  . /etc/os-release
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/packages"
  : >"$work/status"
  cat <<CONF
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache::archives "$work/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
CONF
  if [[ $ID == debian && ${VERSION_ID:-99} -lt 13 ]]; then
    echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' \
      >"$work/sources.list"
    echo "Dir::Etc::sourcelist \"$work/sources.list\"; Dir::Etc::sourceparts \"-\";"
  fi
}

write_config >"$work/apt.conf"
export APT_CONFIG=$work/apt.conf
mkdir -p "$directory"
cd "$work/packages"
apt-get update -qq
apt-get download -qq "$@"
for package in ./*.deb; do dpkg-deb --extract "$package" "$directory"; done
