"""Submissions run apart: what their code can do to the grader, and what it finds where it runs."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from attn_course.exercises import checking, submission
from attn_course.exercises.checking import OutOfTimeError, StudentError, check, run
from attn_course.exercises.submission import (
    LaunchError,
    NotebookError,
    Submission,
    plain,
    read_notebook,
)
from attn_course.grading import sandbox

ROOT = Path(__file__).parents[1]
HONEST = "import numpy as np\ndef double(x):\n    return 2 * np.asarray(x)\n"
boxed = pytest.mark.requires("bwrap")


def started(*cells, launch=None, needs="numpy", **options):
    """A submission in the sandbox, impatient."""
    options = {"call_seconds": 3.0, "start_seconds": 6.0, **options}
    return Submission([*cells], needs, launch or sandbox.launcher(needs), **options)


def outcome(code, *args, launch=None, **options):
    """What `attack(*args)` gives, and what the grader finds of an honest function after it."""
    with started(HONEST, "import os, sys, time, signal\n" + code, launch=launch, **options) as one:
        try:
            result = one.answer.attack(*args)
        except StudentError as error:
            result = error
        np.testing.assert_array_equal(one.answer.double(np.arange(3.0)), [0, 2, 4])
        return result


# --- the code of the cells -----------------------------------------------------------------------


def test_cells_run_in_one_namespace_and_calls_reach_it():
    with started("import numpy as np\nk = 3", "def f(x):\n    return k * x", launch=plain) as one:
        np.testing.assert_array_equal(one.answer.f(np.ones(2)), [3, 3])
        assert one.stops == []


STOPPING = [  # cell, kind of the error, line
    ("def broken(:\n    pass", "SyntaxError", 1),
    ("x = 1\n1 / 0", "ZeroDivisionError", 2),
    ("raise SystemExit", "SystemExit", 1),
    ("raise KeyboardInterrupt", "KeyboardInterrupt", 1),
    ("input()", "EOFError", 1),
    ("\0", "SyntaxError", None),
    ("x = " + "(" * 500 + ")" * 500, "SyntaxError", 1),
    ("class E(Exception):\n    __str__ = None\nraise E", "E", 3),
    ("raise type('not a name', (Exception,), {})", "Exception", 1),
    ("return 1", "SyntaxError", 1),
    ("import nowhere", "ModuleNotFoundError", 1),
]


def test_a_cell_that_stops_does_not_cost_the_others():
    with started(*(cell for cell, _, _ in STOPPING), HONEST, launch=plain) as one:
        found = [(number, kind, line) for number, kind, _, line in one.stops]
        assert found == [(i, kind, line) for i, (_, kind, line) in enumerate(STOPPING)]
        assert one.answer.double(2) == 4


UNDERSTOOD = [
    "%matplotlib inline\n!pip install something\nx = !ls\n?print\nprint?\n{}",
    "if True:\n    %time y = 1\n{}",
    "%%time\n{}",
    "from __future__ import annotations\ndef g(x: Nowhere): ...\n{}",
    "import asyncio\nawait asyncio.sleep(0)\n{}",
    "display(3)\nget_ipython().run_line_magic('load_ext', 'x')\n{}",
    "import nowhere\nimport attn_course.gaussian.reference as reference\n{}",
    "wrong = 'twenty %s' \\\n    % 3\n{}",
]


def test_what_honest_notebooks_hold_is_understood():
    cells = [cell.format(f"def f{i}(x): return 2 * x\n") for i, cell in enumerate(UNDERSTOOD)]
    with started(*cells, launch=plain) as one:
        assert [kind for _, kind, *_ in one.stops] == ["ModuleNotFoundError"]
        assert [getattr(one.answer, f"f{i}")(2) for i in range(len(cells))] == [4] * len(cells)


def test_cells_in_another_language_are_left_out():
    with started("%%bash\nrm -r everything", HONEST, launch=plain) as one:
        assert one.stops == []


def test_a_skipped_statement_costs_nothing_but_what_hangs_on_it():
    cell = """
