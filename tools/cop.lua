-- SPDX-License-Identifier: MIT
--
-- cop.lua - COP for Wireshark and tshark. Shows the header, gives the payload to
-- the dissector that it would have on UDP, and works out loss, order, duplicates
-- and jitter from the sequence numbers and times of each flow.
--
--     tshark -X lua_script:tools/cop.lua -r FILE
--
-- If root starts Wireshark 4.4, it loads only scripts that are installed for the
-- system.
--
-- The layout is that of include/cop.h. The analysis is that of flow/source.c,
-- with the same names, so that its figures mean the same as those of
-- COP_STATS. Here a flow is all datagrams from one UDP address and port to
-- another.
--
-- No number here is above 2^53, so Lua 5.2 and later versions all have it
-- exactly.
--
-- luacheck: std lua52, max line length 82
-- luacheck: read globals Proto ProtoField ProtoExpert Pref Dissector
-- luacheck: read globals DissectorTable NSTime Int64 UInt64 get_preference
-- luacheck: read globals base expert frametype Dir

if Dissector.get("cop") then
    io.stderr:write("cop.lua: COP has a dissector already, which stays\n")
    return
end

local MAGIC, VERSION = 0xC0B1, 1
local HLEN = 16
local F_FIRST, RESERVED = 0x01, 0xFE
local WORD, HALF = 0x100000000, 0x80000000

local cop = Proto("cop", "COP Datagram")
local udp_ports = DissectorTable.get("udp.port")

-- ---- the fields ------------------------------------------------------------

local f = {
    magic = ProtoField.uint16("cop.magic", "Magic", base.HEX),
    version = ProtoField.uint8("cop.version", "Version", base.DEC, nil, 0xF0),
    hdr_len = ProtoField.uint8("cop.hdr_len", "Header length"),
    flags = ProtoField.uint8("cop.flags", "Flags", base.HEX),
    reserved = ProtoField.uint8("cop.flags.reserved", "Reserved", base.HEX, nil,
                                RESERVED),
    first = ProtoField.bool("cop.flags.first", "First datagram of its flow", 8,
                            nil, F_FIRST),
    srcport = ProtoField.uint16("cop.srcport", "Source port"),
    dstport = ProtoField.uint16("cop.dstport", "Destination port"),
    port = ProtoField.uint16("cop.port", "Source or destination port"),
    seq = ProtoField.uint32("cop.seq", "Sequence number"),
    tstamp = ProtoField.uint32("cop.tstamp", "Timestamp, microseconds"),
    options = ProtoField.bytes("cop.options", "Options"),
    len = ProtoField.uint32("cop.len", "Payload length"),
    payload = ProtoField.bytes("cop.payload", "Payload"),
}

-- The figures of a flow, from its first datagram up to this one.
local a = {
    branch = ProtoField.none("cop.analysis", "Analysis of the flow"),
    flow = ProtoField.uint32("cop.analysis.flow", "Flow index"),
    datagrams = ProtoField.uint32("cop.analysis.datagrams",
                                  "Datagrams of the flow so far"),
    number = ProtoField.int64("cop.analysis.number", "Relative number"),
    previous = ProtoField.framenum("cop.analysis.previous",
                                   "Previous datagram of the flow"),
    since = ProtoField.relative_time("cop.analysis.since",
                                     "Time since the previous datagram"),
    variation = ProtoField.relative_time(
        "cop.analysis.delay_variation",
        "Delay variation from the previous datagram"),
    jitter = ProtoField.double("cop.analysis.jitter_us",
                               "Jitter (RFC 3550), microseconds"),
    gap = ProtoField.uint32("cop.analysis.gap_us",
                            "Longest time without a datagram, us"),
    missing = ProtoField.uint32("cop.analysis.missing",
                                "Datagrams missing before this one"),
    original = ProtoField.framenum("cop.analysis.duplicate_of",
                                   "Came before in", base.NONE,
                                   frametype.DUP_ACK),
    lost = ProtoField.uint64("cop.analysis.lost", "Lost so far"),
    reordered = ProtoField.uint32("cop.analysis.reordered",
                                  "Reordered so far"),
    duplicated = ProtoField.uint32("cop.analysis.duplicated",
                                   "Duplicated so far"),
    unordered = ProtoField.uint32("cop.analysis.unordered",
                                  "Late after a cut header so far"),
    restarts = ProtoField.uint32("cop.analysis.restarts", "Restarts so far"),
}

local function expert_field(name, text, group, severity)
    return ProtoExpert.new("cop.expert." .. name, text, group, severity)
end

