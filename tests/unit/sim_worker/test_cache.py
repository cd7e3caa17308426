"""Answers by request hash."""

from dataclasses import replace

import pytest
from pitcall_sim_worker.cache import ENTRY_BYTES, Cache, key_of
from pitcall_sim_worker.simulator import DECIDE_REQUEST

pytestmark = pytest.mark.unit


def test_never_holds_more_bytes_than_it_may():
    """Whatever is put in, the sum of the entries stays within the bound."""
    cache = Cache(10 * ENTRY_BYTES)
    for n in range(100):
        cache.put(bytes([n]), b"x" * n)
        assert cache.bytes <= 10 * ENTRY_BYTES
    assert cache.get(bytes([99])) == b"x" * 99


def test_drops_what_was_used_longest_ago():
    """A hit makes an entry young again."""
    cache = Cache(2 * (ENTRY_BYTES + 1))
    cache.put(b"a", b"1")
    cache.put(b"b", b"2")
    cache.get(b"a")
    cache.put(b"c", b"3")
    assert (cache.get(b"a"), cache.get(b"b"), cache.get(b"c")) == (b"1", None, b"3")


def test_an_answer_larger_than_the_cache_pushes_nothing_out():
    """It is not kept, and the others stay."""
    cache = Cache(ENTRY_BYTES + 10)
    cache.put(b"small", b"1")
    cache.put(b"large", b"x" * 11)
    assert (cache.get(b"small"), cache.get(b"large")) == (b"1", None)


def test_key_does_not_depend_on_how_the_json_was_written(request_):
    """White space and 90 for 90.0 are the same request; another seed is another."""
    body = DECIDE_REQUEST.dump_json(request_)
    loose = body.replace(b",", b" ,\n").replace(b":90.0,", b":90,")
    keys = {key_of(DECIDE_REQUEST, DECIDE_REQUEST.validate_json(raw)) for raw in (body, loose)}
    assert keys == {key_of(DECIDE_REQUEST, request_)}
    assert key_of(DECIDE_REQUEST, replace(request_, seed=8)) not in keys
