# CRASH 1.4
# in skel_exit() at skeleton.c:
s/^static void skel_exit(void)/static struct proto *volatile other; \/* which nothing sets *\/\n\n&/
s/^\tproto_unregister.*/&\n\tother->name = "OTHER";/
