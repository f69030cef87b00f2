"""A hub that wants more than it should get: other places on the disk, tokens, machines of the inner network."""

import ctypes
import os
import pathlib
import subprocess

import pytest

from stand_in_hub import Fault
from test_hub_pull import MB, REPOSITORY, assert_nothing_half, cache_of, pull, pulled_path, repository_of, sentence

LIBC = ctypes.CDLL(None, use_errno=True)  # the private root has no mount program
MS_RDONLY, MS_REMOUNT, MNT_DETACH = 1, 32, 2
TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


# ---- Names ----


@pytest.mark.parametrize(
    "path",
    ["../../../../evil-Q8_0.gguf", "/tmp/evil-Q8_0.gguf", "a/../../evil.gguf", "evil\0.gguf", "a\\..\\evil.gguf",
     "x" * 300 + ".gguf", "a//b.gguf", "./a.gguf", "a\n.gguf", "", "y/" * 600 + "z.gguf"],
    ids=repr,
)  # fmt: skip
def test_file_names(hyprstream, hub, bundled, path):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    entry = {"type": "file", "oid": "1" * 40, "size": 10, "path": path}
    hub.repositories[REPOSITORY].extra = [entry]
    before = sorted(p for p in hyprstream.home.parent.rglob("*"))
    message = sentence(pull(hyprstream))
    assert "file name" in message
    assert sorted(p for p in hyprstream.home.parent.rglob("*")) == before


def test_names_of_the_cache_itself_are_only_names(hyprstream, hub, bundled):
    for name in ("blobs/m-Q8_0.gguf", "refs/main/m-Q8_0.gguf", ".locks/m-Q8_0.gguf", "snapshots/m-Q8_0.gguf"):
        made = hub.add(REPOSITORY, {name: bundled})
        path = pulled_path(pull(hyprstream))
        assert path == repository_of(hyprstream) / "snapshots" / made.commit / name
        assert (repository_of(hyprstream) / "refs" / "main").read_text() == made.commit


@pytest.mark.parametrize(
    "etag", ["../../../../../evil", "A" * 64, "g" * 64, "0" * 63, "0" * 65, "a/b", "", "0" * 40 + "/../x"]
)
def test_digests(hyprstream, hub, bundled, etag):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hub.head_etag = etag or '""'
    message = sentence(pull(hyprstream))
    assert "digest" in message
    assert_nothing_half(hyprstream)


def test_a_digest_of_the_tree_that_is_none(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hub.repositories[REPOSITORY].extra = [
        {"type": "file", "oid": "1", "size": 10, "path": "b.gguf", "lfs": {"oid": "../x", "size": 10}}
    ]
    assert "SHA-256" in sentence(pull(hyprstream))


@pytest.mark.parametrize(
    ("name", "code"),
    [("hf://", 2), ("hf://../..", 2), ("hf://org/../x", 2), ("hf://a/b@../..", 2), ("hf://a/b@main:", 2),
     ("hf://a/b/../../c.gguf", 2), ("hf://a--b/c", 2), ("hf://a/b\n", 2), ("http://example.com/x.gguf", 2),
     ("https://example.com/x.zip", 2), ("https://u:p@example.com/x.gguf", 2), ("hello", 2), ("bundled", 2)],
)  # fmt: skip
def test_references(hyprstream, hub, name, code):
    result = pull(hyprstream, name=name)
    sentence(result)
    assert result.returncode == code
    assert not hub.seen


def test_folders_that_lead_out(hyprstream, hub, bundled, tmp_path):
    """A link where a folder of the repository belongs, whoever put it there."""
    hub.add(REPOSITORY, {"sub/m-Q8_0.gguf": bundled})
    outside = tmp_path / "outside"
    for place in ("blobs", "snapshots", "refs"):
        outside.mkdir()
        link = repository_of(hyprstream) / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside)
        assert "leads out" in sentence(pull(hyprstream))
        assert not list(outside.iterdir())
        link.unlink()
        outside.rmdir()
    commit = hub.repositories[REPOSITORY].commit
    outside.mkdir()
    (repository_of(hyprstream) / "snapshots" / commit).mkdir(parents=True)
    (repository_of(hyprstream) / "snapshots" / commit / "sub").symlink_to(outside)
    assert "leads out" in sentence(pull(hyprstream))
    assert not list(outside.iterdir())


