"""Pulling from a hub of our own: the cache's layout, resuming, and a hub that misbehaves in every way."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import one_line_error
from gguf_layout import write_gguf
from stand_in_hub import Fault, File

REPOSITORY = "org/tiny-GGUF"
MB = 1 << 20


def cache_of(hyprstream):
    return pathlib.Path(hyprstream.env["HF_HOME"]) / "hub"


def repository_of(hyprstream, name=REPOSITORY):
    return cache_of(hyprstream) / ("models--" + name.replace("/", "--"))


def pull(hyprstream, *arguments, name=REPOSITORY, **options):
    return hyprstream.run("model", "pull", name, *arguments, **options)


def pulled_path(result):
    assert result.returncode == 0, result.stderr
    return pathlib.Path(result.stdout.decode().splitlines()[-1])


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sentence(result):
    """The sentence of a failure, after whatever was said of the progress."""
    *_, result.stderr = result.stderr.splitlines(keepends=True)
    return one_line_error(result)


def assert_nothing_half(hyprstream, name=REPOSITORY):
    """No snapshot names a file, and no blob has a final name."""
    repository = repository_of(hyprstream, name)
    assert not [p for p in repository.glob("snapshots/**/*") if p.is_symlink() or p.is_file()]
    assert not [p for p in repository.glob("blobs/*") if len(p.name) in (40, 64)]
    assert not list(repository.glob("refs/*"))


@pytest.fixture
def large(tmp_path_factory):
    """A GGUF of 48 MB: several segments."""
    path = tmp_path_factory.mktemp("large") / "large-Q8_0.gguf"
    return File(path=path, sha256=write_gguf(path, 48 * MB))


def test_layout(hyprstream, hub, bundled):
    made = hub.add(REPOSITORY, {"README.md": b"# Tiny\n", "sub/tiny-Q8_0.gguf": bundled})
    path = pulled_path(pull(hyprstream))
    repository = repository_of(hyprstream)
    assert path == repository / "snapshots" / made.commit / "sub" / "tiny-Q8_0.gguf"
    assert os.readlink(path) == f"../../../blobs/{digest(bundled)}"
    assert (repository / "refs" / "main").read_text() == made.commit
    assert path.read_bytes() == bundled.read_bytes()
    assert [p.name for p in (repository / "blobs").iterdir()] == [digest(bundled)]
    # A second time there is nothing to fetch.
    before = hub.bytes_sent
    assert pulled_path(pull(hyprstream)) == path and hub.bytes_sent == before


def test_choice(hyprstream, hub, bundled, tmp_path):
    data = bundled.read_bytes()
    # Each is another file: the name of the model differs.
    files = {
        name: data.replace(b"Hypr Tiny", label, 1)
        for name, label in (
            ("m-BF16.gguf", b"Hypr BF16"),
            ("m-q8_0.gguf", b"Hypr Q8_0"),
            ("m-Q4_K_M.gguf", b"Hypr Q4KM"),
            ("m-UD-Q4_K_XL.gguf", b"Hypr Q4KX"),
            ("mmproj-F16.gguf", b"Hypr mmpr"),
        )
    }
    hub.add(REPOSITORY, files)
    for asked, name in (
        ("", "m-Q4_K_M.gguf"),
        (":q8_0", "m-q8_0.gguf"),
        (":Q4_K_XL", "m-UD-Q4_K_XL.gguf"),
        (":ud-q4_k_xl", "m-UD-Q4_K_XL.gguf"),
    ):
        assert pulled_path(pull(hyprstream, name=REPOSITORY + asked)).name == name
    assert pulled_path(pull(hyprstream, name=f"hf://{REPOSITORY}@main/m-BF16.gguf")).name == "m-BF16.gguf"
    hub.add(REPOSITORY, {name: data for name, data in files.items() if "Q4" not in name})
    assert pulled_path(pull(hyprstream)).name == "m-q8_0.gguf"
    message = sentence(pull(hyprstream, name=REPOSITORY + ":Q2_K"))
    assert "Q2_K" in message and "Q8_0" in message and "BF16" in message


def test_split_models_come_together(hyprstream, hub, bundled):
    # Parts only by their names; each is a GGUF of its own.
    data = bundled.read_bytes()
    files = {f"m-Q8_0-0000{n}-of-00003.gguf": data.replace(b"Hypr Tiny", b"Hypr Pt %d" % n, 1) for n in (3, 1, 2)}
    hub.add(REPOSITORY, files)
    events = [json.loads(line) for line in pull(hyprstream, "--json").stdout.splitlines()]
    assert [pathlib.Path(p).name for p in events[-1]["paths"]] == sorted(files)
    assert events[-1]["size_bytes"] == sum(map(len, files.values())) == events[-1]["fetched_bytes"]
    assert all(pathlib.Path(p).exists() for p in events[-1]["paths"])
    hub.add(REPOSITORY, {name: data for name, data in files.items() if "00002" not in name})
    assert "no GGUF" in sentence(pull(hyprstream))


def test_lists_are_read_to_the_last_page(hyprstream, hub, bundled):
    hub.page_size = 3
    files = {f"a{n:02}.txt": b"%d" % n for n in range(20)} | {"z-Q4_K_M.gguf": bundled}
    hub.add(REPOSITORY, files)
    assert pulled_path(pull(hyprstream)).name == "z-Q4_K_M.gguf"
    pages = [s for s in hub.requests("hub", "GET") if "/tree/" in s.path]
    assert len(pages) == 7


def test_ranges_in_parallel(hyprstream, hub, large):
    hub.add(REPOSITORY, {"large-Q8_0.gguf": large})
    result = pull(hyprstream, "--json")
    path = pathlib.Path(json.loads(result.stdout.splitlines()[-1])["path"])
    assert digest(path) == large.sha256
    asked = [s.headers["Range"] for s in hub.requests("blobs", "GET")]
    assert len(asked) == 4 and len(set(asked)) == 4
    assert hub.bytes_sent == large.size


def test_json_events(hyprstream, hub, large):
    hub.add(REPOSITORY, {"large-Q8_0.gguf": large})
    hub.delay = 0.005
    result = pull(hyprstream, "--json")
    assert result.stderr == b""
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["event"] for e in events][-2:] == ["file_finished", "done"]
    progress = [e for e in events if e["event"] == "progress"]
    assert progress and all(e["total_bytes"] == large.size and 0 <= e["bytes"] <= large.size for e in progress)
    assert [e["bytes"] for e in progress] == sorted(e["bytes"] for e in progress)


def test_quiet_and_terminal(hyprstream, hub, large):
    hub.add(REPOSITORY, {"large-Q8_0.gguf": large})
    result = pull(hyprstream, "--quiet")
    assert result.stderr == b"" and result.stdout.count(b"\n") == 1
    hyprstream.run("model", "remove", REPOSITORY, "--yes")
    hub.delay = 0.005
    with hyprstream.terminal("model", "pull", REPOSITORY) as terminal:
        terminal.expect(r"large-Q8_0.gguf  \[[#.]{20}\]  [\d.]+ MB of 50.3 MB  \d+%  [\d.]+ MB/s  0:\d\d left")
        terminal.expect(r"fetched 50.3 MB in")


# ---- Stopping and going on ----


def start_pull(hyprstream, hub, share, size):
    """A pull in the background that has that share of the bytes."""
    before = hub.bytes_sent
    process = hyprstream.start(
        "model", "pull", REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while hub.bytes_sent - before < share * size and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return process


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_goes_on_from_what_is_there(hyprstream, hub, large, end):
    hub.add(REPOSITORY, {"large-Q8_0.gguf": large})
    hub.delay, hub.send_buffer = 0.01, 1 << 16
    process = start_pull(hyprstream, hub, 0.5, large.size)
    process.send_signal(end)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == (130 if end == signal.SIGINT else -signal.SIGKILL)
    if end == signal.SIGINT:
        assert b"goes on from it" in errors
    assert_nothing_half(hyprstream)
    hub.delay = 0
    result = pull(hyprstream, "--json")
    done = json.loads(result.stdout.splitlines()[-1])
    assert digest(pathlib.Path(done["path"])) == large.sha256
    assert done["fetched_bytes"] < 0.65 * large.size
    assert hub.bytes_sent - large.size < 0.1 * large.size
    assert len(list((repository_of(hyprstream) / "blobs").iterdir())) in (1, 2)  # the state of one not on the disk yet


def test_a_damaged_record_only_costs_time(hyprstream, hub, large):
    hub.add(REPOSITORY, {"large-Q8_0.gguf": large})
    hub.delay = 0.01
    process = start_pull(hyprstream, hub, 0.5, large.size)
    process.kill()
    process.communicate()
    hub.delay = 0
    blobs = repository_of(hyprstream) / "blobs"
    (state,) = blobs.glob("*.hyprstream-state")
    (data,) = blobs.glob("*.hyprstream.incomplete")
    # Bytes that were said to be there are not.
    with open(data, "r+b") as file:
        file.write(bytes(1000))
    assert digest(pulled_path(pull(hyprstream))) == large.sha256
    # And a record that is none.
    hyprstream.run("model", "remove", REPOSITORY, "--yes")
    blobs.mkdir(parents=True)
    state.write_bytes(b"HYPRPART" + b"\xff" * 300)
    assert digest(pulled_path(pull(hyprstream))) == large.sha256


def test_two_processes_fetch_once(hyprstream, hub, large):
    hub.add(REPOSITORY, {"large-Q8_0.gguf": large})
    hub.delay = 0.005
    processes = [
        hyprstream.start("model", "pull", REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert len({stdout for stdout, _ in outputs}) == 1
    assert hub.bytes_sent == large.size


def test_a_new_version_leaves_the_old_one(hyprstream, hub, bundled):
    first = hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    old = pulled_path(pull(hyprstream))
    changed = bundled.read_bytes().replace(b"Hypr Tiny", b"Hypr New!", 1)
    second = hub.add(REPOSITORY, {"m-Q8_0.gguf": changed})
    # While the new one cannot be had, the old one is what there is.
    hub.faults = [Fault("wrong_bytes")]
    sentence(pull(hyprstream))
    assert (repository_of(hyprstream) / "refs" / "main").read_text() == first.commit
    assert hyprstream.run("run", REPOSITORY, "hi").returncode == 0
    hub.faults = []
    new = pulled_path(pull(hyprstream))
    assert old.read_bytes() == bundled.read_bytes() and new.read_bytes() == changed
    assert (repository_of(hyprstream) / "refs" / "main").read_text() == second.commit


# ---- A hub that misbehaves ----


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("drop", times=6, after=3 * MB)],
        [Fault("drop", times=2, after=0)],
        [Fault("stall", times=2, after=MB)],
        [Fault("status", times=3, status=500)],
        [Fault("status", times=1, status=503, headers={"Retry-After": "1"})],
        [Fault("status", times=2, status=429, headers={"Retry-After": "1"})],
        [Fault("status", times=1, status=403)],
        [Fault("ignore_range")],
        [Fault("ignore_range", skip=2)],
        [Fault("ignore_range"), Fault("drop", times=1, after=MB)],
        [Fault("short_length", times=2)],
        [Fault("long_length", times=2)],
        [Fault("wrong_bytes", times=1)],
        [Fault("other_etag", times=1, skip=2)],
        [Fault("status", times=2, status=500, where="hub")],
        [Fault("redirect", times=1)],
    ],
    ids=lambda faults: "+".join(f"{f.kind}{f.status if f.kind == 'status' else ''}" for f in faults),
)
def test_recovers(hyprstream, hub, faults, tmp_path):
    path = tmp_path / "m-Q8_0.gguf"
    sha256 = write_gguf(path, 36 * MB)
    hub.add(REPOSITORY, {path.name: path.read_bytes()})
    hub.faults = faults
    assert digest(pulled_path(pull(hyprstream))) == sha256
    assert len([p for p in (repository_of(hyprstream) / "blobs").iterdir() if p.suffix == ".incomplete"]) == 0


def test_retry_after_is_honoured(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hub.faults = [Fault("status", times=1, status=429, headers={"Retry-After": "2"})]
    start = time.monotonic()
    pulled_path(pull(hyprstream))
    assert time.monotonic() - start >= 2
    hub.faults = [Fault("status", status=429, headers={"Retry-After": "86400"}, where="hub")]
    start = time.monotonic()
    assert "429" in sentence(pull(hyprstream))
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (Fault("wrong_bytes"), "digest"),
        (Fault("wrong_total"), "bytes"),
        (Fault("gzip"), "compresses"),
        (Fault("other_part"), "another part"),
        (Fault("redirect"), "circles"),
        (Fault("redirect", to="file:///etc/passwd"), "file:///etc/passwd"),
        (Fault("redirect", to="ftp://127.0.0.1/x"), "ftp://"),
        (Fault("redirect", to="http://user:secret@127.0.0.1/x"), "user name"),
        (Fault("redirect", where="hub", path="/resolve/"), "circles"),
        (Fault("redirect", where="hub", path="/resolve/", to="file:///etc/passwd"), "file:///etc/passwd"),
        (Fault("status", status=404), "404"),
        (Fault("drop", after=0), "127.0.0.2"),
    ],
    ids=lambda value: f"{value.kind}-{value.where}-{value.to[:8]}" if isinstance(value, Fault) else "",
)
def test_gives_up_with_a_sentence(hyprstream, hub, bundled, fault, named):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled.read_bytes()})
    hub.faults = [fault]
    message = sentence(pull(hyprstream, timeout=120))
    assert named in message and "secret" not in message, message
    assert_nothing_half(hyprstream)


@pytest.mark.parametrize("size", [1000, 10**9])
def test_a_wrong_size(hyprstream, hub, bundled, size):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    hub.head_size = size
    sentence(pull(hyprstream))
    assert_nothing_half(hyprstream)


def test_what_is_no_gguf(hyprstream, hub, tmp_path):
    path = tmp_path / "m-Q8_0.gguf"
    path.write_bytes(b"<html>" + bytes(40 * MB))
    hub.add(REPOSITORY, {"m-Q8_0.gguf": path})
    hub.delay = 0.02
    assert "web page" in sentence(pull(hyprstream))
    assert hub.bytes_sent < 30 * MB  # not to the end
    assert_nothing_half(hyprstream)
    # And one that only begins like one.
    hub.delay = 0
    hub.add(REPOSITORY, {"m-Q8_0.gguf": b"GGUF" + b"\xff" * 100_000})
    message = sentence(pull(hyprstream))
    assert "m-Q8_0.gguf of org/tiny-GGUF" in message
    assert_nothing_half(hyprstream)
    assert not list((repository_of(hyprstream) / "blobs").iterdir())


def test_a_repository_without_ggufs(hyprstream, hub):
    hub.add(REPOSITORY, {"config.json": b"{}", "model.safetensors": b"x" * 5000})
    message = sentence(pull(hyprstream))
    assert "config.json" in message and "model.safetensors" in message
    assert not repository_of(hyprstream).exists()


# ---- Addresses ----


def test_an_address(hyprstream, hub, bundled):
    hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
    address = f"{hub.blob_base}/blobs/{REPOSITORY}/m-Q8_0.gguf"
    path = pulled_path(pull(hyprstream, name=address))
    assert path.read_bytes() == bundled.read_bytes() and hyprstream.home in path.parents
    before = hub.bytes_sent
    assert pulled_path(pull(hyprstream, name=address)) == path and hub.bytes_sent == before
    assert hyprstream.run("run", address, "hi", env={"HF_HUB_OFFLINE": "1"}).returncode == 0
    assert address in hyprstream.run("model", "list").stdout.decode()
    assert hyprstream.run("model", "verify", address).returncode == 0
    assert hyprstream.run("model", "remove", address, "--yes").returncode == 0 and not path.exists()
    # A page of the hub is the same as hf://.
    path = pulled_path(pull(hyprstream, name=f"{hub.endpoint}/{REPOSITORY}/resolve/main/m-Q8_0.gguf"))
    assert repository_of(hyprstream) in path.parents


def test_tls(hyprstream, bundled, tmp_path):
    from stand_in_hub import StandInHub

    certificate = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1,IP:127.0.0.2", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    with StandInHub(certificate=certificate) as hub:
        hub.add(REPOSITORY, {"m-Q8_0.gguf": bundled})
        hyprstream.env |= hub.environment()
        assert "certificate" in sentence(pull(hyprstream))
        trusted = {"SSL_CERT_FILE": str(tmp_path / "cert.pem")}
        assert pulled_path(pull(hyprstream, env=trusted)).read_bytes() == bundled.read_bytes()
        # From there to where anybody can listen.
        hub.faults = [Fault("redirect", to="http://127.0.0.2:1/x")]
        hyprstream.run("model", "remove", REPOSITORY, "--yes")
        assert "plain http" in sentence(pull(hyprstream, env=trusted))
