"""Where objects are kept and how they are reached."""

import base64
import json
import os
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from pitcall.errors import InvalidRequest

#: The project's own configuration file, looked for in the working folder; its table ``[storage]`` is read.
CONFIG_FILE: Final = ".pitcall.toml"
#: The variable that ``pitcall model setup`` prints.
BLOB: Final = "PITCALL_STORAGE_B64"
#: Settings that a blob may not hold.
SECRETS: Final = frozenset({"azure_connection_string", "customer_key"})
#: Size step of parts; GCS asks for it.
_STEP: Final = 256 * 1024


class StorageSettings(BaseSettings):
    """Environment of all that reads or writes objects (prefix ``PITCALL_STORAGE_``). No default leaves the machine.

    A value is looked for in the arguments, the environment, ``PITCALL_STORAGE_B64`` (base64 of a JSON object) and the
    table ``[storage]`` of ``.pitcall.toml``, in this order.
    """

    model_config = SettingsConfigDict(
        env_prefix="PITCALL_STORAGE_", frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True
    )

    bucket: str = Field(
        default="",
        validation_alias=AliasChoices("PITCALL_STORAGE_BUCKET", "GCS_BUCKET"),
        description="gs://BUCKET, s3://BUCKET, az://CONTAINER or a folder, with a prefix; a bare name is on GCS.",
    )
    region: str | None = Field(default=None, description="Region of an S3 bucket.")
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s@]+$",
        description="Address of a store that is not the vendor's own: Wasabi, MinIO, an emulator.",
    )
    account: str | None = Field(default=None, description="Azure storage account.")
    azure_connection_string: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("PITCALL_STORAGE_AZURE_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING"),
        description="Azure credentials; without it the machine's identity.",
    )
    customer_key: SecretStr | None = Field(
        default=None, description="Base64 of 32 bytes with which GCS encrypts and then forgets; lose it, lose the data."
    )
    sse: str | None = Field(
        default=None, pattern="^(AES256|aws:kms)$", description="Encryption that S3 is asked for: AES256 or aws:kms."
    )
    sse_kms_key: str | None = Field(default=None, description="KMS key for aws:kms; without it the account's own.")
    connect_timeout_s: float = Field(default=5.0, gt=0, le=300, description="Time to connect, s.")
    read_timeout_s: float = Field(default=30.0, gt=0, le=3_600, description="Longest silence of a store, s.")
    attempts: int = Field(default=4, ge=1, le=20, description="Tries of what can be tried again, the first included.")
    threads: int = Field(default=4, ge=1, le=64, description="Connections of one transfer.")
    part_bytes: int = Field(
        default=8 * 1024 * 1024,
        ge=5 * 1024 * 1024,
        le=512 * 1024 * 1024,
        multiple_of=_STEP,
        description="Bytes of a part of a large transfer; S3 takes no smaller ones.",
    )
    min_storage_days: float = Field(
        default=0.0,
        ge=0,
        description="Age below which sync --delete and model gc spare an object: stores bill a minimum time.",
    )
    sync_on_startup: bool = Field(
        default=False,
        description="Ask the bucket what is blessed when a model is opened, also where the cache knows it.",
    )
    cache_bytes: int = Field(default=4 << 30, ge=1 << 20, description="Most bytes of models kept on this machine.")

    @field_validator("customer_key")
    @classmethod
    def _32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                length = len(base64.b64decode(value.get_secret_value(), validate=True))
            except ValueError:
                length = 0
            if length != 32:
                raise ValueError("must be base64 of 32 bytes; make one: openssl rand -base64 32")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then the blob, then the file."""
        found = [InitSettingsSource(settings_cls, values) for values in (_blob(), _file())]
        return init_settings, env_settings, *found, file_secret_settings


def read_settings(**flags: object) -> StorageSettings:
    """The settings of this process; flags that are None do not count.

    Raises:
        InvalidRequest: a value is wrong; the message names it, and holds no secret.
    """
    try:
        return StorageSettings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "storage"
        raise InvalidRequest(f"setting {name}: {first['msg']}") from None


def _blob() -> dict[str, Any]:
    """What ``PITCALL_STORAGE_B64`` holds. It is printed and pasted, so it must hold no secret."""
    text = os.environ.get(BLOB)
    if not text:
        return {}
    try:
        values = json.loads(base64.b64decode(text, validate=True))
    except ValueError as exc:
        raise InvalidRequest(f"{BLOB} is not base64 of a JSON object; print it again: pitcall model setup") from exc
    values = _known(values, BLOB)
    if SECRETS & set(values):
        raise InvalidRequest(f"{BLOB} holds a secret; secrets go into variables of their own")
    return values


def _file() -> dict[str, Any]:
    """The table ``[storage]`` of the project's file."""
    try:
        values = tomllib.loads(Path(CONFIG_FILE).read_text(encoding="utf-8")).get("storage", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise InvalidRequest(f"{CONFIG_FILE} cannot be read: {exc}") from exc
    return _known(values, f"{CONFIG_FILE}, [storage]")


def _known(values: object, where: str) -> dict[str, Any]:
    """A table whose names are settings: a name with a slip would be a default in silence."""
    if not isinstance(values, dict):
        raise InvalidRequest(f"{where} must hold settings by name")
    if unknown := sorted(set(values) - set(StorageSettings.model_fields)):
        raise InvalidRequest(f"{where}: there is no setting {unknown[0]!r}")
    return values
