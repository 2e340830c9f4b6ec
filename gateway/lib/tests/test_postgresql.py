"""A kept connection: used while it is silent, replaced once the server has ended it. A server that is not there at all."""

import socket
import threading
import time

import pytest
from django.db import OperationalError, connection, connections

from gateway.lib.postgresql import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose"),
]


@pytest.fixture
def checked(settings):
    """A connection as a request has it: looked at before its first statement."""
    connection.ensure_connection()
    connection.health_check_enabled, connection.health_check_done = True, False
    yield connection
    connection.health_check_enabled = False
    connection.close()


def answer(sql="SELECT 1"):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_a_silent_connection_is_used_without_a_question(checked, django_assert_num_queries):
    kept = checked.connection

    assert checked.is_usable()
    assert answer() == 1
    assert checked.connection is kept


def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(checked):
    ended = answer("SELECT pg_backend_pid()")
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    other.close()
    checked.health_check_done = False

    assert answer("SELECT pg_backend_pid()") != ended


def test_a_connection_whose_last_statement_was_broken_off_is_replaced_before_it_is_used(checked):
    busy = answer("SELECT pg_backend_pid()")
    checked.connection.pgconn.send_query(b"SELECT pg_sleep(60)")
    checked.health_check_done = False

    assert answer("SELECT pg_backend_pid()") != busy


def test_neither_side_waits_for_ever_for_the_other(checked):
    """Not where a pooler stands between: there the role has the server's part (docs/scaling.md)."""
    ours = checked.connection.info.get_parameters()
    servers = [answer(f"SHOW {name}") for name in ("idle_in_transaction_session_timeout", "tcp_keepalives_idle")]

    assert (ours["tcp_user_timeout"], ours["keepalives_idle"], ours["connect_timeout"]) == ("10000", "10", "2")
    assert servers == ["1min", "10"]


def test_no_statement_is_compiled(checked):
    """Which addresses can be swept is asked every ten seconds; of 100,000 compiling the question took a second or two."""
    assert answer("SHOW jit") == "off"


def test_a_prepared_statement_is_kept_and_found_again_after_a_rollback(checked):
    from django.db import transaction

    from accounts.credentials import find_portal_key

    for _ in range(4):
        assert find_portal_key("gw_test_" + "A" * 43) is None
    assert answer("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%accounts_portalkey%'") == 1
    with transaction.atomic():
        transaction.set_rollback(True)

    assert find_portal_key("gw_test_" + "A" * 43) is None


@pytest.fixture
def nobody(monkeypatch):
    """An address whose packets nobody answers: connections wait there until they are let through."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, socket.create_connection(silent.getsockname()):
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(silent.getsockname()[1]))
        yield
    base._vanished.clear()


def fails_in():
    """Seconds until a thread of its own is told that there is no database."""
    other = connections.create_connection("default")
    began = time.monotonic()
    with pytest.raises(OperationalError):
        other.ensure_connection()
    return time.monotonic() - began


def test_a_server_that_says_nothing_is_tried_by_one_thread_at_a_time(nobody):
    assert fails_in() >= 2  # connect_timeout
    trying = threading.Thread(target=fails_in)
    trying.start()
    while not base._trying.locked():
        time.sleep(0.01)

    assert fails_in() < 1
    assert trying.is_alive()
    trying.join()


def test_a_server_that_is_back_is_used_by_everybody_again(nobody, monkeypatch):
    fails_in()
    assert base._vanished.is_set()
    monkeypatch.undo()

    connections.create_connection("default").ensure_connection()

    assert not base._vanished.is_set()
    assert not base._trying.locked()


def test_a_server_that_refuses_is_tried_by_everybody(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", str(port))

    assert fails_in() < 1
    assert not base._vanished.is_set()
