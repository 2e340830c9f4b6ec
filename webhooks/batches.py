"""The courier's two statements on PostgreSQL: a batch of deliveries is leased, and written down, in one trip each.

Many rows go as one array or one JSON text, so that what a batch costs here hardly depends on how many are in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.lib.statements import fetch

# Delivery, endpoint, the event's public id, event_name, body, tries (this one counted), attempt_count.
Taken = tuple[UUID, UUID, str, str, str, int, int]

# Rows by array of keys, and the event by a look-up of each: no join whose plan could turn to reading a whole table.
_TAKE = """
WITH due AS (
  SELECT id, endpoint_id, due_at FROM webhooks_delivery
  WHERE due_at <= %s AND (leased_until IS NULL OR leased_until < %s)
  ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
), placed AS (
  SELECT id, endpoint_id, row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at, id) AS place FROM due
), taken AS (
  UPDATE webhooks_delivery AS delivery SET lease = %s, leased_until = %s, tries = tries + 1
  WHERE id = ANY(ARRAY(
    SELECT id FROM placed LEFT JOIN unnest(%s::uuid[], %s::int[]) AS room (endpoint_id, places) USING (endpoint_id)
    WHERE place <= coalesce(places, %s)
  ))
  RETURNING id, endpoint_id, (SELECT public_id FROM webhooks_event WHERE id = event_id), event_name, body, tries,
    attempt_count, due_at
)
SELECT (SELECT count(*) FROM due), taken.* FROM (SELECT) AS always LEFT JOIN taken ON true ORDER BY due_at, id
"""

_WRITE_DOWN = """
WITH ended AS (
  SELECT * FROM json_to_recordset(%s::json) AS ended (
    delivery uuid, lease text, number int, started_at timestamptz, duration_ms int, request_headers jsonb,
    response_status int, response_headers jsonb, response_body text, error text, status text, due_at timestamptz)
), attempts AS (
  INSERT INTO webhooks_attempt (delivery_id, number, started_at, duration_ms, request_headers, response_status,
    response_headers, response_body, error)
  SELECT delivery, number, started_at, duration_ms, request_headers, response_status, response_headers, response_body,
    error
  FROM ended
), written AS (
  UPDATE webhooks_delivery AS delivery SET status = ended.status, last_response_status = ended.response_status,
    last_error = ended.error, updated_at = %s,
    attempt_count = attempt_count + 1, due_at = ended.due_at, leased_until = NULL, lease = ''
  FROM ended WHERE delivery.id = ended.delivery AND delivery.lease = ended.lease
  RETURNING 1
)
SELECT count(*) FROM written
"""


def take_due(
    now: datetime, *, limit: int, lease: str, until: datetime, room: Mapping[UUID, int], usual_room: int
) -> tuple[int, list[Taken]]:
    """Leases what is oldest of what is due: at most `room` for each endpoint, `usual_room` for those not in it.

    Returns how many were looked at (`limit`: there may be more), and those that were taken, the oldest first.
    """
    values = [now, now, limit, lease, until, list(room.keys()), list(room.values()), usual_room]
    rows = fetch(_TAKE, values)
    return rows[0][0], [row[1:8] for row in rows if row[1] is not None]


def write_down(endings: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Inserts an attempt for each of `endings`, and ends its delivery where that lease is still on it."""
    fetch(_WRITE_DOWN, [json.dumps(list(endings), default=str), now])
