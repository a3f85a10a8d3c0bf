# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: whole virtualized machines in software. See docs/lab.md."""
