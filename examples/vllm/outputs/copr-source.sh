#!/bin/sh
# streamsolve-0a0492e23a128b12896598f2
# Made by streamsolve: writes the spec and the checked sources of one component from a lock.
set -eu
lock=$(mktemp)
curl --fail --silent --show-error --location --output "$lock" https://packages.example/vllm.lock.json
printf '%s  %s\n' 6ec3ed36ccbdd415faf39f8ee24f4cc3b8609c034e62ae55c17117acf4ca0933 "$lock" | sha256sum --check --quiet
exec streamsolve copr source "$lock" --component anthropic@2.12.0
