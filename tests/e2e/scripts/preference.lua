-- SPDX-License-Identifier: MIT
--
-- preference.lua - behind the second packet COP's port is another one
--
-- luacheck: std lua52, read globals Listener set_preference apply_preferences

local tap = Listener.new("frame")

function tap.packet(pinfo)
    if pinfo.number == 2 then
        set_preference("cop.ports", "54")
        apply_preferences()
    end
end