local GROUP, SEVERITY = expert.group, expert.severity
local e = {
    short = expert_field("short", "Too short for a header", GROUP.MALFORMED,
                         SEVERITY.ERROR),
    version = expert_field("version", "Unknown version", GROUP.PROTOCOL,
                           SEVERITY.WARN),
    length = expert_field("length", "Impossible header length",
                          GROUP.MALFORMED, SEVERITY.ERROR),
    options = expert_field("options", "Unknown options", GROUP.UNDECODED,
                           SEVERITY.NOTE),
    flags = expert_field("flags", "Unknown flags", GROUP.PROTOCOL,
                         SEVERITY.NOTE),
    ports = expert_field("ports", "Ports are not UDP's", GROUP.PROTOCOL,
                         SEVERITY.CHAT),
    cut = expert_field("cut", "Header is cut short", GROUP.UNDECODED,
                       SEVERITY.NOTE),
    missing = expert_field("missing", "Datagrams are missing", GROUP.SEQUENCE,
                           SEVERITY.WARN),
    reordered = expert_field("reordered", "Reordered", GROUP.SEQUENCE,
                             SEVERITY.NOTE),
    duplicate = expert_field("duplicate", "Duplicate", GROUP.SEQUENCE,
                             SEVERITY.NOTE),
    unordered = expert_field("unordered", "Late", GROUP.SEQUENCE,
                             SEVERITY.NOTE),
    restart = expert_field("restart", "The sender has begun again",
                           GROUP.SEQUENCE, SEVERITY.NOTE),
}

