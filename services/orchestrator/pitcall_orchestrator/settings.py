"""What can be set on an orchestrator from its environment."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment of the orchestrator (prefix ``PITCALL_ORCHESTRATOR_``). Every default runs on a laptop."""

    model_config = SettingsConfigDict(env_prefix="PITCALL_ORCHESTRATOR_", frozen=True, populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(
        default=8080,
        ge=0,
        le=65_535,
        validation_alias=AliasChoices("PITCALL_ORCHESTRATOR_PORT", "PORT"),  # Cloud Run names it PORT
        description="Listening port; 0 takes a free one.",
    )
    model_server: str = Field(
        default="127.0.0.1:50051",
        validation_alias=AliasChoices("PITCALL_ORCHESTRATOR_MODEL_SERVER", "MCP_SERVER_URL"),
        description="gRPC address of the model server, host:port.",
    )
    log_level: str = Field(
        default="INFO",
        validation_alias=AliasChoices("PITCALL_ORCHESTRATOR_LOG_LEVEL", "LOG_LEVEL"),
        description="DEBUG, INFO, WARNING or ERROR.",
    )
    page: Path = Field(
        default=Path(__file__).with_name("static"), description="Folder of the built page (`make web` fills it)."
    )
    deadline_ms: int = Field(
        default=8_000, ge=50, le=60_000, description="Time for an answer when the question names none, ms."
    )
    open_questions: int = Field(default=4, ge=1, le=64, description="Questions that one session may have open.")
    retention_s: float = Field(
        default=60.0, gt=0, le=3_600, description="How long a session outlives its connection, s."
    )
    kept_frames: int = Field(default=2_000, ge=10, description="Frames kept per session for a reconnect.")
    kept_bytes: int = Field(default=16 << 20, ge=1 << 20, description="Most bytes of frames kept per session.")
    sessions: int = Field(default=1_000, ge=1, description="Sessions at a time, connected or waiting for a reconnect.")
    races: int = Field(default=8, ge=1, description="Race logs kept in memory.")
    drain_s: float = Field(default=2.0, ge=0, le=60, description="Time for open questions after SIGTERM, s.")
