-- SPDX-License-Identifier: MIT
--
-- sealed.lua - the header of a sealed datagram, for Wireshark and tshark. tools/cop.lua
-- reads it. Wireshark's Lua has no XChaCha20, so the payload is shown as it is on the
-- wire, with a key or without one: docs/sealed.md.

return {
    name = "SEALED",
    title = "Sealed Datagram, encrypted: Wireshark can't decrypt it",
    match = {offset = 0, size = 3, value = 0x5EA101},
    encoded = true,
    fields = {
        {"magic", 2, title = "Magic", base = "hex"},
        {"version", 1, title = "Version"},
        {"flags", 1, title = "Flags", base = "hex"},
        {"key", 4, title = "Key", base = "hex"},
        {"seq", 4, title = "Sequence number"},
        {"tstamp", 4, title = "Timestamp"},
        {"time", 8, title = "Time of the sender, in microseconds since 1970"},
        {"salt_high", 8, title = "Salt, its first half", base = "hex"},
        {"salt_low", 8, title = "Salt, its second half", base = "hex"},
        {"counter", 8, title = "Counter"},
    },
}
