# NO 5.4
# wrong byte order
s/htons(seq)/seq/;s/ntohs(hdr->seq)/hdr->seq/
