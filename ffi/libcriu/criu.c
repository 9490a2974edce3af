/*
 * The library behind criu.h. Options are kept as what they become on the wire: each setter appends an encoded field of
 * criu_opts, and of a field that is there twice the last one counts, as protobuf says. Field numbers come from
 * proto/rpc.proto, by way of criu-fields.h, which the build makes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "criu-fields.h"
#include "criu.h"

struct buffer {
	uint8_t *bytes;
	size_t size, room;
	int failed;
};

struct criu_opts {
	struct buffer opts;
	int (*notify)(char *action, criu_notify_arg_t na);
	enum criu_service_comm comm;
	int fd;
	char *address, *binary;
	int swrk_pid;
	bool has_pid;
};

struct criu_notify {
	int pid;
};

struct reply {
	uint64_t type, success;
	int64_t cr_errno, pid;
	uint64_t restored, major, minor, sublevel;
	bool has_gitid;
	char script[64];
	int notify_pid;
	struct criu_feature_check features;
};

static criu_opts *global;
static int orphan_master = -1;

/* ---- protobuf ---- */

enum { VARINT = 0, BYTES = 2 };

static void put(struct buffer *b, const void *bytes, size_t size)
{
	if (b->size + size > b->room) {
		size_t room = (b->size + size) * 2 + 64;
		uint8_t *more = realloc(b->bytes, room);

		if (!more) {
			b->failed = 1;
			return;
		}
		b->bytes = more;
		b->room = room;
	}
	memcpy(b->bytes + b->size, bytes, size);
	b->size += size;
}

static void put_varint(struct buffer *b, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		value >>= 7;
	} while (bytes[n++] & 0x80);
	put(b, bytes, n);
}

static void put_number(struct buffer *b, int field, int64_t value)
{
	put_varint(b, (uint64_t)field << 3 | VARINT);
	put_varint(b, (uint64_t)value);
}

static void put_bytes(struct buffer *b, int field, const void *bytes, size_t size)
{
	put_varint(b, (uint64_t)field << 3 | BYTES);
	put_varint(b, size);
	put(b, bytes, size);
}

static int put_text(struct buffer *b, int field, const char *text)
{
	if (!text)
		return -EINVAL;
	put_bytes(b, field, text, strlen(text));
	return b->failed ? -ENOMEM : 0;
}

/* A nested message, built in `inner`, which is used up. */
static int put_message(struct buffer *b, int field, struct buffer *inner)
{
	put_bytes(b, field, inner->bytes, inner->size);
	if (inner->failed)
		b->failed = 1;
	free(inner->bytes);
	return b->failed ? -ENOMEM : 0;
}

struct cursor {
	const uint8_t *at, *end;
	int bad;
};

static uint64_t get_varint(struct cursor *c)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		if (c->at >= c->end)
			break;
		value |= (uint64_t)(*c->at & 0x7f) << shift;
		if (!(*c->at++ & 0x80))
			return value;
	}
	c->bad = 1;
	return 0;
}

/* The next field: its number, its value as a number, or as the bytes of `inner`. 0 at the end. */
static int get_field(struct cursor *c, uint64_t *number, struct cursor *inner)
{
	uint64_t tag, size;

	if (c->at >= c->end || c->bad)
		return 0;
	tag = get_varint(c);
	*number = 0;
	inner->at = inner->end = c->at;
	inner->bad = 0;
	switch (tag & 7) {
	case VARINT:
		*number = get_varint(c);
		break;
	case BYTES:
		size = get_varint(c);
		if (size > (size_t)(c->end - c->at))
			c->bad = 1;
		else {
			inner->at = c->at;
			inner->end = c->at += size;
		}
		break;
	default:
		/* the protocol has no fields of a fixed size */
		c->bad = 1;
	}
	return c->bad ? 0 : (int)(tag >> 3);
}

enum { REPLY, NOTIFY, FEATURES, VERSION, RESTORED, DUMPED };
#define AT(where, field) ((where) << 8 | (field))

