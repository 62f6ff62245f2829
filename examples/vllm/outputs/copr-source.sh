#!/bin/sh
# streamsolve-0a0492e23a128b12896598f2
# Made by streamsolve: writes the spec and the checked sources of one component from a lock.
set -eu
lock=$(mktemp)
curl --fail --silent --show-error --location --output "$lock" https://packages.example/vllm.lock.json
printf '%s  %s\n' d1833f69d559c6fc18a8d2cf3468e1299f92bdb386a0b2dec0792e9f53c81ab8 "$lock" | sha256sum --check --quiet
exec streamsolve copr source "$lock" --component anthropic@2.12.0
