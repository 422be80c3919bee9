# NO 5.2
# wrong byte order
s/htons(SKEL_MAGIC)/SKEL_MAGIC/;s/0xffff, SKEL_MAGIC/0xffff, 0x4b53/
