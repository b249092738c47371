// Blocks of a launch, one after another, and what their threads wait for.

#include "cuda.hpp"
#include "fibre.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#endif

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

struct Thread : Fibre {
  unsigned number;  // in the block
  dim3 index;
};

struct Warp {
  unsigned here;  // lanes that have arrived
  unsigned members;
  uint64_t brought[32], results[32];
  Thread *waiting[32];
  void (*act)(const rwt_brought &, rwt_taken &);  // what they come for, if it is no shuffle
  alignas(16) rwt_brought wide;
  alignas(16) rwt_taken taken;
};

void (*kernel)(const void *const *);
const void *const *arguments;
bool reverse;
unsigned threads, begun, over;
char failure[256];

Fibre scheduler;
Thread *current;
std::vector<Thread *> all, idle;  // fibres; those that run no thread
std::vector<Thread *> ready, waiting;
size_t next_ready;
const char *barrier_file;
int barrier_line;
std::vector<Warp> warps;
void *dynamic_shared;

void become(Thread *thread) {
  current = thread;
  threadIdx = thread->index;
}

// To the next fibre that can go on, without a detour if all threads have begun.
void wait_for_others() {
  Thread *thread = current;
  Fibre *next = &scheduler;
  if (begun == threads && next_ready < ready.size() && !failure[0]) {
    next = ready[next_ready++];
    if (next_ready == ready.size()) {
      ready.clear();
      next_ready = 0;
    }
  }
  if (next != thread) fibre_switch(*thread, *next);
  become(thread);
}

void release_barrier() {
  if (waiting.empty() || waiting.size() + over != threads) return;
  ready.insert(ready.end(), waiting.begin(), waiting.end());
  waiting.clear();
}

// A fibre runs threads as long as none waits.
void run_threads() {
  Thread *fibre = current;
  fibre_arrived(*fibre);
  for (;;) {
    while (begun < threads) {
      unsigned n = begun++;
      fibre->number = n = reverse ? threads - 1 - n : n;
      fibre->index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / (blockDim.x * blockDim.y)};
      become(fibre);
      kernel(arguments);
      over++;
      release_barrier();
    }
    idle.push_back(fibre);
    fibre_switch(*fibre, scheduler);
  }
}

Thread *take_idle() {
  if (idle.empty()) {
    Thread *fibre = new Thread();
    fibre_make(*fibre, run_threads);
    all.push_back(fibre);
    return fibre;
  }
  Thread *fibre = idle.back();
  idle.pop_back();
  return fibre;
}

void describe_deadlock() {
  if (failure[0]) return;
  if (!waiting.empty()) {
    snprintf(failure, sizeof failure, "%zu of %u threads wait at %s:%d, the others never come", waiting.size(), threads,
             barrier_file, barrier_line);
    return;
  }
  snprintf(failure, sizeof failure, "lanes wait for others of their warp, which never come");
}

void run_block() {
  begun = over = 0;
  ready.clear();
  waiting.clear();
  next_ready = 0;
  warps.assign((threads + 31) / 32, Warp());
  while (over < threads && !failure[0]) {
    Thread *fibre;
    if (begun < threads) {
      fibre = take_idle();
    } else if (next_ready < ready.size()) {
      fibre = ready[next_ready++];
    } else {
      break;
    }
    current = fibre;
    fibre_switch(scheduler, *fibre);
    if (next_ready == ready.size()) {
      ready.clear();
      next_ready = 0;
    }
  }
  unsigned left = rwt_host_left();
  if (over == threads && !failure[0] && !left) return;
  if (over == threads && !failure[0]) snprintf(failure, sizeof failure, "%u copies that nobody waits for", left);
  describe_deadlock();
  idle.clear();  // whatever they did is left
  for (Thread *fibre : all) {
    fibre_make(*fibre, run_threads);
    idle.push_back(fibre);
  }
}

}  // namespace

void *rwt_dynamic_shared() { return dynamic_shared; }

