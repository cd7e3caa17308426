"""Settings of the model server."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pitcall.sim.messages import MAX_PATHS, Budget
from pitcall_model_server.serving.versions import LIMIT, QUEUE_ROWS


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
        description="Folder of the race model, as `pitcall fit` writes it; unset: the blessed one, else what ships.",
    )
    watch_s: float = Field(
        default=5.0,
        ge=0,
        le=3_600,
        description="Time between two looks at what is blessed, give or take a fifth, s; 0 never looks.",
    )
    max_paths: int = Field(
        default=Budget().max_paths,
        ge=1,
        le=MAX_PATHS,
        validation_alias=AliasChoices("PITCALL_MODEL_MAX_PATHS", "MONTE_CARLO_ITERATIONS"),
        description="Most races played per call, where a question does not say.",
    )
    deadline_s: float = Field(default=30.0, gt=0, le=3_600, description="Time for a question that names no deadline.")
    evidence_s: float = Field(
        default=0.25,
        ge=0,
        le=10,
        description="A call waits for its sources so long, counted from the question, s; 0 looks for none.",
    )
    handbook: bool = Field(
        default=True,
        description="Read Pitcall's handbook and circuit pages into the embedded knowledge store at the first start.",
    )
    serve: str = Field(
        default="",
        pattern=r"^\s*([a-z0-9-]+(\s*,\s*[a-z0-9-]+)*)?\s*$",
        description="Names of the networks that Predict answers with from the start, separated by commas.",
    )
    cache_size: int = Field(
        default=LIMIT,
        ge=2,
        le=100,
        validation_alias=AliasChoices("PITCALL_MODEL_CACHE_SIZE", "MODEL_CACHE_SIZE"),
        description="Versions of a network in memory; the blessed one, the one before and the one on trial stay.",
    )
    queue_rows: int = Field(
        default=QUEUE_ROWS,
        ge=1,
        le=10_000_000,
        description="Rows that may wait for a network; whoever comes then is told when to come again.",
    )
    lanes: int = Field(
        default=1, ge=1, le=64, description="Passes of networks at once; on a GPU each has a stream of its own."
    )
    half: bool = Field(
        default=False, description="Networks compute in float16: for a GPU, and models whose tolerance allows it."
    )
    log_level: str = Field(
        default="INFO",
        validation_alias=AliasChoices("PITCALL_MODEL_LOG_LEVEL", "LOG_LEVEL"),
        description="DEBUG, INFO, WARNING or ERROR.",
    )

    @property
    def workers(self) -> tuple[str, ...]:
        """Addresses of the sim workers, each once."""
        return tuple(dict.fromkeys(url.strip() for url in self.sim_urls.split(",")))

    @property
    def served(self) -> tuple[str, ...]:
        """Names of the networks that Predict answers with, each once."""
        return tuple(dict.fromkeys(filter(None, (name.strip() for name in self.serve.split(",")))))
