"""Settings, from the environment or a file `.env`; the command line overrides them."""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.chain.node import NodeKind

ROOT = Path(__file__).resolve().parents[1]


class Settings(BaseSettings):
    """What a market needs to know before it starts. Names in the environment: `PEERWATT_...`.

    `database_url` is `DATABASE_URL`: `postgresql://...`, or nothing for SQLite in the data folder.
    """

    model_config = SettingsConfigDict(
        env_prefix="PEERWATT_", env_file=".env", extra="ignore", frozen=True
    )

    scenario: Path = ROOT / "examples" / "street.yaml"
    node: NodeKind = "ganache"
    rpc: str | None = None
    data_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    speed: float = Field(default=360.0, gt=0)
    runs: Path = Path("runs")
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url")
    )
