#include "serving/fair_queue.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace hyprstream {
namespace {

// Counters of those that have left are kept, so that leaving and coming back gains nothing; but not of more than
// this, since names come from outside. Who was served no more than a newcomer starts with loses nothing by it.
constexpr std::size_t kMostRemembered = 1024;

// Raises `start` to the least served of those that are there.
template <typename Map>
void follow(double& start, const Map& members) {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [name, member] : members)
    if (member.tasks > 0) least = std::min(least, member.served);
  if (least != std::numeric_limits<double>::infinity()) start = std::max(start, least);
}

// Who comes, comes level.
template <typename Map, typename Member>
void lift(double& start, const Map& members, Member& newcomer) {
  if (newcomer.tasks > 0) return;
  follow(start, members);
  newcomer.served = std::max(newcomer.served, start);
}

// Behind the last one, whoever comes starts with what that one was served: what was served before there was anybody
// else to wait is held against nobody.
template <typename Map, typename Member>
void leave(double& start, const Map& members, Member& leaver) {
  --leaver.tasks;
  const bool last = std::ranges::none_of(members, [](const auto& entry) { return entry.second.tasks > 0; });
  if (last) start = std::max(start, leaver.served);
}

template <typename Map>
void forget_idle(double start, Map& members) {
  if (members.size() <= kMostRemembered) return;
  std::erase_if(members, [&](const auto& entry) { return entry.second.tasks == 0 && entry.second.served <= start; });
  if (members.size() > kMostRemembered)
    std::erase_if(members, [](const auto& entry) { return entry.second.tasks == 0; });
}

}  // namespace

FairQueue::Flow& FairQueue::join(const FlowKey& key) {
  Client& client = clients_[key.client];
  lift(start_, clients_, client);
  Flow& flow = client.flows[key.adapter];
  lift(client.start, client.flows, flow);
  return flow;
}

void FairQueue::push(TaskId task, const FlowKey& key) {
  Flow& flow = join(key);
  Client& client = clients_[key.client];
  flow.waiting.push_back(task);
  ++flow.tasks, ++client.tasks, ++client.waiting, ++size_;
}

void FairQueue::push_front(TaskId task, const FlowKey& key) {
  Flow& flow = join(key);
  Client& client = clients_[key.client];
  flow.waiting.push_front(task);
  ++flow.tasks, ++client.tasks, ++client.waiting, ++size_;
}

std::pair<FairQueue::Client*, FairQueue::Flow*> FairQueue::next() const {
  const Client* best_client = nullptr;
  for (const auto& [name, client] : clients_)
    if (client.waiting > 0 && (best_client == nullptr || client.served < best_client->served)) best_client = &client;
  if (best_client == nullptr) return {nullptr, nullptr};
  // Of equally served flows the one whose first task came first: ids rise.
  const Flow* best = nullptr;
  for (const auto& [name, flow] : best_client->flows) {
    if (flow.waiting.empty()) continue;
    if (best == nullptr ||
        std::pair(flow.served, flow.waiting.front()) < std::pair(best->served, best->waiting.front()))
      best = &flow;
  }
  return {const_cast<Client*>(best_client), const_cast<Flow*>(best)};
}

std::optional<TaskId> FairQueue::peek() const {
  const auto [client, flow] = next();
  return flow == nullptr ? std::nullopt : std::optional(flow->waiting.front());
}

void FairQueue::pop() {
  const auto [client, flow] = next();
  if (flow == nullptr) return;
  flow->waiting.pop_front();
  --client->waiting, --size_;
}

bool FairQueue::remove(TaskId task) {
  for (auto& [client_name, client] : clients_) {
    for (auto& [adapter, flow] : client.flows) {
      const auto found = std::ranges::find(flow.waiting, task);
      if (found == flow.waiting.end()) continue;
      flow.waiting.erase(found);
      --client.waiting, --size_;
      return true;
    }
  }
  return false;
}

void FairQueue::charge(const FlowKey& key, double cost) {
  const auto client = clients_.find(key.client);
  if (client == clients_.end()) return;
  client->second.served += cost;
  if (const auto flow = client->second.flows.find(key.adapter); flow != client->second.flows.end())
    flow->second.served += cost;
}

void FairQueue::release(const FlowKey& key) {
  const auto client = clients_.find(key.client);
  if (client == clients_.end()) return;
  const auto flow = client->second.flows.find(key.adapter);
  if (flow == client->second.flows.end() || flow->second.tasks == 0) return;
  leave(client->second.start, client->second.flows, flow->second);
  leave(start_, clients_, client->second);
  forget_idle(client->second.start, client->second.flows);
  forget_idle(start_, clients_);
}

}  // namespace hyprstream