from attn_course.exercises import check
from attn_course.gaussian import reference
import attn_course._typing
from attn_course._typing import Array, Float
check("gaussian/waste")
expected = reference.filterbank(1, 2, 3)
print(expected.shape, expected + 1)
for row in expected:
    print(row)
@reference.decorated
def decorated(): return 1
class Mine(reference.Theirs): ...
with reference.context(): ...
def f(x: Float[Array, "n"] | None): return 2 * x
def g(x): return reference.filterbank(x)
def h(x): return x * expected
"""
    with started(cell, launch=plain) as one:
        assert one.stops == []
        assert one.answer.f(4) == 8
        for name in ("g", "h", "decorated"):
            with pytest.raises(StudentError) as error:
                getattr(one.answer, name)(*([1] if name != "decorated" else []))
            assert error.value.kind == "Masked"


@pytest.mark.parametrize("launch", [plain, pytest.param(None, marks=boxed)])
def test_nothing_of_the_package_can_be_used(launch):
    code = """
def attack():
    import importlib, attn_course
    name, used = "attn_course.gaussian.reference", []
    for module in [attn_course.gaussian.reference, importlib.import_module(name)]:
        try:
            used.append(module.filterbank(1, 2, 3))
        except Exception as error:
            used.append(type(error).__name__)
    sys.meta_path[:] = [one for one in sys.meta_path if type(one).__name__ != "Mask"]
    for name in [one for one in sys.modules if one.startswith("attn_course")]:
        del sys.modules[name]
    try:
        import attn_course.gaussian.reference
        used.append("found")
    except ImportError:
        used.append("gone")
    return used
