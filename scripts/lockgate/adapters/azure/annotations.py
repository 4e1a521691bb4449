"""Release annotations: the marks on the charts of Application Insights that say when what was shipped."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime

from lockgate.adapters.azure.arm import Arm
from lockgate.core.azure_cloud import AzureConfig

_API = "2015-05-01"


def annotate(
    arm: Arm, config: AzureConfig, component: str, name: str, *, at: datetime, about: Mapping[str, str]
) -> None:
    """Put one mark; raise AzureError. The same rollout and name give the same mark, however often it is put."""
    path = (
        f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
        f"/providers/Microsoft.Insights/components/{component}/Annotations"
    )
    body = {
        "Id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{about.get('lockgate.rollout', '')}/{name}")),
        "AnnotationName": name,
        "EventTime": at.isoformat(),
        "Category": "Deployment",
        "Properties": json.dumps(dict(about)),
    }
    arm.send("PUT", path, _API, body)