static void keep_script(struct reply *r, struct cursor text)
{
	size_t size = text.end - text.at;

	if (size >= sizeof(r->script))
		size = sizeof(r->script) - 1;
	memcpy(r->script, text.at, size);
	r->script[size] = 0;
}

/* Reads criu_resp and the messages in it, which `where` names. */
static void parse(struct reply *r, struct cursor *c, int where)
{
	struct cursor inner;
	uint64_t number;

	for (int field; (field = get_field(c, &number, &inner)) > 0; c->bad |= inner.bad) {
		switch (AT(where, field)) {
		case AT(REPLY, criu_resp__type): r->type = number; break;
		case AT(REPLY, criu_resp__success): r->success = number; break;
		case AT(REPLY, criu_resp__cr_errno): r->cr_errno = (int64_t)number; break;
		case AT(REPLY, criu_resp__notify): parse(r, &inner, NOTIFY); break;
		case AT(REPLY, criu_resp__features): parse(r, &inner, FEATURES); break;
		case AT(REPLY, criu_resp__version): parse(r, &inner, VERSION); break;
		case AT(REPLY, criu_resp__restore): parse(r, &inner, RESTORED); break;
		case AT(REPLY, criu_resp__dump): parse(r, &inner, DUMPED); break;
		case AT(NOTIFY, criu_notify__script): keep_script(r, inner); break;
		case AT(NOTIFY, criu_notify__pid): r->notify_pid = (int)number; break;
		case AT(FEATURES, criu_features__mem_track): r->features.mem_track = number; break;
		case AT(FEATURES, criu_features__lazy_pages): r->features.lazy_pages = number; break;
		case AT(FEATURES, criu_features__pidfd_store): r->features.pidfd_store = number; break;
		case AT(VERSION, criu_version__major_number): r->major = number; break;
		case AT(VERSION, criu_version__minor_number): r->minor = number; break;
		case AT(VERSION, criu_version__sublevel): r->sublevel = number; break;
		case AT(VERSION, criu_version__gitid): r->has_gitid = inner.end > inner.at; break;
		case AT(RESTORED, criu_restore_resp__pid): r->pid = (int64_t)number; break;
		case AT(DUMPED, criu_dump_resp__restored): r->restored = number; break;
		}
	}
}

/* ---- options ---- */

int criu_local_init_opts(criu_opts **opts)
{
	criu_opts *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->fd = -1;
	o->comm = CRIU_COMM_BIN;
	put_number(&o->opts, criu_opts__images_dir_fd, -1);
	if (o->opts.failed) {
		free(o);
		return -ENOMEM;
	}
	if (*opts)
		criu_local_free_opts(*opts);
	*opts = o;
	return 0;
}

int criu_init_opts(void)
{
	return criu_local_init_opts(&global);
}

void criu_local_free_opts(criu_opts *opts)
{
	if (!opts)
		return;
	free(opts->opts.bytes);
	free(opts->address);
	free(opts->binary);
	free(opts);
}

void criu_free_opts(void)
{
	criu_local_free_opts(global);
	global = NULL;
}