"""
    used = outcome(code, launch=launch)
    assert used[:2] == ["Masked", "Masked"]
    assert launch is plain or used[2] == "gone"


def test_numpy_exercises_have_no_torch():
    with started("import torch\nfrom torch import nn\n" + HONEST, launch=plain) as one:
        assert one.stops == []
        assert one.answer.double(np.ones(1)) == [2]


def test_an_override_outlives_a_restart():
    with started("def f(): return 1\ndef loop():\n    while True: ...", launch=plain) as one:
        one.override("def f(): return 2")
        assert one.answer.f() == 2
        with pytest.raises(StudentError):
            started_over(one)
        assert one.answer.f() == 2


def started_over(one):
    one._call_seconds, patience = 0.3, one._call_seconds
    try:
        one.answer.loop()
    finally:
        one._call_seconds = patience


# --- cells and calls that do not come to an end --------------------------------------------------


def test_an_endless_cell_costs_its_time_and_nothing_else():
    begun = time.monotonic()
    with started("while True: pass", HONEST, launch=plain, start_seconds=1) as one:
        assert [(number, kind) for number, kind, *_ in one.stops] == [(0, "OutOfTime")]
        assert one.answer.double(1) == 2
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "cell",
    [
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass",
        "sum(range(10**15))",
    ],
)
def test_a_cell_that_cannot_be_stopped_is_left_out(cell, monkeypatch):
    monkeypatch.setattr(submission, "GRACE", 0.5)
    with started(HONEST, cell, "k = 1", launch=plain, start_seconds=0.6) as one:
        assert [(number, kind) for number, kind, *_ in one.stops] == [(1, "OutOfTime")]
        assert one.answer.double(1) == 2


def test_a_cell_that_ends_the_process_is_left_out():
    with started("import os\nos._exit(0)", HONEST, "os.kill(os.getpid(), 9)", launch=plain) as one:
        kinds = [(number, kind) for number, kind, *_ in one.stops]
        assert kinds == [(0, "Ended"), (2, "NameError")]
        assert one.answer.double(1) == 2


def test_not_every_cell_may_end_the_process():
    with started(*["import os; os._exit(0)"] * 9, HONEST, launch=plain) as one:
        for _ in range(3):
            with pytest.raises(StudentError, match="Ended"):
                one.answer.double(1)


def test_two_time_outs_and_the_checks_stop():
    def patient(answer, rng):
        """It comes to an end."""
        answer.loop()

    marked = check()(patient).check
    with started("def loop():\n    while True: pass", launch=plain, call_seconds=0.3) as one:
        outcomes = run([marked] * 5, one.answer, [0])
    assert ["in time" in each.message for each in outcomes] == [True, True, False, False, False]


def test_all_calls_together_have_an_end():
    cell = HONEST + "import time\ndef slow(): return time.sleep(0.3) or 1"
    with started(cell, launch=plain, total_seconds=0.5) as one:
        one.answer.slow()
        one.answer.slow()
        with pytest.raises(OutOfTimeError):
            one.answer.double(1)


def test_the_worker_is_started_so_many_times_and_no_more(monkeypatch):
    monkeypatch.setattr(submission, "STARTS", 2)
    with started("import os\ndef end(): os._exit(0)\n" + HONEST, launch=plain) as one:
        for _ in range(2):
            with pytest.raises(StudentError):
                one.answer.end()
        with pytest.raises(StudentError, match="too often"):
            one.answer.double(1)


def test_a_worker_that_does_not_start_is_no_wrong_answer():
    def nothing(arguments):
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", ""], stdin=pipe, stdout=pipe, bufsize=0)

    with pytest.raises(LaunchError, match="did not come up"), started(HONEST, launch=nothing):
        pass

    def absent(arguments):
        raise FileNotFoundError("bwrap")

    with pytest.raises(LaunchError, match="bwrap"), started(HONEST, launch=absent):
        pass
    # In the middle of the checks, where a check takes every exception for a wrong answer.
    plans = [plain, nothing]
    one = started("import os\ndef end(): os._exit(0)", launch=lambda a: plans.pop(0)(a))
    one.__enter__()
    for _ in range(2):
        with pytest.raises((StudentError, LaunchError)):
            one.answer.end()
    with pytest.raises(LaunchError):
        one.__exit__(None, None, None)


# --- what the code finds where it runs -----------------------------------------------------------

LOOK = """
import ctypes, socket
def attack():
    libc = ctypes.CDLL(None)
    header, rights = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, rights) == 0
    top = ["/", *("/" + one for one in os.listdir("/")), *sys.path[1:]]
    top = [one for one in top if os.path.isdir(one)]
    def there(number, probe):
        try:
            return probe(number, 0) is None or True
        except ProcessLookupError:
            return False
        except OSError as error:
            return error.errno == 1
    def descriptor(number):
        try:
            return bool(os.fstat(number))
        except OSError:
            return False
    return {
        "users": os.getresuid() + os.getresgid(),
        "groups": os.getgroups(),
        "rights": list(rights),
        "filtered": [libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0)],
        "writeable": [one for one in top if not os.statvfs(one).f_flag & os.ST_RDONLY],
        "installed": [one for one in sys.path if os.path.exists(os.path.join(one, "attn_course"))],
        "processes": [number for number in range(1, 500) if there(number, os.kill)],
        "devices": sorted(os.listdir("/dev")),
        "environment": sorted(os.environ),
        "descriptors": [number for number in range(64) if descriptor(number)],
        "folder": os.listdir(os.getcwd()),
        "worker": sorted(os.listdir("/worker")),
        "modules": [one for one in sys.modules if one.startswith("attn_course")],
        "places": [one for one in CHECKED if os.path.exists(one)],
    }
