/* BPF maps, without a library. */
#ifndef BPF_MAP_H
#define BPF_MAP_H
#include "tst.h"
#include <linux/bpf.h>

static inline long bpf_call(int command, union bpf_attr *attr) { return syscall(SYS_bpf, command, attr, sizeof(*attr)); }

static inline int bpf_make(unsigned type, unsigned key, unsigned value, unsigned entries, unsigned flags, const char *name) {
  union bpf_attr attr = {.map_type = type, .key_size = key, .value_size = value, .max_entries = entries, .map_flags = flags};
  strncpy(attr.map_name, name, sizeof(attr.map_name) - 1);
  long fd = bpf_call(BPF_MAP_CREATE, &attr);
  if (fd < 0) tst_skip("no BPF map: %s", strerror(errno));
  return (int)fd;
}

static inline long bpf_put(int fd, const void *key, const void *value) {
  union bpf_attr attr = {.map_fd = (unsigned)fd, .key = (uintptr_t)key, .value = (uintptr_t)value};
  return bpf_call(BPF_MAP_UPDATE_ELEM, &attr);
}

static inline long bpf_get(int fd, const void *key, void *value) {
  union bpf_attr attr = {.map_fd = (unsigned)fd, .key = (uintptr_t)key, .value = (uintptr_t)value};
  return bpf_call(BPF_MAP_LOOKUP_ELEM, &attr);
}

static inline long bpf_freeze(int fd) {
  union bpf_attr attr = {.map_fd = (unsigned)fd};
  return bpf_call(BPF_MAP_FREEZE, &attr);
}

static inline struct bpf_map_info bpf_info(int fd) {
  struct bpf_map_info info = {0};
  union bpf_attr attr = {.info = {.bpf_fd = (unsigned)fd, .info_len = sizeof(info), .info = (uintptr_t)&info}};
  tst_sys(bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr));
  return info;
}

/* Another description of the same map. */
static inline int bpf_again(int fd, unsigned access) {
  union bpf_attr attr = {.map_id = bpf_info(fd).id, .open_flags = access};
  return (int)tst_sys(bpf_call(BPF_MAP_GET_FD_BY_ID, &attr));
}

/* All that a map is, but for its id. */
static inline void bpf_same(int fd, struct bpf_map_info was) {
  struct bpf_map_info now = bpf_info(fd);
  now.id = was.id;
  tst_check(memcmp(&now, &was, sizeof(now)) == 0, "the map %s is another one: %u, %u, %u, %u, 0x%x", now.name, now.type,
            now.key_size, now.value_size, now.max_entries, now.map_flags);
}
#endif
