#include "base/sandbox.hpp"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/sandbox_server.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

namespace hyprstream {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Text = Result<std::string>;

int open_files() {
  int count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

// No child is left, running or waiting to be reaped.
bool childless() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

// The ways to come to grief, and what is said then. They hold for both kinds of sandbox.
struct Misdeed {
  const char* name;
  Text (*function)();
  const char* message;
};

int recurse(int depth) {
  volatile char space[4096];
  space[depth % 4096] = 1;
  return depth < 0 ? 0 : recurse(depth + 1) + space[0];
}

Text recurse_for_ever() { return std::to_string(recurse(0)); }
Text wait_for_ever() {
  for (;;) ::pause();
}
Text spin_for_ever() {
  for (volatile unsigned i = 0;; i = i + 1) {
  }
}
Text eat_memory() {
  std::vector<std::string> held;
  for (;;) held.emplace_back(std::size_t{1} << 20, 'x');
}
Text say_too_much() { return std::string(2'000'001, 'x'); }
Text throw_error() { throw std::runtime_error("out of luck"); }
Text throw_number() { throw 7; }
Text abort_it() { std::abort(); }
Text leave() { ::_exit(0); }
Text throw_from_noexcept() {
  return []() noexcept { return throw_error(); }();
}
#ifndef __SANITIZE_ADDRESS__  // its companion UBSan catches it first
Text write_to_null() {
  *static_cast<volatile int*>(nullptr) = 1;
  return {};
}
#endif

const Misdeed kMisdeeds[] = {
    {"recursion", recurse_for_ever, "crashed"},
    {"waiting", wait_for_ever, "did not come to an end within 1 s"},
    {"spinning", spin_for_ever, "did not come to an end within 1 s"},
    {"output", say_too_much, "the work gave more than 1.90735 MB"},
    {"exception", throw_error, "the work failed: out of luck"},
    {"number", throw_number, "the work failed: an exception of unknown type"},
    {"abort", abort_it, "crashed"},
    {"exit", leave, "crashed"},
    {"terminate", throw_from_noexcept, "crashed"},
    {"memory", eat_memory, "the work needed more than 64 MB of memory"},
#ifndef __SANITIZE_ADDRESS__
    {"null", write_to_null, "crashed"},
#endif
};

constexpr SandboxLimits kTight{.timeout = milliseconds(1000), .memory_bytes = 64U << 20U, .output_bytes = 2'000'000};

TEST(Sandbox, GivesBackTheResult) {
  EXPECT_EQ(run_in_sandbox("the work", [] { return Text("done"); }), "done");
  EXPECT_EQ(run_in_sandbox("the work", [] { return Text(""); }), "");
  const std::string zeros("a\0b", 3);
  EXPECT_EQ(run_in_sandbox("the work", [&] { return Text(zeros); }), zeros);
}

TEST(Sandbox, GivesBackMoreThanAPipeHolds) {
  std::string text(5'000'000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  const auto result = run_in_sandbox("the work", [&] { return Text(text); });
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_TRUE(*result == text);
}

TEST(Sandbox, GivesBackTheFunctionsOwnError) {
  const auto result =
      run_in_sandbox("the work", []() -> Text { return fail(ErrorCode::kInvalidArgument, "no such thing"); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(result.error().message, "no such thing");
}

TEST(Sandbox, CutsALongErrorBetweenCharacters) {
  std::string message = "x";
  while (message.size() < 10'000) message += "é";
  const auto result = run_in_sandbox("the work", [&]() -> Text { return fail(ErrorCode::kIo, message); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, message.substr(0, 4095));
}

TEST(Sandbox, EveryMisdeedIsAnError) {
  for (const auto& misdeed : kMisdeeds) {
    if (kSanitized && misdeed.function == eat_memory) continue;
    const auto start = std::chrono::steady_clock::now();
    const auto result = run_in_sandbox("the work", misdeed.function, kTight);
    ASSERT_FALSE(result.has_value()) << misdeed.name;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << misdeed.name;
    EXPECT_THAT(result.error().message, HasSubstr(misdeed.message)) << misdeed.name;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << misdeed.name;
    EXPECT_TRUE(childless()) << misdeed.name;
  }
}

TEST(Sandbox, LeavesNoFileOpen) {
  const int before = open_files();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(run_in_sandbox("the work", [] { return Text("done"); }).has_value());
  EXPECT_EQ(open_files(), before);
}

TEST(Sandbox, TheChildHasNoFilesAndGetsNone) {
  const FileDescriptor secret(::dup(STDIN_FILENO));
  ASSERT_TRUE(secret);
  const int fd = secret.get();
  const auto result = run_in_sandbox("the work", [fd]() -> Text {
    char byte = 0;
    const bool closed = ::read(fd, &byte, 1) < 0 && errno == EBADF;
    const bool refused = ::dup(STDERR_FILENO) < 0 && errno == EMFILE;
    return (closed ? std::string("closed") : "open") + (refused ? " refused" : " granted");
  });
  EXPECT_EQ(result, kSanitized ? "closed granted" : "closed refused");
}

TEST(Sandbox, TheChildsMemoryIsItsOwn) {
  int value = 1;
  EXPECT_EQ(run_in_sandbox("the work", [&] { return Text(std::to_string(++value)); }), "2");
  EXPECT_EQ(value, 1);
}

TEST(Sandbox, ABigProcessGetsTheSameLimit) {
  if (kSanitized) GTEST_SKIP() << "memory is not limited under sanitizers";
  // What is mapped already does not count.
  const std::string ballast(std::size_t{300} << 20, 'x');
  const auto use = [](std::size_t bytes) {
    return run_in_sandbox("the work", [=] { return Text(std::to_string(std::string(bytes, 'y').size())); }, kTight);
  };
  EXPECT_EQ(use(std::size_t{32} << 20), std::to_string(32 << 20));
  const auto result = use(std::size_t{100} << 20);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("more than 64 MB of memory"));
  EXPECT_EQ(ballast.back(), 'x');
}

std::atomic<int> signals_seen{0};

TEST(Sandbox, InterruptedWaitsGoOn) {
  struct sigaction action{};
  struct sigaction previous{};
  action.sa_handler = [](int) { ++signals_seen; };  // without SA_RESTART
  ::sigaction(SIGUSR1, &action, &previous);
  const auto caller = ::pthread_self();
  std::atomic<bool> done{false};
  std::thread nuisance([&] {
    while (!done) {
      ::pthread_kill(caller, SIGUSR1);
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  for (int i = 0; i < 10; ++i) {
    const auto result = run_in_sandbox("the work", [] {
      ::usleep(20'000);
      return Text(std::to_string(signals_seen));
    });
    EXPECT_TRUE(result.has_value());
  }
  done = true;
  nuisance.join();
  ::sigaction(SIGUSR1, &previous, nullptr);
  EXPECT_GT(signals_seen, 0);
}

TEST(Sandbox, ChildrenReapedByOthersDoNotMatter) {
  const auto previous = ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(run_in_sandbox("the work", [] { return Text("done"); }), "done");
  const auto result = run_in_sandbox("the work", abort_it, kTight);
  ::signal(SIGCHLD, previous);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("crashed"));
}

TEST(Sandbox, ManyThreadsAtOnce) {
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          const auto expected = std::string(static_cast<std::size_t>(t * 1000 + i), 'a');
          const auto result = run_in_sandbox("the work", [&] { return Text(expected); });
          right += result == expected ? 1 : 0;
        }
      });
  }
  EXPECT_EQ(right, 100);
  EXPECT_TRUE(childless());
}

// ---- The server ----

Result<SandboxServer::Handler> echo() {
  return SandboxServer::Handler([](std::string_view request) { return Text("got " + std::string(request)); });
}

std::unique_ptr<SandboxServer> start(std::function<Result<SandboxServer::Handler>()> prepare,
                                     const SandboxLimits& limits = {},
                                     milliseconds prepare_timeout = milliseconds(5000)) {
  auto server = SandboxServer::start("the work", std::move(prepare), limits, prepare_timeout);
  EXPECT_TRUE(server.has_value());
  return std::move(*server);
}

TEST(SandboxServer, AnswersManyCalls) {
  const int before = open_files();
  {
    const auto server = start(echo);
    EXPECT_TRUE(server->wait_ready().has_value());
    for (int i = 0; i < 50; ++i) EXPECT_EQ(server->call(std::to_string(i)), "got " + std::to_string(i));
    EXPECT_EQ(server->call(""), "got ");
    const std::string large(6'000'000, 'x');
    const auto result = server->call(large);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_EQ(result->size(), large.size() + 4);
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_TRUE(childless());
}

TEST(SandboxServer, PreparesOnceAndEveryCallStartsThere) {
  const auto server = start([]() -> Result<SandboxServer::Handler> {
    auto count = std::make_shared<int>(41);
    return [count](std::string_view) { return Text(std::to_string(++*count)); };
  });
  EXPECT_EQ(server->call("a"), "42");
  EXPECT_EQ(server->call("b"), "42");
}

TEST(SandboxServer, CallsCannotSeeEachOther) {
  // What a call leaves in freed memory is not there for the next.
  const auto server = start([]() -> Result<SandboxServer::Handler> {
    auto last = std::make_shared<std::string>("nothing");
    return [last](std::string_view request) {
      auto seen = *last;
      *last = request;
      return Text(seen);
    };
  });
  EXPECT_EQ(server->call("secret"), "nothing");
  EXPECT_EQ(server->call("other"), "nothing");
}

TEST(SandboxServer, AMisdeedHarmsOnlyItsOwnCall) {
  const auto server = start(
      []() -> Result<SandboxServer::Handler> {
        return [](std::string_view request) -> Text {
          for (const auto& misdeed : kMisdeeds)
            if (request == misdeed.name) return misdeed.function();
          return std::string(request);
        };
      },
      kTight);
  for (const auto& misdeed : kMisdeeds) {
    if (kSanitized && misdeed.function == eat_memory) continue;
    const auto result = server->call(misdeed.name);
    ASSERT_FALSE(result.has_value()) << misdeed.name;
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << misdeed.name;
    EXPECT_THAT(result.error().message, HasSubstr(misdeed.message)) << misdeed.name;
    EXPECT_EQ(server->call("good"), "good") << "after " << misdeed.name;
  }
}

TEST(SandboxServer, AMisdeedInThePreparationIsAnErrorOfEveryCall) {
  for (const auto& misdeed : kMisdeeds) {
    if (misdeed.function == say_too_much || (kSanitized && misdeed.function == eat_memory)) continue;
    const auto server = start(
        [&]() -> Result<SandboxServer::Handler> {
          HYPRSTREAM_TRY(misdeed.function());
          return echo();
        },
        kTight, milliseconds(1000));
    for (int i = 0; i < 2; ++i) {
      const auto result = server->call("x");
      ASSERT_FALSE(result.has_value()) << misdeed.name;
      EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << misdeed.name;
      EXPECT_THAT(result.error().message, HasSubstr(misdeed.message)) << misdeed.name;
    }
  }
  EXPECT_TRUE(childless());
}

TEST(SandboxServer, APreparationThatFailsSaysWhy) {
  const auto server =
      start([]() -> Result<SandboxServer::Handler> { return fail(ErrorCode::kUnsupported, "not of this kind"); });
  const auto ready = server->wait_ready();
  ASSERT_FALSE(ready.has_value());
  EXPECT_EQ(ready.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(server->call("x").error().message, "not of this kind");
}

TEST(SandboxServer, StartsWithoutWaiting) {
  const auto begin = std::chrono::steady_clock::now();
  const auto server = start([] {
    ::usleep(1'500'000);
    return echo();
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1400));
  EXPECT_EQ(server->call("x"), "got x");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(1500));
}

TEST(SandboxServer, SaysWhenTheServerIsGone) {
  const auto server = start([]() -> Result<SandboxServer::Handler> {
    return [](std::string_view) { return Text(std::to_string(::getppid())); };
  });
  const auto pid = server->call("");
  ASSERT_TRUE(pid.has_value());
  ASSERT_EQ(::kill(std::stoi(*pid), SIGKILL), 0);
  for (int i = 0; i < 2; ++i) {
    const auto result = server->call("");
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_TRUE(childless());
}

TEST(SandboxServer, OutlivesTheThreadThatStartedIt) {
  std::unique_ptr<SandboxServer> server;
  std::thread([&] { server = start(echo); }).join();
  EXPECT_EQ(server->call("x"), "got x");
}

TEST(SandboxServer, ManyThreadsAtOnce) {
  const auto server = start(echo);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          const auto text = std::to_string(t * 1000 + i);
          right += server->call(text) == "got " + text ? 1 : 0;
        }
      });
  }
  EXPECT_EQ(right, 200);
}

TEST(SandboxServer, ACallThatHangsHoldsUpNoOther) {
  const auto server = start(
      []() -> Result<SandboxServer::Handler> {
        return [](std::string_view request) { return request == "hang" ? wait_for_ever() : Text("quick"); };
      },
      {.timeout = milliseconds(3000)});
  ASSERT_TRUE(server->wait_ready().has_value());
  std::jthread hanging([&] { EXPECT_FALSE(server->call("hang").has_value()); });
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(server->call("x"), "quick");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2500));
}

}  // namespace
}  // namespace hyprstream