"""
PLACES = [str(ROOT / name) for name in ("attn_course", "tests", ".git")] + [
    "/etc/passwd",
    "/bin/sh",
]


def seen(found):
    """Assert that `found` is what the code should find."""
    users = set(found["users"])
    assert len(users) == 1
    assert users.isdisjoint({0, os.getuid()} - {sandbox.NOBODY})
    assert set(found["groups"]) <= {sandbox.NOBODY}
    assert set(found["rights"]) == {0}
    assert found["filtered"] == [1, 2]  # no new privileges; a filter of system calls
    assert found["writeable"] == ["/tmp"]
    assert found["installed"] == []
    assert found["processes"] == [1, 2]  # bwrap's own and this one
    assert found["devices"] == ["full", "null", "random", "urandom", "zero"]
    assert len(found["environment"]) == 11
    assert "ATTN_SECRET" not in found["environment"]
    assert found["descriptors"] == [0, 1, 2, 3, 4]  # these two are the worker's
    assert found["folder"] == []
    assert found["worker"] == ["checking.py", "wire.py", "worker.py"]
    assert found["modules"] == []
    assert found["places"] == []


@boxed
def test_the_sandbox_is_available():
    assert sandbox.available() == ""


@boxed
def test_the_code_finds_next_to_nothing(monkeypatch):
    monkeypatch.setenv("ATTN_SECRET", "1")
    seen(outcome(f"CHECKED = {PLACES}\n" + LOOK))


@boxed
def test_slots_are_different_users():
    if os.getuid() != 0:
        code = "def attack(): return os.getuid()"
        assert outcome(code) == sandbox.NOBODY
        return
    code = "def attack(): return os.getuid()"
    found = {outcome(code, launch=sandbox.launcher("numpy", slot)) for slot in (0, 1)}
    assert max(found) - min(found) == 1
    assert min(found) >= sandbox.USERS


ORDINARY = """
import sys
sys.path[:0] = {path!r}
import test_sandbox
from attn_course.grading import sandbox
assert sandbox.available() == "", sandbox.available()
test_sandbox.seen(test_sandbox.outcome(f"CHECKED = {{test_sandbox.PLACES}}\\n" + test_sandbox.LOOK))
assert test_sandbox.forked() < 64
test_sandbox.refused()
print("seen")
"""


@boxed
@pytest.mark.requires("setpriv")
def test_a_grader_who_is_not_root_gets_the_same():
    if os.getuid() != 0:
        return  # then the other tests have shown it
    # The interpreter may lie in root's home, which nobody else may enter: lay it bare.
    base = sys.base_prefix
    parents = [str(one) for one in Path(base).parents if str(one) != "/"]
    words = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    if parents and base.startswith("/root/"):
        words += ["--tmpfs", "/root", "--ro-bind", base, base]
        words += [word for one in parents for word in ("--chmod", "0755", one)]
    user = "setpriv --reuid 12345 --regid 12345 --clear-groups env HOME=/tmp"
    words += ["--", *user.split(" ")]
    script = ORDINARY.format(path=[str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [*words, sys.executable, "-B", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "seen\n", done.stderr


REFUSED = [
    "socket.socket(socket.AF_INET)",
    "socket.socket(socket.AF_INET6)",
    "socket.socket(getattr(socket, 'AF_VSOCK', 40))",
    "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "os.memfd_create('x')",
    "libc('unshare', 0x10000000)",
    "libc('unshare', 0x00020000)",
    "libc('ptrace', 0, 0, 0, 0)",
    "libc('mount', b'x', b'/tmp', b'tmpfs', 0, None)",
    "libc('shmget', 0, 2**24, 0o1777)",
    "libc('setuid', 0)",
    "libc('chroot', b'/tmp')",
    "os.listdir('/proc')",
    "libc('pidfd_getfd', libc('pidfd_open', 1, 0), 0, 0)",
    "open('/proc/1/mem', 'rb')",
    "open('/worker/worker.py', 'w')",
    "os.mkdir('/dev/shm')",
    "os.mkfifo('/fifo')",
    "os.setpriority(os.PRIO_PROCESS, 0, -5)",
    "subprocess.run(['/bin/sh', '-c', 'true'])",
    "subprocess.run([sys.executable, '-c', 'import torch'])",
    "os.execv(sys.executable, ['python'])",
]


def refused():
    """Assert that the system calls and files that lead out are refused."""
    code = """
