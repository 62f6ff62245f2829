# level 1 of 11
fresh f45-vllm-build
submit f45-vllm python3.15 python3.15-3.14. "$srpms"/interpreter-python-3.14.src.rpm
finish

# level 2 of 11
"$koji" edit-tag -x rpm.macro._with_bootstrap=1 -x 'rpm.macro.dist=.fc45~bootstrap' f45-vllm-flit-core-3.12.0-bootstrap-build
fresh f45-vllm-flit-core-3.12.0-bootstrap-build
submit f45-vllm-flit-core-3.12.0-bootstrap python-flit-core python-flit-core-3.12.0- "$srpms"/flit-core-3.12.0.src.rpm
finish
"$koji" edit-tag -r rpm.macro._with_bootstrap -r rpm.macro.dist f45-vllm-flit-core-3.12.0-bootstrap-build

# level 3 of 11
fresh f45-vllm-build
submit f45-vllm python-pip python-pip-26.1.2- "$srpms"/pip-26.1.2.src.rpm
finish

# level 4 of 11
fresh f45-vllm-flit-core-3.12.0-final-build
fresh f45-vllm-hatchling-1.31.0-build
fresh f45-vllm-hatchling-1.33.0-build
fresh f45-vllm-build
submit f45-vllm-flit-core-3.12.0-final python-flit-core python-flit-core-3.12.0- "$srpms"/flit-core-3.12.0.src.rpm
submit f45-vllm-flit-core-3.12.0-final python3.14-hatchling python3.14-hatchling-1.26.3- "$srpms"/hatchling-1.26.3.src.rpm
submit f45-vllm-hatchling-1.31.0 python3.14-hatchling python3.14-hatchling-1.31.0- "$srpms"/hatchling-1.31.0.src.rpm
submit f45-vllm-hatchling-1.33.0 python3.14-hatchling python3.14-hatchling-1.33.0- "$srpms"/hatchling-1.33.0.src.rpm
submit f45-vllm python3.14-nccl4py python3.14-nccl4py-0.6.0- "$srpms"/nccl4py-0.6.0.src.rpm
submit f45-vllm python-pdm-backend python-pdm-backend-2.4.9- "$srpms"/pdm-backend-2.4.9.src.rpm
submit f45-vllm python-poetry-core python-poetry-core-2.4.1- "$srpms"/poetry-core-2.4.1.src.rpm
submit f45-vllm-hatchling-1.31.0 python-setuptools python-setuptools-80.10.2- "$srpms"/setuptools-80.10.2.src.rpm
… and 237 lines more
