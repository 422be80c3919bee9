# NO 2.2
# Socket type not supported
s/\t\.protocol = IPPROTO_SKEL,/\t.protocol = IPPROTO_IP,/