void rwt_wrong(const char *what, unsigned lane) {
  snprintf(failure, sizeof failure, "%s: lane %u of thread %u's warp", what, lane, current->number);
  wait_for_others();
}

void rwt_barrier(const char *file, int line) {
  if (waiting.empty()) {
    barrier_file = file;
    barrier_line = line;
  } else if (line != barrier_line || (file != barrier_file && strcmp(file, barrier_file) != 0)) {
    snprintf(failure, sizeof failure, "threads wait at %s:%d and at %s:%d", barrier_file, barrier_line, file, line);
    wait_for_others();
  }
  waiting.push_back(current);
  release_barrier();
  wait_for_others();
}

// A lane comes to others; true for the last of them, the others wait for it.
static bool arrive(Warp &warp, unsigned members, void (*act)(const rwt_brought &, rwt_taken &)) {
  unsigned lane = current->number % 32;
  if (!(members >> lane & 1)) rwt_wrong("a lane is not among the members that it names", lane);
  if (warp.here && members != warp.members) rwt_wrong("lanes name other members", lane);
  if (warp.here && act != warp.act) rwt_wrong("lanes are at other instructions", lane);
  warp.members = members;
  warp.act = act;
  warp.here |= 1u << lane;
  if (warp.here == members) return true;
  warp.waiting[lane] = current;
  wait_for_others();
  return false;
}

// The others of a warp go on.
static void release_lanes(Warp &warp) {
  warp.here = 0;
  for (unsigned other = 0; other < 32; other++) {
    if ((warp.members >> other & 1) && other != current->number % 32) ready.push_back(warp.waiting[other]);
  }
}

void rwt_shuffle(unsigned members, uint64_t value, uint64_t results[32]) {
  Warp &warp = warps[current->number / 32];
  warp.brought[current->number % 32] = value;
  if (arrive(warp, members, nullptr)) {
    memcpy(warp.results, warp.brought, sizeof warp.results);
    release_lanes(warp);
  }
  memcpy(results, warp.results, sizeof warp.results);
}

void rwt_together(const void *mine, size_t bytes, void *result, void (*act)(const rwt_brought &, rwt_taken &)) {
  Warp &warp = warps[current->number / 32];
  unsigned lane = current->number % 32;
  memcpy(warp.wide[lane], mine, bytes);
  if (arrive(warp, 0xffffffffu, act)) {
    act(warp.wide, warp.taken);
    release_lanes(warp);
  }
  memcpy(result, warp.taken[lane], sizeof warp.taken[lane]);
}

unsigned rwt_thread() { return current->number; }

const char *rwt_run(const rwt_shape &shape, void (*body)(const void *const *), const void *const *given) {
  kernel = body;
  arguments = given;
  reverse = shape.reverse;
  blockDim = shape.threads;
  gridDim = shape.blocks;
  threads = blockDim.x * blockDim.y * blockDim.z;
  failure[0] = 0;
#ifdef __SANITIZE_ADDRESS__
  // the stack to come back to
  pthread_attr_t attributes;
  void *lowest;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &lowest, &scheduler.size);
  pthread_attr_destroy(&attributes);
  scheduler.stack = static_cast<char *>(lowest);
#endif
  dynamic_shared = nullptr;
  if (shape.dynamic && posix_memalign(&dynamic_shared, 16, shape.dynamic)) return "no memory for shared memory";
  uint64_t blocks = (uint64_t)gridDim.x * gridDim.y * gridDim.z;
  for (uint64_t n = 0; n < blocks && !failure[0]; n++) {
    uint64_t b = reverse ? blocks - 1 - n : n;
    blockIdx = {(unsigned)(b % gridDim.x), (unsigned)(b / gridDim.x % gridDim.y),
                (unsigned)(b / ((uint64_t)gridDim.x * gridDim.y))};
    if (dynamic_shared) memset(dynamic_shared, 0xff, shape.dynamic);
    run_block();
  }
  free(dynamic_shared);
  return failure[0] ? failure : nullptr;
}