import ctypes, os, resource, socket, subprocess, sys
def libc(name, *args):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), name)
"""
    code += "".join(f"def f{i}(): {call}\n" for i, call in enumerate(REFUSED))
    with started(code) as one:
        for i, call in enumerate(REFUSED):
            with pytest.raises(StudentError) as error:
                getattr(one.answer, f"f{i}")()
            assert error.value.kind in ("PermissionError", "OSError", "FileNotFoundError"), call


@boxed
def test_the_system_refuses():
    refused()


@boxed
def test_an_installed_package_is_hidden(monkeypatch, tmp_path):
    (tmp_path / "attn_course").mkdir()
    (tmp_path / "attn_course" / "secret.py").write_text("SECRET = 1")
    (tmp_path / "other.py").write_text("")
    packages = [*sandbox._packages(), str(tmp_path)]
    monkeypatch.setattr(sandbox, "_packages", lambda: packages)
    sandbox._walls.cache_clear()
    tmp_path.chmod(0o755)
    code = (
        "def attack(): return [os.listdir(sys.path[-1] + '/' + one) for one in ('', 'attn_course')]"
    )
    try:
        inside, hidden = outcome(code)
    finally:
        sandbox._walls.cache_clear()
    assert sorted(inside) == ["attn_course", "other.py"]
    assert hidden == []


# --- attacks -------------------------------------------------------------------------------------


BREAKING = [  # a function, and the kind of error that its call gives
    ("def f(): return bytearray(2**31)", "MemoryError"),
    ("def f():\n    a = []\n    while True: a.append(bytes(2**20))", "MemoryError"),
    ("import mmap\ndef f(): mmap.mmap(-1, 2**31)[:]", "OSError"),
    ("def f(): return np.zeros(2 * 10**6)", "TypeError"),  # more than may be sent
    ("def f(): return np.array([object()])", "TypeError"),
    ("def f(): return object()", "TypeError"),
    ("def f(): return print", "TypeError"),
    ("def f(): sys.exit(0)", "SystemExit"),
    ("def f(): raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("def f():\n    def g(): return g()\n    return g()", "RecursionError"),
    ("def f(): os._exit(0)", "Ended"),
    ("def f(): os.kill(os.getpid(), 9)", "Ended"),
    ("def f(): os.closerange(0, 100); return 1", "Ended"),
    ("def f(): open('/tmp/x', 'wb').write(bytes(2**26))", "OSError"),
    (
        "def f(): [open(f'/tmp/{i}', 'wb').write(bytes(2**24)) for i in range(9)]",
        "OSError",
    ),
    ("def f(): [open('/dev/null') for i in range(99)]", "OSError"),
    ("def f(): open('/tmp/x', 'w'); return os.listdir('/tmp')", None),
    ("class E(Exception):\n    def __str__(self): os._exit(1)\ndef f(): raise E", "Ended"),
    ("def f(): os.abort()", "Ended"),
    ("def f():\n    import ctypes\n    ctypes.string_at(0)", "Ended"),
]


@boxed
def test_calls_that_break_off():
    code = "import os, sys\nimport numpy as np\n"
    code += "".join(f"{one}\nf{i} = f\n" for i, (one, _) in enumerate(BREAKING))
    with started(code, HONEST) as one:
        for i, (wrong, kind) in enumerate(BREAKING):
            try:
                result = getattr(one.answer, f"f{i}")()
            except StudentError as error:
                result = error
            assert (result.kind if isinstance(result, StudentError) else None) == kind, wrong
            assert one.answer.double(2) == 4


FORGE = """
def attack():
    for number in range(3, 20):
        try:
            os.write(number, {data})
        except OSError:
            pass
    return 3
