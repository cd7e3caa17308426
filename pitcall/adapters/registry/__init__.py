"""Where models come from: the cache, the configured store, the package. ``open_model`` is what a service calls."""

from pitcall.adapters.registry.cache import Cache
from pitcall.adapters.registry.content import check_golden, describe
from pitcall.adapters.registry.lookup import OpenModel, open_cache, open_model, open_shelf, store_url
from pitcall.adapters.registry.shelf import Shelf

__all__ = [
    "Cache",
    "OpenModel",
    "Shelf",
    "check_golden",
    "describe",
    "open_cache",
    "open_model",
    "open_shelf",
    "store_url",
]
