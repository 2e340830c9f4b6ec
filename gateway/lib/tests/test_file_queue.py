"""The folder that carries messages: each arrives once and whole, whoever writes and reads at the same time."""

from __future__ import annotations

import threading
import time

import pytest
from kombu import Connection

COUNT, WRITERS = 150, 3
OURS = "gateway.lib.file_queue:Transport"


@pytest.fixture
def queue(tmp_path):
    folder = str(tmp_path)
    options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": f"{folder}/control"}

    def queue(transport=OURS):
        return Connection(transport=transport, transport_options=options).SimpleQueue("jobs")

    with queue() as first:  # declares it, before anybody hurries
        first.qsize()
    return queue


def test_every_message_is_read_once_and_whole(queue):
    seen, problems, deadline = [], [], time.monotonic() + 30

    def write(writer):
        with queue() as jobs:
            for number in range(COUNT):
                jobs.put({"id": f"{writer}-{number}", "text": "x" * 5_000})

    def read():
        with queue() as jobs:
            while time.monotonic() < deadline and len(seen) < COUNT * WRITERS:
                try:
                    message = jobs.get(block=False)
                except jobs.Empty:
                    continue
                except Exception as error:  # what would have ended a worker
                    problems.append(error)
                    continue
                message.ack()
                seen.append(message.payload["id"])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert sorted(seen) == sorted(f"{writer}-{number}" for writer in range(WRITERS) for number in range(COUNT))
