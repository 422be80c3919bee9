# NO 3.6
# queue 0 has 128 ports and not 1
s/^\tint q = shortest_queue();/\tint q = 0 * shortest_queue();/
