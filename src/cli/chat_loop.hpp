// The interactive chat of `hyprstream run`.
#pragma once

#include "base/error.hpp"
#include "cli/chat_session.hpp"
#include "cli_options/sampling_flags.hpp"
#include "terminal/console.hpp"
#include "terminal/exit_code.hpp"

namespace hyprstream {

struct ChatLoopOptions {
  SamplingFlags* sampling = nullptr;  // changed by /set
  int max_tokens = 0;                 // of an answer
  bool raw = false;                   // continue what is typed, instead of answering it
};

// Reads messages and answers them until the user leaves. Needs a terminal.
// Errors: those of Console::write(); what goes wrong with one message is shown, and the chat goes on.
Result<ExitCode> run_chat_loop(RuntimeEngine& engine, ChatSession& session, const ChatLoopOptions& options,
                               Console& console);

}  // namespace hyprstream
