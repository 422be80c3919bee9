# SPDX-License-Identifier: MIT
"""asyncio_client.py ADDRESS PORT - talk with asyncio_server.py by endpoints that are
connected, that are not, and by the loop's own calls on a socket"""
import asyncio
import socket
import sys

SERVER = (sys.argv[1], int(sys.argv[2]))
NOBODY = (SERVER[0], SERVER[1] + 1)
FAMILY, ANY = ((socket.AF_INET6, "::") if ":" in SERVER[0]
               else (socket.AF_INET, "0.0.0.0"))


class Listening(asyncio.DatagramProtocol):
    """What comes, in the order in which it comes"""

    def __init__(self):
        self.heard = asyncio.Queue()

    def datagram_received(self, data, peer):
        self.heard.put_nowait((data, peer[:2]))

    def error_received(self, error):
        self.heard.put_nowait((type(error).__name__, None))

    async def hear(self):
        return await asyncio.wait_for(self.heard.get(), 10)


async def connected():
    loop = asyncio.get_running_loop()
    transport, listening = await loop.create_datagram_endpoint(
        Listening, remote_addr=SERVER)
    assert transport.get_extra_info("peername")[:2] == SERVER
    for text in b"one", b"a", b"x" * 30000:
        transport.sendto(text)
        assert await listening.hear() == (text.upper(), SERVER)
    print("connected: three answers")
    for n in range(50):
        transport.sendto(b"number %d" % n)
    for n in range(50):
        assert await listening.hear() == (b"NUMBER %d" % n, SERVER)
    print("connected: fifty at once")
    transport.close()


async def unconnected():
    loop = asyncio.get_running_loop()
    transport, listening = await loop.create_datagram_endpoint(
        Listening, local_addr=(ANY, 0), allow_broadcast=True)
    transport.sendto(b"not connected", SERVER)
    print("unconnected:", *(await listening.hear())[0:1])
    transport.close()


async def nobody_there():
    loop = asyncio.get_running_loop()
    transport, listening = await loop.create_datagram_endpoint(
        Listening, remote_addr=NOBODY)
    transport.sendto(b"anybody?")
    print("nobody there:", (await listening.hear())[0])
    transport.close()


async def socket_calls():
    loop = asyncio.get_running_loop()
    with socket.socket(FAMILY, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_sendto(sock, b"the loop's calls", SERVER)
        data, peer = await asyncio.wait_for(loop.sock_recvfrom(sock, 100), 10)
        assert peer[:2] == SERVER
        print("socket:", data)
        buffer = bytearray(100)
        await loop.sock_sendto(sock, b"end", SERVER)
        size, peer = await asyncio.wait_for(
            loop.sock_recvfrom_into(sock, buffer), 10)
        print("socket:", bytes(buffer[:size]))


async def main():
    await unconnected()
    await asyncio.gather(connected(), nobody_there())
    await socket_calls()


asyncio.run(main())
