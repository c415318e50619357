// What concerns the process as a whole: the GIL around engine calls, interpreter exit, the threads that a forked child
// starts with (databases themselves are refused there: kv/fork.h).
//
// All variables here are guarded by the GIL, except where they are atomic. os.fork() holds it, so that a child finds
// them whole.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "bindings.h"
#include "callables.h"

namespace lora::python {

namespace {

constexpr auto kExitWaitMax = std::chrono::seconds(10);

unsigned long main_thread = 0;
std::atomic<bool> exiting{false};
thread_local int calls_of_thread = 0;  // one inside the other, through callables
std::atomic<int> calls_in_engine{0};   // changed with the GIL held, which spares calls an instruction that waits
std::atomic<int> calls_left_out{0};    // of these, those that wait for the end of the process without it
std::vector<std::weak_ptr<Database>>* databases = nullptr;

void after_fork_in_child() {
  main_thread = PyThread_get_thread_ident();
  calls_in_engine.store(0);
  calls_left_out.store(0);
}

void count_calls(int change) {
  calls_in_engine.store(calls_in_engine.load(std::memory_order_relaxed) + change, std::memory_order_release);
}

}  // namespace

void start_process(unsigned long main_thread_ident) {
  main_thread = main_thread_ident;
  if (databases == nullptr) {
    databases = new std::vector<std::weak_ptr<Database>>();
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
  }
}

bool in_main_thread() {
  return PyThread_get_thread_ident() == main_thread;
}

EngineCall::EngineCall() {
  const bool stays_out = interpreter_ends() && calls_of_thread == 0;
  if (!stays_out) count_calls(1);
  if (calls_of_thread++ == 0) forget_causes();
  state_ = PyEval_SaveThread();
  if (stays_out) {
    for (;;) pause();
  }
}

EngineCall::~EngineCall() {
  // A call inside a callable goes on: the call around it, which close() waits for, must come back first.
  if (interpreter_ends() && calls_of_thread == 1) {
    calls_left_out.fetch_add(1);
    for (;;) pause();
  }
  PyEval_RestoreThread(state_);
  count_calls(-1);
  release_kept_objects();
  --calls_of_thread;
}

bool interpreter_ends() {
  return exiting.load(std::memory_order_relaxed) && !in_main_thread();
}

void remember(const std::shared_ptr<Database>& database) {
  databases->erase(std::remove_if(databases->begin(), databases->end(), [](const auto& d) { return d.expired(); }),
                   databases->end());
  databases->push_back(database);
}

void close_all() {
  if (databases == nullptr) return;  // the import failed half-way
  exiting = true;  // calls that come back now stay out: their threads must not run, or print, any more
  std::vector<std::shared_ptr<Database>> alive;
  for (const std::weak_ptr<Database>& d : *databases) {
    if (auto database = d.lock()) alive.push_back(std::move(database));
  }
  PyThreadState* state = PyEval_SaveThread();
  for (const auto& database : alive) (void)database->close();  // nobody is left to tell
  const auto deadline = std::chrono::steady_clock::now() + kExitWaitMax;
  while (calls_in_engine.load() > calls_left_out.load() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  alive.clear();
  PyEval_RestoreThread(state);
}

}  // namespace lora::python
