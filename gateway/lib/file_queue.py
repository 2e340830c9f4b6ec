"""Celery's messages in a folder, for the embedded edition: a message appears whole or not at all.

Kombu's own transport makes the file first and fills it then; a worker that looked in between read an empty message
and ended (seen within a few dozen messages). Here the file gets its name when it is complete.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        folder, name = Path(self.data_folder_out), f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        draft = folder / f".{name}.part"
        try:
            draft.write_text(dumps(payload))
            os.replace(draft, folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add {name} to the queue's folder.") from error


class Transport(filesystem.Transport):
    Channel = Channel
