/* Preloaded into a process, makes every flush of a file to the disk take DELAY_US longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#ifndef DELAY_US
#define DELAY_US 5000
#endif

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  usleep(DELAY_US);
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  usleep(DELAY_US);
  return real(fd);
}
