import re


def test_names_what_it_runs_with(hyprstream, source):
    result = hyprstream.run("--version")
    assert result.returncode == 0 and result.stderr == b""
    versions = dict(line.split(maxsplit=1) for line in result.stdout.decode().splitlines())
    assert list(versions) == ["hyprstream", "llama.cpp", "ggml", "DuckDB", "Arrow"]
    assert versions["hyprstream"] == (source / "VERSION").read_text().strip()
    for version in versions.values():
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?\S*", version), versions


def test_does_without_the_sql_module(hyprstream, tmp_path):
    result = hyprstream.run("--version", env={"HYPRSTREAM_MODULES": str(tmp_path)})
    assert result.returncode == 0
    text = result.stdout.decode()
    assert re.search(r"^llama.cpp +\d", text, re.MULTILINE)
    assert f"{tmp_path}/libhyprstream_sql.so is missing" in text

    (tmp_path / "libhyprstream_sql.so").write_bytes(b"no library")
    text = hyprstream.run("--version", env={"HYPRSTREAM_MODULES": str(tmp_path)}).stdout.decode()
    assert "cannot be loaded" in text


def test_commands_do_not_load_duckdb(hyprstream, tmp_path):
    # Its 50 ms are for the commands that need it: without the module everything else works.
    result = hyprstream.run("model", "info", env={"HYPRSTREAM_MODULES": str(tmp_path)})
    assert result.returncode == 0