static int replace(char **place, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

int criu_local_set_service_address(criu_opts *o, const char *path)
{
	o->comm = CRIU_COMM_SK;
	return replace(&o->address, path);
}

void criu_local_set_service_fd(criu_opts *o, int fd)
{
	o->comm = CRIU_COMM_FD;
	o->fd = fd;
}

int criu_local_set_service_binary(criu_opts *o, const char *path)
{
	o->comm = CRIU_COMM_BIN;
	return replace(&o->binary, path);
}

void criu_local_set_notify_cb(criu_opts *o, int (*cb)(char *action, criu_notify_arg_t na))
{
	o->notify = cb;
	put_number(&o->opts, criu_opts__notify_scripts, cb != NULL);
}

void criu_local_set_pid(criu_opts *o, int pid)
{
	o->has_pid = true;
	put_number(&o->opts, criu_opts__pid, pid);
}

/* A setter of one value, for the caller's options and for those of the process. */
#define SETTER(result, verb, name, type, call, end)                      \
	result criu_local_##verb##_##name(criu_opts *o, type value)      \
	{                                                                \
		call;                                                    \
		end;                                                     \
	}                                                                \
	result criu_##verb##_##name(type value)                          \
	{                                                                \
		return criu_local_##verb##_##name(global, value);        \
	}
#define PUT(field) put_number(&o->opts, criu_opts__##field, value)
#define NUMBER(name, type, field) SETTER(void, set, name, type, PUT(field), return)
#define CHOICE(name, type) SETTER(int, set, name, type, PUT(name), return o->opts.failed ? -ENOMEM : 0)
#define TEXT(verb, name, field) \
	SETTER(int, verb, name, const char *, int r = put_text(&o->opts, criu_opts__##field, value), return r)
#define LOCAL_TEXT(name, field)                                          \
	int criu_local_add_##name(criu_opts *o, const char *text)        \
	{                                                                \
		return put_text(&o->opts, criu_opts__##field, text);     \
	}

#define SWITCH(name) NUMBER(name, bool, name)
CRIU_SWITCHES(SWITCH)
NUMBER(images_dir_fd, int, images_dir_fd)
NUMBER(work_dir_fd, int, work_dir_fd)
NUMBER(log_level, int, log_level)
NUMBER(cpu_cap, unsigned int, cpu_cap)
NUMBER(manage_cgroups_mode, enum criu_cg_mode, manage_cgroups_mode)
NUMBER(timeout, unsigned int, timeout)
NUMBER(ghost_limit, unsigned int, ghost_limit)
NUMBER(pidfd_store_sk, int, pidfd_store_sk)
NUMBER(empty_ns, int, empty_ns)
CHOICE(pre_dump_mode, enum criu_pre_dump_mode)
CHOICE(network_lock, enum criu_network_lock_method)
TEXT(set, parent_images, parent_img)
TEXT(set, log_file, log_file)
TEXT(set, root, root)
TEXT(set, freeze_cgroup, freeze_cgroup)
TEXT(set, lsm_profile, lsm_profile)
TEXT(set, lsm_mount_context, lsm_mount_context)
TEXT(set, config_file, config_file)
TEXT(add, enable_fs, enable_fs)
TEXT(add, skip_mnt, skip_mnt)
TEXT(add, irmap_path, irmap_scan_paths)
TEXT(add, external, external)
LOCAL_TEXT(cg_props, cgroup_props)
LOCAL_TEXT(cg_props_file, cgroup_props_file)
LOCAL_TEXT(cg_dump_controller, cgroup_dump_controller)
LOCAL_TEXT(cg_yard, cgroup_yard)

void criu_set_unprivileged(bool unprivileged)
{
	put_number(&global->opts, criu_opts__unprivileged, unprivileged);
}

/* Two texts in a message of their own; the first may be absent where `optional` says so. */
static int put_pair(criu_opts *o, int field, int first, const char *a, int second, const char *b, bool optional)
{
	struct buffer inner = { 0 };

	if ((!a && !optional) || !b)
		return -EINVAL;
	if (a)
		put_text(&inner, first, a);
	put_text(&inner, second, b);
	return put_message(&o->opts, field, &inner);
}

int criu_local_add_ext_mount(criu_opts *o, const char *key, const char *val)
{
	return put_pair(o, criu_opts__ext_mnt, ext_mount_map__key, key, ext_mount_map__val, val, false);
}

int criu_local_add_veth_pair(criu_opts *o, const char *in, const char *out)
{
	return put_pair(o, criu_opts__veths, criu_veth_pair__if_in, in, criu_veth_pair__if_out, out, false);
}

int criu_local_add_cg_root(criu_opts *o, const char *ctrl, const char *path)
{
	return put_pair(o, criu_opts__cg_root, cgroup_root__ctrl, ctrl, cgroup_root__path, path, true);
}

int criu_local_add_unix_sk(criu_opts *o, unsigned int inode)
{
	struct buffer inner = { 0 };

	put_number(&inner, unix_sk__inode, inode);
	return put_message(&o->opts, criu_opts__unix_sk_ino, &inner);
}

int criu_local_add_inherit_fd(criu_opts *o, int fd, const char *key)
{
	struct buffer inner = { 0 };

	if (!key)
		return -EINVAL;
	put_text(&inner, inherit_fd__key, key);
	put_number(&inner, inherit_fd__fd, fd);
	return put_message(&o->opts, criu_opts__inherit_fd, &inner);
}

int criu_local_join_ns_add(criu_opts *o, const char *ns, const char *ns_file, const char *extra)
{
	struct buffer inner = { 0 };

	if (!ns || !ns_file)
		return -EINVAL;
	put_text(&inner, join_namespace__ns, ns);
	put_text(&inner, join_namespace__ns_file, ns_file);
	if (extra)
		put_text(&inner, join_namespace__extra_opt, extra);
	return put_message(&o->opts, criu_opts__join_ns, &inner);
}

int criu_local_set_page_server_address_port(criu_opts *o, const char *address, int port)
{
	struct buffer inner = { 0 };

	if (!address)
		return -EINVAL;
	put_text(&inner, criu_page_server_info__address, address);
	put_number(&inner, criu_page_server_info__port, port);
	return put_message(&o->opts, criu_opts__ps, &inner);
}

int criu_local_set_exec_cmd(criu_opts *o, int argc, char *argv[])
{
	int result = 0;

	for (int i = 0; i < argc && !result; i++)
		result = put_text(&o->opts, criu_opts__exec_cmd, argv[i]);
	return result;
}

#define GLOBAL(type, name, declared, given) \
	type criu_##name declared           \
	{                                   \
		return criu_local_##name given; \
	}

GLOBAL(int, set_service_address, (const char *path), (global, path))
GLOBAL(void, set_service_fd, (int fd), (global, fd))
GLOBAL(int, set_service_binary, (const char *path), (global, path))
GLOBAL(void, set_pid, (int pid), (global, pid))
GLOBAL(void, set_notify_cb, (int (*cb)(char *, criu_notify_arg_t)), (global, cb))
GLOBAL(int, add_unix_sk, (unsigned int inode), (global, inode))
GLOBAL(int, add_ext_mount, (const char *key, const char *val), (global, key, val))
GLOBAL(int, add_veth_pair, (const char *in, const char *out), (global, in, out))
GLOBAL(int, add_cg_root, (const char *ctrl, const char *path), (global, ctrl, path))
GLOBAL(int, add_inherit_fd, (int fd, const char *key), (global, fd, key))
GLOBAL(int, join_ns_add, (const char *ns, const char *file, const char *extra), (global, ns, file, extra))
GLOBAL(int, set_page_server_address_port, (const char *address, int port), (global, address, port))
GLOBAL(int, set_exec_cmd, (int argc, char *argv[]), (global, argc, argv))

int criu_notify_pid(criu_notify_arg_t na)
{
	return na ? na->pid : 0;
}

int criu_get_orphan_pts_master_fd(void)
{
	return orphan_master;
}

/* ---- connections ---- */

static int connect_service(criu_opts *o)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0 && o->address && strlen(o->address) < sizeof(name.sun_path)) {
		strcpy(name.sun_path, o->address);
		if (!connect(fd, (struct sockaddr *)&name, sizeof(name)))
			return fd;
	}
	close(fd);
	return -ECONNREFUSED;
}

/* The child: tells its pid and becomes the worker. One that is to dump its parent is no relative of it. */
static void become_worker(criu_opts *o, int fd, bool stranger)
{
	const char *binary = o->binary ? o->binary : "criu";
	char number[16], *p = number + sizeof(number) - 1;
	int pid;

	if (stranger && daemon(0, 1))
		_exit(1);
	pid = getpid();
	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	*p = 0;
	for (int n = fd; n > 0 || !*p; n /= 10)
		*--p = (char)('0' + n % 10);
	execlp(binary, binary, "swrk", p, (char *)NULL);
	_exit(127);
}

static int start_worker(criu_opts *o, bool stranger)
{
	int ends[2], pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		return -ECONNREFUSED;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_worker(o, ends[1], stranger);
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &o->swrk_pid, sizeof(o->swrk_pid)) != sizeof(o->swrk_pid)) {
		if (pid > 0)
			waitpid(pid, NULL, 0);
		close(ends[0]);
		return -ECONNREFUSED;
	}
	/* its first half has ended */
	if (stranger)
		waitpid(pid, NULL, 0);
	return ends[0];
}

