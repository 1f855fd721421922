"""The answer to a small GET: what En Vivo answers to `GET /api/thresholds`. Each server makes JSON of it anew."""

import json
from pathlib import Path
from typing import Any, Final

THRESHOLDS: Final[list[dict[str, Any]]] = json.loads(Path(__file__).with_name("thresholds.json").read_text("utf-8"))


def small() -> dict[str, Any]:
    return {"success": True, "data": THRESHOLDS}
