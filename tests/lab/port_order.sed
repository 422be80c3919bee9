# NO 5.3
# wrong byte order
s/SKEL_MAGIC), source, dest,/SKEL_MAGIC), htons(source), dest,/
