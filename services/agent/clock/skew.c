/*
 * What stands in the vDSO of a process whose clock is wrong: the kernel is asked, and the offset added. Each function is in
 * a section of its own, needs no address and no data, and is smaller than what it replaces or than what is left over
 * behind it. The machine code that is used stands in skewed-functions.ts, with the command that makes it from this file.
 */
typedef long word;

static inline __attribute__((always_inline)) word call(word number, word first, word second) {
  word result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(first), "S"(second)
                   : "rcx", "r11", "memory");
  return result;
}

/* Placeholders, overwritten by the offset: whole seconds, towards minus infinity, and 0 to 999999999 nanoseconds. */
#define SECONDS ({ word s; __asm__("movabs $0x1122334455667701, %0" : "=r"(s)); s; })
#define NANOSECONDS ({ word n; __asm__("movabs $0x1122334455667702, %0" : "=r"(n)); n; })

struct when { word seconds, parts; };

__attribute__((section(".clock_gettime"))) int clock_gettime(word clock, struct when *at) {
  int result = call(228, clock, (word)at);
  /* CLOCK_REALTIME and CLOCK_REALTIME_COARSE; the others do not tell the time of day. */
  if (result == 0 && ((int)clock == 0 || (int)clock == 5)) {
    word seconds = at->seconds + SECONDS, parts = at->parts + NANOSECONDS;
    if (parts >= 1000000000) { parts -= 1000000000; seconds++; }
    at->seconds = seconds;
    at->parts = parts;
  }
  return result;
}

__attribute__((section(".gettimeofday"))) int gettimeofday(struct when *at, void *zone) {
  int result = call(96, (word)at, (word)zone);
  if (result == 0 && at) {
    word seconds = at->seconds + SECONDS, parts = at->parts + NANOSECONDS / 1000;
    if (parts >= 1000000) { parts -= 1000000; seconds++; }
    at->seconds = seconds;
    at->parts = parts;
  }
  return result;
}

__attribute__((section(".time"))) word time(word *at) {
  struct when now;
  call(228, 0, (word)&now);
  word seconds = now.seconds + SECONDS;
  if (now.parts + NANOSECONDS >= 1000000000) seconds++;
  if (at) *at = seconds;
  return seconds;
}
