#!/usr/bin/env bash
# Everything a release holds, in dist/: the source, the wheel, their checksums, and what the changelog says about this version.
# The same commit gives the same bytes: the only time in them is the commit's own.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${1:?usage: make_dist.sh UV}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

rm -rf dist
mkdir dist
git archive --format=tar --prefix="lockgate-$version/" HEAD | gzip -n -9 >"dist/lockgate-$version.tar.gz"
"$uv" build --no-config --quiet --wheel --out-dir dist .
rm -f dist/.gitignore
(cd dist && sha256sum -- *.tar.gz *.whl >SHA256SUMS)
awk -v heading="## [$version]" 'index($0, "## [") == 1 { on = index($0, heading) == 1; next } on' CHANGELOG.md >dist/NOTES.md
