# CRASH 2.1
# in skel_init_sock() at skeleton.c:
s/->init(sk)/->init((struct sock *)8)/
