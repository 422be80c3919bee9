# NO 2.1
# Socket type not supported
s/\t\.protocol = IPPROTO_SKEL,/\t.protocol = IPPROTO_SKEL - 1,/