static int open_connection(criu_opts *o, bool stranger)
{
	o->swrk_pid = 0;
	if (o->comm == CRIU_COMM_SK)
		return connect_service(o);
	if (o->comm == CRIU_COMM_FD)
		return o->fd >= 0 ? o->fd : -ECONNREFUSED;
	return start_worker(o, stranger);
}

static void close_connection(criu_opts *o, int fd)
{
	int kept = errno;

	if (o->comm != CRIU_COMM_FD)
		close(fd);
	if (o->swrk_pid > 0)
		waitpid(o->swrk_pid, NULL, 0);
	o->swrk_pid = 0;
	errno = kept;
}

static int send_packet(int fd, struct buffer *b)
{
	int result = b->failed ? -ENOMEM : 0;

	if (!result && send(fd, b->bytes, b->size, MSG_NOSIGNAL) != (ssize_t)b->size)
		result = -ECOMM;
	free(b->bytes);
	return result;
}

static int receive_reply(int fd, struct reply *r)
{
	static uint8_t bytes[64 * 1024];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cursor c;
	ssize_t size;

	do
		size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return -ECOMM;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(&orphan_master, CMSG_DATA(c), sizeof(int));
	c = (struct cursor){ bytes, bytes + size, 0 };
	memset(r, 0, sizeof(*r));
	parse(r, &c, REPLY);
	return c.bad ? -EBADMSG : 0;
}

