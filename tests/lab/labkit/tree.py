# SPDX-License-Identifier: GPL-2.0-or-later
"""A root folder under construction: programs with their libraries, written as folder or initramfs."""

import os
import pathlib
import re
import shutil
import subprocess

from labkit.packages import Unavailable


def libraries_of(program):
    """The shared libraries that the loader would take for a program, with the loader itself."""
    done = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, text=True)
    if "not a dynamic executable" in done.stderr or "statically linked" in done.stdout:
        return []
    missing = re.findall(r"(\S+) => not found", done.stdout)
    if done.returncode or missing:
        raise Unavailable(f"{program} lacks libraries: {' '.join(missing) or done.stderr.strip()}")
    return re.findall(r"(?:=> )?(/\S+) \(0x", done.stdout)


class Tree:
    """Paths in the image (absolute, as text) and what they hold: (mode, bytes or source path)."""

    def __init__(self):
        self._files = {}
        self._directories = set()

    def add_directory(self, path):
        while path not in ("/", ""):
            self._directories.add(path)
            path = os.path.dirname(path)

    def _add(self, path, mode, content):
        self.add_directory(os.path.dirname(path))
        self._files[path] = (mode, content)

    def add_text(self, path, text, mode=0o644):
        self._add(path, mode, text.encode())

    def add_file(self, path, source, mode=None):
        source = pathlib.Path(source)
        if not source.is_file():
            raise Unavailable(f"the lab needs {source}, which is not on this machine")
        if mode is None:
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self._add(path, mode, source)

    def add_program(self, path, source):
        """A program and its libraries, these at the paths where the loader looks for them."""
        self.add_file(path, source, 0o755)
        for library in libraries_of(source):
            self.add_file(library, os.path.realpath(library), 0o755)

    def add_modules(self, kernel, names, parameters=None):
        """Kernel modules with what they depend on, and the order in which to load them; `parameters`: module -> text."""
        order = []
        for name in names:
            self._order_module(kernel, name, order)
        for path in order:
            self.add_file(f"/lib/modules/{path.name}", path)
        self.add_text("/lib/modules/order", "".join(
            f"{path.name} {(parameters or {}).get(path.stem, '')}".rstrip() + "\n" for path in order))

    def _order_module(self, kernel, name, order):
        if kernel.has_built_in(name):
            return
        path = kernel.module(name)
        if path in order:
            return
        match = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for needed in match.group(1).decode().split(",") if match else []:
            if needed:
                self._order_module(kernel, needed, order)
        order.append(path)

    def write_directory(self, target):
        for path in sorted(self._directories):
            (target / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path, (mode, content) in self._files.items():
            copy = target / path.lstrip("/")
            if isinstance(content, bytes):
                copy.write_bytes(content)
            else:
                shutil.copyfile(content, copy)
            copy.chmod(mode)

    def write_initramfs(self, target):
        """A cpio archive in the new ASCII format, not compressed: it is read once, from memory."""
        with open(target, "wb") as archive:
            for path in sorted(self._directories):
                _write_entry(archive, path, 0o040755, b"")
            for path, (mode, content) in self._files.items():
                data = content if isinstance(content, bytes) else content.read_bytes()
                _write_entry(archive, path, 0o100000 | mode, data)
            _write_entry(archive, "TRAILER!!!", 0, b"")


def _write_entry(archive, path, mode, data):
    """One cpio member; the fields are those of the kernel's early-userspace/buffer-format."""
    name = path.lstrip("/").encode() + b"\0"
    inode = archive.tell() + 1
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    archive.write(header + name + b"\0" * (-(len(header) + len(name)) % 4))
    archive.write(data + b"\0" * (-len(data) % 4))
