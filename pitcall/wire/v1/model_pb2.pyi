from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_BLESSED: _ClassVar[Role]
    ROLE_PREVIOUS: _ClassVar[Role]
    ROLE_CANARY: _ClassVar[Role]
    ROLE_SPARE: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_BLESSED: Role
ROLE_PREVIOUS: Role
ROLE_CANARY: Role
ROLE_SPARE: Role

class PredictRequest(_message.Message):
    __slots__ = ("name", "version", "race", "rows", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RACE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    race: str
    rows: int
    values: bytes
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., race: _Optional[str] = ..., rows: _Optional[int] = ..., values: _Optional[bytes] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("version", "rows", "values", "queue_ms", "compute_ms", "server_ms")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_MS_FIELD_NUMBER: _ClassVar[int]
    SERVER_MS_FIELD_NUMBER: _ClassVar[int]
    version: str
    rows: int
    values: bytes
    queue_ms: float
    compute_ms: float
    server_ms: float
    def __init__(self, version: _Optional[str] = ..., rows: _Optional[int] = ..., values: _Optional[bytes] = ..., queue_ms: _Optional[float] = ..., compute_ms: _Optional[float] = ..., server_ms: _Optional[float] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[LoadedModel]
    def __init__(self, models: _Optional[_Iterable[_Union[LoadedModel, _Mapping]]] = ...) -> None: ...

class LoadedModel(_message.Message):
    __slots__ = ("name", "version", "role", "percent", "inputs", "outputs", "bytes", "source", "degraded", "answered", "failed", "buckets")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    role: Role
    percent: float
    inputs: int
    outputs: int
    bytes: int
    source: str
    degraded: _containers.RepeatedScalarFieldContainer[str]
    answered: int
    failed: int
    buckets: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., percent: _Optional[float] = ..., inputs: _Optional[int] = ..., outputs: _Optional[int] = ..., bytes: _Optional[int] = ..., source: _Optional[str] = ..., degraded: _Optional[_Iterable[str]] = ..., answered: _Optional[int] = ..., failed: _Optional[int] = ..., buckets: _Optional[_Iterable[int]] = ...) -> None: ...

class LoadRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class LoadResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: LoadedModel
    def __init__(self, model: _Optional[_Union[LoadedModel, _Mapping]] = ...) -> None: ...

class UnloadRequest(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class UnloadResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BlessRequest(_message.Message):
    __slots__ = ("name", "version", "why", "percent")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    why: str
    percent: float
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., why: _Optional[str] = ..., percent: _Optional[float] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ("name", "version", "why")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    why: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class AliasResponse(_message.Message):
    __slots__ = ("blessed", "previous", "canary", "percent")
    BLESSED_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    CANARY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    blessed: str
    previous: _containers.RepeatedScalarFieldContainer[str]
    canary: str
    percent: float
    def __init__(self, blessed: _Optional[str] = ..., previous: _Optional[_Iterable[str]] = ..., canary: _Optional[str] = ..., percent: _Optional[float] = ...) -> None: ...