"""


@boxed
@pytest.mark.parametrize(
    "data",
    [
        "bytes(range(256)) * 9",
        "b'\\xff\\xff\\xff\\xff'",  # 4 GB to come
        "message(b'[' * 200000 + b']' * 200000)",
        "message(b'[' * 900 + b']' * 900)",
        "message(b'[' + b'[],' * 2000000 + b'1]')",
        "message(b'{}')",
        "message(b'[1, 2, 3]')",
        "message(b'NaN')",
        "message(b'9' * 5000)",
        "message(b'\\xff')",
        """message(b'{"array": ["O", [1], "AAAAAAAAAAA="]}')""",
        """message(b'{"array": ["f8,(", [1], "AAAAAAAAAAA="]}')""",
        """message(b'{"array": ["f8", [-5], "AAAAAAAAAAA="]}')""",
        """message(b'{"array": ["f8", [1e9, 1e9], "AAAAAAAAAAA="]}')""",
        """message(b'{"array": ["a", "x", {}]}')""",
        """message(b'{"dict": [["error", 3]]}')""",
        """message(b'{"dict": [["error", [1, 2, 3, 4]]]}')""",
        """message(b'{"dict": [["error", ["Missing", "secret", 1]]]}')""",
        """message(b'{"dict": [["error", ["x' + b'y' * 9999 + b'", {"dict": []}, -1e400]]]}')""",
        """message(b'{"dict": [[[], 3]]}')""",
    ],
)
def test_a_forged_reply_gains_nothing(data):
    message = "def message(text): return len(text).to_bytes(4, 'big') + text\n"
    with started(message + FORGE.format(data=data), HONEST) as one:
        with pytest.raises(StudentError) as error:
            one.answer.attack()
        kind, text, line = error.value.args
        assert kind.isidentifier()
        assert len(kind) <= 60
        assert "secret" not in text
        assert line is None or type(line) is int


@boxed
@pytest.mark.parametrize(
    "text",
    [
        '["done"]',
        '["begun", [1]]',
        '["begun", {"dict": []}]',
        '["begun", 77]',
        '[{"array": ["<f8", [2], "AAAAAAAAAAAAAAAAAAAAAA=="]}]',
        '[{"array": ["<f8", [2], "AAAAAAAAAAAAAAAAAAAAAA=="]}, 3]',
        '["stop", 0, [], [], []]',
        '["stop", {"dict": []}, "x", "y", 1e400]',
        '["ready"]',
        '{"dict": [["value", 3]]}',
        "[]",
        "null",
    ],
)
def test_a_message_forged_by_a_cell_gains_nothing(text):
    code = f"""
import os
text = {text.encode()!r}
for number in range(3, 20):
    try:
        os.write(number, len(text).to_bytes(4, "big") + text)
    except OSError:
        pass
"""
    with started(HONEST, code, launch=plain) as one:
        for number, kind, said, line in one.stops:
            assert number in (-1, 0, 1)
            assert kind.isidentifier()
            assert type(said) is str
            assert line is None or type(line) is int
        try:
            got = one.answer.double(np.ones(2))
        except StudentError as error:
            got = error
        assert isinstance(got, StudentError | np.ndarray | list)


def test_cells_that_seem_to_begin_for_ever_come_to_an_end():
    code = """
import os, time
text = b'["begun", 0]'
while True:
    try:
        while True:
            for number in range(3, 20):
                try:
                    os.write(number, len(text).to_bytes(4, "big") + text)
                except OSError:
                    pass
            time.sleep(0.3)
    except BaseException:
        pass
"""
    begun = time.monotonic()
    with started(code, launch=plain, start_seconds=0.5) as one:
        assert one.stops[-1][:2] == (0, "OutOfTime")
    assert time.monotonic() - begun < 12


def test_a_function_that_is_missing_is_named_by_whoever_asked_for_it():
    with started(HONEST, launch=plain) as one:
        with pytest.raises(StudentError) as error:
            one.answer.absent(np.ones(3), "text", key=np.ones(2))
        assert (error.value.kind, error.value.text) == ("Missing", "absent")


@boxed
def test_the_encoder_can_be_patched_to_no_avail():
    code = """
import gc
def attack(x):
    for one in gc.get_objects():
        if isinstance(one, type(sys)) and one.__name__.endswith("wire"):
            one.encode = lambda value: b'{"dict": [["value", {"array": ["<f8", [1], "x"]}]]}'
    return x
"""
    with started(code) as one, pytest.raises(StudentError):
        one.answer.attack(1)


@boxed
def test_an_array_that_equals_everything_arrives_as_what_it_is():
    code = """
