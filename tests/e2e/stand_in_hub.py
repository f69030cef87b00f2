#!/usr/bin/env python3
"""A model hub on loopback that speaks the protocol of the real one: tree and search API, HEAD and GET with Range,
redirects of large files to a second host, tokens; and that misbehaves when told to.

As a program it serves files until it is ended: stand_in_hub.py REPOSITORY FILE... prints its address."""

import dataclasses
import gzip
import hashlib
import http.server
import json
import os
import pathlib
import socket
import ssl
import sys
import threading
import time
import urllib.parse

LFS_FROM = 4096  # bytes; smaller files are in git


def git_blob_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclasses.dataclass
class File:
    """Bytes, or a file on disk; large ones have a SHA-256, small ones git's SHA-1."""

    data: bytes | None = None
    path: pathlib.Path | None = None
    sha256: str = ""

    def __post_init__(self):
        if not self.sha256:
            content = self.data if self.data is not None else self.path.read_bytes()
            self.sha256 = hashlib.sha256(content).hexdigest()

    @property
    def size(self):
        return len(self.data) if self.data is not None else self.path.stat().st_size

    @property
    def is_lfs(self):
        return self.size >= LFS_FROM

    @property
    def git_id(self):
        return git_blob_id(self.data if self.data is not None else self.path.read_bytes())

    @property
    def etag(self):
        return self.sha256 if self.is_lfs else self.git_id


@dataclasses.dataclass
class Repository:
    files: dict
    commit: str
    private: bool = False
    gated: bool = False
    extra: list = dataclasses.field(default_factory=list)  # entries of the tree as they are, for hostile ones


@dataclasses.dataclass
class Fault:
    """What goes wrong with requests for large files, `times` times (None: always).

    kinds: drop, stall (after `after` bytes of the body), status, ignore_range, wrong_total, short_length, long_length,
    wrong_bytes, other_etag, gzip, redirect (to `to`), other_part; with `where` "hub" for any request to the hub itself:
    status, redirect."""

    kind: str
    times: int | None = None
    after: int = 0
    status: int = 500
    headers: dict = dataclasses.field(default_factory=dict)
    to: str = ""
    where: str = "blobs"
    path: str = ""  # only requests with this in their path
    skip: int = 0  # requests that are still answered well


@dataclasses.dataclass
class Seen:
    server: str  # "hub" or "blobs"
    method: str
    path: str
    headers: dict
    via_proxy_for: str  # the host of an absolute request


class StandInHub:
    def __init__(self, token=None, page_size=1000, certificate=None):
        """certificate: a PEM file with key and certificate; both hosts speak TLS then."""
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.repositories = {}
        self.faults = []
        self.seen = []
        self.token = token  # what private and gated repositories ask for
        self.page_size = page_size
        self.lock = threading.Lock()
        self.bytes_sent = 0  # of large files
        self.head_etag = None  # what HEAD says instead of the truth
        self.head_size = None
        self.send_buffer = None  # bytes; the kernel's choice if unset
        self.delay = 0  # seconds before each piece of a large file
        self.hub = self._serve("hub", "127.0.0.1")
        self.blobs = self._serve("blobs", "127.0.0.2")
        scheme = "https" if certificate else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.hub.server_port}"
        self.blob_base = f"{scheme}://127.0.0.2:{self.blobs.server_port}"

    def _serve(self, name, address):
        stand_in = self

        class Handler(HubHandler):
            hub = stand_in
            server_name = name

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass  # clients are killed on purpose

        server = Server((address, 0), Handler)
        if self.tls:
            server.socket = self.tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def close(self):
        for server in (self.hub, self.blobs):
            server.shutdown()
            server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, name, files, **options):
        """files: {path: bytes, pathlib.Path or File}. Adding again makes a new commit."""
        files = {
            path: content
            if isinstance(content, File)
            else File(data=content)
            if isinstance(content, bytes)
            else File(path=content)
            for path, content in files.items()
        }
        told = json.dumps([[path, file.sha256] for path, file in sorted(files.items())])
        commit = hashlib.sha1((name + told).encode()).hexdigest()
        self.repositories[name] = Repository(files, commit, **options)
        return self.repositories[name]

    def environment(self):
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DOWNLOAD_TIMEOUT": "2",
            "HF_HUB_ETAG_TIMEOUT": "2",
        }

    def take_fault(self, where, path):
        with self.lock:
            for fault in self.faults:
                if fault.where != where or fault.path not in path or fault.times == 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def requests(self, server=None, method=None):
        with self.lock:
            return [s for s in self.seen if server in (None, s.server) and method in (None, s.method)]


