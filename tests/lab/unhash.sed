# NO 3.4
# bind() number 2 to port
s/^static struct proto skel_prot/static void skel_unhash(struct sock *sk)\n{\n}\n\n&/
s/^\t\.get_port = .*/&\n\t.unhash = skel_unhash,/
