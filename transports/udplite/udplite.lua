-- SPDX-License-Identifier: MIT
--
-- udplite.lua - the header of udplite.c, for Wireshark and tshark. tools/cop.lua reads
-- it where COP_MODULES names this folder: docs/transports.md. No byte of the header is
-- always the same, but it begins with the ports of the UDP header.

return {
    name = "Lite",
    title = "Lightweight User Datagram",
    match = {offset = 0, size = 4, value = "ports"},
    fields = {
        {"srcport", 2, title = "Source port"},
        {"dstport", 2, title = "Destination port"},
        {"coverage", 2, title = "Checksum coverage"},
        {"checksum", 2, title = "Checksum", base = "hex"},
    },
}
