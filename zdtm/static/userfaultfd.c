// zdtm: {"category": "memory", "refused": "userfaultfd[^]*userfaultfd", "verifies": "memory whose faults the program handles itself is refused, and is still handled"}
#include "tst.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

static int fault;
static uint8_t *memory;

static void *reader(void *unused) {
  (void)unused;
  return (void *)(uintptr_t)memory[5];
}

int main(void) {
  tst_begin();
  size_t page = tst_page();
  fault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fault < 0) tst_skip("no userfaultfd here: %s", strerror(errno));
  struct uffdio_api api = {.api = UFFD_API};
  tst_sys(ioctl(fault, UFFDIO_API, &api));
  memory = tst_private(2 * page);
  struct uffdio_register area = {.range = {(uintptr_t)memory, 2 * page}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  tst_sys(ioctl(fault, UFFDIO_REGISTER, &area));
  tst_ready();
  TST_SPOIL tst_sys(ioctl(fault, UFFDIO_UNREGISTER, &area.range));
  pthread_t thread;
  tst_pthread(pthread_create(&thread, NULL, reader, NULL));
  struct uffd_msg message;
  if (!tst_spoiling()) tst_until(read(fault, &message, sizeof(message)) == sizeof(message), "no fault is told");
  uint8_t *bytes = tst_private(page);
  memset(bytes, 0x5c, page);
  struct uffdio_copy copy = {.dst = (uintptr_t)memory, .src = (uintptr_t)bytes, .len = page};
  if (!tst_spoiling()) tst_sys(ioctl(fault, UFFDIO_COPY, &copy));
  void *got;
  tst_pthread(pthread_join(thread, &got));
  tst_check((uintptr_t)got == 0x5c, "the page was not filled");
  return tst_pass();
}
