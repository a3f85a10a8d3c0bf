# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages: which kernel there is, fetching it into the cache, taking files out of it."""

import contextlib
import dataclasses
import fcntl
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

METAPACKAGE = "linux-image-cloud-amd64"
WANTED = ("boot/vmlinuz-", "boot/config-", "/kernel/drivers/virtio/", "/kernel/drivers/block/virtio_blk",
          "/kernel/arch/x86/kvm/", "/kernel/virt/", "/kernel/crypto/")
WANTED_DEBUG = ("/vmlinux-", "/kernel/arch/x86/kvm/kvm.ko", "/kernel/arch/x86/kvm/kvm-amd.ko",
                "/kernel/crypto/wp512.ko")


class Unavailable(Exception):
    """Something that the lab needs cannot be had on this machine; tests skip for that reason."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel package taken apart in the cache."""

    release: str      # as uname -r says it
    version: str      # of the package
    root: pathlib.Path

    @property
    def vmlinuz(self):
        return self.root / "boot" / f"vmlinuz-{self.release}"

    def module(self, name):
        """The path of a module, whichever of - and _ its file name has."""
        pattern = re.compile(re.sub("[-_]", "[-_]", name) + r"\.ko$")
        for path in self.root.rglob("*.ko"):
            if pattern.fullmatch(path.name):
                return path
        raise Unavailable(f"the kernel {self.release} has no module {name}")


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(base) / "hvprof" / "lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def _cache_lock():
    with open(cache_dir() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _output(*command):
    """What a command prints, or None when it fails or does not exist."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=True, text=True, env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def _find_package(metapackage):
    """Names the versioned kernel package: (package, version). Needs apt's lists, not the network."""
    depends = _output("apt-cache", "depends", "--important", metapackage) or ""
    match = re.search(r"Depends: (linux-image-\S+)", depends)
    package = match.group(1) if match else metapackage
    shown = _output("apt-cache", "show", "--no-all-versions", package) or ""
    match = re.search(r"^Version: (\S+)$", shown, re.M)
    return (package, match.group(1)) if match else None


def _cached_packages():
    """Kernels that are complete in the cache: (package, version), the newest first."""
    done = [path.parent for path in cache_dir().glob("linux-image-*/.complete")]
    done.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    names = [path.name.split("@", 1) for path in done]
    return [(package, version) for package, version in names if not package.endswith("-dbg")]


def _choose_package(metapackage, say):
    found = _find_package(metapackage)
    if found:
        return found
    cached = [pair for pair in _cached_packages() if metapackage in (METAPACKAGE, pair[0])]
    if cached:
        return cached[0]
    if os.geteuid() == 0:
        say("apt has no lists of packages: run apt-get update")
        _output("apt-get", "update", "-qq")
        found = _find_package(metapackage)
        if found:
            return found
    raise Unavailable(f"apt knows no package {metapackage} and the cache {cache_dir()} has none; "
                      "run: apt-get update")


def _download(package, version, directory):
    command = ["apt-get", "download", "-q", f"{package}={version}"]
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True)
    debs = list(pathlib.Path(directory).glob("*.deb"))
    if done.returncode or len(debs) != 1:
        reason = "\n".join(done.stdout.strip().splitlines()[-3:])
        raise Unavailable(f"cannot download {package} {version}; apt-get update may help.\n{reason}")
    return debs[0]


def _extract(deb, wanted, target):
    """Writes those regular files of a .deb whose path holds one of the wanted parts, uncompressed."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)],
                          stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                if not member.isfile() or not any(part in member.name for part in wanted):
                    continue
                path = target / pathlib.PurePosixPath(member.name.removesuffix(".xz"))
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.extractfile(member) as source, open(path, "wb") as copy:
                    # Modules are compressed from Debian 13 on.
                    is_xz = member.name.endswith(".xz")
                    shutil.copyfileobj(lzma.open(source) if is_xz else source, copy, 1 << 20)
    if process.returncode:
        raise Unavailable(f"dpkg-deb cannot read {deb}")


def _provide(package, version, wanted, say):
    """The folder with the wanted files of a package, downloaded when the cache has it not."""
    target = cache_dir() / f"{package}@{version}"
    marker = target / ".complete"
    with _cache_lock():
        if marker.exists() and marker.read_text(encoding="ascii") == "\n".join(wanted):
            return target
        say(f"fetch {package} {version}")
        with tempfile.TemporaryDirectory(dir=cache_dir()) as scratch:
            os.chmod(scratch, 0o755)
            deb = _download(package, version, scratch)
            say(f"take the files out of {package}")
            staged = pathlib.Path(scratch) / "staged"
            _extract(deb, wanted, staged)
            (staged / ".complete").write_text("\n".join(wanted), encoding="ascii")
            shutil.rmtree(target, ignore_errors=True)
            staged.rename(target)
    return target


def provide_kernel(say, metapackage=METAPACKAGE):
    """Fetches the kernel when it is not in the cache; returns a Kernel."""
    package, version = _choose_package(metapackage, say)
    root = _provide(package, version, WANTED, say)
    return Kernel(package.removeprefix("linux-image-"), version, root)


def provide_debug(kernel, say):
    """Fetches the kernel's debug information (large); returns the folder, a tree as in /."""
    return _provide(f"linux-image-{kernel.release}-dbg", kernel.version, WANTED_DEBUG, say)


def find_debug(kernel):
    """The debug folder if the cache already has it, else None."""
    path = cache_dir() / f"linux-image-{kernel.release}-dbg@{kernel.version}"
    return path if (path / ".complete").exists() else None


def vmlinux_of(debug_root, kernel):
    return debug_root / "usr/lib/debug/boot" / f"vmlinux-{kernel.release}"
