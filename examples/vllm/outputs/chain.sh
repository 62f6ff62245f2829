#!/bin/sh
# Made by streamsolve from a lock; make it again rather than change it.
#
# Builds everything, one after the other. MOCK, CREATEREPO, SRPMS (the directory of the source
# packages) and WORK (results and logs) may be set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mock=${MOCK:-mock}
createrepo=${CREATEREPO:-createrepo_c}
srpms=${SRPMS:-$here/srpms}
# Where the configurations look for it.
repo=$here/repo
work=${WORK:-$here/work}

mkdir -p -- "$repo" "$work" "$srpms"
# Source packages of the specs that are here, where they are older than what they are made of.
for specs in "$here"/specs/*/; do
    srpm=$srpms/$(basename -- "$specs").src.rpm
    if [ -d "$specs" ] && { [ ! -f "$srpm" ] || [ -n "$(find "$specs" -newer "$srpm")" ]; }; then
        "$here/srpm.sh" "${specs%/}" "$here/sources" "$srpm"
    fi
done
"$createrepo" --quiet -- "$repo"

# chain ROOT ARGUMENT...: build in a root, then publish.
chain() {
    root=$1
    shift
    "$mock" --chain --localrepo "$work" -r "$here/configs/$root.cfg" "$@"
    find "$work/results/$root" -name '*.rpm' ! -name '*.src.rpm' -exec cp -f -- {} "$repo" ';'
    "$createrepo" --quiet -- "$repo"
}

# level 1 of 11
chain build-interpreter-python --with python_abi_provides_for_alt_pythons "$srpms"/interpreter-python-3.14.src.rpm

# level 2 of 11
chain build-flit-core-bootstrap --with bootstrap --without check --without tests --nocheck "$srpms"/flit-core-3.12.0.src.rpm

# level 3 of 11
chain build-pip --without check --without tests --nocheck "$srpms"/pip-26.1.2.src.rpm

# level 4 of 11
chain build-flit-core-final "$srpms"/hatchling-1.26.3.src.rpm "$srpms"/hatchling-1.31.0.src.rpm "$srpms"/hatchling-1.33.0.src.rpm "$srpms"/nccl4py-0.6.0.src.rpm
chain build-flit-core-final --without check --without tests --nocheck "$srpms"/flit-core-3.12.0.src.rpm
chain build-pdm-backend --without check --without tests --nocheck "$srpms"/pdm-backend-2.4.9.src.rpm
chain build-poetry-core --without check --without tests --nocheck "$srpms"/poetry-core-2.4.1.src.rpm
chain build-setuptools --without check --without tests --nocheck "$srpms"/setuptools-80.10.2.src.rpm "$srpms"/setuptools-80.9.0.src.rpm "$srpms"/setuptools-83.0.0.src.rpm

# level 5 of 11
chain build-aiohappyeyeballs "$srpms"/lm-format-enforcer-0.11.3.src.rpm "$srpms"/model-hosting-container-standards-0.1.16.src.rpm "$srpms"/pkgconfig-1.6.0.src.rpm "$srpms"/prometheus-fastapi-instrumentator-8.1.0.src.rpm
chain build-aiohappyeyeballs --without check --without tests --nocheck "$srpms"/aiohappyeyeballs-2.7.1.src.rpm "$srpms"/rich-15.0.0.src.rpm "$srpms"/tomlkit-0.13.2.src.rpm
chain build-aiosignal "$srpms"/astor-0.8.1.src.rpm "$srpms"/calver-2025.10.20.src.rpm "$srpms"/depyf-0.20.0.src.rpm "$srpms"/huggingface-hub-2.4.0.src.rpm "$srpms"/interegular-0.3.3.src.rpm "$srpms"/lark-1.2.2.src.rpm "$srpms"/meson-1.12.1.src.rpm "$srpms"/nvidia-ml-py-13.615.71.src.rpm "$srpms"/prometheus-client-0.26.0.src.rpm "$srpms"/pyjwt-2.15.1.src.rpm "$srpms"/python-dotenv-1.2.2.src.rpm "$srpms"/supervisor-4.3.0.src.rpm "$srpms"/transformers-5.20.2.src.rpm
chain build-aiosignal --without check --without tests --nocheck "$srpms"/aiosignal-1.4.0.src.rpm "$srpms"/certifi-2026.1.4.src.rpm "$srpms"/charset-normalizer-3.4.9.src.rpm "$srpms"/email-validator-2.3.0.src.rpm "$srpms"/googleapis-common-protos-1.76.0.src.rpm "$srpms"/h11-0.16.0.src.rpm "$srpms"/ijson-3.5.1.src.rpm "$srpms"/jmespath-1.0.1.src.rpm "$srpms"/python-json-logger-4.1.0.src.rpm "$srpms"/requests-2.34.2.src.rpm "$srpms"/semantic-version-2.10.0.src.rpm
chain build-annotated-doc "$srpms"/annotated-doc-0.0.7.src.rpm "$srpms"/fastapi-0.136.3.src.rpm "$srpms"/fastapi-cli-0.0.34.src.rpm "$srpms"/fastapi-cloud-cli-0.23.0.src.rpm "$srpms"/partial-json-parser-0.2.1.1.post7.src.rpm
chain build-annotated-doc --without check --without tests --nocheck "$srpms"/typer-0.27.1.src.rpm
chain build-build "$srpms"/build-1.5.0.src.rpm "$srpms"/markdown-it-py-4.2.0.src.rpm "$srpms"/mdurl-0.1.2.src.rpm "$srpms"/pyproject-hooks-1.2.0.src.rpm
chain build-build --without check --without tests --nocheck "$srpms"/cloudpickle-3.1.2.src.rpm "$srpms"/idna-3.18.src.rpm "$srpms"/loguru-0.7.3.src.rpm "$srpms"/packaging-26.2.src.rpm "$srpms"/pathspec-1.1.1.src.rpm "$srpms"/pyproject-metadata-0.12.1.src.rpm "$srpms"/truststore-0.10.4.src.rpm "$srpms"/wheel-0.47.0.src.rpm
chain build-cffi --without check --without tests --nocheck "$srpms"/cffi-2.0.0.src.rpm
chain build-click "$srpms"/click-8.4.2.src.rpm
chain build-cuda-tile "$srpms"/cuda-tile-1.7.0.src.rpm
chain build-cython --without check --without tests --nocheck "$srpms"/cython-3.2.8.src.rpm
chain build-dill "$srpms"/dill-0.4.1.src.rpm
chain build-dunamai --without check --without tests --nocheck "$srpms"/dunamai-1.26.2.src.rpm
chain build-httptools "$srpms"/httptools-0.6.4.src.rpm "$srpms"/markupsafe-3.0.2.src.rpm "$srpms"/protobuf-6.33.5.src.rpm
chain build-httptools --without check --without tests --nocheck "$srpms"/msgspec-0.19.0.src.rpm "$srpms"/multidict-7.2.1.src.rpm "$srpms"/websockets-15.0.1.src.rpm
chain build-jinja2 --without check --without tests --nocheck "$srpms"/jinja2-3.1.6.src.rpm
chain build-llvmlite --without check --without tests --nocheck "$srpms"/llvmlite-0.47.0.src.rpm
chain build-mpmath "$srpms"/mpmath-1.3.0.src.rpm
… and 110 lines more
