"""The chat, on a terminal."""

import os
import signal

PROMPT = r"\n?>>> $"


def chat(hyprstream, *arguments, **options):
    return hyprstream.terminal("run", *arguments, **options)


def test_answers_and_leaves(hyprstream):
    with chat(hyprstream, "--max-tokens", "20") as terminal:
        terminal.expect(r"Hypr Tiny \(qwen3, 3\.5 M parameters, Q8_0, context 1024\)")
        terminal.expect(">>> ")
        terminal.send("Hello.\r")
        terminal.expect(r"\n[^>\n]{3,}.*?\n\n.*?>>> ")
        terminal.send("/bye\r")
        assert terminal.wait() == 0


def test_ctrl_d_leaves(hyprstream):
    with chat(hyprstream) as terminal:
        terminal.expect(">>> ")
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(hyprstream):
    with chat(hyprstream, "--max-tokens", "900", "--threads", "1") as terminal:
        terminal.expect(">>> ")
        for setting in ("temperature 100", "top-k 0", "top-p 1", "min-p 0"):
            terminal.send(f"/set {setting}\r")
            terminal.expect("from now on")
        terminal.expect(">>> ")
        terminal.send("Talk nonsense.\r")
        terminal.expect(r"Talk nonsense\.\n[^\n]{2,}")
        terminal.send("\x03")
        terminal.expect(r"Stopped\.")
        terminal.expect(">>> ")
        # And it can be used again, with what was said.
        terminal.send("/info\r")
        used = int(terminal.expect(r"(\d+) of 1024 tokens are in use").group(1))
        assert 10 < used < 1000
        terminal.expect(">>> ")
        for setting in ("temperature 0", "top-k 40"):
            terminal.send(f"/set {setting}\r")
            terminal.expect("from now on")
        terminal.send("/clear\r")
        terminal.expect("A new conversation")
        terminal.send("Hello.\r")
        terminal.expect(r"Hello\.\n[^\n]{3,}\n")
        terminal.expect(">>> ")
        terminal.send("/bye\r")
        assert terminal.wait() == 0


def test_ctrl_c_at_the_prompt_empties_the_line(hyprstream):
    with chat(hyprstream) as terminal:
        terminal.expect(">>> ")
        terminal.send("not this\x03")
        terminal.send("/bye\r")
        assert terminal.wait() == 0
        assert not os.path.exists(hyprstream.home / "history") or b"not this" not in (hyprstream.home / "history").read_bytes()


def test_clear_forgets(hyprstream):
    greedy = ("--temperature", "0", "--threads", "1", "--deterministic", "--max-tokens", "30")

    def answer(terminal, message):
        terminal.send(message + "\r")
        return terminal.expect(r"\.\n(?P<answer>[^>]+?)\n\n.*?>>> ")["answer"]

    with chat(hyprstream, *greedy) as terminal:
        terminal.expect(">>> ")
        first = answer(terminal, "Tell me a story about a fox.")
        terminal.send("/info\r")
        held = int(terminal.expect(r"(\d+) of 1024").group(1))
        terminal.expect(">>> ")
        answer(terminal, "And what came then, at the end.")
        terminal.send("/info\r")
        assert int(terminal.expect(r"(\d+) of 1024").group(1)) > held
        terminal.expect(">>> ")
        terminal.send("/clear\r")
        terminal.expect("A new conversation.*?>>> ")
        assert answer(terminal, "Tell me a story about a fox.") == first
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_a_full_context_is_said_and_nothing_is_dropped(hyprstream):
    with chat(hyprstream, "--ctx-size", "256", "--max-tokens", "10", columns=400) as terminal:
        terminal.expect(">>> ")
        terminal.send("Hello.\r")
        terminal.expect(r"\n\n.*?>>> ")
        terminal.send("llama " * 300 + "\r")
        said = terminal.expect(
            r"with this message the conversation is (\d+) tokens long, and the context holds 256\. "
            r"The message was not sent: /clear begins a new conversation\."
        )
        assert int(said.group(1)) > 256
        terminal.expect(">>> ")
        terminal.send("/clear\r")
        terminal.expect("A new conversation")
        terminal.send("/bye\r")
        assert terminal.wait() == 0


def test_commands(hyprstream):
    with chat(hyprstream) as terminal:
        terminal.expect(">>> ")
        terminal.send("/help\r")
        listed = terminal.expect(r"/help .*Ctrl-D +Leave").group()
        for name in ("/clear", "/system TEXT", "/set NAME VALUE", "/info", "/bye", "Ctrl-C"):
            assert name in listed
        terminal.send("/claer\r")
        terminal.expect(r"There is no /claer: did you mean /clear\?")
        terminal.send("/set temperature nan\r")
        terminal.expect(r"temperature must be a number from 0 to 100, not 'nan'\.")
        terminal.send("/set\r")
        terminal.expect(r"/set repetition-penalty")
        terminal.send("/system You are a pirate.\r")
        terminal.expect("with these instructions")
        terminal.send("/info\r")
        terminal.expect(r"Instructions: You are a pirate\.")
        terminal.send("/bye\r")
        assert terminal.wait() == 0


def test_several_lines_and_history(hyprstream):
    with chat(hyprstream, "--max-tokens", "5") as terminal:
        terminal.expect(">>> ")
        terminal.send("first line\\\rsecond line\r")
        terminal.expect(r"second line.*?\n\n.*?>>> ")
        terminal.send("/bye\r")
        assert terminal.wait() == 0
    history = hyprstream.home / "history"
    assert "first line" in history.read_text() and "second line" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0  # nobody else's business
    with chat(hyprstream, "--max-tokens", "5") as terminal:
        terminal.expect(">>> ")
        terminal.send("\x1b[A\x1b[A")  # twice up: past /bye
        terminal.expect("second line")
        terminal.send("\x03\x04")
        assert terminal.wait() == 0


def test_a_home_that_cannot_be_written_is_no_obstacle(hyprstream):
    with chat(hyprstream, env={"HYPRSTREAM_HOME": "/proc/nowhere"}) as terminal:
        terminal.expect(">>> ")
        terminal.send("/bye\r")
        assert terminal.wait() == 0


def test_a_terminal_that_goes_away_ends_the_chat(hyprstream):
    terminal = chat(hyprstream)
    terminal.expect(">>> ")
    os.close(terminal.fd)
    pid, status = os.waitpid(terminal.pid, 0)
    # Ended by the hang-up or by itself, but not by a fault.
    assert os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGHUP


def test_no_color(hyprstream):
    with chat(hyprstream, env={"NO_COLOR": "1"}) as terminal:
        terminal.expect(">>> ")
        terminal.send("/clear\r")
        terminal.expect("A new conversation")
        terminal.send("/bye\r")
        assert terminal.wait() == 0
        assert b"\x1b[2m" not in terminal.raw and b"\x1b[32m" not in terminal.raw
