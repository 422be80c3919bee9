# NO 2.6
# kB larger
s/^#include <errno.h>/&\n#include <stdlib.h>/
s/^static int skel_init_sock/static void *volatile last;\n\n&/
s/^\tpr_info("skel_init_sock.*/\tlast = calloc(1, 100);/
