"""Kernels for the chapters, forked from one process that has imported what they import: to start a kernel and to import
pandas in each was about two fifths of the work of running all chapters.

Each chapter has a process of its own all the same, in the state in which these imports leave it.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from threading import Lock

IMPORTS = ["ipykernel.kernelapp", "pandas", "matplotlib.pyplot", "folium", "scipy.stats"]


@contextmanager
def kernels():
    """The class of kernel managers with which chapters run; nothing of it stays running behind the block."""
    from jupyter_client import AsyncKernelManager

    if not hasattr(os, "fork"):  # Windows
        yield AsyncKernelManager
        return
    from jupyter_client.provisioning import LocalProvisioner

    command = [sys.executable, __file__]
    # The first stands in every kernel's environment and is read when matplotlib is imported; by the second a kernel
    # knows that it has a parent, and ends with it.
    environment = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline", "JPY_PARENT_PID": str(os.getpid())}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environment, start_new_session=True) as parent:
        one_at_a_time = Lock()

        class Provisioner(LocalProvisioner):
            async def launch_kernel(self, cmd, **kwargs):
                with one_at_a_time:
                    print(json.dumps([cmd, kwargs["cwd"], kwargs["env"]]), file=parent.stdin, flush=True)
                    self.process = Kernel(int(parent.stdout.readline()))
                self.pid = self.pgid = self.process.pid
                return self.connection_info

        class Manager(AsyncKernelManager):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.provisioner = Provisioner(kernel_spec=self.kernel_spec, parent=self)

        yield Manager


class Kernel:
    """What a provisioner asks of a ``Popen``, for a process that is not this one's child."""

    stdin = stdout = stderr = None

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0

    wait = poll  # asked only when the process has ended

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


def fork_on_demand():
    """Read command, folder and environment of one kernel from each line of the input; write its process number."""
    for module in IMPORTS:
        with suppress(ImportError):  # a chapter that needs it will say so
            importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a kernel ended
    for line in sys.stdin:
        if not (pid := os.fork()):
            become_kernel(*json.loads(line))
        print(pid, flush=True)


def become_kernel(command, folder, environment):
    import numpy
    import pandas
    from ipykernel import kernelapp

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command[2:]
    numpy.random.seed()  # no two chapters draw the same numbers
    pandas.options.display.max_columns = 20  # what pandas sets itself when it is imported in a kernel
    kernelapp.launch_new_instance()
    os._exit(0)


if __name__ == "__main__":
    del sys.path[0]  # this folder: no chapter looks for modules here
    fork_on_demand()
