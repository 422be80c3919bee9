# NO 3.7
# queue 0 has 2 ports and not 1
s/^static int shortest_queue/static int length[INET_PORT_QUEUES];\n\n&/
s/inet_queue_length(\([a-z]*\))/length[\1]/g
s/^\treturn best;/\tlength[best]++;\n&/
