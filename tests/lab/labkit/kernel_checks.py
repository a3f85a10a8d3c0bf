# SPDX-License-Identifier: GPL-2.0-or-later
"""What a reviewer would ask of the series first: that it applies, its style, what compilers and sparse say of what it touches."""

import collections
import contextlib
import pathlib
import re
import shutil
import subprocess

from labkit import patched_kernel, source_build

ROOT = patched_kernel.FOLDER.parent
# What is the series' own -> the Makefile that has it compiled, with the option.
OPTION = "CONFIG_KVM_HVPMU"
HVPMU = "arch/x86/kvm/hvpmu/"
OWN = {HVPMU: "arch/x86/kvm/Makefile", "arch/x86/events/partition.c": "arch/x86/events/Makefile"}
# The core's style is hv-pmu's: what it has, and checkpatch.pl would not.
IMPORTED = tuple(f"{HVPMU}{folder}/" for folder in ("core", "include", "env"))
IMPORTED_STYLE = ("COMPLEX_MACRO", "LONG_LINE_COMMENT", "MEMORY_BARRIER", "PREFER_DEFINED_ATTRIBUTE_MACRO", "TRAILING_STATEMENTS",
                  "TYPO_SPELLING", "VOLATILE")
# The series adds its files to no MAINTAINERS.
IGNORES = ("FILE_PATH_CHANGES",)
REMARK = re.compile(r"^(?P<file>[^\s:]+):(?:\d+:)? (?:ERROR|WARNING|CHECK):(?P<kind>\w+): ")
MESSAGE = re.compile(r"^(?:\S*?/)?((?:arch|include|kernel|virt|drivers|tools)/\S+?):\d+(?::\d+)?: (?:warning|error|fatal error): (.*)$",
                     re.M)


def tell(name, lines):
    """Prints a check's result; returns whether it passed."""
    print(f"{'not ok' if lines else 'ok    '}  {name}", flush=True)
    for line in lines:
        print(f"          {line}")
    return not lines


def touched_by(patch):
    """The files that a patch changes or adds."""
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(encoding="utf-8"), re.M)


def touched(patches):
    """The files of a whole series, without those that it takes away again."""
    return sorted({name for patch in patches for name in touched_by(patch)})


def changes_options(patch):
    return any(pathlib.PurePosixPath(name).name == "Kconfig" for name in touched_by(patch))


def _is_accepted(line):
    remark = REMARK.match(line)
    return remark is not None and remark["file"].startswith(IMPORTED) and remark["kind"] in IMPORTED_STYLE


def style(tree, patch):
    """What checkpatch.pl has to say of a patch."""
    done = subprocess.run(["perl", "scripts/checkpatch.pl", "--terse", "--show-types", "--showfile", "--no-summary",
                           f"--ignore={','.join(IGNORES)}", str(patch)],
                          cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    return [line for line in done.stdout.splitlines() if line.strip() and not _is_accepted(line)]


def message(patch):
    """What is wrong with the end of a patch's message: git takes what it commented out along when a message is not edited."""
    text = patch.read_text(encoding="utf-8").partition("\n---\n")[0]
    last = text.rstrip().rpartition("\n")[2]
    return [] if re.match(r"[A-Z]\w+(-\w+)*-by: .+ <.+>$", last) else [f"{patch.name}: the message ends with {last!r}, not with a signature"]


def same_core(tree):
    """What differs between the core in the tree and that of hv-pmu; None if the tree has none."""
    if not (tree / IMPORTED[0]).is_dir():
        return None
    done = subprocess.run([str(ROOT / "import.sh"), "--check", str(tree)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True)
    return done.stdout.splitlines() or ([f"import.sh ended with status {done.returncode}"] if done.returncode else [])


def messages_of(text, files):
    """(file, message) -> how often it is there, of the files in question and whatever the line."""
    return collections.Counter((name, message) for name, message in MESSAGE.findall(text) if name in files)


class Objects:
    """The folder of objects beside a source tree, with the kernel's additional warnings, and what was said so far: a message counts
    once, when it comes."""

    def __init__(self, tree):
        self._tree = tree
        self._folder = tree / "objects"
        self._folder.mkdir()
        self._make = ()
        self._known = collections.Counter()

    def _run(self, *arguments):
        return subprocess.run([*self._make, *arguments], cwd=self._tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, text=True, env=patched_kernel.ENVIRONMENT)

    def configure(self, configuration, compiler="gcc"):
        """Also after a patch that changes what can be configured; what the tree does not know yet is left out."""
        self._make = ("make", "-s", patched_kernel.jobs(), f"O={self._folder.name}", f"CC={compiler}", "W=1")
        fragment = self._folder / "fragment"
        fragment.write_text("".join(f"{symbol}={value}\n" for symbol, value in configuration.items()), encoding="utf-8")
        for goals in (["allnoconfig", f"KCONFIG_ALLCONFIG={fragment}"], ["modules_prepare"]):
            done = self._run(*goals)
            if done.returncode:
                raise source_build.BuildFailure(f"make {' '.join(goals)} fails:\n{done.stdout[-2000:]}")

    def sources(self, files):
        """Those of the files that are compiled as it is configured; those of the series' own that no Makefile knows yet are not."""
        is_on = f"{OPTION}=y" in (self._folder / ".config").read_text(encoding="utf-8").splitlines()
        known = {own for own, makefile in OWN.items() if is_on and OPTION in (self._tree / makefile).read_text(encoding="utf-8")}
        missing = tuple(OWN.keys() - known)
        return [name for name in files if name.endswith(".c") and (self._tree / name).is_file() and not name.startswith(missing)]

    def compile(self, files, *options):
        """What is said of the files for the first time. Only what changed since the last time is compiled."""
        goals = [f"{name.removesuffix('.c')}.o" for name in self.sources(files)]
        if not goals:
            return []
        done = self._run(*options, *goals)
        said = messages_of(done.stdout, files)
        if done.returncode and not said:
            said["make", done.stdout[-2000:]] = 1
        new = said - self._known
        self._known |= said
        return [f"{name}: {message}" for name, message in new]

    def check(self, files):
        """The same of sparse, which looks at all of them each time."""
        return self.compile(files, "C=2", "CHECK=sparse")


@contextlib.contextmanager
def unpacked(scratch, tarball):
    """The source without the series in a new folder, which is gone afterwards."""
    tree = pathlib.Path(scratch).resolve() / "linux"
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    with patched_kernel.open_log(tree.parent / "log") as log:
        patched_kernel.unpack(tarball, tree, log)
    try:
        yield tree
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def has_tool(name):
    return shutil.which(name, path=patched_kernel.ENVIRONMENT["PATH"]) is not None