local function values(...)
    local all = {}
    for _, fields in ipairs({...}) do
        for _, field in pairs(fields) do
            all[#all + 1] = field
        end
    end
    return all
end

cop.fields = values(f, a)
cop.experts = values(e)

cop.prefs.ports = Pref.range(
    "COP UDP ports", "", "On these ports COP comes before other protocols; " ..
    "on all others it gets what no other protocol takes", 65535)
cop.prefs.payload = Pref.bool(
    "Dissect payloads", true, "Give the payload to the dissector that it " ..
    "would have on UDP")
cop.prefs.analyze = Pref.bool(
    "Analyze sequence numbers", true, "Show loss, order, duplicates and " ..
    "jitter of each flow")

-- ---- the header's small fields ----------------------------------------------

local function version_of(tvb)
    return tvb(2, 1):bitfield(0, 4)
end

local function header_length(tvb)
    return tvb(2, 1):bitfield(4, 4) * 4
end

local function is_first(tvb)
    return tvb(3, 1):bitfield(7) == 1
end

-- ---- a flow's numbers and times: flow/source.c -------------------------------

local WINDOW = 64
local AHEAD_US = 10000
local BEHIND_US = 255000000
local POSITION_ZERO = WORD

local function int32(n)
    n = n % WORD
    return n < HALF and n or n - WORD
end

local function source_new()
    return {
        datagrams = 0, missing = 0, lost = 0, reordered = 0, duplicated = 0,
        unordered = 0, restarts = 0, jitter = 0, gap = 0,
        window = {}, -- position: the frame that it arrived in
    }
end

local function stretch_begin(s, arrival)
    s.lost = s.lost + s.missing
    s.missing = 0
    s.base = POSITION_ZERO + arrival.seq
    s.highest = s.base
    s.window = {[s.base] = arrival.frame}
end

local function sender_begins(s, arrival)
    stretch_begin(s, arrival)
    s.origin = s.base
    s.saw_first = arrival.first
    s.first_tstamp = arrival.tstamp
    s.last_tstamp = arrival.tstamp
    s.torn, s.skip = false, false
end

-- Returns how much later this datagram was sent than the latest one before.
-- The sender's clock wraps after 71 minutes, so the time that has passed here
-- counts too.
local function newer_by(s, arrival)
    local silent = math.max(arrival.now - s.stop, 0)
    return silent + int32(arrival.tstamp - s.last_tstamp - silent)
end

local function is_other_first(s, arrival)
    return arrival.first and s.saw_first and arrival.tstamp ~= s.first_tstamp
end

local function has_restarted(s, arrival, newer, ahead)
    if newer < -BEHIND_US then
        return arrival.first or ahead <= 0
    elseif arrival.first then
        return newer > 0 or (is_other_first(s, arrival) and
                             int32(arrival.tstamp - s.first_tstamp) > 0)
    end
    return ahead <= 0 and newer > AHEAD_US
end

local function came_before(s, arrival, behind)
    local position = s.highest - behind
    if arrival.first and s.saw_first then
        return true
    elseif behind < WINDOW then
        return s.window[position] ~= nil
    end
    return position >= s.base and s.missing == 0
end

local function goes_on(s, arrival, ahead)
    if ahead < WINDOW then
        local oldest = s.highest - WINDOW + 1
        for position = oldest, oldest + ahead - 1 do
            s.window[position] = nil
        end
    else
        s.window = {}
    end
    s.highest = s.highest + ahead
    s.missing = s.missing + ahead - 1
    s.window[s.highest] = arrival.frame
end

local function is_late(s, arrival, behind)
    local position = s.highest - behind
    if behind < WINDOW then
        s.window[position] = arrival.frame
    end
    if position < s.base then
        s.missing = s.missing + s.base - position - 1
        s.base = position
    elseif s.missing > 0 then
        s.missing = s.missing - 1
    end
end

-- Returns what the datagram is; for a duplicate the frame of the original; and
-- whether its number is new. A capture is in the order of arrival, so a late
-- datagram is a reordered one.
local function falls_behind(s, arrival, behind)
    if s.skip or (s.torn and s.highest - behind < s.base) then
        s.unordered = s.unordered + 1
        return "unordered"
    elseif is_other_first(s, arrival) then
        s.reordered = s.reordered + 1
        return "reordered"
    elseif came_before(s, arrival, behind) then
        s.duplicated = s.duplicated + 1
        return "duplicate", behind < WINDOW and s.window[s.highest - behind]
    end
    s.reordered = s.reordered + 1
    is_late(s, arrival, behind)
    return "reordered", nil, true
end

-- Returns the same; for the next datagram the second result is how many are
-- missing before it.
local function take_number(s, arrival, newer)
    local ahead = int32(arrival.seq - s.highest)
    if has_restarted(s, arrival, newer, ahead) then
        sender_begins(s, arrival)
        s.restarts = s.restarts + 1
        return "restart"
    elseif ahead <= 0 then
        return falls_behind(s, arrival, -ahead)
    elseif s.skip then
        stretch_begin(s, arrival)
        s.torn, s.skip = true, false
        return "next", 0, true
    end
    goes_on(s, arrival, ahead)
    return "next", ahead - 1, true
end

-- Returns the delay variation.
local function take_jitter(s, transit)
    local d = int32(transit - s.transit)
    local decay = math.floor((s.jitter + 8) / 16)
    s.jitter = s.jitter + math.min(math.abs(d), BEHIND_US) - decay
    s.transit = transit
    return d
end

local function take_gap(s, now)
    s.gap = math.max(s.gap, math.min(now - s.stop, WORD - 1))
    s.stop = math.max(s.stop, now)
end

local function source_begin(s, arrival)
    sender_begins(s, arrival)
    s.stop = arrival.now
    s.transit = (arrival.now - arrival.tstamp) % WORD
    return "next", 0
end

-- Returns what the datagram is, take_number()'s second result, and the delay
-- variation.
local function source_goes_on(s, arrival)
    local transit = (arrival.now - arrival.tstamp) % WORD
    local newer = newer_by(s, arrival)
    local what, number, fresh = take_number(s, arrival, newer)
    local variation
    if what == "restart" then
        s.transit = transit
    elseif fresh then
        variation = take_jitter(s, transit)
    end
    if newer > 0 or newer < -BEHIND_US then
        s.last_tstamp = arrival.tstamp
    end
    take_gap(s, arrival.now)
    return what, number, variation
end

local function source_update(s, arrival)
    local take = s.datagrams == 0 and source_begin or source_goes_on
    local what, number, variation = take(s, arrival)
    if arrival.first and not s.saw_first then
        s.saw_first = true
        s.first_tstamp = arrival.tstamp
    end
    s.datagrams = s.datagrams + 1
    return what, number, variation
end

local function source_skip(s)
    s.skip = s.datagrams > 0
end

-- ---- the flows of a capture -------------------------------------------------

local addresses, flows, flow_count

-- The figures of each datagram, from when the script first saw it. Wireshark
-- shows datagrams at any time and in any order. A column for each figure takes
-- a fifth of the memory of a table for each datagram, and a figure that is 0
-- takes none.
local kept, kept_count

function cop.init()
    addresses, flows, flow_count = {}, {}, 0
    kept, kept_count = {}, 0
end

-- Returns a number for an address. Its text may be a name, and may change
-- during the capture.
local function address_index(address)
    local low, high = 1, #addresses
    while low <= high do
        local middle = math.floor((low + high) / 2)
        local known = addresses[middle]
        if known.address == address then
            return known.index
        elseif known.address < address then
            low = middle + 1
        else
            high = middle - 1
        end
    end
    local index = #addresses
    table.insert(addresses, low, {address = address, index = index})
    return index
end

local function flow_of(pinfo)
    local key = string.format("%d %d %d %d", address_index(pinfo.src),
                              address_index(pinfo.dst), pinfo.src_port,
                              pinfo.dst_port)
    local flow = flows[key]
    if not flow then
        flow = {index = flow_count, source = source_new(), ids = {}}
        flow_count = flow_count + 1
        flows[key] = flow
    end
    return flow
end

local function keep(figures)
    kept_count = kept_count + 1
    for name, value in pairs(figures) do
        if value and value ~= 0 then
            kept[name] = kept[name] or {}
            kept[name][kept_count] = value
        end
    end
    return kept_count
end

local function recall(id)
    local figures = {}
    for name, column in pairs(kept) do
        figures[name] = column[id]
    end
    return figures
end

local function find_out(flow, arrival)
    local s, before = flow.source, flow.last
    local what, number, variation = source_update(s, arrival)
    local position = s.highest + int32(arrival.seq - s.highest)
    flow.last = arrival
    return {
        what = what, flow = flow.index, datagrams = s.datagrams,
        number = position - s.origin,
        missing = what == "next" and number,
        original = what == "duplicate" and number,
        previous = before and before.frame,
        since = before and arrival.now - before.now,
        variation = variation, compared = variation and true,
        jitter = s.jitter, gap = s.gap, lost = s.lost + s.missing,
        reordered = s.reordered, duplicated = s.duplicated,
        unordered = s.unordered, restarts = s.restarts,
    }
end

-- A frame may hold several datagrams; their offsets tell them apart.
local function place(tvb, pinfo, more)
    return pinfo.number * 0x100000 + (tvb:offset() + (more or 0)) % 0x100000
end

local function microseconds(pinfo)
    return math.floor(pinfo.abs_ts * 1000000 + 0.5)
end

local function figures_of(tvb, pinfo)
    local flow = flow_of(pinfo)
    local at = place(tvb, pinfo)
    if not flow.ids[at] then
        flow.ids[at] = keep(find_out(flow, {
            frame = pinfo.number, now = microseconds(pinfo),
            first = is_first(tvb), seq = tvb(8, 4):uint(),
            tstamp = tvb(12, 4):uint(),
        }))
    end
    return recall(flow.ids[at])
end

-- For a datagram, @more bytes behind the beginning, whose sequence number was not
-- captured.
local function skip_unknown(tvb, pinfo, more)
    local flow = flow_of(pinfo)
    local at = place(tvb, pinfo, more)
    if not flow.ids[at] then
        flow.ids[at] = 0
        source_skip(flow.source)
    end
end

-- ---- showing the figures ----------------------------------------------------

local function nstime(us)
    local seconds = us < 0 and math.ceil(us / 1000000)
        or math.floor(us / 1000000)
    return NSTime.new(seconds, (us - seconds * 1000000) * 1000)
end

-- The remark on a datagram in the list of packets, and in Wireshark's expert
-- notes.
local remarks = {
    next = function(figures)
        if figures.missing then
            return e.missing, string.format("%d missing", figures.missing)
        end
    end,
    reordered = function() return e.reordered, "Reordered" end,
    unordered = function() return e.unordered, "Late" end,
    restart = function() return e.restart, "Restart" end,
    duplicate = function(figures)
        if figures.original then
            return e.duplicate,
                string.format("Duplicate of #%d", figures.original)
        end
        return e.duplicate, "Duplicate"
    end,
}

local function show_times(tree, figures)
    if figures.previous then
        tree:add(a.previous, figures.previous):set_generated()
        tree:add(a.since, nstime(figures.since or 0)):set_generated()
    end
    if figures.compared then
        tree:add(a.variation, nstime(figures.variation or 0)):set_generated()
    end
    tree:add(a.jitter, (figures.jitter or 0) / 16):set_generated()
    tree:add(a.gap, figures.gap or 0):set_generated()
end

local function show_numbers(tree, figures)
    tree:add(a.number, Int64.new(figures.number or 0)):set_generated()
    for _, name in ipairs({"missing", "original"}) do
        if figures[name] then
            tree:add(a[name], figures[name]):set_generated()
        end
    end
    tree:add(a.lost, UInt64.new(figures.lost or 0)):set_generated()
    for _, name in ipairs({"reordered", "duplicated", "unordered", "restarts"}) do
        tree:add(a[name], figures[name] or 0):set_generated()
    end
end

-- Returns the remark for the list of packets.
local function show_figures(tree, figures)
    local branch = tree:add(a.branch)
    branch:set_generated()
    branch:add(a.flow, figures.flow or 0):set_generated()
    branch:add(a.datagrams, figures.datagrams):set_generated()
    show_numbers(branch, figures)
    show_times(branch, figures)
    local field, remark = remarks[figures.what](figures)
    if field then
        branch:add_proto_expert_info(field, remark)
        return "[" .. remark .. "] "
    end
    return ""
end

-- ---- the header -------------------------------------------------------------

local function show_flags(tree, tvb)
    local unknown = tvb(3, 1):bitfield(0, 7) * 2
    local item = tree:add(f.flags, tvb(3, 1))
    item:add(f.reserved, tvb(3, 1))
    item:add(f.first, tvb(3, 1))
    if unknown ~= 0 then
        item:add_proto_expert_info(e.flags, string.format(
            "Unknown flags 0x%02x, which a receiver ignores", unknown))
    end
end

local function show_header_length(tree, tvb)
    local hlen = header_length(tvb)
    tree:add(f.hdr_len, tvb(2, 1), hlen):append_text(string.format(
        " bytes (%d words)", hlen / 4))
end

local function show_port(tree, range, field, name, udps)
    local item = tree:add(field, range)
    tree:add(f.port, range):set_hidden()
    if range:uint() ~= udps then
        item:add_proto_expert_info(e.ports, string.format(
            "The %s port was %d when it was sent, UDP's is %d: a NAT is on " ..
            "the way", name, range:uint(), udps))
    end
end

-- Each part with its end, so that a cut header is shown as far as it goes.
local parts = {
    {2, function(tree, tvb) tree:add(f.magic, tvb(0, 2)) end},
    {3, function(tree, tvb) tree:add(f.version, tvb(2, 1)) end},
    {3, show_header_length},
    {4, show_flags},
    {6, function(tree, tvb, pinfo)
        show_port(tree, tvb(4, 2), f.srcport, "source", pinfo.src_port)
    end},
    {8, function(tree, tvb, pinfo)
        show_port(tree, tvb(6, 2), f.dstport, "destination", pinfo.dst_port)
    end},
    {12, function(tree, tvb) tree:add(f.seq, tvb(8, 4)) end},
    {16, function(tree, tvb) tree:add(f.tstamp, tvb(12, 4)) end},
}

local function show_header(tree, tvb, pinfo)
    for _, part in ipairs(parts) do
        if part[1] <= tvb:captured_len() then
            part[2](tree, tvb, pinfo)
        end
    end
end

local function show_options(tree, tvb)
    local stop = math.min(header_length(tvb), tvb:captured_len())
    if stop > HLEN then
        tree:add(f.options, tvb(HLEN, stop - HLEN)):add_proto_expert_info(
            e.options, "Unknown options, which a receiver skips")
    end
end

-- ---- the payload ------------------------------------------------------------

-- The dissectors of UDP's ports, before a preference or Decode As gives ports
-- to COP.
local standard = {}
for port = 0, 65535 do
    standard[port] = udp_ports:get_dissector(port)
end

-- The payload that another dissector works on at the moment, by frame and length.
-- COP does not take data of this length or more: it is that payload itself. A COP
-- datagram that is tunnelled inside the payload is shorter.
local handed = {}

local function is_handed(tvb, pinfo)
    return handed.frame == pinfo.number and tvb:reported_len() >= handed.len
end

-- Only a payload that was captured whole goes to another dissector. A range of
-- a cut one does not know its full length, so the dissector would call it
-- malformed. And with the full length pcall() does not see the dissector's
-- error, and after some 200 such errors Lua fails.
local function is_whole(tvb)
    return tvb:captured_len() == tvb:reported_len()
end

local function while_handed(tvb, pinfo, call)
    local outer = handed
    handed = {frame = pinfo.number, len = tvb:reported_len()}
    local fine, taken = pcall(call) -- a malformed payload is an error
    handed = outer
    return not fine or taken
end

-- UDP's dissector asks for the lower port first.
local function dissector_of_ports(pinfo)
    local ports = {pinfo.src_port, pinfo.dst_port}
    table.sort(ports)
    for _, port in ipairs(ports) do
        local dissector = udp_ports:get_dissector(port)
        if dissector and tostring(dissector) == cop.name then
            dissector = standard[port]
        end
        if dissector then
            return dissector
        end
    end
end

local function by_port(tvb, pinfo, root)
    local dissector = dissector_of_ports(pinfo)
    if not dissector then
        return false
    end
    while_handed(tvb, pinfo, function()
        dissector:call(tvb, pinfo, root)
    end)
    return true
end

local function by_looks(tvb, pinfo, root)
    return while_handed(tvb, pinfo, function()
        return DissectorTable.try_heuristics("udp", tvb, pinfo, root)
    end)
end

local function as_data(tvb, pinfo, root)
    return Dissector.get("data"):call(tvb, pinfo, root)
end

local function hand_on(tvb, pinfo, root)
    local first, second = by_port, by_looks
    if get_preference("udp.try_heuristic_first") then
        first, second = by_looks, by_port
    end
    return first(tvb, pinfo, root) or second(tvb, pinfo, root) or
        as_data(tvb, pinfo, root)
end

-- The payload's dissector overwrites the columns, except for the fenced part.
-- If it writes nothing, the columns get their old text again. The remark is
-- put in front last, because some dissectors begin with a comma if they find
-- text.
local function hand_on_below(tvb, pinfo, root, remark)
    local cols = pinfo.cols
    local protocol, info = tostring(cols.protocol), tostring(cols.info)
    cols.protocol:append("/")
    cols.protocol:fence()
    cols.info:set("")
    local fenced = tostring(cols.protocol)
    hand_on(tvb, pinfo, root)
    if tostring(cols.protocol) == fenced then
        cols.protocol:clear_fence()
        cols.protocol:set(protocol)
        cols.info:clear_fence()
        cols.info:set(info)
    else
        cols.info:prepend(remark)
    end
end

local function show_payload(tree, tvb, pinfo, root, remark)
    local hlen = header_length(tvb)
    local len = tvb:reported_len() - hlen
    show_options(tree, tvb)
    tree:add(f.len, len):set_generated()
    if len == 0 or tvb:captured_len() <= hlen then
        return
    end
    local payload = tvb(hlen)
    tree:add(f.payload, payload)
    if cop.prefs.payload and is_whole(tvb) then
        hand_on_below(payload:tvb(), pinfo, root, remark)
    end
end

-- ---- a datagram -------------------------------------------------------------

local function has_magic(tvb)
    return tvb:captured_len() >= 2 and tvb(0, 2):uint() == MAGIC
end

-- Returns the remark for the list of packets.
local function analyze(tree, tvb, pinfo)
    if not cop.prefs.analyze or pinfo.in_error_pkt then
        return ""
    elseif tvb:captured_len() < HLEN then
        skip_unknown(tvb, pinfo)
        tree:add_proto_expert_info(e.cut, string.format(
            "Only %d bytes of the header were captured", tvb:captured_len()))
        return "[Cut short] "
    end
    return show_figures(tree, figures_of(tvb, pinfo))
end

-- Why a receiver would drop the datagram: the first reason that
-- cop_hdr_check() finds, as an expert note. Lengths are those on the wire, not
-- those in the capture.
local function fault_of(tvb)
    local len = tvb:reported_len()
    if len < HLEN then
        return e.short, string.format(
            "%d bytes are too short for a header", len)
    elseif tvb:captured_len() < 3 then
        return nil
    elseif version_of(tvb) ~= VERSION then
        return e.version, string.format(
            "Version %d is not known, and is shown as if it were %d",
            version_of(tvb), VERSION)
    elseif header_length(tvb) < HLEN then
        return e.length, string.format(
            "Header length %d is less than %d", header_length(tvb), HLEN)
    elseif header_length(tvb) > len then
        return e.length, string.format(
            "Header length %d is beyond the datagram's %d", header_length(tvb),
            len)
    end
end

local function summary(tvb)
    if tvb:captured_len() < HLEN then
        return string.format("%d bytes", tvb:reported_len())
    end
    return string.format("%d → %d Seq=%d%s", tvb(4, 2):uint(),
                         tvb(6, 2):uint(), tvb(8, 4):uint(),
                         is_first(tvb) and " [First]" or "")
end

local function show_content(tree, tvb, pinfo, root)
    local remark = analyze(tree, tvb, pinfo)
    local len = tvb:reported_len() - header_length(tvb)
    pinfo.cols.info:set(string.format("%s%s Len=%d", remark, summary(tvb), len))
    show_payload(tree, tvb, pinfo, root, remark)
end

-- The tree has the bytes of the header.
local function dissect(tvb, pinfo, root)
    local fault, why = fault_of(tvb)
    local stop = HLEN
    if not fault and tvb:captured_len() > 2 then
        stop = header_length(tvb)
    end
    local tree = root:add(cop, tvb(0, math.min(stop, tvb:captured_len())))
    tree:append_text(", " .. summary(tvb))
    show_header(tree, tvb, pinfo)
    pinfo.cols.protocol:set("COP")
    pinfo.cols.info:set(summary(tvb))
    if fault then
        tree:add_proto_expert_info(fault, why .. ": a receiver drops it")
        pinfo.cols.info:prepend("[Dropped] ")
    elseif tvb:captured_len() > 2 then
        show_content(tree, tvb, pinfo, root)
    end
end

-- ---- runs -------------------------------------------------------------------
--
-- A capture on the sender's host has datagrams that were one send (UDP_SEGMENT)
-- as one packet: header, payload, header, payload, and so on. It does not say
-- at which length the kernel cuts the packet. So the second header is looked
-- for by its bytes, all of which follow from those of the first.

local function network_order(n)
    local bytes = {}
    for i = 4, 1, -1 do
        bytes[i], n = n % 256, math.floor(n / 256)
    end
    return string.char(bytes[1], bytes[2], bytes[3], bytes[4])
end

-- The header of the datagram with this number in the run, from 1 on.
local function header_behind(tvb, number)
    local seq = (tvb(8, 4):uint() + number) % WORD
    return tvb:raw(0, 3) .. "\0" .. tvb:raw(4, 4) .. network_order(seq) ..
        tvb:raw(12, 4)
end

-- Returns the length at which the kernel cuts the packet, or nil if it is one
-- datagram.
local function length_in_run(tvb)
    local len = tvb:captured_len()
    if len < 2 * HLEN or fault_of(tvb) or header_length(tvb) ~= HLEN then
        return nil
    end
    local at = tvb:raw():find(header_behind(tvb, 1), HLEN + 1, true)
    local step = at and at - 1
    for number = 2, at and math.floor((len - HLEN) / step) or 0 do
        if tvb:raw(number * step, HLEN) ~= header_behind(tvb, number) then
            return nil
        end
    end
    local rest = at and tvb:reported_len() % step or 0
    return (rest == 0 or rest >= HLEN) and step or nil
end

-- Shows each datagram that was captured whole.
local function dissect_run(tvb, pinfo, root, step)
    local len = tvb:reported_len()
    local count = math.ceil(len / step)
    for i = 0, count - 1 do
        local at = i * step
        local size = math.min(step, len - at)
        if at + size > tvb:captured_len() then
            if cop.prefs.analyze and not pinfo.in_error_pkt then
                skip_unknown(tvb, pinfo, at)
            end
            break
        end
        pinfo.cols.protocol:clear_fence()
        pinfo.cols.info:clear_fence()
        dissect(tvb(at, size):tvb(), pinfo, root)
    end
    pinfo.cols.protocol:clear_fence()
    pinfo.cols.protocol:set("COP")
    pinfo.cols.info:clear_fence()
    pinfo.cols.info:set(string.format("[%d datagrams] %s", count,
                                      summary(tvb)))
end

local function dissect_all(tvb, pinfo, root)
    local step = length_in_run(tvb)
    if step then
        dissect_run(tvb, pinfo, root, step)
    else
        dissect(tvb, pinfo, root)
    end
    return tvb:captured_len()
end

-- For a port that a preference or Decode As has given to COP. A stray goes to the
-- dissector that the port had before.
function cop.dissector(tvb, pinfo, root)
    if is_handed(tvb, pinfo) then
        return 0
    elseif has_magic(tvb) then
        return dissect_all(tvb, pinfo, root)
    end
    local taken = is_whole(tvb) and by_port(tvb, pinfo, root)
    return taken and tvb:captured_len() or 0
end

-- One in 65,536 datagrams of another protocol begins with the magic by chance.
-- So a datagram that a receiver would drop counts as COP only if a port in its
-- header is UDP's port.
local function looks_like_cop(tvb, pinfo)
    if not has_magic(tvb) or tvb:captured_len() < 3 then
        return false
    elseif not fault_of(tvb) then
        return true
    end
    return tvb:captured_len() >= 8 and
        (tvb(4, 2):uint() == pinfo.src_port or
         tvb(6, 2):uint() == pinfo.dst_port)
end

cop:register_heuristic("udp", function(tvb, pinfo, root)
    if is_handed(tvb, pinfo) or not looks_like_cop(tvb, pinfo) then
        return false
    end
    dissect_all(tvb, pinfo, root)
    return true
end)

-- ---- COP's ports -------------------------------------------------------------

local taken = {}

local function ports_of(range)
    local ports = {}
    for first, last in range:gmatch("(%d+)%-?(%d*)") do
        for port = tonumber(first), tonumber(last) or tonumber(first) do
            ports[port] = true
        end
    end
    return ports
end

function cop.prefs_changed()
    for port in pairs(taken) do
        udp_ports:remove(port, cop)
        if standard[port] then
            udp_ports:add(port, standard[port])
        end
    end
    taken = ports_of(cop.prefs.ports)
    for port in pairs(taken) do
        udp_ports:add(port, cop)
    end
end

udp_ports:add_for_decode_as(cop)

-- ---- transports of modules -------------------------------------------------
--
-- A module may have a file *.lua beside it that returns a description of its
-- header: docs/transports.md shows one. It is looked for in the directories where
-- libcop looks for modules. A file that is damaged is left out, with a message.

-- make install writes its own LIBDIR here.
local LIBDIR = "/usr/local/lib"

-- Packages put modules below one of these, or below its directory for a processor
-- (x86_64-linux-gnu), which need not be the processor that Wireshark is for.
local SYSTEM = {"/usr/local/lib", "/usr/local/lib64", "/usr/lib", "/usr/lib64"}

local FILES_MAX, FIELDS_MAX, HEADER_MAX = 64, 64, 64 -- header: COP_HDR_MAX
local FILE_BYTES_MAX = 65536
local STEPS, CALLS_MAX, MEMORY_MAX = 20, 5000, 16384 -- instructions; calls; kB
local INTEGERS = {
    ProtoField.uint8, ProtoField.uint16, ProtoField.uint24, ProtoField.uint32,
    [8] = ProtoField.uint64,
}
local BASES = {dec = base.DEC, hex = base.HEX}

-- Ends a description that runs on, or whose texts grow and grow.
local function limit()
    local calls, before = 0, collectgarbage("count")
    return function()
        calls = calls + 1
        if calls > CALLS_MAX then
            error("it takes too long", 0)
        end
        if collectgarbage("count") > before + MEMORY_MAX then
            error("it takes too much memory", 0)
        end
    end
end

-- The description gets no functions at all, and not for long.
local function run(text, file)
    local strings = getmetatable("")
    local methods = strings.__index
    local chunk, fault = load(text, "@" .. file, "t", {})
    if not chunk then
        error(fault, 0)
    end
    strings.__index = nil
    debug.sethook(limit(), "", STEPS)
    local fine, result = pcall(chunk)
    debug.sethook()
    strings.__index = methods
    if not fine then
        error(result, 0)
    end
    return result
end

local function read_description(path)
    local handle = assert(io.open(path, "rb"))
    local text = handle:read(FILE_BYTES_MAX + 1) or ""
    handle:close()
    if #text > FILE_BYTES_MAX then
        error("it is too long", 0)
    end
    return run(text, path)
end

local function need(right, what)
    if not right then
        error(what .. " is wrong", 0)
    end
end

local function is_count(n, most)
    return type(n) == "number" and n % 1 == 0 and n >= 0 and n <= most
end

-- A text that can stand in the packet list, or in the name of a filter.
local function is_word(text, pattern)
    return type(text) == "string" and #text <= 32 and
        text:match("^[" .. pattern .. "]+$") ~= nil
end

local function printable(text, otherwise)
    if type(text) ~= "string" then
        return otherwise
    end
    return (text:sub(1, 64):gsub("[%c\127-\255]", "?"))
end

local function field_of(filter, is, i, at)
    local what = "field " .. i
    need(type(is) == "table" and is_word(is[1], "%l%d_"), what)
    need(INTEGERS[is[2]] and at + is[2] <= HEADER_MAX, what)
    need(is.base == nil or BASES[is.base], what)
    local integer = INTEGERS[is[2]]
    return {
        at = at, size = is[2], name = is[1],
        field = integer(filter .. "." .. is[1], printable(is.title, is[1]),
                        BASES[is.base] or base.DEC),
    }
end

local function fields_of(filter, list)
    local fields, names, at = {}, {}, 0
    need(type(list) == "table" and #list >= 1 and #list <= FIELDS_MAX, "fields")
    for i, is in ipairs(list) do
        fields[i] = field_of(filter, is, i, at)
        need(not names[is[1]], "field " .. i)
        names[is[1]] = true
        at = at + is[2]
    end
    return fields, at
end

local function match_of(match, hlen)
    need(type(match) == "table" and is_count(match.offset, hlen) and
         is_count(match.size, 4) and match.size >= 1 and
         match.offset + match.size <= hlen and
         (is_count(match.value, 2 ^ (8 * match.size) - 1) or
          match.size == 4 and match.value == "ports"), "match")
    return {offset = match.offset, size = match.size, value = match.value}
end

-- Checks a description, and takes a copy of it.
local function take_description(d, file)
    need(type(d) == "table", "what it returns")
    need(is_word(d.name, "%w_"), "name")
    local filter = d.name:lower()
    local fields, hlen = fields_of(filter, d.fields)
    return {
        name = d.name, filter = filter, file = file, fields = fields,
        hlen = hlen, title = printable(d.title, d.name),
        match = match_of(d.match, hlen), encoded = d.encoded == true,
    }
end

-- "ports" stands for the two ports of the UDP header.
local function is_of(tvb, pinfo, d)
    local value = d.match.value
    if value == "ports" then
        value = pinfo.src_port * 65536 + pinfo.dst_port
    end
    return tvb:captured_len() >= d.hlen and
        tvb(d.match.offset, d.match.size):uint() == value
end

local function summary_of(tvb, d)
    local text = ""
    for _, field in ipairs(d.fields) do
        if field.at ~= d.match.offset then
            text = text .. string.format("%s=%s ", field.name, tostring(
                field.size <= 4 and tvb(field.at, field.size):uint() or
                tvb(field.at, field.size):uint64()))
        end
    end
    return text .. string.format("Len=%d", tvb:reported_len() - d.hlen)
end

local function dissect_module(d, tvb, pinfo, root)
    local tree = root:add(d.proto, tvb(0, d.hlen))
    tree:append_text(string.format(", as %s describes it", d.file))
    for _, field in ipairs(d.fields) do
        tree:add(field.field, tvb(field.at, field.size))
    end
    pinfo.cols.protocol:set(d.name)
    pinfo.cols.info:set(summary_of(tvb, d))
    if tvb:captured_len() <= d.hlen then
        return
    end
    local payload = tvb(d.hlen):tvb()
    if d.encoded or not is_whole(tvb) then
        as_data(payload, pinfo, root)
    else
        hand_on_below(payload, pinfo, root, "")
    end
end

local function register(d)
    local fields = {}
    d.proto = Proto(d.filter, d.title)
    for i, field in ipairs(d.fields) do
        fields[i] = field.field
    end
    d.proto.fields = fields
    local function take(tvb, pinfo, root)
        if is_handed(tvb, pinfo) or not is_of(tvb, pinfo, d) then
            return false
        end
        dissect_module(d, tvb, pinfo, root)
        return true
    end
    function d.proto.dissector(tvb, pinfo, root)
        return take(tvb, pinfo, root) and tvb:captured_len() or 0
    end
    d.proto:register_heuristic("udp", take)
    udp_ports:add_for_decode_as(d.proto)
end

-- The file that each description came from. A second copy of it, which belongs to
-- the module for another processor, has nothing new.
local described = {}

local function add_description(dir, name)
    local d = take_description(read_description(dir .. "/" .. name), name)
    if described[d.filter] ~= name then
        register(d)
        described[d.filter] = name
    end
end

local function add_module(dir, name)
    local fine, why = pcall(add_description, dir, name)
    if not fine then
        io.stderr:write(string.format("cop.lua: %s is not used: %s\n",
                                      printable(name), printable(why, "")))
    end
end

-- The names in a directory, in order. One that is not there has none.
local function names_in(dir, extension)
    local names = {}
    if Dir.exists(dir) then
        for name in Dir.open(dir, extension) do
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return names
end

local added = {}

local function add_modules(dir)
    local count = 0
    if added[dir] then
        return
    end
    added[dir] = true
    for _, name in ipairs(names_in(dir, ".lua")) do
        if name ~= "cop.lua" and count < FILES_MAX then
            count = count + 1
            add_module(dir, name)
        end
    end
end

for dir in (os.getenv("COP_MODULES") or ""):gmatch("[^:]+") do
    add_modules(dir)
end
add_modules(LIBDIR .. "/cop")
for _, dir in ipairs(SYSTEM) do
    add_modules(dir .. "/cop")
    for _, name in ipairs(names_in(dir)) do
        if name:find("-linux-", 1, true) then
            add_modules(dir .. "/" .. name .. "/cop")
        end
    end
end