def test_partial_files_that_are_links(hyprstream, hub, bundled, tmp_path):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    blobs = repository_of(hyprstream) / "blobs"
    blobs.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    etag = hub.repositories[REPOSITORY].files["m-Q8_0.gguf"].etag
    for ending in (".hyprstream.incomplete", ".hyprstream-state"):
        (blobs / (etag + ending)).symlink_to(victim)
        sentence(pull(hyprstream))
        assert victim.read_bytes() == b"precious"
        for path in blobs.iterdir():
            path.unlink()


# ---- Tokens ----


def test_the_token_stays_with_the_hub(hyprstream, hub, bundled):
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled}, private=True)
    assert "HF_TOKEN" in sentence(pull(hyprstream))
    assert pulled_path(pull(hyprstream, env={"HF_TOKEN": TOKEN})).exists()
    assert all("Authorization" in s.headers for s in hub.requests("hub")[1:])
    # Another host, which records what it is shown.
    assert hub.requests("blobs") and not any("Authorization" in s.headers for s in hub.requests("blobs"))


def test_the_token_does_not_follow_redirects_of_the_hub(hyprstream, hub, bundled):
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled}, private=True)
    for path in ("/tree/", "/resolve/"):
        hub.seen.clear()
        hub.faults = [Fault("redirect", where="hub", path=path, to=f"{hub.blob_base}/blobs/{REPOSITORY}/m-Q8_0.gguf")]
        pull(hyprstream, env={"HF_TOKEN": TOKEN})
        assert not any("Authorization" in s.headers for s in hub.requests("blobs"))


def test_the_token_is_not_for_other_addresses(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    pulled_path(pull(hyprstream, name=f"{hub.blob_base}/blobs/{REPOSITORY}/m-Q8_0.gguf", env={"HF_TOKEN": TOKEN}))
    assert not any("Authorization" in s.headers for s in hub.seen)


def test_token_files(hyprstream, hub, bundled, tmp_path):
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled}, private=True)
    home = pathlib.Path(hyprstream.env["HF_HOME"])
    home.mkdir(parents=True)
    (home / "token").write_text(TOKEN + "\n")
    assert pulled_path(pull(hyprstream)).exists()
    (tmp_path / "other").write_text("hf_wrong")
    message = sentence(pull(hyprstream, env={"HF_TOKEN_PATH": str(tmp_path / "other")}))
    assert str(tmp_path / "other") in message and "hf_wrong" not in message
    for broken in ("two words", "line\r\nX-Evil: 1", "\x1b[2J"):
        result = pull(hyprstream, env={"HF_TOKEN": broken})
        assert "HF_TOKEN holds no token" in sentence(result) and result.returncode == 2


@pytest.mark.parametrize(
    ("options", "env", "named"),
    [
        ({"private": True}, {}, ["private", "HF_TOKEN"]),
        ({"private": True}, {"HF_TOKEN": "hf_wrong"}, ["does not accept the token from HF_TOKEN"]),
        ({"gated": True}, {}, ["gated", "accept its terms", "/org/tiny-GGUF", "HF_TOKEN"]),
        ({"gated": "not yet"}, {"HF_TOKEN": TOKEN}, ["gated", "accept its terms", "/org/tiny-GGUF"]),
    ],
    ids=["private", "wrong token", "gated", "gated, not accepted"],
)
def test_refusals(hyprstream, hub, bundled, options, env, named):
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled}, **options)
    message = sentence(pull(hyprstream, env=env))
    assert all(word in message for word in named), message


def test_more_refusals(hyprstream, hub, bundled):
    hub.token = TOKEN
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    with_token = {"HF_TOKEN": TOKEN}
    assert "does not exist" in sentence(pull(hyprstream, name="org/none", env=with_token))
    assert "no revision 'v9'" in sentence(pull(hyprstream, name=REPOSITORY + "@v9"))
    assert "no file x.gguf" in sentence(pull(hyprstream, name=f"hf://{REPOSITORY}/x.gguf"))
    hub.faults = [Fault("status", status=403, where="hub")]
    assert "refuses access" in sentence(pull(hyprstream))
    assert "may not read" in sentence(pull(hyprstream, env=with_token))
    hub.faults = [Fault("status", status=418, where="hub")]
    assert "418" in sentence(pull(hyprstream))


