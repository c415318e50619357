// Calls and sessions: who is inside, and how everyone is got out. See database_impl.h.
#include "cypher/database_impl.h"

namespace lora {

namespace {

std::atomic<uint64_t> threads{0};

// In one place, because finding a thread's variables is a call in a shared library.
struct ThreadState {
  uint64_t token = 0;  // 0: not given out yet
  ActiveCall* innermost_call = nullptr;

  uint64_t own_token() {
    if (token == 0) token = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    return token;
  }
};
constinit thread_local ThreadState thread_state;

Status closed_status() {
  return {ErrorCode::kClosed, "the database is closed"};
}

}  // namespace

uint64_t this_thread_token() {
  return thread_state.own_token();
}

Status DatabaseCore::check_open() const {
  if (forked()) return kv::forked_status();
  if (closing_.load(std::memory_order_acquire)) return closed_status();
  return Status();
}

Status DatabaseCore::enter(ActiveCall* call) {
  if (forked()) return kv::forked_status();
  ThreadState& thread = thread_state;
  call->database = this;
  call->lane = static_cast<uint32_t>(thread.own_token() % cypher::kLanes);
  Lane& lane = lanes_[call->lane];
  {
    std::lock_guard lock(lane.mutex);
    // close() sets the flag before it looks into any lane: a call is either seen by it or sees the flag.
    if (closing_.load(std::memory_order_acquire)) return closed_status();
    call->next = lane.first;
    if (lane.first != nullptr) lane.first->previous = call;
    lane.first = call;
    ++lane.count;
  }
  call->outer = thread.innermost_call;
  thread.innermost_call = call;
  return Status();
}

void DatabaseCore::leave(ActiveCall* call) {
  if (forked()) return;
  thread_state.innermost_call = call->outer;
  Lane& lane = lanes_[call->lane];
  {
    std::lock_guard lock(lane.mutex);
    (call->previous != nullptr ? call->previous->next : lane.first) = call->next;
    if (call->next != nullptr) call->next->previous = call->previous;
    --lane.count;
  }
  if (!closing_.load(std::memory_order_acquire)) [[likely]]
    return;
  bool finish = false;
  {
    std::lock_guard lock(close_mutex_);
    if (deferred_ && !finishing_ && active_calls() == 0) finish = finishing_ = true;
    left_.notify_all();
  }
  if (finish) finish_close();
}

uint64_t DatabaseCore::active_calls() {
  uint64_t n = 0;
  for (Lane& lane : lanes_) {
    std::lock_guard lock(lane.mutex);
    n += lane.count;
  }
  return n;
}

void DatabaseCore::stop_calls(ErrorCode code) {
  for (Lane& lane : lanes_) {
    std::lock_guard lock(lane.mutex);
    for (ActiveCall* call = lane.first; call != nullptr; call = call->next) {
      if (call->control != nullptr) call->control->request_stop(code);
    }
  }
}

Status DatabaseCore::add_session(Session* session) {
  std::lock_guard lock(sessions_mutex_);
  if (closing_.load(std::memory_order_acquire)) return closed_status();
  sessions_.insert(session);
  return Status();
}

void DatabaseCore::remove_session(Session* session) {
  std::lock_guard lock(sessions_mutex_);
  sessions_.erase(session);
}

Status DatabaseCore::close() {
  if (forked()) return Status();
  if (!closing_.exchange(true, std::memory_order_acq_rel)) {
    stop_calls(ErrorCode::kClosed);
  }
  std::vector<std::shared_ptr<Session>> sessions;
  {
    std::lock_guard lock(sessions_mutex_);
    for (Session* s : sessions_) {
      if (auto alive = s->weak_from_this().lock()) sessions.push_back(std::move(alive));
    }
  }
  for (const std::shared_ptr<Session>& s : sessions) s->end(ErrorCode::kClosed);

  uint64_t own = 0;
  for (ActiveCall* call = thread_state.innermost_call; call != nullptr; call = call->outer)
    own += call->database == this;
  {
    std::unique_lock lock(close_mutex_);
    if (own > 0) {
      deferred_ = true;
      return Status();
    }
    left_.wait(lock, [&] { return finishing_ || active_calls() == 0; });
    if (finishing_) {
      left_.wait(lock, [&] { return closed_.load(std::memory_order_acquire); });
      return close_status_;
    }
    finishing_ = true;
  }
  finish_close();
  return close_status_;
}

void DatabaseCore::finish_close() {
  extensions.clear();  // what the program registered may refer to this handle
  cache.clear();
  Status status = graph->close();
  std::lock_guard lock(close_mutex_);
  close_status_ = std::move(status);
  closed_.store(true, std::memory_order_release);
  left_.notify_all();
}

// --- sessions ---

Session::~Session() {
  if (registered_ && !database_->forked()) database_->remove_session(this);
}

void Session::end(ErrorCode why) {
  if (database_->forked()) return;
  end_asked_.store(true, std::memory_order_release);
  stop(why);
  if (user_.load(std::memory_order_acquire) == std::this_thread::get_id()) return;  // Use releases at its end
  std::lock_guard lock(mutex_);
  release();
}

Session::Use::Use(Session& session) : session_(session) {
  if (!session.mutex_.try_lock()) {
    status_ = session.database_->check_open();  // close() may be what holds it
    if (!status_.ok()) return;
    status_ = session.user_.load() == std::this_thread::get_id()
                  ? Status(ErrorCode::kTransaction,
                           "this transaction or stream is being used already, further up in this thread")
                  : Status(ErrorCode::kTransaction,
                           "this transaction or stream is in use by another thread; use one per thread");
    return;
  }
  session.user_.store(std::this_thread::get_id(), std::memory_order_release);
}

Session::Use::~Use() {
  if (!status_.ok()) return;
  if (session_.end_asked_.load(std::memory_order_acquire)) session_.release();
  session_.user_.store(std::thread::id(), std::memory_order_release);
  session_.mutex_.unlock();
}

}  // namespace lora
