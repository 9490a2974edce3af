/*
 * libcriu for tscriu. Each action starts `criu` from PATH (or criu_set_service_binary), connects to a service
 * (criu_set_service_address) or uses a connected socket (criu_set_service_fd), and speaks RPC with it. Setters that return int
 * give 0 or a negative errno. Actions give 0 or, where they restore, a pid above 0; else -EBADE (the request failed: errno is
 * what the kernel said, where it is known), -ECONNREFUSED (nobody to ask), -ECOMM (the connection broke), -EINVAL (the other side
 * does not know this request) or -EBADMSG (the answer makes no sense). Functions without "local" work on one set of options of
 * the process; those with it on a set of the caller's.
 */
#ifndef TSCRIU_LIBCRIU_H
#define TSCRIU_LIBCRIU_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CRIU_LOG_UNSET (-1)
#define CRIU_LOG_MSG 0
#define CRIU_LOG_ERROR 1
#define CRIU_LOG_WARN 2
#define CRIU_LOG_INFO 3
#define CRIU_LOG_DEBUG 4

enum criu_service_comm { CRIU_COMM_SK, CRIU_COMM_FD, CRIU_COMM_BIN };

enum criu_cg_mode {
	CRIU_CG_MODE_IGNORE,
	CRIU_CG_MODE_NONE,
	CRIU_CG_MODE_PROPS,
	CRIU_CG_MODE_SOFT,
	CRIU_CG_MODE_FULL,
	CRIU_CG_MODE_STRICT,
	CRIU_CG_MODE_DEFAULT,
};

enum criu_network_lock_method {
	CRIU_NETWORK_LOCK_IPTABLES = 1,
	CRIU_NETWORK_LOCK_NFTABLES = 2,
	CRIU_NETWORK_LOCK_SKIP = 3,
};

enum criu_pre_dump_mode { CRIU_PRE_DUMP_SPLICE = 1, CRIU_PRE_DUMP_READ = 2 };

typedef struct criu_opts criu_opts;
typedef struct criu_notify *criu_notify_arg_t;
typedef void *criu_predump_info;

struct criu_feature_check {
	bool mem_track;
	bool lazy_pages;
	bool pidfd_store;
};

int criu_notify_pid(criu_notify_arg_t na);
int criu_get_orphan_pts_master_fd(void);
void criu_set_unprivileged(bool unprivileged);

#define CRIU_BOTH(type, name, ...) \
	type criu_##name(__VA_ARGS__); \
	type criu_local_##name(criu_opts *opts, __VA_ARGS__);
#define CRIU_BOTH_VOID(type, name)   \
	type criu_##name(void);      \
	type criu_local_##name(criu_opts *opts);

int criu_init_opts(void);
int criu_local_init_opts(criu_opts **opts);
void criu_free_opts(void);
void criu_local_free_opts(criu_opts *opts);

/* Switches: criu_set_NAME(bool on). */
#define CRIU_SWITCHES(X) \
	X(leave_running) X(ext_unix_sk) X(tcp_established) X(tcp_skip_in_flight) X(tcp_close) \
	X(weak_sysctls) X(evasive_devices) X(shell_job) X(skip_file_rwx_check) X(orphan_pts_master) \
	X(file_locks) X(track_mem) X(auto_dedup) X(force_irmap) X(link_remap) X(manage_cgroups) \
	X(auto_ext_mnt) X(ext_sharing) X(ext_masters) X(mntns_compat_mode)
#define CRIU_DECLARE_SWITCH(name) CRIU_BOTH(void, set_##name, bool on)
CRIU_SWITCHES(CRIU_DECLARE_SWITCH)

CRIU_BOTH(int, set_service_address, const char *path)
CRIU_BOTH(void, set_service_fd, int fd)
CRIU_BOTH(int, set_service_binary, const char *path)
CRIU_BOTH(void, set_pid, int pid)
CRIU_BOTH(void, set_images_dir_fd, int fd)
CRIU_BOTH(int, set_parent_images, const char *path)
CRIU_BOTH(void, set_work_dir_fd, int fd)
CRIU_BOTH(int, add_unix_sk, unsigned int inode)
CRIU_BOTH(void, set_log_level, int level)
CRIU_BOTH(int, set_log_file, const char *name)
CRIU_BOTH(void, set_cpu_cap, unsigned int mask)
CRIU_BOTH(int, set_root, const char *path)
CRIU_BOTH(void, set_manage_cgroups_mode, enum criu_cg_mode mode)
CRIU_BOTH(int, set_freeze_cgroup, const char *path)
CRIU_BOTH(int, set_lsm_profile, const char *name)
CRIU_BOTH(int, set_lsm_mount_context, const char *name)
CRIU_BOTH(void, set_timeout, unsigned int seconds)
CRIU_BOTH(int, set_exec_cmd, int argc, char *argv[])
CRIU_BOTH(int, add_ext_mount, const char *key, const char *val)
CRIU_BOTH(int, add_veth_pair, const char *in, const char *out)
CRIU_BOTH(int, add_cg_root, const char *ctrl, const char *path)
CRIU_BOTH(int, add_enable_fs, const char *name)
CRIU_BOTH(int, add_skip_mnt, const char *path)
CRIU_BOTH(void, set_ghost_limit, unsigned int bytes)
CRIU_BOTH(int, add_irmap_path, const char *path)
CRIU_BOTH(int, add_inherit_fd, int fd, const char *key)
CRIU_BOTH(int, add_external, const char *key)
CRIU_BOTH(int, set_page_server_address_port, const char *address, int port)
CRIU_BOTH(int, set_pre_dump_mode, enum criu_pre_dump_mode mode)
CRIU_BOTH(void, set_pidfd_store_sk, int fd)
CRIU_BOTH(int, set_network_lock, enum criu_network_lock_method method)
CRIU_BOTH(int, join_ns_add, const char *ns, const char *ns_file, const char *extra)
CRIU_BOTH(int, set_config_file, const char *path)
CRIU_BOTH(void, set_notify_cb, int (*cb)(char *action, criu_notify_arg_t na))
CRIU_BOTH(void, set_empty_ns, int flags)

int criu_local_add_cg_props(criu_opts *opts, const char *text);
int criu_local_add_cg_props_file(criu_opts *opts, const char *path);
int criu_local_add_cg_dump_controller(criu_opts *opts, const char *name);
int criu_local_add_cg_yard(criu_opts *opts, const char *path);

CRIU_BOTH_VOID(int, check)
CRIU_BOTH_VOID(int, dump)
CRIU_BOTH_VOID(int, pre_dump)
CRIU_BOTH_VOID(int, restore)
CRIU_BOTH_VOID(int, restore_child)
CRIU_BOTH_VOID(int, get_version)
CRIU_BOTH(int, dump_iters, int (*more)(criu_predump_info info))
CRIU_BOTH(int, check_version, int minimum)
CRIU_BOTH(int, feature_check, struct criu_feature_check *features, size_t size)

#ifdef __cplusplus
}
#endif
#endif