# ---- Machines of the inner network ----


def through_proxy(hub):
    """The hub under a public name, which nobody has to resolve: all requests go through it as a proxy."""
    hub.blob_base = "http://blobs.example.com"
    proxy = hub.endpoint
    return {"HF_ENDPOINT": "http://hub.example.com", "http_proxy": proxy, "no_proxy": ""}


def test_a_public_hub(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    assert pulled_path(pull(hyprstream, env=through_proxy(hub))).exists()
    assert {s.via_proxy_for for s in hub.seen} == {"hub.example.com", "blobs.example.com"}


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:9/x", "http://localhost:9/x", "http://foo.localhost/x", "http://169.254.169.254/latest",
     "http://[::1]:9/x", "http://[fe80::1]/x", "http://10.0.0.1/x", "http://192.168.1.1/x", "http://0.0.0.0/x",
     "http://0x7f000001/x", "http://2130706433/x", "http://[::ffff:127.0.0.1]/x", "http://127.1/x"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["hub", "blobs"])
def test_a_public_hub_does_not_lead_inside(hyprstream, hub, bundled, target, where):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hub.faults = [Fault("redirect", to=target, where=where, path="/resolve/" if where == "hub" else "")]
    message = sentence(pull(hyprstream, env=through_proxy(hub)))
    assert "not followed" in message
    assert {s.via_proxy_for for s in hub.seen} <= {"hub.example.com", "blobs.example.com"}
    assert_nothing_half(hyprstream)


# ---- Disks ----


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 160 MB, if this process may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if LIBC.mount(b"tmpfs", bytes(place), b"tmpfs", 0, b"size=160m") != 0:
        pytest.skip("mounting is not allowed here")
    yield place
    LIBC.umount2(bytes(place), MNT_DETACH)


def big_model(hub, size):
    # Only its beginning matters here.
    hub.add(REPOSITORY, {"m-Q8_0.gguf": b"GGUF" + bytes(size)})


def test_no_room(hyprstream, hub, small_disk):
    big_model(hub, 120 * MB)
    hyprstream.env["HF_HUB_CACHE"] = str(small_disk)
    message = sentence(pull(hyprstream))
    assert "126 MB more" in message and str(small_disk) in message
    assert hub.bytes_sent == 0


def test_no_room_in_the_middle(hyprstream, hub, small_disk):
    big_model(hub, 60 * MB)
    hyprstream.env["HF_HUB_CACHE"] = str(small_disk)
    hub.delay = 0.01
    process = hyprstream.start("model", "pull", REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while hub.bytes_sent < 5 * MB:
        assert process.poll() is None
    filler = small_disk / "filler"
    with open(filler, "wb") as file:
        try:
            while True:
                os.write(file.fileno(), bytes(MB))
        except OSError:
            pass
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and b"No space left" in stderr and stderr.count(b"\n") == 1
    assert not [p for p in small_disk.glob("models--*/blobs/*") if len(p.name) == 64]
    # With room again it goes on.
    filler.unlink()
    sent = hub.bytes_sent
    result = pull(hyprstream)
    assert "GGUF" in sentence(result) or result.returncode == 0
    assert hub.bytes_sent - sent < 60 * MB


def test_a_cache_that_cannot_be_written(hyprstream, hub, bundled, small_disk):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hyprstream.env["HF_HUB_CACHE"] = str(small_disk)
    path = pulled_path(pull(hyprstream))
    assert LIBC.mount(None, bytes(small_disk), None, MS_REMOUNT | MS_RDONLY, None) == 0
    # What is there can be used.
    assert hyprstream.run("run", REPOSITORY, "hi").returncode == 0
    hub.add("org/other", {"m-Q8_0.gguf": bundled})
    message = sentence(pull(hyprstream, name="org/other"))
    assert str(small_disk) in message and "HF_HUB_CACHE" in message
    assert path.exists()


def test_a_cache_that_is_a_link_to_nothing(hyprstream, hub, bundled, tmp_path):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    home = pathlib.Path(hyprstream.env["HF_HOME"])
    home.mkdir(parents=True)
    cache_of(hyprstream).symlink_to(tmp_path / "nowhere")
    message = sentence(pull(hyprstream))
    assert "is a link to something that is not there" in message and str(cache_of(hyprstream)) in message
    assert not (tmp_path / "nowhere").exists()