class HubHandler(http.server.BaseHTTPRequestHandler):
    hub: StandInHub
    server_name: str
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        seen = Seen(self.server_name, self.command, path, dict(self.headers.items()), url.netloc)
        with self.hub.lock:
            self.hub.seen.append(seen)
        try:
            # A proxy gets everything; the path says which of the two hosts is meant.
            if path.startswith("/blobs/"):
                return self.send_blob(path)
            fault = self.hub.take_fault("hub", path)
            if fault and fault.kind == "status":
                return self.send_plain(fault.status, b"", fault.headers)
            if fault and fault.kind == "redirect":
                return self.send_plain(302, b"", {"Location": fault.to or self.path})
            query = urllib.parse.parse_qs(url.query)
            if path == "/api/models":
                return self.send_search(query)
            if path.startswith("/api/models/"):
                return self.send_model(path.removeprefix("/api/models/"), query)
            return self.send_file(path.lstrip("/"))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # ---- The hub ----

    def send_plain(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(self, value, headers=None):
        self.send_plain(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send_refusal(self, status, code, message):
        body = json.dumps({"error": message}).encode()
        self.send_plain(status, body, {"X-Error-Code": code, "X-Error-Message": message})

    def repository(self, name):
        """The repository, if this request may see it; else it is answered, and this is None."""
        repository = self.hub.repositories.get(name)
        given = self.headers.get("Authorization")
        allowed = given == f"Bearer {self.hub.token}" and self.hub.token
        if given and not allowed:
            self.send_plain(401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repository is None:
            if given:
                self.send_refusal(404, "RepoNotFound", "Repository not found")
            else:  # the real one does not say which names are private
                self.send_refusal(401, "RepoNotFound", "Invalid username or password.")
        elif repository.private and not allowed:
            self.send_refusal(401, "RepoNotFound", "Invalid username or password.")
        elif repository.gated and (not allowed or repository.gated == "not yet"):
            self.send_refusal(403 if allowed else 401, "GatedRepo", f"Access to model {name} is restricted.")
        else:
            return repository
        return None

    def is_known(self, repository, revision):
        if revision in ("main", repository.commit):
            return True
        self.send_refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return False

    def send_search(self, query):
        words = query.get("search", [""])[0].lower()
        found = [
            {
                "id": name,
                "modelId": name,
                "downloads": 1000 - index,
                "likes": index,
                "private": repository.private,
                "gated": "manual" if repository.gated else False,
                "lastModified": "2026-01-02T03:04:05.000Z",
                "tags": ["gguf"],
            }
            for index, (name, repository) in enumerate(self.hub.repositories.items())
            if words in name.lower()
        ]
        self.send_json(found[: int(query.get("limit", ["1000"])[0])])

    def send_model(self, path, query):
        name, _, rest = path.partition("/tree/")
        name, _, revision = name.partition("/revision/")
        repository = self.repository(name)
        if repository is None:
            return None
        entries = [self.tree_entry(path, file) for path, file in repository.files.items()] + repository.extra
        if not rest:  # what snapshot_download asks first
            if not self.is_known(repository, revision or "main"):
                return None
            siblings = [{"rfilename": path} for path in repository.files]
            return self.send_json({"id": name, "modelId": name, "sha": repository.commit, "siblings": siblings})
        if not self.is_known(repository, rest):
            return None
        folders = sorted({str(p) for path in repository.files for p in pathlib.PurePosixPath(path).parents} - {"."})
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in folders] + entries
        begin = int(query.get("cursor", ["0"])[0])
        end = begin + self.hub.page_size
        headers = {}
        if end < len(entries):
            base = f"http://{self.headers['Host']}"
            headers["Link"] = f'<{base}/api/models/{name}/tree/{rest}?recursive=true&cursor={end}>; rel="next"'
        return self.send_json(entries[begin:end], headers)

    @staticmethod
    def tree_entry(path, file):
        entry = {"type": "file", "oid": "1" * 40 if file.is_lfs else file.git_id, "size": file.size, "path": path}
        if file.is_lfs:
            entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
        return entry

    def send_file(self, path):
        name, _, rest = path.partition("/resolve/")
        revision, _, file_path = rest.partition("/")
        repository = self.repository(name)
        if repository is None or not self.is_known(repository, revision):
            return None
        file = repository.files.get(file_path)
        headers = {"X-Repo-Commit": repository.commit}
        if file is None:
            headers |= {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            return self.send_plain(404, b"", headers)
        etag = self.hub.head_etag or file.etag
        if not file.is_lfs:
            return self.send_plain(200, file.data, headers | {"ETag": f'"{etag}"', "Accept-Ranges": "bytes"})
        headers |= {
            "X-Linked-Etag": f'"{etag}"',
            "X-Linked-Size": str(self.hub.head_size or file.size),
            "Location": f"{self.hub.blob_base}/blobs/{name}/{file_path}?signature=abc",
        }
        return self.send_plain(302, b"", headers)

    # ---- The host of large files ----

    def send_blob(self, path):
        name, file_path = next(
            (name, path.removeprefix(f"/blobs/{name}/"))
            for name in sorted(self.hub.repositories, key=len, reverse=True)
            if path.startswith(f"/blobs/{name}/")
        )
        file = self.hub.repositories[name].files.get(file_path)
        if file is None:
            return self.send_plain(403, b"<Error>expired</Error>")
        fault = self.hub.take_fault("blobs", path) or Fault("none")
        if fault.kind == "status":
            return self.send_plain(fault.status, b"", fault.headers)
        if fault.kind == "redirect":
            return self.send_plain(302, b"", {"Location": fault.to or self.path})
        first, last, status = 0, file.size - 1, 200
        asked = self.headers.get("Range")
        if asked and fault.kind != "ignore_range":
            begin, _, end = asked.removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or last), last), 206
            if first > last:
                return self.send_plain(416, b"", {"Content-Range": f"bytes */{file.size}"})
        if fault.kind == "other_part":
            first += 1
        length = last - first + 1
        self.send_response(status)
        total = file.size + (1 if fault.kind == "wrong_total" else 0)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"another"' if fault.kind == "other_etag" else f'"{file.sha256}"')
        if fault.kind == "gzip":
            body = gzip.compress(self.content(file)[first : last + 1])
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None
        difference = {"short_length": -1000, "long_length": 1000}.get(fault.kind, 0)
        self.send_header("Content-Length", str(length + difference))
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(file, first, length, fault)
        return None

    @staticmethod
    def content(file):
        return file.data if file.data is not None else file.path.read_bytes()

    def send_body(self, file, first, length, fault):
        if fault.kind in ("drop", "stall"):
            length = min(length, fault.after)
        if self.hub.send_buffer:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.hub.send_buffer)
        self.wfile.flush()
        if file.path is not None and not self.hub.tls:
            self.send_from_disk(file.path, first, length)
        else:
            data = self.content(file)[first : first + length]
            if fault.kind == "wrong_bytes":
                data = data[: length // 2] + bytes([data[length // 2] ^ 1]) + data[length // 2 + 1 :]
            for at in range(0, len(data), 1 << 16):
                if self.hub.delay:
                    time.sleep(self.hub.delay)
                self.connection.sendall(data[at : at + (1 << 16)])
                self.count(len(data[at : at + (1 << 16)]))
        if fault.kind == "stall":
            time.sleep(5)
        if fault.kind in ("drop", "stall", "short_length", "long_length"):
            self.close_connection = True

    def send_from_disk(self, path, first, length):
        with open(path, "rb") as content:
            end = first + length
            while first < end:
                if self.hub.delay:
                    time.sleep(self.hub.delay)
                sent = os.sendfile(self.connection.fileno(), content.fileno(), first, min(end - first, 1 << 20))
                if sent == 0:
                    break
                first += sent
                self.count(sent)

    def count(self, sent):
        with self.hub.lock:
            self.hub.bytes_sent += sent


def main():
    name, *paths = sys.argv[1:]
    with StandInHub() as hub:
        hub.add(name, {pathlib.Path(path).name: pathlib.Path(path) for path in paths})
        print(hub.endpoint, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
