#!/usr/bin/env bash
# Makes a local stand-in for a python:3-slim image where no public registry can be reached, out of Debian's own packages.
#
#   base_image.sh ENGINE NAME [CACHE]
#
# ENGINE is the docker or podman to import it with, NAME the name it gets, CACHE where downloaded packages are kept. apt
# checks every package against Debian's signatures. The packages are unpacked and not configured; what their scripts would
# have made and a service needs is made by hand below. dpkg's records are written, so that a scanner sees every package.
set -euo pipefail

engine=${1:?the docker or podman to import with}
name=${2:?the name of the image}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(realpath -m "${3:-$work/packages}")
root=$work/root

packages=(
  base-files base-passwd bash coreutils dash debianutils dpkg findutils grep gzip hostname libc-bin libc6 login
  ncurses-base netbase passwd sed tar tzdata ca-certificates openssl python3 python3-venv libstdc++6
)

download() {
  mkdir -p "$cache/partial"
  : >"$work/no-packages-yet"
  # Without a cache of its own, apt would leave out what the machine's cache holds already.
  apt-get -o Dir::State::status="$work/no-packages-yet" -o Dir::Cache::archives="$cache" -o Debug::NoLocking=1 \
    -o APT::Install-Recommends=0 -o APT::Sandbox::User=root \
    install -qq -y --download-only "${packages[@]}" >/dev/null
}

unpack() {
  local package folder records=$root/var/lib/dpkg
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64,local/bin} "$root"/{proc,sys,dev,tmp,run,root,etc,home,var/cache} "$records/info"
  chmod 1777 "$root/tmp"
  chmod 700 "$root/root"
  for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
  for package in "$cache"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/info/*' \
      --exclude='./usr/share/lintian/*' --exclude='./usr/share/perl5' --exclude='./usr/share/doc/*/changelog*' \
      --exclude='./usr/share/bash-completion'
    { dpkg-deb -f "$package" | sed '1a Status: install ok installed' && echo; } >>"$records/status"
    dpkg-deb --fsys-tarfile "$package" | tar -t | sed 's#^\./#/#; s#/$##' \
      >"$records/info/$(dpkg-deb -f "$package" Package).list"
  done
}

configure() {
  install -m 644 "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  install -m 644 "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  ln -sf dash "$root/usr/bin/sh"
  # As in the images of Docker Hub: python in /usr/local/bin, and nothing that forbids to install into it.
  ln -s /usr/bin/python3 "$root/usr/local/bin/python"
  ln -s /usr/bin/python3 "$root/usr/local/bin/python3"
  rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"
  : >"$root/etc/ld.so.cache"
  ldconfig -r "$root"
}

download
unpack
configure
tar -C "$root" --numeric-owner -c . | "$engine" import \
  -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'ENV LANG=C.UTF-8' -c 'CMD ["python3"]' \
  - "$name"