/* Receives until the answer comes; what the other side tells meanwhile goes to the callback. */
static int await_reply(criu_opts *o, int fd, struct reply *r)
{
	for (;;) {
		struct buffer answer = { 0 };
		struct criu_notify arg;
		int result = receive_reply(fd, r);

		if (result)
			return result;
		if (r->type != criu_req_type__NOTIFY)
			return 0;
		arg.pid = r->notify_pid;
		result = o->notify ? o->notify(r->script, &arg) : 0;
		put_number(&answer, criu_req__type, criu_req_type__NOTIFY);
		put_number(&answer, criu_req__notify_success, result == 0);
		result = send_packet(fd, &answer);
		if (result)
			return result;
	}
}

/* One request: its fields besides type and options are in `more`, which is used up. */
static int converse(criu_opts *o, int fd, int type, bool with_opts, struct buffer *more, struct reply *r)
{
	struct buffer request = { 0 };
	int result;

	put_number(&request, criu_req__type, type);
	if (with_opts)
		put_bytes(&request, criu_req__opts, o->opts.bytes, o->opts.size);
	if (more) {
		put(&request, more->bytes, more->size);
		free(more->bytes);
	}
	if (o->opts.failed)
		request.failed = 1;
	result = send_packet(fd, &request);
	if (!result)
		result = await_reply(o, fd, r);
	if (result)
		return result;
	if (r->type == criu_req_type__EMPTY && type != criu_req_type__EMPTY)
		return -EINVAL;
	if (r->type != (uint64_t)type)
		return -EBADMSG;
	if (r->success)
		return 0;
	errno = (int)r->cr_errno;
	return -EBADE;
}

static int ask(criu_opts *o, int type, bool with_opts, struct buffer *more, struct reply *r)
{
	bool stranger = type == criu_req_type__DUMP && !o->has_pid;
	int fd = open_connection(o, stranger), result;

	if (fd < 0) {
		if (more)
			free(more->bytes);
		return fd;
	}
	result = converse(o, fd, type, with_opts, more, r);
	/* a worker that is no child of ours is nobody to wait for */
	if (stranger)
		o->swrk_pid = 0;
	close_connection(o, fd);
	return result;
}

