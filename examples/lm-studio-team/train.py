"""Submits a training, follows it until it ends, or cancels one. Standard library only.

    python3 train.py submit sales-2026 [epochs] [batches] [batch_ms]   # prints the task id, then its progress
    python3 train.py follow TASK_ID
    python3 train.py cancel TASK_ID
"""

import json
import os
import sys
import urllib.error
import urllib.request

TEAM = os.environ.get("TEAM_URL", "http://127.0.0.1:8000")
ERRAND = os.environ.get("ERRAND_URL", "http://127.0.0.1:8787")
ENDS = {"completed", "failed", "cancelled", "expired"}


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def events(task_id):
    """Events of a task's feed. A lost connection or a restarted server is gone on behind the last event."""
    after = None
    while True:
        headers = {} if after is None else {"last-event-id": after}
        request = urllib.request.Request(f"{ERRAND}/api/tasks/{task_id}/stream", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as stream:
                if stream.status == 204:
                    return
                name, data, cursor = "message", [], None
                for raw in stream:
                    line = raw.decode().rstrip("\n")
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("id: "):
                        cursor = line[4:]
                    elif line.startswith("data: "):
                        data.append(line[6:])
                    elif line == "" and data:
                        after = cursor or after
                        yield name, json.loads("\n".join(data))
                        name, data, cursor = "message", [], None
        except urllib.error.HTTPError:
            raise
        except (OSError, ValueError):
            continue


def follow(task_id):
    for _name, event in events(task_id):
        progress = event.get("progress")
        if isinstance(progress, dict) and progress.get("message"):
            print(progress["message"], flush=True)
        if event.get("status") in ENDS:
            print(event["status"], flush=True)
            return event["status"]
    status = call(f"{ERRAND}/api/tasks/{task_id}")["status"]
    print(status, flush=True)
    return status


def main(args):
    if args[:1] == ["submit"] and len(args) >= 2:
        sizes = dict(zip(["epochs", "batches", "batchMs"], map(int, args[2:])))
        task_id = call(f"{TEAM}/train", {"dataset": args[1], **sizes})["task_id"]
        print(task_id, flush=True)
        return 0 if follow(task_id) == "completed" else 1
    if args[:1] == ["follow"] and len(args) == 2:
        return 0 if follow(args[1]) == "completed" else 1
    if args[:1] == ["cancel"] and len(args) == 2:
        print(call(f"{ERRAND}/api/tasks/{args[1]}/cancel", {})["status"])
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
