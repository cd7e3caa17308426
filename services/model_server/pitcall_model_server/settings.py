"""Settings of the model server."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pitcall.sim.messages import MAX_PATHS, Budget


class Settings(BaseSettings):
    """Environment of the model server (prefix ``PITCALL_MODEL_``). Every default runs on a laptop."""

    model_config = SettingsConfigDict(env_prefix="PITCALL_MODEL_", frozen=True, populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(
        default=50051,  # where an orchestrator looks by default
        ge=0,
        le=65_535,
        validation_alias=AliasChoices("PITCALL_MODEL_PORT", "PORT"),  # Cloud Run names it PORT
        description="Port to listen on; 0 takes a free one.",
    )
    sim_urls: str = Field(
        default="http://127.0.0.1:8082",
        pattern=r"^https?://[^\s,]+(\s*,\s*https?://[^\s,]+)*$",
        validation_alias=AliasChoices("PITCALL_MODEL_SIM_URLS", "PITCALL_MODEL_SIM_URL"),
        description="Where the sim workers answer, separated by commas; several share the races of each question.",
    )
    model: Path | None = Field(
        default=None,
        description="Folder of the fitted model, as `pitcall fit` writes it; unset: the one that ships.",
    )
    max_paths: int = Field(
        default=Budget().max_paths,
        ge=1,
        le=MAX_PATHS,
        validation_alias=AliasChoices("PITCALL_MODEL_MAX_PATHS", "MONTE_CARLO_ITERATIONS"),
        description="Most races played per call, where a question does not say.",
    )
    deadline_s: float = Field(default=30.0, gt=0, le=3_600, description="Time for a question that names no deadline.")
    log_level: str = Field(
        default="INFO",
        validation_alias=AliasChoices("PITCALL_MODEL_LOG_LEVEL", "LOG_LEVEL"),
        description="DEBUG, INFO, WARNING or ERROR.",
    )

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses of the sim workers, each once."""
        return tuple(dict.fromkeys(url.strip() for url in self.sim_urls.split(",")))
