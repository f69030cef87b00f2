"""The model commands around pulling: list, info, search, verify, remove, registries; and models pulled on first use."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import one_line_error
from test_hub_pull import MB, REPOSITORY, digest, pull, pulled_path, repository_of, sentence


def listed(hyprstream):
    return json.loads(hyprstream.run("model", "list", "--json").stdout)


def test_list(hyprstream, hub, bundled):
    assert hyprstream.run("model", "list").stdout.decode().splitlines()[1].split()[:2] == ["bundled", "Q8_0"]
    assert listed(hyprstream) == []
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled, "strange.gguf": b"GGUF" + bytes(100)})
    path = pulled_path(pull(hyprstream))
    # What other tools left there: a file that is no link, and one that is no model.
    other = path.parent / "other-Q4_0.gguf"
    other.write_bytes(b"no model")
    entries = {entry["name"]: entry for entry in listed(hyprstream)}
    assert set(entries) == {f"{REPOSITORY}:Q8_0", f"{REPOSITORY}:Q4_0"}
    model = entries[f"{REPOSITORY}:Q8_0"]
    assert model["parameters"] == 3476544 and model["size_bytes"] == bundled.stat().st_size
    assert entries[f"{REPOSITORY}:Q4_0"]["parameters"] is None
    table = hyprstream.run("model", "list").stdout.decode()
    assert re.search(rf"^{REPOSITORY}:Q8_0 +Q8_0 +3.5 M +3.8 MB +20\d\d-", table, re.MULTILINE)
    # Used: its time is now.
    os.utime(path, (0, 0))
    assert listed(hyprstream)[1]["last_used"].startswith("1970")
    assert hyprstream.run("run", REPOSITORY, "hi").returncode == 0
    assert not listed(hyprstream)[1]["last_used"].startswith("1970")


def test_info(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled, "m-F16.gguf": bundled})
    remote = json.loads(hyprstream.run("model", "info", REPOSITORY, "--json").stdout)
    assert [m["quantization"] for m in remote["models"]] == ["Q8_0", "F16"]
    assert [m["chosen"] for m in remote["models"]] == [True, False] and not remote["on_this_disk"]
    assert remote["models"][0]["files"][0]["sha256"] == digest(bundled)
    assert "(pulled by default)" in hyprstream.run("model", "info", REPOSITORY).stdout.decode()
    assert hub.bytes_sent == 0
    pulled_path(pull(hyprstream))
    assert json.loads(hyprstream.run("model", "info", REPOSITORY, "--json").stdout)["architecture"] == "qwen3"
    assert json.loads(hyprstream.run("model", "info", REPOSITORY, "--json", "--remote").stdout)["on_this_disk"]


def test_verify(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hub.add("org/other", {"n-Q8_0.gguf": bundled.read_bytes().replace(b"Hypr Tiny", b"Hypr Two!", 1)})
    pulled_path(pull(hyprstream))
    damaged = pulled_path(pull(hyprstream, name="org/other"))
    assert hyprstream.run("model", "verify").stdout.count(b"ok ") == 2
    with open(damaged, "r+b") as file:
        file.seek(1_000_000)
        file.write(b"damage")
    result = hyprstream.run("model", "verify")
    assert result.returncode == 1
    assert b"damaged  org/other/n-Q8_0.gguf: has the digest" in result.stdout and result.stdout.count(b"ok ") == 1
    checked = {c["name"]: c["ok"] for c in json.loads(hyprstream.run("model", "verify", "--json").stdout)}
    assert checked == {"org/other/n-Q8_0.gguf": False, f"{REPOSITORY}/m-Q8_0.gguf": True}
    assert hyprstream.run("model", "verify", REPOSITORY).returncode == 0
    assert hyprstream.run("model", "verify", "org/other").returncode == 1
    assert "org/none" in one_line_error(hyprstream.run("model", "verify", "org/none"))


def test_remove_keeps_what_others_use(hyprstream, hub, bundled):
    first = hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled, "m-F16.gguf": b"GGUF no" * 1000})
    pulled_path(pull(hyprstream))
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled, "README.md": b"new"})
    path = pulled_path(pull(hyprstream))
    blobs = repository_of(hyprstream) / "blobs"
    assert len(list(blobs.iterdir())) == 1 and len(listed(hyprstream)) == 2
    # The older snapshot goes; the blob stays for the newer one.
    result = hyprstream.run("model", "remove", f"{REPOSITORY}@{first.commit}", "--yes")
    assert b"0 bytes are free" in result.stderr
    assert path.exists() and len(listed(hyprstream)) == 1
    result = hyprstream.run("model", "remove", REPOSITORY)
    assert result.returncode == 2 and "--yes" in one_line_error(result) and path.exists()
    result = hyprstream.run("model", "remove", REPOSITORY, "--yes")
    assert b"3.8 MB are free" in result.stderr and not repository_of(hyprstream).exists()
    assert "not in the model cache" in one_line_error(hyprstream.run("model", "remove", REPOSITORY, "--yes"))
    assert one_line_error(hyprstream.run("model", "remove", str(bundled), "--yes")) and bundled.exists()


def test_remove_one_quantization(hyprstream, hub, bundled):
    data = bundled.read_bytes()
    hub.add(REPOSITORY, {"m-Q8_0.gguf": data, "m-F16.gguf": data.replace(b"Hypr Tiny", b"Hypr F16!", 1)})
    pulled_path(pull(hyprstream))
    pulled_path(pull(hyprstream, name=REPOSITORY + ":F16"))
    assert hyprstream.run("model", "remove", REPOSITORY + ":f16", "--yes").returncode == 0
    assert [entry["name"] for entry in listed(hyprstream)] == [f"{REPOSITORY}:Q8_0"]
    assert len(list((repository_of(hyprstream) / "blobs").iterdir())) == 1


def test_remove_asks(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    path = pulled_path(pull(hyprstream))
    for answer, gone in (("n", False), ("", False), ("y", True)):
        with hyprstream.terminal("model", "remove", REPOSITORY) as terminal:
            terminal.expect(r"Remove 1 file of org/tiny-GGUF, 3.8 MB\? \[y/N\]")
            terminal.send(answer + "\r")
            terminal.wait()
        assert path.exists() != gone


def test_registries(hyprstream, hub):
    told = json.loads(hyprstream.run("model", "registries", "--json", env={"HF_TOKEN": "hf_secret"}).stdout)
    assert told["registries"][0]["endpoint"] == hub.endpoint + "/"
    assert told["registries"][0]["token_source"] == "HF_TOKEN"
    assert told["cache"] == hyprstream.env["HF_HOME"] + "/hub"
    assert {"qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "smollm2-135m", "smollm2-360m", "llama3.2-1b"} <= set(told["aliases"])
    assert b"hf_secret" not in hyprstream.run("model", "registries", env={"HF_TOKEN": "hf_secret"}).stdout
    assert not hub.seen


def test_a_pull_without_a_name(hyprstream, hub, bundled):
    hub.add("Qwen/Qwen3-1.7B-GGUF", {"Qwen3-1.7B-Q8_0.gguf": bundled})
    result = hyprstream.run("model", "pull")
    assert pulled_path(result).name == "Qwen3-1.7B-Q8_0.gguf"


def test_pulled_on_first_use(hyprstream, hub, bundled):
    hub.add("Qwen/Qwen3-0.6B-GGUF", {"Qwen3-0.6B-Q8_0.gguf": bundled})
    result = hyprstream.run("quick-start", "--model", "qwen3-0.6b", "--max-tokens", "3")
    assert result.returncode == 0
    assert "Qwen3-0.6B-Q8_0.gguf\n" in result.stdout.decode().splitlines(keepends=True)[1]
    asked = len(hub.seen)
    # From now on nobody is asked.
    assert hyprstream.run("run", "Qwen3-0.6B", "hi").returncode == 0
    assert hyprstream.run("run", "hf://Qwen/Qwen3-0.6B-GGUF:q8_0", "hi").returncode == 0
    assert hyprstream.run("quick-start", "--model", "qwen3-0.6b", "--offline").returncode == 0
    assert len(hub.seen) == asked
    result = hyprstream.run("quick-start", "--model", "bundled", "--model-path", str(bundled))
    assert result.returncode == 2 and "--model-path" in one_line_error(result)


@pytest.mark.parametrize("way", ["--offline", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(hyprstream, hub, bundled, way):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    flags, env = ([way], {}) if way.startswith("--") else ([], {way: "1"})
    for command in (["model", "pull", REPOSITORY], ["run", REPOSITORY, "hi"], ["quick-start", "--model", REPOSITORY],
                    ["model", "info", REPOSITORY], ["model", "search", "x"]):  # fmt: skip
        assert "offline" in one_line_error(hyprstream.run(*command, *flags, env=env))
    assert not hub.seen
    pulled_path(pull(hyprstream))
    asked = len(hub.seen)
    for command in (["model", "pull", REPOSITORY], ["run", REPOSITORY, "hi"], ["quick-start", "--model", REPOSITORY],
                    ["model", "info", REPOSITORY]):  # fmt: skip
        assert hyprstream.run(*command, *flags, env=env).returncode == 0
    assert len(hub.seen) == asked


def test_adapters_of_the_hub(hyprstream, hub, source, tmp_path):
    """`lora import hf://...`, on a base model that is pulled for it."""
    peft = source / "tests" / "data" / "peft" / "qwen3"
    hub.add("org/base-GGUF", {"base-F32.gguf": peft / "base.gguf"})
    hub.add("org/style", {path.name: path.read_bytes() for path in (peft / "plain").iterdir()})
    arguments = ("lora", "import", "hf://org/style", "--base", "org/base-GGUF", "--json")
    result = hyprstream.run(*arguments)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["name"] == "style"
    assert hyprstream.run("run", "org/base-GGUF+style", "hi", "--raw", "--max-tokens", "2").returncode == 0
    asked = len(hub.seen)
    assert hyprstream.run(*arguments, "--name", "again", env={"HF_HUB_OFFLINE": "1"}).returncode == 0
    merge = ("lora", "merge", "style", "--base", "org/base-GGUF", "--output", str(tmp_path / "merged.gguf"))
    assert hyprstream.run(*merge).returncode == 0
    assert len(hub.seen) == asked
    result = hyprstream.run("lora", "import", "hf://org/base-GGUF", "--base", "org/base-GGUF")
    assert "adapter_config.json" in one_line_error(result)
    assert hyprstream.run("lora", "import", "hf://org/style:Q8_0").returncode == 2


def test_a_hub_that_is_not_there(hyprstream, hub):
    hub.close()
    message = sentence(pull(hyprstream, timeout=60))
    assert "cannot be reached" in message


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [("HF_ENDPOINT", "nonsense", "HF_ENDPOINT"), ("HF_ENDPOINT", "file:///tmp", "HF_ENDPOINT"),
     ("HF_HUB_DOWNLOAD_TIMEOUT", "soon", "HF_HUB_DOWNLOAD_TIMEOUT")],
)  # fmt: skip
def test_settings_that_make_no_sense(hyprstream, hub, name, value, named):
    result = pull(hyprstream, env={name: value})
    assert named in one_line_error(result) and result.returncode == 2


def test_memory(hyprstream, hub, tmp_path):
    """A model many times larger than what the program may use. The figure itself is bench/run.py's."""
    from gguf_layout import write_gguf

    path = tmp_path / "m-Q8_0.gguf"
    write_gguf(path, 128 * MB)
    hub.add(REPOSITORY, {path.name: path})
    hub.delay = 0.001
    process = hyprstream.start("model", "pull", REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        # Not wait4()'s figure, which counts what this process had when it forked.
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        peak = max(peak, int((re.findall(r"VmHWM:\s+(\d+) kB", status) or ["0"])[0]))
    assert process.returncode == 0 and 1024 < peak < 64 * 1024
