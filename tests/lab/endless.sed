# HANGS 3.6
# in skel_get_port() at skeleton.c:
s/inet_next_port(q, p)/inet_next_port(q, 0)/
