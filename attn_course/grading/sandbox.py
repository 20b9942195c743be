"""Runs a submission's code where it reaches nothing: bubblewrap, limits, filtered system calls.

Inside there are NumPy (and torch), the standard library and the worker, all read-only; 64 MB of
`/tmp`; no network, no other process, no file of the course, and nothing of this package. When the
grader is root the code runs as a user of its own without rights, otherwise in a user namespace.

It holds against careless and against ordinarily malicious code. It shares the kernel with the
grader: for an exam that matters, grade in a virtual machine.
"""

import errno
import functools
import json
import os
import platform
import shutil
import site
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from attn_course.exercises.submission import THREADS, WORKER, Launch

MB = 2**20
TEMPORARY = 64 * MB
USERS = 1_900_000_000  # users that nobody is: where the grader is root, from here on
SLOTS = 64  # of them for each process that grades
NOBODY = 65534
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
# Where memory runs out, what runs in the sandbox is the first to go.
FIRST = ("sh", "-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$0" "$@"')
PROCESSES = {"numpy": 8, "torch": 24}  # and threads
OLD = 4096  # on kernels that count all processes of the user who grades
LIMITS = {
    "numpy": {"AS": 1024 * MB},
    # torch with CUDA maps many GB of its libraries, so that what is limited is what it writes to.
    "torch": {"DATA": 3072 * MB, "AS": 24576 * MB},
}
COMMON = {"CPU": 600, "FSIZE": 32 * MB, "NOFILE": 64, "CORE": 0, "MEMLOCK": 0, "MSGQUEUE": 0}
UNPROTECTED = "or, with --unsafe, run the submissions unprotected, with all your rights"


def available() -> str:
    """Empty if the sandbox works here, else a sentence on what is missing and what to do."""
    if sys.platform != "linux":
        return (
            "Submissions are run in a sandbox that needs Linux: grade in a container or a virtual "
            f"machine, {UNPROTECTED}."
        )
    if shutil.which("bwrap") is None:
        return (
            "Submissions are run in a sandbox that needs bubblewrap, which is not installed: "
            "`apt-get install bubblewrap` (or the same with dnf, pacman, zypper), "
            f"{UNPROTECTED}."
        )
    try:
        tried = subprocess.run(
            command(["numpy"], "numpy", 0),
            input=b"",
            capture_output=True,
            timeout=120,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The sandbox could not be started ({error}): grade elsewhere, {UNPROTECTED}."
    if tried.returncode == 0:
        return ""
    lines = tried.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return (
        f"The sandbox could not be set up ({lines[-1]}): use bubblewrap 0.8 or newer; where user "
        "namespaces are switched off, allow them or grade as root; in a container, let it make "
        f"namespaces (--privileged) or use a virtual machine; {UNPROTECTED}."
    )


def launcher(needs: str = "numpy", slot: int = 0) -> Launch:
    """Starts workers in the sandbox.

    Each `slot` is a user of its own where the grader is root, so that what one submission uses up
    (it may have a few processes, no more) does not want in another that runs at the same time.
    """

    def launch(arguments: list[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command(arguments, needs, slot),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(),
        )

    return launch


def command(arguments: list[str], needs: str, slot: int) -> list[str]:
    """The command that runs a worker in the sandbox."""
    root = os.geteuid() == 0
    options = {
        "uid": USERS + os.getpid() * SLOTS + slot % SLOTS if root else None,
        "limits": COMMON
        | LIMITS[needs]
        | {"NPROC": PROCESSES[needs] if root or _counts() else OLD},
        "paths": _packages(),
        "filter": system_calls(platform.machine()).hex(),
    }
    return [*FIRST, *_walls(root), "--", *_python(), *arguments, json.dumps(options)]


def _environment() -> dict[str, str]:
    """What bwrap's own process has: it can be looked into from inside."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def _python() -> list[str]:
    # Without `site`, which would run .pth files; with the environment, which is ours.
    return [_interpreter(), "-s", "-S", "-P", "-B", f"/worker/{WORKER.name}"]


@functools.cache
def _walls(root: bool) -> tuple[str, ...]:
    """bwrap and its options, as root or as another user.

    There is no /proc: it shows, and where the users are the same even opens, bwrap's own process,
    to which neither the clean environment nor the filter applies.
    """
    words = "bwrap --die-with-parent --new-session --cap-drop ALL --hostname grader --clearenv"
    words += " --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try"
    if root:  # no user namespace: the worker itself becomes a user without rights
        words += " --cap-add CAP_SETUID --cap-add CAP_SETGID"
    else:
        words += f" --unshare-user --uid {NOBODY} --gid {NOBODY}"
    made = words.split()
    for name, value in {
        **THREADS,
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp",
        "PATH": "/usr/bin",
        "PYTHONHASHSEED": "0",
    }.items():
        made += ["--setenv", name, value]
    # First, since a virtual environment may lie in /tmp.
    made += ["--perms", "1777", "--size", str(TEMPORARY), "--tmpfs", "/tmp"]
    parents = {str(one) for path in (*_visible(), "/dev/null") for one in Path(path).parents}
    for path in sorted(parents | {"/worker"}):
        made += ["--perms", "0755", "--dir", path]
    for path in _visible():
        made += ["--symlink", os.readlink(path), path] if os.path.islink(path) else []
        made += ["--ro-bind", path, path] if not os.path.islink(path) else []
    for path in _hidden():
        made += ["--tmpfs", path, "--remount-ro", path]
    for name in (WORKER.name, "wire.py", "checking.py"):
        made += ["--ro-bind", str(WORKER.with_name(name)), f"/worker/{name}"]
    for name in ("null", "zero", "full", "random", "urandom"):
        made += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    return (*made, "--remount-ro", "/", "--chdir", "/tmp")


def _interpreter() -> str:
    """The Python that a virtual environment is made of."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _packages() -> list[str]:
    """Folders of installed packages."""
    own = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [one for one in dict.fromkeys([*site.getsitepackages(), *own]) if os.path.isdir(one)]


def _visible() -> list[str]:
    """What of the machine is there to be read: the interpreter, system libraries, packages."""
    base = [f"{prefix}/lib" for prefix in (sys.base_prefix, sys.base_exec_prefix)]
    found = [*SYSTEM, *base, sysconfig.get_path("stdlib"), *_packages(), _interpreter()]
    return [one for one in dict.fromkeys(found) if os.path.exists(one)]


def _hidden() -> Iterator[str]:
    """This package, wherever it is installed within what is there to be read."""
    roots = {*_packages(), sysconfig.get_path("purelib", vars={"base": sys.base_prefix})}
    for root in _visible():
        roots |= {str(one) for one in Path(root).glob("python3*/*-packages")}
    for folder in sorted(roots):
        if os.path.isdir(os.path.join(folder, "attn_course")):
            yield os.path.join(folder, "attn_course")


def _counts() -> bool:
    """Whether the kernel counts the processes of a user namespace by themselves."""
    release = platform.release().split(".")
    return tuple(int(one) for one in release[:2] if one.isdigit()) >= (5, 14)


# System calls that are of no use to an exercise: number on x86-64, on 64-bit ARM. They start other
# programs (in which what is forbidden would not be), make namespaces, look into other processes,
# are where holes in kernels were found, or get memory that no limit counts.
REFUSED = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "execve": (59, 221),
    "execveat": (322, 281),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, kernel's name
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # the filter's instructions
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
NAMESPACES = 0x7E020000  # the flags of clone that make one


def system_calls(machine: str) -> bytes:
    """The filter of system calls as the kernel wants it; empty for a machine that it lacks."""
    if machine not in MACHINES:
        return b""
    column, name = MACHINES[machine]
    refuse, unknown = ERROR | errno.EPERM, ERROR | errno.ENOSYS
    lines = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, name), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    lines += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, refuse)]  # the other ABI of x86-64
    for numbers in REFUSED.values():
        lines += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, refuse)]
    lines += [(EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, unknown)]  # the C library has another
    lines += [(EQUAL, 0, 4, CLONE[column]), (LOAD, 0, 0, 16), (ANY_BIT, 0, 1, NAMESPACES)]
    lines += [(RETURN, 0, 0, refuse), (RETURN, 0, 0, ALLOW)]
    lines += [(EQUAL, 0, 4, SOCKET[column]), (LOAD, 0, 0, 16), (EQUAL, 1, 0, socket.AF_UNIX)]
    lines += [(RETURN, 0, 0, refuse), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
