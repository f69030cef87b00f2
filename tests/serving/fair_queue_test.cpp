#include "serving/fair_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

namespace hyprstream {
namespace {

TEST(FairQueue, KeepsTheOrderOfOneFlow) {
  FairQueue queue;
  for (TaskId id = 1; id <= 5; ++id) queue.push(id, {"a", ""});
  for (TaskId id = 1; id <= 5; ++id) {
    EXPECT_EQ(queue.peek(), id);
    queue.pop();
  }
  EXPECT_FALSE(queue.peek());
}

TEST(FairQueue, AClientWithManyRequestsDoesNotHoldUpOneWithFew) {
  FairQueue queue;
  for (TaskId id = 1; id <= 100; ++id) queue.push(id, {"greedy", ""});
  queue.pop();
  queue.charge({"greedy", ""}, 50);
  queue.push(101, {"modest", ""});
  queue.charge({"greedy", ""}, 1);
  EXPECT_EQ(queue.peek(), 101);
}

// Three clients with different appetites, always waiting: each gets a third of the tokens.
TEST(FairQueue, ServesTokensAlikeWhateverTheSizeOfRequests) {
  FairQueue queue;
  const std::map<std::string, double> cost = {{"small", 10}, {"medium", 40}, {"large", 250}};
  std::map<TaskId, std::string> owner;
  TaskId next = 0;
  const auto submit = [&](const std::string& client) {
    owner[++next] = client;
    queue.push(next, {client, ""});
  };
  for (const auto& [client, tokens] : cost)
    for (int i = 0; i < 3; ++i) submit(client);
  std::map<std::string, double> served;
  for (int turn = 0; turn < 3000; ++turn) {
    const auto id = queue.peek();
    ASSERT_TRUE(id);
    const std::string client = owner[*id];
    queue.pop();
    queue.charge({client, ""}, cost.at(client));
    served[client] += cost.at(client);
    queue.release({client, ""});
    submit(client);
  }
  EXPECT_NEAR(served["small"], served["large"], 500);
  EXPECT_NEAR(served["medium"], served["large"], 500);
}

TEST(FairQueue, IsFairBetweenTheAdaptersOfOneClient) {
  FairQueue queue;
  for (TaskId id = 1; id <= 50; ++id) queue.push(id, {"", "busy"});
  for (TaskId id = 51; id <= 53; ++id) queue.push(id, {"", "rare"});
  int rare_seen = 0;
  for (int turn = 0; turn < 6; ++turn) {
    const TaskId id = *queue.peek();
    queue.pop();
    queue.charge({"", id > 50 ? "rare" : "busy"}, 10);
    rare_seen += id > 50 ? 1 : 0;
  }
  EXPECT_EQ(rare_seen, 3);
}

TEST(FairQueue, SilenceSavesNothingUp) {
  FairQueue queue;
  queue.push(1, {"early", ""});
  queue.pop();
  queue.release({"early", ""});  // served nothing and gone
  queue.push(2, {"steady", ""});
  queue.charge({"steady", ""}, 1000);
  queue.pop();
  queue.push(3, {"steady", ""});
  // It comes back at the level of the one that was there, and so does not get the next thousand tokens alone.
  for (TaskId id = 4; id < 8; ++id) queue.push(id, {"early", ""});
  queue.charge({"early", ""}, 1);
  EXPECT_EQ(queue.peek(), 3);
}

TEST(FairQueue, LeavingAndComingBackGainsNothing) {
  FairQueue queue;
  queue.push(1, {"steady", ""});
  queue.push(2, {"hopper", ""});
  queue.charge({"hopper", ""}, 500);
  queue.remove(2);
  queue.release({"hopper", ""});
  queue.push(3, {"hopper", ""});
  EXPECT_EQ(queue.peek(), 1);
}

// Two that take turns, one request at a time, and the queue is empty in between: a newcomer and one with a long
// history. Once both wait, neither waits for more than a turn of the other, at either level.
TEST(FairQueue, WhoeverComesToAnEmptyQueueStartsLevelWithTheLastOne) {
  for (const auto& [old_flow, new_flow] :
       {std::pair<FlowKey, FlowKey>{{"old", ""}, {"new", ""}}, std::pair<FlowKey, FlowKey>{{"", "old"}, {"", "new"}}}) {
    FairQueue queue;
    TaskId next = 0;
    const auto serve_one = [&] {
      queue.pop();
      queue.charge(old_flow, 100);
      queue.release(old_flow);
    };
    for (int i = 0; i < 1000; ++i) {
      queue.push(++next, old_flow);
      serve_one();
    }
    std::map<TaskId, FlowKey> owner;
    for (int i = 0; i < 50; ++i) queue.push(++next, new_flow), owner[next] = new_flow;
    for (int i = 0; i < 50; ++i) queue.push(++next, old_flow), owner[next] = old_flow;
    int turns_of_old = 0;
    for (int turn = 0; turn < 20; ++turn) {
      const FlowKey flow = owner.at(*queue.peek());
      turns_of_old += flow == old_flow ? 1 : 0;
      queue.pop();
      queue.charge(flow, 100);
      queue.release(flow);
    }
    EXPECT_EQ(turns_of_old, 10) << old_flow.client << old_flow.adapter;
  }
}

TEST(FairQueue, RemovesFromTheMiddle) {
  FairQueue queue;
  for (TaskId id = 1; id <= 3; ++id) queue.push(id, {"a", ""});
  EXPECT_TRUE(queue.remove(2));
  EXPECT_FALSE(queue.remove(2));
  queue.pop();
  EXPECT_EQ(queue.peek(), 3);
  EXPECT_EQ(queue.size(), 1U);
}

TEST(FairQueue, ForgetsThousandsOfClientsThatAreGone) {
  FairQueue queue;
  queue.push(1, {"stays", ""});
  for (TaskId id = 2; id < 5000; ++id) {
    const FlowKey flow{"client " + std::to_string(id), ""};
    queue.push(id, flow);
    queue.charge(flow, 10);
    queue.remove(id);
    queue.release(flow);
  }
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.peek(), 1);
}

}  // namespace
}  // namespace hyprstream
