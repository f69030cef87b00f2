// Standard output with checked writes, and status on standard error.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

// Results go to standard output, everything else to standard error. Not thread-safe.
class Console {
 public:
  // Writes all of it at once, unbuffered, so that streamed text shows as it comes.
  // Errors: kResourceExhausted (disk full), kIo. After one the output is cut there.
  Result<void> write(std::string_view text);

  // Text of a model: as write(), but on a terminal without what it would obey.
  Result<void> write_model_text(std::string_view text);

  // One line on standard error. A failure is ignored: there is nowhere left to report it.
  void status(std::string_view line) noexcept;

  // Whether the last write failed because nobody reads the output any more (`| head -1`).
  bool reader_gone() const noexcept { return reader_gone_; }

  bool is_verbose() const noexcept { return verbose_; }
  void set_verbose(bool verbose) noexcept { verbose_ = verbose; }

 private:
  bool reader_gone_ = false;
  bool verbose_ = false;
};

// Makes a standard stream that the parent closed an error when it is written to, instead of
// letting the next file that is opened take its number; and a closed pipe an error instead of a
// signal. Call first in main().
void prepare_standard_streams() noexcept;

}  // namespace hyprstream
