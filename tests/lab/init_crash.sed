# CRASH 1.3
# in your module net-pf-2-proto-254-type-8.so, in skel_init() at skeleton.c:
s/^static int skel_init(void)/static struct proto *volatile other; \/* which nothing sets *\/\n\n&/
s/^\tint err = proto_register.*/&\n\n\tother->name = "OTHER";/
