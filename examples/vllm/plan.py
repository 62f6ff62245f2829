"""Which streams of vLLM must be built for Fedora 44, and what each one costs.

Run it with ``python examples/vllm/plan.py``; it needs no network.
"""

from __future__ import annotations

import streamsolve


def main() -> None:
    """Print the private streams of vLLM's default variant, the dearest first."""
    profile = streamsolve.load_profile("vllm")
    base = streamsolve.load_base("fedora-44", application="vllm")
    try:
        plan = streamsolve.plan(profile, base=base)
    except streamsolve.NoPlanError as error:
        for conflict in error.failure.conflicts:
            print(f"{conflict.about}: {conflict.cause.value}")
        raise SystemExit(3) from None

    private = plan.of_origin(streamsolve.Origin.PRIVATE)
    print(f"{plan.application} {plan.version} ({plan.variant}) on {plan.base}: ", end="")
    print(f"{len(private)} private streams, Python {plan.python}")
    for stream in sorted(private, key=lambda stream: (-stream.cost, stream.component)):
        wanted = ", ".join(f"{d.component} {d.requirement}" for d in stream.required_by)
        print(f"{stream.cost:4} min  {stream.component} {stream.version}  ({wanted})")


if __name__ == "__main__":
    main()
