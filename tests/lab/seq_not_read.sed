# NO 5.11
# the datagrams 0 1 2 4 3 5 5 7 give
s/^\(\t* *\)\.seq = ntohs(hdr->seq) };/\1.seq = 0 };/
