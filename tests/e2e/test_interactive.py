"""The chat, on a terminal."""

import os
import signal

import pytest

GREEDY = ("--temperature", "0", "--threads", "1", "--deterministic")


@pytest.fixture
def chat(hyprstream):
    def start(*arguments, **options):
        return hyprstream.terminal("run", *arguments, **options)

    return start


def leave(terminal):
    terminal.send("/bye\r")
    assert terminal.wait() == 0


def tokens_in_use(terminal):
    said = terminal.say("/info")
    return int(said.partition(" of 1024 tokens are in use")[0].split()[-1])


def test_greets_answers_and_leaves(chat):
    with chat(*GREEDY, "--max-tokens", "20") as terminal:
        assert "Hypr Tiny (qwen3, 3.5 M parameters, Q8_0, context 1024)\n" in terminal.expect_prompt()
        answer = terminal.say("Hello.")
        assert len(answer) > 10 and answer.endswith("\n")
        assert "<|im_" not in answer
        leave(terminal)


def test_ctrl_d_leaves(chat):
    with chat() as terminal:
        terminal.expect_prompt()
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(chat):
    with chat("--max-tokens", "900", "--threads", "1", "--seed", "1") as terminal:
        terminal.expect_prompt()
        # Every token as likely as any other: nonsense without an end.
        for setting in ("temperature 100", "top-k 0", "top-p 1", "min-p 0"):
            assert "from now on" in terminal.say(f"/set {setting}")
        terminal.send("Talk nonsense.\r")
        terminal.expect(r"Talk nonsense\.\r?\n[^\n]{2,}")
        terminal.send("\x03")
        assert "Stopped." in terminal.expect_prompt()
        # And it goes on, with what was said.
        assert 10 < tokens_in_use(terminal) < 900
        for setting in ("temperature 0", "top-k 40"):
            terminal.say(f"/set {setting}")
        assert "A new conversation" in terminal.say("/clear")
        assert len(terminal.say("Hello.")) > 10
        leave(terminal)


def test_ctrl_c_at_the_prompt_empties_the_line(chat, hyprstream):
    with chat() as terminal:
        terminal.expect_prompt()
        terminal.send("not this\x03")
        assert terminal.expect_prompt()
        leave(terminal)
    assert "not this" not in (hyprstream.home / "history").read_text()


def test_conversation_goes_on_until_it_is_cleared(chat):
    with chat(*GREEDY, "--max-tokens", "30") as terminal:
        terminal.expect_prompt()
        first = terminal.say("Tell me a story about a fox.")
        held = tokens_in_use(terminal)
        terminal.say("And then?")
        assert tokens_in_use(terminal) > held
        terminal.say("/clear")
        assert terminal.say("Tell me a story about a fox.") == first
        assert tokens_in_use(terminal) == held
        leave(terminal)


def test_a_full_context_is_said_and_nothing_is_dropped(chat):
    with chat("--ctx-size", "256", "--max-tokens", "10", "--system", "llama " * 45) as terminal:
        terminal.expect_prompt()
        terminal.say("Hello.")
        said = terminal.say("llama " * 15)
        assert "with this message the conversation is " in said and " tokens long, and the context holds 256" in said
        assert "The message was not sent: /clear begins a new conversation." in said
        assert "A new conversation" in terminal.say("/clear")
        leave(terminal)


def test_commands(chat):
    with chat() as terminal:
        terminal.expect_prompt()
        listed = terminal.say("/help")
        for name in ("/help", "/clear", "/system TEXT", "/set NAME VALUE", "/info", "/bye", "Ctrl-C", "Ctrl-D"):
            assert name in listed
        assert "There is no /claer: did you mean /clear?" in terminal.say("/claer")
        assert "temperature must be a number from 0 to 100, not 'nan'." in terminal.say("/set temperature nan")
        assert "/set repetition-penalty" in terminal.say("/set")
        assert "with these instructions" in terminal.say("/system You are a pirate.")
        assert "Instructions: You are a pirate." in terminal.say("/info")
        leave(terminal)


def test_several_lines_and_history(chat, hyprstream):
    with chat("--max-tokens", "5") as terminal:
        terminal.expect_prompt()
        terminal.send("first line\\\r")
        terminal.expect(r"\.\.\. ")
        terminal.say("second line")
        leave(terminal)
    history = hyprstream.home / "history"
    assert "first line" in history.read_text() and "second line" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0  # nobody else's business
    with chat() as terminal:
        terminal.expect_prompt()
        terminal.send("\x1b[A\x1b[A")  # twice up: past /bye
        terminal.expect("second line")
        terminal.send("\x03")
        terminal.expect_prompt()
        terminal.send("\x04")
        assert terminal.wait() == 0


def test_tab_completes_commands(chat):
    with chat() as terminal:
        terminal.expect_prompt()
        terminal.send("/by\t\r")
        assert terminal.wait() == 0


def test_a_home_that_cannot_be_written_is_no_obstacle(chat):
    with chat(env={"HYPRSTREAM_HOME": "/proc/nowhere"}) as terminal:
        terminal.expect_prompt()
        leave(terminal)


@pytest.mark.parametrize("ending", ["hangup", "terminate"])
def test_a_terminal_that_goes_away_ends_the_chat(chat, ending):
    terminal = chat()
    terminal.expect_prompt()
    if ending == "terminate":
        with terminal:
            os.kill(terminal.pid, signal.SIGTERM)
            assert terminal.wait() == 128 + signal.SIGTERM
        return
    terminal.close()
    assert terminal.wait() == 128 + signal.SIGHUP


def test_no_color(chat):
    with chat(env={"NO_COLOR": "1"}) as terminal:
        terminal.expect_prompt()
        terminal.say("/clear")
        leave(terminal)
        assert b"\x1b[2m" not in terminal.raw and b"\x1b[32m" not in terminal.raw
