"""The official client and ours, on one cache and one hub: each finds what the other pulled, and each gets the same
answers, so that the stand-in is what the real hub is."""

import fcntl
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from stand_in_hub import Fault
from test_hub_pull import MB, REPOSITORY, cache_of, pull, pulled_path, repository_of, sentence

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def python(hyprstream):
    """Runs lines of Python with huggingface_hub, in the environment of the program; gives back what they print."""

    def run(*lines, env=None):
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(("import json, huggingface_hub as hf", *lines))],
            env={**hyprstream.env, "HF_HUB_DISABLE_XET": "1", "HOME": str(hyprstream.home), **(env or {})},
            capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.strip()

    return run


def probe():
    return str(pathlib.Path(os.environ.get("HYPRSTREAM_BINARY", "build/release/bin/x")).parent / "adapter_probe")


FILES = {"README.md": b"# Tiny\n", "config.json": b"{}\n"}


def test_what_we_pull_python_finds(hyprstream, hub, bundled, python):
    made = hub.add(REPOSITORY, {**FILES, "sub/m-Q8_0.gguf": bundled})
    path = pulled_path(pull(hyprstream))
    sent = hub.bytes_sent
    for more in (", local_files_only=True", "", f", revision='{made.commit}', local_files_only=True"):
        assert python(f"print(hf.hf_hub_download('{REPOSITORY}', 'sub/m-Q8_0.gguf'{more}))") == str(path)
    assert python(f"print(hf.try_to_load_from_cache('{REPOSITORY}', 'sub/m-Q8_0.gguf'))") == str(path)
    assert hub.bytes_sent == sent
    found = json.loads(
        python(
            "info = hf.scan_cache_dir()",
            "(repo,) = info.repos",
            "(rev,) = repo.revisions",
            "print(json.dumps([repo.repo_id, repo.size_on_disk, rev.commit_hash, sorted(rev.refs),"
            " [f.file_name for f in rev.files], len(info.warnings), len(info.incomplete_files)]))",
        )
    )
    assert found == [REPOSITORY, bundled.stat().st_size, made.commit, ["main"], ["m-Q8_0.gguf"], 0, 0]


def test_what_python_pulls_we_find(hyprstream, hub, bundled, python):
    hub.add(REPOSITORY, {**FILES, "sub/m-Q8_0.gguf": bundled})
    path = python(f"print(hf.hf_hub_download('{REPOSITORY}', 'sub/m-Q8_0.gguf'))")
    offline = {"HF_HUB_OFFLINE": "1"}
    assert pulled_path(pull(hyprstream, env=offline)) == pathlib.Path(path)
    assert hyprstream.run("run", f"{REPOSITORY}:Q8_0", "hi", env=offline).returncode == 0
    (entry,) = json.loads(hyprstream.run("model", "list", "--json").stdout)
    assert entry["name"] == f"{REPOSITORY}:Q8_0" and entry["path"] == path
    assert hyprstream.run("model", "verify").stdout.startswith(b"ok")
    sent = hub.bytes_sent
    assert str(pulled_path(pull(hyprstream))) == path and hub.bytes_sent == sent
    # All of a repository, small files too.
    python(f"hf.snapshot_download('{REPOSITORY}')")
    result = hyprstream.run("model", "verify", "--json")
    checked = json.loads(result.stdout)
    assert len(checked) == 3 and all(file["ok"] for file in checked)


def test_one_after_the_other(hyprstream, hub, bundled, python):
    """A new version that one pulls is what the other goes on with; what one removes, the other does not miss."""
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    pulled_path(pull(hyprstream))
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled.read_bytes().replace(b"Hypr Tiny", b"Hypr New!", 1)})
    path = python(f"print(hf.hf_hub_download('{REPOSITORY}', 'm-Q8_0.gguf'))")
    assert str(pulled_path(pull(hyprstream, env={"HF_HUB_OFFLINE": "1"}))) == path
    assert len(json.loads(hyprstream.run("model", "list", "--json").stdout)) == 2
    assert hyprstream.run("model", "remove", f"{REPOSITORY}@{hub.repositories[REPOSITORY].commit}", "--yes").returncode == 0
    state = json.loads(
        python("i = hf.scan_cache_dir()", "print(json.dumps([len(r.revisions) for r in i.repos] + [len(i.warnings)]))")
    )
    assert state == [1, 0]
    assert hyprstream.run("model", "remove", REPOSITORY, "--yes").returncode == 0
    assert json.loads(python("i = hf.scan_cache_dir()", "print(json.dumps([len(i.repos), len(i.warnings)]))")) == [0, 0]