/* ---- actions ---- */

int criu_local_check(criu_opts *o)
{
	struct reply r;

	return ask(o, criu_req_type__CHECK, false, NULL, &r);
}

/* 1 in the process that was restored out of its own dump. */
int criu_local_dump(criu_opts *o)
{
	struct reply r;
	int result = ask(o, criu_req_type__DUMP, true, NULL, &r);

	return result ? result : r.restored ? 1 : 0;
}

int criu_local_pre_dump(criu_opts *o)
{
	struct reply r;

	return ask(o, criu_req_type__SINGLE_PRE_DUMP, true, NULL, &r);
}

int criu_local_dump_iters(criu_opts *o, int (*more)(criu_predump_info info))
{
	struct reply r;
	int result, fd;

	if (!more)
		return -EINVAL;
	fd = open_connection(o, false);
	if (fd < 0)
		return fd;
	for (;;) {
		int next = more(NULL);

		if (next < 0) {
			result = next;
			break;
		}
		result = converse(o, fd, next > 0 ? criu_req_type__PRE_DUMP : criu_req_type__DUMP, true, NULL, &r);
		if (result || next == 0)
			break;
	}
	close_connection(o, fd);
	return result;
}

int criu_local_restore(criu_opts *o)
{
	struct reply r;
	int result = ask(o, criu_req_type__RESTORE, true, NULL, &r);

	return result ? result : (int)r.pid;
}

/* The restored process becomes a child of ours: only a worker of our own can do that. */
int criu_local_restore_child(criu_opts *o)
{
	enum criu_service_comm comm = o->comm;
	int result;

	o->comm = CRIU_COMM_BIN;
	put_number(&o->opts, criu_opts__rst_sibling, 1);
	result = criu_local_restore(o);
	put_number(&o->opts, criu_opts__rst_sibling, 0);
	o->comm = comm;
	return result;
}

int criu_local_get_version(criu_opts *o)
{
	struct reply r;
	int result = ask(o, criu_req_type__VERSION, false, NULL, &r);

	if (result)
		return result;
	/* a build from git counts as the release to come */
	return (int)(r.major * 10000 + (r.minor + r.has_gitid) * 100 + (r.has_gitid ? 0 : r.sublevel));
}

int criu_local_check_version(criu_opts *o, int minimum)
{
	int version = criu_local_get_version(o);

	return version < 0 ? version : version >= minimum;
}

int criu_local_feature_check(criu_opts *o, struct criu_feature_check *features, size_t size)
{
	struct criu_feature_check wanted = { 0 };
	struct buffer more = { 0 }, inner = { 0 };
	struct reply r;
	int result;

	if (size > sizeof(wanted))
		return -EINVAL;
	memcpy(&wanted, features, size);
	put_number(&inner, criu_features__mem_track, wanted.mem_track);
	put_number(&inner, criu_features__lazy_pages, wanted.lazy_pages);
	put_number(&inner, criu_features__pidfd_store, wanted.pidfd_store);
	result = put_message(&more, criu_req__features, &inner);
	if (!result)
		result = ask(o, criu_req_type__FEATURE_CHECK, false, &more, &r);
	if (!result)
		memcpy(features, &r.features, size);
	return result;
}

GLOBAL(int, check, (void), (global))
GLOBAL(int, dump, (void), (global))
GLOBAL(int, pre_dump, (void), (global))
GLOBAL(int, dump_iters, (int (*more)(criu_predump_info)), (global, more))
GLOBAL(int, restore, (void), (global))
GLOBAL(int, restore_child, (void), (global))
GLOBAL(int, get_version, (void), (global))
GLOBAL(int, check_version, (int minimum), (global, minimum))
GLOBAL(int, feature_check, (struct criu_feature_check *features, size_t size), (global, features, size))
