"""Sessions as sshd has them: for each TCP connection a process, and a terminal with a program in it.

    python3 sessions.py COMMAND...
"""
import ctypes
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import sys
import termios

PR_SET_CHILD_SUBREAPER = 36


def relay(connection, words):
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execvp(words[0], words)
    others = {connection.fileno(): master, master: connection.fileno()}
    while True:
        for ready in select.select(list(others), [], [])[0]:
            try:
                data = os.read(ready, 65536)
            except OSError:
                data = b""
            if not data:
                return
            while data:
                data = data[os.write(others[ready], data):]


def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main(words):
    # what makes itself a daemon stays in the tree
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, reap)
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"port {listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            relay(connection, words)
            os._exit(0)
        connection.close()


main(sys.argv[1:])
