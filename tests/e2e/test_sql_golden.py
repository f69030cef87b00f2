"""tests/sql: statements and their results, in a database of its own and through a server.

A file is a script of one session. A block is 'query' or 'error', statements, '----', and the last result as CSV, or what
the error's sentence has in it.
"""

import re

import pytest
from conftest import SOURCE, one_line_error
from server import serving

FILES = sorted((SOURCE / "tests" / "sql").glob("*.test"))
BLOCK = re.compile(r"^(query|error)\n(.*?)\n----\n(.*?)(?=\n\n(?:query|error)\n|\Z)", re.DOTALL | re.MULTILINE)
MARK = "end of block"


def blocks(path):
    text = path.read_text().rstrip("\n")
    found = [(m[1], m[2], m[3]) for m in BLOCK.finditer(text)]
    assert len(found) == len(re.findall(r"^(?:query|error)$", text, re.MULTILINE)), path
    return found


def run_queries(hyprstream, queries):
    """The CSV of each block's last result; all in one session."""
    script = "".join(f"{sql};\nSELECT '{MARK}';\n" for sql in queries)
    result = hyprstream.run("sql", "-f", "-", "--format", "csv", stdin=script.encode())
    assert result.returncode == 0, result.stderr.decode()
    outputs = result.stdout.decode().split(f"'{MARK}'\n{MARK}\n")
    assert outputs.pop() == ""
    return outputs


def check(hyprstream, path):
    parts = blocks(path)
    queries = [(sql, expected) for kind, sql, expected in parts if kind == "query"]
    for (sql, expected), output in zip(queries, run_queries(hyprstream, [sql for sql, _ in queries]), strict=True):
        assert output == expected + "\n", sql
    for kind, sql, expected in parts:
        if kind == "error":
            assert expected in one_line_error(hyprstream.run("sql", "-c", sql, stdin=None)), sql


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_embedded(hyprstream, path):
    check(hyprstream, path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_through_a_server(hyprstream, path):
    """The same command finds the server that has the database open."""
    with serving(hyprstream):
        endpoint = hyprstream.home / "sql-endpoint.json"
        assert endpoint.exists()
        check(hyprstream, path)
