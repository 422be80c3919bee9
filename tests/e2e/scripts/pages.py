# SPDX-License-Identifier: MIT
"""What the pages say is so: their links lead somewhere, their commands work.

    pages.py links ROOT PAGE...     each link leads to a file and a heading
    pages.py blocks ROOT PAGE...    each block of code is of a known kind
    pages.py spans ROOT COP PAGE... each `cop ...` in a sentence has options that
                                    cop's help has, each COP_NAME is in the source
    pages.py names ROOT PAGE...     each `name()`, `struct name` and `file.c` of a
                                    page is in the source
    pages.py rooms ROOT PAGE        the table of rooms is the list in scripts/rooms
    pages.py run PAGE               run the commands of a page, see below

Prints what is wrong, a line for each; exits with 1 if there is any.

A block that is marked sh is run by a shell and must succeed; a python block is run
by cop run. In a console block a command stands behind "$ " and goes on until its
quotes are closed; what follows is what it must print. Numbers, lengths of white
space and the directory of libcop.so may differ. All blocks of a page are run in
order, in the working directory, by one shell: what a block leaves running is there
for the next one. A comment <!-- not run: REASON --> ahead of a block leaves it out.
"""
import html
import itertools
import os
import re
import subprocess
import sys

FENCE = re.compile(r"^```(\w*)\s*$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
KINDS = ("sh", "console", "python", "text", "c", "lua")
MARK = "@@@ end of a command"

wrong = []


def say(page, text):
    """Note what is wrong."""
    wrong.append("%s: %s" % (os.path.basename(page), text))


class Block:
    """A block of code: its kind, its text, why it is not run."""

    def __init__(self, kind, reason):
        self.kind, self.reason, self.lines = kind, reason, []

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


def parse(page):
    """The blocks of a page, and its text without them."""
    blocks, prose, block, reason = [], [], None, None
    for line in open(page, encoding="utf-8").read().splitlines():
        fence = FENCE.match(line)
        if block:
            if line == "```":
                block = None
            else:
                block.lines.append(line)
        elif fence:
            block, reason = Block(fence.group(1), reason), None
            blocks.append(block)
        else:
            if line.startswith("```"):
                say(page, "this is no fence: " + line)
            found = NOT_RUN.match(line)
            if found or line:
                reason = found.group(1) if found else None
            prose.append(line)
    if block:
        say(page, "a block has no end")
    return blocks, prose


# ---- links ------------------------------------------------------------------


def slug(heading):
    """A heading's anchor, as GitHub makes it."""
    heading = re.sub(r"[`*]", "", LINK.sub(r"\1", heading)).strip().lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def anchors(page):
    """All anchors of a page."""
    return [slug(line.lstrip("#")) for line in parse(page)[1]
            if re.match(r"#+ ", line)]


def check_link(root, page, link):
    """A link leads to a file below ROOT, and to a heading of it."""
    if re.match(r"(https?|mailto):", link):
        say(page, "%s can't be checked" % link)
        return
    path, _, anchor = html.unescape(link).partition("#")
    target = page
    if path:
        target = os.path.join(os.path.dirname(page), path)
    if not os.path.exists(target):
        say(page, "%s leads nowhere" % link)
    elif not os.path.realpath(target).startswith(os.path.realpath(root)):
        say(page, "%s leads out of the source" % link)
    elif anchor and anchor not in anchors(target):
        say(page, "%s: there is no such heading" % link)


def check_links(root, pages):
    """All links of these pages."""
    for page in pages:
        text = "\n".join(parse(page)[1])
        for link in LINK.findall(text):
            check_link(root, page, link)
        for name in re.findall(r"\]\[(.*?)\]", text):
            say(page, "a link by reference: " + name)


# ---- blocks -----------------------------------------------------------------


def check_blocks(_, pages):
    """No command hides in a block that is not run."""
    for page in pages:
        blocks, prose = parse(page)
        for block in blocks:
            if block.kind not in KINDS:
                say(page, "a block of an unknown kind '%s'" % block.kind)
            if block.kind == "text" and re.search(r"^\$ ", block.text, re.M):
                say(page, "a text block has a command:\n" + block.text)
        text = re.sub(r"<!-- symbols: begin.*?<!-- symbols: end", "",
                      "\n".join(prose), flags=re.S)
        for line in re.findall(r"(?:^|\n)\n( {4}\S.*)", text):
            say(page, "a block without a fence:" + line)


# ---- what is named ----------------------------------------------------------


def options_of(cop, subcommand):
    """The options of a subcommand, or None."""
    out = subprocess.run([cop, "help"] + ([subcommand] if subcommand else []),
                         capture_output=True, text=True, check=False)
    if out.returncode:
        return None
    return set(re.findall(r"(?<![\w-])--?[a-z]+", out.stdout.replace(
        "-fjn", "-f -j -n"))) | {"--", "--help", "--version", "-h"}


def check_span(page, cop, span):
    """A command in a sentence."""
    words = span.split()[1:]
    subcommand = words.pop(0) if words and words[0][0] != "-" else ""
    options = options_of(cop, subcommand)
    if options is None:
        say(page, "`%s`: there is no such subcommand" % span)
        return
    for word in words:
        if word == "--" or word[0] != "-":
            if subcommand == "run":
                break
            continue
        if word.split("=")[0] not in options:
            say(page, "`%s`: there is no option %s" % (span, word))


def source_names(root):
    """All words COP_NAME in the source."""
    names = set()
    for where, directories, files in os.walk(root):
        directories[:] = [d for d in directories
                          if d not in ("build", ".git", "docs", "man")]
        for name in files:
            if name.endswith((".c", ".h", ".lua")) or name == "Makefile":
                path = os.path.join(where, name)
                names.update(re.findall(r"\bCOP_[A-Z_]+\b", open(
                    path, encoding="utf-8").read()))
    return names


def check_spans(root, args):
    """What is named in the sentences of these pages."""
    cop, pages = args[0], args[1:]
    known = source_names(root)
    for page in pages:
        text = "\n".join(parse(page)[1])
        for span in re.findall(r"`((?:\./)?cop [^`]+)`", text):
            check_span(page, cop, " ".join(span.split()))
        for name in set(re.findall(r"\bCOP_[A-Z_]+\b", text)) - known:
            say(page, "%s is nowhere in the source" % name)


def source_files(root):
    """The C files that are not a test's, each as its text."""
    for where, directories, files in os.walk(root):
        directories[:] = [d for d in directories
                          if d not in ("build", ".git", "tests", "bench")]
        for name in files:
            if name.endswith((".c", ".h")):
                yield open(os.path.join(where, name), encoding="utf-8").read()


def check_names(root, pages):
    """Functions, structs and files that these pages name are in the source."""
    text = "\n".join(source_files(root))
    called = set(re.findall(r"\b(\w+)\(", text))
    structs = set(re.findall(r"\bstruct (\w+)", text))
    for page in pages:
        prose = "\n".join(parse(page)[1])
        for name in re.findall(r"`(\w+)\(\)`", prose):
            if name not in called:
                say(page, "there is no function %s()" % name)
        for name in re.findall(r"`struct (\w+)", prose):
            if name not in structs:
                say(page, "there is no struct %s" % name)
        for name in re.findall(r"`([\w/]+\.(?:c|h|lua|map))`", prose):
            if "NAME" not in name and not os.path.exists(
                    os.path.join(root, name)):
                say(page, "there is no file %s" % name)


def check_rooms(root, pages):
    """A row is "| `NAME` | `FILE` `FOLDER` |", as a line of scripts/rooms."""
    text = open(pages[0], encoding="utf-8").read()
    table = re.search(r"<!-- rooms: begin(.*)<!-- rooms: end", text, re.S)
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", table.group(1), re.M)
    page = [[name] + places.replace("`", "").split() for name, places in rows]
    with open(os.path.join(root, "scripts/rooms"), encoding="utf-8") as lines:
        rooms = [words for words in (line.split("#")[0].split()
                                     for line in lines) if words]
    for is_, should in itertools.zip_longest(page, rooms, fillvalue=["none"]):
        if is_ != should:
            say(pages[0], "a room is '%s', and in scripts/rooms '%s'" % (
                " ".join(is_), " ".join(should)))


# ---- commands ---------------------------------------------------------------


def is_open(command):
    """Whether a command goes on in the next line."""
    return subprocess.run(["bash", "-n"], input=command, text=True,
                          stderr=subprocess.DEVNULL, check=False).returncode


def exchanges(block):
    """The commands of a console block, each with what it is to print."""
    found = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif not found:
            raise ValueError("output ahead of the first command: " + line)
        elif not found[-1][1] and is_open(found[-1][0]):
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
    return found


def plain(lines):
    """Output, without what differs from run to run."""
    text = "\n".join(" ".join(line.split()) for line in lines)
    text = re.sub(r"\S*/libcop\.so", "libcop.so", text)
    return re.sub(r"\d+", "N", text)


class Shell:
    """A shell that stays, so that what one block starts is there for the next."""

    def __init__(self):
        # pylint: disable=consider-using-with
        self.shell = subprocess.Popen(
            ["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def run(self, command):
        """Returns what it printed, and its exit status."""
        text = "{ %s\n} </dev/null\nprintf '\\n%s %%d\\n' $?\n" % (command, MARK)
        self.shell.stdin.write(text.encode())
        self.shell.stdin.flush()
        out = []
        for line in self.shell.stdout:
            line = line.decode(errors="replace").rstrip("\n")
            if line.startswith(MARK):
                break
            out.append(line)
        else:
            return out, -1
        while out and not out[-1]:
            out.pop()
        return out, int(line.split()[-1])

    def start(self, command):
        """A command in the background has a second to get ready."""
        out, status = self.run(command)
        if command.rstrip().endswith("&"):
            more, status = self.run("sleep 1")
            out += more
        return out, status


# As root tshark warns of itself; a shell in the background says nothing.
NOISE = re.compile(r"Running as user \"root\"")


def run_console(page, shell, block):
    """Run each command, compare what it prints."""
    for command, expected in exchanges(block):
        out, status = shell.start(command)
        out = [line for line in out if not NOISE.match(line)]
        if status:
            say(page, "exit status %d: %s\n%s" % (status, command,
                                                  "\n".join(out)))
        elif plain(out) != plain(expected):
            say(page, "%s\n--- prints\n%s\n--- and not\n%s" % (
                command, "\n".join(out), "\n".join(expected)))


def run_block(page, shell, block):
    """Run a block."""
    if block.kind == "console":
        run_console(page, shell, block)
        return
    command = block.text
    if block.kind == "python":
        command = "cop run /usr/bin/python3 - <<'END'\n%sEND" % block.text
    if block.kind == "sh":
        command = "(set -e\n%s)" % block.text
    out, status = shell.run(command)
    if status:
        say(page, "exit status %d:\n%s--- it prints\n%s" % (
            status, block.text, "\n".join(out)))


def run_page(page):
    """Run all commands of a page."""
    shell = Shell()
    count = 0
    for block in parse(page)[0]:
        if block.kind not in ("sh", "console", "python"):
            continue
        if block.reason:
            continue
        count += 1
        run_block(page, shell, block)
    print("%d blocks" % count)


def main():
    """As the first lines say."""
    what, args = sys.argv[1], sys.argv[2:]
    if what == "run":
        run_page(args[0])
    else:
        {"links": check_links, "blocks": check_blocks, "names": check_names,
         "rooms": check_rooms, "spans": check_spans}[what](args[0], args[1:])
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


main()
