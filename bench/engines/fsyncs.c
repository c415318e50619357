// Counts what a process asks the disk to keep: preloaded by peers.py, read by child.py. Linux, with any C compiler.
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

unsigned long lora_bench_fsyncs = 0;

int fsync(int file) {
  __atomic_add_fetch(&lora_bench_fsyncs, 1, __ATOMIC_RELAXED);
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  __atomic_add_fetch(&lora_bench_fsyncs, 1, __ATOMIC_RELAXED);
  return (int)syscall(SYS_fdatasync, file);
}
