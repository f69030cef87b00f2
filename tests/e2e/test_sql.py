"""hyprstream sql, as a user meets it."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest
from conftest import one_line_error
from server import serving

LONG = bool(os.environ.get("HYPRSTREAM_SOAK"))
GREEDY = ("--threads", "1", "--deterministic")
ROWS = "SELECT i, i / 4 AS x, CASE WHEN i % 3 <> 0 THEN 'name ' || i END AS name FROM range(5000) t(i)"


def sql(hyprstream, statement, *more):
    result = hyprstream.run("sql", "-c", statement, *more)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def rows(hyprstream, statement, *more):
    return list(csv.reader(io.StringIO(sql(hyprstream, statement, "--format", "csv", *more).decode())))[1:]


def test_a_box_like_duckdbs(hyprstream):
    assert sql(hyprstream, "SELECT 42 AS answer, 'text' AS word, NULL AS nothing").decode() == (
        "┌────────┬─────────┬─────────┐\n"
        "│ answer │  word   │ nothing │\n"
        "│ int32  │ varchar │  null   │\n"
        "├────────┼─────────┼─────────┤\n"
        "│     42 │ text    │ NULL    │\n"
        "└────────┴─────────┴─────────┘\n"
    )


def test_formats_give_what_python_reads(hyprstream, tmp_path):
    expected = [{"i": i, "x": i / 4, "name": f"name {i}" if i % 3 else None} for i in range(5000)]
    assert json.loads(sql(hyprstream, ROWS, "--format", "json")) == expected
    assert [json.loads(line) for line in sql(hyprstream, ROWS, "--format", "jsonl").splitlines()] == expected
    assert rows(hyprstream, ROWS) == [[str(r["i"]), str(r["x"]), r["name"] or ""] for r in expected]
    markdown = sql(hyprstream, ROWS, "--format", "markdown").decode().splitlines()
    assert len(markdown) == 5002 and len({line.count("|") for line in markdown}) == 1
    assert pyarrow.parquet.read_table(io.BytesIO(sql(hyprstream, ROWS, "--format", "parquet"))).to_pylist() == expected
    assert pyarrow.ipc.open_file(sql(hyprstream, ROWS, "--format", "arrow")).read_all().to_pylist() == expected
    for name, read in (
        ("parquet", pyarrow.parquet.read_table),
        ("arrow", lambda path: pyarrow.ipc.open_file(path).read_all()),
    ):
        path = tmp_path / f"rows.{name}"
        assert sql(hyprstream, ROWS, "--format", name, "-o", str(path)) == b""
        assert read(str(path)).to_pylist() == expected
        # Without rows the columns keep their types.
        assert sql(hyprstream, f"FROM ({ROWS}) WHERE i < 0", "--format", name, "-o", str(path)) == b""
        assert read(str(path)).schema.types == [pyarrow.int64(), pyarrow.float64(), pyarrow.string()]
    assert sorted(os.listdir(tmp_path)) == ["home", "rows.arrow", "rows.parquet"]


def test_files_of_the_user(hyprstream, tmp_path):
    table = pyarrow.table({"id": [1, 2, 3], "word": ["a", None, "ü"]})
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    (tmp_path / "in.csv").write_text("id,word\n4,d\n5,\n")
    (tmp_path / "in.json").write_text('{"id": 6, "word": "f"}\n')
    sql(
        hyprstream,
        "CREATE TABLE t (id INTEGER, word VARCHAR);"
        + "".join(f"COPY t FROM '{tmp_path / name}';" for name in ("in.parquet", "in.csv", "in.json")),
    )
    assert rows(hyprstream, "FROM t ORDER BY id") == [["1", "a"], ["2", ""], ["3", "ü"], ["4", "d"], ["5", ""], ["6", "f"]]


def test_statements_come_from_files_too(hyprstream, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("-- two;\nSELECT 1 AS a;\nSELECT ';' AS b")
    expected = b"a\n1\nb\n;\n"
    assert hyprstream.run("sql", "-f", str(script), "--format", "csv").stdout == expected
    assert hyprstream.run("sql", "--format", "csv", stdin=script.read_bytes()).stdout == expected
    assert hyprstream.run("sql", stdin=b"").returncode == 0


def test_errors_say_where(hyprstream, tmp_path):
    def failure(*arguments, **options):
        return one_line_error(hyprstream.run("sql", *arguments, **options))

    assert failure("-c", "SELECT 1;\n  SELEC 2").startswith("line 2, column 3: ")
    assert "models" in failure("-c", "SELECT * FROM modells")
    assert "-f" in failure("-c", "SELECT 1", "-f", "x")
    assert "nowhere.sql" in failure("-f", str(tmp_path / "nowhere.sql"))
    assert "UTF-8 at byte 8" in failure(stdin=b"SELECT '\xff'")
    assert "second result" in failure("-c", "SELECT 1; SELECT 2", "--format", "parquet", "-o", str(tmp_path / "x"))
    assert "no statement gives a result" in failure("-c", "SET threads = 1", "--format", "arrow", "-o", str(tmp_path / "x"))
    assert "nowhere" in failure("-c", "SELECT 1", "-o", str(tmp_path / "nowhere" / "x"))
    assert os.listdir(tmp_path) == ["home"]
    assert "--host" in failure("-c", "SELECT 1", "--host", ":5")
    assert "127.0.0.1:1" in failure("-c", "SELECT 1", "--host", "127.0.0.1:1")


def test_a_file_stays_as_it_was_if_a_statement_fails(hyprstream, tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("before")
    one_line_error(hyprstream.run("sql", "-c", "SELECT 1; SELECT * FROM nothing", "--format", "csv", "-o", str(target)))
    assert target.read_text() == "before"


def test_long_and_wide(hyprstream):
    text = "x" * 50_000_000
    result = hyprstream.run("sql", "--format", "csv", stdin=f"SELECT length('{text}') AS n".encode())
    assert result.stdout == b"n\n50000000\n"
    wide = hyprstream.run("sql", "--format", "csv", stdin=("SELECT " + ", ".join(map(str, range(10000)))).encode())
    assert wide.stdout.splitlines()[1] == ",".join(map(str, range(10000))).encode()
    assert hyprstream.run("sql", stdin=("SELECT " + ", ".join(map(str, range(10000)))).encode()).returncode == 0


def test_memory_does_not_grow_with_the_rows(hyprstream):
    """Far more bytes than the process may have."""
    peaks = []
    for count in (10_000, 3_000_000):
        process = hyprstream.start(
            "sql", "-c", f"SELECT i, repeat('x', 200) AS t FROM range({count}) t(i)", "--format", "csv", stdout=subprocess.PIPE
        )
        size = 0
        while chunk := process.stdout.read(1 << 20):
            size += len(chunk)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0 and size > count * 200
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] + 200_000, peaks  # kB, of 630 MB that went through


def test_an_interrupt_ends_the_statement(hyprstream):
    process = hyprstream.start("sql", "-c", "SELECT count(*) FROM range(1000000000000) a WHERE a.range = -1", stderr=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    process.stderr.close()


def test_a_reader_that_goes_away(hyprstream):
    process = hyprstream.start("sql", "-c", "FROM range(100000000)", "--format", "csv", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(100)
    process.stdout.close()
    assert process.wait(timeout=20) == 141
    assert process.stderr.read() == b""


def test_two_at_once_one_waits_and_says_why(hyprstream):
    holder = hyprstream.start("sql", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    slow = hyprstream.start("sql", "-c", "SELECT count(*) FROM range(3000000000) t(i) WHERE i % 7 = 8", stdout=subprocess.PIPE)
    time.sleep(0.7)
    second = hyprstream.start("sql", "-c", "SELECT 5 AS five", "--format", "csv", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = second.stderr.readline().decode()
    assert "waiting" in line and str(slow.pid) in line, line
    slow.send_signal(signal.SIGINT)
    slow.communicate(timeout=30)
    output, _ = second.communicate(timeout=30)
    assert second.returncode == 0 and output == b"five\n5\n"
    holder.communicate(b"", timeout=30)


def test_damaged_and_missing_databases(hyprstream, tmp_path):
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"no database " * 1000)
    assert "damaged.duckdb" in one_line_error(hyprstream.run("sql", "-c", "SELECT 1", "--database", str(damaged)))
    assert damaged.read_bytes() == b"no database " * 1000
    assert "nowhere" in one_line_error(hyprstream.run("sql", "-c", "SELECT 1", "--database", str(tmp_path / "nowhere" / "x")))
    assert rows(hyprstream, "SELECT 1", "--database", ":memory:") == [["1"]]


def test_a_full_disk_costs_nothing_that_was_there(hyprstream, tmp_path):
    """On a file system of 12 MB, mounted for this test alone."""
    place = tmp_path / "small"
    place.mkdir()
    large = "SELECT range AS a, hash(range) AS b FROM range(10000000)"
    statements = [
        "CREATE TABLE kept AS SELECT range AS a FROM range(1000)",
        f"CREATE TABLE t AS {large}",
        f"COPY ({large}) TO '{place}/x.csv'",
        "SELECT count(*), sum(a) FROM kept",
    ]
    mount = "import ctypes, sys; sys.exit(ctypes.CDLL(None).mount(b'none', sys.argv[1].encode(), b'tmpfs', 0, b'size=12m') != 0)"
    script = f'{sys.executable} -c "{mount}" "$1" || exit 77\n' + "".join(
        f'"$2" sql --format csv -c "{statement}"; echo "exit $?"; rm -f "$1/x.csv"\n' for statement in statements
    )
    command = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script, "sh", str(place), hyprstream.binary]
    result = subprocess.run(command, env={**hyprstream.env, "HYPRSTREAM_HOME": str(place)}, capture_output=True, timeout=120)
    if result.returncode == 77:
        pytest.skip("nothing may be mounted here")
    output = result.stdout.decode().splitlines()
    assert [line for line in output if line.startswith("exit")] == ["exit 0", "exit 1", "exit 1", "exit 0"], result.stderr
    assert "1000,499500" in output
    errors = result.stderr.decode().splitlines()
    assert len(errors) == 2 and all("No space left on device" in error and "{" not in error for error in errors), errors


def test_a_killed_ingest_is_there_or_not(hyprstream, tmp_path):
    """kill -9 at any moment: transactions that were said to be committed are whole, the others absent."""
    sql(hyprstream, "CREATE TABLE t (batch INTEGER, i INTEGER)")
    committed = -1
    for attempt in range(100 if LONG else 6):
        script = "".join(
            f"BEGIN; INSERT INTO t SELECT {attempt * 1000 + n}, i FROM range(20000) r(i); COMMIT; SELECT {attempt * 1000 + n} AS done;\n"
            for n in range(200)
        )
        process = hyprstream.start("sql", "-f", "-", "--format", "csv", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(script.encode())
        process.stdin.close()
        time.sleep(0.15 + 0.05 * (attempt % 8))
        process.kill()
        said = [int(line) for line in process.stdout.read().split() if line.isdigit()]
        process.wait()
        process.stdout.close()
        committed = max([committed, *said])
        found = rows(hyprstream, "SELECT batch, count(*), sum(i) FROM t GROUP BY batch ORDER BY batch")
        assert all(row[1:] == ["20000", str(sum(range(20000)))] for row in found)
        batches = {int(row[0]) for row in found}
        assert set(said) <= batches
    assert committed >= 0


# ---- The model ----


def answer(hyprstream, model, prompt, tokens):
    result = hyprstream.run("run", model, prompt, "--temperature", "0", "--max-tokens", str(tokens), "--json", *GREEDY)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["text"]


def test_generate_says_what_run_says(hyprstream):
    assert hyprstream.run("lora", "create", "--name", "pirate", "--seed", "1", "--json").returncode == 0
    prompt = "Tell me a story about a fox."
    found = rows(
        hyprstream,
        f"SELECT generate('{prompt}', max_tokens := 20), generate('{prompt}', adapter := 'pirate', max_tokens := 20), "
        f"generate('{prompt}', adapter := 'pirate@1', max_tokens := 20)",
        *GREEDY,
    )[0]
    assert found[0] == answer(hyprstream, "bundled", prompt, 20)
    assert found[1] == found[2] == answer(hyprstream, "bundled+pirate", prompt, 20)


def test_adapters_can_be_columns(hyprstream):
    for seed, name in enumerate(("one", "two"), 1):
        assert hyprstream.run("lora", "create", "--name", name, "--seed", str(seed), "--json").returncode == 0
    sql(
        hyprstream,
        "CREATE TABLE customers AS SELECT * FROM (VALUES ('A', 'Hello there', 'one'), ('B', 'Hello there', 'two'), "
        "('C', 'Hello there', NULL), ('D', NULL, 'one'), ('E', 'Hello there', 'gone')) t(name, question, adapter)",
    )
    result = hyprstream.run(
        "sql",
        "-c",
        "SELECT c.name, generate(c.question, adapter := c.adapter, max_tokens := 8) AS g FROM customers c ORDER BY 1",
        "--format",
        "json",
        *GREEDY,
    )
    found = {row["name"]: row["g"] for row in json.loads(result.stdout)}
    assert found["D"] is None and found["E"] is None
    for name, model in (("A", "bundled+one"), ("B", "bundled+two"), ("C", "bundled")):
        assert found[name] == answer(hyprstream, model, "Hello there", 8)
    assert b"1 value is NULL because of errors" in result.stderr and b"gone" in result.stderr


def test_perplexity_is_what_compare_measures(hyprstream, tmp_path):
    created = hyprstream.run("lora", "create", "--name", "one", "--seed", "1", "--json")
    assert created.returncode == 0
    text = tmp_path / "text"
    text.write_text("The quick brown fox jumps over the lazy dog, and then it sleeps for a while in the sun.")
    compared = json.loads(hyprstream.run("lora", "compare", "one", "--text", str(text), "--json").stdout)
    found = rows(hyprstream, f"SELECT perplexity(t), perplexity(t, adapter := 'one') FROM (SELECT '{text.read_text()}' AS t)")[0]
    measured = [compared["from"]["perplexity"], compared["to"]["perplexity"]]
    assert measured[0] != pytest.approx(measured[1], rel=1e-3)
    assert [float(value) for value in found] == pytest.approx(measured, rel=1e-3)


def test_an_interrupt_ends_the_generation(hyprstream):
    process = hyprstream.start(
        "sql", "-c", "SELECT generate('Tell me ' || i, max_tokens := 1000) FROM range(100000) t(i)", stderr=subprocess.PIPE
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    process.stderr.close()


def test_views_follow_the_store(hyprstream):
    assert rows(hyprstream, "FROM adapters") == []
    created = json.loads(hyprstream.run("lora", "create", "--name", "one", "--rank", "4", "--seed", "1", "--json").stdout)
    assert hyprstream.run("lora", "sparsify", "one", "--sparsity", "0.995").returncode == 0
    assert rows(hyprstream, "SELECT name, version, rank, origin, source FROM adapter_versions ORDER BY version") == [
        ["one", "1", "4", "created", ""],
        ["one", "2", "4", "sparsified", "one@1"],
    ]
    assert rows(hyprstream, "SELECT name, version FROM adapters") == [["one", "2"]]
    assert rows(hyprstream, "SELECT id, nnz FROM adapter_versions WHERE version = 1") == [[created["id"], str(created["nnz"])]]
    totals = "SELECT v.version, v.nnz = sum(l.nnz), v.entries = sum(l.entries) FROM adapter_versions v JOIN adapter_layers l "
    assert rows(hyprstream, totals + "USING (name, version) GROUP BY v.version, v.nnz, v.entries ORDER BY 1") == [["1", "true", "true"], ["2", "true", "true"]]
    assert hyprstream.run("lora", "delete", "one", "--yes").returncode == 0
    assert rows(hyprstream, "FROM adapter_layers") == []


def test_training_runs(hyprstream, source):
    assert rows(hyprstream, "FROM training_runs") == []
    arguments = ("--rank", "4", "--iters", "4", "--seed", "1", "--threads", "1", "--json")
    trained = hyprstream.run("lora", "train", "--data", str(source / "models/pirate.jsonl"), *arguments, timeout=300)
    assert trained.returncode == 0, trained.stderr
    result = json.loads(trained.stdout.splitlines()[-1])
    (hyprstream.home / "training" / "other").mkdir()
    found = rows(hyprstream, "SELECT id, adapter, status, rank, step, trained_tokens FROM training_runs")
    assert found == [[result["run"], "pirate", "succeeded", "4", "4", str(result["trained_tokens"])]]


# ---- A server ----


def post(server, path, body):
    import urllib.request

    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_a_server_logs_what_it_answers(hyprstream):
    for prompts in (False, True):
        with serving(hyprstream, *(["--log-prompts"] if prompts else [])) as server:
            said = post(server, "/v1/completions", {"prompt": "Once upon a time", "max_tokens": 7, "temperature": 0})
            statement = "SELECT kind, outcome, prompt_tokens, completion_tokens, prompt, completion FROM generations ORDER BY time DESC LIMIT 1"
            deadline = time.time() + 20
            while not (found := rows(hyprstream, statement)) or (prompts and found[0][4] == ""):
                assert time.time() < deadline
                time.sleep(0.1)
            usage = said["usage"]
            expected = ["Once upon a time", said["choices"][0]["text"]] if prompts else ["", ""]
            assert found[0][:4] == ["generation", "finished", str(usage["prompt_tokens"]), str(usage["completion_tokens"])]
            assert found[0][4:] == expected
            assert server.stop() == 0
    # And the file is there when the server is gone.
    assert rows(hyprstream, "SELECT count(*) FROM generations") == [["2"]]


def test_a_killed_server_is_not_waited_for(hyprstream):
    with serving(hyprstream) as server:
        assert rows(hyprstream, "SELECT 1") == [["1"]]
        server.process.kill()
        server.process.wait()
        assert (hyprstream.home / "sql-endpoint.json").exists()
        assert rows(hyprstream, "SELECT 2") == [["2"]]


def test_keys_of_the_server_hold_for_sql(hyprstream, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("inference reader 0123456789abcdef\nadmin writer fedcba9876543210\n")
    keys.chmod(0o600)
    reader, writer, wrong = (tmp_path / name for name in ("reader", "writer", "wrong"))
    reader.write_text("0123456789abcdef\n")
    writer.write_text("fedcba9876543210\n")
    wrong.write_text("0000000000000000\n")
    with serving(hyprstream, "--api-key-file", str(keys)) as server:
        # The same user needs no key: the endpoint file has one, which nobody else can read.
        endpoint = hyprstream.home / "sql-endpoint.json"
        assert endpoint.stat().st_mode & 0o777 == 0o600
        sql(hyprstream, "CREATE TABLE t (i INTEGER)")
        port = json.loads(endpoint.read_text())["port"]
        there = ("--host", f"127.0.0.1:{port}")
        assert rows(hyprstream, "SELECT count(*) FROM t", *there, "--token-file", str(reader)) == [["0"]]
        sql(hyprstream, "INSERT INTO t VALUES (1)", *there, "--token-file", str(writer))
        for statement in ("INSERT INTO t VALUES (2)", "DROP TABLE t", "SET threads = 1"):
            assert "only read" in one_line_error(hyprstream.run("sql", "-c", statement, *there, "--token-file", str(reader)))
        one_line_error(hyprstream.run("sql", "-c", "SELECT 1", *there, "--token-file", str(wrong)))
        one_line_error(hyprstream.run("sql", "-c", "SELECT 1", *there))
        one_line_error(hyprstream.run("sql", "-c", "FROM read_text('/etc/passwd')", *there, "--token-file", str(writer)))
        assert rows(hyprstream, "SELECT count(*) FROM t") == [["1"]]
        assert server.stop() == 0
    assert not endpoint.exists()


def test_new_keys_hold_for_sql(hyprstream, tmp_path):
    keys, old, new = (tmp_path / name for name in ("keys", "old", "new"))
    keys.write_text("admin local 0123456789abcdef\n")  # a name like any other
    keys.chmod(0o600)
    old.write_text("0123456789abcdef\n")
    new.write_text("fedcba9876543210\n")
    with serving(hyprstream, "--api-key-file", str(keys)) as server:
        there = ("--host", f"127.0.0.1:{json.loads((hyprstream.home / 'sql-endpoint.json').read_text())['port']}")
        sql(hyprstream, "CREATE TABLE t (i INTEGER)", *there, "--token-file", str(old))
        keys.write_text("inference local fedcba9876543210\n")
        server.process.send_signal(signal.SIGHUP)
        assert "reloaded" in server.process.stderr.readline()
        one_line_error(hyprstream.run("sql", "-c", "SELECT 1", *there, "--token-file", str(old)))
        assert rows(hyprstream, "SELECT count(*) FROM t", *there, "--token-file", str(new)) == [["0"]]
        assert "only read" in one_line_error(hyprstream.run("sql", "-c", "DROP TABLE t", *there, "--token-file", str(new)))
        sql(hyprstream, "INSERT INTO t VALUES (1)")  # with the key of the endpoint file
        assert server.stop() == 0


def test_a_server_that_lies_about_types_writes_nothing(hyprstream, tmp_path):
    flight = pytest.importorskip("pyarrow.flight")
    from flight_sql import message

    target, planted = tmp_path / "result.parquet", tmp_path / "planted.txt"
    lie = f"INTEGER) FROM hyprstream_result()) TO '{target}'; COPY (SELECT 'planted') TO '{planted}' (FORMAT csv); COPY (SELECT (1"
    schema = pyarrow.schema([pyarrow.field("c", pyarrow.int32(), metadata={"ARROW:FLIGHT:SQL:TYPE_NAME": lie})])

    class Liar(flight.FlightServerBase):
        def do_action(self, context, action):
            answer = message({1: b"h", 2: schema.serialize().to_pybytes(), 3: pyarrow.schema([]).serialize().to_pybytes()})
            name = "type.googleapis.com/arrow.flight.protocol.sql.ActionCreatePreparedStatementResult"
            yield flight.Result(message({1: name, 2: answer}) if action.type.startswith("Create") else b"")

        def get_flight_info(self, context, descriptor):
            return flight.FlightInfo(schema, descriptor, [flight.FlightEndpoint(b"t", [])], -1, -1)

        def do_get(self, context, ticket):
            return flight.RecordBatchStream(pyarrow.Table.from_batches([], schema))

    with Liar("grpc://127.0.0.1:0") as server:
        sql(hyprstream, "SELECT 1", "--host", f"127.0.0.1:{server.port}", "--format", "parquet", "-o", str(target))
    assert pyarrow.parquet.read_table(target).schema.types == [pyarrow.int32()]
    assert not planted.exists()


def test_a_second_server_does_without(hyprstream):
    with serving(hyprstream) as first, serving(hyprstream) as second:
        assert "SQL on grpc://127.0.0.1:" in first.ready
        assert "without SQL" in second.ready and str(first.process.pid) in second.ready
        assert post(second, "/v1/completions", {"prompt": "Once", "max_tokens": 2})["choices"]


# ---- The prompt ----


def test_the_prompt(hyprstream):
    # What is typed is drawn again and again behind \r; a new prompt stands behind \n.
    ready = r"\nsql >>> "
    with hyprstream.terminal("sql") as terminal:
        terminal.expect(ready)
        terminal.send("SELECT 6 * 7\r")
        terminal.expect(r"\n\.\.\. >>> ")
        terminal.send("AS answer;\r")
        terminal.expect("42")
        terminal.expect(ready)
        terminal.send("SELECT * FROM modles;\r")
        terminal.expect('"models"')
        terminal.expect(ready)
        terminal.send(".tables\r")
        terminal.expect("adapter_versions")
        terminal.expect(ready)
        terminal.send(".timer on\r")
        terminal.expect(ready)
        terminal.send("SELECT 1;\r")
        terminal.expect(r"\d\.\d{3} seconds")
        terminal.expect(ready)
        terminal.send(".quit\r")
        assert terminal.wait() == 0
