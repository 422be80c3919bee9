# CRASH 3.5
# in skel_get_port() at skeleton.c:
s/^static int skel_get_port/static unsigned int *volatile used; \/* which nothing sets *\/\n\n&/
s/^\twhile ((p = inet_next_port.*/\tused[q]++;\n&/
