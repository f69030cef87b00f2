import json

EXPECTED = {
    "name": "Hypr Tiny",
    "architecture": "qwen3",
    "quantization": "Q8_0",
    "layers": 5,
    "hidden_size": 256,
    "feed_forward_size": 512,
    "heads": 8,
    "kv_heads": 4,
    "head_size": 32,
    "context_length": 1024,
    "vocabulary_size": 2048,
    "tokenizer": "gpt2",
    "has_chat_template": True,
}


def test_json(hyprstream, bundled):
    for arguments in ((), ("bundled",), (str(bundled),)):
        result = hyprstream.run("model", "info", *arguments, "--json")
        assert result.returncode == 0 and result.stderr == b""
        info = json.loads(result.stdout)
        assert {key: info[key] for key in EXPECTED} == EXPECTED
        assert info["size_bytes"] == bundled.stat().st_size
        assert info["path"] == str(bundled)
        # The embedding is shared with the output, so: vocabulary x hidden, and the five blocks.
        assert 3_000_000 < info["parameters"] < 4_000_000


def test_table(hyprstream, bundled, source):
    result = hyprstream.run("model", "info", cwd=source)
    assert result.returncode == 0
    rows = dict(line.split("  ", 1) for line in result.stdout.decode().splitlines())
    rows = {key: value.strip() for key, value in rows.items()}
    assert rows["File"] == "./models/hypr-tiny-q8_0.gguf"
    assert rows["Name"] == "Hypr Tiny"
    assert rows["Layers"] == "5"
    assert rows["Context length"] == "1024 tokens"
    assert rows["Chat template"] == "yes"


def test_control_characters_of_a_file_are_shown_and_not_obeyed(hyprstream, bundled, tmp_path):
    hostile = tmp_path / "hostile.gguf"
    data = bundled.read_bytes()
    assert data.count(b"Hypr Tiny") >= 1
    hostile.write_bytes(data.replace(b"Hypr Tiny", b"H\x1b[2Jr\n\x07y", 1))
    result = hyprstream.run("model", "info", str(hostile))
    assert result.returncode == 0
    assert b"\x1b" not in result.stdout and b"\x07" not in result.stdout
    assert b"H\\x1b[2Jr\\x0a\\x07y" in result.stdout