class Equal(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __array_function__(self, *args): return True
def attack(x): return np.zeros(3).view(Equal)
"""
    got = outcome(code, 1)
    assert type(got) is np.ndarray
    with pytest.raises(checking.Wrong):
        checking.close(got, np.ones(3))


@boxed
def test_arguments_are_the_submissions_own_copies():
    given = np.arange(3.0)
    code = """
def attack(x):
    x.setflags(write=True)
    x[:] = 9
    return x
"""
    outcome(code, given)
    np.testing.assert_array_equal(given, [0, 1, 2])


@boxed
def test_the_frames_above_hold_nothing_of_the_check():
    code = """
def attack(x):
    frame, found = sys._getframe(), []
    while frame:
        found += [name for name in frame.f_locals if name in ("want", "rng", "seed")]
        frame = frame.f_back
    return found
"""
    assert outcome(code, 1) == []


@boxed
@pytest.mark.parametrize(
    "code",
    [
        "def attack():\n    while True: print('x' * 10000)",
        "def attack():\n    while True: os.write(2, bytes(10000))",
        "def attack():\n    while True:\n        try: time.sleep(9)\n        except: pass",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\ndef attack(): time.sleep(99)",
        "def attack(): os.kill(os.getpid(), signal.SIGSTOP)",
    ],
)
def test_a_call_that_goes_on_is_cut_off(code):
    begun = time.monotonic()
    assert isinstance(outcome(code, call_seconds=0.5), OutOfTimeError)
    assert time.monotonic() - begun < 5


def test_a_cell_that_takes_the_pipe_is_left_out():
    code = "import os\nfor i in range(3, 20):\n    try: os.dup2(0, i)\n    except OSError: pass"
    with started(HONEST, code, launch=plain) as one:
        assert [(number, kind) for number, kind, *_ in one.stops] == [(1, "Ended")]
        assert one.answer.double(1) == 2


def test_large_arguments_to_one_who_does_not_listen():
    code = "import os, signal\ndef stop(x): os.kill(os.getpid(), signal.SIGSTOP)"
    with started(code, launch=plain, call_seconds=0.5) as one:
        for _ in range(2):
            with pytest.raises(OutOfTimeError):
                one.answer.stop(np.zeros(10**6))


FORK = """
def attack():
    made = 0
    try:
        for made in range(200):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
    except OSError:
        pass
    return made
"""


def forked():
    """How many processes a fork bomb gets."""
    with started("import os, time\n" + FORK) as one:
        return one.answer.attack()


@boxed
def test_a_fork_bomb_is_bounded_and_dies_with_its_sandbox():
    slots = [sandbox.launcher("numpy", slot) for slot in (5, 6)]
    with started(HONEST, "import os, time\n" + FORK, launch=slots[0]) as one:
        assert 0 < one.answer.attack() < sandbox.PROCESSES["numpy"]
        assert one.answer.double(1) == 2
        inside = one._process.pid
        with started(HONEST, launch=slots[1]) as other:
            assert other.answer.double(1) == 2
        assert len(descendants(inside)) > 2
        family = descendants(inside)
    for _ in range(50):
        if not any(Path(f"/proc/{one}").exists() for one in family):
            break
        time.sleep(0.1)
    assert not [one for one in family if Path(f"/proc/{one}").exists()]


def descendants(parent):
    """The processes that came from one, itself included."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [parent]
    for one in found:
        found += children.get(one, [])
    return found


@boxed
def test_threads_are_bounded():
    code = """
import threading
def attack():
    for made in range(200):
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            return made
"""
    assert 0 < outcome(code) < sandbox.PROCESSES["numpy"]


# --- torch ---------------------------------------------------------------------------------------


@boxed
def test_what_an_exercise_forbids_is_out_of_reach():
    pytest.importorskip("torch")
    names = {
        "a": "F.scaled_dot_product_attention(q, q, q)",
        "b": "torch.ops.aten.scaled_dot_product_attention(q, q, q)",
        "c": "torch._C._nn.scaled_dot_product_attention(q, q, q)",
        "d": "torch.ops.aten._scaled_dot_product_attention_math(q, q, q)[0]",
        "e": "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, q, q)[0]",
        "f": "torch.ops.aten.scaled_dot_product_attention.default.decompose(q, q, q)",
        "g": "nn.MultiheadAttention(4, 1).double()(q[0], q[0], q[0])[0]",
        "h": "torch.func.vmap(lambda x: torch.ops.aten.scaled_dot_product_attention(x, x, x))(q)",
        "i": "importlib.import_module('torch.nn.attention.flex_attention').flex_attention(q, q, q)",
        "j": "torch._decomp.decomposition_table[FLASH](q, q, q)[0]",
        "k": "torch.jit.script(scripted)(q)",
        "l": "fast(q)",
    }
    code = """
import importlib, torch
import torch.nn.functional as F
from torch import nn
FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
def scripted(q: torch.Tensor): return torch._C._nn.scaled_dot_product_attention(q, q, q)
def fast(q):
    with torch.inference_mode():
        return nn.TransformerEncoderLayer(4, 1).double().eval()(q[0])
def own(q): return torch.softmax(q @ q.mT, -1) @ q
"""
    code += "".join(f"def {name}(q): return {call}\n" for name, call in names.items())
    forbids = ["scaled_dot_product_attention"]
    query = np.random.default_rng(0).normal(size=(2, 1, 3, 4))
    options = {"needs": "torch", "forbids": forbids, "start_seconds": 20, "call_seconds": 20}
    with started(code, **options) as one:
        assert one.stops == []
        np.testing.assert_allclose(one.answer.own(query)[1, 0].shape, (3, 4))
        kinds = {}
        for name in names:
            with pytest.raises(StudentError) as error:
                getattr(one.answer, name)(query)
            kinds[name] = error.value.kind
        assert set(kinds.values()) <= {"Masked", "Error", "RuntimeError"}, kinds
        gradient = one.answer.gradient("own", np.ones((2, 1, 3, 4)), query)
        assert gradient[0].shape == query.shape


# --- where there is no sandbox -------------------------------------------------------------------


def test_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "apt-get install bubblewrap" in sandbox.available()
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    said = sandbox.available()
    assert "container or a virtual machine" in said
    assert "--unsafe" in said


@boxed
def test_it_says_so_where_namespaces_cannot_be_made(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "No permissions to create new namespace" in sandbox.available()


def test_an_unknown_machine_has_no_filter():
    assert sandbox.system_calls("riscv64") == b""
    assert len(sandbox.system_calls("x86_64")) == len(sandbox.system_calls("aarch64")) > 500


# --- notebooks -----------------------------------------------------------------------------------


def notebook(*cells, **metadata):
    """A notebook's bytes."""
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4}).encode()


