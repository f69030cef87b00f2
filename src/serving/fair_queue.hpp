// Who is next: requests in the order of how little their owners have been served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace hyprstream {

using TaskId = std::uint64_t;

// A flow of tasks: one client's requests for one adapter (or for none).
struct FlowKey {
  std::string client;
  std::string adapter;
  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

// Fair between clients, and between the adapters of one client; first come, first served within a flow. Counts the
// tokens that each has been served and gives the turn to the least served one that waits; who comes, for the first time
// or after a pause, starts level with the least served that is there, or with the last one that was: silence saves
// nothing up, and what was served before others came is held against nobody.
//
// After the virtual token counter of Sheng et al. 2024, "Fairness in Serving Large Language Models"
// (arXiv:2401.00588), on two levels. Pure: no clock. Not thread-safe.
class FairQueue {
 public:
  void push(TaskId task, const FlowKey& flow);
  // Before all others of its flow.
  void push_front(TaskId task, const FlowKey& flow);
  // The next one in turn; it stays.
  std::optional<TaskId> peek() const;
  void pop();
  // Takes a task out, wherever it is; false: it is not here.
  bool remove(TaskId task);

  // The flow has been served so much.
  void charge(const FlowKey& flow, double cost);
  // A task of the flow has left for good.
  void release(const FlowKey& flow);

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  struct Flow {
    double served = 0;
    std::size_t tasks = 0;  // waiting or running
    std::deque<TaskId> waiting;
  };
  struct Client {
    double served = 0;
    std::size_t tasks = 0;
    std::size_t waiting = 0;
    double start = 0;  // what the next flow to come has been served at least
    std::map<std::string, Flow> flows;
  };

  Flow& join(const FlowKey& key);
  std::pair<Client*, Flow*> next() const;

  double start_ = 0;  // the same of clients; never falls
  std::map<std::string, Client> clients_;
  std::size_t size_ = 0;
};

}  // namespace hyprstream
