# SPDX-License-Identifier: GPL-2.0-or-later
"""What the builds from Debian's sources have in common: the PMU machine's emulator, the kernels and their selftests."""

import contextlib
import fcntl
import os
import shutil
import subprocess

from labkit.packages import Unavailable, cache_dir

# What else could change the result is left out of a build's environment; /usr/bin first, so Debian's tools.
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
LOG_LINES = 25


class BuildFailure(Exception):
    """A series does not apply or does not compile; the message has the log's end and its path."""


@contextlib.contextmanager
def lock(name):
    """Holds a part of the cache. Not packages' lock: a build takes minutes, others want their kernel meanwhile."""
    with open(cache_dir() / f"{name}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def newest_complete(pattern):
    """The newest folder of the cache that matches and is complete, or None."""
    done = [marker.parent for marker in cache_dir().glob(f"{pattern}/.complete")]
    return max(done, key=lambda path: path.stat().st_mtime, default=None)


def provide(entry, lock_name, build):
    """The folder of the cache for an entry, NAME@*+KEY. `build` makes it when it is not there, one at a time."""
    found = newest_complete(entry)
    if found:
        return found
    with lock(lock_name):
        # Somebody else may have built it while this waited.
        if not newest_complete(entry):
            build()
        return newest_complete(entry)


@contextlib.contextmanager
def work_folder(name):
    """An empty folder of the cache for a build. It goes when that is done; after one that failed it stays, to be looked at."""
    work = cache_dir() / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    yield work
    shutil.rmtree(work)


@contextlib.contextmanager
def building(target, name, what, environment=None):
    """Makes a folder of the cache whole or not at all. Yields the folder to work in, the one for the results, and the log, which will be
    one of them."""
    with work_folder(name) as work:
        staged = work / "staged"
        staged.mkdir()
        with contextlib.closing(Log(work / "build.log", what, environment)) as log:
            yield work, staged, log
        (work / "build.log").rename(staged / "build.log")
        (staged / ".complete").touch()
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)


def check_tools(what, needed):
    """`needed`: package -> a file of it that the build needs."""
    missing = [package for package, file in needed.items() if not os.path.exists(file)]
    if missing:
        raise Unavailable(f"{what} cannot be built; run: apt-get install {' '.join(missing)}")


def patches_of(series):
    """The patches of a folder, in the order of its file `series`."""
    names = (series / "series").read_text(encoding="utf-8").split()
    return [series / name for name in names]


class Log:
    """Runs the commands of a build, their output in one file."""

    def __init__(self, path, what, environment=None):
        self.path = path
        self._what = what
        self._environment = environment or ENVIRONMENT
        self._file = open(path, "wb")  # pylint: disable=consider-using-with

    def close(self):
        self._file.close()

    def run(self, *command, cwd, stdin=subprocess.DEVNULL):
        self._file.write(f"$ {' '.join(command)}\n".encode())
        self._file.flush()
        done = subprocess.run(command, cwd=cwd, stdin=stdin, stdout=self._file, stderr=self._file,
                              check=False, env=self._environment)
        if done.returncode:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
            end = "\n".join("    " + line for line in lines)
            raise BuildFailure(f"{self._what} does not build; {self.path} ends with:\n{end}")


def patch(tree, path, log, *options):
    """Applies a patch to a source, or with --reverse takes it back."""
    with open(path, "rb") as text:
        # Fuzz would put lines where nobody has seen them.
        log.run("patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", *options, cwd=tree, stdin=text)
