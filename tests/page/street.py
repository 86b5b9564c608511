"""A small street for the page to show, and what its gateway tells of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

HOURLY_WATTS = {
    "H01": (1500, 0),
    "H02": (1200, 0),
    "H05": (1000, 0),
    "H06": (600, 3600),
    "H07": (500, 5500),
    "H13": (400, 1900),
}
"""Load and generation of a street where the sun never sets, so that every hour sees trades."""

SCENARIO = """
name: page-test
seed: 7
start: 2016-06-09T09:00:00Z
data: { profiles: profiles.csv, repeat: true }
grid: { ceiling: 0.32, floor: 0.08, penalty: 0.05, time_zone: Europe/Berlin }
participants:
  from: data
  households:
    H06: { seller: conceder }
community_battery:
  { capacity_kwh: 20, power_kw: 2, efficiency: 0.92, deposit: 500, seller: zip, buyer: boulware }
negotiation: { rounds: 5, timeout_s: 60 }
"""


@dataclass(frozen=True)
class Market:
    """A running market, as its REST interface tells of it."""

    url: str

    def get(self, path: str, **parameters: object) -> Any:
        given = {name: str(value) for name, value in parameters.items()}
        answer = httpx.get(f"{self.url}/api/v1{path}", params=given, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def items(self, path: str, **parameters: object) -> list[Any]:
        items: list[Any] = self.get(path, limit=200, **parameters)["items"]
        return items

    def accounts(self) -> dict[str, str]:
        return {each["household"]: each["participant"] for each in self.items("/participants")}


def write_scenario(folder: Path) -> Path:
    """A scenario of three days, whose loads are now more and now less than the day before."""
    rows = ["time,household,load_w,pv_w"]
    for hour in range(72):
        time_ = datetime(2016, 6, 7, tzinfo=UTC) + timedelta(hours=hour)
        change = 1 + (hour * 7 % 11 - 5) / 50
        rows += [
            f"{time_:%Y-%m-%dT%H:%M:%SZ},{household},{round(load * change)},{round(pv / change)}"
            for household, (load, pv) in HOURLY_WATTS.items()
        ]
    (folder / "profiles.csv").write_text("\n".join(rows) + "\n")
    path = folder / "street.yaml"
    path.write_text(SCENARIO)
    return path
