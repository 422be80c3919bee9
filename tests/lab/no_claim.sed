# NO 3.11
# queue 5 has 2 ports and not 1
s/return inet_claim_port(snum) ? snum : -EADDRINUSE;/return snum;/
