import shutil
import subprocess

import pytest


@pytest.fixture
def complete(hyprstream, tmp_path):
    """What bash offers for a line, the cursor at its end."""
    script = tmp_path / "completion.bash"
    script.write_bytes(hyprstream.run("completion", "bash").stdout)

    def ask(*words, cwd=tmp_path):
        array = " ".join("'" + word + "'" for word in words)
        command = (
            f"source {script}; COMP_WORDS=(hyprstream {array}); COMP_CWORD={len(words)};"
            'complete -p hyprstream >/dev/null && _hyprstream && printf "%s\\n" "${COMPREPLY[@]}"'
        )
        result = subprocess.run(
            ["bash", "--norc", "-c", command], cwd=cwd, capture_output=True, timeout=30, text=True, check=True
        )
        assert result.stderr == ""
        return [word for word in result.stdout.split("\n") if word]

    return ask


def test_bash_commands(complete):
    assert {"quick-start", "run", "model", "completion", "--version", "--help"} <= set(complete(""))
    assert complete("qu") == ["quick-start"]
    assert complete("model", "") == ["pull", "list", "info", "search", "verify", "remove", "registries"]
    assert complete("model", "i") == ["info"]
    assert complete("completion", "") == ["bash", "zsh"]


def test_bash_options(complete):
    assert complete("quick-start", "--max") == ["--max-tokens"]
    assert complete("run", "--kv-cache-type", "q") == ["q8_0"]
    assert complete("run", "--temperature", "") == []
    # A value that is a command's name is no command.
    assert "--raw" in complete("run", "--system", "x", "--ra")
    assert "--json" in complete("model", "info", "--")


def test_bash_files(complete, tmp_path):
    (tmp_path / "my model.gguf").touch()
    assert complete("model", "info", "my") == ["my model.gguf"]
    assert complete("quick-start", "--model-path", "my") == ["my model.gguf"]
    assert complete("run", "my") == ["my model.gguf"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_syntax(hyprstream, tmp_path):
    script = tmp_path / "_hyprstream"
    script.write_bytes(hyprstream.run("completion", "zsh").stdout)
    command = f"autoload -Uz compinit; compinit -u -d {tmp_path}/dump; source {script}; whence -w _hyprstream"
    result = subprocess.run(["zsh", "-f", "-c", command], capture_output=True, timeout=30, text=True)
    assert result.returncode == 0 and result.stderr == "" and "function" in result.stdout
