# NO 1.2
# other symbols are exported: skel_get_port
s/^static int skel_get_port/int skel_get_port/
