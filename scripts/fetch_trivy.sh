#!/usr/bin/env bash
# Fetch upstream's release of the pinned Trivy into a directory, with its checksums and its signatures. Nothing of it is run, and
# nothing of it is believed: scripts/check_trivy_pin.py verifies it.
set -euo pipefail

into=${1:?usage: fetch_trivy.sh DIR}
pin=$(dirname "$0")/lockgate/adapters/trivy_pin.py
version=$(sed -n 's/^    version="\(.*\)",$/\1/p' "$pin")
mapfile -t archives < <(grep -o "trivy_${version}_[A-Za-z0-9_-]*\.tar\.gz" "$pin" | sort -u)

mkdir -p "$into"
for name in "trivy_${version}_checksums.txt" "${archives[@]}"; do
  for file in "$name" "$name.sigstore.json"; do
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 --max-time 300 \
      --output "$into/$file" "https://github.com/aquasecurity/trivy/releases/download/v$version/$file"
  done
done
