"""A Flight client that knows nothing of Fluss, on tables with a primary key.

Run by flight_test.go as `keyed.py URI STEP`, as client.py is. The table has the
columns id BIGINT, region STRING, name STRING, amount DOUBLE and the primary key
(id, region), the bucket key id.
"""

import json
import sys
import threading
import time

import pyarrow as pa
import pyarrow.flight as fl

from client import read, ticket

TABLE = "fluss.accounts"
FAILURES = (fl.FlightError, pa.ArrowException, KeyError)


def rows(ids, region="eu", factor=1.0):
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "region": pa.array([region for _ in ids], pa.string()),
            "name": pa.array([f"name {i}" for i in ids], pa.string()),
            "amount": pa.array([i * factor for i in ids], pa.float64()),
        }
    )


def put(client, batches, chunk=100, **command):
    """Writes by DoPut with a command of JSON; returns what the server acked."""
    descriptor = fl.FlightDescriptor.for_command(json.dumps({"table": TABLE, **command}).encode())
    writer, acks = client.do_put(descriptor, batches.schema)
    got, failed = [], []

    def collect():
        try:
            while (buf := acks.read()) is not None:
                got.append(json.loads(buf.to_pybytes()))
        except FAILURES as err:
            failed.append(err)

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


def look(client, keys, **command):
    """Looks up batches of keys by DoExchange; returns an answer for each."""
    descriptor = fl.FlightDescriptor.for_command(json.dumps({"table": TABLE, **command}).encode())
    writer, reader = client.do_exchange(descriptor)
    answers = []
    with writer:
        writer.begin(keys[0].schema)
        for batch in keys:
            writer.write_batch(batch)
            answers.append(reader.read_chunk().data)
        writer.done_writing()
        try:
            while True:
                extra = reader.read_chunk()
                assert extra.data is None, extra.data
        except StopIteration:
            pass
    return answers


def keys(pairs):
    return pa.record_batch(
        {"id": pa.array([i for i, _ in pairs], pa.int64()), "region": pa.array([r for _, r in pairs], pa.string())}
    )


def by_id(table):
    return {(r["id"], r["region"]): r for r in table.to_pylist()}


def step_upsert(client):
    acks = put(client, rows(range(300)), mode="upsert")
    assert sum(a["rows"] for a in acks) == 300, acks
    put(client, rows(range(100), factor=2.0), mode="upsert")
    put(client, rows(range(50, 60), region="us"))  # upsert is the default of such a table
    descriptor = fl.FlightDescriptor.for_path("fluss", "accounts")
    writer, acks = client.do_put(descriptor, rows([1000]).schema)
    with writer:
        writer.write_table(rows([1000]))
        writer.done_writing()
        assert json.loads(acks.read().to_pybytes())["rows"] == 1


def step_rows(client):
    got = by_id(read(client, table=TABLE))
    assert len(got) == 311, len(got)
    assert got[(7, "eu")]["amount"] == 14.0 and got[(200, "eu")]["amount"] == 200.0
    got = read(client, table=TABLE, columns=["amount"], filter="id = 55 AND region = 'us'", what="rows")
    assert got.to_pylist() == [{"amount": 55.0}], got.to_pylist()
    assert read(client, table=TABLE, limit=10).num_rows == 10
    assert read(client, table=TABLE, **{"from": "full"}).num_rows == 311
    info = client.get_flight_info(fl.FlightDescriptor.for_path("fluss", "accounts"))
    assert sum(client.do_get(e.ticket).read_all().num_rows for e in info.endpoints) == 311
    assert [f.nullable for f in info.schema] == [False, False, True, True], info.schema


def step_partial(client):
    part = pa.table({"id": pa.array([7], pa.int64()), "region": ["eu"], "amount": [0.5]})
    put(client, part, mode="upsert", columns=["id", "region", "amount"])
    (found,) = look(client, [keys([(7, "eu")])])
    assert found.to_pylist() == [{"id": 7, "region": "eu", "name": "name 7", "amount": 0.5, "__found": True}], found.to_pylist()


def step_delete(client):
    gone = pa.table({"id": pa.array([8, 9, 5000], pa.int64()), "region": ["eu", "eu", "eu"]})
    acks = put(client, gone, mode="delete")
    assert sum(a["rows"] for a in acks) == 3, acks
    got = by_id(read(client, table=TABLE))
    assert len(got) == 309 and (8, "eu") not in got


def step_changelog(client):
    got = read(client, table=TABLE, what="changelog", system_columns=["__change_type", "__bucket", "__offset"])
    folded, offsets = {}, {}
    for r in got.to_pylist():
        assert r["__offset"] == offsets.get(r["__bucket"], 0), f"offsets are not dense at {r}"
        offsets[r["__bucket"]] = r["__offset"] + 1
        key, row = (r["id"], r["region"]), {n: r[n] for n in ("id", "region", "name", "amount")}
        if r["__change_type"] in ("-U", "-D"):
            assert folded.pop(key) == row, r
        else:
            assert r["__change_type"] in ("+I", "+U") and key not in folded, r
            folded[key] = row
    assert folded == by_id(read(client, table=TABLE)), "the changelog does not fold to the rows"
    kinds = [r["__change_type"] for r in got.to_pylist() if (r["id"], r["region"]) == (8, "eu")]
    assert kinds == ["+I", "-U", "+U", "-D"], kinds

    got = read(client, table=TABLE, what="binlog", system_columns=["__change_type"])
    mine = [r for r in got.to_pylist() if (r["before"] or r["after"])["id"] == 8]
    assert [(r["__change_type"], r["before"] and r["before"]["amount"], r["after"] and r["after"]["amount"]) for r in mine] == [
        ("+I", None, 8.0),
        ("+U", 8.0, 16.0),
        ("-D", 16.0, None),
    ], mine


