# NO 5.9
# poll() wakes for a datagram
/^\t\.match = /d
