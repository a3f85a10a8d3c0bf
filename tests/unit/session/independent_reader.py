#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a session with nothing but what hvprof.data(5) says, and prints its contents as print_session.c does.

It shares no code with hvprof; where the two differ, the page or one of them is wrong. Record fields and their kinds are taken from the
session's own schema chunk.

usage: independent_reader.py FILE
"""
import struct
import subprocess
import sys

M64 = (1 << 64) - 1


def zstd(data, size):
    out = subprocess.run(["zstd", "-d", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert len(out) == size, "a frame has another size than it should"
    return out


def rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & M64


def xxh64(data):
    """XXH64 with seed 0, from the xxHash specification."""
    p1, p2, p3, p4, p5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                          0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)

    def step(acc, lane):
        return rotate((acc + lane * p2) & M64, 31) * p1 & M64

    at, size = 0, len(data)
    if size >= 32:
        accs = [(p1 + p2) & M64, p2, 0, -p1 & M64]
        stripes = size // 32
        lanes = struct.unpack_from("<%dQ" % (4 * stripes), data)
        for i in range(0, len(lanes), 4):
            accs = [step(acc, lane) for acc, lane in zip(accs, lanes[i:i + 4])]
        at = 32 * stripes
        total = sum(rotate(acc, bits) for acc, bits in zip(accs, (1, 7, 12, 18))) & M64
        for acc in accs:
            total = ((total ^ step(0, acc)) * p1 + p4) & M64
    else:
        total = p5
    total = (total + size) & M64
    while size - at >= 8:
        total = (rotate(total ^ step(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & M64
        at += 8
    if size - at >= 4:
        total = (rotate(total ^ struct.unpack_from("<I", data, at)[0] * p1 & M64, 23) * p2 + p3) & M64
        at += 4
    for byte in data[at:]:
        total = rotate(total ^ byte * p5 & M64, 11) * p1 & M64
    total = (total ^ total >> 33) * p2 & M64
    total = (total ^ total >> 29) * p3 & M64
    return total ^ total >> 32


def unzigzag(n):
    return n // 2 if n % 2 == 0 else -((n + 1) // 2)


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        assert size <= self.left(), "the payload is too short"
        self.at += size
        return self.data[self.at - size:self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self):
        return unzigzag(self.varint())

    def raw_text(self):
        return self.take(self.varint())

    def text(self):
        return self.raw_text().decode()

    def block(self, size):
        head = self.varint()
        data = self.take(head // 2)
        if head % 2:
            return zstd(data, size)
        assert head // 2 == size
        return data

    def bits(self, num):
        lengths = self.block(num)
        total = sum(length - 1 for length in lengths if length > 1)
        packed = int.from_bytes(self.take((total + 7) // 8), "little")
        # One shift of a number of a million bits for each value would take forever: cut it up first.
        words, mask = [], (1 << 4096) - 1
        while packed:
            words.append(packed & mask)
            packed >>= 4096
        words += [0, 0]
        values, at = [], 0
        for length in lengths:
            if length < 2:
                values.append(length)
                continue
            word = words[at // 4096] | words[at // 4096 + 1] << 4096
            values.append(1 << (length - 1) | word >> at % 4096 & ((1 << (length - 1)) - 1))
            at += length - 1
        return values

    def stream(self, num):
        form = self.u8()
        if form == 0:
            return [self.varint()] * num
        if form == 1:
            runs = self.varint()
            lengths, values = self.stream(runs), self.stream(runs)
            return [value for length, value in zip(lengths, values) for _ in range(length + 1)]
        if form == 2:
            return list(self.block(num))
        if form == 3:
            return self.bits(num)
        assert form == 4, "unknown form of a stream"
        return list(struct.unpack("<%dQ" % num, self.block(8 * num)))


def sums(numbers):
    value, values = 0, []
    for number in numbers:
        value = (value + unzigzag(number)) & M64
        values.append(value)
    return values


class References:
    """Numbers stored by their distance from the highest before."""

    def __init__(self):
        self.highest = 0

    def number(self, stored):
        if not stored:
            return 0
        number = self.highest + unzigzag(stored - 1)
        self.highest = max(self.highest, number)
        return number


def columns(payload, rows, names):
    """Column name -> values; the rest of the payload is columns."""
    found = {name: [0] * rows for name in names.values()}
    dictionaries = {}
    while payload.left():
        number = payload.u8()
        part = Bytes(payload.take(payload.u32()))
        if number not in names:
            continue
        encoding = part.u8()
        if encoding == 0:
            values = part.stream(rows)
        elif encoding == 1:
            values = sums(part.stream(rows))
        elif encoding == 2:
            step, value, values = part.varint(), 0, []
            for quotient, rest in zip(part.stream(rows), part.stream(rows)):
                value = (value + unzigzag(quotient) * step + unzigzag(rest)) & M64
                values.append(value)
        elif encoding == 3:
            num = part.varint()
            entries, codes = sums(part.stream(num)), part.stream(rows)
            dictionaries[number] = (num, codes)
            values = [entries[code] for code in codes]
        else:
            assert encoding == 4, "unknown encoding"
            num, codes = dictionaries[part.u8()]
            entries = part.stream(num)
            dictionaries[number] = (num, codes)
            values = [entries[code] for code in codes]
        assert len(values) == rows
        found[names[number]] = values
    return found


class Session:
    def __init__(self, data):
        self.data = data
        self.tables, self.record_types = {}, {}
        self.info, self.events, self.records = {}, [], []
        self.strings, self.blobs = {0: b""}, {}
        self.stacks, self.chains = ({}, {}), {}
        self.chunks, self.end, self.offsets = [], None, []

    def walk(self):
        magic, major, _minor, at = struct.unpack_from("<8sHHI", self.data)
        assert magic == b"\x89HVP\r\n\x1a\n" and major == 2
        assert struct.unpack_from("<Q", self.data, 24)[0] == xxh64(self.data[:24])
        load = {1: self.schema, 2: self.load_info, 3: self.load_events, 4: self.load_strings, 5: self.load_records,
                6: self.load_blob, 7: self.load_stacks, 8: self.load_samples, 9: self.load_end, 10: self.load_index,
                11: self.load_chains}
        number = 0
        while len(self.data) - at > 32:
            head = self.data[at:at + 32]
            magic, kind, codec, _flags, stored, raw, sequence, check, own = struct.unpack("<IHBBIIIQI", head)
            assert magic == 0x6b435648 and own == xxh64(head[:28]) & 0xffffffff and sequence == number
            payload = self.data[at + 32:at + 32 + stored]
            assert check == xxh64(payload), "wrong checksum"
            load[kind](Bytes(zstd(payload, raw) if codec else payload), at)
            self.offsets.append((kind, at))
            at += 32 + stored
            number += 1
        index, size, check, magic = struct.unpack_from("<QQQ8s", self.data, at)
        assert magic == b"HVPend\r\n" and size == len(self.data) and check == xxh64(self.data[at:at + 16])
        assert (10, index) == self.offsets[-1]

    def schema(self, payload, _at):
        for _ in range(payload.varint()):
            kind, _name = payload.varint(), payload.text()
            self.tables[kind] = {}
            for _ in range(payload.varint()):
                number, _width = payload.varint(), payload.varint()
                self.tables[kind][number] = payload.text()
        for _ in range(payload.varint()):
            kind, name = payload.varint(), payload.text()
            fields = [(payload.varint(), payload.text()) for _ in range(payload.varint())]
            self.record_types[kind] = (name, fields)

    def load_info(self, payload, _at):
        payload.varint()
        for _ in range(payload.varint()):
            key = payload.text()
            self.info[key] = payload.text()

    def load_events(self, payload, _at):
        assert payload.varint() == len(self.events)
        for _ in range(payload.varint()):
            item = Bytes(payload.take(payload.varint()))
            self.events.append("'%s' '%s' %d %d %d %d '%s'" % (
                item.text(), item.text(), item.varint(), item.varint(), item.varint(), item.varint(), item.text()))

    def load_strings(self, payload, _at):
        first = payload.varint()
        for number in range(payload.varint()):
            self.strings[first + number] = payload.raw_text()

    def field(self, kind, number):
        if kind == 2:
            return "'%s'" % self.strings[number].decode()
        if kind == 3:
            return self.strings[number].hex()
        if kind == 4:
            return "%d bytes" % len(self.blobs[number])
        return str(number)

    def load_records(self, payload, _at):
        payload.varint()
        time = 0
        for _ in range(payload.varint()):
            kind = payload.varint()
            time = (time + payload.signed()) & M64
            part = Bytes(payload.take(payload.varint()))
            name, fields = self.record_types[kind]
            texts = ["%s=%s" % (label, self.field(sort, part.varint() if part.left() else 0)) for sort, label in fields]
            self.records.append((time, "record %s at %d: %s" % (name, time, " ".join(texts))))

    def load_blob(self, payload, _at):
        number, _size, offset = payload.varint(), payload.varint(), payload.varint()
        assert offset == len(self.blobs.get(number, b""))
        self.blobs[number] = self.blobs.get(number, b"") + payload.take(payload.left())

    def load_stacks(self, payload, _at):
        side, first, rows = payload.varint(), payload.varint(), payload.varint()
        table = columns(payload, rows, self.tables[7])
        for row, (up, frame) in enumerate(zip(table["up"], table["frame"])):
            self.stacks[side][first + row] = (first + row - up if up else 0, frame)

    def load_chains(self, payload, _at):
        first, rows = payload.varint(), payload.varint()
        table = columns(payload, rows, self.tables[11])
        kernel, user = References(), References()
        for row, (in_kernel, in_user) in enumerate(zip(table["kernel"], table["user"])):
            self.chains[first + row] = (kernel.number(in_kernel), user.number(in_user))

    def chain(self, number):
        sides = ([], [])
        for side, node in enumerate(self.chains[number] if number else ()):
            while node:
                node, frame = self.stacks[side][node]
                sides[side].append(frame)
        return [len(sides[0])] + sides[0] + sides[1]

    @staticmethod
    def resolve_stacks(table):
        references, last = References(), None
        for row, cpu in enumerate(table["cpu"]):
            if cpu != last:
                references, last = References(), cpu
            table["stack"][row] = references.number(table["stack"][row])

    def load_samples(self, payload, _at):
        rows, first, span = payload.varint(), payload.varint(), payload.varint()
        groups = [(payload.varint(), payload.varint()) for _ in range(payload.varint())]
        assert sum(num for _, num in groups) == rows
        table = columns(payload, rows, self.tables[8])
        self.resolve_stacks(table)
        domain, expected = 0, {}
        for step, num in groups:
            domain += step // 2
            expected[domain, step % 2] = num
        for owner, mode in zip(table["domain"], table["mode"]):
            expected[owner, 1 if mode in (3, 4) else 0] -= 1
        assert not any(expected.values())
        assert min(table["time"]) == first and max(table["time"]) == first + span
        row_sum = chain_sum = 0
        order = [table[name] for name in ("time", "ip", "period", "guest_cr3", "pid", "tid", "cpu", "domain", "vcpu",
                                          "stack", "event", "mode")]
        for row in zip(*order):
            for value in row:
                row_sum = (row_sum ^ value) * 0x9e3779b97f4a7c15 & M64
            for value in self.chain(row[9]):
                chain_sum = (chain_sum ^ value) * 0x9e3779b97f4a7c15 & M64
        self.chunks.append((rows, "chunk of %d samples from %d to %d: rows %016x chains %016x" % (
            rows, first, first + span, row_sum, chain_sum)))

    def load_end(self, payload, _at):
        self.end = [payload.varint() for _ in range(5)]

    def load_index(self, payload, at):
        before, offset, entries = payload.varint(), 0, []
        for _ in range(payload.varint()):
            kind, step = payload.varint(), payload.varint()
            payload.varint()
            payload.varint()
            offset += step
            entries.append((kind, offset))
        since = [entry for entry in self.offsets if before <= entry[1] < at and entry != (10, before)]
        assert entries == since, "the index is not where the chunks are"

    def show(self):
        for key, value in self.info.items():
            print("info %s=%s" % (key, value))
        for event in self.events:
            print("event " + event)
        for _, text in sorted(self.records, key=lambda record: record[0]):
            print(text)
        for _, text in self.chunks:
            print(text)
        samples = sum(rows for rows, _ in self.chunks)
        assert samples == self.end[4]
        print("samples %d" % samples)
        print("end %d %d %d %d" % tuple(self.end[:4]))


def main():
    with open(sys.argv[1], "rb") as file:
        session = Session(file.read())
    session.walk()
    session.show()


main()
