# SPDX-License-Identifier: MIT
"""asyncio_server.py ADDRESS PORT - answer each datagram in capitals, until "end\""""
import asyncio
import sys


class Shouting(asyncio.DatagramProtocol):
    def __init__(self, ended):
        self.ended = ended

    def connection_made(self, transport):
        self.transport = transport
        print("bound to", *transport.get_extra_info("sockname")[:2], flush=True)

    def datagram_received(self, data, peer):
        self.transport.sendto(data.upper(), peer)
        if data == b"end":
            self.transport.close()

    def connection_lost(self, error):
        self.ended.set_result(error)


async def serve(address, port):
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    await loop.create_datagram_endpoint(lambda: Shouting(ended),
                                        local_addr=(address, port))
    return await ended


sys.exit(asyncio.run(serve(sys.argv[1], int(sys.argv[2]))))
