"""COPR: projects, levels of builds, and the source script that runs inside it."""

from __future__ import annotations

from .asked import asked_stream
from .farm import Batch, Farm, FarmBuild, FarmLostError, FarmRefusedError
from .options import FarmOptions, FarmRepository
from .payload import component_of_payload
from .plan import FarmPlan, WantedBuild, WantedChroot, WantedProject, plan_farm
from .push import PushReport, push
from .status import FarmStatus, farm_status
from .webhook import WebhookAddress, webhook_addresses

__all__ = [
    "Batch",
    "Farm",
    "FarmBuild",
    "FarmLostError",
    "FarmOptions",
    "FarmPlan",
    "FarmRefusedError",
    "FarmRepository",
    "FarmStatus",
    "PushReport",
    "WantedBuild",
    "WantedChroot",
    "WantedProject",
    "WebhookAddress",
    "asked_stream",
    "component_of_payload",
    "farm_status",
    "plan_farm",
    "push",
    "webhook_addresses",
]
