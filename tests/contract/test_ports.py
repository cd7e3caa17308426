"""Free ports, on real sockets."""

import socket

import pytest

from pitcall.cli import ports
from pitcall.errors import PitcallError

pytestmark = pytest.mark.contract


def test_several_free_ports_are_different_and_free():
    """Three services can listen on them."""
    found = ports.free("127.0.0.1", 3)
    assert len(set(found)) == 3
    for port in found:
        socket.create_server(("127.0.0.1", port)).close()


def test_the_port_asked_for_is_taken_if_it_is_free():
    """The README's address is the one that works."""
    (port,) = ports.free("127.0.0.1", 1)
    assert ports.first_free("127.0.0.1", port) == port


def test_a_busy_port_makes_way_for_a_later_one():
    """Never an earlier one, never the busy one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port < ports.first_free("127.0.0.1", port) <= port + ports.TRIED


def test_zero_is_any_port():
    """Any that is free."""
    assert ports.first_free("127.0.0.1", 0) > 0


def test_an_address_of_another_machine_is_refused_with_the_reason():
    """192.0.2.1 is nobody's."""
    with pytest.raises(PitcallError, match=r"cannot listen on 192\.0\.2\.1.*choose another with --port"):
        ports.first_free("192.0.2.1", 8080)


def test_the_last_port_has_no_next():
    """65535 is where the numbers end."""
    with socket.create_server(("127.0.0.1", 65_535)), pytest.raises(PitcallError, match="65535"):
        ports.first_free("127.0.0.1", 65_535)
