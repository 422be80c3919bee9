# NO 1.1
# unused variable
/^static int shortest_queue/,/^}/s/int best = 0;/int best = 0, unused;/
