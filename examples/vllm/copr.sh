#!/bin/sh
# vLLM for CUDA on Fedora 45, in COPR. Begins with what build.sh has made.
#
#   copr.sh plan       says what would be made and built in COPR; changes nothing
#   copr.sh            builds, and has upstreams' releases build their component again
#
# PROJECT is OWNER/NAME, LOCK_URL is where COPR can fetch vllm.lock.json.
set -eu
project=${PROJECT:-packager/vllm}
url=${LOCK_URL:-https://packages.example/vllm.lock.json}

# Sources that the lock suffices for are made in COPR, by `streamsolve copr source`; build/srpms
# has the others.
set -- "${1:-all}" vllm.lock.json --project "$project" -d build --lock-url "$url"
what=$1
shift
streamsolve copr push "$@" --dry-run
if [ "$what" = plan ]; then exit; fi

streamsolve copr push "$@"
streamsolve copr status "$@"
streamsolve copr webhook "$@" --set-up
