"""Processes that start in a hundredth of a second: forks of one that has imported the package and loaded its kernels.

A fresh interpreter needs two to three seconds of processor time until a replay reads its first row, and nearly all
tests of signals, pipes and terminals need a process, not a fresh one. So each worker of a test run keeps one
*template*, which imports, loads, and then only forks. A fork has its own memory, descriptors, environment and exit
code.

Linux only, because other systems forbid much of what a fork would do; there, and where a test needs the interpreter's
own start, processes are fresh.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMMAND = "from tickstock_cli.cli.main import run; run()"
"""The program ``tickstock``."""

NUMBER = struct.Struct("=i")
MOST_BYTES = 1_000_000
"""Bound of a request: arguments and environment."""
TEMPLATE_VARIABLE = "PREPARED_TEMPLATE"
"""In a fork that forks: the descriptor of the socket for its requests."""


def start_process(
    *arguments: str | Path, program: str = COMMAND, forks: bool = False, **how: Any
) -> subprocess.Popen[Any]:
    """Start Python with source code and arguments, as ``python -W error -c`` does, in a fork of the template.

    Parameters
    ----------
    forks
        Whether the process calls this function itself: it then shares the template.
    how
        As for ``subprocess.Popen``: ``cwd``, ``env``, ``stdin``, ``stdout``, ``stderr``, ``text``.
    """
    if sys.platform != "linux":
        command = [sys.executable, "-W", "error", "-c", program, *map(str, arguments)]
        return subprocess.Popen(command, **{**how, "env": with_root(how.get("env"))})
    return _Fork([program, *map(str, arguments)], forks, **how)


def run_prepared(*arguments: str | Path, program: str = COMMAND, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run Python with source code to its end, with no input, and return what it printed."""
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_process(*arguments, program=program, text=True, **{**pipes, **how}) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def with_root(environment: dict[str, str] | None) -> dict[str, str]:
    """Return an environment in which a fresh interpreter finds the package and the tests, behind what it names."""
    variables = dict(os.environ if environment is None else environment)
    named = [path for path in (variables.get("PYTHONPATH"), str(ROOT)) if path]
    return {**variables, "PYTHONPATH": os.pathsep.join(named)}


def without_pandas(folder: Path) -> dict[str, str]:
    """Return an environment in which a fresh interpreter finds no pandas, as where only tickstock is installed.

    pyarrow imports pandas if it is there, for nothing that tickstock needs.
    """
    (folder / "nothing" / "pandas").mkdir(parents=True)
    (folder / "nothing" / "pandas" / "__init__.py").write_text('raise ImportError("pandas is not installed")\n')
    return with_root({**os.environ, "PYTHONPATH": str(folder / "nothing")})


class _Fork(subprocess.Popen[Any]):
    """A fork of the template, with pipes, waiting and signals as of any other process.

    It replaces three private methods of the base class, the same ones in Python 3.11 to 3.14: how a process starts,
    and how its end is asked for and waited for, because its parent is the template.
    """

    def __init__(self, arguments: list[str], forks: bool, **how: Any) -> None:
        self._forks = forks
        super().__init__(arguments, **how)

    def _execute_child(self, args: Any, *given: Any) -> None:
        cwd, env, pipes = given[4], given[5], given[9:15]
        child = (pipes[0], pipes[3], pipes[5])  # its ends of the pipes; -1 where it has the stream of this process
        self._ended, ended = os.pipe()
        request = {
            "arguments": args,
            "folder": str(cwd or os.getcwd()),
            "environment": dict(os.environ if env is None else env),
        }
        files = [number if number != -1 else place for place, number in enumerate(child)]
        template = _template()
        shared = [template.fileno()] if self._forks else []
        socket.send_fds(template, [json.dumps(request).encode()], [*files, ended, *shared])
        os.close(ended)
        self.pid = self._number()
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]  # closes the child's ends here

    def _internal_poll(self, _deadstate: int | None = None) -> int | None:
        return self._look(0)

    def _wait(self, timeout: float | None) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _look(self, timeout: float | None) -> int | None:
        with self._waitpid_lock:  # type: ignore[attr-defined]  # the base class's, for threads that wait
            if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
                self.returncode = self._number()
                os.close(self._ended)
        return self.returncode

    def _number(self) -> int:
        told = os.read(self._ended, NUMBER.size)
        if not told:
            raise RuntimeError("the template of prepared processes has ended: a test or a user killed it")
        return int(NUMBER.unpack(told)[0])


