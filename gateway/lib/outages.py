"""Which errors of a database pass by themselves, so that a caller is told to come again and nobody is to blame."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError
from psycopg.errors import ReadOnlySqlTransaction


def database_unavailable(error: BaseException | None) -> bool:
    """Away, full, locked for too long or read-only: nothing was changed, and the same call may succeed later.

    A standby and a server that was made read-only are known by their code: the text is in the server's language.
    """
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)
