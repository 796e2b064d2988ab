"""A Flight client that knows nothing of Fluss: pyarrow from PyPI, and JSON.

Run by flight_test.go as `client.py URI STEP`. It prints nothing but `ok`; a
failed assertion ends it with a traceback.
"""

import json
import sys
import threading
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.flight as fl

ROWS = 1000


def table(rows=ROWS, start=0):
    """Rows with the columns of the table that flight_test.go makes."""
    n = range(start, start + rows)
    return pa.table(
        {
            "id": pa.array(n, pa.int64()),
            "name": pa.array([f"name {i}" for i in n], pa.string()),
            "amount": pa.array([i / 2 for i in n], pa.float64()),
            "at": pa.array([1_700_000_000_000_000 + i for i in n], pa.timestamp("us")),
        }
    )


def ticket(**fields):
    return fl.Ticket(json.dumps(fields).encode())


def read(client, **fields):
    return client.do_get(ticket(**fields)).read_all()


def put(client, path, batches, chunk=250):
    """Appends by DoPut; returns what the server acked."""
    descriptor = fl.FlightDescriptor.for_path(*path)
    writer, acks = client.do_put(descriptor, batches.schema)
    got, failed = [], []

    def collect():
        try:
            while (buf := acks.read()) is not None:
                got.append(json.loads(buf.to_pybytes()))
        except (fl.FlightError, pa.ArrowException, KeyError) as err:
            failed.append(err)  # told to the caller, unless writing tells it first

    collector = threading.Thread(target=collect)
    collector.start()
    with writer:
        writer.write_table(batches, max_chunksize=chunk)
        writer.done_writing()
        collector.join(timeout=60)
    assert not collector.is_alive(), "the stream of acks did not end"
    if failed:
        raise failed[0]
    return got


def step_list(client):
    found = {tuple(part.decode() for part in info.descriptor.path): info for info in client.list_flights()}
    path = [p for p in found if p[-1] == "events"]
    assert path, f"events is not among {list(found)}"
    assert found[path[0]].schema.names == ["id", "name", "amount", "at"], found[path[0]].schema
    for descriptor in (["fluss", "events"], ["fluss.events"]):
        info = client.get_flight_info(fl.FlightDescriptor.for_path(*descriptor))
        assert info.schema.field("id").type == pa.int64()
        assert not info.schema.field("id").nullable
        assert len(info.endpoints) == 3, len(info.endpoints)
        rows = sum(client.do_get(e.ticket).read_all().num_rows for e in info.endpoints)
        assert rows == ROWS, rows
        schema = client.get_schema(fl.FlightDescriptor.for_path(*descriptor)).schema
        assert schema.names == ["id", "name", "amount", "at"]


def step_put(client):
    acks = put(client, ["fluss", "events"], table())
    assert sum(a["rows"] for a in acks) == ROWS, acks
    assert all(a["end"] - a["base"] == a["rows"] for a in acks), acks


def step_read(client):
    got = read(client, table="fluss.events").sort_by("id")
    assert got.column("id").to_pylist() == list(range(ROWS))
    assert got.column("name").to_pylist() == table().column("name").to_pylist()
    assert got.column("at").to_pylist() == table().column("at").to_pylist()

    got = read(client, table="fluss.events", columns=["amount", "id"])
    assert got.column_names == ["amount", "id"]
    assert pc.sum(got.column("amount")).as_py() == sum(i / 2 for i in range(ROWS))

    got = read(client, table="fluss.events", filter="id >= 990 AND name LIKE '%5'", columns=["name"])
    assert got.column("name").to_pylist() == ["name 995"], got

    got = read(client, table="fluss.events", columns=["id"], system_columns=["__bucket", "__offset", "__timestamp"])
    assert got.column_names == ["id", "__bucket", "__offset", "__timestamp"]
    for bucket in range(3):
        offsets = got.filter(pc.equal(got.column("__bucket"), bucket)).column("__offset").to_pylist()
        assert offsets == list(range(len(offsets))), f"bucket {bucket} is not dense and in order"

    assert read(client, table="fluss.events", limit=7).num_rows == 7
    assert read(client, table="fluss.events", **{"from": "latest"}).num_rows == 0
    assert read(client, table="fluss.events", **{"from": {"offset": 1}, "until": {"offset": 3}, "buckets": [0]}).num_rows == 2
    assert read(client, table="fluss.events", **{"from": {"timestamp": "2001-01-01T00:00:00Z"}}).num_rows == ROWS
    assert read(client, table="fluss.events", **{"from": {"timestamp": "2101-01-01T00:00:00Z"}}).num_rows == 0


