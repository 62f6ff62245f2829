#!/bin/sh
# vLLM for CUDA on Fedora 45, with the command: from a plan to packages.
#
#   build.sh plan      locks, and writes what mock and others read; needs no network
#   build.sh           goes on: brings the sources, and builds with mock
#
# BASE is the base, or a directory of its repositories. CUDA and CUDA_KEY are the addresses of
# NVIDIA's repository and of its key; builds need the real ones.
set -eu
base=${BASE:-fedora-45}
cuda=${CUDA:-https://packages.example/cuda/}
key=${CUDA_KEY:-https://packages.example/cuda/KEY}
lock=vllm.lock.json

streamsolve lock vllm --variant cuda --base "$base" -o "$lock"
streamsolve check "$lock"
streamsolve emit mock "$lock" -o build --repo nvidia="$cuda" --gpg-key nvidia="$key"
streamsolve emit constraints "$lock" -o python
streamsolve emit modulemd "$lock" -o module
streamsolve emit koji "$lock" -o koji --tag f45-vllm --owner packager --parent f45-build
if [ "${1:-all}" = plan ]; then exit; fi

streamsolve sources "$lock" -o build/sources --base-sources
streamsolve emit mock "$lock" -o build --sources build/sources --repo nvidia="$cuda" \
    --gpg-key nvidia="$key"
make -C build srpms
streamsolve build "$lock" -d build -j 4
