#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab makes of a machine's apt sources, and which of a source's versions it takes."""

import pathlib
import sys
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import apt_source  # pylint: disable=wrong-import-position


class OneLine(unittest.TestCase):
    def check(self, text, *expected):
        self.assertEqual(apt_source.from_one_line(text), "".join(f"{line}\n" for line in expected))

    def test_programs_become_sources(self):
        self.check("deb http://deb.debian.org/debian bookworm main contrib\n",
                   "deb-src http://deb.debian.org/debian bookworm main contrib")

    def test_options_stay(self):
        self.check("deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64]  http://mirror/debian bookworm main",
                   "deb-src [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://mirror/debian bookworm main")

    def test_one_archive_is_asked_once(self):
        self.check("deb http://mirror/debian bookworm main\ndeb-src http://mirror/debian bookworm main\n",
                   "deb-src http://mirror/debian bookworm main")

    def test_comments_are_none(self):
        self.check("# deb http://old/debian bookworm main\n\n  deb http://mirror/debian bookworm main # here\n",
                   "deb-src http://mirror/debian bookworm main")

    def test_compact_discs_are_left_out(self):
        self.check("deb cdrom:[Debian GNU/Linux 12]/ bookworm main\n")

    def test_other_words_are_none(self):
        self.check("debian http://mirror/debian bookworm main\nrpm http://mirror/ 39 main\n")


# As Debian's images for containers have it.
CONTAINER = """\
Types: deb
# a comment within a stanza
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


class Deb822(unittest.TestCase):
    def test_each_stanza_asks_for_sources(self):
        self.assertEqual(apt_source.from_deb822(CONTAINER),
                         CONTAINER.replace("Types: deb\n", "Types: deb-src\n")
                         .replace("# a comment within a stanza\n", ""))

    def test_a_key_within_the_file_stays_whole(self):
        key = ("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY86gCBYJKwYBBAHaRw8\n"
               " -----END PGP PUBLIC KEY BLOCK-----\n")
        text = "URIs: http://mirror/debian\nSuites: bookworm\nComponents: main\n" + key
        self.assertEqual(apt_source.from_deb822("Types: deb deb-src\n" + text), "Types: deb-src\n" + text)

    def test_a_disabled_stanza_is_left_out(self):
        for word in ("no", "No", "false", "off"):
            self.assertEqual(apt_source.from_deb822(f"Types: deb\nURIs: http://mirror/\nenabled: {word}\n"), "")

    def test_an_enabled_one_is_not(self):
        self.assertEqual(apt_source.from_deb822("Enabled: yes\nTypes: deb\nURIs: http://mirror/\n"),
                         "Types: deb-src\nURIs: http://mirror/\n")

    def test_compact_discs_are_left_out(self):
        self.assertEqual(apt_source.from_deb822("Types: deb\nURIs: cdrom:[Debian]/\nSuites: bookworm\n"), "")

    def test_many_empty_lines_make_no_stanza(self):
        self.assertEqual(apt_source.from_deb822("\n\n \n"), "")


class Newest(unittest.TestCase):
    def test_the_order_is_dpkgs(self):
        self.assertEqual(apt_source.newest(["1:7.2+dfsg-7+deb12u9", "1:7.2+dfsg-7+deb12u18", "1:7.2+dfsg-7"]),
                         "1:7.2+dfsg-7+deb12u18")

    def test_there_is_none_of_none(self):
        self.assertIsNone(apt_source.newest([]))


if __name__ == "__main__":
    unittest.main()
