# NO 4.5
# getpeername() after a disconnect gives no error
s/^static struct proto skel_prot/static int skel_disconnect(struct sock *sk, int fd, const struct sockaddr *uaddr,\n\t\t\t   socklen_t addr_len)\n{\n\treturn 0;\n}\n\n&/
s/^\t\.get_port = .*/&\n\t.disconnect = skel_disconnect,/
