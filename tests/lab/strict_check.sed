# NO 5.9
# poll() wakes for a datagram
s/^\t\*info = /\tif (ntohs(hdr->seq) > 999)\n\t\treturn COP_STRAY_VERSION;\n&/