def step_lookup(client):
    first, second = look(client, [keys([(1, "eu"), (1, "us"), (55, "us")]), keys([(250, "eu")])], columns=["amount", "id"])
    assert first.schema.names == ["amount", "id", "__found"], first.schema
    assert first.to_pylist() == [
        {"amount": 2.0, "id": 1, "__found": True},
        {"amount": None, "id": None, "__found": False},
        {"amount": 55.0, "id": 55, "__found": True},
    ], first.to_pylist()
    assert second.column("amount").to_pylist() == [250.0]

    prefixes = pa.record_batch({"id": pa.array([300, 55, 1], pa.int64())})
    (found,) = look(client, [prefixes], prefix=True, columns=["region"])
    assert sorted((r["__key"], r["region"]) for r in found.to_pylist()) == [(1, "eu"), (1, "us"), (2, "eu")], found.to_pylist()

    (made,) = look(client, [keys([(777, "eu"), (1, "eu")])], insert_if_absent=True)
    assert made.column("name").to_pylist() == [None, "name 1"] and made.column("__found").to_pylist()[1], made.to_pylist()
    (again,) = look(client, [keys([(777, "eu")])])
    assert again.column("__found").to_pylist() == [True]


def step_follow(client):
    """From the rows as they are to the changes since, with none left out or twice."""
    reader = client.do_get(ticket(table=TABLE, system_columns=["__change_type"], **{"from": "full", "until": "never"}))
    want = by_id(read(client, table=TABLE))
    folded, failed, last = {}, [], threading.Event()

    def follow():
        try:
            for chunk in reader:
                for r in chunk.data.to_pylist():
                    key = (r["id"], r["region"])
                    if r["__change_type"] in ("-U", "-D"):
                        folded.pop(key)
                    else:
                        assert key not in folded, r
                        folded[key] = r["amount"]
                    if r["id"] == 9999:
                        last.set()
                        return
        except Exception as err:  # told to the main thread
            failed.append(err)
            last.set()

    follower = threading.Thread(target=follow)
    follower.start()
    deadline = time.monotonic() + 30
    while len(folded) < len(want) and time.monotonic() < deadline and not failed:
        time.sleep(0.01)
    assert not failed, failed
    assert folded == {k: r["amount"] for k, r in want.items()}
    put(client, rows([55], factor=3.0), mode="upsert")
    put(client, pa.table({"id": pa.array([60], pa.int64()), "region": ["eu"]}), mode="delete")
    put(client, rows([4444]), mode="upsert")
    time.sleep(0.2)  # buckets have no order between them: the last one is to come last
    put(client, rows([9999]), mode="upsert")
    assert last.wait(30), "the last change did not come"
    assert not failed, failed
    follower.join(timeout=10)
    reader.cancel()
    assert folded[(55, "eu")] == 165.0 and (60, "eu") not in folded and folded[(4444, "eu")] == 4444.0


def step_errors(client):
    """Errors say what is wrong, where, and what to do."""

    def refused(words, call, *args, **kwargs):
        try:
            call(client, *args, **kwargs)
        except FAILURES as err:
            for word in words:
                assert word in str(err), f"{word!r} is not in {err}"
        else:
            raise AssertionError(f"{args} {kwargs} was accepted")

    no_key = pa.table({"id": pa.array([1], pa.int64()), "name": ["x"]})
    null_key = pa.table({"id": pa.array([1, None], pa.int64()), "region": ["eu", "eu"], "name": ["x", "y"]})
    refused(["region"], put, no_key, mode="upsert")
    refused(["region"], put, no_key, mode="delete")
    refused(["id"], put, null_key, mode="upsert")
    refused(["append"], put, rows([1]), mode="append")
    refused(["insert", "upsert"], put, rows([1]), mode="insert")
    refused(["nmae"], put, rows([1]), mode="upsert", columns=["id", "region", "nmae"])
    refused(["region"], look, [pa.record_batch({"id": pa.array([1], pa.int64())})])
    refused(["nmae"], look, [keys([(1, "eu")])], columns=["nmae"])
    refused(["colums"], look, [keys([(1, "eu")])], colums=["name"])
    refused(["what"], read, table=TABLE, what="row")
    refused(["binlog"], read, table="fluss.events", what="binlog")
    refused(["__change_typ"], read, table=TABLE, system_columns=["__change_typ"])
    assert (2, "eu") in by_id(read(client, table=TABLE)), "the server goes on"


def main():
    uri, step = sys.argv[1:]
    with fl.connect(uri) as client:
        globals()[f"step_{step}"](client)
    print("ok")


if __name__ == "__main__":
    main()
