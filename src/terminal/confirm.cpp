#include "terminal/confirm.hpp"

#include <unistd.h>

#include <format>
#include <iostream>

#include "terminal/terminal.hpp"

namespace hyprstream {

Result<bool> confirm(const std::string& question, std::string_view flag) {
  if (!is_terminal(STDIN_FILENO))
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} There is no terminal to ask on: add {} if you are sure", question, flag));
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace hyprstream
