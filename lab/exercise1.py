# SPDX-License-Identifier: MIT
"""Exercise 1: a module and its init"""
import os

import lab
from lab import check, expect

# A function that ends with the call of another one stays on the stack, and so is found
# if that one crashes.
CFLAGS = "-O1 -g -Wall -fno-optimize-sibling-calls"

# A family that the kernel does not have. For it libcop loads net-pf-12.so, so a link of
# this name runs init, and makes no socket yet.
FAMILY = 12


@check("1.1", "make builds the module without a warning", """
    lab.conf and the Makefile name the type and the protocol; the file's name has both:
    net-pf-2-proto-PROTOCOL-type-TYPE.so. transports/skeleton/Makefile shows how.
    """, needs="")
def builds():
    done = lab.plain("make", "-B", "-s", "INCLUDEDIR=" + os.environ["LAB_INCLUDE"],
                     "CFLAGS=" + CFLAGS, cwd=lab.folder())
    text = "\n".join(done.stdout.splitlines()[:8])
    expect(not done.returncode and "warning:" not in text, "%s", text or "make failed")
    expect(os.path.exists(lab.module()), "make has not made %s",
           os.path.basename(lab.module()))


@check("1.2", "it exports its struct module and needs no other library", """
    MODULE_TRANSPORT() at the end of the file defines the one symbol, cop_module. All
    your functions are static. A function of the kernel that cop_transport.h does not
    have is undefined: nothing will provide it.
    """, needs="1.1")
def symbols():
    lines = lab.plain("nm", "-D", lab.module()).stdout.splitlines()
    defined = [line.split()[-1] for line in lines if line.split()[-2] in "TDBRV"]
    missing = [line.split()[-1] for line in lines
               if line.split()[-2] == "U" and "@GLIBC" not in line]
    expect("cop_module" in defined, "there is no symbol cop_module")
    expect(len(defined) == 1, "other symbols are exported: %s",
           " ".join(sorted(set(defined) - {"cop_module"})))
    expect(not missing, "nothing defines %s", " ".join(missing))


@check("1.3", "init registers the transport and returns 0", """
    proto_register() first, then inet_register_protosw(). Return what they return.
    COP_DEBUG=1 says which member of your struct proto can't be right.
    """, needs="1.2")
def init():
    text = load("import os\nos._exit(0)\n")
    said = [line for line in text.splitlines() if "loaded module" in line]
    expect(said, "libcop does not use the module:\n%s", text.strip())


def load(code):
    """Loads the module in another process, and runs the code there."""
    scratch = os.path.dirname(os.environ["LAB_RESULT"])
    link = os.path.join(scratch, "net-pf-%d.so" % FAMILY)
    if not os.path.lexists(link):
        os.symlink(lab.module(), link)
    return lab.python("""
try:
    socket.socket(%d, socket.SOCK_DGRAM, 0)
except OSError:
    pass
""" % FAMILY + code, COP_MODULES=scratch, COP_DEBUG="2")


@check("1.4", "exit ends well", """
    module_exit() names a function that calls inet_unregister_protosw(), then
    proto_unregister(). Free nothing there that a socket may still use.
    """)
def leaves():
    load("")


if __name__ == "__main__":
    lab.main()