@cache
def _template() -> socket.socket:
    """Return the socket for requests of this process's template, which ends with it; start the template."""
    if shared := os.environ.get(TEMPLATE_VARIABLE):
        return socket.socket(fileno=int(shared))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TICKSTOCK_", "PYTHONUN"))}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.cli.prepared", str(theirs.fileno())],
        cwd=ROOT,
        env={**environment, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,  # Ctrl-C on the terminal of the tests is not for it
    )
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # called first: its end ends the template
    return ours


def _prepare() -> None:
    """Import what commands import, and load the kernels, without starting the pools of threads that a fork would lack.

    Threads that the imports themselves start are those of jemalloc, which starts them anew in a fork, and the one of
    polars that clears away files of streamed queries, which no command has.
    """
    from tickstock_cli import cli
    from tickstock_cli.build import settings_from
    from tickstock_cli.warmup import warm_up

    for module in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        importlib.import_module(module.name)
    for name in ("replaying", "broadcast", "sinks.csv", "sinks.jsonl", "sinks.parquet"):
        importlib.import_module(f"tickstock_cli.{name}")
    warm_up(settings_from({}))
    # A fork that ends would visit, and so copy, every object that it shares: a second of processor time. The end of a
    # run with several channels would undo this.
    gc.freeze()
    gc.unfreeze = lambda: None


def _serve(requests: socket.socket) -> str:
    """Fork for each request until the requests end; return in the fork, with the source code that it is to run."""
    running: dict[int, int] = {}
    woken, wake = socket.socketpair()
    with requests, woken, wake:
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([requests, woken], [], [])
            if woken in ready:
                woken.recv(4096)
                _tell_of_ended(running)
            if requests not in ready:
                continue
            message, files, _, _ = socket.recv_fds(requests, MOST_BYTES, 5)
            if not message:
                sys.exit()
            streams, ended, shared = files[:3], files[3], files[4:]
            pid = fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                break
            running[pid] = ended
            os.write(ended, NUMBER.pack(pid))
            for number in (*streams, *shared):
                os.close(number)
    for number in (*running.values(), ended):
        os.close(number)
    request = json.loads(message)
    for number in shared:
        request["environment"][TEMPLATE_VARIABLE] = str(number)
    return _become(request, streams)


def fork() -> int:
    """Fork this process, whose threads need not go on in the fork."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # see _prepare for the threads that Python 3.12 and later warn of
        return os.fork()


def _tell_of_ended(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        ended = running.pop(pid)
        with suppress(BrokenPipeError):  # nobody waits for it
            os.write(ended, NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(ended)


def _become(request: dict[str, Any], streams: list[int]) -> str:
    """Take over arguments, folder, environment and standard streams, and return the source code to run."""
    for place, number in enumerate(streams):
        os.dup2(number, place)
        os.close(number)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]  # a TextIOWrapper at the start
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:0] = [path for path in request["environment"].get("PYTHONPATH", "").split(os.pathsep) if path]
    program, *arguments = request["arguments"]
    sys.argv = ["-c", *arguments]
    return str(program)


def _run(program: str) -> None:
    """Run source code and end the process as an interpreter ends, except that no module is cleared away.

    Modules are those of the template: to clear them copies most of its memory, which takes 0.2 s of processor time.
    """
    code: str | int | None = 0
    try:
        exec(program, {"__name__": "__main__"})
    except SystemExit as ended:
        code = ended.code
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # warns of what was not closed
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # the interpreter reports it
    if isinstance(code, str):
        sys.exit(code)
    os._exit(code or 0)


if __name__ == "__main__":
    _prepare()
    _run(_serve(socket.socket(fileno=int(sys.argv[1]))))
