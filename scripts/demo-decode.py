# SPDX-License-Identifier: MIT
"""demo-decode.py FILE PORT MESSAGE - spell out a COP exchange, and check it.

tcpdump -w or relay.py --show has written FILE. It must hold two datagrams: the
first goes to PORT, the second is its answer. Both carry MESSAGE and a valid COP
header. See include/cop.h for its layout.
"""
import struct
import sys

PCAP_MAGIC = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}
PCAP_HLEN = 24
PCAP_RECORD_HLEN = 16
ETHERNET = 1
ETHERNET_HLEN = 14
UDP_HLEN = 8
COP_HLEN = 16


def captured(data, order):
    """The UDP datagrams of a capture: source port, destination port, payload"""
    (linktype,) = struct.unpack_from(order + "I", data, 20)
    if linktype != ETHERNET:
        sys.exit("the capture has link type %d, not Ethernet's" % linktype)
    at = PCAP_HLEN
    while at < len(data):
        (length,) = struct.unpack_from(order + "8xI", data, at)
        at += PCAP_RECORD_HLEN
        ip = data[at + ETHERNET_HLEN:at + length]
        udp = ip[(ip[0] & 0xF) * 4:]
        source, dest, udp_len = struct.unpack_from("!HHH", udp)
        yield source, dest, udp[UDP_HLEN:udp_len]
        at += length


def relayed(data):
    """The UDP datagrams of relay.py --show, in the same form. Towards the server the
    relay has another port than towards the client, so the reply is not on PORT."""
    for line in data.decode().splitlines():
        source, dest, payload = line.split()
        yield int(source), int(dest), bytes.fromhex(payload)


def is_capture(path):
    with open(path, "rb") as file:
        return file.read(4) in PCAP_MAGIC


def datagrams(path):
    with open(path, "rb") as file:
        data = file.read()
    order = PCAP_MAGIC.get(data[:4])
    return list(captured(data, order) if order else relayed(data))


def show(payload, at, length, name, meaning):
    field = payload[at:at + length]
    print("  %2d  %-12s %-18s %s" % (at, field.hex(" "), name, meaning))


def show_payload(payload, at):
    for start in range(at, len(payload), 16):
        row = payload[start:start + 16]
        text = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        print("  %2d  %-48s %s" % (start, row.hex(" "), text))


def spell_out(payload):
    """Print the header; return its fields"""
    if len(payload) < COP_HLEN:
        sys.exit("%d bytes are too short for COP" % len(payload))
    magic, ver_hlen, flags, source, dest, seq, tstamp = struct.unpack_from(
        "!HBBHHII", payload)
    version, words = ver_hlen >> 4, ver_hlen & 0xF
    first = ", the first of its flow" if flags & 1 else ""
    show(payload, 0, 2, "magic", "0x%04X" % magic)
    show(payload, 2, 1, "version, header", "%d, %d words" % (version, words))
    show(payload, 3, 1, "flags", "0x%02x%s" % (flags, first))
    show(payload, 4, 2, "source port", source)
    show(payload, 6, 2, "destination port", dest)
    show(payload, 8, 4, "sequence number", seq)
    show(payload, 12, 4, "timestamp", "%d us" % tstamp)
    print("      payload, %d bytes" % (len(payload) - words * 4))
    show_payload(payload, words * 4)
    return {"magic": magic, "version": version, "words": words,
            "flags": flags, "source": source, "dest": dest, "seq": seq,
            "payload": payload[words * 4:]}, tstamp


def examine(title, datagram, message):
    """Print a datagram and its errors; return its timestamp"""
    source, dest, payload = datagram
    print("%s: UDP port %d to %d, %d bytes" %
          (title, source, dest, len(payload)))
    fields, tstamp = spell_out(payload)
    expected = {"magic": 0xC0B1, "version": 1, "words": 4, "flags": 1,
                "source": source, "dest": dest, "seq": 0,
                "payload": message}
    wrong = [name for name in expected if fields[name] != expected[name]]
    if wrong:
        sys.exit("wrong in the %s: %s" % (title, ", ".join(wrong)))
    return tstamp


def main(path, port, message):
    found = datagrams(path)
    if len(found) != 2:
        sys.exit("%d datagrams, not two, crossed the wire" % len(found))
    if found[0][1] != port:
        sys.exit("the request did not go to port %d" % port)
    if port not in found[1][:2] and is_capture(path):
        sys.exit("the reply is not on port %d" % port)
    sent, answered = (examine(title, datagram, message) for title, datagram
                      in zip(("request", "reply"), found))
    if (answered - sent) % (1 << 32) > 10 * 1000000:
        sys.exit("the reply's timestamp is not after the request's")


main(sys.argv[1], int(sys.argv[2]), sys.argv[3].encode())
