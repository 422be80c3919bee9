-- SPDX-License-Identifier: MIT
--
-- skeleton.lua - the header of skeleton.c, for Wireshark and tshark. tools/cop.lua
-- reads it where COP_MODULES names this folder: docs/transports.md.

return {
    name = "SKEL",
    title = "Skeleton Datagram",
    match = {offset = 0, size = 2, value = 0x534B},
    fields = {
        {"magic", 2, title = "Magic", base = "hex"},
        {"srcport", 2, title = "Source port"},
        {"dstport", 2, title = "Destination port"},
        {"seq", 2, title = "Sequence number"},
    },
}