def step_follow(client):
    """Follows a live table: what is appended meanwhile comes at once."""
    reader = client.do_get(ticket(table="fluss.events", columns=["id"], **{"from": "latest", "until": "never"}))
    seen, first, failed = [], threading.Event(), []

    def follow():
        try:
            for chunk in reader:
                seen.extend(chunk.data.column("id").to_pylist())
                if seen:
                    first.set()
                if len(seen) >= 20:
                    return
        except Exception as err:  # told to the main thread
            failed.append(err)

    follower = threading.Thread(target=follow)
    follower.start()
    # Rows are appended until the first is seen: the reader starts at a «latest» of its own.
    start = 10_000
    deadline = time.monotonic() + 30
    while not first.is_set() and time.monotonic() < deadline:
        put(client, ["fluss", "events"], table(1, start))
        start += 1
        first.wait(0.1)
    put(client, ["fluss", "events"], table(30, start))
    follower.join(timeout=30)
    assert not follower.is_alive(), f"only {len(seen)} rows came"
    assert not failed, failed
    assert len(set(seen)) == len(seen) and all(i >= 10_000 for i in seen), seen
    reader.cancel()


def step_errors(client):
    """Errors say what is wrong, where, and what to do."""
    cases = [
        ({"table": "fluss.nothing"}, ["nothing"]),
        ({"table": "fluss.events", "columns": ["nmae"]}, ["nmae", "name"]),
        ({"table": "fluss.events", "filter": "id >"}, ["filter"]),
        ({"table": "fluss.events", "filter": "nmae = 1"}, ["nmae"]),
        ({"table": "fluss.events", "colums": ["id"]}, ["colums", "columns"]),
        ({"table": "fluss.events", "limit": "seven"}, ["limit"]),
        ({"columns": ["id"]}, ["table"]),
        ({"table": "fluss.events", "buckets": [0], "from": {"offset": 10**9}}, ["offset"]),
    ]
    for fields, words in cases:
        try:
            read(client, **fields)
        except (fl.FlightError, pa.ArrowException, KeyError) as err:
            text = str(err)
            for word in words:
                assert word in text, f"{fields}: {word!r} is not in {text!r}"
        else:
            raise AssertionError(f"{fields} was accepted")
    for garbage in (b"", b"garbage", b"{", b"FSR1\xff\xff", b"[]"):
        try:
            client.do_get(fl.Ticket(garbage)).read_all()
        except (fl.FlightError, pa.ArrowException):
            pass
        else:
            raise AssertionError(f"the ticket {garbage!r} was accepted")

    wrong = pa.table({"id": pa.array(["one"]), "name": pa.array(["x"])})
    dictionary = pa.table({"id": pa.array([1], pa.int64()), "nosuch": pa.array(["x"])})
    for rows, word in ((wrong, "id"), (dictionary, "nosuch")):
        try:
            put(client, ["fluss", "events"], rows)
        except (fl.FlightError, pa.ArrowException) as err:
            assert word in str(err), err
        else:
            raise AssertionError(f"{rows.schema} was accepted")


def main():
    uri, step = sys.argv[1:]
    with fl.connect(uri) as client:
        globals()[f"step_{step}"](client)
    print("ok")


if __name__ == "__main__":
    main()
