"""Settings of the sim worker."""

import os

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pitcall.adapters.compiled import DEFAULT_CPU, Cpu


class Settings(BaseSettings):
    """Environment of the sim worker (prefix ``PITCALL_SIM_``). Every default runs on a laptop."""

    model_config = SettingsConfigDict(env_prefix="PITCALL_SIM_", frozen=True, populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(
        default=8082,
        ge=0,
        le=65_535,
        validation_alias=AliasChoices("PITCALL_SIM_PORT", "PORT"),  # Cloud Run names it PORT
        description="Port to listen on; 0 takes a free one.",
    )
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=256,
        validation_alias=AliasChoices("PITCALL_SIM_THREADS", "PARALLEL_WORKERS"),
        description="Threads of one simulation; never changes a bit of the answer. Default: all cores.",
    )
    cpu: Cpu = Field(
        default=DEFAULT_CPU,
        description="What to compile for: native, or a level that other machines run too (x86-64-v2, -v3, -v4).",
    )
    running: int = Field(default=1, ge=1, le=64, description="Simulations that run at the same time.")
    waiting: int = Field(default=16, ge=0, le=10_000, description="Requests that may wait; one more is refused (429).")
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="Most bytes of answers kept; 0 keeps none.")
    body_bytes: int = Field(default=2 * 2**20, ge=1_024, description="Largest request body.")
    deadline_s: float = Field(default=30.0, gt=0, le=3_600, description="Time for a request that names no deadline.")
    log_level: str = Field(
        default="INFO",
        validation_alias=AliasChoices("PITCALL_SIM_LOG_LEVEL", "LOG_LEVEL"),
        description="DEBUG, INFO, WARNING or ERROR.",
    )
