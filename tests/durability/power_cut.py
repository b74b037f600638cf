"""What a disk may hold after a cut of the power.

A trace (fault.h: KPU_FAULT_TRACE) says what a run did, in order. Only fsync and fdatasync promise
anything: what a file held at its last one is there. Of each sector written since, the disk holds
any of the states that it has gone through. Lengths lag behind as they like; a sector below the
length that never arrived holds zeros, or what stood on the disk before. A name that was made,
changed or removed since the folder's last fsync has that behind it or not, independently of others,
or in the order in which it happened, as a file system with a journal has it."""
import os
import pathlib


class Operation:
    def __init__(self, fields, data):
        self.number, self.name, self.serial = int(fields[0]), fields[1], int(fields[2])
        self.offset, self.path, self.path2 = int(fields[3]), fields[5], fields[6]
        self.data = data


def read_trace(path):
    """Operations that changed anything, or promise that it is there."""
    operations = []
    with open(path, "rb") as stream:
        while line := stream.readline():
            fields = line.decode().rstrip("\n").split("\t")
            operations.append(Operation(fields, stream.read(int(fields[4]))))
    return operations


class File:
    """A file: what is surely there, and what was done since."""

    def __init__(self, content=b""):
        self.durable = bytes(content)
        self.since = []  # ("write", offset, data), ("length", bytes)

    def full(self):
        return apply(bytearray(self.durable), self.since)

    def sync(self):
        self.durable, self.since = bytes(self.full()), []

    def after_cut(self, draw, sector):
        """Each sector in one of the states that it went through, and one of the lengths."""
        content, lengths, seen = bytearray(self.durable), [len(self.durable)], {}
        for step in self.since:
            before = len(content)
            apply(content, [step])
            lengths.append(len(content))
            for number in touched(step, before, len(content), sector):
                states = seen.setdefault(number, [sector_of(self.durable, number, sector)])
                states.append(sector_of(content, number, sector))
        result = bytearray(self.durable)
        result.extend(bytes(max(0, max(lengths) - len(result))))
        for number, states in seen.items():
            chosen = draw.choice(states)
            if draw.random() < 0.02 and number * sector >= len(self.durable):
                chosen = draw.randbytes(sector)  # what stood on the disk before
            start = number * sector
            end = min(start + sector, len(result))
            result[start:end] = chosen[:max(0, end - start)]
        return bytes(result[:draw.choice(lengths)])


def sector_of(content, number, sector):
    return bytes(content[number * sector:(number + 1) * sector]).ljust(sector, b"\0")


def touched(step, before, after, sector):
    """Numbers of the sectors that a step changes."""
    if step[0] == "length":
        start, end = min(before, after), max(before, after)
    else:
        start, end = min(before, step[1]), step[1] + len(step[2])
        start = start if step[1] > before else step[1]
    return range(start // sector, -(-end // sector))


def apply(content, steps):
    for step in steps:
        if step[0] == "length":
            _, length = step
            del content[length:]
            content.extend(bytes(length - len(content)))
        else:
            _, offset, data = step
            content.extend(bytes(max(0, offset - len(content))))
            content[offset:offset + len(data)] = data
    return content


class Disk:
    """Files of a folder, empty at first, while a trace is replayed."""

    def __init__(self, folder):
        self.folder = str(folder)  # as the trace has it
        self.names = {}  # as the program sees them: path -> File
        self.durable_names, self.changes = {}, []
        self.open = {}   # serial -> File or None, a folder

    def change(self, change):
        self.changes.append(change)
        rename(self.names, change)

    def do(self, operation):
        action = {"create": self.begin, "open": self.begin, "modify": self.begin,
                  "write": self.write, "truncate": self.truncate, "allocate": self.truncate,
                  "sync": self.sync, "rename": self.move, "unlink": self.remove,
                  "link": self.link}.get(operation.name)
        if action:
            action(operation)

    def begin(self, operation):
        path = operation.path
        if operation.name == "create":
            self.change(("make", path, File()))
        file = self.names.get(path)
        if file and operation.name == "modify" and operation.offset == 0:
            file.since.append(("length", 0))
        self.open[operation.serial] = file

    def write(self, operation):
        self.open[operation.serial].since.append(("write", operation.offset, operation.data))

    def truncate(self, operation):
        if operation.offset >= 0:
            file = self.open[operation.serial]
            grows_only = operation.name == "allocate" and operation.offset <= len(file.full())
            if not grows_only:
                file.since.append(("length", operation.offset))

    def sync(self, operation):
        file = self.open[operation.serial]
        if file:
            file.sync()
        elif operation.path == self.folder:
            self.durable_names, self.changes = dict(self.names), []

    def move(self, operation):
        self.change(("move", operation.path, operation.path2))

    def remove(self, operation):
        self.change(("remove", operation.path))

    def link(self, operation):
        self.change(("make", operation.path2, self.names[operation.path]))

    def names_after_cut(self, draw):
        """Names, and which files they mean."""
        names = dict(self.durable_names)
        if draw.random() < 0.5:  # ordered
            chosen = self.changes[:draw.randint(0, len(self.changes))]
        else:
            chosen = [change for change in self.changes if draw.random() < 0.5]
        for change in chosen:
            rename(names, change)
        return names

    def cut(self, draw, folder):
        """Makes `folder` what the disk may hold now."""
        sector = draw.choice((512, 4096))
        for path, file in self.names_after_cut(draw).items():
            write_file(folder, path, file.after_cut(draw, sector))

    def contents(self):
        """Of the files, as the program sees them."""
        return {os.path.basename(path): bytes(file.full()) for path, file in self.names.items()}

    def stop(self, folder):
        """The same if only the process dies."""
        for name, content in self.contents().items():
            write_file(folder, name, content)


def rename(names, change):
    what, path = change[0], change[1]
    if what == "make":
        names[path] = change[2]
    elif path in names:
        file = names.pop(path)
        if what == "move":
            names[change[2]] = file


def write_file(folder, path, content):
    (pathlib.Path(folder) / os.path.basename(path)).write_bytes(content)
