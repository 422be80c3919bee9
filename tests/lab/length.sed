# NO 5.1
# the header has 10 bytes, lab.conf says 8
s/^\t__be16 seq;.*/&\n\t__be16 spare;/
