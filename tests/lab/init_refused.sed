# NO 1.3
# obj_size is wrong
s/^\t\.wire = /\t.obj_size = 3,\n&/
