# SPDX-License-Identifier: MIT
"""emit.py - a script as a C program of its own, to be run both ways"""
import os

from script import SLOTS

HERE = os.path.dirname(os.path.abspath(__file__))

POINTERS = {"N": "NULL", "O": "(void *)8", "B": "(void *)-1",
            "K": "(void *)0xffff888000000000", "P": "no_page()"}


def number(word):
    value = int(word, 0)
    return str(value) if -1 << 31 <= value < 1 << 31 else hex(
        value & 0xffffffffffffffff)


def pointer(kind, good):
    return POINTERS.get(kind, good)


def slot(word):
    value = int(word)
    return "s[%d]" % value if 0 <= value < SLOTS else "-1"


def port(word):
    return "port(%s)" % word[1:] if word[0] == "@" else word


def name(word):
    """Pointer and length"""
    parts = word.split(",")
    if parts[0] in POINTERS:
        return POINTERS[parts[0]], number(parts[1])
    family, ip, at, length, *more = parts
    if ":" in ip:
        return 'name6(%s, "%s", %s, %s)' % (
            family, ip, port(at), ", ".join(more or "00")), number(length)
    return 'name(%s, "%s", %s)' % (family, ip, port(at)), number(length)


def data(word, index):
    kind, length = word.split(",")
    return "%s, %s" % (pointer(kind, "data(%d, %s)" % (index, number(length))),
                       number(length))


def quoted(hexed):
    text = "".join("\\x" + hexed[i:i + 2] for i in range(0, len(hexed), 2))
    return '"%s"' % text


class Block:
    """The lines of one step"""

    def __init__(self, index):
        self.index = index
        self.before, self.after = [], []
        self.call = ""

    def text(self):
        lines = self.before + ["T(%s);" % self.call] + self.after
        if self.before:
            lines = ["{"] + ["\t" + line for line in lines] + ["}"]
        return lines

    def out(self, word):
        """Room for a name or a value: its two arguments"""
        kind, length = word.split(",")
        self.before.append("void *at = fresh(512);")
        if length in POINTERS:
            where = POINTERS[length]
        else:
            self.before.append("socklen_t len = %s;" % number(length))
            where = "&len"
            self.after.append('printf("  length %u\\n", len);')
        return "%s, %s" % (pointer(kind, "at"), where)

    def iovecs(self, word, piece):
        """Declare iov[]; returns pointer and number"""
        if word[0] == "!":
            return pointer(word[1], "iov"), number(word[2:])
        if word == "-":
            return "NULL", "0"
        if word[0] == "x":
            self.before += ["static struct iovec iov[1100];",
                            "for (int i = 0; i < %s; i++)" % word[1:],
                            "\tiov[i] = (struct iovec){ %s, 1 };" % piece("1")]
            return "iov", word[1:]
        parts = []
        for part in word.split(","):
            kind = part[0] if part[0] in POINTERS else "o"
            length = number(part.lstrip("oNOBKP"))
            parts.append("{ %s, %s }" % (pointer(kind, piece(length)), length))
        self.before.append("struct iovec iov[] = { %s };" % ", ".join(parts))
        return "iov", str(len(parts))


def control_bytes(word):
    """Hex of the control messages, and their length"""
    text, _, override = word.partition("=")
    whole = b""
    for part in text.split(";"):
        level, kind, hexed, *length = (part + "::").split(":")[:4]
        body = bytes.fromhex(hexed)
        size = int(length[0]) if length and length[0] else 16 + len(body)
        whole += (size.to_bytes(8, "little") +
                  int(level).to_bytes(4, "little") +
                  int(kind).to_bytes(4, "little") + body)
        whole += bytes(-len(whole) % 8)
    return whole.hex(), number(override) if override else str(len(whole))