def test_locks(hyprstream, hub, bundled, python):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    etag = hub.repositories[REPOSITORY].files["m-Q8_0.gguf"].etag
    lock = cache_of(hyprstream) / ".locks" / "models--org--tiny-GGUF" / f"{etag}.lock"
    lock.parent.mkdir(parents=True)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        process = hyprstream.start("model", "pull", REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = process.stderr.readline()
        assert b"waiting" in line and process.poll() is None and hub.bytes_sent == 0
    stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    # And theirs waits for ours: they use the blob that we have got by then.
    hyprstream.run("model", "remove", REPOSITORY, "--yes")
    hub.delay, hub.bytes_sent = 0.05, 0
    process = hyprstream.start("model", "pull", REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while hub.bytes_sent == 0:
        time.sleep(0.01)
    path = python(f"print(hf.hf_hub_download('{REPOSITORY}', 'm-Q8_0.gguf'))")
    stdout, _ = process.communicate(timeout=30)
    assert stdout.decode().strip() == path
    assert pathlib.Path(path).read_bytes() == bundled.read_bytes()


def test_adapters(hyprstream, hub, python):
    files = {"adapter_config.json": b'{"r": 8}', "adapter_model.safetensors": os.urandom(MB), "README.md": b"x"}
    made = hub.add("org/adapter", files)
    run = subprocess.run([probe(), "hf://org/adapter"], env=hyprstream.env, capture_output=True, text=True)
    folder = pathlib.Path(run.stdout.strip())
    assert folder == repository_of(hyprstream, "org/adapter") / "snapshots" / made.commit
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {n: files[n] for n in files if n != "README.md"}
    # Small files carry git's digest, as with the official client.
    assert python("print(hf.hf_hub_download('org/adapter', 'adapter_config.json', local_files_only=True))")
    offline = subprocess.run(
        [probe(), "hf://org/adapter"], env={**hyprstream.env, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )
    assert offline.stdout == run.stdout
    hub.add("org/none", {"adapter_config.json": b"{}"})
    run = subprocess.run([probe(), "hf://org/none"], env=hyprstream.env, capture_output=True, text=True)
    assert run.returncode == 1 and "adapter_model.safetensors" in run.stderr


# ---- The same questions to the same hub ----


def test_both_see_the_same_files(hyprstream, hub, bundled, python):
    hub.page_size = 4
    hub.add(REPOSITORY, {f"a/f{n}-Q{n}_0.gguf": bundled for n in range(2, 9)} | FILES)
    theirs = python(
        f"print(json.dumps(sorted([f.path, f.size] for f in hf.HfApi().list_repo_tree('{REPOSITORY}', recursive=True)"
        " if hasattr(f, 'size') and f.path.endswith('.gguf'))))"
    )
    ours = json.loads(hyprstream.run("model", "info", REPOSITORY, "--json").stdout)
    ours = [[f["path"], f["size_bytes"]] for model in ours["models"] for f in model["files"]]
    assert sorted(ours) == json.loads(theirs) and len(ours) == 7


def test_both_search_alike(hyprstream, hub, python):
    for name in ("a/tiny-one", "b/other", "c/two-tiny"):
        hub.add(name, FILES)
    theirs = json.loads(python("print(json.dumps([m.id for m in hf.list_models(search='tiny', limit=10)]))"))
    found = json.loads(hyprstream.run("model", "search", "tiny", "--json").stdout)
    assert [f["repository"] for f in found] == theirs == ["a/tiny-one", "c/two-tiny"]
    assert found[0]["downloads"] == 1000 and found[0]["access"] == "public"


@pytest.mark.parametrize(
    ("options", "name", "token", "error", "ours"),
    [
        ({}, "org/none", "", "RepositoryNotFoundError", "does not exist"),
        ({}, REPOSITORY + "@v9", "", "RevisionNotFoundError", "revision"),
        ({}, f"hf://{REPOSITORY}/x.gguf", "", "EntryNotFoundError", "no file"),
        ({"private": True}, REPOSITORY, "", "RepositoryNotFoundError", "private"),
        ({"gated": True}, REPOSITORY, "", "GatedRepoError", "gated"),
        ({"gated": "not yet"}, REPOSITORY, TOKEN, "GatedRepoError", "gated"),
    ],
)
def test_both_are_refused_alike(hyprstream, hub, bundled, python, options, name, token, error, ours):
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled}, **options)
    repository, _, revision = name.removeprefix("hf://").removesuffix("/x.gguf").partition("@")
    file = "x.gguf" if name.endswith("x.gguf") else "m-Q8_0.gguf"
    env = {"HF_TOKEN": token} if token else {}
    theirs = python(
        "try:",
        f"    hf.hf_hub_download('{repository}', '{file}', revision={revision or None!r})",
        "except Exception as e: print([c.__name__ for c in type(e).__mro__])",
        env=env,
    )
    assert error in theirs
    assert ours in sentence(pull(hyprstream, name=name, env=env))


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Fault("status", times=1, status=503, where="hub")],
        [Fault("drop", times=1, after=2 * MB)],
        [Fault("status", times=1, status=429, headers={"Retry-After": "1"})],
    ],
    ids=lambda faults: faults[0].kind + str(faults[0].status) if faults else "none",
)
def test_both_get_it(hyprstream, hub, bundled, python, faults, tmp_path):
    """With a token, and through what both take for a bad day. (Theirs gives up on a 500 for the file itself.)"""
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled}, private=True)
    env = {"HF_TOKEN": TOKEN}
    for client in ("theirs", "ours"):
        hub.faults = [Fault(**vars(fault)) for fault in faults]
        home = {**env, "HF_HOME": str(tmp_path / client)}
        if client == "theirs":
            path = python(f"print(hf.hf_hub_download('{REPOSITORY}', 'm-Q8_0.gguf'))", env=home)
        else:
            path = pulled_path(pull(hyprstream, env=home))
        assert pathlib.Path(path).read_bytes() == bundled.read_bytes()
    names = [sorted(str(p.relative_to(tmp_path / c)) for p in (tmp_path / c).rglob("*")) for c in ("theirs", "ours")]
    # They mark the cache for backup programs; all else has the same names.
    assert [n for n in names[0] if "CACHEDIR.TAG" not in n] == names[1]
