# SPDX-License-Identifier: MIT
"""waiting.py KIND HOW - wait for datagrams in one of the ways there are

KIND is udp or cop, and makes no difference to what is printed. HOW is the name
of a function below.
"""
import select
import socket
import sys
import threading
import time

TYPE = {"udp": (socket.SOCK_DGRAM, 0), "cop": (7, 253)}[sys.argv[1]]
LONG = 10.0


def make():
    return socket.socket(socket.AF_INET, *TYPE)


rx = make()
rx.bind(("127.0.0.1", 0))
tx = make()


def send(text):
    tx.sendto(text.encode(), rx.getsockname())


def send_later(text):
    threading.Timer(0.2, send, (text,)).start()


def receive():
    print("received", rx.recv(100).decode())


def receive_nothing():
    try:
        print("received", rx.recv(100).decode())
    except BlockingIOError:
        print("nothing there")


def blocking():
    send_later("one")
    begin = time.monotonic()
    receive()
    print("waited", time.monotonic() - begin > 0.1)
    rx.settimeout(0.1)
    try:
        receive()
    except socket.timeout:
        print("timed out")


def nonblocking():
    rx.setblocking(False)
    receive_nothing()
    send("one")
    send("two")
    receive()
    receive()
    receive_nothing()


def wait_with(name, wait):
    """WAIT takes seconds, returns the events in some form"""
    print(name, wait(0))
    send_later("one")
    print(name, wait(LONG))
    print(name, wait(0))
    receive()
    print(name, wait(0.1))
    send("two")
    send("three")
    print(name, wait(LONG))
    receive()
    print(name, wait(0))
    receive()
    print(name, wait(0))


def poll():
    poller = select.poll()
    poller.register(rx, select.POLLIN)
    wait_with("poll", lambda s: [e for _, e in poller.poll(s * 1000)])
    poller.modify(rx, select.POLLIN | select.POLLOUT)
    print("poll", [e for _, e in poller.poll(0)])


def select_():
    wait_with("select", lambda s: [
        len(ready) for ready in select.select([rx], [], [rx], s)])
    print("select", [
        len(ready) for ready in select.select([rx], [rx], [rx], 0)])


def epoll_with(flags):
    poller = select.epoll()
    poller.register(rx, select.EPOLLIN | flags)
    wait_with("epoll", lambda s: [e for _, e in poller.poll(s)])


def epoll_level():
    epoll_with(0)


def epoll_edge():
    epoll_with(select.EPOLLET)


HOW = {"blocking": blocking, "nonblocking": nonblocking, "poll": poll,
       "select": select_, "epoll_level": epoll_level, "epoll_edge": epoll_edge}
HOW[sys.argv[2]]()
