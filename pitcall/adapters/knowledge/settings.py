"""Settings of retrieval, the same for the model server and the command."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class KnowledgeSettings(BaseSettings):
    """Environment of retrieval (prefix ``PITCALL_KNOWLEDGE_``). Every default runs on a laptop, without a server."""

    model_config = SettingsConfigDict(env_prefix="PITCALL_KNOWLEDGE_", frozen=True, populate_by_name=True)

    url: SecretStr = Field(  # may hold user and password
        default=SecretStr(""),
        validation_alias=AliasChoices("PITCALL_KNOWLEDGE_URL", "ELASTICSEARCH_URL"),
        description="Address of Elasticsearch, such as https://user:password@host:9243; empty: SQLite in the home.",
    )
    api_key: SecretStr = Field(default=SecretStr(""), description="API key of Elasticsearch, instead of a password.")
    index: str = Field(
        default="pitcall-knowledge",
        pattern=r"^[a-z][a-z0-9-]{0,63}$",
        description="Alias of the index in Elasticsearch.",
    )
    analyzer: str = Field(
        default="english",
        pattern=r"^[a-z_]{1,64}$",
        description="Analyzer of a new index; with standard Pitcall makes the stems, for servers that lack english.",
    )
    repository: str = Field(
        default="pitcall-knowledge",
        pattern=r"^[a-z][a-z0-9-]{0,63}$",
        description="Snapshot repository in Elasticsearch.",
    )
    bucket: str = Field(
        default="", description="Cloud Storage bucket of that repository; empty: a folder of the server (path.repo)."
    )
    timeout_s: float = Field(default=10.0, gt=0, description="Time for one request to Elasticsearch, s.")
    embedder: Path | None = Field(
        default=None,
        description="Folder with MiniLM (model.safetensors, tokenizer.json); else the blessed one, else the package.",
    )
    device: str | None = Field(default=None, description="cpu or cuda; without it the graphics card if there is one.")