def message_out(words, index, n):
    """Lines that make messages[n]"""
    block = Block(index)
    at, length = name(words[0])
    iov, many = block.iovecs(words[1], lambda l: "data(%d, %s)" % (index, l))
    control, clen = "NULL", "0"
    if words[2][0] == "!":
        control, clen = POINTERS[words[2][1]], number(words[2][3:])
    elif words[2] != "-":
        hexed, clen = control_bytes(words[2])
        control = "bytes(%s, %d)" % (quoted(hexed), len(hexed) // 2)
    return block.before + [
        "messages[%d].msg_hdr = message(%s, %s, %s, %s, %s, %s, %s);" %
        (n, at, length, iov, many, control, clen, number(words[3]))]


def message_in(words, index, n):
    block = Block(index)
    kind, length = words[0].split(",")
    iov, many = block.iovecs(words[1], lambda l: "fresh(%s)" % l)
    where, clen = words[2].split(",")
    return block.before + [
        "messages[%d].msg_hdr = message(%s, %s, %s, %s, %s, %s, %s);" %
        (n, pointer(kind, "fresh(256)"), number(length), iov, many,
         pointer(where, "fresh(1024)"), number(clen), number(words[3]))]


def braces(lines):
    return ["{"] + ["\t" + line for line in lines] + ["}"]


def messages(words, index, make):
    """iovecs have to live as long as the call, so they are static"""
    lines = []
    for n, at in enumerate(range(0, len(words), 4)):
        made = make(words[at:at + 4], index, n)
        made = [line.replace("struct iovec iov[] = {",
                             "struct iovec *iov = (struct iovec *)copy("
                             "(struct iovec[]){") for line in made]
        made = [line[:-3] + "}, sizeof(struct iovec) * 16);"
                if "copy((struct iovec[])" in line else line for line in made]
        lines += braces(made)
    return lines


def emit_messages(block, call, words):
    """sendmsg, recvmsg, sendmmsg, recvmmsg"""
    sends = call.startswith("send")
    make = message_out if sends else message_in
    many = call.endswith("mmsg")
    fixed = {"sendmmsg": 4, "recvmmsg": 5}.get(call, 2)
    if not many and len(words) < 6:
        block.call = "%s(%s, %s, %s)" % (call, slot(words[0]),
                                         POINTERS[words[2]], number(words[1]))
        return
    block.before = messages(words[fixed:], block.index, make)
    count = (len(words) - fixed) // 4
    if not many:
        block.call = "%s(%s, &messages[0].msg_hdr, %s)" % (
            call, slot(words[0]), number(words[1]))
    else:
        args = [slot(words[0]), pointer(words[fixed - 1], "messages"),
                number(words[1]), number(words[2])]
        if call == "recvmmsg":
            args.append(timeout(words[3]))
        block.call = "%s(%s)" % (call, ", ".join(args))
        block.after.append("show_lengths(%d);" % count)
    if not sends:
        block.after.append("show_messages(%d);" % count)


def timeout(word):
    sec, dot, nsec = word.partition(".")
    if not dot:
        return POINTERS.get(sec, "NULL")
    return "&(struct timespec){ %s, %s }" % (sec, nsec)


def emit_option(block, call, words):
    if call == "getsockopt":
        block.call = "getsockopt(%s, %s, %s, %s)" % (
            slot(words[0]), words[1], words[2], block.out(words[3]))
        block.after.append("show(at, 512);")
        return
    value = words[3]
    if value[0] == "!":
        at = pointer(value[1], "NULL")
    elif value[:2] == "f:":
        size = len(value[2:]) // 16
        at = "&(struct sock_fprog){ %d, (void *)bytes(%s, %d) }" % (
            size, quoted(value[2:]), size * 8)
    else:
        hexed = "" if value == "-" else value
        at = "bytes(%s, %d)" % (quoted(hexed), len(hexed) // 2)
    block.call = "setsockopt(%s, %s, %s, %s, %s)" % (
        slot(words[0]), words[1], words[2], at, number(words[4]))


def emit_wait(block, call, words):
    if call in ("poll", "ppoll"):
        fds = ["{ %s, %s, 0 }" % (slot(word.split(":")[0]), word.split(":")[1])
               for word in words] or ["{ -1, 0, 0 }"]
        block.before.append("struct pollfd fds[] = { %s };" % ", ".join(fds))
        last = "0" if call == "poll" else "&(struct timespec){ 0, 0 }, NULL"
        block.call = "%s(fds, %d, %s)" % (call, len(words), last)
        block.after.append("show_polled(fds, %d);" % len(words))
    elif call == "select":
        sets = ["set(%d%s)" % (0 if word == "-" else word.count(",") + 1,
                               "" if word == "-" else "".join(
                                   ", " + slot(w) for w in word.split(",")))
                for word in words]
        block.before.append("fd_set *set_[] = { %s };" % ", ".join(sets))
        block.call = ("select(highest(), set_[0], set_[1], set_[2], "
                      "&(struct timeval){ 0, 0 })")
        block.after += ["for (int i = 0; i < 3; i++)",
                        "\tshow(set_[i], 4);"]
    elif call == "epoll_create":
        block.call = "epoll = epoll_create1(0)"
    elif call == "epoll_ctl":
        block.call = ("epoll_ctl(epoll, %s, %s, &(struct epoll_event){ %s, "
                      "{ .u64 = %s } })" % (words[1], slot(words[2]),
                                            number(words[3]), words[2]))
    else:
        block.before.append("struct epoll_event *events = fresh(512);")
        block.call = "epoll_wait(epoll, events, %s, 0)" % words[1]
        block.after.append("show(events, 512);")


def emit_simple(block, call, words):
    fd = slot(words[0])
    if call in ("send", "write", "sendto"):
        args = [fd, data(words[1], block.index)]
        if call != "write":
            args.append(number(words[2]))
        if call == "sendto":
            args += name(words[3])
        block.call = "%s(%s)" % (call, ", ".join(args))
    elif call in ("recv", "read", "recvfrom"):
        kind, length = words[1].split(",")
        block.before.append("void *buf = fresh(%s);" % number(length))
        args = [fd, pointer(kind, "buf"), number(length)]
        if call != "read":
            args.append(number(words[2]))
        if call == "recvfrom":
            args.append(block.out(words[3]))
            block.after.append("show_name(at);")
        block.call = "%s(%s)" % (call, ", ".join(args))
        block.after.append("show(buf, 70000);")
    elif call in ("writev", "readv"):
        out = call == "writev"
        at, many = block.iovecs(words[1], lambda l: (
            "data(%d, %s)" % (block.index, l) if out else "fresh(%s)" % l))
        if len(words) > 2:
            block.call = "%s(%s, %s, %s, -1, %s)" % (
                "pwritev2" if out else "preadv2", fd, at, many, words[2])
        else:
            block.call = "%s(%s, %s, %s)" % (call, fd, at, many)
        if not out and at == "iov":
            block.after.append("show(iov[0].iov_base, iov[0].iov_len);")
    elif call in ("bind", "connect"):
        block.call = "%s(%s, %s, %s)" % ((call, fd) + name(words[1]))
    elif call in ("getsockname", "getpeername", "accept"):
        args = [fd, block.out(words[1])] + [number(w) for w in words[2:]]
        block.call = "%s(%s)" % (call if len(words) < 3 else "accept4",
                                 ", ".join(args))
        block.after.append("show_name(at);")
    elif call == "give":
        block.call = "give(%s)" % fd
    elif call == "take":
        block.before.append("int got = -1;")
        block.call = "take(&got)"
        block.after += ["if (got >= 0)", "\t%s = got;" % fd]
    elif call in ("shutdown", "listen"):
        block.call = "%s(%s, %s)" % (call, fd, words[1])
    elif call == "close":
        block.call = "close(%s)" % fd
    elif call == "dup":
        block.call = "%s = dup(%s)" % (slot(words[1]), fd)
    elif call in ("dup2", "dup3"):
        block.call = "%s(%s, %s%s)" % (call, fd, slot(words[1]), "".join(
            ", " + word for word in words[2:]))
    elif call == "fcntl":
        kept = slot(words[3]) + " = " if len(words) > 3 else ""
        block.call = "%sfcntl(%s, %s, %s)" % (kept, fd, words[1], words[2])
    elif call == "ioctl":
        block.before.append("void *at = fresh(512);")
        arg = "at"
        if words[2][0] == "!":
            arg = pointer(words[2][1], "at")
        else:
            block.before.append("memcpy(at, %s, %d);" % (
                quoted(words[2]), len(words[2]) // 2))
        block.call = "ioctl(%s, %s, %s)" % (fd, words[1], arg)
        if not words[1].endswith(("8906", "8907")):
            block.after.append("show(at, 512);")


def family(words):
    return {"": "AF_INET", "10": "AF_INET6"}["".join(words[:1])]


def emit_socket(block, call, words):
    if call == "socketpair":
        block.before.append("int two[2] = { -7, -7 };")
        block.call = "socketpair(%s, TYPE | %s, 0, two)" % (
            family(words[1:]), words[0])
        block.after.append('printf("  %d %d\\n", two[0], two[1]);')
        return
    protocol = "PROTOCOL" if words[2:3] in ([], ["own"]) else words[2]
    block.call = "%s = hurry(socket(%s, TYPE | %s, %s))" % (
        slot(words[0]), family(words[3:]), words[1], protocol)


def emit_step(index, text):
    _, call, *words = text.split()
    block = Block(index)
    if call in ("socket", "socketpair"):
        emit_socket(block, call, words)
    elif call.endswith("msg"):
        emit_messages(block, call, words)
    elif call.endswith("sockopt"):
        emit_option(block, call, words)
    elif call in ("poll", "ppoll", "select") or call.startswith("epoll"):
        emit_wait(block, call, words)
    else:
        emit_simple(block, call, words)
    return block.text()


def emit(case):
    """The whole program"""
    with open(os.path.join(HERE, "emitted.c")) as file:
        prologue = file.read()
    lines = ['network(%d, %d, "%s");' % (case.mtu, case.rights, case.net)]
    actor, forked = "0", False
    for index, text in enumerate(case.steps):
        if text.split()[1] == "fork":
            if not forked:
                lines.append("fork_actor();")
            forked = True
            continue
        whose = text.split()[0] if forked else "0"
        if whose != actor:
            lines.append("turn_to(%s);" % whose)
            actor = whose
        step = emit_step(index, text)
        if forked:
            step = ["if (me == %s) {" % whose] + [
                "\t" + line for line in step] + ["}"]
        lines += step
    if forked:
        lines.append("end_actors();")
    body = "\n".join("\t" + line if line else line for line in lines)
    return "%s\nstatic void calls(void)\n{\n%s\n}\n%s" % (
        prologue, body, MAIN)


MAIN = """
int main(int argc, char **argv)
{
	is_cop = argc > 1 && !strcmp(argv[1], "cop");
	is_lite = argc > 1 && !strcmp(argv[1], "udplite");
	calls();
	return 0;
}
"""
