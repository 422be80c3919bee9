# NO 3.8
# is still held after
s/^\t\tif (inet_claim_port(p))/\t\tif (inet_claim_port(p) \&\& inet_claim_port(p + INET_PORT_QUEUES))/
