#!/usr/bin/env bash
# Refuses a release whose tag is not the version of every package, or whose repository is not the one that they name:
# provenance is refused for another. To be run in the repository, with the variables of GitHub Actions.
set -euo pipefail

status=0
for manifest in ./packages/*/package.json; do
  tag=v$(node -p "require('$manifest').version")
  url=$(node -p "require('$manifest').repository.url")
  if [ "$tag" != "$GITHUB_REF_NAME" ]; then
    echo "$manifest: its version asks for the tag $tag, not $GITHUB_REF_NAME"
    status=1
  fi
  if [ "$url" != "git+$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git" ]; then
    echo "$manifest: names the repository $url, not git+$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git"
    status=1
  fi
done
exit "$status"
