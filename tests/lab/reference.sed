# NO 5.12
# refcnt=2
s/^\t\tif (inet_claim_port(p))/\t\tif (inet_claim_port(p) \&\& (sock_hold(sk), 1))/
