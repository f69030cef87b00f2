"""Connections: TLS, limits, settings, signals; and that slow or idle clients harm nobody."""

import concurrent.futures
import gzip
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from conftest import one_line_error
from openai_server import ask
from server import serving

# A connection is a file, here too.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

SOAK = bool(os.environ.get("HYPRSTREAM_SOAK"))


def address(server):
    host, port = server.url.split("://")[1].split(":")
    return host, int(port)


def exchange(server, request, timeout=30):
    """What comes back for these bytes: until the server closes, or a body of a known length is complete."""
    with socket.create_connection(address(server), timeout=timeout) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            length = re.search(rb"\r\nContent-Length: (\d+)\r\n(?s:.*?)\r\n\r\n", answer)
            if length and len(answer) >= length.end() + int(length[1]):
                break
    return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def error_of(answer):
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]


def head(method="POST", path="/v1/completions", *fields):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()


def resident_kilobytes(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def gauge(server, name):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(server.url + "/metrics", timeout=30) as answer:
        return next(float(line.split()[1]) for line in answer.read().decode().splitlines() if line.startswith(name + " "))


# ---- TLS ----


def tls_flags(folder, *more):
    return "--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.key"), *more


def https(server, authority, client=None, folder=None, highest=None):
    context = ssl.create_default_context(cafile=str(authority))
    if client:
        context.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    if highest:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = highest
        context.set_ciphers("ALL:@SECLEVEL=0")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    body = json.dumps({"prompt": "Once", "max_tokens": 20, "temperature": 0}).encode()
    with opener.open(urllib.request.Request(server.url.replace("127.0.0.1", "localhost") + "/v1/completions", body), timeout=30) as answer:
        return json.load(answer)["choices"][0]["text"]


def test_tls_serves_those_who_trust_it(hyprstream, certificates):
    with serving(hyprstream) as plain:
        expected = ask(plain.url + "/v1/completions", {"prompt": "Once", "max_tokens": 20, "temperature": 0})[1]["choices"][0]["text"]
    with serving(hyprstream, *tls_flags(certificates)) as server:
        assert server.url.startswith("https://")
        assert https(server, certificates / "ca.pem") == expected
        assert https(server, certificates / "ca.pem", highest=ssl.TLSVersion.TLSv1_2) == expected
        with pytest.raises(urllib.error.URLError):
            https(server, certificates / "other.pem")
        with pytest.raises((urllib.error.URLError, ssl.SSLError, ConnectionError)):
            https(server, certificates / "ca.pem", highest=ssl.TLSVersion.TLSv1_1)
        # Plain HTTP gets no answer, and the server goes on.
        assert b"HTTP/1.1 200" not in exchange(server, head("GET", "/health"))
        assert https(server, certificates / "ca.pem") == expected


def test_tls_asks_clients_for_certificates(hyprstream, certificates):
    flags = tls_flags(certificates, "--tls-client-ca", str(certificates / "ca.pem"))
    with serving(hyprstream, *flags) as server:
        assert https(server, certificates / "ca.pem", "client", certificates)
        for client in (None, "stranger"):
            with pytest.raises((urllib.error.URLError, ssl.SSLError, ConnectionError)):
                https(server, certificates / "ca.pem", client, certificates)


def test_wrong_certificates_are_named(hyprstream, certificates):
    def refused(cert, key, *more):
        files = [str(certificates / name) for name in (cert, key)]
        return one_line_error(hyprstream.run("server", "--port", "0", "--tls-cert", files[0], "--tls-key", files[1], *more))

    assert "client.key" in refused("server.pem", "client.key") and "another certificate" in refused("server.pem", "client.key")
    assert "server.key" in refused("server.key", "server.key")
    assert "expired" in refused("old.pem", "server.key")
    assert "nothing.pem" in refused("nothing.pem", "server.key")
    assert "--tls-key" in one_line_error(hyprstream.run("server", "--tls-cert", str(certificates / "server.pem")))
    assert "--tls-cert" in one_line_error(hyprstream.run("server", "--tls-client-ca", str(certificates / "ca.pem")))


# ---- Limits ----