def test_a_notebook_is_read():
    code = {
        "cell_type": "code",
        "id": "a",
        "source": ["x = 1\n", "y = 2"],
        "metadata": {"attn": {"exercise": "gaussian/waste", "part": "starter"}},
    }
    question = {
        "cell_type": "markdown",
        "source": "because",
        "metadata": {"nbgrader": {"grade_id": "gaussian-gradient-why"}},
    }
    own = {"attn": {"exercise": "gaussian/limits", "part": "question", "name": "why"}}
    third = {"cell_type": "markdown", "source": "so", "metadata": own}
    book = read_notebook(notebook(code, question, question, third))
    ((cell),) = book.cells
    assert (cell.source, cell.exercise, cell.part) == ("x = 1\ny = 2", "gaussian/waste", "starter")
    assert book.answers == {"gaussian-gradient-why": "because", "gaussian-limits-why": "so"}
    assert "twice" in book.notes[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a notebook"),
        (b"\xff\xfe\x00", "not a notebook"),
        (b"[" * 100_000, "not a notebook"),
        (b"[]", "no cells"),
        (b'{"cells": 3}', "no cells"),
        (b'{"worksheets": []}', "no cells"),
        (notebook(kernelspec={"language": "julia"}), "julia"),
        (notebook({"cell_type": "code", "source": "x" * 3_000_000}), "more than"),
        (notebook(*[{}] * 3000), "3000 cells"),
    ],
)
def test_a_file_that_is_no_notebook(data, says):
    with pytest.raises(NotebookError, match=says):
        read_notebook(data)


def test_a_notebook_of_odd_parts_is_read_as_far_as_it_goes():
    odd = [3, None, {}, {"cell_type": "code"}, {"cell_type": "code", "source": [1, "x = 1"]}]
    odd += [{"cell_type": "code", "source": 3, "metadata": {"attn": {"exercise": []}}, "id": {}}]
    assert [one.source for one in read_notebook(notebook(*odd)).cells] == ["", "x = 1", ""]
    assert "no code" in read_notebook(notebook()).notes[0]


def test_a_notebook_is_read_from_its_file(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(b"\xef\xbb\xbf" + notebook())
    assert read_notebook(tmp_path / "a.ipynb").cells == []