def test_requests_that_are_too_large_or_malformed(hyprstream):
    with serving(hyprstream) as server:
        long = exchange(server, head("GET", "/" + "x" * 10000))
        assert status_of(long) == 414 and error_of(long)["message"]
        many = exchange(server, head("GET", "/health", *[f"X-{i}: {i}" for i in range(200)]))
        assert status_of(many) == 431 and "100" in error_of(many)["message"]
        wide = exchange(server, head("GET", "/health", "X: " + "x" * 10000))
        assert status_of(wide) == 431 and "8192" in error_of(wide)["message"]
        big = exchange(server, head("POST", "/v1/completions", f"Content-Length: {1 << 30}") + b"{" * 1000)
        assert status_of(big) == 413 and error_of(big)["code"] == "body_too_large"
        bomb = gzip.compress(bytes(100_000_000))
        packed = exchange(server, head("POST", "/v1/completions", "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)
        assert status_of(packed) == 413 and error_of(packed)["code"] == "body_too_large"
        before = resident_kilobytes(server)
        hidden = exchange(server, head("GET", "/health", "Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)
        assert status_of(hidden) == 413 and resident_kilobytes(server) < before + 30_000
        deep = ask(server.url + "/v1/completions", b'{"prompt": ' + b"[" * 1000 + b"]" * 1000 + b"}")
        assert deep[0] == 400 and "64" in deep[1]["error"]["message"]
        for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600),
                     head("POST", "/v1/completions", "Content-Length: -5"), head("POST", "/v1/completions", "Content-Length: 99999999999999999999999"),
                     head("POST", "/v1/completions", "Transfer-Encoding: chunked") + b"zz\r\n"):  # fmt: skip
            with socket.create_connection(address(server), timeout=30) as connection:
                connection.sendall(junk)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        assert ask(server.url + "/health")[0] == 200


def test_a_request_must_arrive_in_time(hyprstream):
    with serving(hyprstream, "--request-timeout", "1") as server:
        for start in (b"GET /health HT", head("POST", "/v1/completions", "Content-Length: 100") + b'{"prompt": '):
            begin = time.monotonic()
            with socket.create_connection(address(server), timeout=30) as connection:
                connection.sendall(start)
                answer = b""
                connection.settimeout(0.2)
                while True:  # a byte now and then does not help
                    try:
                        piece = connection.recv(65536)
                        if not piece:
                            break
                        answer += piece
                    except TimeoutError:
                        connection.sendall(b" ")
            assert status_of(answer) == 408 and error_of(answer)["code"] == "request_timeout"
            assert 0.8 < time.monotonic() - begin < 5


def test_one_connection_too_many_is_told(hyprstream):
    with serving(hyprstream, "--max-connections", "3") as server:
        held = [socket.create_connection(address(server), timeout=30) for _ in range(3)]
        time.sleep(0.3)
        refused = exchange(server, head("GET", "/health"))
        assert status_of(refused) == 503 and b"Retry-After" in refused and error_of(refused)["code"] == "overloaded"
        held.pop().close()
        time.sleep(0.7)
        assert ask(server.url + "/health")[0] == 200
        for connection in held:
            connection.close()


def test_one_request_too_many_is_told(hyprstream):
    body = {"prompt": "Once", "max_tokens": 900, "ignore_eos": True}
    with serving(hyprstream, "--parallel", "1", "--queue", "2") as server, concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(ask, server.url + "/v1/completions", body) for _ in range(12)]
        answers = [answer.result() for answer in answers]
    statuses = [status for status, _ in answers]
    assert statuses.count(200) >= 3 and 503 in statuses and set(statuses) == {200, 503}
    assert all("queue is full" in body["error"]["message"] for status, body in answers if status == 503)


# ---- Settings and signals ----


def test_settings_come_from_the_command_line_then_the_environment_then_the_file(hyprstream, tmp_path):
    file = tmp_path / "server.toml"
    file.write_text('# ours\nparallel = 3\nrequest-timeout = 7\nallowed-host = ["one.example", "two.example"]\nkv-unified = true\n')
    with serving(hyprstream, "--config", str(file)) as server:
        assert "3 texts at once" in server.ready and "for all" in server.ready
        assert [ask(server.url + "/health", headers={"Host": h})[0] for h in ("one.example", "two.example", "three.example")] == [200, 200, 403]
    with serving(hyprstream, env={"HYPRSTREAM_CONFIG": str(file), "HYPRSTREAM_PARALLEL": "4", "HYPRSTREAM_KV_UNIFIED": "false"}) as server:
        assert "4 texts at once" in server.ready and "each" in server.ready
    with serving(hyprstream, "--parallel", "5", "--config", str(file), env={"HYPRSTREAM_PARALLEL": "4"}) as server:
        assert "5 texts at once" in server.ready
    for text, said in (("prallel = 3\n", "parallel"), ("parallel = 0\n", "1 to 128"), ("parallel = [1, 2]\n", "one value"),
                       ("insecure = perhaps\n", "true or false"), ("[network]\nport = 1\n", "network.port"), ("help = true\n", "help")):  # fmt: skip
        file.write_text(text)
        error = one_line_error(hyprstream.run("server", "--config", str(file)))
        assert str(file) in error and said in error, error
    assert "HYPRSTREAM_PORT" in one_line_error(hyprstream.run("server", env={"HYPRSTREAM_PORT": "x"}))
    assert "nowhere.toml" in one_line_error(hyprstream.run("server", "--config", "nowhere.toml"))


def test_hangup_reads_keys_and_settings_again(hyprstream, tmp_path):
    keys, file = tmp_path / "keys", tmp_path / "server.toml"
    keys.write_text("inference app 0123456789abcdef\n")
    keys.chmod(0o600)
    file.write_text(f'api-key-file = "{keys}"\nallowed-origin = "https://old.example"\n')
    with serving(hyprstream, "--config", str(file)) as server:

        def models(key, origin=None):
            headers = {"Authorization": f"Bearer {key}"} | ({"Origin": origin} if origin else {})
            return ask(server.url + "/v1/models", headers=headers)[0]

        def hang_up():
            server.process.send_signal(signal.SIGHUP)
            return server.process.stderr.readline()

        assert (models("0123456789abcdef"), models("fedcba9876543210")) == (200, 401)
        assert models("0123456789abcdef", "https://old.example") == 200
        assert models("0123456789abcdef", "https://new.example") == 403
        keys.write_text("inference app fedcba9876543210\n")
        file.write_text(file.read_text().replace("old", "new"))
        assert "reloaded" in hang_up()
        assert (models("0123456789abcdef"), models("fedcba9876543210")) == (401, 200)
        assert models("fedcba9876543210", "https://new.example") == 200
        assert models("fedcba9876543210", "https://old.example") == 403
        keys.write_text("nonsense\n")
        assert "stays as it was" in hang_up()
        assert models("fedcba9876543210") == 200


def test_pages_that_may_ask_are_told_so(hyprstream):
    with serving(hyprstream, "--allowed-origin", "https://chat.example") as server:
        asked = exchange(server, head("OPTIONS", "/v1/chat/completions", "Origin: https://chat.example", "Access-Control-Request-Method: POST", "Connection: close"))
        assert status_of(asked) == 204
        assert b"Access-Control-Allow-Origin: https://chat.example" in asked and b"Authorization" in asked
        refused = exchange(server, head("GET", "/v1/models", "Origin: https://evil.example", "Connection: close"))
        assert status_of(refused) == 403 and b"Allow-Origin" not in refused


def open_stream(server, max_tokens):
    """A connection whose answer has begun and is not read on."""
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": max_tokens, "ignore_eos": True, "stream": True}).encode()
    connection = socket.create_connection(address(server), timeout=60)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
    connection.sendall(head("POST", "/v1/completions", f"Content-Length: {len(body)}") + body)
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    return connection


def test_while_it_drains_new_work_is_refused_and_a_second_signal_stops_it(hyprstream):
    with serving(hyprstream, "--parallel", "1") as server:
        # More texts than it can finish before the test is over.
        held = [open_stream(server, 1000)] + [socket.create_connection(address(server), timeout=60) for _ in range(2)]
        body = json.dumps({"prompt": "Once", "max_tokens": 1000, "ignore_eos": True, "n": 16, "stream": True}).encode()
        held[1].sendall(head("POST", "/v1/completions", f"Content-Length: {len(body)}") + body)
        while gauge(server, "hyprstream_queue_depth") < 1:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert "finishing what is running" in server.process.stderr.readline()
        status, refused = ask(server.url + "/v1/completions", {"prompt": "Once", "max_tokens": 1})
        assert status == 503 and refused["error"]["message"]
        assert ask(server.url + "/health")[0] == 503
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # Whoever still waits is told why nothing more comes.
        for connection in held[:2]:
            text = b""
            while piece := connection.recv(65536):
                text += piece
            last = [line for line in text.split(b"\n") if line.startswith(b"data: ")][-1]
            assert json.loads(last[6:])["error"]["message"] == "the server was stopped"
        assert server.process.wait(timeout=60) == 0
        assert time.monotonic() - begin < 10  # where draining alone might take 30


def test_answers_that_are_read_slowly_are_finished_while_it_drains(hyprstream):
    # More than the system keeps for a connection that is not read.
    body = {"prompt": "Once", "max_tokens": 1000, "ignore_eos": True, "n": 8, "logprobs": 20, "stream": True}
    body = json.dumps(body).encode()
    with serving(hyprstream) as server:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        connection.settimeout(60)
        connection.connect(address(server))
        connection.sendall(head("POST", "/v1/completions", f"Content-Length: {len(body)}") + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        deadline = time.monotonic() + 60
        while gauge(server, "hyprstream_running_sequences") > 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        assert "finishing what is running" in server.process.stderr.readline()
        time.sleep(1)
        assert server.process.poll() is None
        text = b""
        while not text.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"):
            piece = connection.recv(65536)
            assert piece, text[-300:]
            text += piece
        assert server.process.wait(timeout=60) == 0


def test_a_client_that_closes_its_side_gets_all_of_its_answer(hyprstream):
    body = {"prompt": "Once", "max_tokens": 300, "ignore_eos": True}
    with serving(hyprstream) as server:
        for streamed in (False, True):
            text = json.dumps({**body, "stream": streamed}).encode()
            with socket.create_connection(address(server), timeout=60) as connection:
                connection.sendall(head("POST", "/v1/completions", f"Content-Length: {len(text)}") + text)
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            assert b'"finish_reason":"length"' in answer and b'"finish_reason":"stop"' not in answer, answer[-300:]


def test_readers_that_take_nothing_hold_up_nobody(hyprstream):
    with serving(hyprstream, "--parallel", "2") as server:
        slow = [open_stream(server, 900) for _ in range(3)]
        for _ in range(5):
            status, answer = ask(server.url + "/v1/completions", {"prompt": "Once", "max_tokens": 8})
            assert status == 200 and answer["choices"][0]["text"]
        deadline = time.monotonic() + 60
        while gauge(server, "hyprstream_running_sequences") + gauge(server, "hyprstream_queue_depth") > 0:
            assert time.monotonic() < deadline, "their slots are still taken"
            time.sleep(0.05)
        # What they have not read was kept for them.
        for connection in slow:
            text = b""
            while not text.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"):
                piece = connection.recv(65536)
                assert piece, text[-300:]
                text += piece
            connection.close()


# ---- Many at once (more with HYPRSTREAM_SOAK) ----


def test_idle_and_slow_connections_harm_nobody(hyprstream):
    idle_count, slow_count = (1000, 200) if SOAK else (200, 40)
    with serving(hyprstream) as server:
        body = {"prompt": "Once upon a time", "max_tokens": 30, "temperature": 0, "cache_prompt": False}
        url = server.url + "/v1/completions"

        def seconds():
            begin = time.monotonic()
            for _ in range(10):
                assert ask(url, body)[0] == 200
            return time.monotonic() - begin

        alone = seconds()
        idle = [socket.create_connection(address(server), timeout=60) for _ in range(idle_count)]
        slow = [socket.create_connection(address(server), timeout=60) for _ in range(slow_count)]
        text = head("POST", "/v1/completions", "Content-Length: 1000")
        for round in range(4):
            for connection in slow:
                connection.sendall(text[round : round + 1])
            # A machine of two cores also runs this test.
            assert seconds() < 3 * alone + 2
        for connection in idle + slow:
            connection.close()
        assert ask(url, body)[0] == 200


def test_many_streams_at_once(hyprstream):
    count = 500 if SOAK else 100
    body = {"prompt": "Once upon a time", "max_tokens": 16, "temperature": 0, "ignore_eos": True, "stream": True}
    with serving(hyprstream) as server:

        def stream(number):
            request = json.dumps({**body, "cache_salt": str(number % 7)}).encode()
            answer = exchange(server, head("POST", "/v1/completions", f"Content-Length: {len(request)}", "Connection: close") + request, timeout=300)
            assert status_of(answer) == 200 and answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), answer[-200:]
            pieces = [json.loads(line[6:]) for line in answer.decode().splitlines() if line.startswith("data: {")]
            return "".join(piece["choices"][0]["text"] for piece in pieces)

        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            texts = list(pool.map(stream, range(count)))
        assert len(set(texts)) == 1 and texts[0]
        assert gauge(server, "hyprstream_running_sequences") == gauge(server, "hyprstream_queue_depth") == 0


def test_clients_that_leave_cost_nothing(hyprstream):
    count = 1000 if SOAK else 100
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": 900, "ignore_eos": True, "stream": True}).encode()
    request = head("POST", "/v1/completions", f"Content-Length: {len(body)}") + body
    with serving(hyprstream) as server:

        def leave(number):
            with socket.create_connection(address(server), timeout=60) as connection:
                connection.sendall(request[: len(request) - number % 3 * 40])  # some in the middle of their request
                if number % 3 == 0:
                    connection.recv(200)

        # The first ones make the server start as many threads as so many clients at once take.
        for number in range(count):
            leave(number)
        time.sleep(0.5)
        before = resident_kilobytes(server)
        for number in range(count):
            leave(number)
        deadline = time.monotonic() + 20
        while gauge(server, "hyprstream_running_sequences") + gauge(server, "hyprstream_queue_depth") > 0:
            assert time.monotonic() < deadline, "slots are still taken"
            time.sleep(0.1)
        assert resident_kilobytes(server) < before + 20_000
        assert ask(server.url + "/v1/completions", {"prompt": "Once", "max_tokens": 4})[0] == 200
